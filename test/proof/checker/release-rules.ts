// Rules over the releases of a branch, oldest first: who made them, with which consent, what they hold and bring back.
import {
  type CommitFacts,
  type EnvironmentHistory,
  type History,
  type HoldFacts,
  type Operation,
  type RecordFacts,
  type Rule,
  type Violation,
  releaseOf,
  short,
} from './history.ts';

/** A release in its place on a line. */
interface Placed {
  readonly commit: CommitFacts;
  readonly record: RecordFacts;
  /** The release before it on the line. */
  readonly before: RecordFacts | undefined;
  /** Who made it; undefined for what was there before the run. */
  readonly operation: Operation | undefined;
}

const PROMOTE_GATES = ['downgrade', 'held', 'divergence'];
const ROLLBACK_GATES = ['divergence'];

/** What is wrong with the releases of an environment. */
export function checkReleases(history: History, environment: EnvironmentHistory): readonly Violation[] {
  const own = history.operations.filter((operation) => operation.environment === environment.name);
  const operations = new Map(own.map((operation) => [operation.actor, operation]));
  const known = knownBefore(environment);
  const violations: Violation[] = [];
  const broken = (rule: Rule, text: string): void => void violations.push({ rule, subject: environment.name, text });
  const earlier: { readonly commit: CommitFacts; readonly record: RecordFacts }[] = [];
  let holds: readonly HoldFacts[] = [];
  let pending = new Set<string>();
  let seen = new Set<string>();
  for (const commit of environment.line.toReversed()) {
    const record = releaseOf(commit);
    const handMade = new Set(commit.handMade);
    if (!record) {
      // What a merge takes from its other side is that side's, and so is what a squash takes.
      if (commit.parents.length === 1 && !commit.squashes)
        for (const path of handMade.difference(seen)) pending.add(path);
      seen = handMade;
      continue;
    }
    const old = known.has(commit.id);
    const operation = old ? undefined : operations.get(record.actor);
    const placed: Placed = { commit, record, before: earlier.at(-1)?.record, operation };
    if (!old) {
      for (const [rule, text] of [
        ...authorship(placed, environment),
        ...gating(placed, environment),
        ...versions(placed, history),
        ...returning(placed, holds),
        ...restoring(placed, earlier),
        ...byItself(placed),
      ]) {
        broken(rule, text);
      }
      // A rollback leaves what hands made behind, and says so; a promotion may only on request.
      for (const path of pending.difference(handMade)) {
        if (record.action === 'promote' && !overrides(operation, 'divergence')) {
          broken('hand-made-lost', `release ${record.sequence} (${short(commit.id)}) lost ${path}`);
        }
      }
    }
    const after = holdsAfter(holds, placed);
    for (const hold of after) {
      if (!record.held.some((stated) => sameHold(stated, hold))) {
        broken('hold-lost', `release ${record.sequence} (${short(commit.id)}) no longer holds release ${hold.release}`);
      }
    }
    // From here on by what the record says, so that one slip is reported once.
    holds = record.held;
    pending = record.restored?.imagesOnly ? pending.intersection(handMade) : new Set();
    seen = handMade;
    earlier.push({ commit, record });
  }
  return violations;
}

/** The commits at or before the base, on the line or taken off it, and merges that hands made, whatever record they have. */
function knownBefore({ line, base, rewinds }: EnvironmentHistory): ReadonlySet<string> {
  const known = new Set(rewinds.flatMap(({ merge }) => merge ?? []));
  const below = new Map(
    [...line, ...rewinds.flatMap(({ dropped }) => dropped)].map(({ id, parents }) => [id, parents[0]]),
  );
  for (let at: string | undefined = base; at !== undefined; at = below.get(at)) known.add(at);
  return known;
}

function overrides(operation: Placed['operation'], gate: string): boolean {
  return operation?.overrides?.includes(gate) === true;
}

type Finding = readonly [Rule, string];

function* authorship({ commit, record, operation }: Placed, { name }: EnvironmentHistory): Generator<Finding> {
  if (operation && operation.kind === record.action && operation.environment === name) {
    if (operation.plans && !operation.plans.includes(record.plan)) {
      yield ['ungated-release', `${short(commit.id)} states a plan that ${record.actor} did not make`];
    }
    return;
  }
  yield ['made-by-nobody', `release ${record.sequence} (${short(commit.id)}) by ${record.actor}`];
}

/** A rollback that nobody asked for: its reason names the release whose verification failed. */
function* byItself({ commit, record, before }: Placed): Generator<Finding> {
  const failed = /^verification [0-9a-f]+ of release ([0-9]+) failed/.exec(record.reason ?? '')?.[1];
  if (failed === undefined) return;
  if (before?.sequence === Number(failed) && before.action === 'promote' && record.action === 'rollback') return;
  yield [
    'rolled-back-wrongly',
    `release ${record.sequence} (${short(commit.id)}) left release ${before?.sequence} (${before?.action}) since release ${failed} failed`,
  ];
}

