// Choosing what a promotion releases: which images, from which commit. Reads, and changes nothing.
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import type { ObjectId } from '../../model/object-id.ts';
import {
  type Image,
  type ReleaseLine,
  flowsInto,
  imageIn,
  lineName,
  lineOf,
  recordPaths,
  repositoryIn,
  skippedLines,
} from '../../model/pipeline.ts';
import type { Plan, PromoteRequest } from '../../model/plan.ts';
import type { ReleaseImage, ReleaseRecord, ReleaseSource } from '../../model/release.ts';
import { parseVersion } from '../../model/version.ts';
import type { PlanningPorts, Reading, RecordReading } from '../context.ts';
import { readRelease } from '../read/current.ts';
import { presentLines } from '../read/named-lines.ts';
import { type EnvironmentState, type Snapshot, upstreamLine } from '../read/snapshot.ts';
import { namedImages } from '../tree/named-images.ts';
import { bringFiles } from '../tree/release-tree.ts';
import { ownPart } from '../tree/own-part.ts';
import type { Overlay } from '../tree/scoped-tree.ts';
import { scopeId } from '../tree/tree.ts';
import { heldAfter, requireSameBase } from './checks.ts';
import { originsOf } from './copy.ts';
import { type WantedImage, resolveImage } from './images.ts';
import type { Choice } from './choice.ts';

/** Chooses what a promotion releases. `fixed`: the plan that it has to come to. Throws `usage`, `plan-stale`, and what reading throws. */
export async function choosePromotion(
  reading: PlanningPorts,
  snapshot: Snapshot,
  request: PromoteRequest,
  fixed: Plan | undefined,
): Promise<Choice> {
  await presentLines(reading, snapshot, [request.environment]);
  const environment = lineOf(snapshot.pipeline, request.environment);
  const from = request.from ?? environment.from;
  const upstream = from === undefined ? undefined : upstreamLine(snapshot, environment, from);
  requireFlow(snapshot, environment, upstream, request.from);
  if (upstream) warnOfSkipped(reading, snapshot, environment, upstream);
  const { source, tree, overlay } = await promotionSource(reading, snapshot, environment, upstream);
  const state = await snapshot.release(environment);
  const { head, record } = state;
  if (fixed) requireSameBase(fixed, state, source.commit);
  const named = await namedImages(reading, snapshot.pipeline, environment, tree);
  const wanted = await wantedImages(reading, snapshot, { environment, upstream, request, current: record, named });
  const found = await Promise.all(wanted.map(async (image) => resolveImage(reading.registries, image, fixed)));
  const images = found.map(({ image }) => image);
  return {
    kind: 'chosen',
    request,
    state,
    images: found,
    source,
    tree,
    overlay,
    parents: environment.carries === 'tree' && carriesAnew(state, source.commit) ? [head, source.commit] : [head],
    held: record ? heldAfter(record, images, source.commit) : [],
    mends: false,
  };
}

/** Where a promotion's configuration comes from: a whole tree, or what is laid over the line's scope. */
export async function promotionSource(
  reading: RecordReading,
  snapshot: Snapshot,
  line: ReleaseLine,
  upstream: ReleaseLine | undefined,
): Promise<Pick<Choice, 'source' | 'tree' | 'overlay'>> {
  const source = snapshot.upstream(line, upstream?.name);
  const head = snapshot.branches.get(line.branch) ?? source.commit;
  await reading.ledger.fetch([...new Set([source.commit, head])]);
  if (line.carries === 'tree') {
    const mixed = { environment: line, head, base: source.commit };
    await bringFiles(reading, mixed, upstream ? recordPaths(upstream) : []);
    return { source, tree: source.commit, overlay: undefined };
  }
  const taken = await whereReleased(reading, line, upstream, source);
  return { source: taken, tree: head, overlay: await overlayOf(reading, snapshot, line, taken) };
}

/**
 * Where several lines share a branch its head moves with every line: what upstream released stands at the commit that released
 * it. What hands changed in its files since then, and a release would take along, is at the head alone.
 */
