// Whatever hands merge, put back and rewind: everything that reads an environment says the same of its newest release, and what
// a command said it released is the newest release from then on.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { check } from '../../../src/engine/audit/check.ts';
import { requireContinuity } from '../../../src/engine/read/continuity.ts';
import { readRelease } from '../../../src/engine/read/current.ts';
import { history, show } from '../../../src/engine/read/history.ts';
import { readWholeLine, releasesOn } from '../../../src/engine/read/line.ts';
import { readSnapshot } from '../../../src/engine/read/snapshot.ts';
import { apply } from '../../../src/engine/release/apply.ts';
import type { Outcome } from '../../../src/engine/release/outcome.ts';
import { status } from '../../../src/engine/status.ts';
import { isTagflowError } from '../../../src/model/errors.ts';
import type { BranchName, ObjectId } from '../../../src/model/object-id.ts';
import { type Bench, DJANGO, createBench, recordOf } from '../../support/engine.ts';

const PRD = 'prd' as BranchName;
const RECORD = recordOf('prd');
const CONFIG = `version: 1
images: { django: { repository: ${DJANGO} } }
environments: { prd: { tags: false } }
`;

/** Something that happens to the branch. `back`: how many commits below the head, or the number of a release. */
interface Act {
  readonly what: keyof typeof HANDS | keyof typeof COMMANDS;
  readonly back: number;
}

/** Commits of hands, as a Git server takes them. `old`: an older commit of the branch. */
const HANDS = {
  hotfix: (bench, { head }, name) => void bench.remote.commit('prd', { [name]: name }, { parents: [head] }),
  'merge of the trunk': (bench, { head }) => {
    const trunk = bench.head('main');
    return bench.remote.commit('prd', {}, { parents: [head, trunk] });
  },
  'merge of an older commit': (bench, { head, old }) => bench.remote.commit('prd', {}, { parents: [head, old] }),
  'merge onto an older commit': (bench, { head, old }) => bench.remote.commit('prd', {}, { parents: [old, head] }),
  'merge onto an older commit, with the tree of the head': (bench, { head, old }) =>
    bench.remote.commit('prd', changes(bench, old, head), { parents: [old, head] }),
  revert: (bench, { head, old }) => bench.remote.commit('prd', changes(bench, head, old), { parents: [head] }),
  'record removed': (bench, { head }) => bench.remote.commit('prd', { [RECORD]: undefined }, { parents: [head] }),
  'the first release once more': (bench, { head, first }) =>
    bench.remote.commit('prd', changes(bench, head, first), { parents: [head] }),
  'the first release on what was below it, with all the rest merged': (bench, { head, first, bottom }) =>
    bench.remote.commit('prd', changes(bench, bottom, first), { parents: [bottom, head] }),
  rewind: (bench, { old }) => void bench.remote.branches.set(PRD, old),
} as const satisfies Record<string, (bench: Bench, at: Places, name: string) => unknown>;

/** Commits of the branch. `first`: the oldest that has a record; `bottom`: the one below it. */
interface Places {
  readonly head: ObjectId;
  readonly old: ObjectId;
  readonly first: ObjectId;
  readonly bottom: ObjectId;
}

const HOW = { overrides: ['downgrade', 'held', 'divergence'], reason: 'it has to go out' };
const VERSIONS = ['V4.0', 'V4.2', 'V4.3'];

const COMMANDS = {
  promote: async (bench, back) => bench.promote('prd', { django: VERSIONS[back % VERSIONS.length] ?? '' }, HOW),
  rollback: async (bench) => bench.rollback('prd', HOW),
  'rollback to a number': async (bench, back) => bench.rollback('prd', { ...HOW, to: `#${back + 1}` }),
} as const satisfies Record<string, (bench: Bench, back: number) => Promise<Outcome>>;

/** The files by which two commits differ, as the second has them. */
function changes({ remote }: Bench, from: ObjectId, to: ObjectId): Record<string, Uint8Array | undefined> {
  const [before, after] = [remote.filesOf(from), remote.filesOf(to)];
  return Object.fromEntries([...new Set([...before.keys(), ...after.keys()])].map((path) => [path, after.get(path)]));
}

/** A branch with two releases. Its registry has no tags of ours: what the branch alone says is looked at. */
async function seeded(): Promise<Bench> {
  const bench = createBench({ config: CONFIG });
  await bench.released('prd', { django: 'V4.0' });
  await bench.released('prd', { django: 'V4.2' });
  return bench;
}

/** Lets something happen. Resolves to what a command released. */
async function play(bench: Bench, { what, back }: Act, name: string): Promise<string | undefined> {
  if (what in COMMANDS) {
    const outcome = await codeOf(COMMANDS[what as keyof typeof COMMANDS](bench, back));
    return typeof outcome === 'object' && outcome.kind === 'released'
      ? described(outcome.record.sequence, outcome.commit)
      : undefined;
  }
  const line = bench.remote.history('prd').map(({ id }) => id);
  const [head] = line;
  const old = line[Math.min(back + 1, line.length - 1)];
  const at = line.findLastIndex((id) => bench.remote.filesOf(id).has(RECORD));
  const [first = head, bottom = head] = [line[at], line[at + 1]];
  if (head && old && first && bottom) HANDS[what as keyof typeof HANDS](bench, { head, old, first, bottom }, name);
  return undefined;
}

function described(sequence: number | undefined, commit: string | undefined): string {
  return sequence === undefined ? 'no release' : `release ${sequence}, ${commit}`;
}

async function codeOf<T>(work: Promise<T>): Promise<T | string> {
  try {
    return await work;
  } catch (error) {
    if (isTagflowError(error) && error.code !== 'internal') return error.code;
    throw error;
  }
}

