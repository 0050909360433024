// The check after splicing: the new text is parsed again and compared, value by value and as readers see it (aliases
// followed, merge keys applied), with what the edit meant to change. Nothing else may differ.
import { type Pair, isMap, isScalar, isSeq } from 'yaml';
import { TagflowError } from '../model/errors.ts';
import type { Caps } from './caps.ts';
import { readEmbedded } from './embedded.ts';
import { type Source, isSource, readSource } from './source.ts';
import type { Intent } from './splice.ts';
import { type Path, type Tree, type Value, describePath, textOf } from './tree.ts';

/** The new text, parsed. Throws `manifest-unsafe-edit` when anything but the intents differs from the old source. */
export function verifyEdit(before: Source, text: string, intents: readonly Intent[], caps: Caps): Source {
  const after = readSource(before.path, text, { ...caps, bytes: Infinity });
  if (!isSource(after)) throw refuse(before, `the file could not be read afterwards: ${after.reason}`);
  verifyTrees(before, after, intents);
  if (before.json && isJsonText(before.text) && !isJsonText(text))
    throw refuse(before, 'the file would not be JSON any more');
  return after;
}

/** Refuses every difference between two sources that is not an intent, and every intent that is not there. */
function verifyTrees(before: Source, after: Source, intents: readonly Intent[]): void {
  if (after.trees.length !== before.trees.length) throw refuse(before, 'the number of documents would change');
  const wanted = new Map(intents.map((intent) => [keyOf(intent.document, intent.path), intent]));
  const texts = Map.groupBy(
    intents.filter(({ within }) => within !== undefined),
    ({ document, within = [] }) => keyOf(document, within),
  );
  for (const [document, tree] of before.trees.entries()) {
    const other = after.trees[document] as Tree;
    const comparison = new Comparison(tree, other, intents.length);
    const differences = comparison.differences();
    if (comparison.exhausted) throw refuse(before, 'the file is too entangled by aliases to compare');
    for (const { path, value } of differences) {
      const inner = texts.get(keyOf(document, path));
      const intent = wanted.get(keyOf(document, path));
      if (inner === undefined && (!intent || intent.value !== value)) {
        const at = describePath(path);
        throw refuse(before, `${at === '' ? 'the document' : at} would change as well, and no pin belongs there`);
      }
    }
  }
  for (const { document, path, value, within } of intents) {
    const tree = after.trees[document];
    if (within === undefined && textOf(tree?.get(tree.root, path)) !== value)
      throw refuse(before, `${describePath(path)} would not hold the pin`);
  }
  for (const inner of texts.values()) verifyText(before, after, inner);
}

/** The same for YAML that is a text of the file; all intents are of one text. */
function verifyText(before: Source, after: Source, intents: readonly Intent[]): void {
  const document = intents[0]?.document ?? 0;
  const within = intents[0]?.within ?? [];
  const [old, now] = [before, after].map((source) => {
    const tree = source.trees[document];
    return readEmbedded(source.path, textOf(tree?.get(tree.root, within)) ?? '', source.caps);
  });
  if (!old || !now) throw refuse(before, `${describePath(within)} could not be read afterwards`);
  const inner = intents.map(({ path, value }) => ({ document: 0, path: path.slice(within.length), value }));
  verifyTrees(old, now, inner);
}

function refuse(source: Source, why: string): TagflowError {
  return new TagflowError('manifest-unsafe-edit', {
    what: `${source.path} cannot be pinned without changing something else`,
    why,
    fix: 'write the image field out plainly, without aliases, merge keys or block text, then run again',
    details: { path: source.path },
  });
}

interface Difference {
  readonly path: Path;
  /** The scalar there now; undefined when there is none. */
  readonly value: string | undefined;
}

/** Far more than a file within the caps has nodes; only aliases of aliases can exceed it. */
const MAX_STEPS = 1_000_000;

/** Compares two trees, once for each pair of nodes, so that aliases of aliases cost no more than they are long. */
class Comparison {
  readonly #before: Tree;
  readonly #after: Tree;
  readonly #limit: number;
  readonly #equal: Map<Value, Set<Value>> | undefined;
  readonly #found: Difference[] = [];
  /** Nodes visited: bounds the walk through many aliases of one changed node. */
  #steps = 0;

