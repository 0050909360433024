// What has to hold: in every state, once everybody has ended, and after one `apply` or a rerun that follows.
// What a single write or push can break is judged where it is done: writeTag and moveBranch in world.ts; what exit code 0 claims, in steps.ts.
import { hasFailed, openEntries } from './journal.ts';
import type { Kept } from './rules.ts';
import { synced } from './faults.ts';
import { newRun, step } from './steps.ts';
import {
  type Exit,
  type Faults,
  IMAGES,
  type Operation,
  type Run,
  type World,
  headOf,
  hiddenBy,
  historyOf,
  releaseTag,
  tagOf,
  targetTag,
  templateOf,
} from './world.ts';

/** What is left of the faults when nothing goes wrong any more. */
export const NO_FAULTS: Faults = {
  kill: 0,
  late: 0,
  lostAnswer: 0,
  lostWrite: 0,
  staleTag: 0,
  staleHead: 0,
  rewind: 0,
  oldMerge: 0,
  cleanUp: 0,
  journalRewind: 0,
  foreign: 0,
  wait: 0,
};

/** The promise that a state breaks; undefined when all hold. `given`: the faults there were at the start. */
export function brokenPromise(world: World, given: Faults, kept: Kept): string | undefined {
  return world.broken ?? brokenByTags(world) ?? brokenByExits(world) ?? brokenAtRest(world, given, kept);
}

function brokenByTags(world: World): string | undefined {
  const head = headOf(world);
  for (const image of IMAGES) {
    const tag = targetTag(image);
    const { now } = tagOf(world, tag);
    if (!world.released.includes(now)) return `${tag} names v${now}, which was never released`;
    if (world.removed.length > 0 || hiddenBy(head)) continue;
    const own = historyOf(head).some(({ sequence }) => tagOf(world, releaseTag(image, sequence)).now === now);
    if (!own) return `${tag} names v${now}, which has no per-release tag`;
  }
  return undefined;
}

/** Exits that say: nothing of this run is on the branch. */
const NOTHING_DONE = new Set<Exit | undefined>(['refused', 'superseded', 'release-not-found', 'remote-unavailable']);

function brokenByExits(world: World): string | undefined {
  const history = historyOf(headOf(world));
  for (const { name, exit } of world.runs) {
    const own = history.filter(({ by, again }) => by === name && !again);
    if (own.length > 1) return `${name} asked once, and has ${own.length} releases on the branch`;
    if (NOTHING_DONE.has(exit) && own.length > 0 && world.removed.length === 0) {
      return `${name} ended with ${exit}, and its release is on the branch`;
    }
  }
  return undefined;
}

/** Whether everybody has ended and nothing is on its way. */
export function isAtRest({ runs, late, latePushes }: World): boolean {
  return late.length === 0 && latePushes.length === 0 && runs.every(({ at }) => at === 'ended');
}

/** Exits after which a run has left nothing open. */
const CLEAN = new Set<Exit | undefined>(['ok', 'refused', 'superseded', 'release-not-found']);

function brokenAtRest(world: World, given: Faults, kept: Kept): string | undefined {
  if (!isAtRest(world)) return undefined;
  const { left } = world;
  const trusty = (['kill', 'late', 'staleHead', 'rewind', 'oldMerge'] as const).every(
    (kind) => left[kind] === given[kind],
  );
  // Nobody died, and nobody said that something is open: no repair is needed, whatever the registry's replicas said.
  if (trusty && world.runs.every(({ exit }) => CLEAN.has(exit))) {
    const wrong = wrongTag(world);
    if (wrong) return `everybody ended well, and ${wrong}`;
  }
  return (
    brokenAfterApply(world, kept) ??
    brokenByDeploys(world, given, kept) ??
    brokenAfterRerun(world, kept) ??
    brokenAfterVerify(world, kept)
  );
}

/** A tag that is not what the head's release says. */
function wrongTag(world: World): string | undefined {
  const { version, sequence } = headOf(world);
  for (const tag of IMAGES.flatMap((image) => [releaseTag(image, sequence), targetTag(image)])) {
    const { now } = tagOf(world, tag);
    if (now !== version) return `${tag} names ${now ? `v${now}` : 'nothing'}, not v${version}`;
  }
  return undefined;
}

function brokenAfterApply(world: World, kept: Kept): string | undefined {
  const after = runAlone(world, 'R', { kind: 'apply' }, kept);
  const { exit } = lastRun(after);
  if (after.broken !== undefined) return `apply: ${after.broken}`;
  if (hiddenBy(headOf(world))) return brokenByHiding(world, after, kept);
  // After a rewind apply says that there was a newer release, or that a number was used twice. People decide what is right.
  if (world.removed.length > 0 && (exit === 'branch-rewound' || exit === 'tags-incomplete')) return undefined;
  if (exit !== 'ok') return `apply ended with ${exit}`;
  const wrong = wrongTag(after);
  return wrong && `after apply ${wrong}`;
}

