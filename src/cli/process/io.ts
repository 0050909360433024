// What a command may touch of the process: handed in, so that a test can hand in something else.
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../../model/effects.ts';

/** A stream that may be a terminal. */
export type Terminal = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };

/** The process, as commands see it. */
export interface Io {
  /** Arguments after the program's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Results. */
  readonly stdout: Terminal;
  /** Everything else. */
  readonly stderr: Terminal;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Where SIGINT and SIGTERM are handled. */
  readonly signals: Signals;
  /** The time; the machine's where it is left out. */
  readonly clock?: Clock;
  /** Shows a text in a pager, where the process has a terminal of its own. Resolves to false where there is none. */
  readonly pager?: (command: readonly string[], text: string, env: Io['env']) => Promise<boolean>;
}

/** The part of `process` that signals need. */
export interface Signals {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  off(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  exit(code: number): never;
}
