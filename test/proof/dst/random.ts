// Chance from a seed: the same seed gives the same numbers, on every machine.

/** Draws from a seeded sequence. */
export interface SeededRandom {
  /** A number in [0, 1). */
  next(): number;
  /** A whole number from 0 to `below - 1`. */
  below(below: number): number;
  /** True with a probability. */
  chance(probability: number): boolean;
  /** One of several. */
  pick<T>(choices: readonly T[]): T;
}

/** The sequence of a seed: sfc32 (Doty-Humphrey, PractRand), after splitting the seed into its state. */
export function createSeededRandom(seed: number): SeededRandom {
  let [a, b, c, d] = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, 0x9e3779b9, 1];
  const step = (): number => {
    const sum = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  // The first rounds still show the seed.
  for (let round = 0; round < 15; round += 1) step();
  const next = (): number => step() / 2 ** 32;
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick(choices) {
      if (choices.length === 0) throw new TypeError('there is nothing to pick from');
      return choices[below(choices.length)] as (typeof choices)[number];
    },
  };
}
