// Somebody who may push to the trunk writes the records of lines by hand. Without signatures a record tells by what it says of the
// line below it and of its tree alone; these are all wrong in one of them, and no release may come of any.
import { digestOf } from '../../../src/model/digest.ts';
import type { Instant } from '../../../src/model/effects.ts';
import type { ObjectId } from '../../../src/model/object-id.ts';
import { type Environment, type Pipeline, recordPath } from '../../../src/model/pipeline.ts';
import { formatRecord, parseRecord } from '../../../src/model/release-record.ts';
import type { ReleaseRecord } from '../../../src/model/release.ts';
import { PUBLISHED } from './images.ts';
import type { SeededRandom } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { World } from './world.ts';

/**
 * `images`: the newest release with other images. `next`: the next number, on another commit than the newest release. `skipped`: a
 * number too many. `scope`: the next number, of another tree. `moved`: the record of another line. `older`: the record of an earlier
 * release. `removed`: no record.
 */
const KINDS = ['images', 'next', 'skipped', 'scope', 'moved', 'older', 'removed'] as const;

/** A record that is written by hand. */
export interface Forgery {
  readonly kind: (typeof KINDS)[number];
  /** The line. */
  readonly of: string;
}

/** Draws up to two forgeries for a part of the scenarios. */
export function drawForgeries(random: SeededRandom, line: (random: SeededRandom) => string): readonly Forgery[] {
  if (!random.chance(0.3)) return [];
  return Array.from({ length: 1 + random.below(2) }, () => ({ kind: random.pick(KINDS), of: line(random) }));
}

/** Somebody writes a record to the head of the trunk; nothing where there is none that could be written. */
export async function forge(
  world: World,
  scheduler: Scheduler,
  pipeline: Pipeline,
  { kind, of }: Forgery,
  number: number,
): Promise<void> {
  const line = pipeline.lines.get(of);
  if (!line) throw new TypeError(`there is no line ${of}`);
  const effect = (): void => {
    const newest = releasesOf(world, line)[0];
    const files = forgedFiles(world, pipeline, line, { kind, number, time: scheduler.now });
    if (!files) return;
    const commit = world.remote.commit(line.branch, files, { message: `${kind} ${number}`, time: scheduler.now });
    const previous = newest && { sequence: newest.record.sequence, commit: newest.commit };
    world.forged.set(commit, { line, previous });
    world.moved();
    scheduler.note(`hand: ${line.branch} is now ${world.nameOf(commit)}`);
  };
  await scheduler.point({ process: 'hand', server: 'git', label: `forges a record: ${kind} ${of}`, effect });
}

/** Whether the record that a line has at its head is not the one that a release wrote there. */
export function isForged(world: World, line: Environment): boolean {
  for (const { commit, isChanged } of changesOf(world, line)) {
    const byHand = world.forged.get(commit);
    if (byHand?.line.name === line.name) return !byHand.isMended;
    if (isChanged) return false;
  }
  return false;
}

/** Takes a record away that was forged where no release was; nothing elsewhere. */
export function removeForged(world: World, line: Environment, time: Instant): void {
  if (!isForged(world, line) || releasesOf(world, line).length > 0) return;
  const commit = world.remote.commit(line.branch, { [recordPath(line)]: undefined }, { message: 'mend', time });
  world.forged.set(commit, { line, isMended: true, previous: undefined });
  world.moved();
}

interface Writing {
  readonly kind: Forgery['kind'];
  readonly number: number;
  readonly time: Instant;
}

