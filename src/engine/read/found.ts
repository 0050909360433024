// The past before tagflow, and beside it: changes of pins in ordinary commits of a line's branch. They are found, not made by
// tagflow, and unsigned. They follow from the history alone, so that they are the same in every clone.
import { type ManifestFile, type ReadPin, readPins } from '../../manifests/manifests.ts';
import type { FileStep } from '../../ledger/ledger.ts';
import type { Instant } from '../../model/effects.ts';
import { attemptNow } from '../../model/attempt.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type Pipeline, type ReleaseLine, linesNamed, recordPaths } from '../../model/pipeline.ts';
import { isRecordFile } from '../../model/release-record.ts';
import { plain } from '../../model/text.ts';
import { compareVersions, readVersion } from '../../model/version.ts';
import type { Reading, RecordReading } from '../context.ts';
import { imageNamesOf, manifestPaths, readManifests } from '../tree/tree.ts';
import { type Snapshot, readSnapshot } from './snapshot.ts';

/** A change of an image's pin. */
export interface PinChange {
  readonly name: string;
  /** What was pinned before; undefined where nothing was. */
  readonly from: string | undefined;
  /** What is pinned from then on; undefined where the pin went away. */
  readonly to: string | undefined;
  /** `return`: to what was pinned before the change before; `downgrade`: to an older version. */
  readonly kind: 'change' | 'return' | 'downgrade';
}

/** An ordinary commit that changed pins of a line. */
export interface FoundChange {
  readonly environment: string;
  readonly commit: ObjectId;
  readonly author: string;
  readonly time: Instant;
  readonly images: readonly PinChange[];
}

/** What an image was pinned to by an ordinary commit, until a commit or a release changed it. */
export interface FoundSpan {
  readonly environment: string;
  readonly image: string;
  /** What the manifests said: a version, or a digest where they name no version. */
  readonly version: string;
  readonly from: Instant;
  /** Undefined: it still is. */
  readonly until: Instant | undefined;
  readonly author: string;
  readonly commit: ObjectId;
}

/** Which changes are looked for. */
export interface FoundFilter {
  /** Environments, each followed by applications or patterns of them; none: all. */
  readonly words: readonly string[];
  readonly image?: string | undefined;
  readonly since?: Instant | undefined;
  readonly until?: Instant | undefined;
  readonly limit: number;
}

/** Commits of one line that are read for each change that is asked for: some change nothing, and some are releases. */
const READ_FOR_EACH = 3;

/**
 * Returns changes of pins that ordinary commits made, newest first: at most `limit`, of the newest commits that touch the files
 * which pin images today. Throws `environment-not-found` and what reading throws.
 */
export async function foundChanges(reading: Reading, filter: FoundFilter): Promise<readonly FoundChange[]> {
  const found = (await allChanges(reading, filter)).flatMap(({ isRelease, ...change }) => (isRelease ? [] : [change]));
  const { image, since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY, limit } = filter;
  return found
    .filter(({ time }) => time >= since && time <= until)
    .filter(({ images }) => image === undefined || images.some(({ name }) => name === image))
    .sort((a, b) => b.time - a.time)
    .slice(0, limit);
}

/**
 * Returns what images were pinned to by ordinary commits, newest first: all of the past of the files that pin images today. Throws
 * `environment-not-found` and what reading throws.
 */
export async function foundSpans(reading: Reading, words: readonly string[]): Promise<readonly FoundSpan[]> {
  const changes = await allChanges(reading, { words, limit: EVERYTHING });
  const spans: FoundSpan[] = [];
  // Newest first: what a change ends the one above it says.
  const until = new Map<string, Instant>();
  for (const { environment, commit, author, time, images, isRelease } of changes) {
    for (const { name: image, to } of images) {
      const key = JSON.stringify([environment, image]);
      if (to !== undefined && !isRelease)
        spans.push({ environment, image, version: to, from: time, until: until.get(key), author, commit });
      until.set(key, time);
    }
  }
  return spans;
}

/** Commits of a line that are read where all are wanted. */
const EVERYTHING = 100_000;

/** A change, and whether a release made it. */
type MadeChange = FoundChange & { readonly isRelease: boolean };

