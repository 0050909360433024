// What tagflow.yaml says, normalised: the images, the environments, and how releases flow between them.
import { type Advice, advise } from './advice.ts';
import { askMeant, nameMeant } from './nearest.ts';
import type { BranchName, ObjectId } from './object-id.ts';
import type { GatePolicy, JournalRights } from './gate-policy.ts';
import type { Repository, Tag } from './reference.ts';
import { TagflowError } from './errors.ts';
import type { LiveSource } from './live.ts';
import type { SourceHost } from './build-source.ts';
import { matchesWildcard } from './wildcard.ts';
import type { VerifyPolicy } from './verification.ts';
import { type VersionScheme, readVersion } from './version.ts';

/** Where environments live: a branch for each, or folders and files for each on one branch. */
export type Layout = 'branches' | 'folders';

/** The orders in which a fix may reach an environment and the one upstream of it. */
export const HOTFIX_ORDERS = ['upstream-first', 'environment-first'] as const;

/**
 * Where a fix goes first. `upstream-first`: to the trunk, from where it is promoted. `environment-first`: to the environment at
 * once; promotions keep it until upstream has it as well.
 */
export type HotfixOrder = (typeof HOTFIX_ORDERS)[number];

/** Environments by the names that most teams give them, each taking from the one before. */
export const USUAL_ENVIRONMENTS: readonly string[] = ['dev', 'stg', 'prd'];

/** The folder in which an environment's manifests usually are; `base` is what they build on. */
export function usualFolder(name: string): string {
  return `environments/${name}`;
}

/** The ways in which a manifest field may name an image. */
export const PIN_STYLES = ['version+digest', 'digest', 'version', 'target', 'target+digest'] as const;

/**
 * How a manifest field names the image: `version+digest` is `V4.2@sha256:…`, `digest` the digest alone, `version` the
 * version alone; `target` is the environment's target tag, which moves, and `target+digest` that tag with the digest.
 */
export type PinStyle = (typeof PIN_STYLES)[number];

/** An image that releases are made of. */
export interface Image {
  readonly name: string;
  /** Where its versions are published. */
  readonly repository: Repository;
  readonly versions: VersionScheme;
  /** The environments that run it; undefined: those whose manifests name it. */
  readonly environments: ReadonlySet<string> | undefined;
  /** False: nothing is written to its repository, because another project moves its tags. */
  readonly tags: boolean;
  /** How fields name it, where that differs from the environment's style. */
  readonly pin: PinStyle | undefined;
  /** Further names by which manifests call it, beside its key and its repositories (kustomize `name:`). */
  readonly names: readonly string[];
}

/** What hosts the Git repository and takes pull requests; GitLab calls them merge requests. */
export type ForgeKind = 'github' | 'gitlab';

/** How releases are signed: with a key of OpenSSH, or of OpenPGP. */
export type SigningMethod = 'ssh' | 'gpg';

/** Which signatures make a record a release of an environment. */
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

/** From a value of a manifest to one inside it: a key, an index, or the element of a list whose field holds a text. */
export type FieldStep = string | number | { readonly key: string; readonly value: string };

/** A place outside the known manifest forms that holds a pin. */
interface ConfiguredPlace {
  readonly image: string;
  /** The file, relative to the repository's root. */
  readonly file: string;
  /** How this place names the image, where that differs from the image's style. */
  readonly pin?: PinStyle;
  /** Fields that change in the same commit. */
  readonly also?: readonly AlsoField[];
}

/** A field of a file in YAML or JSON. */
export interface ConfiguredField extends ConfiguredPlace {
  /** Keys and indexes from the document's root to the field. */
  readonly path: readonly FieldStep[];
  readonly text?: undefined;
}

/** A part of a line of any text. */
export interface ConfiguredText extends ConfiguredPlace {
  /** Matches one line of the file as a whole; its groups `version` and `digest` are what a release replaces. Flags `d` and `u`. */
  readonly text: RegExp;
  readonly path?: undefined;
}

/** A place that tagflow.yaml names. */
export type ConfiguredPin = ConfiguredField | ConfiguredText;

/** A field beside a pin: what it holds is made of a template with `{version}`, `{digest}`, `{release}` and `{time}`. */
export interface AlsoField {
  readonly file: string;
  readonly path: ConfiguredField['path'];
  readonly value: string;
}

