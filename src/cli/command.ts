// What every command's module exports: `run`, given the session and what was typed.
import type { Command } from 'commander';
import type { Io } from './io.ts';
import type { Session } from './session.ts';

/** A command's parsed arguments and options, as the grammar in program.ts declares them. */
export interface Input {
  readonly args: readonly unknown[];
  readonly options: Readonly<Record<string, unknown>>;
  /** Whether an option was typed, and not taken from the environment or a default. */
  readonly typed: (option: string) => boolean;
  /** The whole grammar, for `completion`. */
  readonly program: Command;
  /** Runs another command line, as a process would: for `demo`. */
  readonly runProgram: (io: Io) => Promise<number>;
}

/** A command's work. Resolves to the exit code. */
export type Run = (session: Session, input: Input) => Promise<number>;

/** An argument that is text. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** An option that may be absent. */
export function optional(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** A variadic argument. */
export function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
