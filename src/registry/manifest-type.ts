// What a manifest's bytes are: one of four media types, or nothing tagflow may touch. Pure; every adapter asks here, so
// that all refuse the same confusions (CVE-2021-41190: one body, read as an index by one tool and as an image by another).
import { TagflowError } from '../model/errors.ts';

const INDEX_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
] as const;
const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const;

/** The media types of images: OCI index and manifest (image-spec v1.1, media-types.md), and Docker's list and manifest. */
export const IMAGE_MEDIA_TYPES: readonly string[] = [
  INDEX_TYPES[0],
  MANIFEST_TYPES[0],
  INDEX_TYPES[1],
  MANIFEST_TYPES[1],
];

/** Whether a media type is that of an index or manifest list. */
export function isIndexType(mediaType: string): boolean {
  return INDEX_TYPES.some((each) => each === mediaType);
}

/**
 * The media type of a manifest, from its bytes and from what its keeper says it is (`declared`: the Content-Type of the
 * answer, the mediaType of the descriptor). Undefined when nothing was declared and the bytes are no image: a layer, a
 * configuration. `name` is how the error calls it. Throws `media-type-conflict` when the two differ, when the body does
 * not have the fields of its type, or when it has those of both an index and a manifest.
 */
export function manifestMediaType(bytes: Uint8Array, declared: string | undefined, name: string): string | undefined {
  const body = parseObject(bytes);
  if (body === undefined) {
    if (declared === undefined) return undefined;
    throw conflict(name, `it is declared as ${JSON.stringify(declared)} and is not a JSON object`);
  }
  const own = typeof body['mediaType'] === 'string' && body['mediaType'] !== '' ? body['mediaType'] : undefined;
  const listsManifests = Object.hasOwn(body, 'manifests');
  const hasLayers = Object.hasOwn(body, 'layers');
  if (declared === undefined && own !== undefined && !IMAGE_MEDIA_TYPES.includes(own)) return undefined;
  if (declared !== undefined && own !== undefined && declared !== own) {
    throw conflict(name, `it is declared as ${JSON.stringify(declared)} and calls itself ${JSON.stringify(own)}`);
  }
  if (listsManifests && (hasLayers || Object.hasOwn(body, 'config'))) {
    throw conflict(name, 'it has "manifests", as an index, and "layers" or "config", as the manifest of one image');
  }
  const type = declared ?? own;
  if (type === undefined) {
    // OCI makes the field optional; Docker does not.
    return listsManifests ? INDEX_TYPES[0] : hasLayers ? MANIFEST_TYPES[0] : undefined;
  }
  const isIndex = INDEX_TYPES.some((each) => each === type);
  const isManifest = MANIFEST_TYPES.some((each) => each === type);
  if ((isIndex && !listsManifests) || (isManifest && !hasLayers)) {
    throw conflict(name, `it is ${JSON.stringify(type)} and has no ${isIndex ? '"manifests"' : '"layers"'}`);
  }
  return type;
}

function parseObject(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function conflict(name: string, why: string): TagflowError {
  return new TagflowError('media-type-conflict', {
    what: `${name} cannot be read as one kind of manifest`,
    why,
    fix: 'build and push the image again; nothing was written',
  });
}
