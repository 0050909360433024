// The grammar: what is understood, what is refused with exit 2, and the scripts that complete it.
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { ERRORS } from '../../src/model/errors.ts';
import { VERSION } from '../../src/cli/process/version.ts';
import { captureIo, run } from '../support/io.ts';
import { temporaryFolder } from '../support/layouts.ts';

describe('what is refused as usage, with exit 2', () => {
  test.each([
    ['an unknown command', ['promte', 'prd'], 'promte'],
    ['an unknown option', ['promote', 'prd', '--forse'], '--forse'],
    ['a missing argument', ['promote'], 'tagflow promote needs <env>'],
    ['a missing word of a list', ['audit'], 'why   <action> is what to do (one of export)'],
    ['one argument too many', ['rollback', 'prd', 'shop', 'stg'], 'too many arguments'],
    ['an unknown format', ['status', '-o', 'xml'], 'xml'],
    ['a limit of 0', ['history', '--limit', '0'], 'must be a whole number'],
    ['a limit that is not a number', ['history', '--limit', 'many'], 'must be a whole number'],
    ['a time-out of 0', ['status', '--timeout', '0'], 'number of seconds'],
    ['an environment that is empty', ['rollback', ''], 'the argument <env> is empty'],
    ['an image that is empty', ['promote', 'prd', ''], 'the argument [application|image=version...] is empty'],
    ['help for no command', ['help', 'promte'], "unknown command 'promte'"],
    ['two moments', ['show', 'prd', '--at', '7d', '--release', '3'], 'cannot be used with'],
    ['a pair without a version', ['promote', 'prd', 'django='], '"django=" is not IMAGE=VERSION'],
    ['a pair without an image', ['promote', 'prd', '=V4.2'], 'is not IMAGE=VERSION'],
    ['an image that is named twice', ['promote', 'prd', 'django=V4.2', 'django=V4.3'], 'django is named twice'],
    ['a reason of two lines', ['promote', 'prd', '--reason', 'a\nb'], 'the record cannot hold this reason'],
    ['a reason that steers a terminal', ['rollback', 'prd', '--reason', '\u001b[31m'], 'cannot hold this reason'],
    ['apply to nothing', ['apply'], 'no environment was named'],
    ['apply to all and to one', ['apply', 'prd', '--all'], 'cannot be combined with --all'],
    ['a shell that is not one', ['completion', 'cmd'], 'cmd'],
    ['a version of another command', ['status', '--version'], '--version'],
    ['a near miss of a command, which is suggested', ['promte', 'prd'], 'fix   did you mean tagflow promote?'],
    ['a command like no other, with those there are', ['xyzzy'], 'it has: promote, rollback, apply'],
    [
      'a near miss of an option',
      ['rollback', 'prd', '--reasn', 'x'],
      'did you mean --reason? see: tagflow rollback --help',
    ],
    ['a folder that is not there', ['-C', '/nowhere', 'status'], 'there is no folder /nowhere'],
    [
      'an option of the program, with no command',
      ['-C', 'demo', '-o', 'xml'],
      'fix   correct --output, or leave it out',
    ],
  ])('%s', async (_, argv, what) => {
    const { exit, stdout, stderr } = await run(argv);
    expect(exit).toBe(2);
    expect(stderr).toContain(what);
    expect(stderr).toContain('docs/errors/usage.md');
    expect(stdout).toBe('');
  });

  test('a folder may be called like a command', async () => {
    using parent = temporaryFolder();
    await mkdir(join(parent.path, 'demo'));
    const { exit, stderr } = await run(['-C', 'demo', 'diff', 'dev'], {}, parent.path);
    expect([exit, stderr]).toEqual([2, expect.stringContaining('fix   tagflow diff dev ENV')]);
  });

  test.each([
    [['django=V4.2'], 'a version'],
    [['--version', 'V4.2'], '--version'],
    [['--from', 'dev'], '--from'],
    [['--reason', 'INC-1'], '--reason'],
    [['--override', 'soak'], '--override'],
    [['--unhold'], '--unhold'],
    [['--allow-downgrade'], '--allow-downgrade'],
    [['--discard-divergence'], '--discard-divergence'],
    [['--plan-out', 'other.json'], '--plan-out'],
  ])('promote --plan with %j, which the plan settles', async (more, named) => {
    const { exit, stderr } = await run(['promote', 'prd', '--plan', 'plan.json', ...more]);
    expect(exit).toBe(2);
    expect(stderr).toMatch(`error: ${named} was given beside --plan\n`);
    expect(stderr).toMatch(/why {3}the plan holds what was asked for when it was made/);
  });

  test.each([
    [['--to', 'V4.0'], '--to'],
    [['--reason', 'INC-1'], '--reason'],
    [['--images-only'], '--images-only'],
    [['--unhold'], '--unhold'],
    [['--plan-out', 'other.json'], '--plan-out'],
  ])('rollback --plan with %j, which the plan settles', async (more, named) => {
    const { exit, stderr } = await run(['rollback', 'prd', '--plan', 'plan.json', ...more]);
    expect([exit, stderr]).toEqual([2, expect.stringMatching(`error: ${named} was given beside --plan\n`)]);
  });

  test.each([
    [['--unhold'], '--override needs --reason'],
    [['--override', 'held'], '--override needs --reason'],
    [['--override', 'downgrade', '--reason', 'INC-1'], 'a rollback does not take --override downgrade'],
    [['--override', 'hold', '--reason', 'INC-1'], 'there is no gate "hold" to override'],
    [['--override', 'lock', '--reason', 'INC-1'], 'a lock is not overridden'],
  ])('rollback with %j', async (more, what) => {
    const { exit, stderr } = await run(['rollback', 'prd', '--to', 'V4.0', ...more]);
    expect([exit, stderr]).toEqual([2, expect.stringContaining(what)]);
  });

  test('a reason in the environment is not one that stands beside --plan', async () => {
    const { stderr } = await run(['promote', 'prd', '--plan', 'none.json'], { TAGFLOW_REASON: 'INC-1' });
    expect(stderr).toContain('cannot read none.json');
  });

  test('as JSON, wherever -o json stands', async () => {
    for (const argv of [
      ['-o', 'json', 'promote'],
      ['promote', '-o', 'json'],
    ]) {
      const { exit, stdout } = await run(argv);
      expect(exit).toBe(2);
      expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 1, error: { code: 'usage', exit: 2 } });
    }
  });

  test('what was typed cannot steer the terminal it comes back to', async () => {
    const { stderr } = await run(['\u001b[2J\u202e']);
    expect(stderr).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/);
  });
});

