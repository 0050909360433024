// What a repository has published, in words for who asked for something that it has not.
import { attempt } from '../../model/attempt.ts';
import type { Repository, Tag } from '../../model/reference.ts';
import { type VersionScheme, compareVersions, readVersion } from '../../model/version.ts';
import type { RegistryFinder } from '../context.ts';

/** That many are named. */
const NAMED = 6;

/** A repository's tags. */
export interface Published {
  readonly tags: readonly Tag[];
  /** The newest versions first, or any tags where none is a version: one line for the `why` of an error. */
  readonly text: string;
}

/** Lists what is published in a repository; nothing where that may not be listed. Throws what listing throws besides. */
export async function publishedIn(
  registries: RegistryFinder,
  repository: Repository,
  scheme: VersionScheme,
): Promise<Published> {
  const tags = await listed(registries, repository);
  if (!tags) return { tags: [], text: 'the registry has no such tag, and denies permission to list its tags' };
  const versions = tags
    .flatMap((tag) => readVersion(tag, scheme) ?? [])
    .sort((a, b) => compareVersions(b, a))
    .map(({ tag }) => tag);
  return { tags, text: describe(tags, versions) };
}

async function listed(registries: RegistryFinder, repository: Repository): Promise<readonly Tag[] | undefined> {
  const listing = registries.registryOf(repository).listTags(repository);
  return (await attempt(listing, 'forbidden', 'unauthorized')).value;
}

function describe(tags: readonly Tag[], versions: readonly Tag[]): string {
  if (tags.length === 0) return 'the repository does not exist, is empty, or is hidden from these credentials';
  const [all, word] = versions.length > 0 ? [versions, 'versions'] : [tags, 'tags'];
  const some = all.slice(0, NAMED).join(', ');
  if (all.length <= NAMED) return versions.length > 0 ? `it has: ${some}` : `it has no version, only: ${some}`;
  return `${versions.length > 0 ? 'the newest of' : 'it has no version; of'} its ${all.length} ${word}: ${some}`;
}
