// What the commits of lines' branches pinned, read in stretches from the newest commit down. What a stretch pinned follows from its
// commits and from what the configuration says of pins, so it is kept between runs: a reading that was broken off continues where it
// was, and a second one reads what is new.
import { createHash } from 'node:crypto';
import type { FileStep } from '../../ledger/ledger.ts';
import { type ManifestFile, type ReadPin, readPins } from '../../manifests/manifests.ts';
import { attemptNow } from '../../model/attempt.ts';
import type { Instant } from '../../model/effects.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type Pipeline, type ReleaseLine, recordPaths } from '../../model/pipeline.ts';
import { isRecordFile } from '../../model/release-record.ts';
import { plain } from '../../model/text.ts';
import type { Reading } from '../context.ts';
import { imageNamesOf, manifestPaths, readManifests } from '../tree/tree.ts';

/** A commit that changed files of a line, and what they pinned from then on. */
export interface PinStep {
  readonly commit: ObjectId;
  readonly author: string;
  readonly time: Instant;
  /** The digest of the line's record, there or not. */
  readonly record: string;
  /** By image: its version, otherwise its digest; several where fields differ. Undefined where a file cannot be read. */
  readonly pins: ReadonlyMap<string, string> | undefined;
}

/** Steps of a line, newest first. */
export interface PinSteps {
  readonly steps: readonly PinStep[];
  /** Whether the last step is the first of all. */
  readonly isWhole: boolean;
}

/** Lines whose steps are read, of fetched heads. */
interface PinStepsAsk {
  readonly pipeline: Pipeline;
  readonly lines: readonly ReleaseLine[];
  readonly head: (line: ReleaseLine) => ObjectId;
  /** Steps of each line. */
  readonly most: number;
}

/** Numbers of commits that are read in one go: the first time, and at most. Each time it is that many times more. */
export interface StretchSizes {
  readonly first: number;
  readonly most: number;
}

/** A short history takes one request; a long one takes memory for one stretch. */
const SIZES: StretchSizes = { first: 250, most: 10_000 };
const LONGER = 8;

/**
 * Returns what the newest commits of lines pinned: of each line at most that many steps of the files that pin images today. The
 * same for the same commits, whatever was kept. Throws what reading throws.
 */
export async function readPinSteps(
  reading: Reading,
  ask: PinStepsAsk,
  sizes: StretchSizes = SIZES,
): Promise<ReadonlyMap<ReleaseLine, PinSteps>> {
  await reading.ledger.fetch([...new Set(ask.lines.map((line) => ask.head(line)))]);
  const walks = (await Promise.all(ask.lines.map(async (line) => openWalk(reading, ask, line)))).flat();
  let size = sizes.first;
  for (let commits = 0; ; commits += size, size = Math.min(sizes.most, size * LONGER)) {
    await Promise.all(walks.map(async (walk) => walk.recall()));
    const open = walks.filter(({ isOpen }) => isOpen);
    if (open.length === 0) break;
    reading.signal.throwIfAborted();
    reading.notify({ level: 'progress', text: progressText(open, commits) });
    for (const [from, some] of Map.groupBy(open, ({ at }) => at)) {
      if (from !== undefined) await readOn(reading, from, some, size);
    }
  }
  return new Map(walks.map((walk) => [walk.line, walk.result]));
}

/** Reads one stretch for several walks that are at its beginning. */
async function readOn({ ledger }: Reading, from: ObjectId, walks: readonly StepWalk[], size: number): Promise<void> {
  const stretch = await ledger.stretch(
    from,
    walks.map(({ files }) => files),
    size,
  );
  for (const [index, walk] of walks.entries()) {
    await walk.take({ line: stretch.line, next: stretch.next, steps: stretch.steps[index] ?? [] });
  }
}

function progressText(open: readonly StepWalk[], commits: number): string {
  const [first] = open;
  const lines = `${first?.line.name ?? ''}${open.length > 1 ? ` and ${open.length - 1} more` : ''}`;
  const sofar = commits > 0 ? `: ${commits.toLocaleString('en')} commits read` : '';
  return `looking through the past of ${lines}${sofar}`;
}

