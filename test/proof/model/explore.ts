// Breadth-first search through every state that a situation can reach. What is found first is found on a shortest way.
import { faults } from './faults.ts';
import type { Journal } from './journal.ts';
import { NO_FAULTS, brokenPromise, isAtRest } from './promises.ts';
import type { Kept, Surroundings } from './rules.ts';
import { type Move, newRun, step } from './steps.ts';
import {
  type Commit,
  IMAGES,
  type Operation,
  type Run,
  type Tag,
  type World,
  makeCommit,
  releaseTag,
  targetTag,
} from './world.ts';

/** What a search found. */
export interface Search {
  readonly states: number;
  /** Steps of the longest of the shortest ways. */
  readonly depth: number;
  /** States in which everybody has ended and nothing is on its way: in each an apply and the reruns were played. */
  readonly atRest: number;
  readonly violation: Violation | undefined;
}

/** A way into a state that breaks a promise. */
export interface Violation {
  readonly promise: string;
  readonly moves: readonly Move[];
}

/** Every way on from a state. */
export function movesFrom(world: World, kept: Kept): readonly Move[] {
  return [...world.runs.flatMap((_run, index) => step(world, index, kept)), ...faults(world)];
}

/** The environment has had three releases, `v1` to `v3`; its tags are right. */
export function startOf({
  operations,
  faults: given,
  coarse = false,
  journal,
  needsApproval,
  shared,
  moving,
}: Surroundings): World {
  let head: Commit | undefined;
  const tags: Record<string, Tag> = {};
  for (const version of [1, 2, 3]) {
    head = makeCommit(
      { parent: head, sequence: version, action: 'promote', version, held: [], by: '-', asked: undefined },
      0,
    );
    for (const image of IMAGES) {
      tags[releaseTag(image, version)] = { now: version, was: version, by: '-' };
      tags[targetTag(image)] = { now: version, was: version - 1, by: '-' };
    }
  }
  if (!head?.parent) throw new Error('the environment has no past');
  return {
    heads: [head, head.parent],
    tags,
    late: [],
    latePushes: [],
    runs: operations.map((operation, index) => newRun('ABC'[index] ?? '?', operation)),
    left: { ...NO_FAULTS, ...given },
    coarse,
    removed: [],
    released: [1, 2, 3],
    ...(shared === true && { shared }),
    ...(moving === true && { moving }),
    ...(journal && { journal, written: journal.map(({ id }) => id), needsApproval }),
  };
}

/** Searches until a promise is broken or every state was seen. Throws when there are more than `limit`. */
export function search(surroundings: Surroundings, kept: Kept, limit = 5_000_000): Search {
  const start = startOf(surroundings);
  const keyOf = createKeys(start);
  const keys: string[] = [keyOf(start)];
  const from = [-1];
  const seen = new Set(keys);
  let depth = 0;
  let atRest = 0;
  for (let level = [{ world: start, id: 0 }]; level.length > 0; depth += 1) {
    const next: typeof level = [];
    for (const { world, id } of level) {
      for (const move of movesFrom(world, kept)) {
        const key = keyOf(move.world);
        if (seen.has(key)) continue;
        seen.add(key);
        const found = { world: move.world, id: keys.push(key) - 1 };
        from[found.id] = id;
        if (isAtRest(move.world)) atRest += 1;
        const promise = brokenPromise(move.world, start.left, kept);
        if (promise !== undefined) {
          const way = wayTo(found.id, from).map((at) => keys[at] ?? '');
          return {
            states: keys.length,
            depth: depth + 1,
            atRest,
            violation: { promise, moves: retrace(start, way, keyOf, kept) },
          };
        }
        next.push(found);
      }
    }
    if (keys.length > limit) throw new Error(`more than ${limit} states`);
    level = next;
  }
  return { states: keys.length, depth: depth - 1, atRest, violation: undefined };
}

function wayTo(id: number, from: readonly number[]): readonly number[] {
  const way: number[] = [];
  for (let at = id; at > 0; at = from[at] ?? -1) way.unshift(at);
  return way;
}

/** The moves of a way of which only the keys were kept. */
function retrace(start: World, way: readonly string[], keyOf: KeyOf, kept: Kept): readonly Move[] {
  const moves: Move[] = [];
  for (const key of way) {
    const move = movesFrom(moves.at(-1)?.world ?? start, kept).find(({ world }) => keyOf(world) === key);
    if (!move) throw new Error('a way cannot be gone a second time: the key leaves something out');
    moves.push(move);
  }
  return moves;
}

type KeyOf = (world: World) => string;

/** One way of exchanging what is interchangeable: at each place the run that takes it, and the image that takes it. */
interface Exchange {
  readonly runs: readonly number[];
  readonly images: readonly [1 | 2, 1 | 2];
  /** The short form of a text; the names of runs in it are exchanged. */
  readonly write: (text: string, names?: 'as is') => string;
}

/**
 * The canonical key of a state: equal for two states only if nothing that can follow tells them apart. Runs of the same
 * operation are interchangeable, and so are the two images: of all such exchanges the least key counts. Parts that recur
 * are written as two characters each.
 */
