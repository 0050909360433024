// The bare retag: put tags on an image, digest kept, nothing pulled.
import { type Digest, shortDigest } from '../model/digest.ts';
import { TagflowError } from '../model/errors.ts';
import { type Tag, formatReference, isTag, parseReference } from '../model/reference.ts';
import type { RegistryContext } from './context.ts';

/** What `tag` did. */
export interface Retagged {
  readonly repository: string;
  readonly digest: Digest;
  readonly mediaType: string;
  readonly tags: readonly { readonly tag: Tag; readonly changed: boolean; readonly previous: Digest | undefined }[];
}

/**
 * Puts tags on the image at `source`, and reads each back. A target is a tag, or a whole reference in the same
 * repository. Throws `version-not-found`, `not-supported` for another repository, and what the registry throws.
 */
export async function retag(context: RegistryContext, source: string, targets: readonly string[]): Promise<Retagged> {
  const reference = parseReference(source);
  const { repository } = reference;
  const at = reference.digest ?? reference.tag;
  if (!at) {
    throw new TagflowError('reference-invalid', {
      what: `${source} names a repository, not an image`,
      why: 'no default tag is assumed',
      fix: `write ${source}:TAG or ${source}@sha256:…`,
    });
  }
  const tags = targets.map((target) => targetTag(repository.name, target));
  const registry = context.registryOf(repository);
  const descriptor = await registry.resolve(repository, at);
  if (!descriptor) {
    throw new TagflowError('version-not-found', {
      what: `${formatReference(reference)} does not exist`,
      why: 'the registry has no such tag or digest, or hides it from these credentials',
      fix: 'correct the reference, or log in to the registry (docker login)',
    });
  }
  const done: Retagged['tags'][number][] = [];
  for (const tag of tags) {
    context.signal.throwIfAborted();
    const { changed, previous } = await registry.tag(repository, descriptor.digest, tag);
    if (changed) await requireTag(context, reference.repository, tag, descriptor.digest);
    done.push({ tag, changed, previous });
  }
  return { repository: repository.name, digest: descriptor.digest, mediaType: descriptor.mediaType, tags: done };
}

async function requireTag(
  context: RegistryContext,
  repository: ReturnType<typeof parseReference>['repository'],
  tag: Tag,
  digest: Digest,
): Promise<void> {
  const found = await context.registryOf(repository).peek(repository, tag);
  if (found === digest) return;
  throw new TagflowError('tag-moved', {
    what: `${repository.name}:${tag} reads as ${found ? shortDigest(found) : 'absent'} after it was put`,
    why: `${shortDigest(digest)} was accepted: another writer came between, or the registry answers stale`,
    fix: 'run again; if it stays so, look for another job that writes this tag',
  });
}

function targetTag(repository: string, target: string): Tag {
  if (isTag(target)) return target;
  const reference = parseReference(target);
  if (reference.digest || !reference.tag) {
    throw new TagflowError('reference-invalid', {
      what: `${JSON.stringify(target)} is not a tag`,
      why: 'a target is a tag, or REPOSITORY:TAG in the repository of the source',
      fix: 'tagflow tag registry.example/app:v1.2 stable',
    });
  }
  if (reference.repository.name !== repository) {
    throw new TagflowError('not-supported', {
      what: `${target} is in another repository than the source`,
      why: `a retag stays in ${repository}: this version copies nothing between repositories`,
      fix: 'copy the image first, with skopeo copy --all --preserve-digests, then tag it there',
    });
  }
  return reference.tag;
}