/** A walk of a line, where its head pins anything. */
async function openWalk(
  reading: Reading,
  { pipeline, head, most }: PinStepsAsk,
  line: ReleaseLine,
): Promise<readonly StepWalk[]> {
  const commit = head(line);
  const files = await readManifests(reading, commit, await manifestPaths(reading, line, commit));
  const paths = [...new Set(pinsIn(pipeline, line, files)?.map(({ path }) => path))];
  return paths.length === 0 ? [] : [new StepWalk({ reading, pipeline, line, paths, most, head: commit })];
}

/** What one stretch says of a line. */
interface KeptStretch {
  readonly next: ObjectId | undefined;
  /** Commits that were looked at. */
  readonly commits: number;
  readonly steps: readonly PinStep[];
}

/** The way down from a line's head. */
class StepWalk {
  readonly line: ReleaseLine;
  /** What is looked at: files that pin images, and records. */
  readonly files: readonly string[];
  readonly #keeper: Reading['keeper'];
  readonly #read: (step: FileStep) => PinStep;
  readonly #most: number;
  /** What is kept is kept under this name: all but commits that it follows from. */
  readonly #kind: string;
  readonly #steps: PinStep[] = [];
  /** The commit to go on from; undefined: nothing is below. */
  at: ObjectId | undefined;

  constructor(
    ask: Pick<PinStepsAsk, 'pipeline' | 'most'> & {
      readonly reading: Pick<Reading, 'keeper'>;
      readonly line: ReleaseLine;
      readonly paths: readonly string[];
      readonly head: ObjectId;
    },
  ) {
    const { pipeline, line, paths } = ask;
    const records = recordPaths(line);
    this.line = line;
    this.files = [...paths, ...records];
    this.at = ask.head;
    this.#most = ask.most;
    this.#keeper = ask.reading.keeper;
    this.#read = createStepReader(pipeline, line, records);
    const rules = [paths, records, imageNamesOf(pipeline, line), line.pins, pipeline.maxFileBytes];
    this.#kind = `found ${digestOf([spell(rules)])}`;
  }

  /** Whether more has to be read. One step more than is wanted: it may turn out to say the same as the one below. */
  get isOpen(): boolean {
    return this.at !== undefined && this.#steps.length <= this.#most;
  }