function createKeys({ runs, coarse }: World): KeyOf {
  const known = new Map<string, string>();
  const short = (part: string): string => {
    const found = known.get(part);
    if (found !== undefined) return found;
    const characters = String.fromCharCode(known.size >>> 15, known.size & 0x7fff);
    known.set(part, characters);
    return characters;
  };
  const all = exchangesOf(
    runs.map(({ operation }) => operation),
    short,
  );
  // Where images come in order they are not alike.
  const exchanges = all.filter(({ images }) => !coarse || images[0] === 1);
  return (world) => {
    let least: string | undefined;
    for (const exchange of exchanges) {
      const key = encode(world, exchange);
      if (least === undefined || key < least) least = key;
    }
    return least ?? '';
  };
}

/** Every renaming of the runs that leaves each with the same operation, with and without the images exchanged. */
function exchangesOf(operations: readonly Operation[], short: (part: string) => string): readonly Exchange[] {
  const texts = operations.map((operation) => JSON.stringify(operation));
  let orders: readonly (readonly number[])[] = [[]];
  for (const text of texts) {
    orders = orders.flatMap((order) =>
      texts.flatMap((other, index) => (other === text && !order.includes(index) ? [[...order, index]] : [])),
    );
  }
  return orders.flatMap((runs) => {
    const known = new Map<string, string>();
    const write = (text: string, names?: 'as is'): string => {
      if (names) return short(text);
      const found = known.get(text);
      if (found !== undefined) return found;
      const renamed = text.replace(/[ABC]/g, (letter) => 'ABC'[runs.indexOf('ABC'.indexOf(letter))] ?? letter);
      known.set(text, short(renamed));
      return short(renamed);
    };
    return [
      { runs, images: [1, 2], write },
      { runs, images: [2, 1], write },
    ];
  });
}

function encode(world: World, exchange: Exchange): string {
  const { heads, late, latePushes, left, removed, released, broken = '' } = world;
  const { write } = exchange;
  // What only a stale read could show matters as long as there may be one.
  let key = write(heads[0].id);
  for (const commit of left.staleHead > 0 ? heads.slice(1) : []) key += write(commit.id);
  key += write(Object.values(left).join());
  for (const image of exchange.images) key += write(tagsText(world, image));
  if (late.length > 0) key += write(lateText(late, exchange));
  for (const commit of latePushes) key += `<${write(commit.id)}`;
  if (removed.length > 0) key += write(removed.join());
  key += write(released.join());
  if (broken !== '') key += write(broken);
  if (world.moving)
    key +=
      write((world.old ?? []).toSorted().join()) + write(`${world.astray ?? ''}${world.slept === true ? '!' : ''}`);
  if (world.journal)
    key +=
      write(journalText(world.journal)) +
      write((world.written ?? []).toSorted().join()) +
      write((world.failures ?? []).join());
  for (const at of exchange.runs) {
    const run = world.runs[at];
    if (run) key += write(runText(run, exchange), 'as is');
  }
  return key;
}

const NAMES = [1, 2].map((image) => [
  targetTag(image),
  ...[1, 2, 3, 4, 5, 6, 7].map((sequence) => releaseTag(image, sequence)),
]);

/** Who wrote a target tag matters until they end, and then was judged. */
function tagsText({ tags, runs, left }: World, image: 1 | 2): string {
  let text = '';
  for (const [index, name] of (NAMES[image - 1] ?? []).entries()) {
    const tag = tags[name];
    text += tag ? `${tag.now}${left.staleTag > 0 ? `~${tag.was}` : ''},` : ',';
    if (tag && index === 0 && runs.some((run) => run.name === tag.by && run.at !== 'ended')) text += tag.by;
  }
  return text;
}

function journalText(journal: Journal): string {
  return journal.map(({ id, ends }) => `${id}>${ends.join('+')}`).join(';');
}

function lateText(late: World['late'], { images: [first] }: Exchange): string {
  const nameOf = (tag: string): string => (Number(tag[0]) === first ? '1' : '2') + tag.slice(1);
  return late
    .map(({ tag, version }) => `${nameOf(tag)}=${version}`)
    .sort()
    .join();
}

function runText(run: Run, { images, write }: Exchange): string {
  const { at, attempt, asked = '', base, commit, open, applying, moved, beside, entry, looksAt, exit = '' } = run;
  const { late = '' } = run;
  let key = write(
    `${at}${attempt}${open ? 'o' : ''}${moved ? 'm' : ''}${beside === true ? 'b' : ''}${late}${run.behind === true ? '<' : ''}${exit}`,
  );
  if (at === 'ended') return key;
  if (looksAt) key += write(`${looksAt.id}${run.failed === undefined ? '?' : run.failed ? '-' : '+'}`);
  if (entry) key += write(journalText([...entry.onto, entry.entry]));
  key += write(asked) + write(base?.id ?? '') + write(commit?.id ?? '') + write(applying?.id ?? '');
  for (const image of images) {
    const one = run.images[image - 1];
    if (one) key += write(one.at === 'put' ? `put${one.over}` : one.at);
  }
  return key;
}
