// Values that an environment's own file inherits: Helm reads a chart's `values.yaml` first, and the environment's file over it.
// So a tag in the own file may belong to a repository that stands in the shared one, and a key that the own file lacks may
// stand there. The shared file is read, never edited.
import { dirname, join } from 'node:path/posix';
import type { FieldStep } from '../model/pipeline.ts';
import { type Caps, capsFor } from './caps.ts';
import { locate } from './field-path.ts';
import type { Site } from './form.ts';
import { findSites } from './forms.ts';
import type { NameIndex, NamedImage } from './image-name.ts';
import { retarget } from './retarget.ts';
import { type Source, decode, isSource, readSource } from './source.ts';
import { unsafe } from './splice.ts';
import { type Path, describePath, textOf } from './tree.ts';
import type { ManifestFile } from './values.ts';

/**
 * Where the values may stand that a file inherits: `values.yaml` beside it, or in the folder above. None for a file that is
 * not called as values are, `values-dev.yaml` or `dev.values.yaml`, since Helm goes by no other sign.
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
  return releaseNames(file, capsFor(maxBytes));
}

function releaseNames({ path, content }: ManifestFile, caps: Caps): readonly string[] {
  if (
    content.length > caps.bytes ||
    !Buffer.from(content.buffer, content.byteOffset, content.byteLength).includes('HelmRelease')
  )
    return [];
  const text = decode(content);
  const source = text === undefined ? undefined : readSource(path, text, caps);
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
  readonly #read = new Map<string, Source | undefined>();
  /** The files that hold releases of Helm charts, by the name of the release; filled when first asked for. */
  #releases: ReadonlyMap<string, readonly string[]> | undefined;

  /** `files`: among them the shared ones. */
  constructor(files: readonly ManifestFile[], caps: Caps) {
    this.#files = new Map(files.map((file) => [file.path, file]));
    this.#caps = caps;
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
    return {
      ...site,
      names,
      pin: (target) => {
        if (retarget(name, target) === name) return site.pin(target);
        throw unsafe(source, site.offset, {
          what: `${describePath(site.path)} is a tag of ${name}, which stands in the shared values`,
          why: 'the environment runs the image from another repository, and the name would stay as it is',
          fix: 'write the repository of the environment beside the tag first',
        });
      },
    };
  }

  #namesOf(source: Source, site: Site): readonly string[] {
    const above = JSON.stringify(site.path.slice(0, -1));
    for (const shared of this.#sharedWith(source)) {
      const same = findSites(shared).find((other) => JSON.stringify(other.path.slice(0, -1)) === above);
      if (same && same.names.length > 0) return same.names;
    }
    return [];
  }

  #sharedWith(source: Source): readonly Source[] {
    return this.#sharedPaths(source.path).flatMap((path) => this.#open(path) ?? []);
  }

  /** Where the values of a file may stand that it lacks: shared values, and the release of a base that it patches. */
  #sharedPaths(path: string): readonly string[] {
    this.#releases ??= this.#releasesByName();
    const same = [...this.#releases.values()].filter((paths) => paths.includes(path)).flat();
    return [...sharedValuesOf(path), ...same.filter((other) => other !== path)];
  }

  #releasesByName(): ReadonlyMap<string, readonly string[]> {
    const found = [...this.#files.values()].flatMap((file) =>
      releaseNames(file, this.#caps).map((name) => ({ name, path: file.path })),
    );
    return new Map(
      [...Map.groupBy(found, ({ name }) => name)].map(([name, files]) => [name, files.map(({ path }) => path)]),
    );
  }

  #open(path: string): Source | undefined {
    if (this.#read.has(path)) return this.#read.get(path);
    const file = this.#files.get(path);
    const text = file && file.content.length <= this.#caps.bytes ? decode(file.content) : undefined;
    const read = text === undefined ? undefined : readSource(path, text, this.#caps);
    const source = read && isSource(read) ? read : undefined;
    this.#read.set(path, source);
    return source;
  }
}
