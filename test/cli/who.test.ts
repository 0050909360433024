// Who runs it: from variables of tagflow's own, CI systems, Git, and the machine.
import { describe, expect, test } from 'vitest';
import { whoRuns } from '../../src/cli/settings/who.ts';
import { isRecordText } from '../../src/model/release-record.ts';
import { NO_GIT_SETTINGS } from '../support/io.ts';

const GIT = { ...NO_GIT_SETTINGS, userName: 'Ana Silva', userEmail: 'ana@example.org' };

const GITLAB = {
  GITLAB_CI: 'true',
  CI_PIPELINE_IID: '88',
  CI_PIPELINE_ID: '123456',
  CI_JOB_URL: 'https://gitlab.example.org/shop/-/jobs/9',
  GITLAB_USER_LOGIN: 'ana',
  GITLAB_USER_EMAIL: 'ana@gitlab.example.org',
};
const GITHUB = {
  GITHUB_ACTIONS: 'true',
  GITHUB_RUN_NUMBER: '88',
  GITHUB_RUN_ID: '777',
  GITHUB_SERVER_URL: 'https://github.com',
  GITHUB_REPOSITORY: 'acme/shop',
  GITHUB_ACTOR: 'ana',
};
const JENKINS = {
  JENKINS_URL: 'https://ci.example.org/',
  BUILD_NUMBER: '88',
  BUILD_URL: 'https://ci.example.org/job/x/88/',
  BUILD_USER_ID: 'ana',
};

test.each([
  [
    'GitLab',
    GITLAB,
    NO_GIT_SETTINGS,
    { actor: 'ci #88', onBehalfOf: 'ana', author: 'ana <ana@gitlab.example.org>', job: GITLAB.CI_JOB_URL },
  ],
  [
    'GitHub',
    GITHUB,
    NO_GIT_SETTINGS,
    {
      actor: 'ci #88',
      onBehalfOf: 'ana',
      author: 'ana <tagflow@localhost>',
      job: 'https://github.com/acme/shop/actions/runs/777',
    },
  ],
  [
    'Jenkins',
    JENKINS,
    NO_GIT_SETTINGS,
    { actor: 'ci #88', onBehalfOf: 'ana', author: 'ana <tagflow@localhost>', job: JENKINS.BUILD_URL },
  ],
  ['a terminal with a Git user', { USER: 'root' }, GIT, { actor: 'Ana Silva', author: 'Ana Silva <ana@example.org>' }],
  ['a terminal without', { USER: 'ana' }, NO_GIT_SETTINGS, { actor: 'ana', author: 'ana <tagflow@localhost>' }],
  [
    'Git variables',
    { GIT_AUTHOR_NAME: 'Ben', GIT_AUTHOR_EMAIL: 'ben@example.org' },
    GIT,
    { actor: 'Ben', author: 'Ben <ben@example.org>' },
  ],
  [
    'tagflow variables before all',
    { ...GITLAB, TAGFLOW_ACTOR: 'bot', TAGFLOW_ON_BEHALF_OF: 'eva', TAGFLOW_JOB_URL: 'https://ci/1' },
    GIT,
    { actor: 'bot', onBehalfOf: 'eva', job: 'https://ci/1', author: 'bot <ana@example.org>' },
  ],
  [
    'empty variables, as CI systems set them, count as unset',
    {
      ...GITLAB,
      TAGFLOW_ACTOR: '',
      TAGFLOW_ON_BEHALF_OF: '',
      TAGFLOW_JOB_URL: '',
      GIT_AUTHOR_NAME: '',
      GIT_AUTHOR_EMAIL: '',
    },
    NO_GIT_SETTINGS,
    { actor: 'ci #88', onBehalfOf: 'ana', author: 'ana <ana@gitlab.example.org>', job: GITLAB.CI_JOB_URL },
  ],
  [
    'a job without a person',
    { ...GITLAB, GITLAB_USER_LOGIN: '', GITLAB_USER_EMAIL: undefined, USER: 'gitlab-runner' },
    NO_GIT_SETTINGS,
    { actor: 'ci #88', author: 'gitlab-runner <tagflow@localhost>', job: GITLAB.CI_JOB_URL },
  ],
  [
    'GitLab without a number in its project',
    { ...GITLAB, CI_PIPELINE_IID: '', CI_JOB_URL: undefined },
    NO_GIT_SETTINGS,
    { actor: 'ci #123456', onBehalfOf: 'ana', author: 'ana <ana@gitlab.example.org>' },
  ],
  [
    'GitHub without the id of a run, which has no address',
    { ...GITHUB, GITHUB_RUN_ID: undefined },
    NO_GIT_SETTINGS,
    { actor: 'ci #88', onBehalfOf: 'ana', author: 'ana <tagflow@localhost>' },
  ],
  [
    'a job without a number',
    { ...JENKINS, BUILD_NUMBER: undefined, BUILD_USER_ID: undefined, USER: 'jenkins' },
    NO_GIT_SETTINGS,
    { actor: 'ci #?', author: 'jenkins <tagflow@localhost>', job: JENKINS.BUILD_URL },
  ],
])('%s', (_, env, git, expected) => {
  expect(whoRuns(env, git)).toEqual(expected);
});

describe('names from outside', () => {
  test.each(['a\nTagflow-Release: 9', '\u001b[31mred', 'a <b> c', '\u202ereversed', '   ', 'x'.repeat(5000)])(
    '%j fits a record and a commit',
    (name) => {
      const {
        actor,
        author,
        onBehalfOf = 'x',
      } = whoRuns(
        { TAGFLOW_ACTOR: name, TAGFLOW_ON_BEHALF_OF: name, GIT_AUTHOR_EMAIL: `${name}@x y` },
        NO_GIT_SETTINGS,
      );
      expect(isRecordText(actor) && isRecordText(onBehalfOf)).toBe(true);
      expect(author).toMatch(/^[^<>\x00-\x1f\x7f]+ <[^<>\x00-\x20\x7f]*>$/);
    },
  );

  test('the URL of a job is kept whole', () => {
    const job = `https://gitlab.example.org/${'group/'.repeat(60)}-/jobs/9`;
    expect(whoRuns({ TAGFLOW_JOB_URL: job }, NO_GIT_SETTINGS).job).toBe(job);
  });

  test('the URL of a job is no longer than a record can hold', () => {
    const { job = '' } = whoRuns({ TAGFLOW_JOB_URL: `https://ci.example.org/${'x'.repeat(5000)}` }, NO_GIT_SETTINGS);
    expect(isRecordText(job)).toBe(true);
  });
});
