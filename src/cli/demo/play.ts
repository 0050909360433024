// The work of `tagflow demo`: a complete sandbox, and a story played in it with the real commands at made-up times.
import { relative, resolve } from 'node:path';
import type { Clock } from '../../model/effects.ts';
import { EXIT } from '../../model/errors.ts';
import type { Layout } from '../../model/pipeline.ts';
import { machineClock } from '../../compose/clock.ts';
import type { CommandLine } from '../define.ts';
import type { Session } from '../session.ts';
import { type Sandbox, IMAGES, buildSandbox, momentOf } from './sandbox.ts';
import { FOLDERS_STORY } from './folders-story.ts';
import { gatesStory, keyOf, makeKeys } from './gates-story.ts';
import { type Actor, type Scene, STORY } from './story.ts';

/** Builds the sandbox in a folder and plays the story. Resolves to the exit code. */
export async function playDemo(
  session: Session,
  { folder, layout, story }: { readonly folder: string; readonly layout: Layout; readonly story: 'releases' | 'gates' },
  { runProgram }: CommandLine,
): Promise<number> {
  const directory = resolve(session.options.directory, folder);
  const sandbox = await buildSandbox(directory, session.io.env, layout);
  const shown = relative(session.io.cwd, directory) || '.';
  const names = Object.entries(IMAGES).map(([name, versions]) => `${name} ${versions.join(' ')}`);
  const out = (line: string): void => void session.io.stdout.write(`${line}\n`);
  out(`A sandbox in ${shown}: a registry on disk with ${names.join(', ')}, and a repository.\n`);
  const isSigned = story === 'gates' && (await makeKeys(sandbox));
  const releases = layout === 'folders' ? FOLDERS_STORY : STORY;
  for (const scene of story === 'gates' ? gatesStory(isSigned) : releases) {
    session.signal.throwIfAborted();
    if ('say' in scene) out(`# ${scene.say}\n`);
    else if ('change' in scene) await scene.change(sandbox, scene);
    else await play({ session, sandbox, runProgram, out, isSigned }, scene);
  }
  out(farewell(shown, story === 'gates' ? story : layout, session.io.env));
  return EXIT.ok;
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
      ...(isSigned && { TAGFLOW_SIGNING_KEY: keyOf(sandbox, by) }),
    },
    clock: storyClock(daysAgo),
  });
  if (exit !== expected) throw new Error(`tagflow ${argv[0]} ended with ${exit}, the story expects ${expected}`);
  out('');
}

/** A clock that tells the time of the story, and waits as the machine does. */
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

function farewell(directory: string, played: Layout | 'gates', env: Session['io']['env']): string {
  // Started by npm from a checkout of tagflow itself, there is no `tagflow` on the PATH.
  const tagflow = env['npm_lifecycle_event'] === 'demo' ? 'npm run -s tagflow --' : 'tagflow';
  const at = `${tagflow} -C ${quoted(directory)}`;
  if (played === 'gates') {
    return [
      'Everything is still there. Try next:',
      `  ${at} show stg --release 2            # what the verification saw`,
      `  ${at} show prd                        # who overrode, approved, and why`,
      `  git -C ${quoted(`${directory}/repository.git`)} log --format='%an %s' tagflow-journal`,
      'To begin again, run the demo again.',
    ].join('\n');
  }
  if (played === 'folders') {
    return [
      'Everything is still there. Try next:',
      `  ${at} promote dev db db/mariadb=V10.11   # a new version of one application`,
      `  ${at} promote stg --all --dry-run        # what would move, and nothing does`,
      `  ${at} rollback prd db                    # one application, and no other`,
      `  git -C ${quoted(`${directory}/repository.git`)} log --stat main`,
      'To begin again, run the demo again.',
    ].join('\n');
  }
  return [
    'Everything is still there. Try next:',
    `  ${at} promote dev mariadb=V10.11      # a new version`,
    `  ${at} promote prd                     # refused, and says why`,
    `  ${at} show prd --at 60d               # what ran two months ago`,
    `  ${at} promote prd --unhold            # lift the hold of the rollback`,
    `  git -C ${quoted(`${directory}/repository.git`)} log --graph --oneline --all`,
    'The tutorial continues from here: docs/tutorial.md. To begin again, run the demo again.',
  ].join('\n');
}

/** A word as a shell takes it. */
function quoted(word: string): string {
  if (/^[\w@%+=:,./#-]+$/.test(word) && !word.startsWith('#')) return word;
  return /["$`\\!]/.test(word) ? `'${word.replaceAll("'", String.raw`'\''`)}'` : `"${word}"`;
}
