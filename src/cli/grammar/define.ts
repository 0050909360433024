// How a command is written down: grammar, help, examples and work in one value, from which `run` gets its types. commander
// parses by it (grammar.ts); `--help`, completion and the reference page read it.
import type { Io } from '../process/io.ts';
import type { ArgumentSpec, OptionSpec, Specs, Values } from '../arguments/options.ts';
import type { Session } from '../session/session.ts';

/** What a command may know of the line that it was called by. */
export interface CommandLine {
  /** Whether an option was typed, and not taken from a variable or a default. */
  readonly typed: (option: string) => boolean;
  /** Every command. */
  readonly commands: readonly Command[];
  /** Prints the help of a command, or of the program. Throws `usage`. */
  readonly showHelp: (command: string | undefined) => void;
  /** Runs another command line, as a process would: for `demo`. */
  readonly runProgram: (io: Io) => Promise<number>;
}

/** A command as it is written down. */
export interface CommandSpec<A extends Specs<ArgumentSpec<unknown>>, O extends Specs<OptionSpec<unknown>>> {
  readonly name: string;
  /** One line, imperative, lower case, no full stop. */
  readonly summary: string;
  /** Paragraphs of `--help` and of the reference page: Markdown with code spans and links alone. */
  readonly description: readonly string[];
  /** Command lines that work as they stand in the demo or with the reader's own names. */
  readonly examples: readonly string[];
  /** Formats of `-o` that this command has and others do not. */
  readonly formats?: readonly string[];
  /** Left out of help and completion. */
  readonly hidden?: boolean;
  readonly arguments: A;
  readonly options: O;
  /** The work. What is heavy is imported inside. Resolves to the exit code. */
  readonly run: (session: Session, input: Values<A> & Values<O>, line: CommandLine) => Promise<number>;
}

/** A command whose types have done their work: what the program and the help need of it. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly description: readonly string[];
  readonly examples: readonly string[];
  readonly formats: readonly string[];
  readonly hidden: boolean;
  readonly arguments: Specs<ArgumentSpec<unknown>>;
  readonly options: Specs<OptionSpec<unknown>>;
  readonly start: (session: Session, input: Readonly<Record<string, unknown>>, line: CommandLine) => Promise<number>;
}

/** Writes a command down. */
export function defineCommand<A extends Specs<ArgumentSpec<unknown>>, O extends Specs<OptionSpec<unknown>>>({
  run,
  hidden = false,
  formats = [],
  ...spec
}: CommandSpec<A, O>): Command {
  // The values are read by the same specifications that give them their types: grammar.ts, readValues.
  return {
    ...spec,
    hidden,
    formats,
    start: (session, input, line) => run(session, input as Values<A> & Values<O>, line),
  };
}
