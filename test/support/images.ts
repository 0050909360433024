// Small real images for tests: a gzipped layer, a configuration and a manifest per platform, joined by an index when
// there is more than one. Byte for byte the same on every run, so digests can be compared across registries.
import { gzipSync } from 'node:zlib';
import { type Digest, digestOf } from '../../src/model/digest.ts';

/** Bytes and what they are, as a registry or a layout stores them. */
export interface StoredObject {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly bytes: Buffer;
}

/** An image with everything that must be stored before its top manifest may be. */
export interface TestImage extends StoredObject {
  /** Configurations and layers. */
  readonly blobs: readonly StoredObject[];
  /** Platform manifests of an index; empty for a single-platform image. */
  readonly children: readonly StoredObject[];
}

/** What an image is made from. */
export interface ImageOptions {
  /** `os/architecture`; more than one makes an index. Default: linux/amd64 alone. */
  readonly platforms?: readonly string[];
  /** What its layer says: other content, other digest. Default: the word `tagflow`. */
  readonly content?: string;
  /** OCI media types (the default) or Docker's. */
  readonly flavour?: 'oci' | 'docker';
}

const TYPES = {
  oci: {
    index: 'application/vnd.oci.image.index.v1+json',
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    config: 'application/vnd.oci.image.config.v1+json',
    layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  },
  docker: {
    index: 'application/vnd.docker.distribution.manifest.list.v2+json',
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
    layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  },
} as const;

/** An image, built in memory. */
function buildImage(options: ImageOptions = {}): TestImage {
  const { platforms = ['linux/amd64'], content = 'tagflow', flavour = 'oci' } = options;
  const types = TYPES[flavour];
  const built = platforms.map((platform) => buildPlatform(platform, `${content} on ${platform}\n`, types));
  const [first] = built;
  if (first && built.length === 1) return { ...first.manifest, blobs: first.blobs, children: [] };
  const index = {
    schemaVersion: 2,
    mediaType: types.index,
    manifests: built.map(({ manifest, platform }) => ({ ...describe(manifest), platform })),
  };
  return {
    ...store(types.index, JSON.stringify(index)),
    blobs: built.flatMap(({ blobs }) => blobs),
    children: built.map(({ manifest }) => manifest),
  };
}

/**
 * Pushes an image over plain HTTP to `host` (`127.0.0.1:5000`) and tags it. Uses nothing of src/registry, so that
 * tests of it have an independent writer. `authorization` is sent as it is with every request.
 */
export async function pushImage(
  host: string,
  repository: string,
  tag: string,
  options: ImageOptions & { readonly authorization?: string } = {},
): Promise<TestImage> {
  const image = buildImage(options);
  const base = `http://${host}/v2/${repository}`;
  const headers: Record<string, string> = options.authorization ? { authorization: options.authorization } : {};
  for (const blob of image.blobs) {
    const started = await fetch(`${base}/blobs/uploads/`, { method: 'POST', headers });
    await expectStatus(started, 202);
    const location = new URL(started.headers.get('location') ?? '', base);
    location.searchParams.set('digest', blob.digest);
    await put(location.href, blob.bytes, { ...headers, 'content-type': 'application/octet-stream' });
  }
  for (const child of image.children) {
    await put(`${base}/manifests/${child.digest}`, child.bytes, { ...headers, 'content-type': child.mediaType });
  }
  await put(`${base}/manifests/${tag}`, image.bytes, { ...headers, 'content-type': image.mediaType });
  return image;
}

function buildPlatform(
  name: string,
  content: string,
  types: (typeof TYPES)['oci' | 'docker'],
): { platform: object; manifest: StoredObject; blobs: StoredObject[] } {
  const [os = 'linux', architecture = 'amd64', variant] = name.split('/');
  const platform = { os, architecture, ...(variant && { variant }) };
  const tar = tarFile('etc/tagflow', content);
  const layer = store(types.layer, gzipSync(tar));
  const config = store(
    types.config,
    JSON.stringify({ ...platform, config: {}, rootfs: { type: 'layers', diff_ids: [digestOf(tar)] }, history: [] }),
  );
  const manifest = { schemaVersion: 2, mediaType: types.manifest, config: describe(config), layers: [describe(layer)] };
  return { platform, manifest: store(types.manifest, JSON.stringify(manifest)), blobs: [config, layer] };
}

function store(mediaType: string, content: string | Buffer): StoredObject {
  const bytes = Buffer.from(content);
  return { mediaType, digest: digestOf(bytes), bytes };
}

function describe({ mediaType, digest, bytes }: StoredObject): { mediaType: string; digest: Digest; size: number } {
  return { mediaType, digest, size: bytes.length };
}

// One regular file in the ustar format (POSIX.1-1988), owned by root, without a time.
function tarFile(name: string, content: string): Buffer {
  const body = Buffer.from(content);
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const padding = Buffer.alloc((512 - (body.length % 512)) % 512);
  return Buffer.concat([header, body, padding, Buffer.alloc(1024)]);
}

async function put(url: string, body: Buffer, headers: Record<string, string>): Promise<void> {
  await expectStatus(await fetch(url, { method: 'PUT', headers, body: new Uint8Array(body) }), 201);
}

async function expectStatus(response: Response, status: number): Promise<void> {
  const text = await response.text();
  if (response.status !== status) throw new Error(`${response.url} answered ${response.status}: ${text}`);
}
