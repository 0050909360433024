// Draft -> release lines: applications by name and by pattern, in each environment that they are in, placeholders filled.
import { lineName, usualFolder, type FieldStep } from '../model/pipeline.ts';
import type { Repository } from '../model/reference.ts';
import { matchesWildcard } from '../model/wildcard.ts';
import type { ConfigDocument } from './document.ts';
import type {
  UncheckedConfig,
  UncheckedApplication,
  UncheckedEnvironment,
  UncheckedImage,
  UncheckedLine,
  UncheckedPin,
  Placed,
  Template,
  PlainValues,
} from './unchecked.ts';
import { readImage } from './normalise.ts';
import type { ConfigPath } from './problems.ts';
import { quote } from './problems.ts';
import { NAME } from './schema.ts';
import { type Placeholders, fill, literalFolder, matcherOf } from './template.ts';
import { ValueReader } from './values.ts';

const NAME_PATTERN = new RegExp(NAME);

/** Whether the name of an application is a pattern. */
function isPattern(name: string): boolean {
  return name.includes('*');
}

/** The folders whose files decide which applications there are; none where no application is a pattern. */
export function patternFolders({ applications }: UncheckedConfig): readonly string[] {
  const patterns = [...applications.values()].filter(({ name }) => isPattern(name));
  const templates = patterns.flatMap(({ folders, files, environments }) =>
    [{ folders, files }, ...environments.values()].flatMap((places) => [
      ...(places.folders ?? []),
      ...(places.files ?? []),
    ]),
  );
  return [...new Set(templates.map(({ text }) => literalFolder(text)))].sort();
}

/** The release lines of a configuration. `files` are the paths below `patternFolders`, as the trunk has them. */
export function uncheckedLines(
  config: UncheckedConfig,
  document: ConfigDocument,
  files: readonly string[],
): readonly UncheckedLine[] {
  return new LineMaker(config, document, files).lines();
}

/** An application as it is in one environment. */
interface Member {
  readonly name: string;
  readonly images: ReadonlyMap<string, UncheckedImage>;
  readonly application: UncheckedApplication;
  /** The environments that it is in. */
  readonly environments: ReadonlySet<string>;
}

/** Whether an application runs in an environment: one of its images does, where each says where it runs. */
function runsIn({ images }: Member, environment: string): boolean {
  return images.size === 0 || [...images.values()].some((image) => isIn(image, environment));
}

class LineMaker {
  readonly #config: UncheckedConfig;
  readonly #document: ConfigDocument;
  readonly #read: ValueReader;
  readonly #files: readonly string[];

  constructor(config: UncheckedConfig, document: ConfigDocument, files: readonly string[]) {
    this.#config = config;
    this.#document = document;
    this.#read = new ValueReader(document);
    this.#files = files;
  }

  /** Every line. Where a release carries no tree, the files of its pins belong to its scope. */
  lines(): readonly UncheckedLine[] {
    const carriesTree = this.#config.layout === 'branches' && this.#config.applications.size === 0;
    return carriesTree ? this.#all() : this.#all().map(withPinFiles);
  }

