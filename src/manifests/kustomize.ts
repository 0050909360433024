// Kustomizations: the `images:` list, whose entries replace an image's name, tag and digest wherever the overlay's
// resources use `name`. `newTag` and `digest` together render `name:tag@digest` (kustomize >= 4.5, imagetag transformer).
import { type Pair, type YAMLMap, isMap, isScalar } from 'yaml';
import type { TagflowError } from '../model/errors.ts';
import type { Document, Form, Site, Target } from './form.ts';
import { valuesAt } from './forms/values-at.ts';
import { patchSites } from './forms/patch-text.ts';
import { isPinnedReference } from './forms/reference.ts';
import { isImageKey, isOtherImage } from './forms/words.ts';
import { hasPlaceholder, joinImage } from './image-name.ts';
import { imageFields } from './kustomize/fields.ts';
import { refuseFlux, refusePlaceholder } from './refusals.ts';
import { referenceSite } from './reference-site.ts';
import { retarget } from './retarget.ts';
import type { Source } from './source.ts';
import {
  type Change,
  type Intent,
  type Splice,
  holds,
  insertPair,
  insertValue,
  isFluxSetter,
  removePair,
  renameKey,
  replaceScalar,
  unsafe,
} from './splice.ts';
import { type Path, type Tree, type Value, isEmpty, textOf } from './tree.ts';

/** File names that kustomize reads, in its own order (kustomize api/konfig). */
export const KUSTOMIZATION_NAMES = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'] as const;

const FIELDS = ['name', 'newName', 'newTag', 'digest'] as const;
type Field = (typeof FIELDS)[number];

/** Entries of `images:` in kustomizations. */
export const kustomize: Form = {
  name: 'kustomize',
  claims: ({ source }) => isKustomization(source.path),
  sites: (document) => [
    ...entriesAt(document, ['images']),
    ...unreachedPatches(document),
    ...inlineValues(document),
    ...literals(document),
  ],
};

/** The images in `valuesInline` of charts that kustomize inflates. */
function inlineValues(document: Document): readonly Site[] {
  const { tree, root } = document;
  return tree.items(tree.get(root, ['helmCharts'])).flatMap((chart, index) => {
    const label = textOf(tree.get(chart, ['releaseName'])) ?? textOf(tree.get(chart, ['name']));
    return valuesAt(document, ['helmCharts', index, 'valuesInline'], label);
  });
}

/** Literals of generators whose key says image: `WEB_IMAGE=acme/web:V4.0`. */
function literals(document: Document): readonly Site[] {
  const { tree, root, path } = document;
  return ['configMapGenerator', 'secretGenerator'].flatMap((field) =>
    tree.items(tree.get(root, [field])).flatMap((generator, index) =>
      tree.items(tree.get(generator, ['literals'])).flatMap((item, position) => {
        const [, key = '', text = ''] = /^([^=]+)=(.*)$/s.exec(textOf(item) ?? '') ?? [];
        if (!isImageKey(key) || isOtherImage(key) || !isPinnedReference(text)) return [];
        return referenceSite(document, [...path, field, index, 'literals', position], item, `${key}=`) ?? [];
      }),
    ),
  );
}

/**
 * The images that patches in the kustomization bring where its entries change nothing: kustomize replaces images of lists of
 * containers alone (`container` and `script` of an Argo Workflow are not).
 */
function unreachedPatches(document: Document): readonly Site[] {
  const { tree, root } = document;
  const texts = ['patches', 'patchesJson6902'].flatMap((field) =>
    tree.items(tree.get(root, [field])).map((_, index): Path => [field, index, 'patch']),
  );
  const merges = tree.items(tree.get(root, ['patchesStrategicMerge']));
  return [...texts, ...merges.map((_, index): Path => ['patchesStrategicMerge', index])].flatMap((at) =>
    patchSites(document, at, offsetsReached),
  );
}

/** Where entries of a kustomization change the images of a patch. */
function offsetsReached(patch: Source): ReadonlySet<number> {
  const reached = imageFields(patch).filter(({ reach }) => reach !== 'field');
  return new Set(reached.flatMap(({ node }) => node.range?.[0] ?? []));
}

/** The entries of a list of `images`, in a kustomization or in an object that makes one. */
export function entriesAt(document: Document, below: Path): readonly Site[] {
  const { tree, root, path } = document;
  return tree.items(tree.get(root, below)).flatMap((value, position) => {
    const site = isMap(value) ? new Entry(document, [...path, ...below, position], value).site() : undefined;
    return site ? [site] : [];
  });
}

/** Whether kustomize would read a file of this name. */
export function isKustomization(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return KUSTOMIZATION_NAMES.some((known) => known === name);
}

/** What an entry looks for, and what it makes of that. */
export interface ImageEntry {
  readonly index: number;
  readonly name: string;
  /** The name that is run: its `newName`, or the same. */
  readonly run: string;
  /** Whether it replaces the tag or the digest, and not the name alone. */
  readonly sets: boolean;
  readonly offset: number;
}

/** The entries of a kustomization's `images:` that have a name, in the order in which kustomize applies them. */
export function imageEntries(tree: Tree): readonly ImageEntry[] {
  return tree.items(tree.get(tree.root, ['images'])).flatMap((value, index) => {
    const read = (field: Field): string | undefined => {
      const node = tree.get(value, [field]);
      return isEmpty(node) ? undefined : textOf(node)?.trim();
    };
    const name = read('name');
    if (name === undefined) return [];
    const sets = read('newTag') !== undefined || read('digest') !== undefined;
    return [{ index, name, run: read('newName') ?? name, sets, offset: value?.range?.[0] ?? 0 }];
  });
}

