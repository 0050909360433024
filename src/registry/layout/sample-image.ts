// Small, valid, multi-platform images, made in memory: what `tagflow demo` publishes, and what tests push.
// The same request gives the same bytes on every machine and day. Layers are gzip, as plain tar would be compressed, and every
// digest above changed, by the first `skopeo copy`; but gzip without compression, written here, as what zlib makes of the
// same bytes depends on its build and on the processor.
import { crc32 } from 'node:zlib';
import { type Digest, digestOf } from '../../model/digest.ts';

/** Media types of OCI image-spec v1.1 (media-types.md) that a sample image is made of. */
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
/** The manifest of one platform's image. */
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';

/** Bytes with what a registry needs to know of them. */
export interface Content {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

/** An image index, the manifests it lists, and the blobs those need. Publish in the order blobs, manifests, index. */
export interface SampleImage extends Content {
  /** Configurations and layers. */
  readonly blobs: readonly Content[];
  /** One manifest for each platform, in the order asked for. */
  readonly manifests: readonly Content[];
}

/** What to build. */
export interface SampleImageRequest {
  /** The image's name, `django`. */
  readonly name: string;
  /** Its version, `V4.2`; goes into the layer, so versions differ in every digest. */
  readonly version: string;
  /** `os/architecture`; by default `linux/amd64` and `linux/arm64`. */
  readonly platforms?: readonly string[];
}

/**
 * A real image: an OCI index over one manifest for each platform, each with a configuration and one layer that holds
 * `/etc/release`, naming image, version and platform. OCI image-spec v1.1: image-index.md, manifest.md, config.md, layer.md.
 */
export function buildImage(request: SampleImageRequest): SampleImage {
  const built = (request.platforms ?? ['linux/amd64', 'linux/arm64']).map((platform) => buildOne(request, platform));
  const index = contentOf(OCI_INDEX, {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: built.map(({ manifest, platform }) => ({ ...descriptorOf(manifest), platform })),
  });
  return {
    ...index,
    blobs: built.flatMap(({ config, layer }) => [config, layer]),
    manifests: built.map(({ manifest }) => manifest),
  };
}

function buildOne(request: SampleImageRequest, platformText: string) {
  const [os = 'linux', architecture = 'amd64'] = platformText.split('/');
  const release = `name=${request.name}\nversion=${request.version}\nplatform=${platformText}\n`;
  const archive = tar([
    { path: 'etc/', text: undefined },
    { path: 'etc/release', text: release },
  ]);
  const layer = contentOf(OCI_LAYER, gzip(archive));
  const created = '1970-01-01T00:00:00Z';
  const config = contentOf(OCI_CONFIG, {
    created,
    architecture,
    os,
    config: {
      Labels: { 'org.opencontainers.image.title': request.name, 'org.opencontainers.image.version': request.version },
    },
    rootfs: { type: 'layers', diff_ids: [digestOf(archive)] },
    history: [{ created, created_by: 'tagflow sample image' }],
  });
  const manifest = contentOf(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptorOf(config),
    layers: [descriptorOf(layer)],
  });
  return { platform: { architecture, os }, layer, config, manifest };
}

function contentOf(mediaType: string, body: Uint8Array | object): Content {
  const bytes = body instanceof Uint8Array ? body : new TextEncoder().encode(JSON.stringify(body));
  return { mediaType, digest: digestOf(bytes), bytes };
}

function descriptorOf(content: Content) {
  return { mediaType: content.mediaType, digest: content.digest, size: content.bytes.length };
}

/** A file or folder of an archive. */
export interface TarEntry {
  /** Ends with `/` for a folder. At most 100 bytes. */
  readonly path: string;
  readonly text: string | undefined;
}

const BLOCK = 512;

/** A POSIX ustar archive (IEEE Std 1003.1, pax) owned by root, with every time at 0. */
export function tar(entries: readonly TarEntry[]): Uint8Array {
  const parts = entries.flatMap((entry) => {
    const body = Buffer.from(entry.text ?? '');
    const padded = Buffer.alloc(Math.ceil(body.length / BLOCK) * BLOCK);
    body.copy(padded);
    return [tarHeader(entry, body.length), padded];
  });
  // Two empty blocks end an archive.
  return new Uint8Array(Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]));
}

function tarHeader(entry: TarEntry, size: number): Buffer {
  const folder = entry.path.endsWith('/');
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, offset: number, length: number) =>
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset);
  header.write(entry.path, 0);
  octal(folder ? 0o755 : 0o644, 100, 8);
  octal(0, 108, 8); // owner
  octal(0, 116, 8); // group
  octal(size, 124, 12);
  octal(0, 136, 12); // modification time
  header.write(' '.repeat(8), 148); // the sum is taken with its own field blank
  header.write(folder ? '5' : '0', 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** A gzip member (RFC 1952) without name and time, of stored deflate blocks (RFC 1951, 3.2.4). */
export function gzip(bytes: Uint8Array): Uint8Array {
  const longest = 0xffff;
  const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
  const parts: Uint8Array[] = [header];
  for (let at = 0; at < bytes.length; at += longest) {
    const block = bytes.subarray(at, at + longest);
    const length = Buffer.alloc(5);
    length.writeUInt8(at + longest >= bytes.length ? 1 : 0);
    length.writeUInt16LE(block.length, 1);
    length.writeUInt16LE(block.length ^ 0xffff, 3);
    parts.push(length, block);
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(bytes));
  trailer.writeUInt32LE(bytes.length, 4);
  return new Uint8Array(Buffer.concat([...parts, trailer]));
}
