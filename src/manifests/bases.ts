// What a kustomization builds on: the files it refers to, and the image names that reach it from them. Kustomize compares
// names letter by letter, so an `images:` entry for another spelling of the same image is without effect, silently.
import { dirname, join } from 'node:path/posix';
import { type Caps, capsFor } from './caps.ts';
import { KUSTOMIZATION_NAMES, imageEntries, isKustomization } from './kustomize.ts';
import { findSites } from './forms.ts';
import { type Source, decode, isSource, readSource } from './source.ts';
import { textOf } from './tree.ts';
import type { ManifestFile } from './values.ts';

/** Fields of a kustomization that name files or folders whose objects it takes (kubectl.docs.kubernetes.io/references/kustomize). */
const REFERRING = ['resources', 'bases', 'components'] as const;

/**
 * The files and folders that a kustomization builds on, relative to the repository's root, in order of appearance; what
 * leaves the repository (another repository, `../` beyond the root) is not among them. None for every other file, and for
 * one that cannot be read. `maxBytes`: largest file that is read.
 */
export function kustomizationReferences(file: ManifestFile, maxBytes: number): readonly string[] {
  const source = isKustomization(file.path) ? sourceOf(file, capsFor(maxBytes)) : undefined;
  return source ? referencesIn(source) : [];
}

/** The files of kustomizations' surroundings, each read at most once. */
export class Bases {
  readonly #sources: ReadonlyMap<string, Source>;

  constructor(bases: readonly ManifestFile[], caps: Caps) {
    const read = bases.flatMap((file) => sourceOf(file, caps) ?? []);
    this.#sources = new Map(read.map((source) => [source.path, source]));
  }

  /** The image names that reach a kustomization from below, as its own `images:` entries see them. */
  namesBelow(kustomization: Source): ReadonlySet<string> {
    return this.#below(kustomization, new Set([kustomization.path]));
  }

  /** `open` are the files on the way here: kustomize refuses a cycle, and this ends at one. */
  #below(kustomization: Source, open: ReadonlySet<string>): ReadonlySet<string> {
    const names = new Set<string>();
    for (const reference of referencesIn(kustomization)) {
      const source = this.#at(reference);
      if (!source || open.has(source.path)) continue;
      const from = isKustomization(source.path)
        ? renamed(source, this.#below(source, new Set([...open, source.path])))
        : findSites(source).flatMap((site) => site.names.slice(0, 1));
      for (const name of from) names.add(name);
    }
    return names;
  }

  /** The file at a path, or the kustomization of the folder. */
  #at(path: string): Source | undefined {
    const candidates = [path, ...KUSTOMIZATION_NAMES.map((name) => join(path, name))];
    return candidates.flatMap((candidate) => this.#sources.get(candidate) ?? [])[0];
  }
}

/** Names after a kustomization's own `images:` entries gave some of them a `newName`. */
function renamed(kustomization: Source, names: ReadonlySet<string>): readonly string[] {
  const newNames = new Map(
    kustomization.trees.flatMap((tree) => imageEntries(tree).map(({ name, run }) => [name, run])),
  );
  return [...names].map((name) => newNames.get(name) ?? name);
}

function referencesIn(source: Source): readonly string[] {
  const folder = dirname(source.path);
  return source.trees.flatMap((tree) =>
    REFERRING.flatMap((field) =>
      tree.items(tree.get(tree.root, [field])).flatMap((value) => {
        const written = textOf(value)?.trim() ?? '';
        // A URL has a scheme, a query or a user; a resource may also be written out, over several lines.
        if (written === '' || /:\/\/|[?@\n]|^\//.test(written)) return [];
        const path = join(folder, written).replace(/\/$/, '');
        return path === '..' || path.startsWith('../') ? [] : [path];
      }),
    ),
  );
}

function sourceOf({ path, content }: ManifestFile, caps: Caps): Source | undefined {
  const text = content.length <= caps.bytes ? decode(content) : undefined;
  const read = text === undefined ? undefined : readSource(path, text, caps);
  return read && isSource(read) ? read : undefined;
}
