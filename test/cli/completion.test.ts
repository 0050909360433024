// What is offered for the word that is being typed, and the scripts of shells that ask for it.
import { execFile, spawnSync } from 'node:child_process';
import { chmod, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { positionOf, splitPlace } from '../../src/cli/grammar/position.ts';
import { COMMANDS } from '../../src/cli/program.ts';
import { CLI_ENVIRONMENT, MAIN } from '../support/cli.ts';
import { createGitRepository } from '../support/git-repository.ts';
import { run } from '../support/io.ts';
import { describeReleased } from '../support/pipeline.ts';

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
    [['status', 'dev', ''], { kind: 'values', completion: 'line', typed: ['dev'] }],
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
    [['status', '--output=j'], ['--output=json']],
    [['promote', '--from=d'], ['--from=dev']],
    [['promote', '--dry-run=d'], []],
  ])('for %j', async (words, expected) => {
    const { exit, stdout, stderr } = await run(['__complete', '--', ...words], {}, folder);
    expect([exit, stdout.split('\n').filter(Boolean), stderr]).toEqual([0, expected, '']);
  });

  test('in a folder without anything there are none, and no error', async () => {
    expect(await run(['__complete', '--', 'promote', ''], {}, '/')).toEqual({ exit: 0, stdout: '', stderr: '' });
  });

  test('applications follow an environment, and gates stand behind commas', async () => {
    const config = `version: 1
layout: folders
applications:
  shop: { path: 'shop/{environment}', images: { web: { repository: registry.example.com/shop/web } } }
  db: { path: 'db/{environment}', images: { mariadb: { repository: registry.example.com/mariadb } } }
environments: { dev: {}, prd: { from: dev } }
`;
    await writeFile(join(folder, 'tagflow.yaml'), config);
    const words = async (...line: readonly string[]) =>
      (await run(['__complete', '--', ...line], {}, folder)).stdout.split('\n').filter(Boolean);
    expect(await words('status', '')).toEqual(['dev', 'prd']);
    expect(await words('status', 'prd', 's')).toEqual(['shop']);
    expect(await words('rollback', 'prd', '')).toEqual(['db', 'shop']);
    expect(await words('promote', 'prd', '')).toEqual(expect.arrayContaining(['db', 'shop']));
    expect(await words('promote', 'prd', '--override', 'soak,w')).toEqual(['soak,windows']);
    expect(await words('rollback', 'prd', '--override', '')).toEqual(['held']);
  });
});

test('names that only the past knows are offered where the past is asked, once no name of today fits', async () => {
  const repository = await createGitRepository();
  const config = (environments: string, renamed = ''): string =>
    `version: 1\n${renamed}images: { web: { repository: registry.example.com/web } }\nenvironments: { ${environments} }\n`;
  const commit = async (text: string) => repository.commit('main', { 'tagflow.yaml': text });
  await commit(config('dev: {}, quality: { from: dev }, prd: { from: quality }'));
  await commit(config('dev: {}, live: { from: dev }', 'renamed: { environments: { prd: live } }\n'));
  const patient = { ...CLI_ENVIRONMENT, TAGFLOW_COMPLETION_TIMEOUT: '60' };
  const words = async (...line: readonly string[]) =>
    (await run(['--repo', repository.folder, '__complete', '--', ...line], patient)).stdout.split('\n').filter(Boolean);
  expect(await words('history', '')).toEqual(['dev', 'live']);
  expect(await words('history', 'q')).toEqual(['quality']);
  expect(await words('check', 'p')).toEqual(['prd']);
  expect(await words('history', 'l')).toEqual(['live']);
  expect(await words('promote', 'q')).toEqual([]);
  await repository.remove();
});

describe('in a real shell', () => {
  const { original } = describeReleased();
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tagflow-shells-'));
    const program = join(folder, 'tagflow');
    await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
    await chmod(program, 0o755);
  });
  afterAll(async () => rm(folder, { recursive: true, force: true }));

  /** What a shell writes in the folder of a repository with releases. */
  async function inShell(shell: string, args: readonly string[]): Promise<string> {
    const { env, folder: cwd } = original();
    const path = `${folder}:${CLI_ENVIRONMENT['PATH']}`;
    const shellEnv = { PATH: path, HOME: folder, TERM: 'dumb', TAGFLOW_COMPLETION_TIMEOUT: '60' };
    const variables = { ...CLI_ENVIRONMENT, ...env, ...shellEnv };
    return (await promisify(execFile)(shell, [...args], { cwd, env: variables })).stdout;
  }

  const LINES: readonly (readonly [line: string, words: readonly string[]])[] = [
    ['promote dev dj', ['django']],
    ['promote dev django=', ['newest', 'V4.2', 'V4.0']],
    ['rollback dev --to ', ['#2', '#1', 'V4.2', 'V4.0']],
    ['history --image m', ['mariadb']],
    ['history --by ', ['ana']],
    ['history --by=a', ['ana']],
    ['-o ', ['table', 'json', 'csv']],
    ['rollback prd --im', ['--images-only']],
  ];

  const BASH = `source <(tagflow completion bash)
for typed in "$@"; do
  COMP_LINE="tagflow $typed" COMP_POINT=$((8 + \${#typed}))
  _tagflow; printf '%s\\n' "\${COMPREPLY[@]}" END
done`;
  const FISH = `tagflow completion fish | source
for typed in $argv; complete -C "tagflow $typed"; echo END; end`;
  // A zsh with an editor of its own, to which the keys are sent: Tab twice lists what is offered.
  const ZSH = `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "autoload -U compinit; compinit -u -D; source <(tagflow completion zsh)"
zpty -w shell "PS1='> '; unsetopt zle_bracketed_paste; LISTMAX=999; stty cols 200; echo REA''DY"
zpty -r -m shell said '*READY*> *'
for typed in "$@"; do
  zpty -n -w shell "tagflow $typed"$'\\t\\t'"#SHOWN"
  zpty -r -m shell said '*#SHOWN*'
  print -r -- "$said"; print END
  zpty -n -w shell $'\\x15'
done`;
  const SHELLS = [
    { shell: 'bash', args: ['--norc', '-c', BASH, 'bash'], isThere: true },
    { shell: 'fish', args: ['--no-config', '-c', FISH], isThere: starts('fish', ['--version']) },
    { shell: 'zsh', args: ['-fc', ZSH, 'zsh'], isThere: starts('zsh', ['-fc', 'zmodload zsh/zpty']) },
  ];
  describe.each(SHELLS.filter(({ isThere }) => isThere))('$shell', ({ shell, args }) => {
    let offered: readonly string[] = [];
    beforeAll(async () => {
      const said = await inShell(shell, [...args, ...LINES.map(([line]) => line)]);
      offered = stripVTControlCharacters(said).split(/^END$/m);
    });
    test.each(LINES.map(([line, words], at) => ({ line, words, at })))('offers words for "$line"', ({ words, at }) => {
      const shown = new Set(offered[at]?.replaceAll('\\', '').split(/[\s=@]+/));
      expect([...shown]).toEqual(expect.arrayContaining([...words]));
    });
  });
});

function starts(program: string, args: readonly string[]): boolean {
  return spawnSync(program, [...args]).status === 0;
}
