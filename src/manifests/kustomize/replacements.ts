// Replacements copy a value of one object into fields of others, after `images:` entries have done their work. What they put
// into an image field is what runs (kubectl.docs.kubernetes.io/references/kustomize/kustomization/replacements).
import { type YAMLMap, isMap, isScalar, isSeq } from 'yaml';
import { type NameIndex, type NamedImage, splitImage } from '../image-name.ts';
import { type Source, lineAt } from '../source.ts';
import { type Path, type Tree, type Value, startOf, textOf } from '../tree.ts';
import type { Element, Elements } from './elements.ts';
import { isContainers } from './fields.ts';
import type { ReplacementReference } from './references.ts';
import type { Sources } from './sources.ts';

interface Selection {
  readonly kind: string | undefined;
  readonly name: string | undefined;
}

interface TargetField {
  readonly select: Selection;
  readonly path: readonly string[];
  /** Whether a part of the field is replaced and not all of it. */
  readonly part: boolean;
}

/** One replacement, read. */
export interface Replacement {
  readonly place: { readonly path: string; readonly line: number };
  readonly source: Selection & { readonly path: readonly string[]; readonly part: boolean };
  readonly targets: readonly TargetField[];
}

/** What replacements are judged by. */
export interface Surroundings {
  /** The kustomizations and files of objects that values are taken from. */
  readonly objects: readonly Source[];
  /** The names that the entries leave. */
  readonly applied: Elements;
  readonly index: NameIndex<NamedImage>;
  readonly pinned: ReadonlySet<Value>;
}

/** The replacements of a list item: itself, or those in the file that it names. */
export function replacementsIn(
  reference: ReplacementReference,
  kustomization: Source,
  sources: Sources,
): readonly Replacement[] {
  if (!('path' in reference)) return [replacementOf(kustomization, reference.tree, reference.node)];
  const source = sources.whole(reference.path);
  return (source?.trees ?? []).flatMap((tree) =>
    (isSeq(tree.root) ? tree.items(tree.root) : [tree.root]).flatMap((node) =>
      source && node ? [replacementOf(source, tree, node)] : [],
    ),
  );
}

/** The names that a replacement puts into image fields where no pin is: empty where it puts a pinned one, or another image. */
export function effectsOf(replacement: Replacement, surroundings: Surroundings): readonly Element[] {
  const value = replacement.source.part ? undefined : valueOf(replacement.source, surroundings.objects);
  const name = value && splitImage(value.text)?.name;
  return replacement.targets.flatMap((target): readonly Element[] => {
    if (target.path.at(-1) !== 'image') return [];
    const put = { ...replacement.place, pinned: false, container: undefined, object: '', field: target.path.join('/') };
    const reach = isContainers(target.path) ? ('entry' as const) : ('field' as const);
    if (target.part || value === undefined) {
      return [...surroundings.applied]
        .filter((each) => isTarget(each, target))
        .map((each) => ({ ...each, ...put, reach }));
    }
    if (name === undefined || isPinned(value, surroundings)) return [];
    return [{ ...put, name, reach }];
  });
}

interface Found {
  readonly text: string;
  readonly node: Value;
  readonly path: string;
  readonly field: string;
}

function isPinned(value: Found, { pinned, applied }: Surroundings): boolean {
  if (pinned.has(value.node)) return true;
  return [...applied].some(({ path, field, pinned }) => pinned && path === value.path && field === value.field);
}

/** Whether an element may be in the field that a replacement writes to: an unknown element matches. */
function isTarget({ object, container }: Element, { select, path }: TargetField): boolean {
  const [kind, name] = object.split('/', 2);
  if (select.kind !== undefined && kind !== undefined && kind !== '' && kind !== select.kind) return false;
  if (select.name !== undefined && name !== undefined && name !== '' && name !== select.name) return false;
  const wanted = /^\[name=(.*)\]$/.exec(path.at(-2) ?? '')?.[1];
  return wanted === undefined || container === undefined || container === wanted;
}

