// Rules over one branch alone: its line, its records, its numbers.
import {
  type CommitFacts,
  type EnvironmentHistory,
  type History,
  type Rule,
  type Violation,
  hiddenBy,
  recordOf,
  releaseOf,
  short,
} from './history.ts';

/** What is wrong with the branch of an environment. */
export function checkBranch(history: History, environment: EnvironmentHistory): readonly Violation[] {
  return [
    ...checkLine(environment),
    ...checkRewinds(history, environment),
    ...checkHidden(history, environment),
    ...checkHeads(environment),
    ...checkRecords(environment),
    ...checkForged(history, environment),
  ];
}

function* checkLine({ name, line, base, rewinds }: EnvironmentHistory): Generator<Violation> {
  const broken = (rule: Rule, text: string): Violation => ({ rule, subject: name, text });
  const places = new Map(line.map(({ id }, index) => [id, index]));
  if (places.size < line.length) yield broken('not-linear', 'a commit is on the line twice');
  for (const [index, { id, parents }] of line.entries()) {
    const below = line[index + 1];
    if (below && parents[0] !== below.id && !isAnchored(rewinds, line[index], below)) {
      yield broken(
        'not-linear',
        `the first parent of ${short(id)} is ${short(parents[0])}, below it is ${short(below.id)}`,
      );
    }
  }
  const dropped = new Set(rewinds.flatMap((rewind) => rewind.dropped.map(({ id }) => id)));
  if (!places.has(base) && !dropped.has(base)) {
    yield broken('not-linear', `${short(base)}, where the run began, is not on the line`);
  }
}

/** Whether a release continues from one that a merge took off the line. */
function isAnchored(
  rewinds: EnvironmentHistory['rewinds'],
  commit: CommitFacts | undefined,
  below: CommitFacts,
): boolean {
  const hidden = rewinds.some(({ merge, dropped }) => merge !== undefined && dropped.some(({ id }) => id === below.id));
  return hidden && commit !== undefined && releaseOf(commit)?.follows === below.id;
}

/** Where a merge hides releases nothing is put on top, and nobody says that all is well. */
function* checkHidden({ operations }: History, environment: EnvironmentHistory): Generator<Violation> {
  const { name: subject, line, rewinds } = environment;
  for (const { merge } of rewinds) {
    const place = line.findIndex(({ id }) => id === merge);
    const [hidden] = merge === undefined || place < 0 ? [] : hiddenBy(environment, merge);
    if (!hidden) continue;
    const above = line.slice(0, place + 1);
    const what = `${short(merge)} hides release ${hidden.sequence}`;
    for (const commit of above.slice(0, -1)) {
      const release = releaseOf(commit);
      if (release)
        yield { rule: 'forgotten', subject, text: `${what}, and release ${release.sequence} was put on top` };
    }
    for (const { actor, exit, commit } of operations) {
      if (exit !== 0 || !above.some(({ id }) => id === commit)) continue;
      yield { rule: 'forgotten', subject, text: `${what}, and ${actor} ended with exit 0 for ${short(commit)}` };
    }
  }
}

/** Records that hands wrote: nobody takes one for a release, and the line gets over it. */
function* checkForged({ operations, settled }: History, environment: EnvironmentHistory): Generator<Violation> {
  const { name: subject, line } = environment;
  const forged = new Set(line.flatMap(({ id, isForged }) => (isForged ? id : [])));
  for (const commit of line) {
    const release = releaseOf(commit);
    if (release?.action !== 'promote' || !forged.has(commit.parents[0] ?? '')) continue;
    const text = `release ${release.sequence} (${short(commit.id)}) was promoted on top of a record that hands wrote`;
    yield { rule: 'forgery-believed', subject, text };
  }
  for (const { actor, environment: of, exit, commit } of operations) {
    if (of !== subject || exit !== 0 || !forged.has(commit ?? '')) continue;
    yield { rule: 'forgery-believed', subject, text: `${actor} ended with exit 0 for ${short(commit)}` };
  }
  if (settled && line[0]?.isForged) {
    yield { rule: 'forgery-stays', subject, text: `${short(line[0].id)} still has the record that hands wrote` };
  }
}

