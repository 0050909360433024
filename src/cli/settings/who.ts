// Who runs this: from variables of tagflow's own, of CI systems, and of Git.
import { userInfo } from 'node:os';
import type { Who } from '../../engine/context.ts';
import { plain } from '../../model/text.ts';
import type { GitSettings } from './git-settings.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** A CI system's job. */
interface Job {
  readonly name: string;
  readonly person?: string | undefined;
  readonly email?: string | undefined;
  readonly url?: string | undefined;
}

/**
 * Who runs this. A variable that is set to nothing counts as unset. Sources: TAGFLOW_ACTOR, TAGFLOW_ON_BEHALF_OF and
 * TAGFLOW_JOB_URL before all; GitLab CI (docs.gitlab.com/ci/variables/predefined_variables), GitHub Actions, Jenkins; then
 * Git's user and the login name.
 */
export function whoRuns(env: Env, { userName, userEmail }: GitSettings): Who {
  const job = jobOf(env);
  const person = env['GIT_AUTHOR_NAME'] || userName || env['USER'] || loginName();
  const actor = line(env['TAGFLOW_ACTOR'] || job?.name || person);
  const onBehalfOf = env['TAGFLOW_ON_BEHALF_OF'] || job?.person;
  const url = env['TAGFLOW_JOB_URL'] || job?.url;
  const email = env['GIT_AUTHOR_EMAIL'] || userEmail || job?.email || 'tagflow@localhost';
  return {
    actor,
    author: `${identity(env['TAGFLOW_ACTOR'] || job?.person || person)} <${identity(email).replace(/\s/g, '')}>`,
    ...(onBehalfOf && { onBehalfOf: line(onBehalfOf) }),
    ...(url && { job: line(url, 2000) }),
  };
}

function jobOf(env: Env): Job | undefined {
  if (env['GITLAB_CI']) {
    return {
      name: `ci #${env['CI_PIPELINE_IID'] || env['CI_PIPELINE_ID'] || '?'}`,
      person: env['GITLAB_USER_LOGIN'],
      email: env['GITLAB_USER_EMAIL'],
      url: env['CI_JOB_URL'],
    };
  }
  if (env['GITHUB_ACTIONS']) {
    const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = env;
    return {
      name: `ci #${env['GITHUB_RUN_NUMBER'] || '?'}`,
      person: env['GITHUB_ACTOR'],
      url: server && repository && run ? `${server}/${repository}/actions/runs/${run}` : undefined,
    };
  }
  if (env['JENKINS_URL']) {
    return { name: `ci #${env['BUILD_NUMBER'] || '?'}`, person: env['BUILD_USER_ID'], url: env['BUILD_URL'] };
  }
  return undefined;
}

function loginName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a user id that has no name.
    return 'unknown';
  }
}

/** One line that a record can hold. */
function line(text: string, limit = 200): string {
  return plain(text.trim(), limit) || 'unknown';
}

/** A name or address that a commit can hold: Git forbids these (ident.c). */
function identity(text: string): string {
  return line(text).replace(/[<>\n]/g, '') || 'unknown';
}