  get result(): PinSteps {
    const isWhole = this.at === undefined && this.#steps.length <= this.#most;
    return { steps: this.#steps.slice(0, this.#most), isWhole };
  }

  /** Continues as far as stretches were kept. */
  async recall(): Promise<void> {
    while (this.isOpen) {
      const kept = await this.#keptAt(this.at);
      if (!kept) return;
      this.#add(kept);
    }
  }

  /** Continues by a stretch that was read, down to where one was kept. */
  async take({ line, next, steps }: ReadStretch): Promise<void> {
    const starts = await this.#keeper?.facts(this.#kind);
    const cut = line.findIndex((id, index) => index > 0 && starts?.known.has(id) === true);
    const commits = cut < 0 ? line.length : cut;
    const within = new Set(line.slice(0, commits));
    const said = steps.filter(({ commit }) => within.has(commit.id)).map((step) => this.#read(step));
    const stretch = { next: cut < 0 ? next : line[cut], commits, steps: withoutRepeats(said) };
    await this.#keep(stretch);
    this.#add(stretch);
  }

  #add({ next, steps }: KeptStretch): void {
    const all = withoutRepeats([...this.#steps.splice(-1), ...steps]);
    for (const step of all) this.#steps.push(step);
    this.at = next;
  }

  async #keptAt(start: ObjectId | undefined): Promise<KeptStretch | undefined> {
    const starts = await this.#keeper?.facts(this.#kind);
    if (start === undefined || starts?.known.has(start) !== true) return undefined;
    return (await this.#keeper?.facts(`${this.#kind} ${start}`))?.known.get('stretch') as KeptStretch | undefined;
  }

  /** Keeps a stretch; a short one together with the one below, so that many runs do not leave many of them. */
  async #keep(stretch: KeptStretch): Promise<void> {
    const keeper = this.#keeper;
    const start = this.at;
    if (!keeper || start === undefined) return;
    const below = await this.#keptAt(stretch.next);
    const isShort = below !== undefined && stretch.commits + below.commits <= SIZES.most;
    const kept = isShort
      ? {
          next: below.next,
          commits: stretch.commits + below.commits,
          steps: withoutRepeats([...stretch.steps, ...below.steps]),
        }
      : stretch;
    const own = `${this.#kind} ${start}`;
    (await keeper.facts(own)).learn('stretch', kept);
    await keeper.store(own);
    (await keeper.facts(this.#kind)).learn(start, true);
    await keeper.store(this.#kind);
  }
}

/** A stretch as the ledger gave it. */
interface ReadStretch {
  readonly line: readonly ObjectId[];
  readonly next: ObjectId | undefined;
  readonly steps: readonly FileStep[];
}

/** Steps without those that say what the one below says. */
function withoutRepeats(steps: readonly PinStep[]): readonly PinStep[] {
  return steps.filter((step, index) => {
    const below = steps[index + 1];
    return !below || step.record !== below.record || !isSame(step.pins, below.pins);
  });
}

function isSame(one: PinStep['pins'], other: PinStep['pins']): boolean {
  if (!one || !other) return one === other;
  return one.size === other.size && one.entries().every(([image, said]) => other.get(image) === said);
}

/** Reads what steps pin; manifests that did not change from one to the next are read once. */
function createStepReader(
  pipeline: Pipeline,
  line: ReleaseLine,
  records: readonly string[],
): (step: FileStep) => PinStep {
  let before: { readonly manifests: readonly ManifestFile[]; readonly pins: PinStep['pins'] } | undefined;
  return ({ commit: { id, author, time }, files }) => {
    const manifests = [...files]
      .filter(([path, content]) => !records.includes(path) && !isRecordFile(content))
      .map(([path, content]): ManifestFile => ({ path, content }));
    if (!before || !areSame(before.manifests, manifests)) {
      const pins = pinsIn(pipeline, line, manifests);
      before = { manifests, pins: pins && saidBy(pins) };
    }
    const record = digestOf(records.map((path) => files.get(path) ?? ''));
    return { commit: id, author: plain(author, 200), time, record, pins: before.pins };
  };
}

function areSame(some: readonly ManifestFile[], others: readonly ManifestFile[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ path, content }, index) => others[index]?.path === path && others[index]?.content === content)
  );
}

/** The pins that files hold; undefined where one cannot be read. */
function pinsIn(pipeline: Pipeline, line: ReleaseLine, files: readonly ManifestFile[]): readonly ReadPin[] | undefined {
  const names = imageNamesOf(pipeline, line);
  return attemptNow(() => readPins(files, names, { configured: line.pins, maxBytes: pipeline.maxFileBytes })).value;
}

/** What the fields of each image say: its version, otherwise its digest; several where they differ. */
function saidBy(pins: readonly ReadPin[]): ReadonlyMap<string, string> {
  const said = new Map<string, string>();
  for (const [image, own] of Map.groupBy(pins, (pin) => pin.image)) {
    const texts = own.flatMap(({ tag, digest }) => tag ?? digest ?? []);
    if (texts.length > 0) said.set(image, plain([...new Set(texts)].sort().join(', '), 200));
  }
  return said;
}

/** A value as one text, the same in each run: V8 spells equal values in more than one way. */
function spell(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => {
    if (one instanceof Map) return { map: [...one] };
    return one instanceof RegExp ? { pattern: String(one) } : one;
  });
}

function digestOf(parts: readonly (Uint8Array | string)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length} `).update(part);
  return hash.digest('base64url');
}
