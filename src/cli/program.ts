// The command line's grammar: every command, argument and option in one place. What a command does is in its own file,
// loaded when it is called.
import { resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { EXIT, TagflowError } from '../model/errors.ts';
import { FORMATS, type Io } from './io.ts';
import { VERSION } from './version.ts';

/** Runs one command line. Resolves to the exit code; never rejects. */
export async function runProgram(io: Io): Promise<number> {
  const state = { exit: 0 };
  const program = createProgram(io, state);
  try {
    await program.parseAsync([...io.argv], { from: 'user' });
    return state.exit;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.ok;
      if (error.code === 'commander.help') {
        // No command was named: what there is to name is the answer.
        program.outputHelp();
        return EXIT.ok;
      }
      return reportFailure(io, program, usageError(error, io.argv, program));
    }
    return reportFailure(io, program, error);
  }
}

/** The program with all its commands; `completion` and the reference page read the same tree. */
export function createProgram(io: Io, state: { exit: number } = { exit: 0 }): Command {
  const program = new Command('tagflow')
    .description('Promotes container images between environments: registry tags and Git branches, kept in step.')
    .option('-C, --directory <dir>', 'work as if started in this folder', (dir: string) => resolve(io.cwd, dir), io.cwd)
    .addOption(
      new Option('--repo <url>', 'the Git remote that holds the environments (default: the remote origin)').env(
        'TAGFLOW_REPO',
      ),
    )
    .addOption(
      new Option('-o, --output <format>', 'how results are written')
        .choices(FORMATS)
        .default('table')
        .env('TAGFLOW_OUTPUT'),
    )
    .option('-q, --quiet', 'print results and errors only')
    .option('-v, --verbose', 'print what is done, and the causes of errors')
    .option('--yes', 'answer yes to every question')
    .option('--no-input', 'never ask')
    .addOption(
      new Option('--timeout <seconds>', 'how long one request may take')
        .argParser(seconds)
        .default(60)
        .env('TAGFLOW_TIMEOUT'),
    )
    .addOption(
      new Option('--config <file>', 'a configuration to try, instead of the trunk’s (recorded as such)').env(
        'TAGFLOW_CONFIG',
      ),
    )
    .helpCommand(false)
    .showHelpAfterError(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: () => undefined,
    });
  // Options of the program are taken from anywhere on the line; after `promote`, --version is the command's own.
  const before = io.argv.slice(0, commandAt(io.argv, program));
  if (before.length === io.argv.length || before.includes('--version'))
    program.version(VERSION, '--version', 'print the version');
  addReleaseCommands(program);
  addReadingCommands(program);
  addCheckingCommands(program);
  addSetupCommands(program);
  for (const command of program.commands) command.exitOverride().copyInheritedSettings(program);
  bind(program, io, state);
  return program;
}

/** The option that the record's reason comes from. */
function reason(): Option {
  return new Option('--reason <text>', 'why, for the record').env('TAGFLOW_REASON');
}

function addReleaseCommands(program: Command): void {
  program
    .command('promote')
    .summary('put a release on an environment')
    .description('Puts a release on an environment: by default what the upstream environment has now.')
    .argument('<env>', 'the environment')
    .argument('[image=version...]', 'versions to promote; other images stay as they are')
    .option('--version <version>', 'one version for all images')
    .option('--from <env>', 'take from this environment instead of the configured one')
    .addOption(reason())
    .option('--dry-run', 'print the plan, change nothing')
    .option('--plan-out <file>', 'save the plan, change nothing')
    .option('--plan <file>', 'do exactly this plan, or refuse')
    .option(
      '--override <gate>',
      'promote although these gates refuse; needs --reason (repeat, or join by commas)',
      names,
    )
    .option('--unhold', 'the same as --override held')
    .option('--allow-downgrade', 'the same as --override downgrade')
    .option('--discard-divergence', 'the same as --override divergence: give up commits on its branch alone')
    .option('--no-wait', 'do not try again after losing a race');
  program
    .command('rollback')
    .summary('restore the previous release, images and configuration')
    .argument('<env>', 'the environment')
    .addOption(
      new Option('--to <version|#sequence>', 'an earlier release, instead of the previous distinct one').argParser(
        something,
      ),
    )
    .addOption(reason())
    .option('--images-only', 'leave the configuration as it is')
    .option('--dry-run', 'print the plan, change nothing');
  program
    .command('apply')
    .summary('make target tags equal to the branches (idempotent)')
    .argument('[env...]', 'environments')
    .option('--all', 'every environment');
  program
    .command('tag')
    .summary('put tags on an image by its digest; into another repository with a copy')
    .argument('<source>', 'REPOSITORY:TAG or REPOSITORY@DIGEST')
    .argument('<tag...>', 'tags to put');
}

function addReadingCommands(program: Command): void {
  program
    .command('status')
    .summary('what runs where: branch and registry side by side, drift, what waits')
    .argument('[env]', 'one environment')
    .option('--exit-code', 'exit 10 when there is drift');
  program
    .command('diff')
    .summary('what promoting A to B would change')
    .argument('<a>', 'the environment to take from')
    .argument('<b>', 'the environment to compare with')
    .option('--exit-code', 'exit 10 when they differ');
  program
    .command('history')
    .summary('releases: what, when, by whom, why')
    .argument('[env]', 'one environment')
    .option('--image <image>', 'only releases that changed this image')
    .option('--since <time>', 'only releases since then (a time, or 7d, 12h)')
    .addOption(new Option('--limit <n>', 'at most so many').argParser(count).default(20));
  program
    .command('show')
    .summary('one release, whole')
    .argument('<env>', 'the environment')
    .addOption(new Option('--at <time>', 'what ran then: "2026-03-14 18:00 Europe/Paris"').conflicts('release'))
    .addOption(new Option('--release <n>', 'the release of this number').argParser(count));
  program
    .command('where')
    .summary('which environments have or had an image, from when to when')
    .argument('<digest|image@version>', 'a digest, its first digits, or IMAGE@VERSION');
}

