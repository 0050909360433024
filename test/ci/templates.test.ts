// The GitLab components and the GitHub action that other pipelines use: what they declare, and what their scripts run in a
// shell, whatever the values are.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { createProgram } from '../../src/cli/program.ts';
import { captureIo } from '../support/io.ts';

const root = join(import.meta.dirname, '../..');
const COMPONENTS = readdirSync(join(root, 'templates'));
const HOSTILE = `V1"; touch /tmp/owned; $(id) 'x' *`;

interface Input {
  readonly description?: string;
  readonly default?: string | readonly object[];
}
interface Job {
  readonly resource_group?: string;
  readonly retry: { readonly exit_codes: readonly number[] };
  readonly variables: Readonly<Record<string, string | { readonly value: string; readonly expand: boolean }>>;
  readonly before_script: readonly string[];
  readonly script: readonly string[];
}

/** A component, its inputs put in as GitLab does: into the values of the parsed YAML. */
function component(name: string, values: Readonly<Record<string, string>> = {}) {
  const text = readFileSync(join(root, 'templates', name, 'template.yml'), 'utf8');
  const [header, body] = parseAllDocuments(text).map((document) => document.toJS() as Record<string, unknown>);
  const { inputs } = (header as { spec: { inputs: Readonly<Record<string, Input>> } }).spec;
  const fill = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(fill);
    if (node !== null && typeof node === 'object') {
      return Object.fromEntries(Object.entries(node).map(([key, value]) => [fill(key), fill(value)]));
    }
    if (typeof node !== 'string') return node;
    const whole = /^\$\[\[ inputs\.(\w+) \]\]$/.exec(node)?.[1];
    const valueOf = (input: string): unknown => {
      if (!(input in inputs)) throw new Error(`${name} has no input ${input}`);
      return values[input] ?? inputs[input]?.default;
    };
    if (whole !== undefined) return valueOf(whole);
    return node.replaceAll(/\$\[\[ inputs\.(\w+) \]\]/g, (_, input: string) => String(valueOf(input)));
  };
  const [[job, definition]] = Object.entries(fill(body) as Record<string, Job>) as [[string, Job]];
  return { inputs, job, definition };
}

/** The words of each tagflow command that a script runs. */
function runs(script: readonly string[], env: Readonly<Record<string, string>>, shell = 'sh'): readonly string[] {
  const spy = `tagflow() { printf '[%s]' "$@"; printf '\\n'; }`;
  const variables = { PATH: process.env['PATH'] ?? '', ...env };
  return execFileSync(shell, ['-euc', [spy, ...script].join('\n')], {
    env: variables,
    encoding: 'utf8',
    // Bash reads a start-up file where its input is a socket.
    stdio: ['ignore', 'pipe', 'pipe'],
  })
    .trim()
    .split('\n');
}

function variablesOf({ variables }: Job): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [name, typeof value === 'string' ? value : value.value]),
  );
}

function optionsOf(words: string): readonly string[] {
  return [...words.matchAll(/\[(--[a-z-]+)\]/g)].map(([, option]) => option!);
}

