// The GitLab components and the GitHub action that other pipelines use: what they declare, and what their scripts run in a
// shell, whatever the values are.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { draftWorkflow } from '../../src/cli/init/github-workflow.ts';
import { createProgram } from '../../src/cli/program.ts';
import { parseConfig } from '../../src/config/config.ts';
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

  it('none ends a hold or a lock, approves, or overrides a gate unless a person says so', () => {
    const shipped = [
      ...COMPONENTS.map((name) => `templates/${name}/template.yml`),
      'action.yml',
      ...readdirSync(join(root, 'docs/ci')).map((name) => `docs/ci/${name}`),
    ];
    const said = shipped.flatMap((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      const words = /tagflow (?:lift|unlock|approve|override)\b|--(?:unhold|allow-downgrade|discard-divergence)\b/g;
      return [...text.matchAll(words)].map(([found]) => `${path}: ${found}`);
    });
    expect(said).toEqual([]);
    for (const name of COMPONENTS) {
      const { inputs, definition } = component(name, { environment: 'prd', image: 'example' });
      expect(inputs['override']?.default ?? '').toBe('');
      expect(runs(definition.script, variablesOf(definition)).join()).not.toContain('override');
    }
  });

  it.each(['promote', 'check', 'verify'])('%s lets programs of the trunk judge: gates and verifications', (name) => {
    const { definition } = component(name, { environment: 'prd', image: 'example' });
    expect(definition.variables).toMatchObject({ TAGFLOW_RUN: '1' });
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

  /** Plays a component with its hooks in a shell; tagflow ends with a code. */
  function playHooks(name: string, hooks: Readonly<Record<string, string>>, code = 0) {
    const folder = mkdtempSync(join(tmpdir(), 'tagflow-hooks-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const { definition } = component(name, { environment: 'prd', image: 'example', ...hooks });
    const spy = `tagflow() { echo "tagflow $1"; ${'TAGFLOW_DOTENV' in definition.variables ? `printf 'TAGFLOW_VERSION=V4.2\\n' >tagflow.env; ` : ''}return ${code}; }`;
    const { status, stdout } = spawnSync('sh', ['-ec', [spy, ...definition.script].join('\n')], {
      env: { PATH: process.env['PATH'] ?? '', ...variablesOf(definition) },
      cwd: folder,
      encoding: 'utf8',
    });
    return { status, lines: stdout.trim().split('\n') };
  }
  const HOOKS = {
    before: 'echo before',
    after: 'echo "after $TAGFLOW_VERSION"',
    on_failure: 'echo "failed $TAGFLOW_JOB_EXIT"',
  };

  it.each(COMPONENTS)('%s runs its hooks: before and after it', (name) => {
    const version = ['promote', 'rollback'].includes(name) ? 'V4.2' : '';
    expect(playHooks(name, HOOKS)).toEqual({
      status: 0,
      lines: ['before', `tagflow ${name}`, `after ${version}`.trim()],
    });
  });

  it.each(COMPONENTS)('%s runs a hook on failure, and ends with the code of tagflow whatever the hook does', (name) => {
    const hooks = { ...HOOKS, on_failure: `${HOOKS.on_failure}; exit 1` };
    expect(playHooks(name, hooks, 3)).toEqual({ status: 3, lines: ['before', `tagflow ${name}`, 'failed 3'] });
  });

  it.each(COMPONENTS)('%s does nothing when the hook before fails, and fails when the hook after does', (name) => {
    expect(playHooks(name, { ...HOOKS, before: 'exit 5' })).toEqual({ status: 1, lines: [''] });
    expect(playHooks(name, { ...HOOKS, after: 'exit 5' })).toEqual({ status: 1, lines: ['before', `tagflow ${name}`] });
  });

  it.each(COMPONENTS)('%s lets no value into the text of a hook', (name) => {
    const played = playHooks(name, {
      environment: HOSTILE,
      reason: HOSTILE,
      after: 'printf "%s\\n" "$TAGFLOW_JOB_ENVIRONMENT"',
    });
    expect(played.status).toBe(0);
    expect(existsSync('/tmp/owned')).toBe(false);
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

describe('the workflows of GitHub', () => {
  /** The value of an expression in which names stand for values, with alternatives: all that these workflows use. */
  function evaluated(text: string, values: Readonly<Record<string, string>>): string {
    return text.replaceAll(/\$\{\{ (.*?) \}\}/g, (_, expression: string) => {
      const terms = expression.split(' || ').map((term) => /^'(.*)'$/.exec(term)?.[1] ?? values[term] ?? '');
      return terms.find((term) => term !== '') ?? '';
    });
  }
  const page = readFileSync(join(root, 'docs/how-to/promote-from-github-actions.md'), 'utf8');
  const pipeline = parseConfig(readFileSync(join(root, 'environments/tagflow.yaml'), 'utf8'));

  it.each([
    ['of the page', /```yaml\n(.*?)```/s.exec(page)?.[1] ?? '', 'tagflow-dev'],
    ['that init drafts', draftWorkflow(pipeline), 'tagflow-'],
  ])('%s let promotions of one environment wait for each other, and of others go on', (_, text, byPush) => {
    const { jobs } = parse(text) as { jobs: { promote: { concurrency: { group: string } } } };
    const groupOf = (environment?: string): string =>
      evaluated(jobs.promote.concurrency.group, environment === undefined ? {} : { 'inputs.environment': environment });
    expect([groupOf('dev'), groupOf('prd'), groupOf()]).toEqual(['tagflow-dev', 'tagflow-prd', byPush]);
  });

  it('of the page promote the environment that the group is of', () => {
    const { jobs } = parse(/```yaml\n(.*?)```/s.exec(page)?.[1] ?? '') as {
      jobs: { promote: { concurrency: { group: string }; steps: readonly { with?: { environment: string } }[] } };
    };
    const { concurrency, steps } = jobs.promote;
    const environment = steps.find((step) => step.with)?.with?.environment;
    expect(concurrency.group).toBe(`tagflow-${environment}`);
  });
});

describe('the action of GitHub', () => {
  const action = parse(readFileSync(join(root, 'action.yml'), 'utf8')) as {
    inputs: Readonly<Record<string, Input>>;
    outputs: Readonly<Record<string, object>>;
    runs: { using: string; main: string };
  };

  /** Plays the action with programs that note their words; tagflow ends with these codes, one after the other. */
  function play(inputs: Readonly<Record<string, string>>, codes: readonly number[] = [0]) {
    const work = mkdtempSync(join(tmpdir(), 'tagflow-action-'));
    onTestFinished(() => rmSync(work, { recursive: true }));
    const at = (file: string): string => join(work, file);
    const text = (file: string): string => (existsSync(at(file)) ? readFileSync(at(file), 'utf8') : '');
    const tagflow = `#!/bin/sh
printf '[%s]' "$@" >>'${at('calls')}'; printf '\\n' >>'${at('calls')}'
env >'${at('env')}'
printf 'TAGFLOW_DIGEST=sha256:a\\nTAGFLOW_CHANGED=true\\n' >"$TAGFLOW_DOTENV"
set -- ${codes.join(' ')}; shift "$(($(wc -l <'${at('calls')}') - 1))"; exit "$1"
`;
    const npm = `#!/bin/sh
for word; do case "$word" in /*) folder=$word;; esac; done
mkdir -p "$folder/lib/node_modules/tagflow/dist"
echo "console.log('installed', process.argv.slice(2).join(' '))" >"$folder/lib/node_modules/tagflow/dist/tagflow.js"
`;
    for (const [name, script] of Object.entries({ tagflow, npm })) writeFileSync(at(name), script, { mode: 0o755 });
    const byDefault = Object.entries(action.inputs).map(([name, { default: value }]) => [name, value]);
    const given = Object.entries({ ...Object.fromEntries(byDefault), ...inputs });
    const env = {
      ...Object.fromEntries(given.map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
      PATH: `${work}:${process.env['PATH']}`,
      RUNNER_TEMP: work,
      GITHUB_SERVER_URL: 'https://github.example.com',
      GITHUB_REPOSITORY: 'acme/shop',
      GITHUB_OUTPUT: at('output'),
      GITHUB_PATH: at('path'),
      TAGFLOW_JOB_PAUSE: '1',
    };
    const { status, stdout } = spawnSync(process.execPath, [join(root, action.runs.main)], { env, encoding: 'utf8' });
    return { status, stdout, calls: text('calls').split('\n').filter(Boolean), text };
  }

  it.each([
    [{ environment: 'dev', images: 'django=V4.2' }, '[promote][--][dev][django=V4.2]'],
    [{ environment: 'dev', images: '* $(id)' }, '[promote][--][dev][*][$(id)]'],
    [{ environment: 'dev', images: '--config=x' }, '[promote][--][dev][--config=x]'],
    [{ command: 'rollback', environment: 'prd', to: HOSTILE }, `[rollback][--to=${HOSTILE}][--][prd]`],
    [{ command: 'rollback', environment: 'prd', override: 'held' }, '[rollback][--override][held][--][prd]'],
    [{ environment: 'prd', override: HOSTILE }, `[promote][--override][${HOSTILE}][--][prd]`],
    [{ command: 'apply' }, '[apply][--all]'],
    [{ command: 'apply', environment: 'prd' }, '[apply][--][prd]'],
    [{ command: 'check' }, '[check]'],
    [{ command: 'verify', environment: 'prd' }, '[verify][--wait][--][prd]'],
    [{ command: 'setup' }, '[--version]'],
  ])('with %j', (inputs, words) => {
    const { status, calls } = play(inputs);
    expect([status, calls]).toEqual([0, [words]]);
  });

  it.each([
    ['promote', '--override'],
    ['rollback', '--override'],
    ['rollback', '--to'],
    ['apply', '--all'],
    ['verify', '--wait'],
  ])('%s has the option %s that it types', (name, option) => {
    const command = createProgram(captureIo([]).io).commands.find((each) => each.name() === name);
    expect(command?.options.map(({ long }) => long)).toContain(option);
  });

  it('runs hooks before, after and on failure, with the facts as variables and without the token that was an input', () => {
    const hooks = {
      environment: 'prd',
      token: 'secret',
      before: 'echo "before $GITHUB_TOKEN"',
      after: 'echo "after $TAGFLOW_DIGEST $INPUT_TOKEN"',
      'on-failure': 'echo "failed $TAGFLOW_JOB_EXIT"; exit 9',
    };
    expect(play(hooks).stdout).toMatch(/^before \n[\s\S]*after sha256:a \n$/);
    const failed = play(hooks, [3]);
    expect([failed.status, failed.stdout]).toEqual([3, expect.stringMatching(/failed 3\n$/)]);
    const kept = play({ ...hooks, before: 'exit 1' });
    expect([kept.status, kept.calls]).toEqual([2, []]);
    expect(play({ ...hooks, after: 'exit 1' }).status).toBe(2);
  });

  it('tells tagflow where, why, and with which token; and passes its facts on', () => {
    const { text } = play({ environment: 'prd', reason: HOSTILE, token: 'secret' });
    expect(text('env')).toContain('TAGFLOW_REPO=https://github.example.com/acme/shop.git\n');
    expect(text('env')).toContain(`TAGFLOW_REASON=${HOSTILE}\n`);
    expect(text('env')).toContain('GITHUB_TOKEN=secret\n');
    expect(text('env')).toContain('TAGFLOW_RUN=1\n');
    expect(text('env')).not.toContain('INPUT_');
    expect(text('output')).toBe('digest=sha256:a\nchanged=true\n');
    expect(Object.keys(action.outputs)).toEqual(expect.arrayContaining(['digest', 'changed']));
  });

  it.each([
    [{ environment: 'prd' }, [5, 7, 0], 0, 3],
    [{ environment: 'prd' }, [8, 8, 8], 8, 3],
    [{ environment: 'prd' }, [3], 3, 1],
    [{ command: 'rollback', environment: 'prd' }, [5], 5, 1],
    [{ command: 'verify', environment: 'prd' }, [9], 9, 1],
    [{ command: 'verify', environment: 'prd' }, [7, 0], 0, 2],
  ])('with %j it ends after %j with %i', (inputs, codes, status, tries) => {
    const played = play(inputs, codes);
    expect([played.status, played.calls.length]).toEqual([status, tries]);
  });

  it('installs a package for this step and later ones, run by the Node of the action', () => {
    const { stdout, text } = play({ command: 'setup', package: 'tagflow@0.1.0' });
    expect(stdout).toContain('installed --version');
    const wrapper = execFileSync(join(text('path').trim(), 'tagflow'), ['status'], { env: {}, encoding: 'utf8' });
    expect(wrapper).toBe('installed status\n');
  });

  it.each([[{ command: 'promote' }], [{ command: '$(id)' }]])('refuses %j', (inputs) => {
    const { status, stdout, calls } = play(inputs);
    expect([status, calls]).toEqual([2, []]);
    expect(stdout).toMatch(/^::error title=tagflow::/);
  });

  it('runs on Node 24, from a file that is there', () => {
    expect(action.runs).toEqual({ using: 'node24', main: '.ci/action.mjs' });
  });
});
