// Holds that people set: this image shall not be released to some environments, or to any.
import { isDigest } from '../../model/digest.ts';
import type { Instant } from '../../model/effects.ts';
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import { type JournalEntry, readEntryId } from '../../model/journal.ts';
import { sameVersion } from '../../model/nearest.ts';
import { type Environment, imageOf } from '../../model/pipeline.ts';
import { parseVersion } from '../../model/version.ts';
import {
  configured,
  type EntryPorts,
  type LineReading,
  type RecordReading,
  type RegistryFinder,
  type RegistryMaker,
} from '../context.ts';
import { journalOf, openEntries } from '../read/journal.ts';
import { requireNoneLost } from '../read/journal-loss.ts';
import { type Snapshot, readSnapshot } from '../read/snapshot.ts';
import { presentEnvironment } from './lines.ts';
import { type JournalBase, type Written, appendEntry, headsOf } from '../release/append-entry.ts';
import { publishedIn } from '../release/published.ts';

/** A hold to be set. */
export interface HoldRequest {
  /** `IMAGE@VERSION`, `IMAGE@DIGEST`, or a digest. */
  readonly image: string;
  /** Without any: every environment. */
  readonly environments: readonly string[];
  readonly until: Instant | undefined;
  readonly reason: string;
}

type HeldImage = NonNullable<JournalEntry['image']>;

/** Sets a hold. Throws `version-not-found`, `usage`, `signature-invalid`, `push-denied`, and what reading throws. */
export async function hold(given: EntryPorts & RegistryMaker, request: HoldRequest): Promise<Written> {
  const { environments: names, until, reason } = request;
  const snapshot = await readSnapshot(given);
  const context = configured(given, snapshot);
  const image = await imageNamed(context.registries, snapshot, request.image);
  const lasting = { ...(until !== undefined && { until: new Date(until).toISOString() }), reason, image };
  if (names.length === 0) {
    const all = [...snapshot.pipeline.environments.values()];
    await requireNoneLost(snapshot, all);
    const { entry } = await appendEntry(context, snapshot, all, { kind: 'hold', ...lasting });
    return { entries: [entry], pipeline: snapshot.pipeline };
  }
  const environments = await environmentsNamed(context, snapshot, names);
  await requireNoneLost(snapshot, environments);
  const entries = await inTurn(snapshot, environments, async (now, environment) =>
    appendEntry(context, now, [environment], { kind: 'hold', environment: environment.environment, ...lasting }),
  );
  return { entries, pipeline: snapshot.pipeline };
}

/**
 * Lifts holds: the one of an id, or those on an image. A hold on every environment may be lifted for some alone. Throws
 * `entry-not-found`, and what `hold` throws.
 */
export async function lift(
  given: EntryPorts & RegistryMaker,
  what: string,
  names: readonly string[],
  reason: string | undefined,
): Promise<readonly JournalEntry[]> {
  const snapshot = await readSnapshot(given);
  const context = configured(given, snapshot);
  const id = readEntryId(what);
  if (id === undefined && !what.includes('@') && !isDigest(what)) throw namesNoHold(what);
  const image = id === undefined ? await imageNamed(context.registries, snapshot, what) : undefined;
  const environments = names.length > 0 ? await environmentsNamed(context, snapshot, names) : undefined;
  await requireNoneLost(snapshot, environments ?? [...snapshot.pipeline.environments.values()]);
  const isMeant = (entry: JournalEntry): boolean => (image ? entry.image?.digest === image.digest : entry.id === id);
  const found = await openHolds(context, snapshot, environments, isMeant);
  if (found.length === 0) throw noOpenHold(what);
  const lifted: JournalEntry[] = [];
  let { branches } = snapshot;
  for (const { entry: held, environment } of found) {
    const everywhere = held.environment === undefined && !environments;
    const { entry, head } = await appendEntry(context, { ...headsOf(snapshot), branches }, [environment], {
      kind: 'lift',
      ...(!everywhere && { environment: environment.environment }),
      ends: held.id,
      ...(reason !== undefined && { reason }),
    });
    lifted.push(entry);
    branches = new Map([...branches, [snapshot.pipeline.journal, head]]);
  }
  return lifted;
}