  #all(): readonly UncheckedLine[] {
    const environments = [...this.#config.environments.values()];
    if (this.#config.applications.size === 0)
      return environments.map((environment) => this.#environmentLine(environment));
    const members = this.#members();
    return environments.flatMap((environment) =>
      members
        .filter((member) => member.environments.has(environment.name) && runsIn(member, environment.name))
        .map((member) => this.#applicationLine(environment, member)),
    );
  }

  #environmentLine(environment: UncheckedEnvironment): UncheckedLine {
    const { name, repositories, keep, pins } = environment;
    const values = { environment: name };
    const at = ['environments', name];
    const usual = { text: usualFolder(name), at: [...at, 'path'] };
    const isNamed = NAME_PATTERN.test(name);
    return {
      environment,
      application: undefined,
      at,
      folders: this.#paths(environment.folders ?? (environment.files === undefined && isNamed ? [usual] : []), values),
      files: this.#paths(environment.files ?? [], values),
      ...this.#tags(environment, values),
      keep: keep.map((glob) => fill(glob, values)),
      images: imagesIn(this.#config.images, name),
      repositories,
      pins: pins.flatMap((pin) => expandPin(pin, [...at, 'pins', pin.index], this.#config.images, values)),
    };
  }

  #applicationLine(environment: UncheckedEnvironment, { name, application, images }: Member): UncheckedLine {
    const values = { environment: environment.name, application: name };
    const { folders, files } = placesIn(application, environment.name);
    const at = ['applications', application.name];
    const own = [...environment.pins.values()].flatMap((pin) => {
      const [owner = '', image] = pin.image?.split('/', 2) ?? [];
      return owner === name || owner === '*' ? [{ ...pin, image: image ?? '*' }] : [];
    });
    return {
      environment,
      application: name,
      at,
      folders: this.#paths(folders, values),
      files: this.#paths(files, values),
      ...this.#tags(environment, values),
      keep: (application.environments.get(environment.name)?.keep ?? environment.keep).map((glob) =>
        fill(glob, values),
      ),
      images: imagesIn(images, environment.name),
      repositories: repositoriesOf(environment, name),
      pins: [
        ...application.pins.flatMap((pin) => expandPin(pin, [...at, 'pins', pin.index], images, values)),
        ...own.flatMap((pin) => expandPin(pin, ['environments', environment.name, 'pins', pin.index], images, values)),
      ],
    };
  }

  #tags(
    { name, tag, releaseTag }: UncheckedEnvironment,
    values: Placeholders,
  ): Pick<UncheckedLine, 'tag' | 'releaseTag' | 'tagAt' | 'releaseTagAt'> {
    const parse = (template: Template | undefined): UncheckedLine['tag'] =>
      template && this.#read.targetTag(fill(template.text, values), template.at);
    const target = parse(tag);
    return {
      tag: target,
      releaseTag: releaseTag ? parse(releaseTag) : target,
      tagAt: tag?.at ?? ['environments', name, 'tag'],
      releaseTagAt: (releaseTag ?? tag)?.at ?? ['environments', name, 'tag'],
    };
  }

  #paths(templates: readonly Template[], values: Placeholders): readonly Placed[] {
    return templates.flatMap(({ text, at }) => {
      const path = this.#read.path(fill(text, values), at);
      return path === undefined ? [] : [{ path, at }];
    });
  }

  /** Every application, sorted by name. Stops at a pattern's first application that has a mistake: the others have it too. */
  #members(): readonly Member[] {
    const named = [...this.#config.applications.values()];
    const taken = new Set(named.map(({ name }) => name));
    const members: Member[] = [];
    for (const application of named) {
      const found = isPattern(application.name)
        ? this.#matches(application, taken)
        : new Map([[application.name, new Set(this.#config.environments.keys())]]);
      for (const [name, environments] of found) {
        taken.add(name);
        const before = this.#document.problems.length;
        members.push({ name, environments, application, images: this.#images(application, name) });
        if (this.#document.problems.length > before) break;
      }
    }
    return members.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The applications that a pattern stands for, each with the environments in which it has a folder or file. */
  #matches(application: UncheckedApplication, taken: ReadonlySet<string>): ReadonlyMap<string, ReadonlySet<string>> {
    const at = ['applications', application.name];
    const found = new Map<string, Set<string>>();
    let isOpen = false;
    for (const environment of this.#config.environments.keys()) {
      const { folders, files } = placesIn(application, environment);
      for (const { text } of [...folders, ...files]) {
        const match = matcherOf(fill(text, { environment }), 'application');
        if (!match) continue;
        isOpen = true;
        for (const path of this.#files) {
          const name = match(path);
          if (name === undefined || taken.has(name) || !matchesWildcard(application.name, name)) continue;
          if (!NAME_PATTERN.test(name)) continue;
          const environments = found.get(name) ?? new Set();
          found.set(name, environments.add(environment));
        }
      }
    }
    const most = this.#config.maxApplications;
    if (!isOpen) {
      const fix = 'say where an application is: path: services/{application}/overlays/{environment}';
      this.#read.report(at, 'it is a pattern, but its path and files do not contain {application}', fix, 'key');
    } else if (found.size === 0) {
      const fix = 'correct its path or files, or remove it';
      this.#read.report(at, 'it matches no folder and no file at the head of the trunk', fix, 'key');
    } else if (found.size > most) {
      const some = [...found.keys()].slice(0, 3).join(', ');
      const what = `it matches ${found.size} applications: ${some} and others`;
      this.#read.report(at, what, `narrow the pattern, or raise maxApplications (${most} now)`, 'key');
      return new Map();
    }
    return found;
  }

  #images(application: UncheckedApplication, name: string): ReadonlyMap<string, UncheckedImage> {
    const images = new Map<string, UncheckedImage>();
    for (const { name: template, values, at } of application.images) {
      const image = fill(template, { application: name });
      if (images.has(image)) {
        this.#read.report(at, `the image ${quote(image)} appears twice`, 'keep one of them', 'key');
        continue;
      }
      images.set(image, readImage(this.#read, image, filled(values, { application: name }), at));
    }
    return images;
  }
}

/** A line whose scope has the files of its pins, those apart that are in its folders. */
function withPinFiles(line: UncheckedLine): UncheckedLine {
  const known = new Set(line.files.map(({ path }) => path));
  const files = new Map<string, Placed>();
  for (const { file, at } of line.pins) {
    const isInside = line.folders.some(({ path }) => file?.startsWith(`${path}/`) === true);
    if (file !== undefined && !isInside && !known.has(file)) files.set(file, { path: file, at: [...at, 'file'] });
  }
  return { ...line, files: [...line.files, ...files.values()] };
}

/** Values of an image with placeholders filled where they may stand: in its repository and its further names. */
function filled(values: PlainValues, placeholders: Placeholders): PlainValues {
  const { repository, names } = values;
  return {
    ...values,
    ...(typeof repository === 'string' && { repository: fill(repository, placeholders) }),
    ...(Array.isArray(names) && {
      names: names.map((name: unknown) => (typeof name === 'string' ? fill(name, placeholders) : name)),
    }),
  };
}

/** Folders and files of an application in an environment: its own there, otherwise those of all. */
function placesIn(
  { folders, files, environments }: UncheckedApplication,
  environment: string,
): { readonly folders: readonly Template[]; readonly files: readonly Template[] } {
  const own = environments.get(environment);
  const isOwn = own?.folders !== undefined || own?.files !== undefined;
  return isOwn
    ? { folders: own?.folders ?? [], files: own?.files ?? [] }
    : { folders: folders ?? [], files: files ?? [] };
}

function imagesIn(
  images: ReadonlyMap<string, UncheckedImage>,
  environment: string,
): ReadonlyMap<string, UncheckedImage> {
  return new Map([...images].filter(([, image]) => isIn(image, environment)));
}

/** Whether an image may be part of an environment's releases. */
function isIn({ environments }: UncheckedImage, environment: string): boolean {
  return environments === undefined || environments.includes(environment);
}

/** Repositories of an environment's own for the images of one application. */
function repositoriesOf({ repositories }: UncheckedEnvironment, application: string): ReadonlyMap<string, Repository> {
  const prefix = `${application}/`;
  return new Map(
    [...repositories].flatMap(([name, repository]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), repository] as const] : [],
    ),
  );
}

/** A pin for each image that it stands for, with its placeholders filled. */
function expandPin(
  pin: UncheckedPin,
  at: ConfigPath,
  images: ReadonlyMap<string, UncheckedImage>,
  values: Placeholders,
): UncheckedLine['pins'] {
  const names = pin.image === '*' ? [...images.keys()] : [pin.image && fill(pin.image, values)];
  const { environment = '' } = values;
  return names.flatMap((image) => {
    const known = image === undefined ? undefined : images.get(image);
    if (known && !isIn(known, environment)) return [];
    const placeholders = image === undefined ? values : { ...values, image };
    return [
      {
        ...pin,
        at,
        image,
        file: pin.file && fill(pin.file, placeholders),
        path: pin.path?.map((step) => fillStep(step, placeholders)),
        also: pin.also.map(({ file, path, value }) => ({
          file: file && fill(file, placeholders),
          path: path?.map((step) => fillStep(step, placeholders)),
          value,
        })),
      },
    ];
  });
}

function fillStep(step: FieldStep, values: Placeholders): FieldStep {
  if (typeof step === 'number') return step;
  return typeof step === 'string' ? fill(step, values) : { ...step, value: fill(step.value, values) };
}

/** The name of a line: `prd`, with an application `prd/shop`. */
export function uncheckedLineName({ environment, application }: UncheckedLine): string {
  return lineName(environment.name, application);
}
