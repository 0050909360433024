// Where a registry has no referrers API, an index under the tag `sha256-HEX` lists what is about a manifest.
// OCI distribution-spec v1.1, "Referrers Tag Schema"; descriptors as in image-spec v1.1, descriptor.md.
import { type Digest, digestAlgorithm, digestHex, isDigest } from '../../model/digest.ts';
import type { Tag } from '../../model/reference.ts';
import { IMAGE_MEDIA_TYPES } from './manifest-type.ts';
import type { Descriptor } from '../registry.ts';

const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';

/** The tag under which the referrers of a manifest are listed. */
export function referrersTag(subject: Digest): Tag {
  return `${digestAlgorithm(subject)}-${digestHex(subject)}` as Tag;
}

/** The digest that a manifest says it is about; undefined when it is about itself alone. */
export function referrerSubject(bytes: Uint8Array): Digest | undefined {
  const subject = parse(bytes)?.['subject'];
  const digest = isRecord(subject) ? subject['digest'] : undefined;
  return typeof digest === 'string' && isDigest(digest) ? digest : undefined;
}

/** The images that an index of referrers lists, each once; none when it is not an index. */
export function readReferrers(bytes: Uint8Array): readonly Descriptor[] {
  const listed = new Map<Digest, Descriptor>();
  for (const entry of entriesOf(bytes)) {
    const { mediaType, digest, size } = entry;
    if (typeof mediaType !== 'string' || !IMAGE_MEDIA_TYPES.includes(mediaType)) continue;
    if (typeof digest !== 'string' || !isDigest(digest) || typeof size !== 'number') continue;
    listed.set(digest, { mediaType, digest, size });
  }
  return [...listed.values()];
}

/** The index with a referrer in it, all else as it was; undefined when it is there already. `bytes`: none yet. */
export function withReferrer(
  bytes: Uint8Array | undefined,
  referrer: Uint8Array,
  about: Descriptor,
): Uint8Array | undefined {
  const entries = bytes ? entriesOf(bytes) : [];
  if (entries.some(({ digest }) => digest === about.digest)) return undefined;
  const index = {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    ...(bytes && parse(bytes)),
    manifests: [...entries, describeReferrer(referrer, about)],
  };
  return new TextEncoder().encode(JSON.stringify(index));
}

/** The descriptor by which a referrer is listed: with its artifact type and annotations, for who filters by them. */
export function describeReferrer(
  referrer: Uint8Array,
  { mediaType, digest, size }: Descriptor,
): Readonly<Record<string, unknown>> {
  const body = parse(referrer) ?? {};
  const config = body['config'];
  const artifactType = body['artifactType'] ?? (isRecord(config) ? config['mediaType'] : undefined);
  return {
    mediaType,
    digest,
    size,
    ...(typeof artifactType === 'string' && { artifactType }),
    ...(isRecord(body['annotations']) && { annotations: body['annotations'] }),
  };
}

function entriesOf(bytes: Uint8Array): readonly Readonly<Record<string, unknown>>[] {
  const manifests = parse(bytes)?.['manifests'];
  return Array.isArray(manifests) ? manifests.filter(isRecord) : [];
}

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
