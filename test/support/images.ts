// Small real images for tests: a gzipped layer, a configuration and a manifest per platform, joined by an index when
// there is more than one. Byte for byte the same on every run, so digests can be compared across registries.
import { type Digest, digestOf } from '../../src/model/digest.ts';
import { gzip, tar } from '../../src/registry/layout/sample-image.ts';

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
  /** What its layers say: other content, other digest. Default: the word `tagflow`. */
  readonly content?: string;
  /** Layers of each platform, which no other has. Default: 1. */
  readonly layers?: number;
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
  const { platforms = ['linux/amd64'], content = 'tagflow', layers = 1, flavour = 'oci' } = options;
  const types = TYPES[flavour];
  const built = platforms.map((platform) => {
    const texts = Array.from({ length: layers }, (_, number) => `${content} on ${platform}${'!'.repeat(number)}\n`);
    return buildPlatform(platform, texts, types);
  });
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
 * Pushes an image over plain HTTP to `host` (`127.0.0.1:5000`) and tags it, by fetch alone, so that tests of the adapters
 * have an independent writer. `authorization` is sent as it is with every request.
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
  contents: readonly string[],
  types: (typeof TYPES)['oci' | 'docker'],
): { platform: object; manifest: StoredObject; blobs: StoredObject[] } {
  const [os = 'linux', architecture = 'amd64', variant] = name.split('/');
  const platform = { os, architecture, ...(variant && { variant }) };
  const archives = contents.map((text) => tar([{ path: 'etc/tagflow', text }]));
  const layers = archives.map((archive) => store(types.layer, gzip(archive)));
  const rootfs = { type: 'layers', diff_ids: archives.map((archive) => digestOf(archive)) };
  const config = store(types.config, JSON.stringify({ ...platform, config: {}, rootfs, history: [] }));
  const manifest = {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: describe(config),
    layers: layers.map(describe),
  };
  return { platform, manifest: store(types.manifest, JSON.stringify(manifest)), blobs: [config, ...layers] };
}

function store(mediaType: string, content: string | Uint8Array): StoredObject {
  const bytes = Buffer.from(content);
  return { mediaType, digest: digestOf(bytes), bytes };
}

function describe({ mediaType, digest, bytes }: StoredObject): { mediaType: string; digest: Digest; size: number } {
  return { mediaType, digest, size: bytes.length };
}
async function put(url: string, body: Buffer, headers: Record<string, string>): Promise<void> {
  await expectStatus(await fetch(url, { method: 'PUT', headers, body: new Uint8Array(body) }), 201);
}

async function expectStatus(response: Response, status: number): Promise<void> {
  const text = await response.text();
  if (response.status !== status) throw new Error(`${response.url} answered ${response.status}: ${text}`);
}
