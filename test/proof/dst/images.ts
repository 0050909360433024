// The images of every simulation.
import { type Digest, digestOf } from '../../../src/model/digest.ts';

/** The images, and their versions, oldest first. */
export const VERSIONS = { app: ['V1.0', 'V2.0', 'V3.0', 'V4.0'], db: ['V1.0', 'V2.0', 'V3.0'] } as const;

/** What each version is, by image name. */
export const PUBLISHED: Readonly<Record<string, readonly { readonly version: string; readonly digest: Digest }[]>> =
  Object.fromEntries(
    Object.entries(VERSIONS).map(([image, versions]) => [
      image,
      versions.map((version) => ({ version, digest: digestOf(`${image} ${version}`) })),
    ]),
  );

/** What people call each image: `app V2.0`. */
export const IMAGE_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries(PUBLISHED).flatMap(([image, versions]) =>
    versions.map(({ version, digest }) => [digest, `${image} ${version}`] as const),
  ),
);
