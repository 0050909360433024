// What must hold between release lines: each owns its paths, its tags and its fields. Each rule reports every breach at the
// place where it is written, once for each place, however many lines it makes of it.
import { type Repository, ownershipKey } from '../model/reference.ts';
import { readVersion } from '../model/version.ts';
import type { ConfigDocument } from './document.ts';
import type { UncheckedConfig, UncheckedImage, UncheckedLine } from './unchecked.ts';
import { uncheckedLineName } from './lines.ts';
import { liveSources, placeholders } from './source-rules.ts';
import { type ConfigPath, quote, unknownName } from './problems.ts';

/** Lines, and what the rules need around them. */
interface Given {
  readonly config: UncheckedConfig;
  readonly lines: readonly UncheckedLine[];
  readonly document: ConfigDocument;
  /** Reports a mistake, once for each place. */
  readonly report: ConfigDocument['report'];
}

/** Checks every rule of lines. */
export function checkLines(config: UncheckedConfig, lines: readonly UncheckedLine[], document: ConfigDocument): void {
  for (const rule of [scopes, imageNames, targetTags, versionTags, pins, pinStyles, placeholders, liveSources]) {
    const seen = new Set<string>();
    const report: Given['report'] = (path, what, fix, at) => {
      const key = JSON.stringify(path);
      if (!seen.has(key)) document.report(path, what, fix, at);
      seen.add(key);
    };
    rule({ config, lines, document, report });
  }
}

/** On one branch no path belongs to two lines, and every line of an application has one. */
function scopes({ config, lines, document, report }: Given): void {
  const taken = new Map<string, UncheckedLine>();
  const placed = lines.flatMap((line) => [...line.folders, ...line.files].map((place) => ({ ...place, line })));
  for (const { path, at, line } of placed) {
    const key = `${branchKey(config, line)}\0${fold(path)}`;
    const other = taken.get(key);
    if (isOwnFile(fold(path))) {
      report(
        at,
        `${quote(path)} is reserved: tagflow writes it, or reads its own configuration from it`,
        'name another folder or file',
      );
    } else if (other) {
      const kind = line.folders.some((folder) => folder.path === path) ? 'folder' : 'file';
      const what = `the ${kind} ${quote(path)} is also used by ${ownerOf(document, other)}`;
      report(at, what, sideBySide(line, 'give each environment its own'));
    }
    taken.set(key, other ?? line);
  }
  for (const { path, at, line } of placed) {
    const around = ancestors(fold(path)).find((folder) => taken.has(`${branchKey(config, line)}\0${folder}`));
    const other = around === undefined ? undefined : taken.get(`${branchKey(config, line)}\0${around}`);
    if (!other) continue;
    const what =
      other === line
        ? `the folder ${quote(path)} is inside another folder of the same scope`
        : `the folder ${quote(path)} and that of ${ownerOf(document, other)} are nested`;
    report(at, what, other === line ? 'leave it out' : sideBySide(line, 'place them next to each other'));
  }
  for (const line of lines) {
    if (line.application === undefined || line.folders.length + line.files.length > 0) continue;
    if (hasPlaces(config, line)) continue;
    const what = `it has neither path nor files in ${line.environment.name}`;
    report(line.at, what, 'add path: or files:, containing {environment}', 'key');
  }
}

/** Whether places were written for a line: those that could not be read were reported. */
function hasPlaces(config: UncheckedConfig, line: UncheckedLine): boolean {
  const application = config.applications.get(String(line.at[1]));
  const own = application?.environments.get(line.environment.name);
  return [application, own].some((one) => (one?.folders?.length ?? 0) + (one?.files?.length ?? 0) > 0);
}

function sideBySide({ application }: UncheckedLine, usual: string): string {
  return application === undefined ? usual : 'use {environment} and {application} to tell the scopes apart';
}

/** A text of the configuration that stands for an image in manifests. */
interface NameClaim {
  readonly image: UncheckedImage;
  readonly text: string;
  /** What two claims on the same name have in common: the text, or the repository that it means. */
  readonly key: string;
  readonly path: ConfigPath;
  readonly at?: 'key';
}

