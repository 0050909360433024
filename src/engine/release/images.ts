// The images of a release to be: where each may be found, and that it is there. Nothing is planned with an image that nobody has.
import { type Digest, shortDigest } from '../../model/digest.ts';
import { attempt } from '../../model/attempt.ts';
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import { sameVersion } from '../../model/nearest.ts';
import { type Environment, repositoryIn } from '../../model/pipeline.ts';
import type { Plan } from '../../model/plan.ts';
import { type Repository, type Tag, parseRepository } from '../../model/reference.ts';
import type { ReleaseImage } from '../../model/release.ts';
import type { VersionScheme } from '../../model/version.ts';
import type { RegistryFinder } from '../context.ts';
import { stalePlan } from './checks.ts';
import { originsOf } from './copy.ts';
import { publishedIn } from './published.ts';

/** An image as the environment will run it, and where it was found. */
export interface LocatedImage {
  readonly image: ReleaseImage;
  readonly from: Repository;
}

/** An image that a promotion asks for, before the registry was asked. */
export interface WantedImage {
  readonly name: string;
  /** Where the environment runs it from. */
  readonly repository: Repository;
  /** Where it may be found, in this order. */
  readonly origins: readonly Repository[];
  readonly scheme: VersionScheme;
  readonly version: Tag;
  /** Known when it comes from a record; a version asked for by name is resolved. */
  readonly digest: Digest | undefined;
}

/** Resolves a version tag to its digest, once, where it is published: from here on only the digest counts. */
export async function resolveImage(
  registries: RegistryFinder,
  wanted: WantedImage,
  fixed: Plan | undefined,
): Promise<LocatedImage> {
  const { name, repository, version, origins } = wanted;
  // What a record says goes before what a file says; a plan's digest is for versions that were resolved by their tag.
  const digest = wanted.digest ?? fixed?.images.find((image) => image.name === name)?.digest;
  for (const from of origins) {
    const descriptor = await registries.registryOf(from).resolve(from, digest ?? version);
    if (!descriptor) continue;
    if (fixed && !wanted.digest)
      await requireSameVersion(registries, fixed, wanted, { from, digest: descriptor.digest });
    return { image: { name, repository: repository.name, version, digest: descriptor.digest }, from };
  }
  if (!digest) throw await versionNotFound(registries, wanted);
  const places = origins.map((origin) => origin.name);
  throw new TagflowError('digest-not-found', {
    what: `${places.join(' and ')} ${places.length === 1 ? 'does' : 'do'} not have ${name} ${version} (${digest})`,
    why: 'somebody or a clean-up policy of the registry deleted it there',
    fix: advise`push it again, or promote a version that exists: ${{ act: 'promote', version: `${name}=VERSION` }}`,
  });
}

/**
 * Refuses a plan whose version names another image by now, or never named this one: a release is not recorded under a
 * version that it is not. Throws `plan-stale`.
 */
async function requireSameVersion(
  { registryOf }: RegistryFinder,
  plan: Plan,
  { name, version }: WantedImage,
  { from, digest }: { readonly from: Repository; readonly digest: Digest },
): Promise<void> {
  const now = await registryOf(from).peek(from, version);
  if (now === digest) return;
  throw stalePlan(
    plan,
    `${name} ${version} is ${shortDigest(digest)} in the plan, and ${now ? shortDigest(now) : 'gone'} in ${from.name}`,
  );
}

async function versionNotFound(
  registries: RegistryFinder,
  { name, origins, version, scheme }: WantedImage,
): Promise<TagflowError> {
  const [repository] = origins;
  if (!repository) throw new TagflowError('internal', { what: `${name} has no source` });
  const { tags, text } = await publishedIn(registries, repository, scheme);
  if (tags.includes(version)) {
    return new TagflowError('version-not-found', {
      what: `${repository.name} lists the version ${version}, but has no image for it`,
      why: 'the tag is listed but its image is missing, as after an interrupted deletion or clean-up',
      fix: `push ${version} again, or name another version: ${name}=VERSION`,
    });
  }
  const twin = sameVersion(version, tags);
  return new TagflowError('version-not-found', {
    what: `${repository.name} has no version ${version}`,
    why: text,
    fix: twin ? `did you mean ${name}=${twin}?` : 'publish the version first, or name one that exists',
  });
}

/**
 * An image of an earlier release, where the environment runs it from now, and where it is found: there, or where it ran
 * from then. Throws `digest-not-found`.
 */
export async function findAgain(
  registries: RegistryFinder,
  environment: Environment,
  sequence: number,
  image: ReleaseImage,
): Promise<LocatedImage> {
  const { name, version, digest } = image;
  const known = environment.images.get(name);
  const then = parseRepository(image.repository);
  const now = known ? repositoryIn(environment, known) : then;
  const origins = known ? [now, ...originsOf(environment, known, image.repository)] : [now];
  for (const from of origins) {
    if (await has(registries, from, digest, from === now)) return { image: { ...image, repository: now.name }, from };
  }
  const places = [...new Set(origins.map((origin) => origin.name))];
  throw new TagflowError('digest-not-found', {
    what: `${places.join(' and ')} no longer ${places.length === 1 ? 'has' : 'have'} ${name} ${version} (${digest}) of release ${sequence}`,
    why: 'somebody or a clean-up policy deleted it',
    fix:
      sequence > 1
        ? advise`roll back further: ${{ act: 'rollback', line: environment.name, to: `#${sequence - 1}` }}, or push the image again`
        : 'push the image again, with the same digest',
  });
}

/** Elsewhere than in its own registry an environment may have no business: what cannot be read there is not there. */
async function has({ registryOf }: RegistryFinder, place: Repository, digest: Digest, own: boolean): Promise<boolean> {
  const resolving = registryOf(place).resolve(place, digest);
  if (own) return (await resolving) !== undefined;
  return (await attempt(resolving, 'unauthorized', 'forbidden', 'registry-unavailable')).value !== undefined;
}
