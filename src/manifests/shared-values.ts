// Values that an environment's own file inherits: Helm reads a chart's `values.yaml` first, and the environment's file over it.
// So a tag in the own file may belong to a repository that stands in the shared one, and a key that the own file lacks may
// stand there. The shared file is read, never edited.
import { dirname, join } from 'node:path/posix';
import { isMap } from 'yaml';
import type { FieldStep } from '../model/pipeline.ts';
import { missingSite } from './add-value.ts';
import { type Sibling, type Siblings, nameBeside, siblingsOf } from './beside.ts';
import { type Caps, capsFor } from './caps.ts';
import { locate } from './field-path.ts';
import type { Site, Target } from './form.ts';
import { findSites } from './forms.ts';
import type { NameIndex, NamedImage } from './image-name.ts';
import { retarget } from './retarget.ts';
import { type Leaves, setKeys } from './set-key.ts';
import { type Source, decode, isSource } from './source.ts';
import { joinChanges, unsafe } from './splice.ts';
import { ParsedFiles } from './parsed-files.ts';
import { type Path, describePath, textOf } from './tree.ts';
import type { ManifestFile } from './values.ts';

/**
 * Where the values may stand that a file inherits: `values.yaml` beside it, or in the folder above. None for a file that is
 * not called as values are, `values-dev.yaml` or `dev.values.yaml`, since Helm has no other convention.
 */
export function sharedValuesOf(path: string): readonly string[] {
  const folder = dirname(path);
  if (!isValuesFile(path)) return [];
  const above = folder === '.' ? [] : [join(dirname(folder), SHARED)];
  return [join(folder, SHARED), ...above].filter((other) => other !== path);
}

const SHARED = 'values.yaml';

/** Whether a file is called as values of Helm are. */
export function isValuesFile(path: string): boolean {
  return /(?:^|[-._])values[-._][^/]*$/i.test(path.slice(path.lastIndexOf('/') + 1));
}

/** The names of the Helm releases of Flux in a file that holds nothing else: it may patch one of them, or be patched. */
export function helmReleasesIn(file: ManifestFile, maxBytes: number): readonly string[] {
  return releaseNames(file, capsFor(maxBytes), new ParsedFiles());
}

function releaseNames(file: ManifestFile, caps: Caps, parsed: ParsedFiles): readonly string[] {
  const { content } = file;
  if (
    content.length > caps.bytes ||
    !Buffer.from(content.buffer, content.byteOffset, content.byteLength).includes('HelmRelease')
  )
    return [];
  const text = decode(content);
  const source = text === undefined ? undefined : parsed.read(file, text, caps);
  if (!source || !isSource(source) || source.trees.length !== 1) return [];
  return source.trees.flatMap((tree) => {
    const kind = textOf(tree.get(tree.root, ['kind']));
    const name = textOf(tree.get(tree.root, ['metadata', 'name']));
    return kind === 'HelmRelease' && name !== undefined ? [name] : [];
  });
}

/** The values that files of an environment inherit. */
export class SharedValues {
  readonly #files: ReadonlyMap<string, ManifestFile>;
  readonly #caps: Caps;
  readonly #parsed: ParsedFiles;
  readonly #named = new Map<Source, ReadonlyMap<string, readonly string[]>>();
  readonly #read = new Map<string, Source | undefined>();
  /** The files that hold a release of a Helm chart of the same name, by path; filled when first asked for. */
  #releases: ReadonlyMap<string, readonly string[]> | undefined;

  /** `files`: among them the shared ones. `parsed`: what was parsed of them by others. */
  constructor(files: readonly ManifestFile[], caps: Caps, parsed = new ParsedFiles()) {
    this.#files = new Map(files.map((file) => [file.path, file]));
    this.#caps = caps;
    this.#parsed = parsed;
  }

  /** The keys that a configured path stands for where the shared values hold a single value there; undefined elsewhere. */
  inherited(source: Source, path: readonly FieldStep[]): Path | undefined {
    for (const { trees } of this.#sharedWith(source)) {
      const [tree] = trees;
      const at = tree && locate(tree, path);
      if (at && textOf(tree.get(tree.root, at)) !== undefined) return at;
    }
    return undefined;
  }

