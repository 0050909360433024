// How a benchmark measures and speaks: interleaved runs, medians, and one line for each limit. What is printed are ratios
// between things measured in the same run, since a time alone says more of the machine than of the program.

/** One contestant: what it does, and what has to be done before each run without being timed. */
export interface Contestant {
  readonly name: string;
  /** Before each run, outside the time. */
  prepare?(): Promise<void>;
  /** What is timed; a number that it returns counts instead of the milliseconds that passed. */
  run(): Promise<number | void>;
  /** Takes part in that many of the first rounds; in all of them when not said. For those that take long. */
  readonly rounds?: number;
}

/** Milliseconds of each run, by contestant. */
export type Times = ReadonlyMap<string, readonly number[]>;

/** Runs contestants in turn (A B A B …), after one round that does not count. */
export async function interleave(rounds: number, contestants: readonly Contestant[]): Promise<Times> {
  const times = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
  for (let round = -1; round < rounds; round += 1) {
    for (const { name, prepare, run, rounds: own = rounds } of contestants) {
      // Who is timed only once or twice needs no warming up.
      if (round >= own || (round < 0 && own < rounds)) continue;
      await prepare?.();
      const began = performance.now();
      const took = (await run()) ?? performance.now() - began;
      if (round >= 0) times.get(name)?.push(took);
    }
  }
  return times;
}

/** The middle value; the mean of the two in the middle. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
}

/** What a benchmark prints and whether its limits were kept. */
export class Report {
  #kept = true;

  /** Whether every limit so far was kept. */
  get kept(): boolean {
    return this.#kept;
  }

  heading(text: string): void {
    this.note(`\n${text}`);
  }

  note(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  /** The median of each contestant, with its fastest and slowest run. */
  times(times: Times): void {
    const width = Math.max(...[...times.keys()].map((name) => name.length));
    for (const [name, values] of times) {
      if (values.length === 0) continue;
      const range = `${duration(Math.min(...values))} to ${duration(Math.max(...values))}, ${values.length} runs`;
      this.note(`        ${name.padEnd(width)}  ${duration(medianOf(values)).padStart(9)}   (${range})`);
    }
  }

  /** That something takes at most `limit` times as long as another; by the medians. */
  atMost(times: Times, contestant: string, than: string, limit: number): void {
    const ratio = medianOf(times.get(contestant) ?? []) / medianOf(times.get(than) ?? []);
    this.limit(ratio <= limit, `${contestant} takes ${factor(ratio)} the time of ${than}`, `at most ${limit}x`);
  }

  /** That something is at least `limit` times as fast as another; by the medians. */
  fasterBy(times: Times, contestant: string, than: string, limit: number): void {
    const ratio = medianOf(times.get(than) ?? []) / medianOf(times.get(contestant) ?? []);
    this.limit(ratio >= limit, `${contestant} is ${factor(ratio)} as fast as ${than}`, `at least ${limit}x`);
  }

  /** A limit, kept or not. */
  limit(kept: boolean, what: string, limit: string): void {
    this.#kept &&= kept;
    this.note(`  ${kept ? 'PASS' : 'FAIL'}  ${what} (limit: ${limit})`);
  }

  /** A comparison that cannot be made here. */
  skip(program: string): void {
    this.note(`  skip  ${program} is not installed`);
  }
}

function duration(milliseconds: number): string {
  return milliseconds < 10_000 ? `${milliseconds.toFixed(1)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

function factor(ratio: number): string {
  return `${ratio.toFixed(2)}x`;
}
