// What runs, beside what was released: the sources of `live` are asked, and each image of the release is compared with what they
// say. No answer is neither the release nor another one.
import type { LiveSource } from '../../model/live.ts';
import { attempt } from '../../model/attempt.ts';
import { sentenceOf } from '../../model/errors.ts';
import { plain } from '../../model/text.ts';
import type { ReleaseImage } from '../../model/release.ts';
import type { Probe, Sighting } from '../../verify/verify.ts';
import type { LiveReading, PastReading } from '../context.ts';
import { readPast } from '../read/past.ts';
import { readable } from '../read/problem.ts';
import type { Snapshot } from '../read/snapshot.ts';
import { type Verifiable, verifyTargetOf } from './target.ts';

/** What runs of an image, against the record. */
export type LiveCheck =
  | { readonly state: 'right' }
  | {
      readonly state: 'drift';
      /** The versions or digests that run, joined by commas; undefined: nothing runs, or it is not known what does. */
      readonly found: string | undefined;
      /** The newest release of the line that had exactly that. */
      readonly release: number | undefined;
      /** The release runs as well: a rollout is under way, or stuck. */
      readonly isMixed: boolean;
      /** What was seen, in words. */
      readonly why: string;
    }
  | { readonly state: 'unknown'; readonly why: string }
  /** No source says anything of it. */
  | { readonly state: 'unwatched' };

/** An image of a release, and what runs of it. */
export interface LiveImage extends ReleaseImage {
  readonly live: LiveCheck;
}

/** For one look at one source, in milliseconds. */
export const LOOK_MS = 10_000;
/** Longest text of others that is shown, in characters. */
const SEEN = 300;

/** Asks every source of a line what runs, and compares it with the line's release. Throws `interrupted`. */
export async function readSightings(
  context: LiveReading,
  snapshot: Snapshot,
  state: Verifiable,
  limitMs = LOOK_MS,
): Promise<readonly LiveImage[]> {
  const { environment, record } = state;
  const sightings = environment.live?.length ? await look(context, snapshot, state, limitMs) : [];
  const compared = record.images.map((image) => ({
    ...image,
    live: checkOf(
      image,
      sightings.filter((one) => isAbout(one, image, environment.images.size)),
      sightings,
    ),
  }));
  return Promise.all(compared.map(async (image) => named(context, snapshot, state, image)));
}

async function look(
  context: LiveReading,
  snapshot: Snapshot,
  state: Verifiable,
  limitMs: number,
): Promise<readonly Sighting[]> {
  const {
    outside: { verifier },
  } = context;
  if (!verifier) throw new TypeError('this context cannot ask what runs');
  const probe = verifier.open(verifyTargetOf(context, snapshot, state));
  try {
    const { live = [] } = state.environment;
    const found = await Promise.all(live.map(async (source) => sightingsOf(probe, source, limitMs)));
    return found.flat();
  } finally {
    await probe.close();
  }
}

async function sightingsOf(probe: Probe, source: LiveSource, limitMs: number): Promise<readonly Sighting[]> {
  const { value, problem } = await attempt(probe.look(source, limitMs));
  return value ?? [{ said: 'nothing', image: undefined, seen: sentenceOf(problem) }];
}

/** Whether a sighting names an image, or is about the whole release, or there is only one image. */
function isAbout(sighting: Sighting, { name }: ReleaseImage, images: number): boolean {
  if (!('image' in sighting)) return true;
  return sighting.image === undefined ? sighting.said === 'runs' && images === 1 : sighting.image === name;
}

function checkOf({ version, digest }: ReleaseImage, own: readonly Sighting[], all: readonly Sighting[]): LiveCheck {
  for (const sighting of own) {
    if (sighting.said === 'undeployed') return drift(plain(sighting.seen, SEEN));
    if (sighting.said !== 'runs') continue;
    const others = sighting.what.filter((what) => what !== version && what !== digest);
    if (sighting.what.length === 0) return drift('nothing runs');
    if (others.length === 0) continue;
    const found = plain(others.join(', '), SEEN);
    const isMixed = others.length < sighting.what.length;
    return drift(`${found} runs${isMixed ? ` beside ${version}` : ''}`, found, isMixed);
  }
  const silent = own.find((one) => one.said === 'nothing');
  if (silent) return { state: 'unknown', why: plain(silent.seen, SEEN) };
  if (own.length > 0) return { state: 'right' };
  // A source that gave no answer might have spoken of this image.
  const unclear = all.find((one) => one.said === 'nothing' && one.image === undefined);
  return unclear?.said === 'nothing' ? { state: 'unknown', why: plain(unclear.seen, SEEN) } : { state: 'unwatched' };
}

function drift(why: string, found?: string, isMixed = false): LiveCheck {
  return { state: 'drift', found, release: undefined, isMixed, why };
}

/** Adds to drift which release of the line it was. The past is read for drift alone. */
async function named(
  context: PastReading,
  snapshot: Snapshot,
  { environment }: Verifiable,
  image: LiveImage,
): Promise<LiveImage> {
  const { live, name } = image;
  if (live.state !== 'drift' || live.found === undefined) return image;
  const { found } = live;
  const { value: past } = await readable(readPast(context, snapshot, environment));
  const release = past?.releases.find(({ record }) =>
    record.images.some((one) => one.name === name && (one.version === found || one.digest === found)),
  );
  return { ...image, live: { ...live, release: release?.record.sequence } };
}

/** Whether a release is live: every image that a source speaks of runs as released, and there is one. */
export function isLive(images: readonly LiveImage[]): boolean {
  const watched = images.filter(({ live }) => live.state !== 'unwatched');
  return watched.length > 0 && watched.every(({ live }) => live.state === 'right');
}
