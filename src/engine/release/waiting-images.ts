// What waits: the images that upstream has and an environment does not, of those that a promotion would take.
import type { Digest } from '../../model/digest.ts';
import { attempt } from '../../model/attempt.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { Environment, ReleaseLine } from '../../model/pipeline.ts';
import type { Tag } from '../../model/reference.ts';
import type { ReleaseImage, ReleaseRecord } from '../../model/release.ts';
import type { PlanningPorts, RecordReading } from '../context.ts';
import { readRelease } from '../read/current.ts';
import { readable } from '../read/problem.ts';
import type { EnvironmentState, Snapshot } from '../read/snapshot.ts';
import { belongs, promotionSource } from './choose-promotion.ts';
import { judgeDowngrade } from './judge.ts';
import { namedImages } from '../tree/named-images.ts';

/** What upstream has that an environment does not. */
export interface Waiting {
  readonly image: string;
  readonly here: Tag | undefined;
  readonly upstream: Tag;
  /** It was rolled back from here: promoting it is refused until the hold is lifted. */
  readonly held: boolean;
  /** It is older than what runs here: a promotion with it is refused as a downgrade. */
  readonly older: boolean;
}

/** Returns what a promotion would change. `named`: the images that the environment's manifests name today. */
export async function waitingAt(
  context: PlanningPorts,
  snapshot: Snapshot,
  environment: Environment,
  { state, named }: { readonly state: EnvironmentState | undefined; readonly named: ReadonlySet<string> },
): Promise<readonly Waiting[]> {
  const record = state?.record;
  const upstream = environment.from === undefined ? undefined : snapshot.pipeline.lines.get(environment.from);
  const head = upstream && snapshot.branches.get(upstream.branch);
  if (!upstream || !head) return [];
  const reading = async (): Promise<Awaited<ReturnType<typeof readRelease>>> => {
    await context.ledger.fetch([head]);
    return readRelease(context, upstream, head);
  };
  const { value } = await readable(reading());
  const isHeld = (name: string, digest: Digest): boolean =>
    record?.held.some(({ images }) => images.some((bad) => bad.name === name && bad.digest === digest)) ?? false;
  const released = value?.record.images ?? [];
  const taking = { line: environment, upstream, record, named };
  const { value: images = [] } = await readable(takenOf(context, snapshot, taking, released));
  const older = state ? await olderOf(context, snapshot, state, { images, upstream, head }) : [];
  return images.flatMap(({ name, version, digest }) => {
    const here = record?.images.find((image) => image.name === name);
    if (here?.digest === digest) return [];
    const isOlder = older.includes(name);
    return [{ image: name, here: here?.version, upstream: version, held: isHeld(name, digest), older: isOlder }];
  });
}

/** What decides which images a line takes. */
interface Taking {
  readonly line: ReleaseLine;
  readonly upstream: ReleaseLine;
  readonly record: ReleaseRecord | undefined;
  readonly named: ReadonlySet<string>;
}

/** Of upstream's images, those that a promotion would take: an image that upstream alone runs waits for nobody. */
async function takenOf(
  context: RecordReading,
  snapshot: Snapshot,
  { line, upstream, record, named }: Taking,
  released: readonly ReleaseImage[],
): Promise<readonly ReleaseImage[]> {
  const runs = (name: string): boolean =>
    named.has(name) || record?.images.some((image) => image.name === name) === true;
  const own = released.filter(({ name }) => line.images.has(name));
  if (own.every(({ name }) => runs(name))) return own;
  // What comes with the release may name an image that nothing names here yet.
  const { tree } = await promotionSource(context, snapshot, line, upstream);
  const then = await namedImages(context, snapshot.pipeline, line, tree);
  return own.filter(({ name }) => {
    const image = line.images.get(name);
    return runs(name) || (image !== undefined && belongs(line, image, then, record));
  });
}

/** The images for which the downgrade gate would refuse to promote what upstream has. */
async function olderOf(
  context: PlanningPorts,
  snapshot: Snapshot,
  state: EnvironmentState,
  { images, upstream, head }: { images: readonly ReleaseImage[]; upstream: Environment; head: ObjectId },
): Promise<readonly string[]> {
  const request = { kind: 'promote', environment: state.environment.name, versions: {} } as const;
  const source = { environment: upstream.environment, branch: upstream.branch, commit: head };
  // Without an answer of the registry nothing is known to be older.
  const { value: refusals = [] } = await attempt(judgeDowngrade(context, snapshot, state, { request, images, source }));
  return refusals.flatMap(({ text }) => {
    const found = text.details?.['images'] as readonly { readonly name: string }[] | undefined;
    return found?.map(({ name }) => name) ?? [];
  });
}
