// The program: the list of its commands, and the run of one command line. What a command does is in its own file.
import { statSync } from 'node:fs';
import { type Command as Commander, CommanderError } from 'commander';
import { EXIT, TagflowError } from '../model/errors.ts';
import { nameMeant } from '../model/nearest.ts';
import { apply } from './commands/apply.ts';
import { audit } from './commands/audit.ts';
import { check } from './commands/check.ts';
import { complete } from './commands/complete.ts';
import { completion } from './commands/completion.ts';
import { demo } from './commands/demo.ts';
import { diff } from './commands/diff.ts';
import { doctor } from './commands/doctor.ts';
import { explain } from './commands/explain.ts';
import { help } from './commands/help.ts';
import { history } from './commands/history.ts';
import { init } from './commands/init.ts';
import { approve } from './commands/approve.ts';
import { override } from './commands/override.ts';
import { hold } from './commands/hold.ts';
import { journal } from './commands/journal.ts';
import { lift } from './commands/lift.ts';
import { lock } from './commands/lock.ts';
import { ui } from './commands/ui.ts';
import { unapprove } from './commands/unapprove.ts';
import { unlock } from './commands/unlock.ts';
import { metrics } from './commands/metrics.ts';
import { report } from './commands/report.ts';
import { promote } from './commands/promote.ts';
import { rollback } from './commands/rollback.ts';
import { show } from './commands/show.ts';
import { status } from './commands/status.ts';
import { tag } from './commands/tag.ts';
import { verify } from './commands/verify.ts';
import { versions } from './commands/versions.ts';
import { where } from './commands/where.ts';
import type { Command } from './grammar/define.ts';
import { type Format, GLOBAL_OPTIONS, type GlobalOptions, globalsOf } from './arguments/globals.ts';
import { argumentMeaning, commandAt, createGrammar, readArguments, typedOptions } from './grammar/grammar.ts';
import type { Io } from './process/io.ts';
import { settleOptions, withoutEmpty } from './arguments/settle.ts';

/** Every command, in the order in which help lists them. */
export const COMMANDS: readonly Command[] = [
  promote,
  rollback,
  apply,
  verify,
  tag,
  status,
  diff,
  history,
  show,
  where,
  versions,
  metrics,
  report,
  ui,
  lock,
  unlock,
  hold,
  lift,
  approve,
  unapprove,
  override,
  journal,
  check,
  audit,
  doctor,
  explain,
  init,
  demo,
  completion,
  help,
  complete,
];

/** Runs one command line. Resolves to the exit code; never rejects. */
export async function runCommandLine(given: Io): Promise<number> {
  const io = { ...given, env: withoutEmpty(given.env) };
  const state = { exit: 0 };
  const program = createProgram(io, state, true);
  try {
    await program.parseAsync([...io.argv], { from: 'user' });
    return state.exit;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.ok;
      if (error.code === 'commander.help') return await helpForNoCommand(io, program);
      return reportFailure(io, program, usageError(error, io.argv, program));
    }
    return reportFailure(io, program, error);
  }
}

/** No command was named: the commands there are are the answer, unless the options are wrong. */
async function helpForNoCommand(io: Io, program: Commander): Promise<number> {
  try {
    globalsFrom(io, program);
  } catch (error) {
    return reportFailure(io, program, error);
  }
  program.outputHelp();
  return EXIT.ok;
}

function globalsFrom(io: Io, program: Commander): GlobalOptions {
  return globalsOf(settleOptions(GLOBAL_OPTIONS, typedOptions(program, GLOBAL_OPTIONS), io.env), io.cwd);
}

/** The program with all its commands, ready to parse a line. */
export function createProgram(io: Io, state: { exit: number } = { exit: 0 }, isLean = false): Commander {
  const program = createGrammar(COMMANDS, io, isLean);
  for (const command of COMMANDS) {
    const commander = program.commands.find((candidate) => candidate.name() === command.name);
    commander?.action(async () => {
      state.exit = await start(command, commander, program, io);
    });
  }
  return program;
}

async function start(command: Command, commander: Commander, program: Commander, io: Io): Promise<number> {
  const globals = globalsFrom(io, program);
  requireFormat(command, globals.output);
  requireFolder(globals.directory, io.cwd);
  const typed = typedOptions(commander, command.options);
  const options = settleOptions(command.options, typed, io.env);
  const input = { ...readArguments(commander, command.arguments), ...options };
  const { withSession } = await import('./session/run-session.ts');
  const line = {
    typed: (option: string) => option in typed && typed[option] !== '',
    commands: COMMANDS,
    showHelp: (name: string | undefined) => showHelp(program, io, name),
    runProgram: runCommandLine,
  };
  return withSession(io, globals, (session) => command.start(session, input, line));
}

