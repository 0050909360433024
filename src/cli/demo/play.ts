// The work of `tagflow demo`: complete sandboxes, and the stories played in them with the real commands at made-up times.
import { join, relative, resolve } from 'node:path';
import type { Clock } from '../../model/effects.ts';
import { EXIT, TagflowError } from '../../model/errors.ts';
import type { Layout } from '../../model/pipeline.ts';
import { machineClock } from '../../compose/clock.ts';
import { findOnPath } from '../../programs/find.ts';
import type { CommandLine } from '../grammar/define.ts';
import type { Session } from '../session/session.ts';
import { type Sandbox, IMAGES, buildSandbox, momentOf } from './sandbox.ts';
import { FOLDERS_STORY } from './folders-story.ts';
import { gatesStory, keyFileOf, makeKeys } from './gates-story.ts';
import { type Actor, type Scene, STORY } from './story.ts';

/** Which stories a demo plays: months of releases, what stops a release, or one after the other. */
export type Stories = 'all' | 'releases' | 'gates';

/** Where the sandbox of the second story is when the demo plays all, inside the sandbox of the first. */
const GATES_FOLDER = 'gates';

/** Builds a sandbox for each story, in a folder, and plays it. Resolves to the exit code. */
export async function playDemo(
  session: Session,
  { folder, layout, story }: { readonly folder: string; readonly layout: Layout; readonly story: Stories },
  { runProgram }: CommandLine,
): Promise<number> {
  const directory = resolve(session.options.directory, folder);
  const shown = shownPath(session.io.cwd, directory);
  const out = (line: string): void => void session.io.stdout.write(`${line}\n`);
  const stage = { session, runProgram, out };
  if (story !== 'gates') await playReleases(stage, directory, layout);
  const hasShell = (await findOnPath('sh', session.io.env)) !== undefined;
  if (story === 'gates' && !hasShell) throw withoutShell();
  // The second story is about branches; folders have their own.
  const isWhole = story === 'all' && layout === 'branches' && hasShell;
  if (isWhole) out('# A second sandbox tells what stops a release.\n');
  else if (!hasShell)
    out('# This machine has no sh, which the smoke test of the second story needs. The demo leaves that story out.\n');
  if (story === 'gates') await playGates(stage, directory);
  else if (isWhole) await playGates(stage, join(directory, GATES_FOLDER));
  out(farewell(shown, { layout, story: isWhole || story === 'gates' ? story : 'releases' }, session.io.env));
  return EXIT.ok;
}

/** A folder as a person names it: from where they are, unless the way there is up and down again. */
function shownPath(from: string, folder: string): string {
  const way = relative(from, folder) || '.';
  return way.startsWith(join('..', '..')) ? folder : way;
}

function withoutShell(): TagflowError {
  return new TagflowError('not-supported', {
    what: 'the story about gates cannot be played here',
    why: 'its smoke test is a shell script, and the PATH has no sh',
    fix: 'play the other one: tagflow demo --story releases',
  });
}

type Hall = Omit<Stage, 'sandbox' | 'isSigned'>;

async function playReleases(hall: Hall, directory: string, layout: Layout): Promise<void> {
  const sandbox = await raise(hall, directory, layout);
  await playScenes({ ...hall, sandbox, isSigned: false }, layout === 'folders' ? FOLDERS_STORY : STORY);
}

async function playGates(hall: Hall, directory: string): Promise<void> {
  const sandbox = await raise(hall, directory, 'branches');
  const isSigned = await makeKeys(sandbox);
  await playScenes({ ...hall, sandbox, isSigned }, gatesStory(isSigned));
}

/** Builds a sandbox, and says what it is. */
async function raise({ session, out }: Hall, directory: string, layout: Layout): Promise<Sandbox> {
  const sandbox = await buildSandbox(directory, session.io.env, layout);
  const names = Object.entries(IMAGES).map(([name, versions]) => `${name} ${versions.join(' ')}`);
  const shown = shownPath(session.io.cwd, directory);
  out(`A sandbox in ${shown}: a registry on disk with ${names.join(', ')}, and a repository.\n`);
  return sandbox;
}

async function playScenes(stage: Stage, scenes: readonly Scene[]): Promise<void> {
  for (const scene of scenes) {
    stage.session.signal.throwIfAborted();
    if ('say' in scene) stage.out(`# ${scene.say}\n`);
    else if ('change' in scene) await scene.change(stage.sandbox, scene);
    else await play(stage, scene);
  }
}

interface Stage {
  readonly session: Session;
  readonly sandbox: Sandbox;
  readonly runProgram: CommandLine['runProgram'];
  readonly out: (line: string) => void;
  /** Each person signs with a key of their own. */
  readonly isSigned: boolean;
}