/** The files that pins and the fields beside them are configured in. */
export function pinFiles(pins: readonly ConfiguredPin[]): readonly string[] {
  return pins.flatMap(({ file, also = [] }) => [file, ...also.map((field) => field.file)]);
}

/** The placeholders that a template of `also:` may hold. */
export const ALSO_PLACEHOLDERS = ['version', 'digest', 'release', 'time'] as const;

/** The paths that belong to a release line, relative to the repository's root, without a trailing slash. */
export interface Scope {
  readonly folders: readonly string[];
  readonly files: readonly string[];
}

/** The names by which records know a line. */
export interface LineNames {
  readonly environment: string;
  readonly application: string | undefined;
}

/** The names that a line has and had: its present one first. */
export function namesOfLine(line: LineNames & { readonly formerly?: readonly LineNames[] }): readonly LineNames[] {
  return [line, ...(line.formerly ?? [])];
}

/**
 * A release line: one application in one environment, with its own releases, record and holds. In a repository without
 * applications an environment is its only line.
 */
export interface ReleaseLine {
  /** `ENV`, with an application `ENV/APP`. */
  readonly name: string;
  /** The name of the environment. */
  readonly environment: string;
  /** The name of the application; undefined in a repository without applications. */
  readonly application: string | undefined;
  /** What it was called before, by `renamed:`. Its past has records of these names; absent: nothing else. */
  readonly formerly?: readonly LineNames[];
  /** Old names of its images, each with the present one; absent: there are none. */
  readonly formerImages?: ReadonlyMap<string, string>;
  /** The images that may be part of its releases, by name. */
  readonly images: ReadonlyMap<string, Image>;
  /** The name of the line upstream; undefined for the first, which takes from the trunk. */
  readonly from: string | undefined;
  readonly branch: BranchName;
  /** The target tag, which moves to the image of each release. */
  readonly tag: Tag;
  /** `<releaseTag>-<sequence>` is the per-release tag. */
  readonly releaseTag: Tag;
  /** False: nothing is written to a registry; a release is its commit and its pins. */
  readonly tags: boolean;
  /** Where its manifests are. Where releases carry no tree, a release changes nothing outside of it. */
  readonly scope: Scope;
  /**
   * What comes with a release: the whole `tree` of the branch upstream (environment branches without applications), the
   * line's own `scope` of it (with applications), or no more than the `files` that `carry` names (all on one branch).
   */
  readonly carries: 'tree' | 'scope' | 'files';
  /** Globs, relative to the scope's folders, of upstream's files that travel with a release: folders on one branch only. */
  readonly carry: readonly string[];
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
  /** Where a fix goes first. */
  readonly hotfix: HotfixOrder;
  /** Whether a person at a terminal is asked before a release is made. */
  readonly confirm: boolean;
  /** What its gates ask for. */
  readonly gates: GatePolicy;
  /** Who may write which entries of the journal for it, where releases are signed. */
  readonly journalBy: JournalRights;
  /** Set where releases are looked at after their deploy. */
  readonly verify?: VerifyPolicy;
  /** Set if a source reports which versions run. */
  readonly live?: readonly LiveSource[];
  /** Set where releases are signed. */
  readonly signing?: SigningRules;
  /** Set where releases are signed, once the files of the trunk were read. */
  readonly trust?: Trust;
}

/**
 * An environment of tagflow.yaml. In a repository without applications it is a release line; with applications it is what
 * its lines share, and has no images and no paths of its own.
 */
export type Environment = ReleaseLine;

/** Old names of what was renamed, to the new ones: their past belongs together. */
export interface Renamed {
  readonly applications: ReadonlyMap<string, string>;
  /** `IMAGE`, with applications `APP/IMAGE` to `IMAGE`. */
  readonly images: ReadonlyMap<string, string>;
  readonly environments: ReadonlyMap<string, string>;
}

/** Which source repositories may be asked, and what finds issues in messages of their commits. */
export interface SourceRules {
  /** Addresses as `parseSourceUrl` gives them; one that ends in `/*` stands for all below it. */
  readonly repositories: readonly string[];
  /** Matches an issue within one word. */
  readonly issues: RegExp;
  /** What hosts repositories, by host, where its name does not tell. */
  readonly hosts: ReadonlyMap<string, SourceHost>;
}