/** Refuses to work in a folder that is not there. Throws `usage`. */
function requireFolder(directory: string, cwd: string): void {
  if (directory === cwd || statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new TagflowError('usage', {
    what: `there is no folder ${directory}`,
    why: '-C names the folder to work in',
    fix: 'correct -C, or leave it out',
  });
}

/** Refuses a format that only other commands have. Throws `usage`. */
function requireFormat({ name, formats }: Command, output: Format): void {
  if (output !== 'openmetrics' || formats.includes(output)) return;
  throw new TagflowError('usage', {
    what: `tagflow ${name} does not write ${output}`,
    why: 'only measurements have that format',
    fix: `tagflow ${name} -o json`,
  });
}

/** Prints the help of a command, or of the program. Throws `usage` for a command that is not there. */
function showHelp(program: Commander, io: Io, name: string | undefined): void {
  const whole = createGrammar(COMMANDS, io);
  const command = name === undefined ? program : whole.commands.find((candidate) => candidate.name() === name);
  if (!command) throw noCommand(program, name ?? '');
  command.outputHelp();
}

async function reportFailure(io: Io, program: Commander, error: unknown): Promise<number> {
  const { renderFailure } = await import('./output/failure.ts');
  const exit = renderFailure(io, lenientGlobals(io, program), error);
  if (io.env['TAGFLOW_CODE_QUALITY'] || io.env['GITHUB_STEP_SUMMARY']) {
    const [{ writeFindings }, { failureFinding }, { failureOf }] = await Promise.all([
      import('./output/ci-files.ts'),
      import('../views/findings.ts'),
      import('../views/failure.ts'),
    ]);
    const say = (text: string): void => void io.stderr.write(`${text}\n`);
    await writeFindings({ io, say }, [failureFinding(failureOf(error))], 'Refused by');
  }
  return exit;
}

/** The global options as far as they can be read: a mistake in one must not hide how to report it. */
function lenientGlobals(io: Io, program: Commander): Partial<GlobalOptions> {
  const typed = typedOptions(program, GLOBAL_OPTIONS);
  const readable = Object.fromEntries(
    Object.entries(GLOBAL_OPTIONS).flatMap(([key, spec]) => {
      try {
        return [[key, settleOptions({ [key]: spec }, typed, io.env)[key]]];
      } catch {
        return [[key, spec.preset]];
      }
    }),
  );
  return globalsOf(readable as Parameters<typeof globalsOf>[0], io.cwd);
}

/** Reports that a result could not be written to stdout, after the command did its work. Resolves to the exit code. */
export async function reportUnwritten(io: Io, cause: Error): Promise<number> {
  const { renderFailure } = await import('./output/failure.ts');
  const text = {
    what: 'cannot write the result to stdout; the command has done its work',
    why: cause.message,
    fix: 'make room where stdout goes, then run: tagflow status',
    cause,
  };
  return renderFailure(io, {}, new TagflowError('storage-failed', text));
}

/** What commander refused; its suggestions (`Did you mean …?`) become the fix. */
function usageError(error: CommanderError, argv: readonly string[], program: Commander): TagflowError {
  const [what = '', guess] = error.message.replace(/^error: /, '').split(/\n\(Did you mean (?:one of )?(.*)\?\)/);
  const name = argv[commandAt(argv, program)] ?? '';
  const command = COMMANDS.find((one) => one.name === name);
  if (error.code === 'commander.unknownCommand') return noCommand(program, name);
  if (error.code === 'commander.missingArgument' && command) return missingArgument(command, error.message);
  const help = command ? `tagflow ${name} --help` : 'tagflow --help';
  return new TagflowError('usage', {
    what: what.replace(/\.$/, ''),
    fix: guess === undefined ? help : `did you mean ${guess}? see: ${help}`,
  });
}

/** What other programs call it. */
const CALLED_ELSEWHERE: Readonly<Record<string, string>> = {
  deploy: 'promote',
  release: 'promote',
  revert: 'rollback',
  undo: 'rollback',
  sync: 'apply',
  log: 'history',
  list: 'status',
  ls: 'status',
  freeze: 'lock',
  version: '--version',
};

function noCommand(program: Commander, name: string): TagflowError {
  const names = COMMANDS.flatMap((command) => (command.hidden ? [] : [command.name]));
  const meant = Object.hasOwn(CALLED_ELSEWHERE, name) ? CALLED_ELSEWHERE[name] : nameMeant(name, names);
  return new TagflowError('usage', {
    what: `unknown command '${name}'`,
    ...(meant === undefined && { why: `it has: ${names.join(', ')}` }),
    fix: meant === undefined ? `${program.name()} --help` : `did you mean tagflow ${meant}?`,
  });
}

function missingArgument({ name, arguments: specs, examples }: Command, message: string): TagflowError {
  const missing = Object.values(specs).find(({ word }) => message.includes(`'${word.replace(/[<>[\].]/g, '')}'`));
  return new TagflowError('usage', {
    what: `tagflow ${name} needs ${missing?.word ?? 'an argument'}`,
    ...(missing && { why: `${missing.word} is ${argumentMeaning(missing)}` }),
    fix: `write it, as in: ${examples[0]}`,
  });
}
