// Image references: where a repository is, and which of its images is meant.
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

const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const HOST_PART = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const HOST = new RegExp(`^(?:${HOST_PART}(?:\\.${HOST_PART})*|\\[[0-9a-fA-F:.]+\\])(?::[0-9]{1,5})?$`);
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;

/** Whether text may be a tag. */
export function isTag(text: string): text is Tag {
  return TAG.test(text);
}

/** The tag that text spells. Throws `reference-invalid`. */
export function parseTag(text: string): Tag {
  if (isTag(text)) return text;
  throw invalid(
    text,
    'tag',
    text.length > 128
      ? `it has ${text.length} characters, and a tag has at most 128`
      : 'a tag starts with a letter, a digit or _ and goes on with letters, digits, _ . -',
  );
}

/** The repository that text names: `host[:port]/path` or `oci:DIR`. Throws `reference-invalid`. */
export function parseRepository(text: string): Repository {
  if (text.startsWith('oci:')) {
    const directory = text.slice('oci:'.length).replace(/(?<=.)\/+$/, '');
    if (directory === '' || /[\x00-\x1f\x7f]/.test(directory))
      throw invalid(text, 'repository', 'oci: needs a directory');
    return { kind: 'layout', name: `oci:${directory}`, directory };
  }
  const slash = text.indexOf('/');
  if (slash < 0) {
    throw invalid(
      text,
      'repository',
      'it names no registry host',
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
  const port = /:([0-9]+)$/.exec(host.replace(/^\[.*\]/, ''))?.[1];
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) {
    throw invalid(text, 'repository', `${port} is not a port number`);
  }
  if (!PATH.test(path)) {
    const upper = path !== path.toLowerCase() && PATH.test(path.toLowerCase());
    throw invalid(
      text,
      'repository',
      upper ? 'repository names are lower case' : `${JSON.stringify(path)} is not a repository name`,
      upper ? `write ${host}/${path.toLowerCase()}` : undefined,
    );
  }
  if (path.length > 255) throw invalid(text, 'repository', 'a repository name has at most 255 characters');
  const canonicalHost = host.toLowerCase();
  return { kind: 'remote', name: `${canonicalHost}/${path}`, host: canonicalHost, path };
}

/**
 * The reference that text spells: `REPOSITORY[:TAG][@DIGEST]`. No default registry and no default tag are assumed.
 * In `oci:DIR:TAG` the tag is what follows the last colon after the last slash. Throws `reference-invalid`.
 */
export function parseReference(text: string): Reference {
  const at = text.lastIndexOf('@');
  const digestText = at < 0 ? undefined : text.slice(at + 1);
  let rest = at < 0 ? text : text.slice(0, at);
  let digest: Digest | undefined;
  if (digestText !== undefined) {
    if (!isDigest(digestText)) throw invalid(text, 'reference', `${JSON.stringify(digestText)} is not a digest`);
    digest = digestText;
  }
  const colon = rest.lastIndexOf(':');
  let tag: Tag | undefined;
  if (colon > rest.lastIndexOf('/') && colon > (rest.startsWith('oci:') ? 'oci:'.length - 1 : 0)) {
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

function looksLikeHost(host: string): boolean {
  return HOST.test(host) && (host.includes('.') || host.includes(':') || host.toLowerCase() === 'localhost');
}

function invalid(text: string, what: string, why: string, fix?: string): TagflowError {
  return new TagflowError('reference-invalid', { what: `${JSON.stringify(text)} is not a ${what}`, why, fix });
}
