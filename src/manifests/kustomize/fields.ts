// Where objects and patches name images, as kustomize's image transformer sees them: it changes `image` in every list that is
// called `containers` or `initContainers`, in objects of any kind but definitions of resources, and nothing else.
// (kustomize v5 api/filters/imagetag, legacy.go; measured: `ephemeralContainers`, `container` and `volumes` stay.)
import { type Scalar, type YAMLMap, isMap, isScalar, isSeq } from 'yaml';
import { splitImage } from '../image-name.ts';
import { type Source, lineAt } from '../source.ts';
import { type Path, type Tree, type Value, startOf, textOf } from '../tree.ts';

/**
 * Whether an `images:` entry can change a field. `field`: the transformer does not look there; `text`: it does not take what
 * stands there for a name with tag and digest.
 */
export type Reach = 'entry' | 'field' | 'text';

/** A field that names an image. */
export interface ImageField {
  /** The name without tag and digest, as written. */
  readonly name: string;
  readonly node: Scalar;
  readonly path: Path;
  readonly reach: Reach;
  /** The container's name, for those who select by it. */
  readonly container: string | undefined;
  /** Kind and name of the object: `Deployment/web`; what a patch leaves open is empty. */
  readonly object: string;
  /** 1-based, in the file that the field stands in. */
  readonly line: number;
}

/** Objects that hold text of any kind under any key, and say nothing of what runs. */
const TEXT_KINDS = new Set(['ConfigMap', 'Secret', 'CustomResourceDefinition']);

/** Texts that kustomize's transformer takes for a name with tag and digest: `^NAME(:TAG)?(@DIGEST)?$`. */
const MATCHED = /^(?::[A-Za-z0-9_.{}-]*)?(?:@sha256:[A-Za-z0-9_.{}-]*)?$/;

/** The fields of every object in a file, and of every patch. */
export function imageFields(source: Source): readonly ImageField[] {
  return source.trees.flatMap((tree) => {
    const walk = new Walk(source, tree);
    if (isSeq(tree.root)) walk.operations(tree.root.items.map((item) => tree.follow(item)));
    else walk.object(tree.root, []);
    return walk.found;
  });
}

class Walk {
  readonly found: ImageField[] = [];
  readonly #source: Source;
  readonly #tree: Tree;
  /** Nodes with what is around them: aliases of aliases cost no more than they are long. */
  readonly #seen = new Map<Value, Set<string>>();
  #object = '';

  constructor(source: Source, tree: Tree) {
    this.#source = source;
    this.#tree = tree;
  }

  /** An object, or a list of objects. */
  object(value: Value | undefined, path: Path): void {
    if (!isMap(value)) return;
    const kind = this.#text(value, ['kind']);
    const items = this.#tree.get(value, ['items']);
    if (kind.endsWith('List') && isSeq(items) && path.length === 0) {
      for (const [index, item] of this.#tree.items(items).entries()) this.object(item, ['items', index]);
      return;
    }
    if (TEXT_KINDS.has(kind)) return;
    this.#object = objectKey(this.#tree, value);
    for (const [key, { pair }] of this.#tree.entries(value)) {
      if (key !== 'metadata') this.#walk(this.#tree.follow(pair.value), [...path, key], undefined);
    }
  }

  /** The operations of a JSON patch (RFC 6902): what they add or put. */
  operations(operations: readonly (Value | undefined)[]): void {
    for (const operation of operations) {
      const pointer = this.#text(operation, ['path']);
      const path = pointer.split('/').slice(1).map(unescapeToken);
      if (path[0] !== 'metadata') this.#walk(this.#tree.get(operation, ['value']), path, undefined);
    }
  }

  #walk(value: Value | undefined, path: Path, container: YAMLMap | undefined): void {
    if (!value) return;
    if (isScalar(value)) {
      this.#field(value, path, container);
      return;
    }
    const around = JSON.stringify(path.slice(-2).map((step) => (isIndex(step) ? 0 : step)));
    const seen = this.#seen.get(value) ?? new Set();
    if (seen.has(around)) return;
    this.#seen.set(value, seen.add(around));
    if (isMap(value)) {
      for (const [key, { pair }] of this.#tree.entries(value)) {
        this.#walk(this.#tree.follow(pair.value), [...path, key], value);
      }
    } else {
      for (const [index, item] of this.#tree.items(value).entries()) this.#walk(item, [...path, index], undefined);
    }
  }

  #field(node: Scalar, path: Path, container: YAMLMap | undefined): void {
    const last = path.at(-1);
    if (last !== 'image' && !(last === 'reference' && path.at(-2) === 'image')) return;
    const text = (textOf(node) ?? '').trim();
    const written = splitImage(text);
    if (!written) return;
    this.found.push({
      name: written.name,
      node,
      path,
      reach: reachOf(path, text.slice(written.name.length)),
      container: container && textOf(this.#tree.get(container, ['name'])),
      object: this.#object,
      line: lineAt(this.#source, startOf(node) ?? 0),
    });
  }

  #text(value: Value | undefined, path: Path): string {
    return textOf(this.#tree.get(value, path)) ?? '';
  }
}

function reachOf(path: Path, rest: string): Reach {
  if (path.at(-1) !== 'image' || !isContainers(path)) return 'field';
  return MATCHED.test(rest) ? 'entry' : 'text';
}

/** Kind and name of an object. */
export function objectKey(tree: Tree, root: Value | undefined): string {
  return `${textOf(tree.get(root, ['kind'])) ?? ''}/${textOf(tree.get(root, ['metadata', 'name'])) ?? ''}`;
}

/** Whether a path ends in an `image` of a list that the transformer looks into. */
export function isContainers(path: Path): boolean {
  return /^(?:initC|c)ontainers$/.test(String(path.at(-3))) && isIndex(path.at(-2));
}

function isIndex(step: string | number | undefined): boolean {
  return typeof step === 'number' || (step !== undefined && /^(?:[0-9]+|-|\*|\[.*\])$/.test(step));
}

function unescapeToken(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}
