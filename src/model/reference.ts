// Image references: a repository, and which of its images the reference names.
// Grammar: OCI distribution-spec v1.1 ("Pulling manifests"), and github.com/distribution/reference for hosts.
import type { Branded } from './brand.ts';
import { type Digest, isDigest } from './digest.ts';
import { TagflowError } from './errors.ts';

/** A tag: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`. */
export type Tag = Branded<'Tag'>;

/**
 * A repository: one name in a registry (`host[:port]/path`), or one OCI layout directory (`oci:DIR`).
 * Two repositories are the same exactly when their `name`s are equal.
 */
export type Repository = RemoteRepository | LayoutRepository;

/** A repository in a registry that speaks the OCI distribution protocol. */
export interface RemoteRepository {
  readonly kind: 'remote';
  /** Canonical text, `host[:port]/path`. */
  readonly name: string;
  /** Host in lower case, with its port when one was given; IPv6 in brackets. */
  readonly host: string;
  /** The repository's name inside the registry, `acme/app/django`. */
  readonly path: string;
}

/** An OCI image layout on disk, one repository per directory. */
export interface LayoutRepository {
  readonly kind: 'layout';
  /** Canonical text, `oci:` and the directory. */
  readonly name: string;
  /** The directory, as written, without trailing slashes; relative ones are against the working directory. */
  readonly directory: string;
}

/** A reference: a repository, and optionally the tag, the digest, or both. A digest wins over a tag. */
export interface Reference {
  readonly repository: Repository;
  readonly tag?: Tag;
  readonly digest?: Digest;
}

/** Without its longest length: counting is what makes a pattern slow, and repositories have very many tags. */
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
const HOST_PART = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const HOST = new RegExp(`^(?:${HOST_PART}(?:\\.${HOST_PART})*|\\[[0-9a-fA-F:.]+\\])(?::[0-9]{1,5})?$`);
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;

// docs.docker.com: one registry under three names; official images are in library/.
const DOCKER_HUB: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/** Whether text may be a tag. */
export function isTag(text: string): text is Tag {
  return text.length <= 128 && TAG.test(text);
}

/** The tag that text spells. Throws `reference-invalid`. */
export function parseTag(text: string): Tag {
  if (isTag(text)) return text;
  throw invalid(
    text,
    'tag',
    text.length > 128
      ? `it has ${text.length} characters, and a tag has at most 128`
      : 'a tag starts with a letter, a digit or _ and continues with letters, digits, _ . -',
  );
}

/** The repository that text names: `host[:port]/path` or `oci:DIR`. Throws `reference-invalid`. */
export function parseRepository(text: string): Repository {
  if (text.startsWith('oci:')) return parseLayout(text);
  refuseAddress(text, 'repository');
  const slash = text.indexOf('/');
  if (slash < 0) {
    throw invalid(
      text,
      'repository',
      'it has no registry host',
      `write the host as well: registry.example.com/${text}`,
    );
  }
  const host = text.slice(0, slash);
  const path = text.slice(slash + 1);
  if (!looksLikeHost(host)) {
    throw invalid(
      text,
      'repository',
      `${JSON.stringify(host)} is not a registry host`,
      `write the host as well: docker.io/${text}`,
    );
  }
  const port = /(?<=[^:]):([0-9]+)$/.exec(host)?.[1];
  if (port !== undefined && (port.startsWith('0') || Number(port) > 65_535)) {
    throw invalid(text, 'repository', `${port} is not a port number`);
  }
  if (!PATH.test(path)) {
    const upper = PATH.test(path.toLowerCase());
    throw invalid(
      text,
      'repository',
      upper ? 'repository names are lower case' : `${JSON.stringify(path)} is not a repository name`,
      upper ? `write ${host}/${path.toLowerCase()}` : undefined,
    );
  }
  if (path.length > 255) throw invalid(text, 'repository', 'a repository name has at most 255 characters');
  const canonicalHost = host.startsWith('[') ? canonicalIPv6(text, host) : host.toLowerCase();
  return { kind: 'remote', name: `${canonicalHost}/${path}`, host: canonicalHost, path };
}

/** RFC 5952: one spelling for each IPv6 address, so that equal hosts have equal names. */
function canonicalIPv6(text: string, host: string): string {
  const end = host.indexOf(']') + 1;
  const address = host.slice(0, end);
  if (!URL.canParse(`http://${address}/`)) throw invalid(text, 'repository', `${address} is not an IPv6 address`);
  return new URL(`http://${address}/`).hostname + host.slice(end);
}

