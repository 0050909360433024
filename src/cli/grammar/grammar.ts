// The grammar that commander parses by, made from the commands as they are written down. commander splits the line into
// options and arguments, refuses what it does not know and makes suggestions; values are read in settle.ts.
import { Argument, Command as Commander, Option } from 'commander';
import { TagflowError } from '../../model/errors.ts';
import type { Command } from './define.ts';
import { type ArgumentSpec, Invalid, type OptionSpec, type Specs } from '../arguments/options.ts';
import { GLOBAL_OPTIONS } from '../arguments/globals.ts';
import { formatHelpItem, helpAfter, helpText } from './help.ts';
import type { Io } from '../process/io.ts';
import type { Typed } from '../arguments/settle.ts';
import { VERSION } from '../process/version.ts';

/** The width of help where no terminal gives one. */
const HELP_WIDTH = 80;

/**
 * Returns the program with its commands; the caller gives each command its `action`. `isLean`: only the command that the line
 * names has its options, so that the program starts quickly.
 */
export function createGrammar(
  commands: readonly Command[],
  io: Pick<Io, 'argv' | 'stdout'>,
  isLean = false,
): Commander {
  const program = new Commander('tagflow')
    .description('Promotes container images between environments: registry tags and Git branches, kept in step.')
    .helpCommand(false)
    .configureHelp({ subcommandTerm: (command) => command.name(), formatItem: formatHelpItem, minWidthToWrap: 20 })
    .showHelpAfterError(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: () => undefined,
      getOutHelpWidth: () => (io.stdout.isTTY === true && io.stdout.columns ? io.stdout.columns : HELP_WIDTH),
    });
  addOptions(program, GLOBAL_OPTIONS);
  // Options of the program are taken from anywhere on the line; after `promote`, --version is the command's own.
  const before = io.argv.slice(0, commandAt(io.argv, program));
  const isOwn = before.length === io.argv.length || before.some((word) => word === '--version' || word === '-V');
  if (isOwn) program.version(VERSION, '-V, --version', 'print the version');
  const named = io.argv[before.length];
  for (const command of commands) {
    const isWhole = !isLean || command.name === named;
    program.addCommand(commanderOf(command, isWhole), { hidden: command.hidden });
  }
  for (const command of program.commands) command.exitOverride().copyInheritedSettings(program);
  return program;
}

/** Returns the index of the command: of the first word that is neither an option of the program nor the value of one. */
export function commandAt(argv: readonly string[], { options }: Commander): number {
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    if (!word.startsWith('-')) return at;
    // Where short options are written together, only the last one can have its value in the next word.
    const last = word.startsWith('--') ? word : `-${word.at(-1)}`;
    if (options.some(({ long, short, required }) => required && (long === last || short === last))) at += 1;
  }
  return argv.length;
}

/** Returns the options that were typed, by key, without the defaults that commander fills in. */
export function typedOptions(commander: Commander, specs: Specs<OptionSpec<unknown>>): Readonly<Record<string, Typed>> {
  return Object.fromEntries(
    Object.entries(specs).flatMap(([key, { flags }]) => {
      const name = new Option(flags).attributeName();
      return commander.getOptionValueSource(name) === 'cli' ? [[key, commander.getOptionValue(name) as Typed]] : [];
    }),
  );
}

/** Returns the values of a command's arguments, by key. Throws `usage` for an empty one: an argument's position has a meaning. */
export function readArguments(
  commander: Commander,
  specs: Specs<ArgumentSpec<unknown>>,
): Readonly<Record<string, unknown>> {
  const entries = Object.entries(specs).map(([key, spec], index) => {
    const words = [commander.processedArgs[index] as string | readonly string[] | undefined].flat().filter(isText);
    if (!spec.mayBeEmpty && words.some((word) => word.trim() === '')) throw emptyArgument(spec);
    return [key, parsed(spec, words)] as const;
  });
  return Object.fromEntries(entries);
}

function parsed<T>({ parse, word }: ArgumentSpec<T>, words: readonly string[]): T {
  try {
    return parse(words);
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    throw new TagflowError('usage', {
      what: `${JSON.stringify(words.join(' '))} is not a value of ${word}`,
      why: error.message,
      fix: error.meant === undefined ? `correct ${word}` : `did you mean ${error.meant}?`,
    });
  }
}

/** Returns what an argument is, with the words that it may be. */
export function argumentMeaning({ meaning, choices }: ArgumentSpec<unknown>): string {
  return choices ? `${meaning} (one of ${choices.join(', ')})` : meaning;
}

function isText(word: string | undefined): word is string {
  return word !== undefined;
}

function emptyArgument({ word, meaning }: ArgumentSpec<unknown>): TagflowError {
  return new TagflowError('usage', {
    what: `the argument ${word} is empty`,
    why: `it names ${meaning}; a variable that is not set leaves it empty`,
    fix: word.startsWith('[') ? 'name it, or leave the argument out' : 'name it',
  });
}

function commanderOf(command: Command, isWhole: boolean): Commander {
  const commander = new Commander(command.name).summary(command.summary);
  for (const spec of Object.values(command.arguments)) {
    const argument = new Argument(spec.word, argumentMeaning(spec));
    if (spec.preset !== undefined) argument.default(spec.preset);
    commander.addArgument(argument);
  }
  if (!isWhole) return commander;
  addOptions(commander, command.options);
  return commander.description(helpText(command.description)).addHelpText('after', helpAfter(command));
}

function addOptions(commander: Commander, specs: Specs<OptionSpec<unknown>>): void {
  for (const { flags, meaning, choices, variable, preset, showPreset, repeats, hidden } of Object.values(specs)) {
    const more = [
      ...(choices ? [`one of ${choices.join(', ')}`] : []),
      ...(showPreset === true ? [`default ${String(preset)}`] : []),
      ...(variable === undefined ? [] : [`variable ${variable}`]),
    ];
    const option = new Option(flags, more.length > 0 ? `${meaning} (${more.join('; ')})` : meaning);
    if (repeats)
      option.argParser((text: string, before?: string) => (before === undefined ? text : `${before},${text}`));
    commander.addOption(option.hideHelp(hidden === true));
  }
}
