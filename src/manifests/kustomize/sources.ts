// The files that a kustomization's build may read, each parsed at most once, and only where a name in it can matter.
import { join } from 'node:path/posix';
import type { Caps } from '../caps.ts';
import type { NameIndex, NamedImage } from '../image-name.ts';
import { KUSTOMIZATION_NAMES, imageEntries, isKustomization } from '../kustomize.ts';
import { type Source, decode, isSource, readSource } from '../source.ts';
import type { ManifestFile } from '../values.ts';

export class Sources {
  readonly caps: Caps;
  readonly #files: ReadonlyMap<string, ManifestFile>;
  readonly #read = new Map<string, Source | undefined>();
  readonly #index: NameIndex<NamedImage>;
  /** Last components of names that entries on the way turn into names of images. */
  readonly #needles: ReadonlySet<string>;

  /** `opened` are files that were parsed already. */
  constructor(
    files: readonly ManifestFile[],
    opened: ReadonlyMap<string, Source>,
    index: NameIndex<NamedImage>,
    caps: Caps,
  ) {
    this.caps = caps;
    this.#index = index;
    this.#files = new Map(files.map((file) => [file.path, file]));
    for (const [path, source] of opened) this.#read.set(path, source);
    const kustomizations = [...this.#files.keys()].filter(isKustomization).flatMap((path) => this.#open(path) ?? []);
    this.#needles = needlesOf(kustomizations, index);
  }

  /** A kustomization: of the folder, or the file itself. */
  kustomization(path: string): Source | undefined {
    const candidates = isKustomization(path) ? [path] : KUSTOMIZATION_NAMES.map((name) => join(path, name));
    const found = candidates.find((candidate) => this.#files.has(candidate));
    return found === undefined ? undefined : this.#open(found);
  }

  /** Another file; undefined where it is not there, cannot be read, or holds none of the names. */
  file(path: string): Source | undefined {
    const file = this.#files.get(path);
    if (!file || this.#read.has(path)) return this.#read.get(path);
    return this.#mayMatter(file) ? this.#open(path) : undefined;
  }

  /** Files below a folder. */
  below(folder: string): readonly Source[] {
    const paths = [...this.#files.keys()].filter((path) => path.startsWith(`${folder}/`));
    return paths.flatMap((path) => this.file(path) ?? []);
  }

  /** Files that hold none of the names, too. */
  whole(path: string): Source | undefined {
    return this.#files.has(path) ? this.#open(path) : undefined;
  }

  #mayMatter({ content }: ManifestFile): boolean {
    const text = decode(content);
    if (text === undefined) return false;
    return this.#index.mayMention(text) || [...this.#needles].some((needle) => text.includes(needle));
  }

  #open(path: string): Source | undefined {
    if (this.#read.has(path)) return this.#read.get(path);
    const content = this.#files.get(path)?.content;
    const text = content && content.length <= this.caps.bytes ? decode(content) : undefined;
    const read = text === undefined ? undefined : readSource(path, text, this.caps);
    const source = read && isSource(read) ? read : undefined;
    this.#read.set(path, source);
    return source;
  }
}

/** Last components of the names from which entries lead to names of images, over any number of entries. */
function needlesOf(kustomizations: readonly Source[], index: NameIndex<NamedImage>): ReadonlySet<string> {
  const leading = new Map<string, string[]>();
  const next: string[] = [];
  for (const { name, run } of kustomizations.flatMap(({ trees }) => trees.flatMap(imageEntries))) {
    if (name === run) continue;
    leading.set(run, [...(leading.get(run) ?? []), name]);
    if (index.find([run]).length > 0) next.push(name);
  }
  const names = new Set<string>();
  for (let name = next.pop(); name !== undefined; name = next.pop()) {
    if (names.has(name)) continue;
    names.add(name);
    next.push(...(leading.get(name) ?? []));
  }
  return new Set([...names].map((name) => name.slice(name.lastIndexOf('/') + 1)));
}