function replacementOf(source: Source, tree: Tree, node: Value): Replacement {
  const from = tree.get(node, ['source']);
  const targets = tree.items(tree.get(node, ['targets'])).flatMap((target): TargetField[] => {
    const select = selectionOf(tree, tree.get(target, ['select']));
    const part = tree.get(target, ['options', 'delimiter']) !== undefined;
    const paths = tree.items(tree.get(target, ['fieldPaths'])).map((path) => fieldPath(textOf(path) ?? ''));
    return paths.map((path) => ({ select, path, part }));
  });
  return {
    place: { path: source.path, line: lineAt(source, startOf(node) ?? 0) },
    source: {
      ...selectionOf(tree, from),
      path: fieldPath(textOf(tree.get(from, ['fieldPath'])) ?? 'metadata.name'),
      part: tree.get(from, ['options', 'delimiter']) !== undefined,
    },
    targets,
  };
}

function selectionOf(tree: Tree, value: Value | undefined): Selection {
  return { kind: textOf(tree.get(value, ['kind'])), name: textOf(tree.get(value, ['name'])) };
}

/** `spec.containers.[name=web].image` as steps; a dot in a key is written `\.`. */
function fieldPath(text: string): readonly string[] {
  return [...text.matchAll(/(\[[^\]]*\]|(?:\\.|[^.\\])+)(?:\.|$)/g)].map(([, step = '']) =>
    step.replaceAll('\\.', '.'),
  );
}

/** The value that a replacement takes; undefined where it is not found in files. */
function valueOf(from: Replacement['source'], objects: readonly Source[]): Found | undefined {
  for (const source of objects) {
    for (const tree of source.trees) {
      const generated = from.kind === 'ConfigMap' ? literalOf(tree, from) : undefined;
      if (generated) return { ...generated, path: source.path };
      for (const [object, path] of objectsIn(tree)) {
        if (!matches(tree, object, from)) continue;
        const [node, field] = follow(tree, object, path, from.path);
        if (isScalar(node)) return { text: textOf(node) ?? '', node, path: source.path, field: field.join('/') };
      }
    }
  }
  return undefined;
}

function objectsIn(tree: Tree): readonly (readonly [YAMLMap, Path])[] {
  if (!isMap(tree.root)) return [];
  const items = tree.items(tree.get(tree.root, ['items']));
  const inside = items.flatMap((item, index) => (isMap(item) ? [[item, ['items', index]] as const] : []));
  return [[tree.root, []], ...inside];
}

function matches(tree: Tree, object: Value, { kind, name }: Selection): boolean {
  if (kind !== undefined && textOf(tree.get(object, ['kind'])) !== kind) return false;
  return name === undefined || textOf(tree.get(object, ['metadata', 'name'])) === name;
}

function follow(tree: Tree, object: Value, at: Path, steps: readonly string[]): readonly [Value | undefined, Path] {
  let value: Value | undefined = object;
  const path = [...at];
  for (const step of steps) {
    if (isSeq(value)) {
      const [, key, wanted] = /^\[(.*?)=(.*)\]$/.exec(step) ?? [];
      const items = tree.items(value);
      const index =
        key === undefined ? Number(step) : items.findIndex((item) => textOf(tree.get(item, [key])) === wanted);
      value = items[index];
      path.push(index);
    } else {
      value = tree.get(value, [step]);
      path.push(step);
    }
  }
  return [value, path];
}

/** A literal of a generated ConfigMap: `image=registry.example.com/acme/web:1.0`. */
function literalOf(tree: Tree, from: Replacement['source']): Omit<Found, 'path'> | undefined {
  const [data, key] = from.path;
  if (data !== 'data' || key === undefined) return undefined;
  for (const generator of tree.items(tree.get(tree.root, ['configMapGenerator']))) {
    if (textOf(tree.get(generator, ['name'])) !== from.name) continue;
    for (const node of tree.items(tree.get(generator, ['literals']))) {
      const text = textOf(node) ?? '';
      if (node && text.startsWith(`${key}=`)) return { text: text.slice(key.length + 1), node, field: '' };
    }
  }
  return undefined;
}