/** The whole configuration. Environments and lines are in flow order: each comes after the one it takes from. */
export interface Pipeline {
  readonly layout: Layout;
  /** The trunk's branch when tagflow.yaml names it; otherwise the remote's default branch. */
  readonly trunk: BranchName | undefined;
  /** Every image, by its name; with applications by `APP/IMAGE`. */
  readonly images: ReadonlyMap<string, Image>;
  readonly environments: ReadonlyMap<string, Environment>;
  /** Names of the applications, sorted; empty in a repository without applications. */
  readonly applications: readonly string[];
  /** The release lines, by name. */
  readonly lines: ReadonlyMap<string, ReleaseLine>;
  readonly renamed: Renamed;
  /** Largest manifest file that is read, in bytes. */
  readonly maxFileBytes: number;
  /** Registry hosts (`host` or `host:port`, as in a repository) that speak plain HTTP, beside those on loopback. */
  readonly plainHttpHosts: ReadonlySet<string>;
  /** The branch that holds the journal. */
  readonly journal: BranchName;
  /** Set where source repositories may be asked for commits. */
  readonly sources?: SourceRules;
  /** The forge that hosts the repository; if absent, it is derived from the URL. */
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
    why: `tagflow.yaml defines: ${[...pipeline.environments.keys()].join(', ')}`,
    fix: pipeline.applications.includes(name)
      ? `${name} is an application: name its environment first`
      : askMeant(name, pipeline.environments.keys(), NAME_OR_ADD),
  });
}

/** The name of a release line: `prd`, with an application `prd/shop`. */
export function lineName(environment: string, application: string | undefined): string {
  return application === undefined ? environment : `${environment}/${application}`;
}

/** The line of that name, `ENV` or `ENV/APP`. Throws `environment-not-found`, `application-not-found`. */
export function lineOf(pipeline: Pipeline, name: string): ReleaseLine {
  const line = pipeline.lines.get(name);
  if (line) return line;
  const [environment = '', application] = name.split('/', 2);
  environmentOf(pipeline, environment);
  throw application === undefined
    ? applicationMissing(pipeline, environment)
    : applicationNotFound(pipeline, application, environment);
}

/** The lines of an environment. Throws `environment-not-found`. */
function linesIn(pipeline: Pipeline, environment: string): readonly ReleaseLine[] {
  environmentOf(pipeline, environment);
  return [...pipeline.lines.values()].filter((line) => line.environment === environment);
}

/**
 * The lines of an environment that words on a command line name: applications, and globs over their names. With no word
 * the environment's only line, or, where `all`, every one. Throws `environment-not-found`, `application-not-found`, and
 * `usage` where a word is missing.
 */
export function chooseLines(
  pipeline: Pipeline,
  environment: string,
  applications: readonly string[],
  all = false,
): readonly ReleaseLine[] {
  const lines = linesIn(pipeline, environment);
  if (applications.length === 0) {
    const [only, ...others] = lines;
    if (all || (only && others.length === 0)) return lines;
    throw applicationMissing(pipeline, environment);
  }
  const chosen = new Set<ReleaseLine>();
  for (const word of applications) {
    const found = lines.filter(({ application }) => application !== undefined && matchesWildcard(word, application));
    if (found.length === 0) throw applicationNotFound(pipeline, word, environment);
    for (const line of found) chosen.add(line);
  }
  return lines.filter((line) => chosen.has(line));
}

/**
 * The lines that words on a command line name: environments, each followed by applications of it or patterns of them; an
 * environment alone stands for all of its lines, and no word for every line. Throws what `chooseLines` throws.
 */
export function linesNamed(pipeline: Pipeline, words: readonly string[]): readonly ReleaseLine[] {
  if (words.length === 0) return [...pipeline.lines.values()];
  const groups: { readonly environment: string; readonly applications: string[] }[] = [];
  for (const word of words) {
    const [environment = '', application] = word.split('/', 2);
    const group = groups.at(-1);
    // No application has the name of an environment.
    if (application === undefined && group && !pipeline.environments.has(word)) group.applications.push(word);
    else groups.push({ environment, applications: application === undefined ? [] : [application] });
  }
  const found = groups.flatMap(({ environment, applications }) =>
    chooseLines(pipeline, environment, applications, true),
  );
  return [...new Set(found)];
}

