// The workflow that `init` drafts for GitHub: what starts it, and what its scripts do in a shell.
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { draftWorkflow } from '../../src/cli/init/github-workflow.ts';
import { parseConfig } from '../../src/config/config.ts';

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly jobs: Readonly<
    Record<string, { readonly env?: object; readonly steps: readonly { readonly run?: string }[] }>
  >;
}

const ONE =
  'version: 1\nimages: { web: { repository: r.example.com/web } }\nenvironments: { dev: {}, prd: { from: dev } }\n';
const SEVERAL = `version: 1
layout: folders
applications:
  web: { path: 'web/{environment}', images: { web: { repository: r.example.com/web } } }
  api: { path: 'api/{environment}', images: { api: { repository: r.example.com/api } } }
environments: { dev: {}, prd: { from: dev } }
`;

function draft(config: string): Workflow {
  return parse(draftWorkflow(parseConfig(config))) as Workflow;
}

/** The words of the tagflow command that a job's script runs. */
function words(workflow: Workflow, env: Readonly<Record<string, string>>): string {
  const script = workflow.jobs['promote']?.steps.flatMap(({ run }) => (run?.includes('tagflow promote') ? [run] : []));
  const spy = `tagflow() { printf '[%s]' "$@"; }`;
  return execFileSync('bash', ['-euc', [spy, ...(script ?? [])].join('\n')], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    encoding: 'utf8',
    cwd: import.meta.dirname,
  });
}

describe('the workflow for GitHub', () => {
  it('is started by hand and on a schedule, and by no push: a release starts nothing', () => {
    for (const config of [ONE, SEVERAL])
      expect(Object.keys(draft(config).on)).toEqual(['schedule', 'workflow_dispatch']);
  });

  it('hands no input to a script as its text', () => {
    for (const config of [ONE, SEVERAL]) {
      const runs = Object.values(draft(config).jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
      expect(runs.filter((run) => run.includes('${{'))).toEqual([]);
    }
  });

  it.each([
    [ONE, { ENVIRONMENT: 'prd', VERSIONS: '' }, '[promote][prd]'],
    [ONE, { ENVIRONMENT: 'dev', VERSIONS: 'web=1.2' }, '[promote][dev][web=1.2]'],
    [
      SEVERAL,
      { ENVIRONMENT: 'dev', APPLICATIONS: 'web api', VERSIONS: 'web/web=2' },
      '[promote][dev][web][api][web/web=2]',
    ],
    [SEVERAL, { ENVIRONMENT: 'dev', APPLICATIONS: '*', VERSIONS: '$(id) `id`' }, '[promote][dev][*][$(id)][`id`]'],
  ])('promotes what the form says (%#)', (config, env, expected) => {
    expect(words(draft(config), env)).toBe(expected);
  });
});