/** What an `images:` entry shall say for a target; `name` is what kustomize looks for and never changes. */
export function entryFields(name: string, target: Target): ReadonlyMap<Field, string> {
  const run = retarget(name, target);
  return new Map<Field, string>([
    ['name', name],
    ...(run === name ? [] : ([['newName', run]] as const)),
    ...(target.tag === undefined ? [] : ([['newTag', target.tag]] as const)),
    ...(target.digest === undefined ? [] : ([['digest', target.digest]] as const)),
  ]);
}

/** One entry of `images:`. */
class Entry {
  readonly #source: Source;
  readonly #tree: Tree;
  readonly #document: number;
  readonly #path: Path;
  readonly #map: YAMLMap;

  constructor({ source, tree, index }: Document, path: Path, map: YAMLMap) {
    this.#source = source;
    this.#tree = tree;
    this.#document = index;
    this.#path = path;
    this.#map = map;
  }

  /** The entry as a place; undefined when it has no name. */
  site(): Site | undefined {
    const [name, newName, tag, digest] = FIELDS.map((field) => this.#read(field));
    const run = newName ?? name;
    if (name === undefined || run === undefined) return undefined;
    return {
      document: this.#document,
      path: this.#path,
      // an entry that renames its image refers to the new name: `name` is then only a word of the manifests
      names: [run],
      tag,
      digest,
      ...(run !== name && { replaces: name }),
      text: joinImage(run, tag, digest),
      offset: this.#map.range?.[0] ?? 0,
      nodes: FIELDS.slice(1).flatMap((field) => this.#value(field) ?? []),
      pin: (target) => this.#pin(name, run, target),
    };
  }

  #pin(name: string, run: string, target: Target): Change {
    const splices: Splice[] = [];
    const intents: Intent[] = [];
    const set = (field: Field, value: string | undefined, after: readonly Field[]): void => {
      splices.push(...this.#set(field, value, after));
      intents.push({ document: this.#document, path: [...this.#path, field], value });
    };
    const wantedName = retarget(run, target);
    if (wantedName !== run) set('newName', wantedName, ['name']);
    const { tag, digest } = target;
    const renamed = tag === undefined && digest !== undefined ? this.#tagToDigest(digest) : undefined;
    if (renamed) {
      splices.push(...renamed);
      intents.push(
        { document: this.#document, path: [...this.#path, 'newTag'], value: undefined },
        { document: this.#document, path: [...this.#path, 'digest'], value: digest },
      );
    } else {
      set('newTag', tag, ['newName', 'name']);
      set('digest', digest, tag === undefined ? ['newName', 'name'] : ['newTag', 'newName', 'name']);
    }
    if (splices.length > 0) this.#refuseForeign();
    return { splices, intents };
  }

  /** The splices that make a field hold a value, or go away. `after`: where a new field belongs, first choice first. */
  #set(field: Field, value: string | undefined, after: readonly Field[]): readonly Splice[] {
    const entry = this.#tree.entry(this.#map, field);
    const node = this.#tree.follow(entry?.pair.value);
    if (value === undefined) {
      if (entry?.inherited === true) throw this.#refuseInherited(field);
      return entry ? [removePair(this.#source, this.#map, entry.pair)] : [];
    }
    if (isScalar(node) && holds(node, value)) return [];
    if (entry && !entry.inherited && isScalar(node)) return [replaceScalar(this.#source, node, value)];
    if (entry && !entry.inherited) return [insertValue(this.#source, entry.pair, value)];
    // a merged value is overridden here, never changed where others use it
    const anchor = this.#own(after) ?? this.#map.items.at(-1);
    return anchor ? [insertPair(this.#source, this.#map, anchor, { key: field, value })] : [];
  }

  /** `newTag: X` becomes `digest: Y` on the same line, where the entry has no digest yet. */
  #tagToDigest(digest: string): readonly Splice[] | undefined {
    const tag = this.#own(['newTag']);
    const node = this.#tree.follow(tag?.value);
    if (!tag || !isScalar(node) || this.#tree.entry(this.#map, 'digest')) return undefined;
    return [renameKey(tag, 'digest'), replaceScalar(this.#source, node, digest)];
  }

  #own(fields: readonly Field[]): Pair | undefined {
    for (const field of fields) {
      const entry = this.#tree.entry(this.#map, field);
      if (entry && !entry.inherited) return entry.pair;
    }
    return undefined;
  }

  /** Refuses an entry that another tool fills in too: a stale tag beside our digest would be worse than no edit. */
  #refuseForeign(): void {
    for (const field of FIELDS) {
      const pair = this.#own([field]);
      const value = this.#tree.follow(pair?.value);
      const offset = value?.range?.[0] ?? 0;
      const text = textOf(value) ?? '';
      if (hasPlaceholder(text)) throw refusePlaceholder(this.#source, offset, [...this.#path, field], text);
      if (isFluxSetter(this.#source, pair?.value)) throw refuseFlux(this.#source, offset, [...this.#path, field]);
    }
  }

  #refuseInherited(field: Field): TagflowError {
    return unsafe(this.#source, this.#map.range?.[0] ?? 0, {
      what: `gets ${field} through a merge key, and the pin style has no ${field}`,
      why: 'what a merge key brings in cannot be taken away in one entry alone',
      fix: 'write the entry without the merge key (<<)',
    });
  }

  #value(field: Field): Value | undefined {
    return this.#tree.get(this.#map, [field]);
  }

  #read(field: Field): string | undefined {
    const value = this.#value(field);
    return isEmpty(value) ? undefined : textOf(value)?.trim();
  }
}
