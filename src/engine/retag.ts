// The bare retag: put tags on an image, digest kept. In its own repository nothing is pulled; to another one it is copied
// first, whole.
import { type Digest, shortDigest } from '../model/digest.ts';
import { advise } from '../model/advice.ts';
import { TagflowError } from '../model/errors.ts';
import {
  type Reference,
  type Repository,
  type Tag,
  formatReference,
  isTag,
  ownershipKey,
  parseReference,
} from '../model/reference.ts';
import type { CopySummary, Descriptor } from '../registry/registry.ts';
import type { Registries, RegistryContext } from './context.ts';
import { publishedIn } from './release/published.ts';
import { copyTogether } from './release/copy.ts';

/** What `tag` did. */
export interface Retagged {
  /** The source's repository. */
  readonly repository: string;
  readonly digest: Digest;
  readonly mediaType: string;
  readonly tags: readonly {
    readonly repository: string;
    readonly tag: Tag;
    readonly changed: boolean;
    readonly previous: Digest | undefined;
  }[];
  /** Other repositories that the image was copied to, or was in already. */
  readonly copies: readonly ({ readonly to: string } & CopySummary)[];
}

/** What stands before the number in per-release tags: `prd` of `prd-7`. Undefined: no configuration can be read. */
export type ReleaseTags = () => Promise<ReadonlySet<string> | undefined>;

/**
 * Puts tags on the image at `source`, and reads each back. A target is a tag in the same repository, or a whole reference
 * in any: the image is copied there first, and no tag is put before every copy is whole. A per-release tag is
 * never moved. Throws `version-not-found`, `release-tag-taken`, and what copying and the registries throw.
 */
export async function retag(
  context: RegistryContext,
  source: string,
  targets: readonly string[],
  releaseTags: ReleaseTags = async () => undefined,
): Promise<Retagged> {
  const reference = parseReference(source);
  const { repository } = reference;
  const wanted = targets.map((target) => targetOf(repository, target));
  const { digest, mediaType } = await imageAt(context.registries, reference, source);
  await requireNoReleaseTags(context, wanted, digest, releaseTags);
  const places = new Map(wanted.map((target) => [ownershipKey(target.repository), target.repository]));
  places.delete(ownershipKey(repository));
  const copies = await copyTogether(context, [...places.values()], async (to, signal) => {
    const label = formatReference(reference);
    return { to: to.name, ...(await context.registries.copyImage({ from: repository, to, digest, label, signal })) };
  });
  const done: Retagged['tags'][number][] = [];
  for (const target of wanted) {
    context.signal.throwIfAborted();
    const { changed, previous } = await context.registries
      .registryOf(target.repository)
      .tag(target.repository, digest, target.tag);
    if (changed) await requireTag(context, target.repository, target.tag, digest);
    done.push({ repository: target.repository.name, tag: target.tag, changed, previous });
  }
  return { repository: repository.name, digest, mediaType, tags: done, copies };
}

/** The image that a reference names. Throws `reference-invalid`, `version-not-found`. */
async function imageAt(context: Registries, reference: Reference, source: string): Promise<Descriptor> {
  const { repository } = reference;
  const at = reference.digest ?? reference.tag;
  if (!at) {
    throw new TagflowError('reference-invalid', {
      what: `${source} names a repository, not an image`,
      why: 'tagflow assumes no default tag',
      fix: `write ${source}:TAG or ${source}@sha256:…`,
    });
  }
  const descriptor = await context.registryOf(repository).resolve(repository, at);
  if (descriptor) return descriptor;
  throw new TagflowError('version-not-found', {
    what: `${formatReference(reference)} does not exist`,
    why: reference.digest
      ? 'the registry does not have this digest, or hides it from these credentials'
      : (await publishedIn(context, repository, { kind: 'semver' })).text,
    fix: 'correct the reference, or log in to the registry (docker login)',
  });
}

interface Target {
  readonly repository: Repository;
  readonly tag: Tag;
}

/** Throws `release-tag-taken` for a per-release tag that points to another image; warns if such tags cannot be recognised. */
async function requireNoReleaseTags(
  context: RegistryContext,
  targets: readonly Target[],
  digest: Digest,
  releaseTags: ReleaseTags,
): Promise<void> {
  for (const { repository, tag } of targets) {
    const [, name] = /^(.+)-[0-9]+$/.exec(tag) ?? [];
    if (name === undefined) continue;
    const found = await context.registries.registryOf(repository).peek(repository, tag);
    if (found === undefined || found === digest) continue;
    const names = await releaseTags();
    const text = `${repository.name}:${tag} points to another image, ${shortDigest(found)}`;
    if (!names) {
      context.notify({
        level: 'warning',
        text: `${text}: if it is a release's own tag, rollback and audit need it as it was`,
      });
    } else if (names.has(name)) {
      throw ofRelease(text, name);
    }
  }
}

function ofRelease(what: string, line: string): TagflowError {
  return new TagflowError('release-tag-taken', {
    what,
    why: `it is the tag of a release, as tagflow.yaml names them (${line}-NUMBER), and those never move`,
    fix: advise`put another tag; to have ${line} run this image: ${{ act: 'promote', line }} or ${{ act: 'rollback', line }}`,
  });
}

async function requireTag(context: RegistryContext, repository: Repository, tag: Tag, digest: Digest): Promise<void> {
  const found = await context.registries.registryOf(repository).peek(repository, tag);
  if (found === digest) return;
  throw new TagflowError('tag-moved', {
    what: `${repository.name}:${tag} reads as ${found ? shortDigest(found) : 'absent'} after it was put`,
    why: `${shortDigest(digest)} was accepted: another job wrote the tag, or the registry serves old answers`,
    fix: 'run again; if it stays so, look for another job that writes this tag',
  });
}

function targetOf(repository: Repository, target: string): Target {
  if (isTag(target)) return { repository, tag: target };
  const reference = parseReference(target);
  if (reference.digest || !reference.tag) {
    throw new TagflowError('reference-invalid', {
      what: `${JSON.stringify(target)} is not a tag`,
      why: 'a target is a tag or REPOSITORY:TAG, without a digest',
      fix: advise`name a tag: ${{ act: 'tag', source: 'registry.example/app:v1.2', tag: 'stable' }}`,
    });
  }
  return { repository: reference.repository, tag: reference.tag };
}