function addCheckingCommands(program: Command): void {
  program
    .command('check')
    .summary('whether flow rules and the audit trail hold')
    .description(
      'Names every commit on an environment’s branch that is no valid release and breaks a rule. Exit code 3 when there is one.',
    )
    .argument('[env...]', 'environments; every one when none is named')
    .option('--since <time>', 'only commits since then (a time, or 7d, 12h), down to the release before them')
    .addOption(new Option('--limit <n>', 'at most so many commits of each branch, newest first').argParser(count))
    .option('--branch <branch>', 'check this branch as if it were the environment’s: what merging it would bring')
    .option('--no-registry', 'do not ask the registry whether a branch was rewound');
  program
    .command('doctor')
    .summary('whether credentials, rights, tags and clean-up rules will do; says what to fix')
    .description(
      'Examines the remote, the branches and every configured repository, and changes nothing. Exit code 11 when there is something to fix.',
    )
    .argument('[env]', 'one environment and its repositories');
}

function addSetupCommands(program: Command): void {
  program
    .command('init')
    .summary('find images and overlays, write tagflow.yaml; make missing branches')
    .option('--force', 'overwrite a tagflow.yaml');
  program
    .command('demo')
    .summary('a complete sandbox with nothing but this package and git')
    .argument('[dir]', 'where to build it', 'tagflow-demo');
  program
    .command('completion')
    .summary('a completion script')
    .addArgument(program.createArgument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']));
}

/** Every command's work, by its name: each is a module of its own, loaded on first use. */
const COMMANDS = {
  promote: () => import('./commands/promote.ts'),
  rollback: () => import('./commands/rollback.ts'),
  apply: () => import('./commands/apply.ts'),
  tag: () => import('./commands/tag.ts'),
  status: () => import('./commands/status.ts'),
  diff: () => import('./commands/diff.ts'),
  history: () => import('./commands/history.ts'),
  show: () => import('./commands/show.ts'),
  where: () => import('./commands/where.ts'),
  check: () => import('./commands/check.ts'),
  doctor: () => import('./commands/doctor.ts'),
  init: () => import('./commands/init.ts'),
  demo: () => import('./commands/demo.ts'),
  completion: () => import('./commands/completion.ts'),
} as const;

/** Where on a command line the command stands: the first word that is no option of the program and no value of one. */
function commandAt(argv: readonly string[], { options }: Command): number {
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    if (!word.startsWith('-')) return at;
    // Of short options written together only the last one can have its value in the next word.
    const last = word.startsWith('--') ? word : `-${word.at(-1)}`;
    if (options.some(({ long, short, required }) => required && (long === last || short === last))) at += 1;
  }
  return argv.length;
}

function bind(program: Command, io: Io, state: { exit: number }): void {
  for (const [name, load] of Object.entries(COMMANDS)) {
    const command = program.commands.find((candidate) => candidate.name() === name);
    command?.action(async () => {
      const [{ run }, { withSession }] = await Promise.all([load(), import('./session.ts')]);
      const input = {
        args: command.processedArgs as unknown[],
        options: command.opts(),
        typed: (option: string) => command.getOptionValueSource(option) === 'cli',
        program,
        runProgram,
      };
      state.exit = await withSession(io, program.opts(), (session) => run(session, input));
    });
  }
}

async function reportFailure(io: Io, program: Command, error: unknown): Promise<number> {
  const { renderFailure } = await import('./render/failure.ts');
  return renderFailure(io, program.opts(), error);
}

/** Tells that a result could not be written to stdout; what the command did is done. Resolves to the exit code. */
export async function reportUnwritten(io: Io, cause: Error): Promise<number> {
  const { renderFailure } = await import('./render/failure.ts');
  const text = {
    what: 'the result cannot be written to stdout; what the command did is done',
    why: cause.message,
    fix: 'make room where stdout goes, then look: tagflow status',
    cause,
  };
  return renderFailure(io, {}, new TagflowError('storage-failed', text));
}

/** What commander refused; its suggestions (`Did you mean …?`) become the fix. */
function usageError(error: CommanderError, argv: readonly string[], program: Command): TagflowError {
  const [what = '', guess] = error.message.replace(/^error: /, '').split(/\n\(Did you mean (?:one of )?(.*)\?\)/);
  const unknown = error.code === 'commander.unknownCommand';
  const name = argv[commandAt(argv, program)] ?? '';
  const help = Object.hasOwn(COMMANDS, name) ? `tagflow ${name} --help` : 'tagflow --help';
  return new TagflowError('usage', {
    what: what.replace(/\.$/, ''),
    why:
      unknown && guess === undefined
        ? `it has: ${program.commands.map((command) => command.name()).join(', ')}`
        : undefined,
    fix: guess === undefined ? help : `did you mean ${guess}? see: ${help}`,
  });
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 86_400)) throw new InvalidArgumentError('give a number of seconds');
  return value;
}

/** An empty word is a variable that was not set. */
function something(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('it is empty');
  return text;
}

/** Names, joined by commas or given one by one. */
function names(text: string, before: readonly string[] = []): readonly string[] {
  const given = text.split(',').map((name) => name.trim());
  if (given.includes('')) throw new InvalidArgumentError('a name is empty');
  return [...before, ...given];
}

function count(text: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new InvalidArgumentError('give a whole number from 1');
  return Number(text);
}
