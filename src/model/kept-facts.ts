// What is kept between runs and can be thrown away: values that follow from their keys alone.

/** What follows from keys alone, of one kind. */
export interface KeptFacts {
  readonly known: ReadonlyMap<string, unknown>;
  learn(key: string, value: unknown): void;
}

/** Keeps between runs what follows from a key alone: every part of the key that could change it is in the key. */
export interface FactKeeper {
  /** Number of releases from which on keeping a past takes less time than reading it again. */
  readonly leastReleases: number;
  facts(kind: string): Promise<KeptFacts>;
}