/**
 * Pods that were started on another image while the tags were late are started once more: an apply that comes later leaves another
 * Pod template than they were started by. Not promised where two things go wrong one after the other (ADR 142): the release that deploys again was itself cut short, or one
 * run was slow over its tags and another was killed.
 */
function brokenByDeploys(world: World, given: Faults, kept: Kept): string | undefined {
  if (world.moving !== true || (world.slept === true && world.left.kill < given.kill)) return undefined;
  const after = runAlone(synced(world), 'R', { kind: 'apply' }, kept);
  const head = headOf(after);
  const isAstray = after.astray === templateOf(head) && !head.again;
  return isAstray
    ? `Pods of ${templateOf(head)} were started on another image, and nothing starts them again`
    : undefined;
}

/** A branch that hides a release gets no tags; and one rollback to that release by its number mends it. */
function brokenByHiding(world: World, after: World, kept: Kept): string | undefined {
  if (lastRun(after).exit !== 'branch-rewound')
    return `a merge hid a release, and apply ended with ${lastRun(after).exit}`;
  const restored = runAlone(world, 'R', { kind: 'restore' }, kept);
  const { exit } = lastRun(restored);
  if (restored.broken !== undefined) return `rollback to what was hidden: ${restored.broken}`;
  if (exit !== 'ok') return `rollback to what was hidden ended with ${exit}`;
  const wrong = wrongTag(restored);
  return wrong && `after a rollback to what was hidden ${wrong}`;
}

/** Anybody who was killed, or does not know, runs the same promotion again: it completes, and pushes nothing twice. */
function brokenAfterRerun(world: World, kept: Kept): string | undefined {
  for (const { operation, exit, name } of world.runs) {
    if (operation.kind !== 'promote' || CLEAN.has(exit)) continue;
    const after = runAlone(world, 'R', operation, kept);
    const rerun = lastRun(after);
    const own = historyOf(headOf(after)).filter(({ by, again }) => (by === name || by === 'R') && !again);
    if (after.broken !== undefined) return `rerun of ${name}: ${after.broken}`;
    if (rerun.exit === 'ok') {
      const wrong = wrongTag(after);
      if (wrong) return `after a rerun of ${name} ${wrong}`;
      if (headOf(after).version !== operation.version) return `after a rerun of ${name} the head is another release`;
      if (own.length > 1 && headOf(world).version === operation.version) return `${name} was released twice by a rerun`;
      continue;
    }
    const known: readonly (Exit | undefined)[] =
      world.removed.length > 0 || hiddenBy(headOf(world))
        ? ['refused', 'branch-rewound', 'tags-incomplete']
        : ['refused'];
    if (!known.includes(rerun.exit)) return `a rerun of ${name} ended with ${rerun.exit}`;
  }
  return undefined;
}

/** What failed by the journal is left by the next verification, even where the one before died; nothing else is. */
function brokenAfterVerify(world: World, kept: Kept): string | undefined {
  const verification = world.runs.find(({ operation }) => operation.kind === 'verify')?.operation;
  const head = headOf(world);
  if (!verification || !world.journal || world.removed.length > 0 || hiddenBy(head)) return undefined;
  const after = runAlone(world, 'R', verification, kept);
  if (after.broken !== undefined) return `verify again: ${after.broken}`;
  const failed = hasFailed(world.journal, head.id);
  if (failed === undefined) return undefined;
  if ((after.journal?.length ?? 0) > world.journal.length) return `release ${head.sequence} was verified twice`;
  const isLocked = openEntries(world.journal, 'lock').some(({ says }) => says.kind === 'lock' && says.rollbacks);
  const isLeft = failed && head.action === 'promote' && !isLocked;
  const { id, parent, byItself } = headOf(after);
  if (!isLeft) return id === head.id ? undefined : `release ${head.sequence} was left, which nothing asked for`;
  return byItself && parent?.id === head.id ? undefined : `release ${head.sequence} failed, and is not left`;
}

function lastRun({ runs }: World): Run {
  const run = runs.at(-1);
  if (!run) throw new Error('nobody ran');
  return run;
}

/** A run with nobody else about and nothing going wrong: it has one way to go, the order of the images aside. */
function runAlone(world: World, name: string, operation: Operation, kept: Kept): World {
  let now: World = { ...world, left: NO_FAULTS, runs: [...world.runs, newRun(name, operation)] };
  for (let steps = 0; steps < 200; steps += 1) {
    const [move] = step(now, now.runs.length - 1, kept);
    if (!move) return now;
    now = move.world;
  }
  throw new Error(`${name} alone did not end within 200 steps`);
}