function applicationMissing(pipeline: Pipeline, environment: string): TagflowError {
  const names = linesIn(pipeline, environment).flatMap(({ application }) => application ?? []);
  return new TagflowError('usage', {
    what: `${environment} has ${names.length} applications, and the command names none`,
    why: `it has: ${some(names)}`,
    fix: `name applications after ${environment}, or a quoted pattern: ${environment} '${(names[0] ?? 'shop').slice(0, 4)}*'`,
  });
}

function applicationNotFound(pipeline: Pipeline, application: string, environment: string): TagflowError {
  const lines = linesIn(pipeline, environment);
  const names = lines.flatMap((line) => line.application ?? []);
  const now = pipeline.renamed.applications.get(application);
  return new TagflowError('application-not-found', {
    what: `${environment} has no application ${JSON.stringify(application)}`,
    why:
      names.length === 0
        ? 'tagflow.yaml defines no applications for it: every image belongs to the environment itself'
        : `it has: ${some(names)}`,
    fix: now === undefined ? wordMeant(pipeline, lines, { word: application, names }) : `it was renamed: write ${now}`,
  });
}

/** Advice for a word that stands where an application would; `names`: the applications that the environment has. */
function wordMeant(
  pipeline: Pipeline,
  lines: readonly ReleaseLine[],
  { word, names }: { readonly word: string; readonly names: readonly string[] },
): Advice | string {
  if (pipeline.environments.has(word)) return `${word} is an environment: name one environment at a time`;
  const known = [...names, ...pipeline.environments.keys()];
  return imageMeant(lines, word) ?? askMeant(word, known, names.length === 0 ? 'leave it out' : NAME_OR_ADD);
}

/** Advice for a word that stands where an application would, and is about an image. */
function imageMeant(lines: readonly ReleaseLine[], word: string): Advice | string | undefined {
  const images = new Map(lines.flatMap((line) => [...line.images]));
  const [, named = word, version = 'VERSION'] = /^([^:@]+)[:@](.+)$/.exec(word) ?? [];
  const isOnlyImages = lines.every(({ application }) => application === undefined);
  const name = images.has(named) || !isOnlyImages ? named : nameMeant(named, images.keys());
  if (name !== undefined && images.has(name)) return `to promote a version of the image, write ${name}=${version}`;
  const [line] = lines;
  const image = [...images.values()].find(({ versions }) => readVersion(word, versions) !== undefined);
  if (!line || !image || !isOnlyImages || !/[0-9]/.test(word)) return undefined;
  return advise`to promote a version, write ${`${image.name}=${word}`}; to restore it: ${{ act: 'rollback', line: line.name, to: word }}`;
}

const NAME_OR_ADD = 'name one of those, or add it to tagflow.yaml on the trunk';

function some(names: readonly string[]): string {
  return names.length > 20 ? `${names.slice(0, 20).join(', ')} and ${names.length - 20} more` : names.join(', ');
}

/** The image of that name. Throws `image-not-found`, naming those that exist. */
export function imageOf(pipeline: Pipeline, name: string): Image {
  const image = pipeline.images.get(name);
  if (image) return image;
  throw new TagflowError('image-not-found', {
    what: `there is no image ${JSON.stringify(name)}`,
    why: `tagflow.yaml defines: ${[...pipeline.images.keys()].join(', ')}`,
    fix: askMeant(name, pipeline.images.keys(), NAME_OR_ADD),
  });
}

/** The image of a line of that name. Throws `image-not-found`, naming those that the line has. */
export function imageIn({ name: line, images }: ReleaseLine, name: string): Image {
  const image = images.get(name);
  if (image) return image;
  throw new TagflowError('image-not-found', {
    what: `${line} has no image ${JSON.stringify(name)}`,
    why: `tagflow.yaml defines for it: ${[...images.keys()].join(', ')}`,
    fix: askMeant(name, images.keys(), NAME_OR_ADD),
  });
}

