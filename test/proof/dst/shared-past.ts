// What processes of a simulation know of the past: an index in one store that they share, and that loses parts, gets damaged and
// is put back to an older state between them.
import type { Ledger } from '../../../src/ledger/ledger.ts';
import { createIndexedLedger } from '../../../src/ledger/past/indexed.ts';
import { PastIndex } from '../../../src/ledger/past/past-index.ts';
import { createMemoryStore, flipped } from '../../support/memory-store.ts';
import { type SeededRandom, createSeededRandom } from './random.ts';

/** Part of the simulations whose processes share an index. */
const SHARING = 0.2;
const KEY = Buffer.from('a key that all processes have');

/** A process's ledger over the shared index, and what stores what it learnt. */
export interface OverPast {
  readonly ledger: Ledger;
  /** Absent: everything is read again. */
  readonly keeper?: PastIndex;
  save(): Promise<void>;
}

/** Opens ledgers over an index that processes share; as they are in the simulations that have none. */
export function createSharedPast(seed: number): (ledger: Ledger) => OverPast {
  // Apart from the scenario's numbers, which stay what they were.
  const random = createSeededRandom(seed ^ 0x1dea5);
  if (!random.chance(SHARING)) return (ledger) => ({ ledger, save: async () => undefined });
  const store = createMemoryStore();
  let older = new Map(store.files);
  return (inner) => {
    const now = new Map(store.files);
    for (const [name, content] of damaged(store.files, older, random)) store.files.set(name, content);
    older = now;
    const index = new PastIndex(store, KEY, 'the repository', 1);
    return { ledger: createIndexedLedger(inner, index), keeper: index, save: async () => index.save() };
  };
}

/** Parts of a store that are not as they were written any more. */
function damaged(
  files: Map<string, Uint8Array>,
  older: ReadonlyMap<string, Uint8Array>,
  random: SeededRandom,
): readonly (readonly [string, Uint8Array])[] {
  const all = [...files];
  switch (random.below(8)) {
    case 0:
      return [...older];
    case 1:
      return all.map(([name, content]) => [name, flipped(content, random.below(8 * content.length + 1))]);
    case 2:
      return all.map(([name, content]) => [name, content.subarray(0, random.below(content.length + 1))]);
    case 3:
      files.clear();
      return all.filter(() => random.chance(0.5));
    default:
      return [];
  }
}
