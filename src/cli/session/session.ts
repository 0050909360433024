// What a command is given, and how a run is asked to stop.
import type { Given, RegistryContext } from '../../engine/context.ts';
import type { Failure } from '../../views/failure.ts';
import type { View } from '../../views/view.ts';
import type { Facts } from './facts.ts';
import type { Format, GlobalOptions } from '../arguments/globals.ts';
import type { Io } from '../process/io.ts';

/** What a command is given. */
export interface Session {
  readonly io: Io;
  readonly options: GlobalOptions;
  readonly signal: AbortSignal;
  /** What this run has done so far. */
  readonly facts: Facts;
  /** The ports; made on first use, freed when the command ends. */
  context(): Promise<Given>;
  /** The registries alone: no Git remote is needed. */
  registries(): Promise<RegistryContext>;
  /** Writes the command's result to stdout in the format that was asked for. */
  print(result: View): void;
  /** Writes failures to stderr, or as JSON to stdout; in another format than the one that was asked for where one is given. */
  fail(failures: readonly Failure[], output?: Format): void;
  /** Tells a person something on stderr, unless `-q`. */
  say(text: string): void;
}

/** How a run is asked to stop. */
export interface Stopping {
  /** Fires on the first signal: nothing new is started. */
  readonly signal: AbortSignal;
  /** Fires when the process ends at once: everything is broken off. */
  readonly forced: AbortSignal;
  /** What the run has done so far. */
  readonly facts: Facts;
}