async function said(
  work: Promise<{ readonly sequence: number; readonly commit: string } | undefined>,
): Promise<string> {
  const found = await codeOf(work);
  return typeof found === 'string' ? found : described(found?.sequence, found?.commit);
}

/** What the whole line says, read slowly: the standard that all are compared with. */
async function standard(bench: Bench): Promise<string> {
  const context = bench.context();
  const { environment, head } = await prdOf(bench, context);
  const line = await readWholeLine(context, environment, head);
  const refused = await codeOf(requireContinuity(context, line));
  if (refused) return refused;
  const [newest] = releasesOn(line);
  const there = bench.remote.file('prd', RECORD);
  if (there === undefined && line.steps.length === 0) return 'no release';
  const isThere = newest?.file && Buffer.from(newest.file.content).toString() === there;
  return isThere ? described(newest.release.sequence, newest.commit.id) : 'record-invalid';
}

async function prdOf(bench: Bench, context = bench.context()) {
  const snapshot = await readSnapshot(context, ['prd']);
  const environment = snapshot.environment('prd');
  return { context, environment, head: snapshot.head(environment) };
}

/** What those say who read no more than they need. */
async function answers(bench: Bench): Promise<Record<string, string>> {
  const context = bench.context();
  const { environment, head } = await prdOf(bench, context);
  const current = async () => {
    const release = await readRelease(context, environment, head);
    return release && { sequence: release.record.sequence, commit: release.commit };
  };
  const applied = async () => {
    const [{ problem, record } = { problem: undefined, record: undefined }] = await apply(bench.context(), ['prd']);
    if (problem) throw problem;
    return record?.sequence;
  };
  const shown = async () => {
    const [one] = await status(bench.context(), 'prd');
    if (one?.problem) throw one.problem;
    return one?.record?.sequence;
  };
  return {
    current: await said(current()),
    apply: String(await codeOf(applied())),
    status: String(await codeOf(shown())),
    plan: await planned(bench),
  };
}

/** The release that a promotion would follow on. */
async function planned(bench: Bench): Promise<string> {
  const outcome = await codeOf(bench.promote('prd', { django: 'V3.2' }, { ...HOW, run: { dryRun: true } }));
  if (typeof outcome === 'string') return outcome;
  if (outcome.kind === 'planned') return described(outcome.plan.previous?.sequence, outcome.plan.previous?.commit);
  return outcome.kind === 'unchanged' ? described(outcome.record.sequence, undefined) : outcome.kind;
}

/** What those say who look at the past: a record that hands broke does not keep them from it. */
async function pastAnswers(bench: Bench): Promise<Record<string, string>> {
  const newest = async (since?: number) => {
    const filter = { environment: 'prd', limit: 1, ...(since !== undefined && { since }) };
    const [release] = (await history(bench.context(), filter)).releases;
    return release && { sequence: release.record.sequence, commit: release.commit };
  };
  const now = async () => {
    const { record, commit } = await show(bench.context(), 'prd', { now: true });
    return { sequence: record.sequence, commit };
  };
  return { history: await said(newest()), 'whole history': await said(newest(0)), show: await said(now()) };
}

/** What is not one answer. */
async function disagreements(bench: Bench, right: string): Promise<string[]> {
  const number = /^release (\d+)/.exec(right)?.[1] ?? (right === 'no release' ? 'undefined' : right);
  const found = await answers(bench);
  const expected: Record<string, string> = { current: right, apply: number, status: number, plan: right };
  const past = right === 'record-invalid' ? {} : await pastAnswers(bench);
  for (const name of Object.keys(past)) expected[name] = right;
  if (right === 'no release') expected['show'] = 'release-not-found';
  const all = { ...found, ...past };
  const wrong = Object.entries(expected).filter(([name, text]) => all[name as keyof typeof all] !== text);
  const { findings } = await check(bench.context(), { environments: ['prd'], registry: false });
  const isRewound = findings.some(({ rule }) => rule === 'rewound');
  return [
    ...wrong.map(([name, text]) => `${name}: ${all[name as keyof typeof all]}, and not ${text}`),
    ...(isRewound === (right === 'branch-rewound') ? [] : [`check: ${isRewound ? '' : 'not '}rewound, and ${right}`]),
  ];
}

/** What is wrong after rounds of it: hands do some things, and somebody runs a command. */
async function problemsOf(rounds: readonly (readonly Act[])[]): Promise<readonly string[]> {
  const bench = await seeded();
  for (const [round, acts] of rounds.entries()) {
    let released: string | undefined;
    for (const [index, act] of acts.entries()) released = await play(bench, act, `hand-${round}-${index}.env`);
    const right = await standard(bench);
    const wrong = await disagreements(bench, right);
    if (released !== undefined && right !== released) wrong.push(`it said ${released}, and there is ${right}`);
    if (wrong.length > 0) return wrong.map((text) => `after round ${round + 1}: ${text}`);
  }
  return [];
}

const act = <W extends Act['what']>(from: Readonly<Record<W, unknown>>): fc.Arbitrary<Act> =>
  fc.record({ what: fc.constantFrom(...(Object.keys(from) as W[])), back: fc.nat(3) });
const round = fc
  .tuple(fc.array(act(HANDS), { minLength: 1, maxLength: 3 }), act(COMMANDS))
  .map(([hands, command]) => [...hands, command]);

test('all who read an environment agree on its newest release, whatever hands did to the branch', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 2 }), async (rounds) => {
      expect(await problemsOf(rounds)).toEqual([]);
    }),
    { numRuns: 15, seed: 1 },
  );
});
