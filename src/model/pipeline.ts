// What tagflow.yaml says, normalised: the images, the environments, and how releases flow between them.
import type { BranchName, ObjectId } from './object-id.ts';
import type { GatePolicy } from './gate-policy.ts';
import type { Repository, Tag } from './reference.ts';
import { TagflowError } from './errors.ts';
import type { VersionScheme } from './version.ts';

/** How a manifest field names the image: `version+digest` is `V4.2@sha256:…`, `digest` is the digest alone. */
export type PinStyle = 'version+digest' | 'digest';

/** An image that releases are made of. */
export interface Image {
  readonly name: string;
  /** Where its versions are published. */
  readonly repository: Repository;
  readonly versions: VersionScheme;
  /** Further names by which manifests call it, beside its key and its repositories (kustomize `name:`). */
  readonly names: readonly string[];
}

/** What hosts the Git repository and takes pull requests; GitLab calls them merge requests. */
export type ForgeKind = 'github' | 'gitlab';

/** How commits are signed: with a key of OpenSSH, or of OpenPGP. */
export type SigningMethod = 'ssh' | 'gpg';

/** Which signatures make a commit a release of an environment. */
export interface SigningRules {
  readonly method: SigningMethod;
  /** Who may release it: principals of the signers file, or fingerprints (upper case) of OpenPGP keys; empty: everybody in it. */
  readonly signedBy: readonly string[];
  /** The commit up to which releases need no signature: they were made before signing was turned on. */
  readonly signedAfter: ObjectId | undefined;
}

/** The rules with the files of the trunk that they stand on. */
export interface Trust extends SigningRules {
  /** Where the signers are listed, for people. */
  readonly file: string;
  /** An allowed-signers file of ssh-keygen(1), or public keys of OpenPGP. */
  readonly signers: Uint8Array;
  /** Keys that count no more: a KRL or a list of public keys, as ssh-keygen(1) reads it. */
  readonly revoked: Uint8Array | undefined;
}

/** A field outside the known manifest forms that holds a pin. */
export interface ConfiguredPin {
  readonly image: string;
  /** The file, relative to the repository's root. */
  readonly file: string;
  /** Keys and indexes from the document's root to the field. */
  readonly path: readonly (string | number)[];
}

/** An environment: what its branch, its target tag and its folder are, and where its releases come from. */
export interface Environment {
  readonly name: string;
  /** The environment upstream; undefined for the first, which carries the trunk. */
  readonly from: string | undefined;
  readonly branch: BranchName;
  /** The target tag, which moves to the image of each release; `<tag>-<sequence>` is the per-release tag. */
  readonly tag: Tag;
  /** Its folder, relative to the repository's root, without a trailing slash. */
  readonly path: string;
  /** Repositories of its own, by image name; other images are used where they are published. */
  readonly repositories: ReadonlyMap<string, Repository>;
  /** Globs of paths whose content this environment's branch owns. */
  readonly keep: readonly string[];
  readonly pin: PinStyle;
  readonly pins: readonly ConfiguredPin[];
  /** How many of its newest releases keep their per-release tags, and of the distinct ones as many. */
  readonly retain: number;
  /** Releases go onto its branch by pull requests, not by pushes. */
  readonly pullRequest: boolean;
  /** What its gates ask for. */
  readonly gates: GatePolicy;
  /** Set where releases are signed. */
  readonly signing?: SigningRules;
  /** Set where releases are signed, once the files of the trunk were read. */
  readonly trust?: Trust;
}

/** The whole configuration. Environments are in flow order: each comes after the one it takes from. */
export interface Pipeline {
  /** The trunk's branch when tagflow.yaml names it; otherwise the remote's default branch. */
  readonly trunk: BranchName | undefined;
  readonly images: ReadonlyMap<string, Image>;
  readonly environments: ReadonlyMap<string, Environment>;
  /** Largest manifest file that is read, in bytes. */
  readonly maxFileBytes: number;
  /** Registry hosts (`host` or `host:port`, as in a repository) that speak plain HTTP, beside those on loopback. */
  readonly plainHttpHosts: ReadonlySet<string>;
  /** What hosts the repository; absent: its URL tells. */
  readonly forge?: ForgeKind;
  /** Where releases are signed: the files of the trunk that say whose signatures count. */
  readonly signing?: { readonly method: SigningMethod; readonly signers: string; readonly revoked: string | undefined };
}

/** The environment of that name. Throws `environment-not-found`, naming those that exist. */
export function environmentOf(pipeline: Pipeline, name: string): Environment {
  const environment = pipeline.environments.get(name);
  if (environment) return environment;
  throw new TagflowError('environment-not-found', {
    what: `there is no environment ${JSON.stringify(name)}`,
    why: `tagflow.yaml has: ${[...pipeline.environments.keys()].join(', ')}`,
    fix: 'name one of those, or add it to tagflow.yaml on the trunk',
  });
}

/** The image of that name. Throws `image-not-found`, naming those that exist. */
export function imageOf(pipeline: Pipeline, name: string): Image {
  const image = pipeline.images.get(name);
  if (image) return image;
  throw new TagflowError('image-not-found', {
    what: `there is no image ${JSON.stringify(name)}`,
    why: `tagflow.yaml has: ${[...pipeline.images.keys()].join(', ')}`,
    fix: 'name one of those, or add it to tagflow.yaml on the trunk',
  });
}

/** How versions of each image are ordered, by its name. */
export function schemesOf({ images }: Pipeline): ReadonlyMap<string, VersionScheme> {
  return new Map([...images].map(([name, { versions }]) => [name, versions]));
}

/** The repository an environment runs an image from. */
export function repositoryIn(environment: Environment, image: Image): Repository {
  return environment.repositories.get(image.name) ?? image.repository;
}

/** Names of the environments that take from one. */
export function downstreamOf(pipeline: Pipeline, { name }: Environment): readonly string[] {
  return [...pipeline.environments.values()].filter(({ from }) => from === name).map((environment) => environment.name);
}

/** Whether releases of one environment reach another, through any number of others; an environment reaches itself. */
export function flowsInto(pipeline: Pipeline, upstream: string, name: string): boolean {
  for (let at: string | undefined = name; at !== undefined; at = pipeline.environments.get(at)?.from) {
    if (at === upstream) return true;
  }
  return false;
}

/** The path of an environment's release record, relative to the repository's root. */
export function recordPath(environment: Environment): string {
  return `${environment.path}/release.yaml`;
}
