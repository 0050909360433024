// Waiting until the release of a line runs. Nothing is written: a stop leaves nothing half done, and the next run waits again.
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type Environment, lineOf } from '../../model/pipeline.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { LiveReading, Reading } from '../context.ts';
import { type Snapshot, readSnapshot } from '../read/snapshot.ts';
import { LOOK_MS, type LiveImage, isLive, readSightings } from './live.ts';
import type { Verifiable } from './target.ts';

/** How to wait. */
export interface WaitLiveOptions {
  readonly timeoutMs: number;
  /** The commit of the release to wait for; no other release at the head is waited for. */
  readonly commit?: ObjectId | undefined;
}

/** A release, and whether it runs. */
export interface LiveRelease {
  /** `ENV`, or `ENV/APP`. */
  readonly environment: string;
  readonly record: ReleaseRecord;
  readonly commit: ObjectId;
  readonly images: readonly LiveImage[];
  readonly isLive: boolean;
  readonly waitedMs: number;
}

/** Between two looks, in milliseconds; where a forge is asked, which counts requests. */
const PAUSE_MS = 1000;
const FORGE_PAUSE_MS = 5000;

/**
 * Waits until the release that a line has is live, or the time is over. Throws `release-not-found`, `usage` where nothing shows what
 * runs, `superseded` when the line has another release by the end, `interrupted`.
 */
export async function waitUntilLive(
  context: LiveReading,
  line: string,
  options: WaitLiveOptions,
): Promise<LiveRelease> {
  const { clock, signal } = context;
  const { snapshot, state, pause } = await readLiveLine(context, line, options.commit);
  const { environment, record, commit } = state;
  const started = clock.elapsed();
  const deadline = started + options.timeoutMs;
  let last = '';
  for (;;) {
    signal.throwIfAborted();
    const left = deadline - clock.elapsed();
    const images = await readSightings(context, snapshot, state, Math.max(1, Math.min(left, LOOK_MS)));
    const waitedMs = clock.elapsed() - started;
    const found = { environment: environment.name, record, commit, images, isLive: isLive(images), waitedMs };
    if (found.isLive) return found;
    const words = waitingFor(images);
    if (words !== last) report(context, found, words);
    last = words;
    if (clock.elapsed() + pause >= deadline) {
      await requireNewest(context, state);
      return found;
    }
    await clock.sleep(pause, signal);
  }
}

/** The release of a line, to be compared with what runs. Throws as `waitUntilLive`. */
export async function readLiveLine(
  context: Reading,
  line: string,
  meant?: ObjectId,
): Promise<{ readonly snapshot: Snapshot; readonly state: Verifiable; readonly pause: number }> {
  const snapshot = await readSnapshot(context, [line.split('/', 1)[0] ?? line]);
  const environment = lineOf(snapshot.pipeline, line);
  const { live } = environment;
  if (!live) throw noSource(environment);
  const state = await snapshot.release(environment);
  const { record, commit } = state;
  if (!record || !commit) {
    throw new TagflowError('release-not-found', {
      what: `${environment.name} has no release that could be live`,
      why: 'nothing was released there yet',
      fix: advise`release something: ${{ act: 'promote', line: environment.name }}`,
    });
  }
  if (meant !== undefined && commit !== meant) throw overtaken(environment, record);
  const pause = live.some(({ kind }) => kind === 'status') ? FORGE_PAUSE_MS : PAUSE_MS;
  return { snapshot, state: { ...state, record, commit }, pause };
}

async function requireNewest(context: Reading, { environment, commit }: Verifiable): Promise<void> {
  const snapshot = await readSnapshot(context, [environment.environment]);
  const now = await snapshot.release(lineOf(snapshot.pipeline, environment.name));
  if (now.commit !== commit) throw overtaken(environment, now.record);
}

/** What is missing, in words. */
export function waitingFor(images: readonly LiveImage[]): string {
  const missing = images.flatMap(({ name, version, live }) => {
    if (live.state === 'drift') return [`${name} ${version}: ${live.why}`];
    return live.state === 'unknown' ? [`${name} ${version}: not known: ${live.why}`] : [];
  });
  return missing.join('; ') || 'no source says what runs';
}

function report({ notify }: Pick<Reading, 'notify'>, { environment, record }: LiveRelease, words: string): void {
  notify({
    level: 'progress',
    waits: true,
    text: `waiting until release ${record.sequence} of ${environment} is live: ${words}`,
  });
}

function noSource({ environment }: Environment): TagflowError {
  return new TagflowError('usage', {
    what: `no source reports what runs in ${environment}`,
    why: `environments.${environment}.live is not set in tagflow.yaml on the trunk`,
    fix: 'name a URL, a workload or a commit status: see docs/how-to/see-what-is-live.md',
  });
}

function overtaken({ name }: Environment, record: ReleaseRecord | undefined): TagflowError {
  return new TagflowError('superseded', {
    what: `the release that was waited for is no longer the newest of ${name}`,
    why: record ? `release ${record.sequence} arrived meanwhile, by ${record.actor}` : 'its branch changed',
    fix: advise`look at what is there now: ${{ act: 'see live', line: name }}`,
    details: { environment: name, release: record?.sequence },
  });
}