function forgedFiles(
  world: World,
  pipeline: Pipeline,
  line: Environment,
  { kind, number, time }: Writing,
): Record<string, string | undefined> | undefined {
  const path = recordPath(line);
  const releases = releasesOf(world, line);
  const [newest, ...older] = releases;
  switch (kind) {
    case 'removed':
      return newest && { [path]: undefined };
    case 'older': {
      const text = older[number % Math.max(older.length, 1)]?.text;
      return text === undefined ? undefined : { [path]: text };
    }
    case 'moved': {
      const other = [...pipeline.lines.values()].find((each) => each.name !== line.name && releasesOf(world, each)[0]);
      const text = other && releasesOf(world, other)[0]?.text;
      return text === undefined ? undefined : { [path]: text };
    }
    default: {
      const record = claimed(world, line, newest, { kind, number, time });
      return { [path]: formatRecord(record), ...(number % 2 === 0 && pinned(world, line, record)) };
    }
  }
}

/** A record that says of itself what its kind says. */
function claimed(
  world: World,
  line: Environment,
  newest: Made | undefined,
  { kind, number, time }: Writing,
): ReleaseRecord {
  const head = headOf(world, line);
  const [below] = world.remote.read(newest?.commit ?? head).parents;
  const last = newest?.record.sequence ?? 0;
  const previous = {
    images: newest?.record.previous,
    next: { sequence: Math.max(last, 1), commit: below ?? head },
    skipped: { sequence: last + 1, commit: newest?.commit ?? head },
    scope: newest && { sequence: last, commit: newest.commit },
  }[kind as 'images' | 'next' | 'skipped' | 'scope'];
  return {
    schema: 2,
    environment: line.environment,
    ...(line.application !== undefined && { application: line.application }),
    action: 'promote',
    sequence: (previous?.sequence ?? 0) + 1,
    ...(previous && { previous }),
    images: [...line.images.values()].map(({ name, repository }) => {
      const versions = PUBLISHED[name] ?? [];
      const { version, digest } = versions[number % versions.length]!;
      return { name, repository: repository.name, version, digest } as ReleaseRecord['images'][number];
    }),
    source: { branch: line.branch, commit: head },
    scope: world.remote.read(head).tree,
    actor: 'mallory',
    time: new Date(time).toISOString(),
    reason: `forgery ${number}`,
    held: [],
    gates: [],
    plan: digestOf(`forgery ${number}`),
    config: { commit: head },
  };
}

/** The manifest of a line, as a forged record says that it is. */
function pinned(world: World, line: Environment, { images }: ReleaseRecord): Record<string, string> {
  const path = `${line.scope.folders[0]}/kustomization.yaml`;
  const text = world.remote.file(line.branch, path) ?? '';
  return { [path]: text.replace(/digest: \S+/, `digest: ${images[0]?.digest}`) };
}

interface Made {
  readonly commit: ObjectId;
  readonly text: string;
  readonly record: ReleaseRecord;
}

/** The releases of a line, newest first: the changes of its record that hands did not make. */
function releasesOf(world: World, line: Environment): readonly Made[] {
  return [...changesOf(world, line)].flatMap(({ commit, text, isChanged }) => {
    if (!isChanged || text === undefined || world.forged.get(commit)?.line.name === line.name) return [];
    return [{ commit, text, record: parseRecord(text, recordPath(line)) }];
  });
}

/** The commits of a line's branch, newest first, with the record that each has. */
function* changesOf(
  world: World,
  line: Environment,
): Generator<{ readonly commit: ObjectId; readonly text: string | undefined; readonly isChanged: boolean }> {
  const textAt = (id: ObjectId | undefined): string | undefined => {
    const content = id && world.remote.filesOf(id).get(recordPath(line));
    return content && Buffer.from(content).toString();
  };
  for (let id: ObjectId | undefined = headOf(world, line); id !== undefined;) {
    const parent: ObjectId | undefined = world.remote.read(id).parents[0];
    const text = textAt(id);
    yield { commit: id, text, isChanged: text !== textAt(parent) };
    id = parent;
  }
}

function headOf(world: World, { branch }: Environment): ObjectId {
  const head = world.remote.branches.get(branch);
  if (head === undefined) throw new TypeError(`there is no branch ${branch}`);
  return head;
}
