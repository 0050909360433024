// The past before tagflow, and beside it: changes of pins in ordinary commits of a line's branch. They are found, not made by
// tagflow, and unsigned. They follow from the history alone, so that they are the same in every clone.
import type { Instant } from '../../model/effects.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type ReleaseLine, linesNamed } from '../../model/pipeline.ts';
import { compareVersions, readVersion } from '../../model/version.ts';
import type { Reading } from '../context.ts';
import { type PinStep, type StretchSizes, readPinSteps } from './found-steps.ts';
import { readSnapshot } from './snapshot.ts';

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
export async function foundChanges(
  reading: Reading,
  filter: FoundFilter,
  sizes?: StretchSizes,
): Promise<readonly FoundChange[]> {
  const found = (await allChanges(reading, filter, sizes)).flatMap(({ isRelease, ...change }) =>
    isRelease ? [] : [change],
  );
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
export async function foundSpans(
  reading: Reading,
  words: readonly string[],
  sizes?: StretchSizes,
): Promise<readonly FoundSpan[]> {
  const changes = await allChanges(reading, { words, limit: Infinity }, sizes);
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

/** A change, and whether a release made it. */
type MadeChange = FoundChange & { readonly isRelease: boolean };

/** The changes of lines one after the other, each newest first. */
async function allChanges(
  reading: Reading,
  { words, limit }: Pick<FoundFilter, 'words' | 'limit'>,
  sizes: StretchSizes | undefined,
): Promise<readonly MadeChange[]> {
  const snapshot = await readSnapshot(reading, words);
  const { pipeline } = snapshot;
  const lines = linesNamed(pipeline, words);
  const head = (line: ReleaseLine): ObjectId => snapshot.head(line);
  const most = (limit + 1) * READ_FOR_EACH;
  const steps = await readPinSteps(reading, { pipeline, lines, head, most }, sizes);
  return [...steps].flatMap(([line, { steps: own, isWhole }]) => new Walk(line).changes(own.toReversed(), isWhole));
}

/** Goes through the steps of a line, oldest first. */
class Walk {
  readonly #line: ReleaseLine;
  /** What is pinned by now, and what was before. */
  readonly #now = new Map<string, string | undefined>();
  readonly #before = new Map<string, string | undefined>();

  constructor(line: ReleaseLine) {
    this.#line = line;
  }

  /** The changes, newest first. `whole`: the first step is the first of all; otherwise it only says what was pinned. */
  changes(steps: readonly PinStep[], whole: boolean): readonly MadeChange[] {
    const found: MadeChange[] = [];
    let last: string | undefined;
    for (const [index, { commit, author, time, record, pins }] of steps.entries()) {
      const isRelease = last !== undefined && record !== last;
      last = record;
      const images = this.#changed(pins);
      if (images.length === 0 || (index === 0 && !whole)) continue;
      found.push({ environment: this.#line.name, commit, author, time, images, isRelease });
    }
    return found.toReversed();
  }

  /** What is pinned otherwise than before; nothing where files cannot be read. */
  #changed(pins: PinStep['pins']): readonly PinChange[] {
    if (!pins) return [];
    return [...this.#line.images.keys()].flatMap((name) => {
      const to = pins.get(name);
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