async function whereReleased(
  reading: RecordReading,
  line: ReleaseLine,
  upstream: ReleaseLine | undefined,
  source: ReleaseSource,
): Promise<ReleaseSource> {
  const released = upstream && (await readRelease(reading, upstream, source.commit));
  if (!released) return source;
  const { commit } = released;
  if (line.carries === 'files' || commit === source.commit) return { ...source, commit };
  const same = await Promise.all(
    [line, upstream].map(async (one) => {
      const [then, now] = [scopeId(reading.ledger, one, commit, []), scopeId(reading.ledger, one, source.commit, [])];
      return (await then) === (await now);
    }),
  );
  return same.every(Boolean) ? { ...source, commit } : source;
}

/** Returns what a promotion from a source lays over the scope of a line; undefined where releases carry a tree, or nothing. */
export async function overlayOf(
  reading: RecordReading,
  snapshot: Pick<Snapshot, 'pipeline' | 'trunk' | 'branches'>,
  line: ReleaseLine,
  { environment, commit }: ReleaseSource,
): Promise<Overlay | undefined> {
  if (line.carries === 'tree') return undefined;
  const { pipeline } = snapshot;
  const upstream = environment === undefined ? undefined : lineOf(pipeline, lineName(environment, line.application));
  if (line.carries === 'scope') {
    const own = upstream && (await ownPart(reading, snapshot, line, upstream));
    return { commit, line, what: 'scope', own };
  }
  if (!upstream || line.carry.length === 0) return undefined;
  return (await readRelease(reading, upstream, commit)) && { commit, line: upstream, what: 'carry' };
}

/** Whether carrying an upstream commit is news to a branch: then it becomes the second parent. */
function carriesAnew({ head, record }: EnvironmentState, commit: ObjectId): boolean {
  return commit !== head && commit !== record?.source.commit;
}

/** Commits flow downstream only: what an environment gave cannot come back to it, nor it to itself. Throws `usage`. */
function requireFlow(
  { pipeline }: Snapshot,
  { name, from: usual }: ReleaseLine,
  upstream: ReleaseLine | undefined,
  from: string | undefined,
): void {
  if (from === undefined || !upstream || !flowsInto(pipeline, name, upstream.name)) return;
  throw new TagflowError('usage', {
    what: `${name} cannot take from ${from}`,
    why:
      upstream.name === name
        ? 'that is the environment itself'
        : `commits flow downstream only, and ${from} takes from ${name}`,
    fix:
      usual === undefined
        ? advise`land the change on the trunk, then: ${{ act: 'promote', line: name }}`
        : advise`leave ${{ act: 'say', what: 'upstream' }} out to take from ${usual}, or name one that ${name} takes from`,
  });
}

/** Says which environments a release does not go through that usually give it. */
function warnOfSkipped(
  { notify }: Pick<Reading, 'notify'>,
  { pipeline }: Snapshot,
  { name }: ReleaseLine,
  upstream: ReleaseLine,
): void {
  const skipped = skippedLines(pipeline, name, upstream.name);
  if (skipped.length === 0) return;
  notify({
    level: 'warning',
    text: `${name} takes from ${upstream.name} directly: this release does not come through ${skipped.join(', ')}`,
  });
}

/** What decides which images a promotion takes. */
interface Wanted {
  readonly environment: ReleaseLine;
  readonly upstream: ReleaseLine | undefined;
  readonly request: PromoteRequest;
  readonly current: ReleaseRecord | undefined;
  /** The images that manifests name. */
  readonly named: ReadonlySet<string>;
}

