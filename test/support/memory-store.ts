// A store of the past in memory, and what can become of one: bytes that flip, are cut, come from elsewhere or are lost.
import type { PastStore } from '../../src/ledger/past/past-store.ts';

/** A store that a test can look into. */
export interface MemoryStore extends PastStore {
  readonly files: Map<string, Uint8Array>;
}

/** An empty store, or one that begins with the files of another. */
export function createMemoryStore(files?: ReadonlyMap<string, Uint8Array>): MemoryStore {
  const kept = new Map(files);
  return {
    files: kept,
    read: async (name) => kept.get(name),
    write: async (name, content) => {
      kept.set(name, content);
    },
  };
}

/** Bytes with one bit turned over. */
export function flipped(content: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(content);
  const at = Math.floor(bit / 8) % copy.length;
  copy[at] = (copy[at] ?? 0) ^ (1 << (bit % 8));
  return copy;
}