async function play(
  { session, sandbox, runProgram, out, isSigned }: Stage,
  { run: argv, exit: expected = EXIT.ok, daysAgo, by }: Extract<Scene, { run: readonly string[] }>,
): Promise<void> {
  out(`$ tagflow ${argv.map(quoted).join(' ')}`);
  const { io } = session;
  // Both streams go to one place, in order, as a terminal would show them.
  const exit = await runProgram({
    ...io,
    argv: ['--no-pager', ...argv],
    cwd: sandbox.directory,
    stderr: io.stdout,
    env: {
      ...quietEnv(io.env),
      ...actorEnv(by),
      TAGFLOW_RUN: '1',
      ...(isSigned && { TAGFLOW_SIGNING_KEY: keyFileOf(sandbox, by) }),
    },
    clock: storyClock(daysAgo),
  });
  if (exit !== expected) throw new Error(`tagflow ${argv[0]} ended with ${exit}, the story expects ${expected}`);
  out('');
}

/** A clock with the time of the story that waits in real time. */
function storyClock(daysAgo: number): Clock {
  return { ...machineClock, now: () => momentOf(machineClock.now(), daysAgo) };
}

/** The variables of a person, or of the job that acts for them. */
function actorEnv({ name, pipeline }: Actor): Session['io']['env'] {
  if (pipeline === undefined) return { TAGFLOW_ACTOR: name };
  return {
    TAGFLOW_ACTOR: `ci #${pipeline}`,
    TAGFLOW_ON_BEHALF_OF: name,
    TAGFLOW_JOB_URL: `https://ci.example.com/shop/pipelines/${pipeline}`,
  };
}

/** What would make the story another one: settings of the person's own, and of the CI job that plays it. */
function quietEnv(env: Session['io']['env']): Session['io']['env'] {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(?:TAGFLOW_|GITHUB_|GITLAB_|CI_|CI$|JENKINS_|GIT_AUTHOR_)/.test(name)),
  );
}

function farewell(
  directory: string,
  { layout, story }: { readonly layout: Layout; readonly story: Stories },
  env: Session['io']['env'],
): string {
  // Started by npm from a checkout of tagflow itself, there is no `tagflow` on the PATH.
  const tagflow = env['npm_lifecycle_event'] === 'demo' ? 'npm run -s tagflow --' : 'tagflow';
  const next = (at: string, commands: readonly Suggestion[]): readonly Suggestion[] =>
    commands.map(([command, about]) => [`${tagflow} -C ${quoted(at)} ${command}`, about]);
  const gates = story === 'gates' ? directory : join(directory, GATES_FOLDER);
  const log = (at: string, options: string, about: string): Suggestion => [
    `git -C ${quoted(`${at}/repository.git`)} log ${options}`,
    about,
  ];
  const suggested: Suggestion[] = [];
  if (layout === 'folders')
    suggested.push(...next(directory, TRY_FOLDERS), log(directory, '--stat main', 'what each release changed'));
  else if (story !== 'gates')
    suggested.push(...next(directory, TRY_RELEASES), log(directory, '--graph --oneline --all', 'the branches'));
  if (story !== 'releases')
    suggested.push(...next(gates, TRY_GATES), log(gates, "--format='%an %s' tagflow-journal", 'who said what'));
  const width = Math.max(...suggested.map(([command]) => command.length));
  const lines = ['Everything is still there. Try next:'];
  lines.push(...suggested.map(([command, about]) => `  ${command.padEnd(width)}  # ${about}`));
  const again = 'To begin again, run the demo again.';
  const isBeforeTutorial = layout === 'branches' && story !== 'gates';
  lines.push(isBeforeTutorial ? `The tutorial continues from here: docs/tutorial.md. ${again}` : again);
  return lines.join('\n');
}

/** A command, and what it shows. */
type Suggestion = readonly [command: string, about: string];

const TRY_RELEASES: readonly Suggestion[] = [
  ['promote dev mariadb=V10.11', 'a new version'],
  ['promote prd', 'refused, and says why'],
  ['show prd --at 60d', 'what ran two months ago'],
  ['promote prd --unhold', 'lift the hold of the rollback'],
];
const TRY_FOLDERS: readonly Suggestion[] = [
  ['promote dev db db/mariadb=V10.11', 'a new version of one application'],
  ['promote stg --all --dry-run', 'what would move, and nothing does'],
  ['rollback prd db', 'one application, and no other'],
];
const TRY_GATES: readonly Suggestion[] = [
  ['show stg --release 2', 'what the verification saw'],
  ['show prd', 'who overrode, approved, and why'],
];

/** A word as a shell takes it. */
function quoted(word: string): string {
  if (/^[\w@%+=:,./#-]+$/.test(word) && !word.startsWith('#')) return word;
  return /["$`\\!]/.test(word) ? `'${word.replaceAll("'", String.raw`'\''`)}'` : `"${word}"`;
}
