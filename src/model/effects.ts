// The outside world as values that tests can replace: time and chance.

/** A point in time, in milliseconds since 1970-01-01T00:00Z. For display and for what others have dated, never for order. */
export type Instant = number;

/** When time is up, by `Clock.elapsed`. */
export type Deadline = number;

/** Reads the time and waits. */
export interface Clock {
  now(): Instant;
  /** Milliseconds since no moment in particular, for time-outs: it only goes forward, however the time of day is set. */
  elapsed(): number;
  /** Resolves after `milliseconds`, or rejects with the signal's reason when it aborts first. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** A number in [0, 1): for jitter only. */
export type Random = () => number;

/** Something worth telling a person while a command runs. The library never prints; the CLI renders these. */
export interface Notice {
  readonly level: 'progress' | 'info' | 'warning';
  /** One line, lower case, no full stop. */
  readonly text: string;
  /** How much of it is done: for a bar, a rate and an estimate. The text says it as well. */
  readonly bytes?: { readonly done: number; readonly total: number };
}

/** Where notices go. */
export type Notify = (notice: Notice) => void;
