// A YAML document as its readers see it: aliases followed, merge keys applied, keys unique. Values stay the nodes of
// the `yaml` package, whose ranges say where in the source they stand. No key from a file ever becomes a property of an object.
import {
  type Alias,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
  isAlias,
  isMap,
  isScalar,
  isSeq,
} from 'yaml';
import { type Caps, Unreadable } from './caps.ts';

/** Keys and indexes from a document's root. */
export type Path = readonly (string | number)[];

/** A node with aliases followed. */
export type Value = Scalar | YAMLMap | YAMLSeq;

/** A key of a mapping with the pair that gives its value. */
export interface Entry {
  readonly key: string;
  readonly pair: Pair;
  /** Whether the pair stands in another mapping and came by a merge key. */
  readonly inherited: boolean;
}

/** One parsed document. Building it throws Unreadable for duplicate keys, bad aliases, and what is over a cap. */
export class Tree {
  readonly root: Value | undefined;
  readonly #caps: Caps;
  /** Made when first needed, like the next: most of thousands of files have no alias, and are asked for few keys. */
  #targets: Map<Alias, Value> | undefined;
  #entries: Map<YAMLMap, ReadonlyMap<string, Entry>> | undefined;
  #mergedKeys = 0;

  constructor(root: Node | null | undefined, caps: Caps) {
    this.#caps = caps;
    if (root) this.#index(root, new Map(), new Set());
    this.root = this.follow(root);
  }

  /** Whether a node may stand for another one, and be met on several ways. */
  get hasAliases(): boolean {
    return this.#targets !== undefined;
  }

  /** The node itself, or what an alias stands for. */
  follow(node: unknown): Value | undefined {
    if (isAlias(node)) return this.#targets?.get(node);
    return isScalar(node) || isMap(node) || isSeq(node) ? node : undefined;
  }

  /** A mapping's keys in order of appearance, with merge keys applied: own keys win over merged ones. */
  entries(map: YAMLMap): ReadonlyMap<string, Entry> {
    const known = this.#entries?.get(map);
    if (known) return known;
    const entries = new Map<string, Entry>();
    for (const [index, pair] of map.items.entries()) {
      if (isMerge(pair)) continue;
      const key = this.keyOf(pair, index);
      entries.set(key, { key, pair, inherited: false });
    }
    for (const pair of map.items) {
      if (isMerge(pair)) this.#merge(entries, pair);
    }
    this.#entries ??= new Map();
    this.#entries.set(map, entries);
    return entries;
  }

  /** The entry of one key, when the node is a mapping that has it. */
  entry(node: Value | undefined, key: string): Entry | undefined {
    return isMap(node) ? this.entries(node).get(key) : undefined;
  }

  /** The value at a path below a node. */
  get(node: Value | undefined, path: Path): Value | undefined {
    let at = node;
    for (const step of path) {
      if (isSeq(at)) at = typeof step === 'number' ? this.follow(at.items[step]) : undefined;
      else at = this.follow(this.entry(at, String(step))?.pair.value);
      if (at === undefined) return undefined;
    }
    return at;
  }

  /** The items of a sequence; none when the node is not a sequence. */
  items(node: Value | undefined): readonly (Value | undefined)[] {
    return isSeq(node) ? node.items.map((item) => this.follow(item)) : [];
  }

  /** A key as text; a key that is not a scalar gets a name that no scalar has. */
  keyOf(pair: Pair, index: number): string {
    const key = this.follow(pair.key);
    return isScalar(key) ? String(key.value) : `\u0000${index}`;
  }

  #merge(entries: Map<string, Entry>, merge: Pair): void {
    const value = this.follow(merge.value);
    for (const map of isSeq(value) ? this.items(value) : [value]) {
      if (!isMap(map))
        throw new Unreadable('a merge key (<<) holds something that is not a mapping', startOf(merge.key));
      for (const entry of this.entries(map).values()) {
        this.#mergedKeys += 1;
        if (this.#mergedKeys > this.#caps.mergedKeys) {
          throw new Unreadable(`merge keys (<<) bring in more than ${this.#caps.mergedKeys} keys`, startOf(merge.key));
        }
        if (!entries.has(entry.key)) entries.set(entry.key, { ...entry, inherited: true });
      }
    }
  }

  /** One walk in document order: anchors, aliases, duplicate keys and depth. `open` are the nodes around this one. */
  #index(node: unknown, anchors: Map<string, Value>, open: Set<unknown>): void {
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (!target) throw new Unreadable(`the alias *${node.source} has no anchor before it`, startOf(node));
      if (open.has(target))
        throw new Unreadable(`the alias *${node.source} stands inside its own anchor`, startOf(node));
      this.#targets ??= new Map();
      this.#targets.set(node, target);
      return;
    }
    const value = this.follow(node);
    if (!value) return;
    if (value.anchor !== undefined) anchors.set(value.anchor, value);
    if (isScalar(value)) return;
    open.add(value);
    if (open.size > this.#caps.depth)
      throw new Unreadable(`it has more than ${this.#caps.depth} levels`, startOf(value));
    if (isSeq(value)) for (const item of value.items) this.#index(item, anchors, open);
    else this.#indexMap(value, anchors, open);
    open.delete(value);
  }

  #indexMap(map: YAMLMap, anchors: Map<string, Value>, open: Set<unknown>): void {
    const seen = new Set<string>();
    for (const [index, pair] of map.items.entries()) {
      this.#index(pair.key, anchors, open);
      this.#index(pair.value, anchors, open);
      const key = this.keyOf(pair, index);
      if (seen.has(key))
        throw new Unreadable(`the key ${JSON.stringify(key)} appears twice in one mapping`, startOf(pair.key));
      seen.add(key);
    }
    // now, so that a merge key that cannot be applied is found while the file is read; merged mappings come before
    if (map.items.some(isMerge)) this.entries(map);
  }
}

/** Where a node begins in the source: its value, after any anchor and tag. */
export function startOf(node: unknown): number | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range?.[0] : undefined;
}

/** A path for people: `spec.containers[0].image`. */
export function describePath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[A-Za-z0-9_$-]+$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

/** The text of a scalar as its readers get it, except that numbers keep their spelling (`1.10`); undefined for other nodes. */
export function textOf(value: Value | undefined): string | undefined {
  return isScalar(value) ? String(value.value) : undefined;
}

/** Whether a scalar is empty: nothing at all, `~`, `null`, or empty quotes. */
export function isEmpty(value: Value | undefined): boolean {
  if (!isScalar(value)) return false;
  const text = String(value.value);
  return text === '' || (value.type === 'PLAIN' && /^(?:~|null|Null|NULL)$/.test(text));
}

function isMerge(pair: Pair): boolean {
  return isScalar(pair.key) && pair.key.type === 'PLAIN' && pair.key.value === '<<';
}
