// Manifests: which media types there are, and whether a body is what its Content-Type says.
// OCI image-spec v1.1 (manifest.md, image-index.md), Docker image manifest version 2, schema 2.
import { TagflowError } from '../model/errors.ts';

/** Media types of manifests that name other manifests, and of those that name layers. */
const MEDIA_TYPES = {
  'application/vnd.oci.image.index.v1+json': 'index',
  'application/vnd.docker.distribution.manifest.list.v2+json': 'index',
  'application/vnd.oci.image.manifest.v1+json': 'image',
  'application/vnd.docker.distribution.manifest.v2+json': 'image',
} as const;

/**
 * The `Accept` header of every manifest request. It lists all types, because a registry that is asked for fewer
 * answers with another manifest (one platform of a list) or with 404, instead of what the tag names.
 */
export const MANIFEST_ACCEPT = Object.keys(MEDIA_TYPES).join(', ');

const SCHEMA_1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)$/;

/** The media type of a Content-Type header: without parameters, in lower case; undefined when there is none. */
function mediaTypeOf(contentType: string | undefined): string | undefined {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  return type === '' ? undefined : type;
}

/**
 * The media type of a manifest, once its Content-Type and its body agree (CVE-2021-41190). `where` names it in
 * errors. Throws `media-type-conflict` when they do not agree or the body can be read as two kinds of manifest,
 * `not-supported` for Docker's schema 1, `registry-answer-invalid` when it is no manifest.
 */
export function checkManifest(bytes: Uint8Array, contentType: string | undefined, where: string): string {
  const body = parseObject(bytes, where);
  const stated = typeof body['mediaType'] === 'string' ? body['mediaType'] : undefined;
  const given = mediaTypeOf(contentType);
  const mediaType = given ?? stated;
  refuseSchema1(mediaType, where);
  if (body['schemaVersion'] === 1) throw schema1(where);
  if (given !== undefined && stated !== undefined && given !== stated) {
    throw conflict(
      where,
      `the registry calls it ${JSON.stringify(given)}, and it calls itself ${JSON.stringify(stated)}`,
    );
  }
  if (mediaType === undefined || !isManifestType(mediaType)) {
    throw invalid(where, `its media type is ${mediaType === undefined ? 'not given' : JSON.stringify(mediaType)}`);
  }
  const isIndex = MEDIA_TYPES[mediaType] === 'index';
  if (isIndex ? 'layers' in body || 'config' in body : 'manifests' in body) {
    throw conflict(
      where,
      `it is ${JSON.stringify(mediaType)} and has the fields of the other kind of manifest as well`,
    );
  }
  return mediaType;
}

/** Throws `not-supported` when a Content-Type is one of Docker's schema 1, whose digest is not that of its bytes. */
export function refuseSchema1(contentType: string | undefined, where: string): void {
  if (SCHEMA_1.test(mediaTypeOf(contentType) ?? '')) throw schema1(where);
}

function isManifestType(mediaType: string): mediaType is keyof typeof MEDIA_TYPES {
  return Object.hasOwn(MEDIA_TYPES, mediaType);
}

function parseObject(bytes: Uint8Array, where: string): Readonly<Record<string, unknown>> {
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw invalid(where, 'it is not JSON');
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalid(where, 'it is not a JSON object');
  return body as Readonly<Record<string, unknown>>;
}

function conflict(where: string, why: string): TagflowError {
  return new TagflowError('media-type-conflict', {
    what: `the manifest of ${where} can be read in two ways`,
    why,
    fix: 'push the image again with a current tool; a manifest like this can show one image to tagflow and another to a cluster',
  });
}

function invalid(where: string, why: string): TagflowError {
  return new TagflowError('registry-answer-invalid', {
    what: `what the registry sent for ${where} is not an image manifest`,
    why,
    fix: 'check that the host is a container registry, and that nothing between rewrites its answers',
  });
}

function schema1(where: string): TagflowError {
  return new TagflowError('not-supported', {
    what: `${where} is a Docker schema 1 manifest`,
    why: 'its digest does not cover its signatures, so it cannot be moved byte for byte',
    fix: 'push the image again with Docker 1.10 or later, or with skopeo copy --format v2s2',
  });
}
