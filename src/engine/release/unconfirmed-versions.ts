// Whether images are the versions that records say: a record is an input, and anybody who may push to an environment's branch can
// write one. The registry is asked: a tag of that version on the digest, else the version that the image gives itself.
import { shortDigest } from '../../model/digest.ts';
import type { Environment } from '../../model/pipeline.ts';
import type { Repository } from '../../model/reference.ts';
import type { ReleaseImage } from '../../model/release.ts';
import { plain } from '../../model/text.ts';
import type { UnconfirmedVersion } from '../../gates/gates.ts';
import type { RegistryFinder } from '../context.ts';
import { originsOf } from './copy.ts';

/** Returns the images whose version the registry does not confirm, each with what it says instead. */
export async function unconfirmedVersions(
  { registryOf }: RegistryFinder,
  environment: Environment,
  images: readonly ReleaseImage[],
): Promise<readonly UnconfirmedVersion[]> {
  const found = await Promise.all(
    images.map(async (image) => {
      const known = environment.images.get(image.name);
      const why = known && (await contradiction(registryOf, originsOf(environment, known, undefined), image));
      return why ? [{ name: image.name, version: image.version, digest: image.digest, ...why }] : [];
    }),
  );
  return found.flat();
}

/** Why a version is not confirmed, in words; undefined where one of the places confirms it. */
async function contradiction(
  registryOf: RegistryFinder['registryOf'],
  places: readonly Repository[],
  { version, digest }: ReleaseImage,
): Promise<Pick<UnconfirmedVersion, 'why' | 'isContradicted' | 'isDenied'> | undefined> {
  const said: string[] = [];
  let [isContradicted, isDenied] = [false, false];
  for (const place of places) {
    const registry = registryOf(place);
    const named = await registry.peek(place, version);
    if (named === digest) return undefined;
    const own = (await registry.resolve(place, digest))?.version;
    if (own !== undefined && isVersionOf(own, version)) return undefined;
    isDenied ||= own !== undefined;
    isContradicted ||= named !== undefined || own !== undefined;
    const tag = named === undefined ? `tag ${version} does not exist` : `${version} is ${shortDigest(named)}`;
    const image = own === undefined ? 'has no version of its own' : `says that it is ${plain(own, 100)}`;
    said.push(`in ${place.name} ${tag}, and ${shortDigest(digest)} ${image}`);
  }
  return { why: said.join('; '), isContradicted, isDenied };
}

/** Annotations are written without the `v` that tags often have. */
function isVersionOf(annotated: string, tag: string): boolean {
  const bare = (text: string): string => text.replace(/^v(?=\d)/i, '');
  return bare(annotated) === bare(tag);
}
