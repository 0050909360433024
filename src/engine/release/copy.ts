// Images that an environment runs from a repository of its own: where they come from, and bringing them there before
// the release is committed. Nothing that anybody follows moves here: only the version's own tag is written.
import pLimit from 'p-limit';
import { type Digest, shortDigest } from '../../model/digest.ts';
import { attempt } from '../../model/attempt.ts';
import { TagflowError } from '../../model/errors.ts';
import { type Image, repositoryIn, type Environment } from '../../model/pipeline.ts';
import type { Plan, PlannedCopy } from '../../model/plan.ts';
import { type Repository, type Tag, ownershipKey, parseRepository } from '../../model/reference.ts';
import type { ReleaseImage } from '../../model/release.ts';
import { counted } from '../../model/text.ts';
import type { CopySummary } from '../../registry/registry.ts';
import type { RecordReading, Registries, RegistryContext, RegistryFinder } from '../context.ts';

/**
 * Where an image may be found for an environment, each place once, the best first: where the release that it is taken
 * from runs it, where its versions are published, where the environment itself runs it from.
 */
export function originsOf(environment: Environment, image: Image, recorded: string | undefined): readonly Repository[] {
  const places = [
    ...(recorded === undefined ? [] : [parseRepository(recorded)]),
    image.repository,
    repositoryIn(environment, image),
  ];
  return [...new Map(places.toReversed().map((place) => [ownershipKey(place), place])).values()].reverse();
}

/** The copy that takes an image from where it was found to where it shall run; none when that is one place. */
export function copyOf(
  image: Pick<ReleaseImage, 'name' | 'repository' | 'digest'>,
  from: Repository,
): readonly PlannedCopy[] {
  const { name, repository: to, digest } = image;
  if (ownershipKey(parseRepository(to)) === ownershipKey(from)) return [];
  return [{ image: name, from: from.name, to, digest }];
}

/**
 * A version's tag is its name: where it already points to another image, nothing is copied over it. Throws `version-tag-taken`.
 */
export async function requireFreeVersionTags(
  context: RegistryFinder,
  images: readonly ReleaseImage[],
  copies: readonly PlannedCopy[],
): Promise<void> {
  await Promise.all(
    copies.map(async ({ image, to, digest }) => {
      const version = versionOf(images, image);
      const repository = parseRepository(to);
      const found = await context.registryOf(repository).peek(repository, version);
      if (found && found !== digest) throw versionTaken({ to, version, digest }, found);
    }),
  );
}

/** Images on their way at a time. What they send shares limits of its own (`CopyImage`). */
const IMAGES_AT_ONCE = 4;

/**
 * Brings every image of a plan to where it shall run, several at once, and puts its version's tag on it there. Safe to
 * repeat: what is there is checked and not sent. Throws what copying throws, and `version-tag-taken`, when nothing runs any
 * more; neither branch nor target tags have moved then.
 */
export async function copyImages(
  context: RegistryContext,
  { images, copies }: Pick<Plan, 'images' | 'copies'>,
): Promise<void> {
  await copyTogether(context, copies, async ({ image, from, to, digest }, signal) => {
    const version = versionOf(images, image);
    const label = `${image} ${version}`;
    const target = parseRepository(to);
    const summary = await context.registries.copyImage({
      from: parseRepository(from),
      to: target,
      digest,
      label,
      signal,
    });
    if (summary.manifests > 0) {
      context.notify({ level: 'info', text: `copied ${label} to ${to}: ${describeSummary(summary)}` });
    }
    await putVersion(context.registries, target, version, digest);
  });
}

/**
 * Does a copy for each item, several at once, and resolves to what they gave, in the order of the items. After a failure
 * `signal` ends the others, and the failure is thrown once nothing runs any more.
 */
export async function copyTogether<T, R>(
  { signal }: Pick<RecordReading, 'signal'>,
  items: readonly T[],
  copy: (item: T, signal: AbortSignal) => Promise<R>,
): Promise<readonly R[]> {
  const limit = pLimit(IMAGES_AT_ONCE);
  const failure = new AbortController();
  const outcomes = await Promise.allSettled(
    items.map(async (item) =>
      limit(async () => {
        signal.throwIfAborted();
        failure.signal.throwIfAborted();
        return copy(item, failure.signal).catch((error: unknown) => {
          // The first to fail is the reason that all others end with.
          failure.abort(error);
          throw error;
        });
      }),
    ),
  );
  failure.signal.throwIfAborted();
  return outcomes.map(valueOf);
}

function valueOf<R>(outcome: PromiseSettledResult<R>): R {
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value;
}

/** A copy in words: `2 manifests, 3 blobs sent (80 MiB), 1 mounted, 4 there already`. */
export function describeSummary({ manifests, blobsSent, blobsMounted, blobsPresent, bytes }: CopySummary): string {
  const size = bytes >= 1024 * 1024 ? `${Math.ceil(bytes / 1024 / 1024)} MiB` : `${Math.ceil(bytes / 1024)} KiB`;
  return [
    counted(manifests, 'manifest'),
    `${counted(blobsSent, 'blob')} sent${blobsSent > 0 ? ` (${size})` : ''}`,
    ...(blobsMounted > 0 ? [`${blobsMounted} mounted`] : []),
    ...(blobsPresent > 0 ? [`${blobsPresent} there already`] : []),
  ].join(', ');
}

async function putVersion(
  context: Pick<Registries, 'registryOf'>,
  target: Repository,
  version: Tag,
  digest: Digest,
): Promise<void> {
  const tagging = context.registryOf(target).tag(target, digest, version, { expected: { digest: undefined } });
  const { problem } = await attempt(tagging, 'tag-moved');
  if (!problem) return;
  const actual: unknown = problem.details['actual'];
  const found = typeof actual === 'string' ? actual : 'another image';
  throw versionTaken({ to: target.name, version, digest }, found, problem);
}

function versionOf(images: readonly ReleaseImage[], name: string): Tag {
  const image = images.find((each) => each.name === name);
  if (image) return image.version;
  throw new TagflowError('internal', { what: `the plan copies ${name}, which it does not release` });
}

function versionTaken(
  { to, version, digest }: { readonly to: string; readonly version: Tag; readonly digest: Digest },
  found: string,
  cause?: unknown,
): TagflowError {
  return new TagflowError('version-tag-taken', {
    what: `${to}:${version} already points to another image, so nothing was copied over it`,
    why: `it is ${found}, and ${version} is sha256:${shortDigest(digest)} where it comes from: one of the two was pushed again under the same version`,
    fix: `publish the image under a new version and promote that; or, when the one in ${to} is wrong, remove its tag ${version} and run again`,
    details: { repository: to, tag: version, found, planned: digest },
    cause,
  });
}
