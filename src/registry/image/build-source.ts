// Where an image was built from, by what stands in its registry: the annotations of its manifest or index, the labels of its
// configuration (OCI image-spec v1.1, annotations.md), SLSA provenance attached by BuildKit (an attestation manifest in the index) or
// as a referrer. It reads through `ContentSource`, so that every registry answers alike. Everything read is hostile: sizes and
// counts are bounded, descriptors' `urls` are never fetched, and bytes count only under their digest.
import {
  type BuildSource,
  type ReadBuildSource,
  type ToldSource,
  buildSourceOf,
  untold,
} from '../../model/build-source.ts';
import { attempt } from '../../model/attempt.ts';
import { type Digest, digestAlgorithm, digestOf, isDigest } from '../../model/digest.ts';
import type { Repository } from '../../model/reference.ts';
import type { ContentSource, Manifest } from '../registry.ts';
import { isIndexType } from './manifest-type.ts';
import { provenanceSource } from './provenance.ts';

/** Platforms of an index that are looked at. */
const MAX_PLATFORMS = 8;
/** Attestations that are looked at, and referrers. */
const MAX_ATTESTATIONS = 8;
/** Bytes of a configuration, and of an attestation. */
const MAX_CONFIG = 1 << 20;
const MAX_ATTESTATION = 4 << 20;

const SOURCE = 'org.opencontainers.image.source';
const REVISION = 'org.opencontainers.image.revision';
const STATEMENTS =
  /^application\/vnd\.(?:in-toto(?:\.[a-z.]+)?\+json|dsse\.envelope\.v1\+json|dev\.sigstore\.bundle\b.*)/;

type Fields = Readonly<Record<string, unknown>>;

/** Returns what reads the sources of images, from whichever registry serves a repository. */
export function createBuildSourceReader(contentOf: (repository: Repository) => ContentSource): ReadBuildSource {
  return async (repository, digest) => new BuildSourceReader(contentOf(repository), repository).read(digest);
}

class BuildSourceReader {
  readonly #source: ContentSource;
  readonly #repository: Repository;

  constructor(source: ContentSource, repository: Repository) {
    this.#source = source;
    this.#repository = repository;
  }

  async read(digest: Digest): Promise<ToldSource> {
    const manifest = await this.#source.readManifest(this.#repository, digest);
    if (!manifest) return untold('the registry no longer has the image');
    const body = bodyOf(manifest.bytes);
    const entries = isIndexType(manifest.mediaType) ? listOf(body['manifests']) : [];
    const platforms = entries.filter((entry) => !isAttestation(entry)).slice(0, MAX_PLATFORMS);
    const annotated = named('annotation', body['annotations']);
    const said = annotated?.kind === 'told' ? annotated : ((await this.#ofPlatforms(manifest, platforms)) ?? annotated);
    if (said?.kind === 'untold' && said.why === DIFFERENT) return said;
    const proven = await this.#provenance(digest, entries, platforms);
    if (!proven) return said ?? untold('the image does not say where it was built from');
    if (said?.kind !== 'told') return { kind: 'told', source: proven };
    const { url, commit, told } = said.source;
    if (url === proven.url && commit === proven.commit) return said;
    return untold(`its ${told}s and its provenance name different sources`);
  }

  /** What the platforms say, if they agree. */
  async #ofPlatforms(top: Manifest, platforms: readonly Fields[]): Promise<ToldSource | undefined> {
    if (!isIndexType(top.mediaType)) return this.#ofImage(bodyOf(top.bytes));
    const found: ToldSource[] = [];
    for (const { digest } of platforms) {
      const child = isDigestText(digest) ? await this.#source.readManifest(this.#repository, digest) : undefined;
      const told = child && !isIndexType(child.mediaType) ? await this.#ofImage(bodyOf(child.bytes)) : undefined;
      if (told) found.push(told);
    }
    const sources = found.flatMap((one) => (one.kind === 'told' ? [one.source] : []));
    const [first] = sources;
    if (!first) return found[0];
    const agree = sources.every(({ url, commit }) => url === first.url && commit === first.commit);
    return agree ? { kind: 'told', source: first } : untold(DIFFERENT);
  }

  /** What the manifest of one platform says, or its configuration. */
  async #ofImage(body: Fields): Promise<ToldSource | undefined> {
    const annotated = named('annotation', body['annotations']);
    if (annotated?.kind === 'told') return annotated;
    const bytes = await this.#blob(fieldsOf(body['config']), MAX_CONFIG);
    const labels = bytes && fieldsOf(bodyOf(bytes)['config'])['Labels'];
    return named('label', labels) ?? annotated;
  }

  async #provenance(
    digest: Digest,
    entries: readonly Fields[],
    platforms: readonly Fields[],
  ): Promise<BuildSource | undefined> {
    const subjects = new Set<Digest>([
      digest,
      ...platforms.flatMap((one) => (isDigestText(one['digest']) ? [one['digest']] : [])),
    ]);
    const attached = entries
      .filter(isAttestation)
      .flatMap((one) => (isDigestText(one['digest']) ? [one['digest']] : []));
    // A registry may forbid or lack the list of referrers: what is attached in the index still counts.
    const { value: referrers = [] } = await attempt(this.#source.referrers(this.#repository, digest));
    const all = [...new Set([...attached, ...referrers.map((one) => one.digest)])].slice(0, MAX_ATTESTATIONS);
    for (const one of all) {
      // One that cannot be read counts as absent: it shall not hide what the image itself says.
      const { value: manifest } = await attempt(this.#source.readManifest(this.#repository, one));
      const layers = manifest ? listOf(bodyOf(manifest.bytes)['layers']).slice(0, MAX_ATTESTATIONS) : [];
      for (const layer of layers.filter(({ mediaType }) => STATEMENTS.test(String(mediaType)))) {
        const bytes = await this.#blob(layer, MAX_ATTESTATION);
        const found = bytes && provenanceSource(bytes, subjects);
        if (found) return found;
      }
    }
    return undefined;
  }

  /** The bytes of a blob that are its own; undefined for one that is missing, too large, or not what it is called. */
  async #blob({ digest, size }: Fields, most: number): Promise<Uint8Array | undefined> {
    if (!isDigestText(digest) || typeof size !== 'number' || !(size >= 0 && size <= most)) return undefined;
    const stream = await this.#source.openBlob(this.#repository, { digest, size });
    if (!stream) return undefined;
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of stream) {
      length += chunk.length;
      if (length > size) return undefined;
      chunks.push(chunk);
    }
    const bytes = Buffer.concat(chunks);
    return digestOf(bytes, digestAlgorithm(digest)) === digest ? bytes : undefined;
  }
}

const DIFFERENT = 'its platforms name different sources';

function named(told: BuildSource['told'], texts: unknown): ToldSource | undefined {
  const fields = fieldsOf(texts);
  return buildSourceOf(told, { url: ownField(fields, SOURCE), commit: ownField(fields, REVISION) });
}

/** BuildKit, docs/attestations/attestation-storage.md: for no platform, and marked. */
function isAttestation(entry: Fields): boolean {
  return ownField(fieldsOf(entry['annotations']), 'vnd.docker.reference.type') === 'attestation-manifest';
}

function ownField(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function isDigestText(value: unknown): value is Digest {
  return typeof value === 'string' && isDigest(value);
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function bodyOf(bytes: Uint8Array): Fields {
  try {
    return fieldsOf(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return {};
  }
}