function* gating({ record, operation }: Placed, { isShared }: EnvironmentHistory): Generator<Finding> {
  const rollback = record.action === 'rollback';
  const gates = rollback ? ROLLBACK_GATES : PROMOTE_GATES;
  for (const gate of isShared ? gates.filter((one) => one !== 'divergence') : gates) {
    const decision = record.gates.find((stated) => stated.gate === gate)?.decision;
    const overridden = decision === 'overridden' && (rollback || overrides(operation, gate));
    if (decision === 'pass' || overridden) continue;
    yield [
      'ungated-release',
      `release ${record.sequence} by ${record.actor}: gate ${gate}: ${decision ?? 'not asked'}`,
    ];
  }
}

function* versions({ record, before, operation }: Placed, { published = {} }: History): Generator<Finding> {
  for (const { name, version, digest } of record.images) {
    const known = published[name];
    if (!known) continue;
    const place = known.findIndex((entry) => entry.version === version);
    if (known[place]?.digest !== digest) {
      yield ['version-differs', `release ${record.sequence} has ${name} ${version} as ${short(digest)}`];
    }
    const running = before?.images.find((image) => image.name === name)?.version;
    const runningPlace = known.findIndex((entry) => entry.version === running);
    if (record.action === 'promote' && place < runningPlace && !overrides(operation, 'downgrade')) {
      yield ['downgrade-landed', `release ${record.sequence} by ${record.actor}: ${name} ${running} -> ${version}`];
    }
  }
}

function* returning({ record, operation }: Placed, holds: readonly HoldFacts[]): Generator<Finding> {
  // A rollback that names its target goes there, held or not: that is a person's choice.
  if (overrides(operation, 'held') || operation?.to !== undefined) return;
  for (const hold of holds) {
    if (runsInto(record, hold)) {
      yield ['held-returned', `release ${record.sequence} by ${record.actor} brings release ${hold.release} back`];
    }
  }
}

function* restoring(
  { commit, record, before, operation }: Placed,
  earlier: readonly { readonly commit: CommitFacts; readonly record: RecordFacts }[],
): Generator<Finding> {
  if (record.action !== 'rollback') return;
  const { restored, sequence } = record;
  const target = earlier.find(({ commit: { id } }) => id === restored?.commit);
  const whole =
    target !== undefined &&
    target.record.sequence === restored?.sequence &&
    sameImages(target.record, record) &&
    // One that continues a line where a merge hid it may restore the very release it continues.
    (target.record.sequence !== before?.sequence || commit.parents[0] !== record.follows);
  if (!whole) {
    yield [
      'rollback-wrong',
      `release ${sequence} says it restores release ${restored?.sequence} (${short(restored?.commit)})`,
    ];
  }
  if (operation?.saw !== undefined && operation.saw !== commit.parents[0]) {
    yield [
      'rollback-replanned',
      `${record.actor} saw ${short(operation.saw)} and rolled back ${short(commit.parents[0])}`,
    ];
  }
}

/** The holds after a release: those it did not run into, and, after a rollback, that of the release it left. */
function holdsAfter(holds: readonly HoldFacts[], { record, before }: Placed): readonly HoldFacts[] {
  const staying = holds.filter((hold) => !runsInto(record, hold));
  if (record.action !== 'rollback' || !before || record.restored?.sequence === before.sequence) return staying;
  const images = before.images.filter(
    ({ name, digest }) => record.images.find((image) => image.name === name)?.digest !== digest,
  );
  const left: HoldFacts = {
    release: before.sequence,
    images,
    ...(images.length === 0 && { commit: before.source.commit }),
  };
  return [...staying.filter(({ release }) => release !== left.release), left];
}

function runsInto({ images, source }: RecordFacts, hold: HoldFacts): boolean {
  if (hold.images.length === 0) return hold.commit === source.commit;
  return hold.images.some((bad) => images.some(({ name, digest }) => name === bad.name && digest === bad.digest));
}

function sameHold(a: HoldFacts, b: HoldFacts): boolean {
  const text = (hold: HoldFacts): string =>
    `${hold.release} ${hold.commit} ${hold.images
      .map(({ name, digest }) => `${name}@${digest}`)
      .sort()
      .join(' ')}`;
  return text(a) === text(b);
}

function sameImages(a: RecordFacts, b: RecordFacts): boolean {
  return (
    a.images.length === b.images.length &&
    a.images.every(({ name, digest }) => b.images.find((image) => image.name === name)?.digest === digest)
  );
}
