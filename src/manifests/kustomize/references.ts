// What a kustomization takes in: files and folders by their paths, and texts that stand in it.
// Fields as in kubectl.docs.kubernetes.io/references/kustomize; deprecated ones are read too, as kustomize does.
import { dirname, join } from 'node:path/posix';
import { isMap } from 'yaml';
import { type Caps, capsFor } from '../caps.ts';
import { isKustomization } from '../kustomize.ts';
import { ParsedFiles } from '../parsed-files.ts';
import { type Source, decode, isSource, lineAt, readSource } from '../source.ts';
import { type Tree, type Value, isEmpty, startOf, textOf } from '../tree.ts';
import type { ManifestFile } from '../values.ts';

/** Something that a kustomization takes in. */
export type KustomizeReference =
  | { readonly kind: 'path'; readonly path: string }
  /** A text in the kustomization itself, read as a file of its own; its first line is this line of the kustomization. */
  | { readonly kind: 'inline'; readonly source: Source; readonly line: number };

/** A patch, with the object that it names beside itself (`target:`), where it does. */
export interface PatchReference {
  readonly reference: KustomizeReference;
  readonly target: Value | undefined;
  readonly tree: Tree;
}

/** A list item of `replacements:`: in a file of its own, or written out. */
export type ReplacementReference = { readonly path: string } | { readonly node: Value; readonly tree: Tree };

/** What a kustomization takes in, by what kustomize does with it, in the order of the file. */
export interface References {
  readonly resources: readonly KustomizeReference[];
  readonly components: readonly KustomizeReference[];
  readonly patches: readonly PatchReference[];
  readonly replacements: readonly ReplacementReference[];
  /** Configurations of transformers, which run after everything else. */
  readonly transformers: readonly KustomizeReference[];
  /** Configurations of built-in transformers: where they look for names. */
  readonly configurations: readonly KustomizeReference[];
}

/**
 * The files and folders that a kustomization takes in, relative to the repository's root; what leaves the repository is not
 * among them. None for another file, and for one that cannot be read. `maxBytes`: largest file that is read.
 */
export function kustomizationReferences(
  file: ManifestFile,
  maxBytes: number,
  parsed = new ParsedFiles(),
): readonly string[] {
  const caps = capsFor(maxBytes);
  const text = isKustomization(file.path) && file.content.length <= maxBytes ? decode(file.content) : undefined;
  const source = text === undefined ? undefined : parsed.read(file, text, caps);
  if (!source || !isSource(source)) return [];
  const { resources, components, patches, replacements, transformers, configurations } = referencesOf(source, caps);
  const named = [...resources, ...components, ...patches.map(({ reference }) => reference), ...transformers];
  return [
    ...[...named, ...configurations].flatMap((reference) => (reference.kind === 'path' ? [reference.path] : [])),
    ...replacements.flatMap((replacement) => ('path' in replacement ? [replacement.path] : [])),
  ];
}

/** What a kustomization takes in. */
export function referencesOf(source: Source, caps: Caps): References {
  return source.trees.map((tree) => new Reader(source, tree, caps).references()).reduce(joined, NOTHING);
}

const NOTHING: References = {
  resources: [],
  components: [],
  patches: [],
  replacements: [],
  transformers: [],
  configurations: [],
};

function joined(a: References, b: References): References {
  return {
    resources: [...a.resources, ...b.resources],
    components: [...a.components, ...b.components],
    patches: [...a.patches, ...b.patches],
    replacements: [...a.replacements, ...b.replacements],
    transformers: [...a.transformers, ...b.transformers],
    configurations: [...a.configurations, ...b.configurations],
  };
}

/** Reads one document. */
class Reader {
  readonly #source: Source;
  readonly #tree: Tree;
  readonly #caps: Caps;

  constructor(source: Source, tree: Tree, caps: Caps) {
    this.#source = source;
    this.#tree = tree;
    this.#caps = caps;
  }

  references(): References {
    const patches = [...this.#items('patches'), ...this.#items('patchesJson6902')];
    return {
      resources: [...this.#items('resources'), ...this.#items('bases')].flatMap((value) => this.#path(value)),
      components: this.#items('components').flatMap((value) => this.#path(value)),
      patches: [
        ...this.#items('patchesStrategicMerge').flatMap((value) => this.#patch(this.#reference(value), undefined)),
        ...patches.flatMap((value) => this.#patchItem(value)),
      ],
      replacements: this.#items('replacements').flatMap((value) => this.#replacement(value)),
      transformers: this.#items('transformers').flatMap((value) => this.#reference(value)),
      configurations: this.#items('configurations').flatMap((value) => this.#path(value)),
    };
  }

  #items(field: string): readonly Value[] {
    const { root } = this.#tree;
    return this.#tree.items(this.#tree.get(root, [field])).flatMap((value) => value ?? []);
  }

  #patchItem(value: Value): readonly PatchReference[] {
    const target = this.#tree.get(value, ['target']);
    const text = this.#tree.get(value, ['patch']);
    const inline = text === undefined || isEmpty(text) ? [] : this.#inline(text);
    return this.#patch([...this.#path(this.#tree.get(value, ['path'])), ...inline], target);
  }

  #patch(references: readonly KustomizeReference[], target: Value | undefined): readonly PatchReference[] {
    return references.map((reference) => ({ reference, target, tree: this.#tree }));
  }

  #replacement(value: Value): readonly ReplacementReference[] {
    const path = isMap(value) ? this.#path(this.#tree.get(value, ['path'])) : [];
    const [file] = path;
    return file?.kind === 'path' ? [{ path: file.path }] : [{ node: value, tree: this.#tree }];
  }

  /** A path, or a text that is written out over several lines or as JSON. */
  #reference(value: Value): readonly KustomizeReference[] {
    const text = textOf(value)?.trim() ?? '';
    return /\n|^[[{]/.test(text) ? this.#inline(value) : this.#path(value);
  }

  #inline(value: Value): readonly KustomizeReference[] {
    const text = textOf(value) ?? '';
    const block = 'type' in value && (value.type === 'BLOCK_LITERAL' || value.type === 'BLOCK_FOLDED');
    const line = lineAt(this.#source, startOf(value) ?? 0) + (block ? 1 : 0);
    const source = readSource(this.#source.path, text, { ...this.#caps, bytes: Infinity });
    return isSource(source) ? [{ kind: 'inline', source, line }] : [];
  }

  /** A path in this repository; what leaves it (another repository, `../` beyond the root) is not one. */
  #path(value: Value | undefined): readonly KustomizeReference[] {
    const written = textOf(value)?.trim() ?? '';
    // A URL has a scheme, a query or a user.
    if (written === '' || /:\/\/|[?@\n]|^\//.test(written)) return [];
    const path = join(dirname(this.#source.path), written).replace(/\/$/, '');
    return path === '..' || path.startsWith('../') ? [] : [{ kind: 'path', path }];
  }
}
