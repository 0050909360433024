// What a manifest names: the manifests below an index, the configuration and layers of an image. Pure.
// OCI image-spec v1.1, image-index.md and manifest.md; Docker image manifest version 2, schema 2, which has the same fields.
import { isDigest } from '../../model/digest.ts';
import { TagflowError } from '../../model/errors.ts';
import { IMAGE_MEDIA_TYPES, isIndexType } from './manifest-type.ts';
import type { BlobDescriptor, Descriptor, Manifest } from '../registry.ts';

/** A manifest that an index lists. */
export interface ChildDescriptor extends Descriptor {
  /** `linux/arm64/v8`; undefined when the index does not say. */
  readonly platform: string | undefined;
}

/** A configuration or layer; `foreign`: it is to be had from elsewhere, and need not be in the repository. */
export interface NamedBlob extends BlobDescriptor {
  readonly foreign: boolean;
}

/** What a manifest names, each once, in its order. */
export interface Named {
  readonly children: readonly ChildDescriptor[];
  readonly blobs: readonly NamedBlob[];
}

/** What a manifest names. Throws `registry-answer-invalid` for descriptors that cannot be, `not-supported` for other children than images. */
export function namedIn({ bytes, mediaType, digest }: Manifest, where: string): Named {
  const body = JSON.parse(new TextDecoder().decode(bytes)) as Readonly<Record<string, unknown>>;
  const name = `${where}@${digest}`;
  if (isIndexType(mediaType)) {
    const children = listOf(body['manifests'], name).map((entry) => childOf(entry, name));
    return { children: once(children), blobs: [] };
  }
  const config = body['config'] === undefined ? [] : [body['config']];
  const blobs = [...config, ...listOf(body['layers'], name)].map((entry): NamedBlob => {
    const { descriptor, fields } = descriptorOf(entry, name);
    return { digest: descriptor.digest, size: descriptor.size, foreign: listOf(fields['urls'], name).length > 0 };
  });
  return { children: [], blobs: once(blobs) };
}

function childOf(entry: unknown, name: string): ChildDescriptor {
  const { descriptor, fields } = descriptorOf(entry, name);
  if (!IMAGE_MEDIA_TYPES.includes(descriptor.mediaType)) {
    throw new TagflowError('not-supported', {
      what: `${name} lists ${descriptor.digest}, which is not an image`,
      why: `its media type is ${JSON.stringify(descriptor.mediaType)}`,
      fix: 'push the image with an index that lists images only',
    });
  }
  return { ...descriptor, platform: platformOf(fields['platform']) };
}

function descriptorOf(
  entry: unknown,
  name: string,
): { readonly descriptor: Descriptor; readonly fields: Readonly<Record<string, unknown>> } {
  const fields = isRecord(entry) ? entry : {};
  const { digest, size, mediaType } = fields;
  if (
    typeof digest === 'string' &&
    isDigest(digest) &&
    typeof size === 'number' &&
    Number.isSafeInteger(size) &&
    size >= 0
  ) {
    return { descriptor: { digest, size, mediaType: typeof mediaType === 'string' ? mediaType : '' }, fields };
  }
  throw invalid(
    name,
    `it refers to ${JSON.stringify(digest)?.slice(0, 160) ?? 'nothing'} with the size ${JSON.stringify(size) ?? 'missing'}`,
  );
}

function platformOf(value: unknown): string | undefined {
  if (!isRecord(value)) return undefined;
  const parts = [value['os'], value['architecture'], value['variant']].filter((part) => typeof part === 'string');
  return parts.length > 0 ? parts.join('/') : undefined;
}

function listOf(value: unknown, name: string): readonly unknown[] {
  // Go writes an empty list as null.
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw invalid(name, 'its references are not a list');
}

function once<T extends { readonly digest: string }>(items: readonly T[]): readonly T[] {
  return [...new Map(items.toReversed().map((item) => [item.digest, item])).values()].reverse();
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(name: string, why: string): TagflowError {
  return new TagflowError('registry-answer-invalid', {
    what: `cannot follow the references of the manifest ${name}`,
    why,
    fix: 'build and push the image again',
  });
}