/** A field that names an image must mean one image: no name and no repository of an application belongs to two. */
function imageNames({ lines, document, report }: Given): void {
  for (const group of Map.groupBy(lines, ({ application }) => application).values()) {
    const owners = new Map<string, UncheckedImage>();
    for (const { image, text, key, path, at } of claimsIn(group)) {
      const owner = owners.get(key);
      if (owner === undefined) owners.set(key, image);
      else if (owner.name !== image.name) {
        const what = `${quote(text)} already refers to the image ${owner.name} (line ${document.lineOf(owner.at)})`;
        report(path, what, 'a field must name one image: use different names or repositories', at);
      }
    }
  }
}

/** The names and repositories of an application's images: the names of the configuration first, since they win. */
function claimsIn(lines: readonly UncheckedLine[]): readonly NameClaim[] {
  const images = new Map(lines.flatMap((line) => [...line.images]));
  const all = [...images.values()];
  return [
    ...all.map((image) => ({ image, text: image.name, key: image.name, path: image.at, at: 'key' as const })),
    ...all.flatMap((image) => {
      const { repository, at } = image;
      return repository
        ? [{ image, text: repository.name, key: ownershipKey(repository), path: [...at, 'repository'] }]
        : [];
    }),
    ...all.flatMap((image) =>
      image.names.map((text, index) => ({ image, text, key: text, path: [...image.at, 'names', index] })),
    ),
    ...lines.flatMap(({ environment, application, repositories }) =>
      [...repositories].flatMap(([name, repository]) => {
        const image = images.get(name);
        const shown = application === undefined ? name : `${application}/${name}`;
        const path = ['environments', environment.name, 'repositories', shown];
        return image ? [{ image, text: repository.name, key: ownershipKey(repository), path }] : [];
      }),
    ),
  ];
}

/** No two lines move, or make, the same tag of one repository. */
function targetTags({ lines, document, report }: Given): void {
  const targets = new Map<string, UncheckedLine>();
  const prefixes = new Map<string, UncheckedLine>();
  for (const line of lines) {
    const repositories = taggedRepositories(line);
    const { tag, releaseTag } = line;
    for (const repository of repositories) {
      const key = ownershipKey(repository);
      const same = tag === undefined ? undefined : targets.get(`${key}:${tag}`);
      const sameRelease = releaseTag === undefined ? undefined : prefixes.get(`${key}:${releaseTag}`);
      if (same && same !== line) {
        const what = `the tag ${quote(tag)} of ${repository.name} is also used by ${ownerOf(document, same)}`;
        report(line.tagAt, what, tellApart(line, 'tag'));
      } else if (sameRelease && sameRelease !== line) {
        const what = `releases tagged ${quote(`${releaseTag}-1`)} in ${repository.name} are also used by ${ownerOf(document, sameRelease)}`;
        report(line.releaseTagAt, what, tellApart(line, 'releaseTag'));
      }
      if (tag !== undefined && !same) targets.set(`${key}:${tag}`, line);
      if (releaseTag !== undefined && !sameRelease) prefixes.set(`${key}:${releaseTag}`, line);
    }
  }
  for (const line of lines) {
    const [, prefix] = /^(.*)-[0-9]+$/.exec(line.tag ?? '') ?? [];
    const [, releases] = /^(.*)-[0-9]+$/.exec(line.releaseTag ?? '') ?? [];
    for (const repository of taggedRepositories(line)) {
      const key = ownershipKey(repository);
      const maker = prefixes.get(`${key}:${prefix}`) ?? prefixes.get(`${key}:${releases}`);
      if (!maker || maker === line) continue;
      const what = `the tag ${quote(line.tag)} could be a per-release tag of ${ownerOf(document, maker)}, whose releases are tagged ${quote(`${maker.releaseTag ?? ''}-1`)} and so on`;
      report(line.tagAt, what, 'use a tag that does not end in - and a number');
    }
  }
}

function tellApart({ application }: UncheckedLine, key: 'tag' | 'releaseTag'): string {
  return application === undefined
    ? 'give each environment a tag of its own, or a repository of its own'
    : `include the application: ${key}: '{application}-{environment}'`;
}

