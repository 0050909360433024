// SLSA provenance: the repository and the commit that a build says it was made from. Pure. slsa.dev/spec, provenance v0.2 and v1;
// in-toto attestation framework, statement v0.1 and v1; DSSE envelopes and Sigstore bundles, whose signatures are not judged here.
// BuildKit writes the repository and the commit into metadata of its own (docs/attestations/slsa-definitions.md).
import { type BuildSource, buildSourceOf } from '../../model/build-source.ts';
import { type Digest, digestAlgorithm, digestHex } from '../../model/digest.ts';

type Fields = Readonly<Record<string, unknown>>;

const PREDICATE = /^https:\/\/slsa\.dev\/provenance\/v(?:0\.2|1(?:\.\d+)?)$/;

/** The source that provenance names, where it is about one of the images; undefined where it names none. */
export function provenanceSource(bytes: Uint8Array, images: ReadonlySet<Digest>): BuildSource | undefined {
  const statement = statementIn(parse(bytes), 0);
  if (!statement || !PREDICATE.test(String(statement['predicateType']))) return undefined;
  if (!listOf(statement['subject']).some((subject) => isAbout(subject, images))) return undefined;
  const predicate = fieldsOf(statement['predicate']);
  for (const found of candidates(predicate)) {
    const told = buildSourceOf('provenance', found);
    if (told?.kind === 'told') return told.source;
  }
  return undefined;
}

/** A statement as it is, or in the envelope or bundle that signs it. */
function statementIn(value: Fields | undefined, depth: number): Fields | undefined {
  if (!value || depth > 2) return undefined;
  if (typeof value['predicateType'] === 'string') return value;
  if (value['dsseEnvelope'] !== undefined) return statementIn(fieldsOf(value['dsseEnvelope']), depth + 1);
  const { payload } = value;
  return typeof payload === 'string' ? statementIn(parse(Buffer.from(payload, 'base64')), depth + 1) : undefined;
}

function isAbout(subject: Fields, images: ReadonlySet<Digest>): boolean {
  const digests = fieldsOf(subject['digest']);
  return [...images].some((image) => digests[digestAlgorithm(image)] === digestHex(image));
}

/** Places that name the repository and the commit, the surest first. */
function candidates(predicate: Fields): readonly { readonly url: unknown; readonly commit: unknown }[] {
  const metadata = fieldsOf(predicate['metadata']);
  const details = fieldsOf(fieldsOf(predicate['runDetails'])['metadata']);
  const vcs = [metadata['https://mobyproject.org/buildkit@v1#metadata'], details['buildkit_metadata']].map((one) =>
    fieldsOf(fieldsOf(one)['vcs']),
  );
  const definition = fieldsOf(predicate['buildDefinition']);
  const materials = [
    fieldsOf(fieldsOf(predicate['invocation'])['configSource']),
    ...listOf(definition['resolvedDependencies']),
    ...listOf(predicate['materials']),
  ];
  const found = materials.flatMap(({ uri, digest }) => {
    const digests = fieldsOf(digest);
    const commit = digests['gitCommit'] ?? digests['sha1'];
    return typeof uri === 'string' && commit !== undefined ? [{ url: withoutReference(uri), commit }] : [];
  });
  return [...vcs.map(({ source, revision }) => ({ url: source, commit: revision })), ...found];
}

/** `git+https://host/path@refs/heads/main` without what follows the path. */
function withoutReference(uri: string): string {
  return /^(?:git\+)?[a-z]+:\/\/[^/]+\/[^@#?]*/.exec(uri)?.[0] ?? uri;
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.slice(0, 100).map(fieldsOf) : [];
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function parse(bytes: Uint8Array): Fields | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === 'object' && value !== null ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}