/** What was rewound stays away; but a push that was under way at that moment may still land. */
function* checkRewinds(
  { operations, lateness = 0 }: History,
  { name, line, rewinds }: EnvironmentHistory,
): Generator<Violation> {
  const ends = new Map(operations.map(({ actor, ended }) => [actor, ended ?? Number.POSITIVE_INFINITY]));
  const there = new Set(line.map(({ id }) => id));
  for (const { at, dropped, merge } of rewinds) {
    if (merge !== undefined) continue;
    for (const commit of dropped) {
      const ended = ends.get(releaseOf(commit)?.actor ?? '') ?? Number.NEGATIVE_INFINITY;
      if (there.has(commit.id) && at > ended + lateness) {
        yield { rule: 'resurrected', subject: name, text: `${short(commit.id)} was rewound and is back` };
      }
    }
  }
}

/** Heads as they were seen: each still there, and later ones not below earlier ones, rewinding aside. */
function* checkHeads({ name, line, rewinds, heads = [] }: EnvironmentHistory): Generator<Violation> {
  const places = new Map(line.map(({ id }, index) => [id, index]));
  const dropped = new Set(rewinds.flatMap((rewind) => rewind.dropped.map(({ id }) => id)));
  let last: { place: number; at: number } | undefined;
  for (const { at, id } of heads) {
    const place = places.get(id);
    if (place === undefined) {
      if (!dropped.has(id)) {
        yield { rule: 'not-linear', subject: name, text: `${short(id)} was the head at ${at} and is not on the line` };
      }
      continue;
    }
    const since = last?.at;
    const rewound = since !== undefined && rewinds.some((rewind) => rewind.at >= since && rewind.at <= at);
    if (last && place > last.place && !rewound) {
      yield { rule: 'not-linear', subject: name, text: `the branch went back to ${short(id)} at ${at}` };
    }
    last = { place, at };
  }
}

function* checkRecords({ name, line }: EnvironmentHistory): Generator<Violation> {
  const broken = (rule: Rule, text: string): Violation => ({ rule, subject: name, text });
  let expected: number | undefined;
  let named: string | undefined;
  for (const commit of line) {
    const { id, record: stated, pins } = commit;
    if (stated && 'invalid' in stated) yield broken('record-invalid', `in ${short(id)}: ${stated.invalid}`);
    const record = recordOf(commit);
    // A line may be cut off below: then nothing is known of what is before.
    if (record && record.environment !== name) {
      yield broken('record-invalid', `in ${short(id)}: it is of ${record.environment}`);
    }
    if (record && pins) {
      for (const { name: image, digest } of record.images) {
        if (pins[image] === digest) continue;
        yield broken(
          'record-pins-differ',
          `in ${short(id)} ${image} is pinned to ${short(pins[image])}, its record says ${short(digest)}`,
        );
      }
    }
    const release = releaseOf(commit);
    if (!release) continue;
    const { sequence, previous } = release;
    if (named !== undefined && named !== id) {
      yield broken('sequence-broken', `release ${sequence} is ${short(id)}, and the one above says ${short(named)}`);
    }
    named = release.follows;
    if (expected !== undefined && sequence !== expected) {
      yield broken('sequence-broken', `${short(id)} is release ${sequence} below release ${expected + 1}`);
    }
    if (sequence < 1 || previous !== (sequence > 1 ? sequence - 1 : undefined)) {
      yield broken('sequence-broken', `release ${sequence} (${short(id)}) says it follows ${previous ?? 'nothing'}`);
    }
    expected = sequence - 1;
  }
  const root = line.at(-1);
  if (expected !== undefined && expected > 0 && root?.parents.length === 0) {
    yield broken('sequence-broken', `release ${expected} is not on the line`);
  }
}
