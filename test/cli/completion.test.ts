// What is offered for the word that is being typed, and the scripts of shells that ask for it.
import { execFile, spawnSync } from 'node:child_process';
import { chmod, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { positionOf, splitPlace } from '../../src/cli/position.ts';
import { COMMANDS } from '../../src/cli/program.ts';
import { MAIN } from '../support/cli.ts';
import { run } from '../support/io.ts';

describe('the position at the end of a line', () => {
  test.each<[readonly string[], object]>([
    [['pro'], { kind: 'words', words: expect.arrayContaining(['promote', 'rollback']) }],
    [['-C', 'x', ''], { kind: 'words', words: expect.arrayContaining(['promote']) }],
    [['promote', ''], { kind: 'values', completion: 'environment' }],
    [['promote', 'dev', ''], { kind: 'values', completion: 'pair', typed: ['dev'] }],
    [['promote', 'dev', 'a=1', 'b'], { kind: 'values', completion: 'pair' }],
    [['promote', 'dev', '--from', ''], { kind: 'values', completion: 'environment' }],
    [['promote', 'dev', '--'], { kind: 'words', words: expect.arrayContaining(['--from', '--repo']) }],
    [['rollback', 'prd', '--to', ''], { kind: 'values', completion: 'release', command: 'rollback', typed: ['prd'] }],
    [['rollback', '--reason', 'promote', ''], { kind: 'values', completion: 'environment', command: 'rollback' }],
    [['rollback', 'prd', ''], { kind: 'values', command: 'rollback', typed: ['prd'] }],
    [['history', '--image', ''], { kind: 'values', completion: 'image' }],
    [['status', '-o', ''], { kind: 'words', words: ['table', 'json', 'yaml', 'md', 'csv', 'openmetrics'] }],
    [['completion', ''], { kind: 'words', words: ['bash', 'zsh', 'fish'] }],
    [['-qC', 'promote', ''], { kind: 'words', words: expect.arrayContaining(['promote']) }],
  ])('%j', (words, expected) => {
    expect(positionOf(COMMANDS, words)).toMatchObject(expected);
  });

  test('offers nothing that is hidden', () => {
    const position = positionOf(COMMANDS, ['promote', 'dev', '--']);
    expect(position).toMatchObject({ words: expect.not.arrayContaining(['--no-wait']) });
    expect(positionOf(COMMANDS, [''])).toMatchObject({ words: expect.not.arrayContaining(['__complete']) });
  });

  test.each([
    [
      ['-C', 'demo', 'promote', 'd'],
      ['-C', 'demo'],
      ['promote', 'd'],
    ],
    [
      ['promote', '--repo', 'url', ''],
      ['--repo', 'url'],
      ['promote', ''],
    ],
    [['-C', 'de'], [], ['-C', 'de']],
  ])('the place that %j names is looked at', (words, place, rest) => {
    expect(splitPlace(words)).toEqual({ place, rest });
  });
});

describe('candidates', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tagflow-completion-'));
    await cp(join(import.meta.dirname, '../../environments/tagflow.yaml'), join(folder, 'tagflow.yaml'));
    const program = join(folder, 'tagflow');
    await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
    await chmod(program, 0o755);
  });
  afterAll(async () => rm(folder, { recursive: true, force: true }));

  test.each([
    [
      ['promote', ''],
      ['dev', 'stg', 'prd'],
    ],
    [['promote', 'p'], ['prd']],
    [['promote', 'dev', 'd'], ['django=']],
    [['explain', 'hel'], ['held']],
    [['help', 'roll'], ['rollback']],
    [['where', 'm'], ['mariadb@']],
    [['promote', 'dev', '--allow'], ['--allow-downgrade']],
    [['show', '--at', ''], []],
  ])('for %j', async (words, expected) => {
    const { exit, stdout, stderr } = await run(['__complete', '--', ...words], {}, folder);
    expect([exit, stdout.split('\n').filter(Boolean), stderr]).toEqual([0, expected, '']);
  });

  test('in a folder without anything there are none, and no error', async () => {
    expect(await run(['__complete', '--', 'promote', ''], {}, '/')).toEqual({ exit: 0, stdout: '', stderr: '' });
  });

  /** What a shell offers for a line, by its real completion. */
  async function offered(shell: string, script: string): Promise<string> {
    const env = { PATH: `${folder}:${process.env['PATH']}`, HOME: folder };
    return (await promisify(execFile)(shell, ['-c', script], { cwd: folder, env })).stdout;
  }

  test.each([
    ['promote p', 'prd'],
    ['promote dev dj', 'django='],
    ['-C . promote s', 'stg'],
  ])('bash offers names for %j', async (line, expected) => {
    const words = line.split(' ');
    const script = `source <(tagflow completion bash)
COMP_LINE='tagflow ${line}' COMP_POINT=${line.length + 8} COMP_WORDS=(tagflow ${line}) COMP_CWORD=${words.length}
_tagflow; echo "\${COMPREPLY[*]}"`;
    expect((await offered('bash', script)).trim()).toBe(expected);
  });

  const hasFish = spawnSync('fish', ['--version']).status === 0;
  test.runIf(hasFish)('fish offers names, where it is there', async () => {
    const said = await offered('fish', 'tagflow completion fish | source; complete -C "tagflow promote p"');
    expect(said.split('\n').map((line) => line.split('\t')[0])).toContain('prd');
  });
});