/** The changes of lines one after the other, each newest first. */
async function allChanges(
  reading: Reading,
  filter: Pick<FoundFilter, 'words' | 'limit'>,
): Promise<readonly MadeChange[]> {
  const snapshot = await readSnapshot(reading, filter.words);
  const found: MadeChange[] = [];
  for (const line of linesNamed(snapshot.pipeline, filter.words)) {
    reading.signal.throwIfAborted();
    reading.notify({ level: 'progress', text: `looking through the past of ${line.name}` });
    found.push(...(await changesOf(reading, snapshot, line, filter)));
  }
  return found;
}

async function changesOf(
  reading: Pick<RecordReading, 'ledger'>,
  snapshot: Snapshot,
  line: ReleaseLine,
  { limit }: Pick<FoundFilter, 'limit'>,
): Promise<readonly MadeChange[]> {
  const { ledger } = reading;
  const head = snapshot.head(line);
  await ledger.fetch([head]);
  const files = await readManifests(reading, head, await manifestPaths(reading, line, head));
  const paths = [...new Set(pinsIn(snapshot.pipeline, line, files)?.map(({ path }) => path))];
  if (paths.length === 0) return [];
  const records = recordPaths(line);
  const most = (limit + 1) * READ_FOR_EACH;
  const steps = await ledger.recent(head, [...paths, ...records], most);
  return new Walk(snapshot.pipeline, line, records).changes(steps.toReversed(), steps.length < most);
}

/** Goes through the steps of a line, oldest first. */
class Walk {
  readonly #pipeline: Pipeline;
  readonly #line: ReleaseLine;
  readonly #records: readonly string[];
  /** What is pinned by now, and what was before. */
  readonly #now = new Map<string, string | undefined>();
  readonly #before = new Map<string, string | undefined>();

  constructor(pipeline: Pipeline, line: ReleaseLine, records: readonly string[]) {
    this.#pipeline = pipeline;
    this.#line = line;
    this.#records = records;
  }

  /** The changes, newest first. `whole`: the first step is the first of all; otherwise it only says what was pinned. */
  changes(steps: readonly FileStep[], whole: boolean): readonly MadeChange[] {
    const found: MadeChange[] = [];
    let record: string | undefined;
    for (const [index, { commit, files }] of steps.entries()) {
      const manifests = [...files]
        .filter(([path, content]) => !this.#records.includes(path) && !isRecordFile(content))
        .map(([path, content]): ManifestFile => ({ path, content }));
      const said = this.#records.map((path) => Buffer.from(files.get(path) ?? []).toString('latin1')).join('\0');
      const isRelease = record !== undefined && said !== record;
      record = said;
      const images = this.#changed(manifests);
      if (images.length === 0 || (index === 0 && !whole)) continue;
      const { id, author, time } = commit;
      found.push({ environment: this.#line.name, commit: id, author: plain(author, 200), time, images, isRelease });
    }
    return found.toReversed();
  }

  /** What files pin otherwise than before; nothing where they cannot be read. */
  #changed(files: readonly ManifestFile[]): readonly PinChange[] {
    const pins = pinsIn(this.#pipeline, this.#line, files);
    if (!pins) return [];
    const by = Map.groupBy(pins, ({ image }) => image);
    return [...this.#line.images.keys()].flatMap((name) => {
      const to = spoken(by.get(name) ?? []);
      const from = this.#now.get(name);
      if (to === from) return [];
      const kind = this.#kind(name, from, to);
      this.#before.set(name, from);
      this.#now.set(name, to);
      return [{ name, from, to, kind }];
    });
  }

  #kind(name: string, from: string | undefined, to: string | undefined): PinChange['kind'] {
    const scheme = this.#line.images.get(name)?.versions;
    if (from === undefined || to === undefined || !scheme) return 'change';
    if (this.#before.get(name) === to) return 'return';
    const [older, newer] = [readVersion(to, scheme), readVersion(from, scheme)];
    return older && newer && compareVersions(older, newer) < 0 ? 'downgrade' : 'change';
  }
}

/** The pins that files hold; undefined where one cannot be read. */
function pinsIn(pipeline: Pipeline, line: ReleaseLine, files: readonly ManifestFile[]): readonly ReadPin[] | undefined {
  const names = imageNamesOf(pipeline, line);
  return attemptNow(() => readPins(files, names, { configured: line.pins, maxBytes: pipeline.maxFileBytes })).value;
}

/** What the fields of an image say: its version, otherwise its digest; several where they differ. */
function spoken(pins: readonly ReadPin[]): string | undefined {
  const said = pins.flatMap(({ tag, digest }) => tag ?? digest ?? []);
  return said.length === 0 ? undefined : plain([...new Set(said)].sort().join(', '), 200);
}