/** A target tag that could be read as a version would one day be promoted as one. */
function versionTags({ lines, report }: Given): void {
  for (const { tag, tagAt, images } of lines) {
    if (tag === undefined) continue;
    const written = [tag, ...['1', '10', '123', '4567'].map((sequence) => `${tag}-${sequence}`)];
    for (const { name, versions } of images.values()) {
      // Under `unordered` every tag reads as a version: a promotion refuses those that lines own.
      const ordered =
        versions?.kind === 'list'
          ? versions.schemes.filter(({ kind }) => kind !== 'unordered')
          : versions
            ? [versions]
            : [];
      const read = written.find((text) =>
        ordered.some((scheme) => scheme.kind !== 'unordered' && readVersion(text, scheme)),
      );
      if (read === undefined) continue;
      const what = `the tag ${quote(read)} of this environment could be read as a version of ${name}`;
      report(tagAt, what, 'use a tag that does not look like a version');
      break;
    }
  }
}

function pins({ lines, report }: Given): void {
  for (const { pins: all, images, application, folders } of lines) {
    // Where records were before they had a folder of their own.
    const records = application === undefined ? folders.map(({ path }) => `${path}/release.yaml`) : [];
    const fields = new Set<string>();
    for (const { image, file, path, text, also, at } of all) {
      const field = path ?? text?.source;
      if (image !== undefined && !images.has(image)) {
        unknownName({ report }, [...at, 'image'], { kind: 'image', name: image, known: images.keys() });
      }
      if (file === undefined) continue;
      if (isOwnFile(fold(file)) || records.includes(file)) {
        report(
          [...at, 'file'],
          `${quote(file)} is reserved: tagflow writes it, or reads its own configuration from it`,
          'name a manifest',
        );
      }
      if (text && also.some((beside) => beside.file === undefined || beside.file === file)) {
        report([...at, 'also'], 'a text file has no fields', 'give each field under also: another file');
      }
      if (text && all.some((other) => other.file === file && other.path && !other.text)) {
        report([...at, 'text'], 'another pin uses path: for this file', 'use only text: or only path: for one file');
      }
      const key = JSON.stringify([file, field]);
      if (field !== undefined && fields.has(key)) {
        const fix =
          application === undefined ? 'list each field once' : 'list each field once; {image} may be missing from it';
        report(at, `this field of ${quote(file)} is listed twice`, fix);
      }
      fields.add(key);
    }
  }
}

/** A pin that names a tag of tagflow's needs the tag to be written. */
function pinStyles({ lines, report }: Given): void {
  for (const { environment, images, pins: fields } of lines) {
    const isOff = (image: string | undefined): boolean => !environment.tags || images.get(image ?? '')?.tags === false;
    const refuse = (at: ConfigPath): void =>
      report(
        [...at, 'pin'],
        'the pin uses the target tag, and with tags: false tagflow writes no tags',
        'pin the digest: version+digest or digest',
      );
    const untagged = [...images.values()].some(({ name, pin }) => pin === undefined && isOff(name));
    if (namesTarget(environment.pin) && untagged) refuse(['environments', environment.name]);
    for (const { name, pin, at } of images.values()) if (namesTarget(pin) && isOff(name)) refuse(at);
    for (const { image, pin, at } of fields) if (namesTarget(pin) && isOff(image)) refuse(at);
  }
}

function namesTarget(style: string | undefined): boolean {
  return style === 'target' || style === 'target+digest';
}

/** The repositories in which a line puts tags. */
function taggedRepositories({ environment, images, repositories }: UncheckedLine): readonly Repository[] {
  if (!environment.tags) return [];
  const tagged = [...images.values()].filter(({ tags }) => tags);
  return tagged.flatMap(({ name, repository }) => repositories.get(name) ?? repository ?? []);
}

/** Identifies a branch: lines of different branches may have the same path. */
function branchKey({ layout }: UncheckedConfig, { environment }: UncheckedLine): string {
  return layout === 'folders' ? '' : fold(environment.branch ?? environment.name);
}

/** A line with the place of its environment, for people. */
function ownerOf(document: ConfigDocument, line: UncheckedLine): string {
  return `${uncheckedLineName(line)} (line ${document.lineOf(['environments', line.environment.name])})`;
}

/** The folders around a path, the nearest first. */
function ancestors(path: string): readonly string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, parts.length - 1 - index).join('/'));
}

/** Paths that tagflow writes, or by which it is steered. */
function isOwnFile(path: string): boolean {
  return (
    path === 'tagflow.yaml' ||
    path.startsWith('tagflow.yaml/') ||
    path === '.tagflow' ||
    path === '.tagflow/releases' ||
    path.startsWith('.tagflow/releases/')
  );
}

// Paths become files: two that differ only by case are one on macOS and Windows.
function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}