/** Versions asked for by name; every other image as upstream has it now, or, from the trunk, as it runs already. */
async function wantedImages(
  reading: RecordReading,
  snapshot: Snapshot,
  { environment, upstream: line, request, current, named }: Wanted,
): Promise<readonly WantedImage[]> {
  const asked = new Map(Object.entries(request.versions));
  for (const name of asked.keys()) if (name !== '*') imageIn(environment, name);
  const upstream = line && (await upstreamRecord(reading, snapshot, line));
  const from = line?.name;
  const someNamed = asked.size > 0;
  // Naming some images promotes those alone: the others stay as they run here.
  const rest = someNamed ? [current, upstream] : [upstream, current];
  const members = [...environment.images.values()].filter(
    (image) => asked.has(image.name) || belongs(environment, image, named, current),
  );
  const found = members.map((image) => ({
    image,
    // No plain index: an image may be called `constructor`.
    version: asked.get(image.name) ?? asked.get('*'),
    known: rest.flatMap((record) => record?.images.find(({ name }) => name === image.name) ?? [])[0],
  }));
  const [missing, stated] = [
    found.filter(({ version, known }) => version === undefined && !known),
    found.filter(({ version, known }) => version !== undefined || known),
  ];
  // What was named is read first: a version that is invalid is reported before one that is missing.
  const wanted = stated.map(({ image, version, known }) => wantedImage(environment, image, version, known));
  if (missing.length === 0) return wanted;
  const names = missing.map(({ image }) => image.name);
  throw noVersion(names, { environment: environment.name, from, asked });
}

/** An image in the version that was named, or as a record has it. */
function wantedImage(
  environment: ReleaseLine,
  image: Image,
  version: string | undefined,
  known: ReleaseImage | undefined,
): WantedImage {
  const { name, versions: scheme } = image;
  const wanted =
    version === undefined && known
      ? { version: known.version, digest: known.digest, origins: originsOf(environment, image, known.repository) }
      : {
          version: parseVersion(version ?? '', scheme, name).tag,
          digest: undefined,
          origins: originsOf(environment, image, undefined),
        };
  return { name, repository: repositoryIn(environment, image), scheme, ...wanted };
}

/** The error for images of which no version is known. Its fix has what was named already, so that it can be typed as it stands. */
function noVersion(
  images: readonly string[],
  how: {
    readonly environment: string;
    readonly from: string | undefined;
    readonly asked: ReadonlyMap<string, string>;
  },
): TagflowError {
  const { environment, from, asked } = how;
  const named = [...asked].map(([name, version]) => `${name}=${version}`).filter((word) => /^[\w./+=-]+$/.test(word));
  const words = [...named, ...images.map((image) => `${image}=VERSION`)].join(' ');
  const pronoun = images.length === 1 ? 'it' : 'them';
  const byName = advise`name ${pronoun}: ${{ act: 'promote', line: environment, version: words }}`;
  return new TagflowError('version-not-found', {
    what: `no version of ${images.join(', ')} is known for ${environment}`,
    why:
      from === undefined
        ? `${environment} has no release of ${pronoun} yet`
        : `neither ${from} nor ${environment} has a release of ${pronoun}`,
    fix: from === undefined ? byName : advise`promote ${from} first, or ${byName}`,
  });
}

/**
 * Whether an image is part of a line's releases: the configuration says so, or a manifest names it. Where manifests name no
 * image yet, all are. Throws `pin-not-found` for one that the last release had and that nothing names any more.
 */
export function belongs(
  { name: line, environment }: ReleaseLine,
  { name, environments }: Image,
  named: ReadonlySet<string>,
  current: ReleaseRecord | undefined,
): boolean {
  if (environments !== undefined || named.has(name) || named.size === 0) return true;
  if (!current?.images.some((image) => image.name === name)) return false;
  throw new TagflowError('pin-not-found', {
    what: `nothing in ${line} names ${name} any more`,
    why: `release ${current.sequence} has it, and a release without it would not say which version runs`,
    fix: `put it back into a manifest; or, if ${environment} no longer runs it, name the environments that run it on the trunk: images.${name}.environments`,
  });
}

async function upstreamRecord(
  reading: RecordReading,
  snapshot: Snapshot,
  upstream: ReleaseLine,
): Promise<ReleaseRecord | undefined> {
  const commit = snapshot.head(upstream);
  return (await readRelease(reading, upstream, commit))?.record;
}
