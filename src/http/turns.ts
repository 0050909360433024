// Work that takes turns.

/** Does work one after the other for a key, in the order it came; other keys go on beside. A failure is its own work's alone. */
export type TakeTurns = <T>(key: string, work: () => Promise<T>) => Promise<T>;

/** Turns that nobody has taken yet. */
export function createTurns(): TakeTurns {
  const last = new Map<string, Promise<unknown>>();
  return async (key, work) => {
    const run = (last.get(key) ?? Promise.resolve()).then(work);
    last.set(
      key,
      run.catch(() => undefined),
    );
    return run;
  };
}
