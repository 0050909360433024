// Versions: what is published of an image, newest first, and where each version runs.
import { TagflowError } from '../../model/errors.ts';
import { imageOf } from '../../model/pipeline.ts';
import type { Tag } from '../../model/reference.ts';
import { type VersionScheme, compareVersions, readVersion } from '../../model/version.ts';
import { configured, type Reading, type RegistryMaker } from '../context.ts';
import { readable } from './problem.ts';
import { type Snapshot, readSnapshot } from './snapshot.ts';

/** A published version. */
export interface PublishedVersion {
  readonly version: Tag;
  /** The environments that run it, in flow order. */
  readonly environments: readonly string[];
}

/** What is published of an image. */
export interface ImageVersions {
  readonly image: string;
  readonly repository: string;
  /** Newest first. */
  readonly versions: readonly PublishedVersion[];
}

/** Lists the versions of an image, newest first; tags that are no versions are left out. Throws `image-not-found`. */
export async function versions(given: Reading & RegistryMaker, name: string): Promise<ImageVersions> {
  const snapshot = await readSnapshot(given);
  const {
    registries: { registryOf },
  } = configured(given, snapshot);
  const { repository, versions: scheme } = imageOf(snapshot.pipeline, name);
  const published = sorted(await registryOf(repository).listTags(repository), scheme);
  const running = await runningVersions(snapshot, name);
  return {
    image: name,
    repository: repository.name,
    versions: published.map((version) => ({
      version,
      environments: running.flatMap(([environment, runs]) => (runs === version ? [environment] : [])),
    })),
  };
}

/**
 * Replaces the word `newest` by the newest published version of each image that it stands for; `*` stands for all images. Throws
 * `version-not-found` where an image has none.
 */
export async function resolveNewest(
  given: Reading & RegistryMaker,
  asked: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  if (!Object.values(asked).includes(NEWEST)) return asked;
  const snapshot = await readSnapshot(given);
  const { pipeline } = snapshot;
  const {
    registries: { registryOf },
  } = configured(given, snapshot);
  const { '*': all, ...named } = asked;
  const wanted =
    all === undefined
      ? named
      : { ...Object.fromEntries([...pipeline.images.keys()].map((key) => [key, all])), ...named };
  const entries = Object.entries(wanted).map(async ([name, version]): Promise<[string, string]> => {
    if (version !== NEWEST) return [name, version];
    const { repository, versions: scheme } = imageOf(pipeline, name);
    const [newest] = sorted(await registryOf(repository).listTags(repository), scheme);
    if (newest !== undefined) return [name, newest];
    throw new TagflowError('version-not-found', {
      what: `${name} has no version to promote`,
      why: `no tag of ${repository.name} is a version`,
      fix: 'publish one, or say in tagflow.yaml how its versions read',
    });
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** The word that stands for the newest published version. */
const NEWEST = 'newest';

function sorted(tags: readonly Tag[], scheme: VersionScheme): readonly Tag[] {
  return tags
    .flatMap((tag) => readVersion(tag, scheme) ?? [])
    .sort((a, b) => compareVersions(b, a))
    .map(({ tag }) => tag);
}

/** The version of an image in each environment that has a release, in flow order. */
async function runningVersions(snapshot: Snapshot, image: string): Promise<readonly [string, Tag][]> {
  const running: [string, Tag][] = [];
  for (const line of snapshot.pipeline.lines.values()) {
    if (!snapshot.branches.has(line.branch)) continue;
    const { value } = await readable(snapshot.release(line));
    const found = value?.record?.images.find(({ name }) => name === image);
    if (found) running.push([line.name, found.version]);
  }
  return running;
}
