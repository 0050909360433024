// The door of config/: tagflow.yaml, from its text to a Pipeline.
// schema -> normalise -> lines -> rules: all mistakes are found in one run, each with its line, the wrong value and what is right.
import { JOURNAL_BRANCH } from '../model/journal.ts';
import type { BranchName } from '../model/object-id.ts';
import type {
  ConfiguredPin,
  Environment,
  Image,
  LineNames,
  Pipeline,
  ReleaseLine,
  Scope,
  SigningMethod,
} from '../model/pipeline.ts';
import { lineName } from '../model/pipeline.ts';
import type { Tag } from '../model/reference.ts';
import { ConfigDocument, MAX_CONFIG_BYTES } from './document.ts';
import type {
  UncheckedConfig,
  UncheckedEnvironment,
  UncheckedImage,
  UncheckedLine,
  UncheckedPin,
} from './unchecked.ts';
import { uncheckedLines, uncheckedLineName, patternFolders } from './lines.ts';
import { normalise } from './normalise.ts';
import { configInvalid } from './problems.ts';
import { checkRules, flowOrder } from './rules.ts';
import { SIGNERS_FILE } from './schema.ts';
import { checkShape } from './structural-check.ts';

/** The configuration's file, at the repository's root. */
export const CONFIG_FILE = 'tagflow.yaml';

/** The most bytes that a tagflow.yaml has. */
export const LONGEST_CONFIG = MAX_CONFIG_BYTES;

/** What a configuration's text does not say by itself: what the commit that it was read from has beside it. */
export interface ConfigSurroundings {
  /** The paths of the files below the folders that `applicationFolders` names. */
  readonly files?: readonly string[];
  /** The remote's default branch: the trunk, where the text does not name one. */
  readonly defaultBranch?: BranchName;
}

/** The folders whose files decide which applications a configuration's text means, `''` for the root; none for most texts. Pure. */
export function applicationFolders(text: string): readonly string[] {
  if (!text.includes('*') || !text.includes('applications')) return [];
  const document = new ConfigDocument(text);
  return document.problems.length > 0 ? [] : patternFolders(normalise(document));
}

/**
 * The pipeline that a configuration's text says; `file` is the name to show in errors. Pure.
 * Throws one `config-invalid` for all mistakes together: `details.problems` lists them, each a {@link Problem} with
 * line, column, path, what and fix; `why` shows them as `tagflow.yaml:12:5  environments.stg.from  …`, one a line.
 */
export function parseConfig(
  text: string,
  file: string = CONFIG_FILE,
  { files = [], defaultBranch }: ConfigSurroundings = {},
): Pipeline {
  const document = new ConfigDocument(text);
  if (document.problems.length > 0) throw configInvalid(file, document.problems);
  checkShape(document);
  const config = normalise(document);
  const lines = uncheckedLines(config, document, files);
  checkRules(config, lines, document, defaultBranch);
  if (document.problems.length > 0) throw configInvalid(file, document.problems);
  return finish(config, lines, defaultBranch);
}

// No mistake was reported, so every part of the configuration is there; one that is not is a defect of the checks above.
function finish(
  config: UncheckedConfig,
  unchecked: readonly UncheckedLine[],
  defaultBranch: BranchName | undefined,
): Pipeline {
  const branch = config.branch ?? config.trunk ?? defaultBranch ?? ('main' as BranchName);
  const shared = config.layout === 'folders' ? branch : undefined;
  const whole = config.applications.size === 0 ? 'tree' : 'scope';
  const carries = config.layout === 'folders' ? 'files' : whole;
  const order = flowOrder(config);
  const names = new Set(unchecked.map(uncheckedLineName));
  const grouped = Map.groupBy(unchecked, ({ environment }) => environment.name);
  const lines = order.flatMap(({ name }) =>
    (grouped.get(name) ?? []).map((line) => finishLine(config, line, { names, shared, carries })),
  );
  const environments = order.map((environment): Environment => {
    const only = lines.find(({ name }) => name === environment.name);
    return only ?? finishEnvironment(environment, config, shared);
  });
  return {
    layout: config.layout,
    trunk: config.trunk,
    images: new Map(lines.flatMap(({ images, application }) => imageEntries(images, application))),
    environments: new Map(environments.map((environment) => [environment.name, environment])),
    applications: [...new Set(lines.flatMap(({ application }) => application ?? []))].sort(),
    lines: new Map(lines.map((line) => [line.name, line])),
    renamed: config.renamed,
    journal: config.journal ?? (JOURNAL_BRANCH as BranchName),
    maxFileBytes: config.maxFileBytes,
    plainHttpHosts: config.plainHttpHosts,
    ...(config.forge && { forge: config.forge }),
    ...(config.sources && { sources: config.sources }),
    ...(config.signing && {
      signing: {
        method: config.signing,
        signers: config.signers ?? SIGNERS_FILE[config.signing],
        revoked: config.revoked,
      },
    }),
  };
}

