// Advice: what a reader can do is said as a command by the command line alone, and every such command exists.
import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { grammar } from '../../.ci/cli-page.ts';
import { commandOf } from '../../src/cli/output/act-commands.ts';
import { type Act, Advice, advise, fixText } from '../../src/model/advice.ts';
import { TagflowError } from '../../src/model/errors.ts';

const program = grammar();
const VERBS = program.commands.map((command) => command.name());

/** The options of commands, and those of every command. */
function optionsOf(verbs: readonly string[]): ReadonlySet<string> {
  const own = program.commands.filter((command) => verbs.includes(command.name())).flatMap(({ options }) => options);
  return new Set([...program.options, ...own].flatMap(({ long, short }) => [long ?? [], short ?? []].flat()));
}

const LINE = 'prd/shop';

const ACTS: readonly (readonly [Act, command: string, words: string])[] = [
  [{ act: 'apply', line: LINE }, 'tagflow apply prd shop', 'apply prd/shop'],
  [{ act: 'approve', line: LINE }, 'tagflow approve prd shop', 'approve the release of prd/shop'],
  [{ act: 'check' }, 'tagflow check', 'check every environment'],
  [{ act: 'history', line: 'prd' }, 'tagflow history prd', 'list the history of prd'],
  [{ act: 'plan' }, 'tagflow promote ENV --plan-out FILE', 'plan a promotion of the environment'],
  [{ act: 'status' }, 'tagflow status', 'look at the status of the environment'],
  [{ act: 'see live', line: 'prd' }, 'tagflow status prd --live', 'look at what runs in prd'],
  [
    { act: 'wait live', line: LINE },
    'tagflow promote prd shop --wait-live',
    'promote prd/shop and wait until it is live',
  ],
  [{ act: 'unlock', line: 'prd' }, 'tagflow unlock prd', 'unlock prd'],
  [
    { act: 'promote', line: LINE, version: 'web=V2', despite: 'downgrade' },
    'tagflow promote prd shop web=V2 --allow-downgrade',
    'promote prd/shop with web=V2, overriding downgrade',
  ],
  [{ act: 'promote', line: 'prd', despite: 'held' }, 'tagflow promote prd --unhold', 'promote prd, overriding held'],
  [{ act: 'rollback', line: 'prd', to: '#7' }, 'tagflow rollback prd --to "#7"', 'roll back prd to #7'],
  [
    { act: 'rollback', line: 'prd', to: 'V4.0', withReason: true },
    'tagflow rollback prd --to V4.0 --reason "…"',
    'roll back prd to V4.0, with a reason',
  ],
  [{ act: 'verify', line: 'prd' }, 'tagflow verify prd --wait', 'verify prd'],
  [{ act: 'verify', line: LINE, again: true }, 'tagflow verify prd shop --wait --again', 'verify prd/shop again'],
  [{ act: 'check branch', line: 'prd', branch: 'fix' }, 'tagflow check prd --branch fix', 'check prd on branch fix'],
  [{ act: 'list digests' }, 'tagflow status -o json', 'the status of the environment'],
  [{ act: 'list journal' }, 'tagflow journal', 'list the journal'],
  [{ act: 'restart journal' }, 'tagflow journal --restart --reason "…"', 'restart the journal, with a reason'],
  [{ act: 'list errors' }, 'tagflow explain', 'list the errors'],
  [{ act: 'init' }, 'tagflow init', 'initialise the repository'],
  [{ act: 'create branches' }, 'tagflow init --yes', 'initialise the repository'],
  [{ act: 'lift', entry: 'abc' }, 'tagflow lift abc', 'lift hold abc'],
  [{ act: 'hold', image: 'web@V2' }, 'tagflow hold web@V2 --reason "…"', 'hold web@V2'],
  [{ act: 'find', image: 'web@V2' }, 'tagflow where web@V2', 'find web@V2'],
  [
    { act: 'tag', source: 'r.example/web:V2', tag: 'stable' },
    'tagflow tag r.example/web:V2 stable',
    'tag r.example/web:V2 as stable',
  ],
  [{ act: 'override', gate: 'soak' }, '--override soak --reason "…"', 'override soak, with a reason'],
  [{ act: 'allow', gate: 'divergence' }, '--discard-divergence', 'override divergence'],
  [{ act: 'say', what: 'reason' }, 'one with --reason "…"', 'the reason'],
  [{ act: 'say', what: 'upstream' }, '--from', 'the upstream'],
  [{ act: 'say', what: 'branch' }, '--branch', 'the branch'],
  [{ act: 'say', what: 'remote' }, 'the remote: --repo URL, TAGFLOW_REPO', 'the remote'],
  [{ act: 'say', what: 'release' }, '--to VERSION or --to "#SEQUENCE"', 'the release'],
  [{ act: 'say', what: 'longer time-out' }, 'a longer --timeout', 'a longer time-out'],
  [{ act: 'say', what: 'rendering' }, '--rendered', 'rendering'],
  [{ act: 'say', what: 'merge of divergence' }, '--merge-divergence', 'a merge of divergence'],
  [{ act: 'say', what: 'wait for gates' }, '--wait-gates 30m', 'wait for gates'],
];