describe('the components of GitLab', () => {
  it.each(COMPONENTS)('%s describes each input, and wants a container image to be named', (name) => {
    const { inputs } = component(name);
    expect(Object.values(inputs).filter(({ description }) => description === undefined)).toEqual([]);
    expect(inputs['image']).not.toHaveProperty('default');
  });

  it.each([
    [
      'promote',
      { environment: 'prd', images: 'django=V4.2 mariadb=V10.6' },
      '[promote][prd][django=V4.2][mariadb=V10.6]',
    ],
    ['promote', { environment: 'prd' }, '[promote][prd]'],
    ['promote', { environment: 'prd', override: 'soak,windows' }, '[promote][prd][--override][soak,windows]'],
    ['rollback', { environment: 'prd' }, '[rollback][prd]'],
    ['rollback', { environment: 'prd', override: 'held' }, '[rollback][prd][--override][held]'],
    ['rollback', { environment: 'prd', to: '#3' }, '[rollback][prd][--to][#3]'],
    ['apply', {}, '[apply][--all]'],
    ['check', {}, '[check][--since][7d]'],
    ['verify', { environment: 'prd' }, '[verify][prd][--wait]'],
  ])('%s with %j runs what tagflow understands', (name, values, words) => {
    const { definition } = component(name, { image: 'example', ...values });
    expect(runs(definition.script, variablesOf(definition))).toEqual([words]);
    const command = createProgram(captureIo([]).io).commands.find((each) => each.name() === name);
    for (const option of optionsOf(words)) expect(command?.options.map(({ long }) => long)).toContain(option);
  });

  it.each([
    ['promote', { environment: HOSTILE }, `[promote][${HOSTILE}]`],
    ['rollback', { environment: 'prd', override: HOSTILE }, `[rollback][prd][--override][${HOSTILE}]`],
    ['rollback', { environment: 'prd', to: HOSTILE }, `[rollback][prd][--to][${HOSTILE}]`],
    ['verify', { environment: HOSTILE }, `[verify][${HOSTILE}][--wait]`],
    ['check', { since: HOSTILE }, `[check][--since][${HOSTILE}]`],
  ])('%s reads no value as code: %j', (name, values, words) => {
    const { definition } = component(name, { image: 'example', ...values });
    expect(runs(definition.script, variablesOf(definition))).toEqual([words]);
  });

  it('puts no input into a script, and lets the runner expand none', () => {
    for (const name of COMPONENTS) {
      const text = readFileSync(join(root, 'templates', name, 'template.yml'), 'utf8');
      const scripts = text.slice(text.indexOf('  before_script:'));
      expect(scripts).not.toContain('$[[');
      const { definition } = component(name, { environment: 'prd', image: 'example' });
      const own = Object.entries(definition.variables).filter(([variable]) => variable.startsWith('TAGFLOW_JOB_'));
      expect(own.filter(([, value]) => typeof value === 'string' || value.expand)).toEqual([]);
    }
  });

  it('lets promotions and rollbacks of one environment wait for each other, and of others go on', () => {
    const groups = ['promote', 'rollback'].map(
      (name) => component(name, { environment: 'prd', image: 'example' }).definition.resource_group,
    );
    expect(groups).toEqual(['tagflow-prd', 'tagflow-prd']);
  });

  it('tries again where trying again helps: a rollback that was overtaken is for a person', () => {
    const codes = COMPONENTS.map((name) => [
      name,
      component(name, { environment: 'prd', image: 'example' }).definition.retry.exit_codes,
    ]);
    expect(Object.fromEntries(codes)).toEqual({
      apply: [5, 7, 8],
      check: [7],
      promote: [5, 7, 8],
      rollback: [7, 8],
      verify: [5, 7],
    });
  });
});

describe('the action of GitHub', () => {
  const action = parse(readFileSync(join(root, 'action.yml'), 'utf8')) as {
    inputs: Readonly<Record<string, Input>>;
    runs: { steps: readonly { id?: string; run: string; env: Readonly<Record<string, string>> }[] };
  };
  const step = action.runs.steps.find(({ id }) => id === 'run')!;
  const withInputs = (inputs: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(step.env).map(([name, value]) => {
        const input = /inputs\.(\w+)/.exec(value)?.[1] ?? '';
        const byDefault = action.inputs[input]?.default;
        return [name, inputs[input] ?? (typeof byDefault === 'string' ? byDefault : '')];
      }),
    );

  it.each([
    [{ environment: 'dev', images: 'django=V4.2' }, '[promote][dev][django=V4.2]'],
    [{ environment: 'dev', images: '* $(id)' }, '[promote][dev][*][$(id)]'],
    [{ command: 'rollback', environment: 'prd', to: HOSTILE }, `[rollback][prd][--to][${HOSTILE}]`],
    [{ command: 'rollback', environment: 'prd', override: 'held' }, '[rollback][prd][--override][held]'],
    [{ environment: 'prd', override: HOSTILE }, `[promote][prd][--override][${HOSTILE}]`],
    [{ command: 'apply' }, '[apply][--all]'],
    [{ command: 'apply', environment: 'prd' }, '[apply][prd]'],
    [{ command: 'check' }, '[check]'],
    [{ command: 'setup' }, ''],
  ])('with %j', (inputs, words) => {
    expect(runs([step.run], withInputs(inputs), 'bash')).toEqual([words]);
  });

  it.each([[{ command: 'promote' }], [{ command: '$(id)' }]])('refuses %j', (inputs) => {
    expect(() => runs([step.run], withInputs(inputs), 'bash')).toThrow(/Command failed/);
  });

  it('puts no expression into a script', () => {
    for (const { run } of action.runs.steps) expect(run).not.toContain('${{');
  });
});