function imageEntries(
  images: ReadonlyMap<string, Image>,
  application: string | undefined,
): readonly (readonly [string, Image])[] {
  return [...images].map(([name, image]) => [application === undefined ? name : `${application}/${name}`, image]);
}

function finishImage(image: UncheckedImage): Image {
  const { name, repository, versions, names, environments, tags, pin } = image;
  return {
    name,
    repository: there(repository, name),
    versions: there(versions, name),
    environments: environments && new Set(environments),
    tags,
    pin,
    names,
  };
}

/** Settings that the lines of an environment take as they are. */
const SHARED = [
  'from',
  'tags',
  'carry',
  'repositories',
  'keep',
  'pin',
  'retain',
  'pullRequest',
  'hotfix',
  'confirm',
  'gates',
  'journalBy',
] as const;

/** What all lines of an environment share; its own tags and paths are those of its lines. */
function finishEnvironment(
  environment: UncheckedEnvironment,
  whole: UncheckedConfig,
  shared: BranchName | undefined,
): Environment {
  const { name, verify, live } = environment;
  return {
    ...pick(environment, SHARED),
    name,
    environment: name,
    application: undefined,
    images: new Map(),
    branch: shared ?? there(environment.branch, name),
    tag: name as Tag,
    releaseTag: name as Tag,
    scope: { folders: [], files: [] },
    carries: 'files',
    pins: [],
    ...(verify && { verify }),
    ...(live && { live }),
    ...signingOf(environment, whole.signing),
    ...formerNames(whole, { environment: name, application: undefined }),
  };
}

function pick<T, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, K>;
}

function finishLine(
  config: UncheckedConfig,
  line: UncheckedLine,
  {
    names,
    shared,
    carries,
  }: {
    readonly names: ReadonlySet<string>;
    readonly shared: BranchName | undefined;
    readonly carries: ReleaseLine['carries'];
  },
): ReleaseLine {
  const { environment, application, images, repositories, keep } = line;
  const name = uncheckedLineName(line);
  const scope: Scope = {
    folders: line.folders.map(({ path }) => path),
    files: line.files.map(({ path }) => path),
  };
  return {
    ...finishEnvironment(environment, config, shared),
    name,
    environment: environment.name,
    application,
    from: upstreamOf(config, line, names),
    tag: there(line.tag, name),
    releaseTag: there(line.releaseTag, name),
    scope,
    carries,
    repositories,
    keep,
    pins: line.pins.map((pin) => finishPin(pin, name)),
    images: new Map([...images].map(([key, image]) => [key, finishImage(image)])),
    ...formerNames(config, { environment: environment.name, application }),
  };
}

/** What a line and its images were called before. */
function formerNames(
  { renamed }: UncheckedConfig,
  { environment, application }: LineNames,
): Pick<ReleaseLine, 'formerly' | 'formerImages'> {
  const oldNames = (names: ReadonlyMap<string, string>, now: string): readonly string[] =>
    [...names].flatMap(([old, name]) => (name === now ? [old] : []));
  const environments = [environment, ...oldNames(renamed.environments, environment)];
  const applications = application === undefined ? [] : oldNames(renamed.applications, application);
  const all = environments.flatMap((one) =>
    [application, ...applications].map((other): LineNames => ({ environment: one, application: other })),
  );
  const prefix = application === undefined ? '' : `${application}/`;
  const images = [...renamed.images].flatMap(([old, now]) =>
    old.startsWith(prefix) && old.includes('/') === (application !== undefined)
      ? [[old.slice(prefix.length), now] as const]
      : [],
  );
  const formerly = all.slice(1);
  return {
    ...(formerly.length > 0 && { formerly }),
    ...(images.length > 0 && { formerImages: new Map(images) }),
  };
}

/** A pin of a line without mistakes. */
function finishPin({ image, file, path, text, pin, also }: UncheckedPin, line: string): ConfiguredPin {
  const place = {
    image: there(image, line),
    file: there(file, line),
    ...(pin && { pin }),
    ...(also.length > 0 && {
      also: also.map((field) => ({
        file: field.file ?? there(file, line),
        path: there(field.path, line),
        value: there(field.value, line),
      })),
    }),
  };
  return text ? { ...place, text } : { ...place, path: there(path, line) };
}

/** The line upstream: of the nearest environment upstream that the application is in. */
function upstreamOf(
  { environments }: UncheckedConfig,
  { environment, application }: UncheckedLine,
  names: ReadonlySet<string>,
): string | undefined {
  for (let { from } = environment; from !== undefined; from = environments.get(from)?.from) {
    const name = lineName(from, application);
    if (names.has(name)) return name;
  }
  return undefined;
}

function signingOf(
  { signedBy, signedAfter }: UncheckedEnvironment,
  method: SigningMethod | undefined,
): Pick<Environment, 'signing'> {
  return method ? { signing: { method, signedBy, signedAfter } } : {};
}

function there<T>(value: T | undefined, owner: string): T {
  if (value === undefined) throw new TypeError(`a part of ${owner} was not read, and no mistake was reported`);
  return value;
}