  /** Whether the values that a file inherits may name one of some images. */
  mayName(path: string, index: NameIndex<NamedImage>): boolean {
    return this.#sharedPaths(path).some((other) => {
      const file = this.#files.get(other);
      const text = file && decode(file.content);
      return text !== undefined && index.mayMention(text);
    });
  }

  /** A place, with the names that the shared values give it where it has a tag alone. */
  named(source: Source, site: Site): Site {
    const names = site.names.length > 0 ? [] : this.#namesOf(source, site);
    const [name] = names;
    if (name === undefined) return site;
    return { ...this.completed(source, site, () => true), names };
  }

  /**
   * A place with a tag alone, which writes beside it what the shared values would say wrongly: their repository where the
   * environment runs the image from another one, their digest always. `isName`: whether a name there is one of the image.
   */
  completed(source: Source, site: Site, isName: (name: string) => boolean): Site {
    const tree = source.trees[site.document];
    const above = site.path.slice(0, -1);
    const own = tree?.get(tree.root, above);
    const inherited = this.#beside(source, site.path);
    if (site.names.length > 0 || !tree || !inherited) return site;
    return {
      ...site,
      pin: (target) => {
        const { before, after } = correctedBeside(inherited, siblingsOf(tree, site.path), target, isName);
        if (before.size + after.size === 0) return site.pin(target);
        if (!isMap(own)) throw namedElsewhere(source, site);
        const place = { source, document: site.document, tree, map: own, path: above };
        const change = site.pin(after.size > 0 ? { ...target, digest: undefined } : target);
        return joinChanges([setKeys(place, [], new Map([...before, ...after])), change]);
      },
    };
  }

  /** A place that the own file lacks, at the keys that shared values have; undefined where the file has no room for it. */
  missing(source: Source, path: Path, isName: (name: string) => boolean): Site | undefined {
    const inherited = this.#beside(source, path);
    return missingSite(source, path, (target) => {
      const { before, after } = correctedBeside(inherited ?? {}, {}, target, isName);
      const parts = after.size > 0 ? [target.tag] : [target.tag, target.digest];
      const value = parts.filter((part) => part !== undefined).join('@');
      return new Map([...before, [String(path.at(-1)), value], ...after]);
    });
  }

  /** What stands beside a path in the shared values, that path included. */
  #beside(source: Source, path: Path): Siblings | undefined {
    for (const { trees } of this.#sharedWith(source)) {
      const [tree] = trees;
      const found = tree && siblingsOf(tree, path);
      if (found && (found.repository || found.digest)) return found;
    }
    return undefined;
  }

  #namesOf(source: Source, site: Site): readonly string[] {
    const above = JSON.stringify(site.path.slice(0, -1));
    for (const shared of this.#sharedWith(source)) {
      const names = this.#namesIn(shared).get(above);
      if (names) return names;
    }
    return [];
  }

  /** The names at the first place below each key of shared values, where that place has any. */
  #namesIn(shared: Source): ReadonlyMap<string, readonly string[]> {
    const known = this.#named.get(shared);
    if (known) return known;
    const first = new Map<string, readonly string[]>();
    for (const { path, names } of findSites(shared)) {
      const above = JSON.stringify(path.slice(0, -1));
      if (!first.has(above)) first.set(above, names);
    }
    const named = new Map([...first].filter(([, names]) => names.length > 0));
    this.#named.set(shared, named);
    return named;
  }

  #sharedWith(source: Source): readonly Source[] {
    return this.#sharedPaths(source.path).flatMap((path) => this.#open(path) ?? []);
  }

  /** Where the values of a file may stand that it lacks: shared values, and the release of a base that it patches. */
  #sharedPaths(path: string): readonly string[] {
    this.#releases ??= this.#releasesByPath();
    const same = this.#releases.get(path) ?? [];
    return [...sharedValuesOf(path), ...same.filter((other) => other !== path)];
  }

  #releasesByPath(): ReadonlyMap<string, readonly string[]> {
    const found = [...this.#files.values()].flatMap((file) =>
      releaseNames(file, this.#caps, this.#parsed).map((name) => ({ name, path: file.path })),
    );
    const groups = [...Map.groupBy(found, ({ name }) => name).values()].map((group) => group.map(({ path }) => path));
    return new Map(groups.flatMap((paths) => paths.map((path) => [path, paths] as const)));
  }

  #open(path: string): Source | undefined {
    if (this.#read.has(path)) return this.#read.get(path);
    const file = this.#files.get(path);
    const text = file && file.content.length <= this.#caps.bytes ? decode(file.content) : undefined;
    const read = text === undefined || !file ? undefined : this.#parsed.read(file, text, this.#caps);
    const source = read && isSource(read) ? read : undefined;
    this.#read.set(path, source);
    return source;
  }
}

/** The keys before and after a tag that have to stand in the own file, as what it inherits is wrong for it. */
function correctedBeside(
  inherited: Siblings,
  own: Siblings,
  target: Target,
  isName: (name: string) => boolean,
): { readonly before: Leaves; readonly after: Leaves } {
  const both = { ...inherited, ...own };
  const name = nameBeside(both);
  const before = new Map<string, string>();
  const write = (field: Sibling | undefined, value: string): void => {
    if (field) before.set(keyOf(field), value);
  };
  if (name !== undefined && target.name !== undefined && isName(name) && retarget(name, target) !== name) {
    const slash = target.name.indexOf('/');
    const hasRegistry = both.registry !== undefined && both.registry.text !== '';
    if (hasRegistry) write(both.registry, target.name.slice(0, slash));
    write(both.repository, hasRegistry ? target.name.slice(slash + 1) : target.name);
  }
  const { digest, tag } = inherited;
  const isWrong = digest !== undefined && digest.text !== '' && !own.digest && tag !== undefined;
  return { before, after: new Map(isWrong ? [[keyOf(digest), target.digest ?? '']] : []) };
}

function keyOf({ path }: Sibling): string {
  return String(path.at(-1));
}

function namedElsewhere(source: Source, { path, offset }: Site): Error {
  return unsafe(source, offset, {
    what: `${describePath(path)} is a tag of an image whose repository stands in the shared values`,
    why: 'the environment runs the image from another repository, and the name would stay as it is',
    fix: 'write the repository of the environment beside the tag first',
  });
}