  constructor(before: Tree, after: Tree, limit: number) {
    this.#before = before;
    this.#after = after;
    this.#limit = limit;
    // without aliases each node is met once
    this.#equal = before.hasAliases || after.hasAliases ? new Map() : undefined;
  }

  /** The leaves that differ, cut off where there are more than the limit. */
  differences(): readonly Difference[] {
    this.#compare(this.#before.root, this.#after.root, []);
    return this.#found;
  }

  #compare(a: Value | undefined, b: Value | undefined, path: Path): void {
    if (this.#full() || (a === undefined && b === undefined)) return;
    if (a !== undefined && b !== undefined && this.#equal?.get(a)?.has(b) === true) return;
    const count = this.#found.length;
    this.#steps += 1;
    if (isMap(a) && isMap(b) && a.items.length > 0 && b.items.length > 0) {
      const left = this.#before.entries(a);
      const right = this.#after.entries(b);
      for (const key of new Set([...left.keys(), ...right.keys()])) {
        this.#complexKey(left.get(key)?.pair, right.get(key)?.pair, [...path, key]);
        this.#compare(this.#before.follow(left.get(key)?.pair.value), this.#after.follow(right.get(key)?.pair.value), [
          ...path,
          key,
        ]);
      }
    } else if (isSeq(a) && isSeq(b) && a.items.length > 0 && b.items.length > 0) {
      for (let index = 0; index < Math.max(a.items.length, b.items.length); index += 1) {
        this.#compare(this.#before.follow(a.items[index]), this.#after.follow(b.items[index]), [...path, index]);
      }
    } else if (!sameLeaf(a, b)) {
      this.#leaves(this.#before, a, path, true);
      this.#leaves(this.#after, b, path, false);
    }
    if (a && b && this.#equal && this.#found.length === count && !this.#full()) {
      this.#equal.set(a, (this.#equal.get(a) ?? new Set()).add(b));
    }
  }

  /** Keys that are collections are named by position, so what is in them is compared here. */
  #complexKey(a: Pair | undefined, b: Pair | undefined, path: Path): void {
    const left = this.#before.follow(a?.key);
    const right = this.#after.follow(b?.key);
    if (left && right && !isScalar(left)) this.#compare(left, right, [...path, '\u0000key']);
  }

  #leaves(tree: Tree, value: Value | undefined, path: Path, gone: boolean): void {
    if (value === undefined || this.#full()) return;
    this.#steps += 1;
    if (isMap(value) && value.items.length > 0) {
      for (const [key, { pair }] of tree.entries(value))
        this.#leaves(tree, tree.follow(pair.value), [...path, key], gone);
    } else if (isSeq(value) && value.items.length > 0) {
      for (const [index, item] of value.items.entries()) this.#leaves(tree, tree.follow(item), [...path, index], gone);
    } else {
      this.#note(path, gone ? undefined : (textOf(value) ?? (isMap(value) ? '{}' : '[]')));
    }
  }

  /** A leaf that went and came back at the same path is one difference: the new value. */
  #note(path: Path, value: string | undefined): void {
    const last = this.#found.at(-1);
    if (last && last.value === undefined && keyOf(0, last.path) === keyOf(0, path)) this.#found.pop();
    this.#found.push({ path, value });
  }

  /** Whether the comparison was abandoned, so that its result means nothing. */
  get exhausted(): boolean {
    return this.#steps > MAX_STEPS;
  }

  #full(): boolean {
    return this.#found.length > this.#limit || this.exhausted;
  }
}

function sameLeaf(a: Value | undefined, b: Value | undefined): boolean {
  if (isScalar(a) && isScalar(b)) return a.value === b.value && a.tag === b.tag;
  if (isMap(a) && isMap(b)) return a.items.length === b.items.length;
  return isSeq(a) && isSeq(b) && a.items.length === b.items.length;
}

function keyOf(document: number, path: Path): string {
  return JSON.stringify([document, ...path]);
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text.replace(/^\uFEFF/, ''));
    return true;
  } catch {
    return false;
  }
}
