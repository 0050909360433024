// Choosing what a promotion releases: which images, from which commit. Reads, and changes nothing.
import { TagflowError } from '../../model/errors.ts';
import type { ObjectId } from '../../model/object-id.ts';
import {
  type Environment,
  environmentOf,
  flowsInto,
  imageOf,
  recordPaths,
  repositoryIn,
} from '../../model/pipeline.ts';
import type { Plan, PromoteRequest } from '../../model/plan.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import { parseVersion } from '../../model/version.ts';
import type { Reading } from '../context.ts';
import { readRelease } from '../read/current.ts';
import { type EnvironmentState, type World, readEnvironment, upstreamOf } from '../read/world.ts';
import { bringFiles } from '../tree/release-tree.ts';
import { heldAfter, requireSameBase } from './checks.ts';
import { originsOf } from './copy.ts';
import { type WantedImage, resolveImage } from './images.ts';
import type { Choice } from './plan.ts';

/** Chooses what a promotion releases. `fixed`: the plan that it has to come to. Throws `usage`, `plan-stale`, and what reading throws. */
export async function choosePromotion(
  reading: Reading,
  world: World,
  request: PromoteRequest,
  fixed: Plan | undefined,
): Promise<Choice> {
  const environment = environmentOf(world.pipeline, request.environment);
  requireFlow(world, environment, request.from);
  const source = upstreamOf(world, environment, request.from);
  const head = world.branches.get(environment.branch) ?? source.commit;
  await reading.ledger.fetch([...new Set([source.commit, head])]);
  const upstream = world.pipeline.environments.get(source.environment ?? '');
  await bringFiles(reading, environment, head, source.commit, upstream ? recordPaths(upstream) : []);
  const state = await readEnvironment(reading, world, environment);
  const { record } = state;
  if (fixed) requireSameBase(fixed, state, source.commit);
  const wanted = await wantedImages(reading, world, environment, request, record);
  const found = await Promise.all(wanted.map(async (image) => resolveImage(reading, image, fixed)));
  const images = found.map(({ image }) => image);
  return {
    kind: 'chosen',
    request,
    state,
    images: found,
    source,
    tree: source.commit,
    parents: carriesAnew(state, source.commit) ? [state.head, source.commit] : [state.head],
    held: record ? heldAfter(record, images, source.commit) : [],
    mends: false,
  };
}

/** Whether carrying an upstream commit is news to a branch: then it becomes the second parent. */
function carriesAnew({ head, record }: EnvironmentState, commit: ObjectId): boolean {
  return commit !== head && commit !== record?.source.commit;
}

/** Commits flow downstream only: what an environment gave cannot come back to it, nor it to itself. Throws `usage`. */
function requireFlow({ pipeline }: World, { name, from: upstream }: Environment, from: string | undefined): void {
  if (from === undefined || !flowsInto(pipeline, name, from)) return;
  throw new TagflowError('usage', {
    what: `${name} cannot take from ${from}`,
    why:
      from === name ? 'that is the environment itself' : `commits flow downstream only, and ${from} takes from ${name}`,
    fix:
      upstream === undefined
        ? `land the change on the trunk, then: tagflow promote ${name}`
        : `leave --from out to take from ${upstream}, or name one that ${name} takes from`,
  });
}

/** Versions asked for by name; every other image as upstream has it now, or, from the trunk, as it runs already. */
async function wantedImages(
  reading: Reading,
  world: World,
  environment: Environment,
  request: PromoteRequest,
  current: ReleaseRecord | undefined,
): Promise<readonly WantedImage[]> {
  const { pipeline } = world;
  const asked = new Map(Object.entries(request.versions));
  for (const name of asked.keys()) if (name !== '*') imageOf(pipeline, name);
  const from = request.from ?? environment.from;
  const upstream = from === undefined ? undefined : await upstreamRecord(reading, world, from);
  const someNamed = asked.size > 0;
  // Naming some images promotes those alone: the others stay as they run here.
  const rest = someNamed ? [current, upstream] : [upstream, current];
  return [...pipeline.images.values()].map((image) => {
    const repository = repositoryIn(environment, image);
    const scheme = image.versions;
    // No plain index: an image may be called `constructor`.
    const named = asked.get(image.name) ?? asked.get('*');
    if (named !== undefined) {
      return {
        name: image.name,
        repository,
        origins: originsOf(environment, image, undefined),
        scheme,
        version: parseVersion(named, scheme, image.name).tag,
        digest: undefined,
      };
    }
    const known = rest.flatMap((record) => record?.images.find(({ name }) => name === image.name) ?? [])[0];
    if (known) {
      const origins = originsOf(environment, image, known.repository);
      return { name: image.name, repository, origins, scheme, version: known.version, digest: known.digest };
    }
    throw new TagflowError('version-not-found', {
      what: `no version of ${image.name} is known for ${environment.name}`,
      why:
        from === undefined
          ? `${environment.name} has no release of it yet`
          : `neither ${from} nor ${environment.name} has a release of it`,
      fix:
        from === undefined
          ? `name it: tagflow promote ${environment.name} ${image.name}=VERSION`
          : `promote ${from} first, or name it: tagflow promote ${environment.name} ${image.name}=VERSION`,
    });
  });
}

async function upstreamRecord(reading: Reading, world: World, from: string): Promise<ReleaseRecord | undefined> {
  const upstream = environmentOf(world.pipeline, from);
  const { commit } = upstreamOf(world, upstream, from);
  return (await readRelease(reading, upstream, commit))?.record;
}
