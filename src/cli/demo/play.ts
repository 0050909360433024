// The work of `tagflow demo`: a complete sandbox, and a story played in it with the real commands.
import { readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { EXIT } from '../../model/errors.ts';
import { machineClock } from '../clock.ts';
import type { CommandLine } from '../define.ts';
import { type Sandbox, IMAGES, buildSandbox, changeOnTrunk } from './sandbox.ts';
import type { Session } from '../session.ts';

/** A line of the story: what is going on, and the command that shows it; `exit` where it is not 0. */
type Step =
  | { readonly say: string }
  | { readonly run: readonly string[]; readonly exit?: number }
  | { readonly change: (sandbox: Sandbox) => Promise<void> };

const SETTINGS = 'environments/base/django.yaml';

const STORY: readonly Step[] = [
  { say: 'The environment branches do not exist yet: init makes them.' },
  { run: ['init', '--yes'] },
  { say: 'A first release goes through all environments. Each promotion is one commit, and tags that are read back.' },
  { run: ['promote', 'dev', 'django=V4.0', 'mariadb=V10.6', '--reason', 'first release'] },
  { run: ['promote', 'stg'] },
  { run: ['promote', 'prd', '--reason', 'go live'] },
  { say: 'A developer changes the configuration on the trunk, and django V4.2 is out: both travel together.' },
  { change: (sandbox) => slowerProbe(sandbox) },
  { run: ['promote', 'dev', 'django=V4.2', '--reason', 'SHOP-7 new checkout'] },
  { run: ['promote', 'stg'] },
  { run: ['diff', 'stg', 'prd'] },
  { run: ['promote', 'prd', '--reason', 'SHOP-7 new checkout'] },
  { run: ['status'] },
  { say: 'The checkout fails in production. One command brings back the images and the configuration they ran with.' },
  { run: ['rollback', 'prd', '--reason', 'INC-412 checkout 500s'] },
  { say: 'Automation would put it straight back; it is refused until somebody lifts the hold.' },
  { run: ['promote', 'prd'], exit: EXIT.refused },
  { say: 'And months later, somebody asks what ran where, since when, and why.' },
  { run: ['history', 'prd'] },
  { run: ['where', 'django@V4.2'] },
  { run: ['status'] },
];

/** Builds the sandbox in a folder and plays the story. Resolves to the exit code. */
export async function playDemo(session: Session, folder: string, { runProgram }: CommandLine): Promise<number> {
  const directory = resolve(session.options.directory, folder);
  const sandbox = await buildSandbox(directory, machineClock, session.io.env);
  const shown = relative(session.io.cwd, directory) || '.';
  const names = Object.entries(IMAGES).map(([name, versions]) => `${name} ${versions.join(' ')}`);
  const out = (line: string): void => void session.io.stdout.write(`${line}\n`);
  out(`A sandbox in ${shown}: a registry on disk with ${names.join(', ')}, and a repository.\n`);
  for (const step of STORY) {
    session.signal.throwIfAborted();
    if ('say' in step) out(`# ${step.say}\n`);
    else if ('change' in step) await step.change(sandbox);
    else await play({ session, sandbox, runProgram, out }, step.run, step.exit ?? EXIT.ok);
  }
  out(farewell(shown, session.io.env));
  return EXIT.ok;
}

interface Stage {
  readonly session: Session;
  readonly sandbox: Sandbox;
  readonly runProgram: CommandLine['runProgram'];
  readonly out: (line: string) => void;
}

async function play(
  { session, sandbox, runProgram, out }: Stage,
  argv: readonly string[],
  expected: number,
): Promise<void> {
  out(`$ tagflow ${argv.map((word) => (/[ "]/.test(word) ? JSON.stringify(word) : word)).join(' ')}`);
  const { io } = session;
  // Both streams go to one place, in order, as a terminal would show them.
  const exit = await runProgram({ ...io, argv, cwd: sandbox.directory, stderr: io.stdout, env: quietEnv(io.env) });
  if (exit !== expected) throw new Error(`tagflow ${argv[0]} ended with ${exit}, the story expects ${expected}`);
  out('');
}

/** What would make the story another one: settings of the person's own, and of the CI job that plays it. */
function quietEnv(env: Session['io']['env']): Session['io']['env'] {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(?:TAGFLOW_(?!ACTOR)|GITHUB_|GITLAB_|CI_|CI$|JENKINS_)/.test(name)),
  );
}

async function slowerProbe(sandbox: Sandbox): Promise<void> {
  const before = await readFile(join(sandbox.directory, SETTINGS), 'utf8');
  const after = before.replace('path: /healthz\n', 'path: /healthz?deep=1\n');
  await changeOnTrunk(sandbox, SETTINGS, after, 'django: probe the database as well');
}

function farewell(directory: string, env: Session['io']['env']): string {
  // Started by npm from a checkout of tagflow itself, there is no `tagflow` on the PATH.
  const tagflow = env['npm_lifecycle_event'] === 'demo' ? 'npm run -s tagflow --' : 'tagflow';
  return [
    `Everything is still there. Play with it:`,
    `  ${tagflow} -C ${directory} status`,
    `  ${tagflow} -C ${directory} promote prd --unhold`,
    `  ${tagflow} -C ${directory} show prd --release 1`,
    `  git -C ${directory}/repository.git log --graph --oneline --all`,
  ].join('\n');
}