/** Refuses what looks like a web address, before any other error could show the password it may carry. */
function refuseAddress(text: string, kind: string): void {
  if (text.includes('://')) {
    throw invalid(text, kind, `a ${kind} has no scheme`, 'write host/path, without the scheme');
  }
  const slash = text.indexOf('/');
  if (slash >= 0 && text.slice(0, slash).includes('@')) {
    throw invalid(
      text,
      kind,
      `a ${kind} cannot contain a user name or password`,
      'write only the part after the @, and log in with docker login',
    );
  }
}

function parseLayout(text: string): LayoutRepository {
  let directory = text.slice('oci:'.length);
  while (directory.length > 1 && directory.endsWith('/')) directory = directory.slice(0, -1);
  if (directory === '') throw invalid(text, 'repository', 'oci: needs a directory', 'write oci:./registry/app');
  if (/[\x00-\x1f\x7f]/.test(directory) || !directory.isWellFormed()) {
    throw invalid(text, 'repository', 'the directory has a control character', 'rename it');
  }
  if (directory.startsWith('//')) {
    throw invalid(text, 'repository', 'oci: is followed by a directory, not by //', 'write host/path for a registry');
  }
  if (/[:@]/.test(directory.slice(lastSeparator(directory) + 1))) {
    throw invalid(
      text,
      'repository',
      'in a reference, a : or @ after the last slash starts a tag or digest',
      'rename it',
    );
  }
  return { kind: 'layout', name: `oci:${directory}`, directory };
}

/**
 * The reference that text spells: `REPOSITORY[:TAG][@DIGEST]`. No default registry and no default tag are assumed.
 * In `oci:DIR:TAG` the tag is what follows the last colon after the last slash (or backslash). Throws `reference-invalid`.
 */
export function parseReference(text: string): Reference {
  if (!text.startsWith('oci:')) refuseAddress(text, 'reference');
  const found = text.lastIndexOf('@');
  const at = found > (text.startsWith('oci:') ? lastSeparator(text) : text.lastIndexOf('/')) ? found : -1;
  const digestText = at < 0 ? undefined : text.slice(at + 1);
  let rest = at < 0 ? text : text.slice(0, at);
  let digest: Digest | undefined;
  if (digestText !== undefined) {
    if (!isDigest(digestText)) throw invalid(text, 'reference', `${JSON.stringify(digestText)} is not a digest`);
    digest = digestText;
  }
  const colon = rest.lastIndexOf(':');
  let tag: Tag | undefined;
  const layout = rest.startsWith('oci:');
  if (colon > (layout ? Math.max(lastSeparator(rest), 'oci:'.length - 1) : rest.lastIndexOf('/'))) {
    tag = parseTag(rest.slice(colon + 1));
    rest = rest.slice(0, colon);
  }
  return { repository: parseRepository(rest), ...(tag && { tag }), ...(digest && { digest }) };
}

/** The text that `parseReference` reads back to the same reference. */
export function formatReference(reference: Reference): string {
  const { repository, tag, digest } = reference;
  return `${repository.name}${tag ? `:${tag}` : ''}${digest ? `@${digest}` : ''}`;
}

/**
 * A key that two repositories share exactly when they are one place, however they are written: `:443` and the aliases
 * of Docker Hub are left out, and `.` and doubled slashes in an `oci:` directory. For comparison only, never an address.
 */
export function ownershipKey(repository: Repository): string {
  if (repository.kind === 'layout') {
    const parts = repository.directory.split('/').filter((part, index) => part !== '.' && (part !== '' || index === 0));
    return `oci:${parts.join('/')}`;
  }
  const host = repository.host.replace(/:443$/, '');
  if (!DOCKER_HUB.has(host)) return `${host}/${repository.path}`;
  return `docker.io/${repository.path.includes('/') ? '' : 'library/'}${repository.path}`;
}

// Backslashes separate the parts of a directory on Windows, as in oci:C:\\registry\\django.
function lastSeparator(text: string): number {
  return Math.max(text.lastIndexOf('/'), text.lastIndexOf('\\'));
}

function looksLikeHost(host: string): boolean {
  return HOST.test(host) && (host.includes('.') || host.includes(':') || host.toLowerCase() === 'localhost');
}

function invalid(text: string, what: string, why: string, fix?: string): TagflowError {
  // Addresses pasted from a browser or a script may carry a password before the @ of the host.
  const short = text.length > 300 ? `${text.slice(0, 299)}…` : text;
  const shown = short.replace(
    /^((?:[A-Za-z][A-Za-z0-9+.-]*:\/\/)?)[^/]*@(?=[^/]*\/)|^([A-Za-z][A-Za-z0-9+.-]*:\/\/)[^/]*@/,
    '$1$2…@',
  );
  return new TagflowError('reference-invalid', { what: `${JSON.stringify(shown)} is not a ${what}`, why, fix });
}
