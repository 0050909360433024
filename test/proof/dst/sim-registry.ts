// The registry as one process of a simulation sees it: every request is a point of the scheduler, `tag` reads and writes in
// two of them, as over a network, and a put may arrive after its client has given up or died.
import { type Digest, isDigest } from '../../../src/model/digest.ts';
import { TagflowError } from '../../../src/model/errors.ts';
import type { Repository, Tag } from '../../../src/model/reference.ts';
import type { CopyImage, Registry, TagOptions } from '../../../src/registry/registry.ts';
import type { Scheduler } from './scheduler.ts';
import type { World } from './world.ts';

/** What a process talks with. */
export interface Surroundings {
  readonly world: World;
  readonly scheduler: Scheduler;
  /** The process's name. */
  readonly process: string;
  readonly signal: AbortSignal;
}

/** The registry of a process. */
export function createSimRegistry(surroundings: Surroundings): Registry {
  const { world } = surroundings;
  const read = async (label: string): Promise<number> => {
    const ending = await request(surroundings, label);
    return ending === 'stale' ? surroundings.scheduler.staleSince() : Number.POSITIVE_INFINITY;
  };
  return {
    async resolve({ name }, at) {
      const moment = await read(`resolve ${name} ${isDigest(at) ? world.nameOf(at) : at}`);
      const digest = isDigest(at) ? at : world.tagAt(name, at, moment);
      if (digest === undefined || !world.images.has(`${name}@${digest}`)) return undefined;
      return { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 1 };
    },
    async peek({ name }, tag) {
      const moment = await read(`peek ${name}:${tag}`);
      return world.tagAt(name, tag, moment);
    },
    async listTags({ name }) {
      await read(`list ${name}`);
      return world.tagsIn(name) as readonly Tag[];
    },
    async tag({ name }, digest, tag, options = {}) {
      const moment = await read(`read ${name}:${tag}`);
      const previous = world.tagAt(name, tag, moment);
      if (!mustWrite(world, { name, digest, tag, previous }, options)) return { changed: false, previous };
      await request(surroundings, `put ${name}:${tag} = ${world.nameOf(digest)}`, () => world.put(name, tag, digest));
      return { changed: true, previous };
    },
  };
}

/** Copies whole images, in one request each. */
export function createSimCopier(surroundings: Surroundings): CopyImage {
  const { world } = surroundings;
  return async ({ from, to, digest }) => {
    if (!world.images.has(`${from.name}@${digest}`)) throw lacking(from, digest);
    const there = world.images.has(`${to.name}@${digest}`);
    await request(surroundings, `copy ${world.nameOf(digest)} to ${to.name}`, () => {
      world.images.add(`${to.name}@${digest}`);
    });
    return { manifests: there ? 0 : 1, blobsSent: 0, blobsMounted: 0, blobsPresent: 0, bytes: 0 };
  };
}

async function request(
  { scheduler, process, signal }: Surroundings,
  label: string,
  effect?: () => void,
): Promise<'done' | 'stale'> {
  signal.throwIfAborted();
  const ending = await scheduler.point({ process, server: 'registry', label, ...(effect && { effect }) });
  if (ending === 'done' || ending === 'stale') return ending;
  throw new TagflowError('registry-unavailable', { what: `the registry did not answer: ${label}` });
}

function mustWrite(
  world: World,
  { name, digest, tag, previous }: { name: string; digest: Digest; tag: Tag; previous: Digest | undefined },
  { rewrite = false, expected }: TagOptions,
): boolean {
  if (!world.images.has(`${name}@${digest}`)) throw lacking({ name }, digest);
  if (previous === digest) return rewrite;
  if (expected !== undefined && expected.digest !== previous) {
    throw new TagflowError('tag-moved', {
      what: `${name}:${tag} names ${previous ?? 'nothing'}, not ${expected.digest ?? 'nothing'}`,
      details: { expected: expected.digest ?? null, actual: previous ?? null },
    });
  }
  return true;
}

function lacking({ name }: Pick<Repository, 'name'>, digest: Digest): TagflowError {
  return new TagflowError('digest-not-found', { what: `${name} has no image ${digest}` });
}
