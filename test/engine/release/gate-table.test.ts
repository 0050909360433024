// Every gate × every verb × every layout: what each comes to while the gate does not pass, and that nothing moved where it was
// stopped. A gate, a verb or a command that is new and stands in no row fails.
import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../../src/cli/program.ts';
import { GATES } from '../../../src/model/gate-policy.ts';
import {
  GATE_ROWS,
  LAYOUTS,
  type LayoutName,
  VERBS,
  type VerbName,
  type World,
  closeGate,
  playVerb,
} from './gate-world.ts';
import { sampled } from '../../support/real.ts';

/**
 * `stays`: refused, `waits`: refused until a moment or somebody's act; in both cases branches and tags are as before. `passes`:
 * the verb does its work anyway. `proposes`: it asks for the release in a pull request, and what is released stays as it is; `plans`:
 * it writes the plan. `finds`: it tells of the gate. `shows` and `-`: whether it is seen. `approves`: consent is
 * written, and nothing moves. `check --branch` is of a pull request that was opened before the gate closed; one that went past
 * `downgrade` by name may be merged, and CI_DEPLOY_FREEZE is the word of the one who promotes.
 */
const TABLE = `
gate              promote   promote --from  promote --all  dry-run  approve   status  check  apply   rollback  automatic rollback  rollback by request  automatic rollback by request  propose   check --branch
upstream          stays     stays           stays          stays    approves  -       -      passes  passes    passes              proposes             proposes                       stays     finds
soak              waits     waits           waits          waits    approves  -       -      passes  passes    passes              proposes             proposes                       waits     finds
reason            stays     stays           stays          stays    approves  -       -      passes  passes    passes              proposes             proposes                       stays     finds
windows           waits     waits           waits          waits    approves  -       -      passes  passes    passes              proposes             proposes                       waits     finds
freezes           waits     waits           waits          waits    approves  -       -      passes  passes    passes              proposes             proposes                       waits     finds
CI_DEPLOY_FREEZE  stays     stays           stays          stays    approves  -       -      passes  passes    passes              proposes             proposes                       stays     -
approvals         waits     waits           waits          waits    approves  -       -      passes  passes    passes              proposes             proposes                       waits     finds
forge: 1          proposes  proposes        proposes       plans    approves  -       -      passes  proposes  proposes            proposes             proposes                       proposes  finds
status            waits     waits           waits          waits    approves  -       -      passes  passes    passes              proposes             proposes                       waits     finds
run               stays     stays           stays          stays    approves  -       -      passes  passes    passes              proposes             proposes                       stays     finds
downgrade         stays     stays           stays          stays    approves  -       -      passes  passes    passes              proposes             proposes                       stays     -
held              stays     stays           stays          stays    approves  shows   -      passes  passes    passes              proposes             proposes                       stays     finds
divergence        stays     stays           stays          stays    approves  -       finds  passes  passes    passes              proposes             proposes                       stays     finds
lock              stays     stays           stays          stays    approves  shows   -      passes  passes    passes              proposes             proposes                       stays     finds
lock --rollbacks  stays     stays           stays          stays    approves  shows   -      passes  stays     stays               stays                stays                          stays     finds
`;

/** Cells of single layouts that differ: where releases carry no tree, what hands do to a line's scope is the line's own. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  'a folder for each environment, divergence, check': '-',
  'applications in folders, divergence, check': '-',
  'applications on branches, divergence, check': '-',
};

/** What leaves branches and tags as they were. */
const STILL: ReadonlySet<string> = new Set(['stays', 'waits', 'approves', 'finds', 'shows', 'plans', '-']);

const [header = [], ...rows] = TABLE.trim()
  .split('\n')
  .map((line) => line.split(/ {2,}/).map((cell) => cell.trim()));
const verbs = header.slice(1);

test('the table has a row for every gate, and a column for every verb', () => {
  expect(rows.map(([gate]) => gate)).toEqual(Object.keys(GATE_ROWS));
  const judged = new Set(Object.values(GATE_ROWS).map(({ gate }) => gate));
  expect([...judged].toSorted()).toEqual([...GATES, 'lock', 'run/ticket'].toSorted());
  expect(verbs).toEqual(Object.keys(VERBS));
});

test('a command is a verb of the table, or asks no gate', () => {
  const played = new Set(Object.values(VERBS).map(({ command }) => command));
  const asking = new Set([...played, ...ASKS_NONE]);
  expect(COMMANDS.map(({ name }) => name).filter((name) => !asking.has(name))).toEqual([]);
});

/** Commands that release nothing and judge nothing, or judge by one that the table has. */
const ASKS_NONE = [
  '__complete',
  'audit',
  'completion',
  'demo',
  'diff',
  'doctor',
  'explain',
  'help',
  'history',
  'hold',
  'init',
  'journal',
  'lift',
  'lock',
  'metrics',
  'override',
  'report',
  'show',
  'tag',
  'ui',
  'unapprove',
  'unlock',
  'versions',
  'where',
];

describe.each(sampled(Object.keys(LAYOUTS) as LayoutName[], 2))('%s', (layout) => {
  describe.each(rows.map(([gate = '', ...cells]) => ({ gate, cells })))('$gate', ({ gate, cells }) => {
    const columns = verbs
      .map((verb, index) => ({ verb: verb as VerbName, cell: cells[index] ?? '?' }))
      .filter(({ verb }) => LAYOUTS[layout].hasApplications || !('applications' in VERBS[verb]));
    // Verbs that leave a world as it was share one: building it takes longer than playing.
    const worlds = new Map<string, World>();
    test.each(columns)('$verb: $cell', async ({ verb, cell }) => {
      const key = (VERBS[verb] as { world?: string }).world ?? 'shared';
      const world = worlds.get(key) ?? (await closeGate(layout, gate, verb));
      worlds.set(key, world);
      const [before, standing] = [world.seen(), world.released()];
      const came = await playVerb(world, verb);
      expect(came).toBe(EXCEPTIONS[`${layout}, ${gate}, ${verb}`] ?? cell);
      expect(STILL.has(came) ? world.seen() : before).toEqual(before);
      expect(came === 'proposes' ? world.released() : standing).toEqual(standing);
    });
  });
});
