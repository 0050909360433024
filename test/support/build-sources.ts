// Images that say where they were built from, in each of the ways that builders have.
import type { Digest } from '../../src/model/digest.ts';
import { digestHex } from '../../src/model/digest.ts';
import { type Content, OCI_INDEX, OCI_MANIFEST, type SampleManifest, contentOf } from './sample-manifests.ts';

/** The words of an image. */
export interface SourceWords {
  readonly source?: unknown;
  readonly revision?: unknown;
}

const CONFIG = 'application/vnd.oci.image.config.v1+json';
const STATEMENT = 'application/vnd.in-toto+json';

const annotationsOf = ({ source, revision }: SourceWords) => ({
  ...(source !== undefined && { 'org.opencontainers.image.source': source }),
  ...(revision !== undefined && { 'org.opencontainers.image.revision': revision }),
});

const descriptorOf = ({ mediaType, digest, bytes }: Content) => ({ mediaType, digest, size: bytes.length });

/** An image of one platform. `name` makes its digest differ. */
export function imageFrom(
  name: string,
  { annotations = {}, labels = {} }: { readonly annotations?: SourceWords; readonly labels?: SourceWords },
): SampleManifest {
  const config = contentOf(CONFIG, {
    architecture: name,
    os: 'linux',
    config: { Labels: annotationsOf(labels) },
    rootfs: { type: 'layers', diff_ids: [] },
  });
  const layer = contentOf('application/vnd.oci.image.layer.v1.tar', `layer of ${name}`);
  const manifest = contentOf(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptorOf(config),
    layers: [descriptorOf(layer)],
    annotations: annotationsOf(annotations),
  });
  return { ...manifest, blobs: [config, layer], manifests: [] };
}

/** An index of images, with attestations beside them as BuildKit puts them. */
export function indexFrom(
  images: readonly SampleManifest[],
  { annotations = {}, attestations = [] }: { annotations?: SourceWords; attestations?: readonly SampleManifest[] } = {},
): SampleManifest {
  const index = contentOf(OCI_INDEX, {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    annotations: annotationsOf(annotations),
    manifests: [
      ...images.map((one, at) => ({ ...descriptorOf(one), platform: { os: 'linux', architecture: `arch${at}` } })),
      ...attestations.map((one) => ({
        ...descriptorOf(one),
        platform: { os: 'unknown', architecture: 'unknown' },
        annotations: {
          'vnd.docker.reference.type': 'attestation-manifest',
          'vnd.docker.reference.digest': images[0]?.digest,
        },
      })),
    ],
  });
  const all = [...images, ...attestations];
  return { ...index, blobs: all.flatMap(({ blobs }) => blobs), manifests: all };
}

/** A statement of SLSA provenance about an image, as BuildKit (v0.2), as GitHub (v1) writes it, or signed in an envelope. */
export function provenanceOf(
  subject: Digest,
  { source, revision }: SourceWords,
  how: 'buildkit' | 'v1' | 'envelope' = 'buildkit',
): object {
  const about = { subject: [{ name: 'pkg:docker/web', digest: { sha256: digestHex(subject) } }] };
  if (how === 'buildkit') {
    return {
      _type: 'https://in-toto.io/Statement/v0.1',
      predicateType: 'https://slsa.dev/provenance/v0.2',
      ...about,
      predicate: {
        materials: [{ uri: 'pkg:docker/alpine@3.20?platform=linux%2Famd64', digest: { sha256: '0'.repeat(64) } }],
        metadata: { 'https://mobyproject.org/buildkit@v1#metadata': { vcs: { source, revision } } },
      },
    };
  }
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    predicateType: 'https://slsa.dev/provenance/v1',
    ...about,
    predicate: {
      buildDefinition: {
        buildType: 'https://actions.github.io/buildtypes/workflow/v1',
        resolvedDependencies: [{ uri: `git+${String(source)}@refs/heads/main`, digest: { gitCommit: revision } }],
      },
    },
  };
  if (how === 'v1') return statement;
  const payload = Buffer.from(JSON.stringify(statement)).toString('base64');
  return { payloadType: STATEMENT, payload, signatures: [] };
}

/** The manifest that holds a statement: in an index, or about an image. */
export function attestationOf(
  statement: object,
  { subject, mediaType = STATEMENT }: { readonly subject?: Digest; readonly mediaType?: string } = {},
): SampleManifest {
  const config = contentOf(CONFIG, '{}');
  const layer = contentOf(mediaType, statement);
  const manifest = contentOf(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    ...(subject && { artifactType: mediaType }),
    config: descriptorOf(config),
    layers: [
      { ...descriptorOf(layer), annotations: { 'in-toto.io/predicate-type': 'https://slsa.dev/provenance/v0.2' } },
    ],
    ...(subject && { subject: { mediaType: OCI_MANIFEST, digest: subject, size: 1 } }),
  });
  return { ...manifest, blobs: [config, layer], manifests: [] };
}