/** An open hold, and an environment for which it is lifted. */
interface OpenHold {
  readonly entry: JournalEntry;
  readonly environment: Environment;
}

/** Open holds that are meant, once for each of the environments that were named; once each where none was. */
async function openHolds(
  context: RecordReading,
  snapshot: Snapshot,
  environments: readonly Environment[] | undefined,
  isMeant: (entry: JournalEntry) => boolean,
): Promise<readonly OpenHold[]> {
  const found = new Map<string, OpenHold>();
  for (const environment of environments ?? snapshot.pipeline.environments.values()) {
    for (const { entry } of await openEntries(context, journalOf(snapshot), { kind: 'hold', environment })) {
      if (!isMeant(entry)) continue;
      const scope = environments ? environment.environment : (entry.environment ?? '_');
      found.set(`${entry.id} ${scope}`, { entry, environment });
    }
  }
  return [...found.values()];
}

async function environmentsNamed(
  context: LineReading,
  snapshot: Snapshot,
  names: readonly string[],
): Promise<readonly Environment[]> {
  return Promise.all(names.map(async (name) => presentEnvironment(context, snapshot, name)));
}

async function inTurn(
  snapshot: Snapshot,
  environments: readonly Environment[],
  append: (snapshot: JournalBase, environment: Environment) => ReturnType<typeof appendEntry>,
): Promise<readonly JournalEntry[]> {
  const entries: JournalEntry[] = [];
  let { branches } = snapshot;
  for (const environment of environments) {
    const { entry, head } = await append({ ...headsOf(snapshot), branches }, environment);
    entries.push(entry);
    branches = new Map([...branches, [snapshot.pipeline.journal, head]]);
  }
  return entries;
}

function noOpenHold(what: string): TagflowError {
  return new TagflowError('entry-not-found', {
    what: `no hold ${what} is open`,
    why: 'it was lifted already, it has expired, or a rollback left it, which is lifted by a promotion',
    fix: advise`look at what is open: ${{ act: 'list journal' }}; for a rollback's: ${{ act: 'override', gate: 'held' }}`,
  });
}

function namesNoHold(text: string): TagflowError {
  return new TagflowError('usage', {
    what: `${JSON.stringify(text)} does not name a hold`,
    why: 'a hold is named by its id of twelve hexadecimal digits, or by its image: IMAGE@VERSION, IMAGE@DIGEST, or a digest',
    fix: advise`find the id: ${{ act: 'list journal' }}`,
  });
}

function notAnImage(text: string): TagflowError {
  return new TagflowError('usage', {
    what: `${JSON.stringify(text)} does not name an image`,
    why: 'an image is IMAGE@VERSION, IMAGE@DIGEST, or a digest',
    fix: advise`name it so: ${{ act: 'hold', image: 'django@V4.2' }}`,
  });
}

/** The image that a text names, by its digest. */
async function imageNamed(context: RegistryFinder, { pipeline }: Snapshot, text: string): Promise<HeldImage> {
  if (isDigest(text)) return { digest: text };
  const at = text.indexOf('@');
  if (at <= 0) throw notAnImage(text);
  const image = imageOf(pipeline, text.slice(0, at));
  const tail = text.slice(at + 1);
  if (isDigest(tail)) return { name: image.name, digest: tail };
  const { tag } = parseVersion(tail, image.versions, image.name);
  const found = await context.registryOf(image.repository).resolve(image.repository, tag);
  if (found) return { name: image.name, version: tag, digest: found.digest };
  const { tags, text: why } = await publishedIn(context, image.repository, image.versions);
  const meant = sameVersion(tag, tags);
  throw new TagflowError('version-not-found', {
    what: `${image.repository.name} has no version ${tag}`,
    why,
    fix: meant === undefined ? `name the digest: ${image.name}@sha256:…` : `did you mean ${image.name}@${meant}?`,
  });
}
