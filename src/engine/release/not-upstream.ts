// What reached an environment before the ones upstream of it, where fixes go there first, and has not arrived upstream yet.
import type { UnmergedCommit } from '../../gates/gates.ts';
import type { ReleaseImage } from '../../model/release.ts';
import type { PastReading } from '../context.ts';
import { readPast } from '../read/past.ts';
import { readable } from '../read/problem.ts';
import { type EnvironmentState, type Snapshot, upstreamLine } from '../read/snapshot.ts';
import { scopeDivergence, treeDivergence } from '../read/divergence.ts';
import { promotionSource } from './choose-promotion.ts';

/** Commits and images of an environment that upstream lacks. */
export interface NotUpstream {
  /** Newest first. */
  readonly commits: readonly UnmergedCommit[];
  readonly images: readonly ReleaseImage[];
}

const NOTHING: NotUpstream = { commits: [], images: [] };

/** Releases of upstream in which an image is looked for. */
const PAST = 200;

/** Returns what is not upstream yet; empty if fixes go upstream first, since such commits are refused then. */
export async function notUpstream(
  reading: PastReading,
  snapshot: Snapshot,
  state: EnvironmentState,
): Promise<NotUpstream> {
  if (state.environment.hotfix !== 'environment-first') return NOTHING;
  const { value } = await readable(find(reading, snapshot, state));
  return value ?? NOTHING;
}

async function find(reading: PastReading, snapshot: Snapshot, state: EnvironmentState): Promise<NotUpstream> {
  const { environment: line, record } = state;
  const upstream = line.from === undefined ? undefined : upstreamLine(snapshot, line, line.from);
  const { source, overlay } = await promotionSource(reading, snapshot, line, upstream);
  const commits =
    line.carries === 'tree'
      ? (await treeDivergence(reading, snapshot, state, source.commit)).unmerged
      : overlay
        ? (await scopeDivergence(reading, state, overlay)).unmerged
        : [];
  if (!upstream || !record) return { commits, images: [] };
  const { releases } = await readPast(reading, snapshot, upstream, PAST);
  const known = releases.flatMap((release) => release.record.images);
  const images = record.images.filter(
    ({ name, digest }) =>
      upstream.images.has(name) && !known.some((image) => image.name === name && image.digest === digest),
  );
  return { commits, images };
}
