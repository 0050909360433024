// Rules over the registry: per-release tags stand still, target tags name releases, and in the end those of the head.
import {
  type EnvironmentHistory,
  type History,
  type RecordFacts,
  type Rule,
  type TagObservation,
  type Violation,
  recordOf,
  releaseOf,
  short,
} from './history.ts';

/** What is wrong with the tags of an environment. */
export function checkTags(history: History, environment: EnvironmentHistory): readonly Violation[] {
  const { name, tag, line, rewinds } = environment;
  const onLine = line.flatMap((facts) => releaseOf(facts) ?? []);
  const dropped = rewinds.flatMap((rewind) => rewind.dropped.flatMap((facts) => releaseOf(facts) ?? []));
  const releases = [...onLine, ...dropped];
  const final = lastSeen(history, tag);
  const perRelease = new Map<string, TagObservation[]>();
  const violations: Violation[] = [];
  const broken = (rule: Rule, text: string): void => void violations.push({ rule, subject: name, text });
  const told = new Set<string>();

  for (const seen of [...history.observations.filter((each) => each.tag.startsWith(tag)), ...final]) {
    const sequence = sequenceIn(tag, seen.tag);
    if (sequence !== undefined) {
      const key = `${seen.repository}:${seen.tag}`;
      const before = perRelease.get(key) ?? [];
      perRelease.set(key, [...before, seen]);
      continue;
    }
    if (seen.tag !== tag || seen.digest === undefined) continue;
    const had = releases.some(({ images }) =>
      images.some((image) => isAt(image, seen) && image.digest === seen.digest),
    );
    if (had || told.has(`${seen.repository}@${seen.digest}`)) continue;
    told.add(`${seen.repository}@${seen.digest}`);
    broken('ungated-tag', `${seen.repository}:${tag} named ${short(seen.digest)}, which no release had`);
  }
  for (const [key, observations] of perRelease) {
    for (const [rule, text] of standing(
      key,
      observations,
      releases,
      sequenceIn(tag, observations[0]?.tag ?? '') ?? 0,
    )) {
      broken(rule, text);
    }
  }
  if (history.settled) for (const text of settledTags(history, environment, dropped)) broken('alias-differs', text);
  return violations;
}

type Finding = readonly [Rule, string];

/** How an environment's tags are in the end, those among it that were seen before and are no longer there. */
function lastSeen({ tags, observations }: History, target: string): readonly TagObservation[] {
  const at = Number.POSITIVE_INFINITY;
  const last = new Map<string, TagObservation>();
  for (const { repository, tag } of observations) {
    if (tag.startsWith(target)) last.set(`${repository}:${tag}`, { at, repository, tag });
  }
  for (const each of tags) {
    if (each.tag.startsWith(target)) last.set(`${each.repository}:${each.tag}`, { at, ...each });
  }
  return [...last.values()];
}

/** The number of a per-release tag of a target tag. */
function sequenceIn(target: string, tag: string): number | undefined {
  if (!tag.startsWith(`${target}-`)) return undefined;
  const rest = tag.slice(target.length + 1);
  return /^[1-9]\d*$/.test(rest) ? Number(rest) : undefined;
}

function isAt({ repository }: RecordFacts['images'][number], seen: TagObservation): boolean {
  return repository === seen.repository;
}

/** A per-release tag names the image of its release from the first moment on. */
function* standing(
  key: string,
  observations: readonly TagObservation[],
  releases: readonly RecordFacts[],
  sequence: number,
): Generator<Finding> {
  const ofThis = releases.filter((release) => release.sequence === sequence);
  const right = new Set(
    ofThis.flatMap(({ images }) => images.filter((image) => isAt(image, observations[0]!)).map(({ digest }) => digest)),
  );
  let last: string | undefined;
  for (const { digest, at } of observations) {
    if (digest !== undefined && digest !== last && !right.has(digest)) {
      yield [
        'release-tag-wrong',
        `${key} named ${short(digest)}; release ${sequence} has ${[...right].map(short).join(' or ') || 'no such image'}`,
      ];
    }
    // A release that an administrator rewound while its tags were put, and the one with its number, may meet here.
    const twoReleases = digest !== undefined && right.size > 1 && right.has(digest) && right.has(last ?? '');
    if (last !== undefined && digest !== last && !twoReleases) {
      yield ['release-tag-moved', `${key} named ${short(last)}, then ${short(digest)} at ${at}`];
    }
    last = digest;
  }
}

/** In the end: the tags of the release that the head has. */
function* settledTags(
  { tags }: History,
  environment: EnvironmentHistory,
  dropped: readonly RecordFacts[],
): Generator<string> {
  const { tag, line, rewinds } = environment;
  const record = recordOf(line[0]);
  if (!record) return;
  // A merge hides a release: `apply` refuses, and people decide.
  if (rewinds.some(({ merge }) => merge !== undefined && line.some(({ id }) => id === merge))) return;
  const mine = tags.filter((each) => each.tag.startsWith(tag));
  const found = new Map(mine.map((each) => [`${each.repository}:${each.tag}`, each.digest]));
  // A branch that was rewound below a release that has its tags: `apply` refuses, and an administrator has to decide.
  const rewound = dropped.some(
    ({ sequence, images }) =>
      sequence === record.sequence + 1 &&
      images.some(({ repository }) => found.has(`${repository}:${tag}-${sequence}`)),
  );
  if (rewound) return;
  for (const { name, repository, digest } of record.images) {
    // Its per-release tag is taken by a release that was rewound: `apply` says so, and leaves the image's tags alone.
    const taken = dropped.some(
      ({ sequence, images }) =>
        sequence === record.sequence &&
        images.some((image) => image.repository === repository && image.digest !== digest),
    );
    if (taken) continue;
    for (const each of [tag, `${tag}-${record.sequence}`]) {
      const now = found.get(`${repository}:${each}`);
      if (now !== digest) {
        yield `${name}:${each} names ${short(now)}, release ${record.sequence} has ${short(digest)}`;
      }
    }
  }
}