describe('--version', () => {
  test.each([
    [['--version']],
    [['-V']],
    [['--version', 'promote']],
    // A folder, not the command.
    [['-C', 'demo', '--version']],
    [['-qC', 'demo', '--version']],
    [['--directory', 'promote', '--version']],
  ])('is tagflow’s own before a command: %j', async (argv) => {
    expect(await run(argv)).toEqual({ exit: 0, stdout: `${VERSION}\n`, stderr: '' });
  });

  test.each([
    [['promote', 'dev', '--version', 'V4.2']],
    [['promote', 'dev', '--version=V4.2']],
    [['-q', 'promote', 'dev', '--version', 'V4.2']],
    [['-C', '.', 'promote', 'dev', '--version', 'V4.2']],
  ])('is that of the images in %j', async (argv) => {
    const { stdout, exit } = await run([...argv, '--repo', '/nonexistent']);
    expect(stdout).not.toContain(VERSION);
    expect(exit).toBe(7);
  });
});

test.each([[['--help']], [[]], [['-q']]])(
  'help is on stdout, with exit 0, and names every command: %j',
  async (argv) => {
    const { exit, stdout, stderr } = await run(argv);
    expect([exit, stderr]).toEqual([0, '']);
    for (const { name } of commands()) expect(stdout).toContain(`  ${name}`);
    expect(stdout).toContain('--version');
  },
);

