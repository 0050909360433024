// The CI file that `init` drafts: its jobs, and what their scripts do in a shell.
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { draftCi } from '../../src/cli/init/gitlab-ci.ts';
import { createProgram } from '../../src/cli/program.ts';
import { parseConfig } from '../../src/config/config.ts';
import { captureIo } from '../support/io.ts';

interface Job {
  readonly environment?: { readonly name: string };
  readonly resource_group?: string;
  readonly rules: readonly { readonly if: string; readonly when?: string }[];
  readonly script: readonly string[];
}

function draft(...images: readonly string[]): string {
  const lines = images.map((name) => `  ${name}: { repository: registry.example.com/acme/${name} }`);
  const environments = '  dev: {}\n  stg: { from: dev }\n  prd: { from: stg }';
  return draftCi(parseConfig(`version: 1\nimages:\n${lines.join('\n')}\nenvironments:\n${environments}\n`));
}

function jobsOf(text: string): Readonly<Record<string, Job>> {
  const all = parse(text) as Record<string, Job>;
  return Object.fromEntries(Object.entries(all).filter(([name]) => /^(?:promote|tagflow)-/.test(name)));
}

/** The words of each tagflow command that a job's script runs, in the shell of a runner. */
function runs(script: readonly string[], env: Readonly<Record<string, string>>): readonly string[] {
  const spy = `tagflow() { printf '[%s]' "$@"; printf '\\n'; }`;
  const output = execFileSync('sh', ['-euc', [spy, ...script].join('\n')], {
    env: { PATH: process.env['PATH'] ?? '', CI_COMMIT_TAG: '', ...env },
    encoding: 'utf8',
  });
  return output.trim().split('\n');
}

const SCHEDULED = ['tagflow-apply', 'tagflow-check', 'tagflow-doctor'];
const HOSTILE = `V1"; touch /tmp/owned; $(id) 'x'`;

describe('the jobs of GitLab CI', () => {
  test('one for each environment, in a group of its own, one that repairs, and two that look', () => {
    const jobs = jobsOf(draft('django', 'mariadb'));
    expect(Object.keys(jobs)).toEqual(['promote-dev', 'promote-stg', 'promote-prd', ...SCHEDULED]);
    for (const name of ['dev', 'stg', 'prd']) {
      expect(jobs[`promote-${name}`]).toMatchObject({ environment: { name }, resource_group: `tagflow-${name}` });
    }
  });

  test('every promotion is by hand, but for the first one at a tag of a repository of one image', () => {
    const automatic = (text: string): string[] =>
      Object.entries(jobsOf(text)).flatMap(([name, { rules }]) =>
        rules.filter((rule) => rule.when !== 'manual').map((rule) => `${name}: ${rule.if}`),
      );
    const scheduled = [
      'tagflow-apply: $CI_PIPELINE_SOURCE == "schedule" && $TAGFLOW_SCHEDULE != "daily"',
      'tagflow-check: $CI_PIPELINE_SOURCE == "schedule" && $TAGFLOW_SCHEDULE == "daily"',
      'tagflow-doctor: $CI_PIPELINE_SOURCE == "schedule" && $TAGFLOW_SCHEDULE == "daily"',
    ];
    expect(automatic(draft('django', 'mariadb'))).toEqual(scheduled);
    expect(automatic(draft('django'))).toEqual([
      'promote-dev: $CI_COMMIT_TAG && $CI_PIPELINE_SOURCE == "push"',
      ...scheduled,
    ]);
  });

  test('what is scheduled repairs tags, audits the branches and asks the doctor', () => {
    const jobs = jobsOf(draft('django', 'mariadb'));
    const lines = SCHEDULED.flatMap((name) => runs(jobs[name]?.script ?? [], {}));
    expect(lines).toEqual(['[apply][--all]', '[check][--since][7d]', '[doctor]']);
  });

  test('every command that they run is one that tagflow understands', () => {
    const { commands } = createProgram(captureIo([]).io);
    for (const [name, { script }] of Object.entries(jobsOf(draft('django')))) {
      for (const line of script.filter((each) => each.startsWith('tagflow '))) {
        const words = line.split(' ').slice(1);
        const command = commands.find((each) => each.name() === words[0]);
        expect(command, `${name}: ${line}`).toBeDefined();
        for (const option of words.filter((word) => word.startsWith('--')))
          expect(command?.options.map(({ long }) => long)).toContain(option);
      }
    }
  });

  test.each([
    [
      'the versions that were given',
      { VERSION_DJANGO: 'V4.2', VERSION_MARIADB: 'V10.6' },
      '[django=V4.2][mariadb=V10.6]',
    ],
    ['one of them', { VERSION_MARIADB: 'V10.6' }, '[mariadb=V10.6]'],
    ['none', {}, ''],
    ['a version that would be a command', { VERSION_DJANGO: HOSTILE }, `[django=${HOSTILE}]`],
  ])('promotes each image by its own version: %s', (_, env, words) => {
    const job = jobsOf(draft('django', 'mariadb'))['promote-dev'];
    const given = { VERSION_DJANGO: '', VERSION_MARIADB: '', ...env };
    expect(runs(job?.script ?? [], given)).toEqual([`[promote][dev]${words}`]);
  });

  test.each([
    ['the Git tag', { CI_COMMIT_TAG: 'V4.2' }, 'V4.2'],
    ['the version that was given', { CI_COMMIT_TAG: 'V4.2', VERSION_DJANGO: 'V4.1' }, 'V4.1'],
    ['a Git tag that would be a command', { CI_COMMIT_TAG: HOSTILE }, HOSTILE],
  ])('promotes a single image by %s', (_, env, version) => {
    const job = jobsOf(draft('django'))['promote-dev'];
    expect(runs(job?.script ?? [], { VERSION_DJANGO: '', ...env })).toEqual([`[promote][dev][django=${version}]`]);
  });

  test('images whose names differ in signs alone have variables of their own', () => {
    const { variables } = parse(draft('a-b', 'a.b')) as { variables: Record<string, unknown> };
    expect(Object.keys(variables)).toEqual(['TAGFLOW_PACKAGE', 'VERSION_A_B', 'VERSION_A_B__2', 'TAGFLOW_REASON']);
  });

  test('install what the variable names, and nothing from a registry that does not have it', () => {
    const text = draft('django');
    const { '.tagflow': shared } = parse(text) as { '.tagflow': { before_script: readonly string[] } };
    const npm = `npm() { printf '[%s]' "$@"; }; command() { false; }`;
    const install = (value: string): string =>
      execFileSync('sh', ['-euc', [npm, ...shared.before_script].join('\n')], {
        env: { PATH: process.env['PATH'] ?? '', TAGFLOW_PACKAGE: value },
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    expect(install('./ci/tagflow.tgz')).toBe('[install][--global][--ignore-scripts][./ci/tagflow.tgz]');
    expect(() => install('')).toThrow(/Command failed/);
    expect(text).not.toMatch(/tagflow@|unpkg/);
  });
});
