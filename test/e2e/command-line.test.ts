// The command line as people and scripts meet it: the demo, every format of every reading command, streams that are closed or
// full, colours, quiet, completion, and what a CI system reads after a step.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CLI_ENVIRONMENT, MAIN, runCli, succeeded } from '../support/cli.ts';
import { run, temporaryFolder } from '../support/git-repository.ts';
import { changesNothing, describeReleased, release, releaseOf } from '../support/pipeline.ts';
import { findProgram } from '../support/real.ts';

const { original, fork } = describeReleased();

describe.concurrent('the demo', () => {
  it('refuses a folder with something in it', async () => {
    const folder = await temporaryFolder('demo');
    await mkdir(join(folder, 'shop'));
    await writeFile(join(folder, 'shop/precious'), 'mine');
    const result = await runCli(['demo', 'shop'], { cwd: folder });
    expect(result).toFail({ code: 'usage', what: /shop is not empty/, why: /precious/, fix: /tagflow demo DIR/ });
    expect(await readFile(join(folder, 'shop/precious'), 'utf8')).toBe('mine');
    await run('rm', ['-r', folder]);
  });
});

const READING: readonly { readonly args: readonly string[]; readonly key: string }[] = [
  { args: ['status'], key: 'environments' },
  { args: ['diff', 'dev', 'stg'], key: 'images' },
  { args: ['history'], key: 'releases' },
  { args: ['show', 'dev'], key: 'sequence' },
  { args: ['where', 'django@V4.0'], key: 'spans' },
];

describe.concurrent('results as data', () => {
  it.each(READING)('$args as JSON, YAML and Markdown', async ({ args, key }) => {
    const [json, yaml, markdown] = await Promise.all(
      ['json', 'yaml', 'md'].map(async (format) => succeeded(await original().tagflow(['-o', format, ...args]))),
    );
    const data = JSON.parse(json!) as Record<string, unknown>;
    expect(data).toMatchObject({ schemaVersion: 1, [key]: expect.anything() as unknown });
    expect(parse(yaml!)).toEqual(data);
    expect(markdown).toMatch(/^\| .* \|\n\|(?:---\|)+$/m);
  });

  it('an environment variable chooses the format, and a flag stands over it', async () => {
    const env = { TAGFLOW_OUTPUT: 'json' };
    const [chosen, overridden] = await Promise.all([
      original().tagflow(['history'], { env }),
      original().tagflow(['-o', 'table', 'history'], { env }),
    ]);
    expect(succeeded(chosen)).toMatch(/^\{\n {2}"schemaVersion": 1/);
    expect(succeeded(overridden)).toMatch(/^# +ENV/);
  });

  it('a CI system reads the release from a dotenv file, the outputs and the summary of the step', async () => {
    const other = await fork();
    const file = (name: string): string => join(other.folder, name);
    const env = {
      TAGFLOW_DOTENV: file('dotenv'),
      GITHUB_OUTPUT: file('output'),
      GITHUB_STEP_SUMMARY: file('summary'),
    };
    succeeded(await other.tagflow(['promote', 'stg'], { env }));
    const dotenv = await readFile(file('dotenv'), 'utf8');
    expect(dotenv).toMatch(/^TAGFLOW_ENV=stg\nTAGFLOW_VERSION=django=V4\.2,mariadb=V10\.6\n/);
    expect(dotenv).toMatch(/^TAGFLOW_PREVIOUS=django=V4\.0,mariadb=V10\.6\nTAGFLOW_CHANGED=true\n/m);
    expect(await readFile(file('output'), 'utf8')).toBe(dotenv);
    expect(await readFile(file('summary'), 'utf8')).toMatch(/^\| stg \| django \| V4\.0 → V4\.2 \|/m);
  });
});

describe.concurrent('streams', () => {
  it('a reader that goes away ends nothing: the promotion is done, whole, and no stack is shown', async () => {
    const other = await fork();
    const { child, done } = other.start(['-v', 'promote', 'stg']);
    child.stdout.destroy();
    child.stderr.destroy();
    expect((await done).exit).toBe(0);
    expect(await releaseOf(other, 'stg')).toEqual(release(2, 'V4.2'));
  });

  it('a closed stdout of a reading command shows no stack', async () => {
    const { child, done } = original().start(['history']);
    child.stdout.destroy();
    expect(await done).toMatchObject({ exit: 0, stderr: '' });
  });

  it('a result that finds no room is a failure, told on stderr', async () => {
    const under = ['sh', '-c', 'exec "$@" >/dev/full', 'sh'];
    const result = await changesNothing(original(), async () => original().tagflow(['history'], { under }));
    expect(result).toFail({ code: 'storage-failed', what: /stdout/, why: /ENOSPC/ });
  });

  it('results are on stdout and everything else on stderr; -q leaves results and errors', async () => {
    const other = await fork();
    const quiet = await other.tagflow(['-q', 'promote', 'stg']);
    expect(quiet.stderr).toBe('');
    expect(succeeded(quiet)).toMatch(/committed [0-9a-f]{7} to stg/);
    expect(await other.tagflow(['-q', 'promote', 'qa'])).toFail({ code: 'environment-not-found' });
  });
});

describe.concurrent('colours', () => {
  const escape = '\u001b[';

  it('are for terminals', async () => {
    const plain = await original().tagflow(['status']);
    expect(succeeded(plain)).not.toContain(escape);
    expect(succeeded(await original().tagflow(['status'], { env: { FORCE_COLOR: '1' } }))).toContain(escape);
  });

  it.skipIf(!findProgram('script'))('are not for a terminal whose user sets NO_COLOR', () => {
    // The line of progress is steered as well; colours are what is asked about.
    const colour = new RegExp(`${escape.replace('[', '\\[')}[0-9;]*m`);
    expect(atTerminal({})).toMatch(colour);
    expect(atTerminal({ NO_COLOR: '1' })).not.toMatch(colour);
  });
});

describe.concurrent('help and completion', () => {
  it('help and version go to stdout, without a repository or a network', async () => {
    const cwd = '/';
    const [help, version, promote] = await Promise.all([
      runCli(['--help'], { cwd }),
      runCli(['--version'], { cwd }),
      runCli(['promote', '--help'], { cwd }),
    ]);
    for (const name of ['promote', 'rollback', 'apply', 'status', 'diff', 'history', 'show', 'where', 'tag', 'init']) {
      expect(succeeded(help)).toMatch(new RegExp(`^ +${name} `, 'm'));
    }
    expect(succeeded(version)).toMatch(/^\d+\.\d+\.\d+/);
    expect(succeeded(promote)).toMatch(/--plan-out <file>/);
  });

  it.each(['bash', 'zsh', 'fish'])('%s takes its completion script', async (shell) => {
    const text = succeeded(await runCli(['completion', shell]));
    expect(text).toContain('__complete');
    const program = findProgram(shell);
    if (!program) return;
    const file = join(await temporaryFolder('completion'), 'script');
    await writeFile(file, text);
    const checked = spawnSync(program, ['-n', file], { encoding: 'utf8' });
    expect({ status: checked.status, stderr: checked.stderr }).toEqual({ status: 0, stderr: '' });
  });
});

/** What a reading command prints at a terminal, with escape sequences. */
function atTerminal(env: Readonly<Record<string, string>>): string {
  const command = `${process.execPath} ${MAIN} status`;
  return execFileSync(findProgram('script')!, ['-qec', command, '/dev/null'], {
    cwd: original().folder,
    env: { ...CLI_ENVIRONMENT, ...original().env, TERM: 'xterm-256color', ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}
