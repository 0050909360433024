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

/** Variables of a process, by name. Only the composition root reads those of this one. */
export type ProcessEnv = Readonly<Record<string, string | undefined>>;

/** A number in [0, 1): for jitter only. */
export type Random = () => number;

/** What has just been done to a release line. docs/reference/log.md has each with its facts. */
export type StepName =
  | 'planned'
  | 'gate'
  | 'refused'
  | 'unchanged'
  | 'copied'
  | 'committed'
  | 'proposed'
  | 'tagged'
  | 'verified'
  | 'applied';

/** A step of the work, for logs that machines read. */
export interface Step {
  readonly name: StepName;
  readonly environment: string;
  readonly application?: string;
  /** The number of the release, once it is known. */
  readonly release?: number;
  /** How long the step took; undefined where it took no time of its own. */
  readonly durationMs?: number;
  /** What the step is about, by its name. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Something worth telling a person while a command runs. The library never prints; the CLI renders these. */
export interface Progress {
  /** What is waited for outside: in the log of a job it gets a line now and then. */
  readonly waits?: true;
  readonly level: 'progress' | 'step' | 'info' | 'warning';
  /** One line, lower case, no full stop. */
  readonly text: string;
  /** How much of it is done: for a bar, a rate and an estimate. The text says it as well. */
  readonly bytes?: { readonly done: number; readonly total: number };
  /** Of level `step`: the same for machines. */
  readonly step?: Step;
}

/** Where reports of progress go. */
export type ReportProgress = (progress: Progress) => void;
