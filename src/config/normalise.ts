// Plain values -> a configuration whose rules are unchecked: every text is parsed into the type it stands for, and defaults are
// filled in. Texts with placeholders stay as they are written: lines.ts fills them for each release line.
import { ALSO_PLACEHOLDERS, type Renamed, type SigningMethod } from '../model/pipeline.ts';
import type { Repository } from '../model/reference.ts';
import type { ConfigDocument } from './document.ts';
import type {
  UncheckedConfig,
  UncheckedApplication,
  UncheckedEnvironment,
  UncheckedImage,
  UncheckedAlso,
  UncheckedPin,
  UncheckedPlaces,
  Template,
  PlainValues,
} from './unchecked.ts';
import { readGates } from './gates.ts';
import { parseFieldPath, parseGlob } from './paths.ts';
import { parseTextPattern } from './text-pattern.ts';
import type { ConfigPath } from './problems.ts';
import { MAX_APPLICATIONS, RETAIN } from './schema.ts';
import { readLive } from './live.ts';
import { readSources } from './sources.ts';
import { readVerify } from './verify.ts';
import { ValueReader, asList, asValues, isValues } from './values.ts';

const ENVIRONMENT = ['environment'] as const;
const BOTH = ['environment', 'application'] as const;

/** The configuration that a document says, whose shape was checked. */
export function normalise(document: ConfigDocument): UncheckedConfig {
  return new Normaliser(document).config();
}

/** The image that values describe; `at` is where they stand. */
export function readImage(read: ValueReader, name: string, values: PlainValues, at: ConfigPath): UncheckedImage {
  read.name(name, at, 'image');
  return {
    name,
    repository: read.text(values['repository'], [...at, 'repository'], (text, path) => read.repository(text, path)),
    versions: read.versions(values['versions'], [...at, 'versions']),
    names: read.list(values['names'], [...at, 'names'], (text, path) => read.manifestName(text, path)),
    environments: Array.isArray(values['environments'])
      ? read.list(values['environments'], [...at, 'environments'], (text) => text)
      : undefined,
    tags: values['tags'] !== false,
    pin: read.pinStyle(values['pin']),
    at,
  };
}

class Normaliser {
  readonly #document: ConfigDocument;
  readonly #read: ValueReader;

  constructor(document: ConfigDocument) {
    this.#document = document;
    this.#read = new ValueReader(document);
  }

  config(): UncheckedConfig {
    const root = asValues(this.#document.value);
    const read = this.#read;
    for (const word of ['image', 'environment', 'application']) this.#requireSome(root, `${word}s`, word);
    const retain = read.retain(root['retain'], ['retain'], RETAIN.usual);
    const { signing: method, forge } = root;
    const signing = method === 'ssh' || method === 'gpg' ? method : undefined;
    const hasApplications = isValues(root['applications']);
    return {
      layout: root['layout'] === 'folders' ? 'folders' : 'branches',
      branch: read.text(root['branch'], ['branch'], (text, path) => read.branch(text, path)),
      trunk: read.text(root['trunk'], ['trunk'], (text, path) => read.branch(text, path)),
      images: mapped(root['images'], (name, values) => readImage(read, name, values, ['images', name])),
      applications: mapped(root['applications'], (name, values) => this.#application(name, values)),
      maxApplications: this.#maxApplications(root['maxApplications']),
      renamed: this.#renamed(asValues(root['renamed'])),
      environments: mapped(root['environments'], (name, values) =>
        this.#environment(name, values, { retain, signing, hasApplications }),
      ),
      plainHttpHosts: new Set(read.list(root['plainHttp'], ['plainHttp'], (text, path) => read.host(text, path))),
      journal: read.text(root['journal'], ['journal'], (text, path) => read.branch(text, path)),
      maxFileBytes: read.fileSize(root['maxFileSize']),
      forge: forge === 'github' || forge === 'gitlab' ? forge : undefined,
      sources: readSources(read, root['sources']),
      signing,
      signers: read.text(root['signers'], ['signers'], (text, path) => read.path(text, path)),
      revoked: read.text(root['revoked'], ['revoked'], (text, path) => read.path(text, path)),
    };
  }

  #requireSome(root: PlainValues, key: string, word: string): void {
    const values = root[key];
    if (isValues(values) && Object.keys(values).length === 0) {
      this.#read.report([key], `there is no ${word}`, `add one ${word}`);
    }
  }

  #maxApplications(value: unknown): number {
    const { usual, most } = MAX_APPLICATIONS;
    if (typeof value !== 'number' || !Number.isInteger(value)) return usual;
    if (value >= 1 && value <= most) return value;
    this.#read.report(['maxApplications'], `${value} is out of range`, `write a number from 1 to ${most}`);
    return usual;
  }