describe('help', () => {
  test.each(commands())('of $name is a paragraph and examples that parse', async ({ name }) => {
    const { exit, stdout } = await run([name, '--help']);
    expect(exit).toBe(0);
    expect(await run(['help', name])).toEqual({ exit: 0, stdout, stderr: '' });
    const [, examples = ''] = stdout.split('\nExamples:\n');
    const lines = examples.split('\n').filter((line) => line.startsWith('  '));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).toContain(`tagflow ${name}`);
    expect(stdout.split('\n\n')[1]).toMatch(/\.$/);
    // Markdown is for the reference page.
    expect(stdout).not.toMatch(/`|\]\(/);
    // Of the documentation the single executable has the pages of errors alone.
    expect(stdout).not.toMatch(/docs\/|\bSee [A-Za-z ]+\./);
  });

  test('of rollback shows the shortest way', async () => {
    expect((await run(['rollback', '--help'])).stdout).toMatch(/^ {2}tagflow rollback prd$/m);
  });
});

test.each([[['--json', 'promote']], [['promote', '--json']]])('--json is -o json: %j', async (argv) => {
  expect(JSON.parse((await run(argv)).stdout)).toMatchObject({ error: { code: 'usage' } });
});

test.each(commands())('$name says in one line what it does', ({ summary }) => {
  expect(summary).toMatch(/^[^A-Z].*[^.]$/);
});

describe('explain', () => {
  test.each(Object.keys(ERRORS))('%s shows its page: why, and what to do', async (code) => {
    const { exit, stdout } = await run(['explain', code]);
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^Why$/m);
    expect(stdout).toMatch(/^What to do$/m);
    // What a terminal does not show as it is meant.
    expect(stdout.replace(/^ {4}.*$/gm, '')).not.toMatch(/\]\(|^#|```/m);
  });

  test('without a code lists every error', async () => {
    const { stdout } = await run(['explain', '-o', 'json']);
    const { errors } = JSON.parse(stdout) as { errors: { code: string; meaning: string }[] };
    expect(errors.map(({ code }) => code)).toEqual(Object.keys(ERRORS));
    for (const { meaning } of errors) expect(meaning).toMatch(/\.$/);
  });

  test.each([
    ['hold', 'did you mean held?'],
    ['tag', 'tag-immutable'],
    ['9', 'verification-failed'],
    ['nonsense-nonsense', 'by other names'],
  ])('%s is a usage error that says what may be meant', async (word, said) => {
    const { exit, stderr } = await run(['explain', word]);
    expect([exit, stderr]).toEqual([2, expect.stringContaining(said)]);
  });

  test('takes a code as messages and file names show it', async () => {
    const said = await Promise.all(['held', 'HELD', 'docs/errors/held.md'].map((word) => run(['explain', word])));
    expect(new Set(said.map(({ stdout }) => stdout)).size).toBe(1);
    expect(said.map(({ exit }) => exit)).toEqual([0, 0, 0]);
  });
});

describe('completion', () => {
  // What they offer is played in test/cli/completion.test.ts.
  test.each(['bash', 'zsh', 'fish'])('of %s is a script that it takes, where it is there', async (shell) => {
    const { stdout, exit } = await run(['completion', shell]);
    expect(exit).toBe(0);
    const said = await check(shell, stdout);
    expect(['', 'not there']).toContain(said);
  });
});

/** What a shell says of a script's syntax. */
async function check(shell: string, script: string): Promise<string> {
  try {
    const { stderr } = await promisify(execFile)(shell, ['-n', '-c', script]);
    return stderr;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'not there';
    throw error;
  }
}

function commands(): { readonly name: string; readonly summary: string; readonly options: readonly string[] }[] {
  const shown = createProgram(captureIo([]).io).commands.filter((command) => !command.name().startsWith('__'));
  return shown.map((command) => ({
    name: command.name(),
    summary: command.summary(),
    options: command.options.flatMap(({ long, hidden }) => (hidden || long === undefined ? [] : [long])),
  }));
}
