// What a manifest's bytes are: one of four media types, or nothing tagflow may touch. Pure; every adapter asks here, so
// that all refuse the same confusions (CVE-2021-41190: one body, read as an index by one tool and as an image by another).
// OCI image-spec v1.1 (manifest.md, image-index.md), Docker image manifest version 2, schema 2.
import { TagflowError } from '../../model/errors.ts';

const KINDS: Readonly<Record<string, 'index' | 'image'>> = {
  'application/vnd.oci.image.index.v1+json': 'index',
  'application/vnd.oci.image.manifest.v1+json': 'image',
  'application/vnd.docker.distribution.manifest.list.v2+json': 'index',
  'application/vnd.docker.distribution.manifest.v2+json': 'image',
};
const [OCI_INDEX = '', OCI_MANIFEST = ''] = Object.keys(KINDS);
const SCHEMA_1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)$/;

/** The media types of images: OCI index and manifest (image-spec v1.1, media-types.md), and Docker's list and manifest. */
export const IMAGE_MEDIA_TYPES: readonly string[] = Object.keys(KINDS);

/**
 * The `Accept` header of every manifest request. It lists all types, because a registry that is asked for fewer
 * answers with another manifest (one platform of a list) or with 404, instead of what the tag names.
 */
export const MANIFEST_ACCEPT = IMAGE_MEDIA_TYPES.join(', ');

/** Whether a media type is that of an index or manifest list. */
export function isIndexType(mediaType: string): boolean {
  return kindOf(mediaType) === 'index';
}

/**
 * The media type of a manifest, once what a registry says of it (the Content-Type) and its body agree. `where` names it
 * in errors. Throws `media-type-conflict` when they do not agree, when the body does not have the fields of its type or has
 * those of both, `not-supported` for Docker's schema 1, `registry-answer-invalid` when it is not a manifest.
 */
export function checkManifest(bytes: Uint8Array, contentType: string | undefined, where: string): string {
  const body = parseObject(bytes);
  if (body === undefined) throw invalid(where, 'it is not a JSON object');
  const given = mediaTypeOf(contentType);
  const own = ownType(body);
  refuseSchema1(given ?? own, where);
  if (body['schemaVersion'] === 1) throw schema1(where);
  const type = agreed(body, given, `the manifest of ${where}`);
  if (type === undefined || kindOf(type) === undefined) {
    throw invalid(where, `its media type is ${type === undefined ? 'not given' : JSON.stringify(type)}`);
  }
  return type;
}

/**
 * The media type of bytes that may be a manifest, from themselves and from what their keeper says they are (`declared`: the
 * mediaType of a descriptor). Undefined when nothing was declared and they are no image: a layer, a configuration. `name` is
 * how the error calls them. Throws `media-type-conflict` as `checkManifest` does.
 */
export function manifestMediaType(bytes: Uint8Array, declared: string | undefined, name: string): string | undefined {
  const body = parseObject(bytes);
  if (body === undefined) {
    if (declared === undefined) return undefined;
    throw conflict(name, `it is declared as ${JSON.stringify(declared)} but is not a JSON object`);
  }
  const own = ownType(body);
  if (declared === undefined && own !== undefined && kindOf(own) === undefined) return undefined;
  const type = agreed(body, declared, name);
  if (type !== undefined) return type;
  // OCI makes the field optional; Docker does not.
  return Object.hasOwn(body, 'manifests') ? OCI_INDEX : Object.hasOwn(body, 'layers') ? OCI_MANIFEST : undefined;
}

/** Returns the version that a manifest gives its image, where it has one that is a plain text. */
export function annotatedVersion(bytes: Uint8Array): { readonly version?: string } {
  const annotations = parseObject(bytes)?.['annotations'];
  if (typeof annotations !== 'object' || annotations === null) return {};
  const version: unknown = Reflect.get(annotations, 'org.opencontainers.image.version');
  return typeof version === 'string' && version.length <= MAX_VERSION ? { version } : {};
}

/** Throws `not-supported` when a Content-Type is one of Docker's schema 1, whose digest is not that of its bytes. */
export function refuseSchema1(contentType: string | undefined, where: string): void {
  if (SCHEMA_1.test(mediaTypeOf(contentType) ?? '')) throw schema1(where);
}

/** Length of a version, at most, in characters: no tag is longer. */
const MAX_VERSION = 128;

type Body = Readonly<Record<string, unknown>>;

/** The one type that a body and its keeper give it, with the fields of that type and of no other. */
function agreed(body: Body, declared: string | undefined, name: string): string | undefined {
  const own = ownType(body);
  if (declared !== undefined && own !== undefined && declared !== own) {
    throw conflict(name, `it is declared as ${JSON.stringify(declared)} but calls itself ${JSON.stringify(own)}`);
  }
  const listsManifests = Object.hasOwn(body, 'manifests');
  const hasLayers = Object.hasOwn(body, 'layers');
  if (listsManifests && (hasLayers || Object.hasOwn(body, 'config'))) {
    throw conflict(
      name,
      'it has "manifests" like an index, and also "layers" or "config" like the manifest of one image',
    );
  }
  const type = declared ?? own;
  const kind = type === undefined ? undefined : kindOf(type);
  if ((kind === 'index' && !listsManifests) || (kind === 'image' && !hasLayers)) {
    throw conflict(name, `it is ${JSON.stringify(type)} but has no ${kind === 'index' ? '"manifests"' : '"layers"'}`);
  }
  return type;
}

function kindOf(mediaType: string): 'index' | 'image' | undefined {
  return Object.hasOwn(KINDS, mediaType) ? KINDS[mediaType] : undefined;
}

function ownType(body: Body): string | undefined {
  const type = body['mediaType'];
  return typeof type === 'string' && type !== '' ? type : undefined;
}

/** The media type of a Content-Type header: without parameters, in lower case; undefined when there is none. */
function mediaTypeOf(contentType: string | undefined): string | undefined {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  return type === '' ? undefined : type;
}

function parseObject(bytes: Uint8Array): Body | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Body) : undefined;
  } catch {
    return undefined;
  }
}

function conflict(name: string, why: string): TagflowError {
  return new TagflowError('media-type-conflict', {
    what: `${name} cannot be read as one kind of manifest`,
    why,
    fix: 'push the image again with a current tool; tagflow and a cluster could read different images from such a manifest',
  });
}

function invalid(where: string, why: string): TagflowError {
  return new TagflowError('registry-answer-invalid', {
    what: `the registry’s response for ${where} is not an image manifest`,
    why,
    fix: 'check that the host is a container registry, and that no proxy rewrites its responses',
  });
}

function schema1(where: string): TagflowError {
  return new TagflowError('not-supported', {
    what: `${where} is a Docker schema 1 manifest`,
    why: 'its digest does not cover its signatures, so it cannot be moved byte for byte',
    fix: 'push the image again with Docker 1.10 or later, or with skopeo copy --format v2s2',
  });
}