  #application(name: string, values: PlainValues): UncheckedApplication {
    const at = ['applications', name];
    // A pattern stands for names; they are judged one by one.
    this.#read.name(name.replaceAll('*', 'x'), at, 'application', name);
    return {
      name,
      ...this.#places(values, at, BOTH),
      images: Object.entries(asValues(values['images'])).map(([image, each]) => ({
        name: image,
        values: asValues(each),
        at: [...at, 'images', image],
      })),
      pins: this.#pins(values['pins'], [...at, 'pins'], [...BOTH, 'image']),
      environments: mapped(values['environments'], (environment, each) => {
        const path = [...at, 'environments', environment];
        const keep = Array.isArray(each['keep']) ? this.#globs(each['keep'], [...path, 'keep'], BOTH) : undefined;
        return { ...this.#places(each, path, BOTH), keep };
      }),
    };
  }

  #environment(
    name: string,
    values: PlainValues,
    given: { readonly retain: number; readonly signing: SigningMethod | undefined; readonly hasApplications: boolean },
  ): UncheckedEnvironment {
    const read = this.#read;
    const at = ['environments', name];
    const allowed = given.hasApplications ? BOTH : ENVIRONMENT;
    const named = read.name(name, at, 'environment');
    // Without a value the name stands for it; an invalid name was reported, and is not reported again as a branch.
    const orName = (key: string): unknown => values[key] ?? (named ? name : undefined);
    return {
      name,
      from: read.text(values['from'], [...at, 'from'], (text) => text),
      branch: read.text(orName('branch'), [...at, 'branch'], (text, path) => read.branch(text, path)),
      tag: read.text(orName('tag'), [...at, 'tag'], (text, path) => read.template(text, path, allowed)),
      releaseTag: read.text(values['releaseTag'], [...at, 'releaseTag'], (text, path) =>
        read.template(text, path, allowed),
      ),
      tags: values['tags'] !== false,
      ...this.#places(values, at, allowed),
      carry: this.#globs(values['carry'], [...at, 'carry'], allowed),
      repositories: this.#repositories(values['repositories'], [...at, 'repositories']),
      keep: this.#globs(values['keep'], [...at, 'keep'], allowed),
      pin: read.pinStyle(values['pin']) ?? 'version+digest',
      pins: this.#pins(values['pins'], [...at, 'pins'], [...allowed, 'image']),
      retain: read.retain(values['retain'], [...at, 'retain'], given.retain),
      pullRequest: values['pullRequest'] === true,
      hotfix: values['hotfix'] === 'environment-first' ? 'environment-first' : 'upstream-first',
      confirm: values['confirm'] === true,
      ...readGates(this.#document, at, values, given.signing !== undefined),
      verify: readVerify(this.#document, at, values),
      live: readLive(this.#document, at, values),
      signedBy: read.list(values['signedBy'], [...at, 'signedBy'], (text, path) =>
        read.signer(text, path, given.signing),
      ),
      signedAfter: read.text(values['signedAfter'], [...at, 'signedAfter'], (text, path) => read.commit(text, path)),
    };
  }

  #repositories(values: unknown, at: ConfigPath): ReadonlyMap<string, Repository> {
    const read = this.#read;
    return new Map(
      Object.entries(asValues(values)).flatMap(([image, text]) => {
        const repository = read.text(text, [...at, image], (each, path) => read.repository(each, path));
        return repository ? [[image, repository] as const] : [];
      }),
    );
  }

  #places(values: PlainValues, at: ConfigPath, allowed: readonly string[]): UncheckedPlaces {
    const { path, files } = values;
    const template = (text: string, place: ConfigPath): Template | undefined =>
      this.#read.template(text, place, allowed);
    const single = this.#read.text(path, [...at, 'path'], template);
    return {
      folders: Array.isArray(path)
        ? this.#read.list(path, [...at, 'path'], template)
        : path === undefined
          ? undefined
          : single
            ? [single]
            : [],
      files: Array.isArray(files) ? this.#read.list(files, [...at, 'files'], template) : undefined,
    };
  }

  #globs(value: unknown, at: ConfigPath, allowed: readonly string[]): readonly string[] {
    return this.#read.list(value, at, (text, path) => {
      const glob = this.#read.parsed(parseGlob(text), text, path, 'glob');
      return glob === undefined ? undefined : this.#read.template(glob, path, allowed)?.text;
    });
  }

  #pins(value: unknown, at: ConfigPath, allowed: readonly string[]): readonly UncheckedPin[] {
    const read = this.#read;
    return asList(value).map((each, index) => {
      const values = asValues(each);
      const path = [...at, index];
      this.#requireOnePlace(values, path);
      return {
        index,
        image: read.text(values['image'], [...path, 'image'], (text) => text),
        file: read.text(values['file'], [...path, 'file'], (text, place) =>
          read.template(text, place, allowed) ? read.path(text, place) : undefined,
        ),
        path: read.text(values['path'], [...path, 'path'], (text, place) =>
          read.template(text, place, allowed)
            ? read.parsed(parseFieldPath(text), text, place, 'field path')
            : undefined,
        ),
        text: read.text(values['text'], [...path, 'text'], (text, place) =>
          read.parsed(parseTextPattern(text), text, place, 'pattern for a line'),
        ),
        pin: read.pinStyle(values['pin']),
        also: asList(values['also']).map((one, place) => this.#also(asValues(one), [...path, 'also', place], allowed)),
      };
    });
  }

  /** A pin stands at a path of a file in YAML or JSON, or in a line of any other text. */
  #requireOnePlace({ path, text }: PlainValues, at: ConfigPath): void {
    if (path === undefined && text === undefined) {
      const fix = 'for instance: path: image_tag; or, for a file that is not YAML or JSON, text: with a pattern';
      this.#read.report(at, 'path is missing', fix);
    } else if (path !== undefined && text !== undefined) {
      this.#read.report([...at, 'text'], 'path and text exclude each other', 'remove one of them');
    }
  }

  #also(values: PlainValues, at: ConfigPath, allowed: readonly string[]): UncheckedAlso {
    const read = this.#read;
    return {
      file: read.text(values['file'], [...at, 'file'], (text, place) =>
        read.template(text, place, allowed) ? read.path(text, place) : undefined,
      ),
      path: read.text(values['path'], [...at, 'path'], (text, place) =>
        read.template(text, place, allowed) ? read.parsed(parseFieldPath(text), text, place, 'field path') : undefined,
      ),
      value: read.text(values['value'], [...at, 'value'], (text, place) => {
        const known = new Set<string>(ALSO_PLACEHOLDERS);
        const unknown = [...text.matchAll(/\{([a-z]+)\}/g)].find(([, word = '']) => !known.has(word));
        if (!unknown) return text;
        const fix = `write ${ALSO_PLACEHOLDERS.map((word) => `{${word}}`).join(', ')}`;
        return read.report(place, `there is no placeholder ${unknown[0]}`, fix);
      }),
    };
  }

  #renamed(values: PlainValues): Renamed {
    const of = (key: string): ReadonlyMap<string, string> =>
      new Map(
        Object.entries(asValues(values[key])).flatMap(([old, now]) =>
          typeof now === 'string' ? [[old, now] as const] : [],
        ),
      );
    return { applications: of('applications'), images: of('images'), environments: of('environments') };
  }
}

function mapped<T>(value: unknown, read: (name: string, values: PlainValues) => T): ReadonlyMap<string, T> {
  return new Map(Object.entries(asValues(value)).map(([name, each]) => [name, read(name, asValues(each))]));
}
