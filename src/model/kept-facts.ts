// What is kept between runs and can be thrown away: values that follow from their keys alone.

/** What follows from keys alone, of one kind. */
export interface KeptFacts {
  readonly known: ReadonlyMap<string, unknown>;
  learn(key: string, value: unknown): void;
}

/** New values, at least, and that part of those that are kept, for which they are stored again. */
const WORTHWHILE = { least: 8, part: 0.02 } as const;

/** Returns how many new values make it worth it to store values of that number again. */
export function enoughToStore(size: number): number {
  return Math.max(WORTHWHILE.least, WORTHWHILE.part * size);
}

/** Keeps between runs what follows from a key alone: every part of the key that could change it is in the key. */
export interface FactKeeper {
  /** Number of releases from which on keeping a past takes less time than reading it again. */
  readonly leastReleases: number;
  facts(kind: string): Promise<KeptFacts>;
  /** Stores the facts of a kind now and not at the end of the run, for work that somebody may break off. */
  store(kind: string): Promise<void>;
}