describe('an act', () => {
  it.each(ACTS)('%j is a command for people at a terminal, and words for others', (act, command, words) => {
    expect([commandOf(act), new Advice([act]).text]).toEqual([command, words]);
  });

  it.each(ACTS)('%j names a command and options that there are', (_, text) => {
    const verb = /^tagflow ([a-z]+)/.exec(text)?.[1];
    const verbs = VERBS.filter((name) => verb === undefined || name === verb);
    expect(verbs).not.toEqual([]);
    const named = text.split(' ').filter((word) => word.startsWith('-'));
    expect(named.filter((word) => !optionsOf(verbs).has(word))).toEqual([]);
  });
});

describe('the fix of an error', () => {
  it('is text for a program, and has the acts for who says them', () => {
    const error = new TagflowError('held', {
      what: 'held',
      fix: advise`lift it: ${{ act: 'lift', entry: 'abc' }}, or ${2} more`,
    });
    expect(error.fix).toBe('lift it: lift hold abc, or 2 more');
    expect(fixText(error.advice, commandOf)).toBe('lift it: tagflow lift abc, or 2 more');
  });

  it('may hold other advice, and be plain text', () => {
    const own = advise`go back: ${{ act: 'rollback', line: 'prd' }}`;
    expect(fixText(advise`first ${own}; then push`, commandOf)).toBe('first go back: tagflow rollback prd; then push');
    expect(new TagflowError('usage', { what: 'no', fix: 'name it' }).fix).toBe('name it');
    expect(new TagflowError('usage', { what: 'no' }).fix).toBeUndefined();
  });
});

describe('the source below the command line', () => {
  // Descriptions of keys are the reference of tagflow.yaml; pull requests and evidence are read elsewhere, by people.
  const FOR_READERS = new Set([
    'src/config/schema.ts',
    'src/config/gates-schema.ts',
    'src/config/live-schema.ts',
    'src/config/verify-schema.ts',
    'src/engine/release/pull-request-text.ts',
    'src/views/evidence-read-me.ts',
  ]);
  const OTHERS = /\b(?:git|gcloud|aws|skopeo|gpg|kubectl|helm|docker|kustomize|BATCH)\b|^\s*'--|\[`--|\['--/;
  const COMMAND = new RegExp(`["'\`( ]tagflow (?:${VERBS.join('|')})\\b(?! (?:entry|tries))`);
  const flags = [...optionsOf(VERBS)].filter((flag) => flag.startsWith('--'));
  const FLAG = new RegExp(`(?<![\\w-])(?:${flags.join('|')})(?![\\w-])`);

  it('names no command of tagflow and no flag of its own', () => {
    const paths = globSync('src/**/*.ts').filter((path) => !path.startsWith('src/cli/') && !FOR_READERS.has(path));
    const found = paths.flatMap((path) =>
      readFileSync(path, 'utf8')
        .split('\n')
        .flatMap((line, at) => {
          if (/^\s*(?:\/\/|\*|\/\*)/.test(line)) return [];
          const isCommand = COMMAND.test(line);
          const isFlag = FLAG.test(line) && !OTHERS.test(line);
          return isCommand || isFlag ? [`${path}:${at + 1}: ${line.trim()}`] : [];
        }),
    );
    expect(paths.length).toBeGreaterThan(250);
    expect(found).toEqual([]);
  });
});
