// Manifests for tests, in every form registries hold, with everything below them that a registry asks for first.
import { digestOf } from '../../src/model/digest.ts';
import { buildImage, type Content, OCI_INDEX, OCI_MANIFEST } from '../../src/registry/layout/sample-image.ts';

export { type Content, OCI_INDEX, OCI_MANIFEST };

/** Docker Image Manifest V2, Schema 2: the multi-platform form. */
export const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
/** Docker Image Manifest V2, Schema 2: one platform's image. */
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

/** A manifest with all that must be in the repository before it. */
export interface SampleManifest extends Content {
  /** Configurations and layers, each once. */
  readonly blobs: readonly Content[];
  /** The manifests it lists, when it is an index or a manifest list. */
  readonly manifests: readonly Content[];
}

/** Bytes or JSON under a media type, hashed. */
export function contentOf(mediaType: string, body: Uint8Array | string | object): Content {
  const text = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  return { mediaType, digest: digestOf(bytes), bytes };
}

/** An OCI index over linux/amd64 and linux/arm64. Another version gives other digests throughout. */
export function sampleIndex(version = 'V1.0'): SampleManifest {
  return buildImage({ name: 'sample', version });
}

/** One OCI image manifest. */
export function sampleSingle(version = 'V1.0'): SampleManifest {
  const image = buildImage({ name: 'sample', version, platforms: ['linux/amd64'] });
  return { ...image.manifests[0]!, blobs: image.blobs, manifests: [] };
}

/** An OCI image manifest spelled as no encoder would: tabs, blank lines, escapes, a trailing newline. */
export function sampleOddlySpaced(version = 'V1.0'): SampleManifest {
  const single = sampleSingle(version);
  const text = JSON.stringify(JSON.parse(textOf(single)), null, '\t')
    .replaceAll(': ', ' :  ')
    .replaceAll('/', '\\/');
  return { ...single, ...contentOf(OCI_MANIFEST, `\n${text}\r\n \n`) };
}

/** An OCI image manifest without the optional field `mediaType`. */
export function sampleWithoutMediaType(version = 'V1.0'): SampleManifest {
  const single = sampleSingle(version);
  const { mediaType: _, ...rest } = JSON.parse(textOf(single)) as Record<string, unknown>;
  return { ...single, ...contentOf(OCI_MANIFEST, rest) };
}

/** An OCI index without the optional field `mediaType`. */
function sampleIndexWithoutMediaType(version = 'V1.0'): SampleManifest {
  const index = sampleIndex(version);
  const { mediaType: _, ...rest } = JSON.parse(textOf(index)) as Record<string, unknown>;
  return { ...index, ...contentOf(OCI_INDEX, rest) };
}

/** A Docker manifest list over two Docker image manifests. */
export function sampleDockerList(version = 'V1.0'): SampleManifest {
  const image = buildImage({ name: 'sample', version });
  const manifests = image.manifests.map((manifest) => {
    const body = JSON.parse(textOf(manifest)) as { config: object; layers: object[] };
    return contentOf(DOCKER_MANIFEST, {
      schemaVersion: 2,
      mediaType: DOCKER_MANIFEST,
      config: { ...body.config, mediaType: 'application/vnd.docker.container.image.v1+json' },
      layers: body.layers.map((layer) => ({
        ...layer,
        mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
      })),
    });
  });
  const list = contentOf(DOCKER_LIST, {
    schemaVersion: 2,
    mediaType: DOCKER_LIST,
    manifests: manifests.map(({ mediaType, digest, bytes }, at) => ({
      mediaType,
      digest,
      size: bytes.length,
      platform: { architecture: at === 0 ? 'amd64' : 'arm64', os: 'linux' },
    })),
  });
  return { ...list, blobs: image.blobs, manifests };
}

/** One Docker image manifest. */
function sampleDockerSingle(version = 'V1.0'): SampleManifest {
  const list = sampleDockerList(version);
  return { ...list.manifests[0]!, blobs: list.blobs, manifests: [] };
}

/** Every form, by the name a test shows. */
export const SAMPLES: readonly (readonly [form: string, make: (version?: string) => SampleManifest])[] = [
  ['an OCI manifest', sampleSingle],
  ['an OCI index', sampleIndex],
  ['a Docker manifest', sampleDockerSingle],
  ['a Docker manifest list', sampleDockerList],
  ['a manifest with odd white space', sampleOddlySpaced],
  ['a manifest without mediaType', sampleWithoutMediaType],
  ['an index without mediaType', sampleIndexWithoutMediaType],
];

/**
 * Pushes a manifest with all it needs to an HTTP registry (OCI distribution-spec v1.1, "Push"), by fetch alone: nothing
 * of the code under test takes part. `repositoryUrl` is `http://host:port/v2/path`.
 */
export async function pushManifest(
  repositoryUrl: string,
  manifest: SampleManifest,
  tag?: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  for (const blob of manifest.blobs) {
    const session = await fetch(`${repositoryUrl}/blobs/uploads/`, { method: 'POST', headers });
    await expectStatus(session, 202);
    const location = new URL(session.headers.get('location') ?? '', repositoryUrl);
    location.searchParams.set('digest', blob.digest);
    const upload = { 'content-type': 'application/octet-stream', ...headers };
    await expectStatus(await fetch(location, { method: 'PUT', headers: upload, body: bodyOf(blob) }), 201);
  }
  for (const content of [...manifest.manifests, manifest]) {
    const at = content === manifest && tag !== undefined ? tag : content.digest;
    const typed = { 'content-type': content.mediaType, ...headers };
    const answer = await fetch(`${repositoryUrl}/manifests/${at}`, {
      method: 'PUT',
      headers: typed,
      body: bodyOf(content),
    });
    await expectStatus(answer, 201);
  }
}

async function expectStatus(answer: Response, status: number): Promise<void> {
  const text = await answer.text();
  if (answer.status !== status) throw new Error(`${answer.url} answered ${answer.status}, not ${status}: ${text}`);
}

function bodyOf(content: Content): Uint8Array<ArrayBuffer> {
  return new Uint8Array(content.bytes);
}

function textOf(content: Content): string {
  return new TextDecoder().decode(content.bytes);
}
