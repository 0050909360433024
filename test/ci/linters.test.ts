// What others' programs say about the files that pipelines use: gitlab-ci-local checks against GitLab's own JSON schema and puts the
// inputs of components in; actionlint reads workflows and the action; a CronJob is checked against the schemas of Kubernetes, and a
// task by Tekton's own validation.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { draftCi } from '../../src/cli/init/gitlab-ci.ts';
import { draftForCi } from '../../src/cli/init/ci-systems.ts';
import { draftWorkflow } from '../../src/cli/init/github-workflow.ts';
import { parseConfig } from '../../src/config/config.ts';
import { describeReal, findProgram } from '../support/real.ts';

const root = join(import.meta.dirname, '../..');
const PIPELINE = parseConfig(readFileSync(join(root, 'environments/tagflow.yaml'), 'utf8'));
const APPLICATIONS = parseConfig(`version: 1
layout: folders
applications:
  shop: { path: 'shop/{environment}', images: { web: { repository: registry.example.com/shop/web } } }
environments: { dev: {}, prd: { from: dev } }
`);

/** A repository of these files, with what tagflow offers to pipelines beside them. */
function checkout(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'tagflow-linters-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  for (const name of ['templates', 'action.yml']) cpSync(join(root, name), join(folder, name), { recursive: true });
  mkdirSync(join(folder, '.ci'));
  cpSync(join(root, '.ci/action.mjs'), join(folder, '.ci/action.mjs'));
  const git = (...words: readonly string[]): void => {
    execFileSync('git', ['-C', folder, '-c', 'user.name=ana', '-c', 'user.email=ana@example.com', ...words]);
  };
  git('init', '-q', '-b', 'main');
  git('remote', 'add', 'origin', 'https://gitlab.example.com/acme/shop.git');
  git('add', '-A');
  git('commit', '-qm', 'files');
  return folder;
}

describeReal('gitlab-ci-local', ['gitlab-ci-local', 'git'], () => {
  /** The jobs that it finds, when they begin, and in which environment. */
  function jobsOf(text: string): readonly string[] {
    const cwd = checkout({ '.gitlab-ci.yml': text });
    const program = realpathSync(findProgram('gitlab-ci-local')!);
    const said = execFileSync(process.execPath, [program, '--list-csv-all'], {
      cwd,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], HOME: cwd },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const rows = said.split('\n').filter((line) => /^tagflow|^promote/.test(line));
    return rows.map((line) => line.split(';')[0]!).toSorted();
  }

  it('takes the components with their inputs', () => {
    const include = ['promote', 'rollback', 'apply', 'check', 'verify'].map((name) => {
      const environment = ['apply', 'check'].includes(name) ? '' : "environment: 'prd', ";
      return `  - { local: templates/${name}/template.yml, inputs: { ${environment}image: 'example@sha256:abc' } }`;
    });
    expect(jobsOf(['stages: [test, deploy]', 'include:', ...include, ''].join('\n'))).toEqual([
      'tagflow-apply',
      'tagflow-check',
      'tagflow-promote-prd',
      'tagflow-rollback-prd',
      'tagflow-verify-prd',
    ]);
  });

  it.each([
    ['images', PIPELINE, ['promote-dev', 'promote-prd', 'promote-stg']],
    ['applications', APPLICATIONS, ['promote-dev', 'promote-prd']],
  ])('takes the pipeline that init drafts for %s', (_, pipeline, jobs) => {
    expect(jobsOf(draftCi(pipeline))).toEqual([...jobs, 'tagflow-apply', 'tagflow-check', 'tagflow-doctor']);
  });

  it('refuses what is not a pipeline', () => {
    expect(() => jobsOf('promote-dev: { script: [x], artifacts: { reports: { dotenv: { a: 1 } } } }\n')).toThrow(
      /failed/,
    );
  });
});

describeReal(
  'actionlint',
  ['actionlint', 'git'],
  () => {
    function faults(text: string): string {
      const cwd = checkout({ '.github/workflows/tagflow.yml': text });
      try {
        return execFileSync('actionlint', ['-no-color', '-shellcheck=', '-pyflakes='], { cwd, encoding: 'utf8' });
      } catch (error) {
        return (error as { stdout: string }).stdout;
      }
    }
    const page = readFileSync(join(root, 'docs/how-to/promote-from-github-actions.md'), 'utf8');
    const documented = /```yaml\n(.*?)```/s.exec(page)?.[1]?.replace('tagflow/tagflow@COMMIT', './') ?? '';

    it.each([
      ['the workflow of the page, with the action', documented],
      ['the workflow that init drafts for images', draftWorkflow(PIPELINE)],
      ['the workflow that init drafts for applications', draftWorkflow(APPLICATIONS)],
    ])('takes %s', (_, text) => {
      expect(text).toContain('jobs:');
      expect(faults(text)).toBe('');
    });

    it('refuses an input that the action does not have', () => {
      expect(faults(documented.replace('images:', 'image:'))).toMatch(/input "image" is not defined/);
    });
  },
  { optional: true },
);

/** A file of these names and texts in a folder of its own: what a linter says of it, and whether it takes it. */
function judged(program: string, words: readonly string[], name: string, text: string): { ok: boolean; said: string } {
  const folder = mkdtempSync(join(tmpdir(), 'tagflow-linters-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, name), text);
  try {
    return {
      ok: true,
      said: execFileSync(program, [...words, name], { cwd: folder, encoding: 'utf8', stdio: 'pipe' }),
    };
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return { ok: false, said: stdout + stderr };
  }
}

const REMOTE = 'https://git.example.org/acme/shop.git';
const example = (name: string): string => readFileSync(join(root, 'docs/ci', name), 'utf8');
const draft = async (system: 'tekton' | 'kubernetes'): Promise<string> =>
  (await draftForCi(system, APPLICATIONS, REMOTE))[1];

describeReal(
  'kubernetes-validate',
  ['kubernetes-validate'],
  () => {
    const validate = (text: string) => judged('kubernetes-validate', ['--strict'], 'cronjob.yaml', text);

    it('takes the CronJob of the docs, and the one that init drafts', async () => {
      const ok = { ok: true, said: expect.anything() };
      expect(validate(example('kubernetes-cronjob.yaml'))).toEqual(ok);
      expect(validate(await draft('kubernetes'))).toEqual(ok);
    });

    it('refuses a field that Kubernetes does not have', () => {
      const { ok, said } = validate(example('kubernetes-cronjob.yaml').replace('backoffLimit', 'backoffLimits'));
      expect([ok, said]).toEqual([false, expect.stringContaining('backoffLimits')]);
    });
  },
  { optional: true },
);

describeReal(
  'the validation of Tekton',
  ['tekton-lint'],
  () => {
    const validate = (text: string) => judged('tekton-lint', [], 'task.yaml', text);

    it('takes the task of the docs, and the one that init drafts', async () => {
      expect(validate(example('tekton-task.yaml'))).toEqual({ ok: true, said: '' });
      expect(validate(await draft('tekton'))).toEqual({ ok: true, said: '' });
    });

    it.each([
      ['an unknown field', 'results:', 'resultz:', 'resultz'],
      ['a parameter that is not declared', '$(params.repository)', '$(params.remote)', 'remote'],
    ])('refuses %s', (_, from, to, word) => {
      const { ok, said } = validate(example('tekton-task.yaml').replace(from, to));
      expect([ok, said]).toEqual([false, expect.stringContaining(word)]);
    });
  },
  { optional: true },
);