/** How versions of each image of a line, or of a pipeline, are ordered, by its name. */
export function schemesOf({ images }: Pick<ReleaseLine, 'images'>): ReadonlyMap<string, VersionScheme> {
  return new Map([...images].map(([name, { versions }]) => [name, versions]));
}

/** The repository an environment runs an image from. */
export function repositoryIn(environment: Environment, image: Image): Repository {
  return environment.repositories.get(image.name) ?? image.repository;
}

/** Names of the lines that take from one. */
export function downstreamOf(pipeline: Pipeline, { name }: Environment): readonly string[] {
  return [...pipeline.lines.values()].filter(({ from }) => from === name).map((line) => line.name);
}

/** Of images of a line's release those on which tags are put; one that the line no longer has is not one that it may not tag. */
export function taggedIn<T extends { readonly name: string }>(line: ReleaseLine, images: readonly T[]): readonly T[] {
  return line.tags ? images.filter(({ name }) => line.images.get(name)?.tags !== false) : [];
}

/** Whether a path belongs to a scope. */
export function isInScope({ folders, files }: Scope, path: string): boolean {
  return files.includes(path) || folders.some((folder) => path.startsWith(`${folder}/`));
}

/** Whether releases of one line reach another, through any number of others; a line reaches itself. Both by name. */
export function flowsInto(pipeline: Pipeline, upstream: string, name: string): boolean {
  for (let at: string | undefined = name; at !== undefined; at = pipeline.lines.get(at)?.from) {
    if (at === upstream) return true;
  }
  return false;
}

/** Returns the lines that a release passes by when `name` takes from `upstream` directly, nearest first; both by name. */
export function skippedLines(pipeline: Pipeline, name: string, upstream: string): readonly string[] {
  const skipped: string[] = [];
  let at = pipeline.lines.get(name)?.from;
  for (; at !== undefined && at !== upstream; at = pipeline.lines.get(at)?.from) skipped.push(at);
  return skipped;
}

/** The folder of release records, relative to the repository's root. */
const RECORDS = '.tagflow/releases';

/** What determines where the record of a line is. */
type RecordOwner = Pick<ReleaseLine, 'environment' | 'application' | 'scope' | 'carries' | 'formerly'>;

/** Returns the path of a line's release record, relative to the repository's root. */
export function recordPath({ environment, application }: LineNames): string {
  return `${RECORDS}/${application === undefined ? '' : `${application}/`}${environment}.yaml`;
}

/** Returns the path of the signature over a line's release record. */
export function signaturePath(line: LineNames): string {
  return `${recordPath(line)}.sig`;
}

/** Returns the paths at which a line's record may stand: the first that is there counts. */
export function recordPaths(line: RecordOwner): readonly string[] {
  return [recordPath(line), ...formerRecordPaths(line)];
}

/** Returns the paths at which signatures over a line's records may stand. */
export function signaturePaths(line: Pick<RecordOwner, 'environment' | 'application' | 'formerly'>): readonly string[] {
  return [line, ...(line.formerly ?? [])].map(signaturePath);
}

/** Returns the edits that take a line's record and its signature out of a tree: of a whole tree the rest is a release's scope. */
export function withoutRecord(line: LineNames): readonly { readonly kind: 'remove'; readonly path: string }[] {
  return [recordPath(line), signaturePath(line)].map((path) => ({ kind: 'remove', path }));
}

/**
 * Returns the paths at which a line's record stood before: under its former names, and in the folder of an environment that has a
 * branch of its own (schema 1). It is read there, and moves with the next release.
 */
export function formerRecordPaths(line: RecordOwner): readonly string[] {
  const { formerly = [] } = line;
  const schema1 = [formerRecordPath(line), ...formerly.map((names) => formerRecordPath(line, names))];
  return [...formerly.map(recordPath), ...schema1.filter((path) => path !== undefined)];
}

/** Returns the path at which records of schema 1 stood, under a line's present name or a former one. */
export function formerRecordPath(
  { scope, carries, environment }: RecordOwner,
  names: Pick<LineNames, 'environment'> = { environment },
): string | undefined {
  const [folder] = scope.folders;
  if (carries !== 'tree' || folder === undefined) return undefined;
  return `${names.environment === environment ? folder : `environments/${names.environment}`}/release.yaml`;
}
