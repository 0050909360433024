// Step `command`: a program of the trunk's commit, in a copy of that commit's tree. It gets what it needs to know of the release,
// the variables that the step names, and none of tagflow's secrets.
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ProcessEnv } from '../model/effects.ts';
import { TagflowError } from '../model/errors.ts';
import type { CommandStep } from '../model/verification.ts';
import { readJunit } from './junit.ts';
import { type ProgramEnd, runProgram } from '../programs/program.ts';
import type { Answer, ProgramFile, VerifyTarget } from './verify.ts';

/** Where a program runs, and with what. */
export interface CommandPlace {
  /** The copy of the trunk's tree. */
  readonly folder: string;
  readonly env: ProcessEnv;
  readonly signal: AbortSignal;
}

/** Bytes of a program's output that are looked at. */
const KEEP = 65_536;
/** Largest file of results that is read, in bytes. */
const MOST_RESULTS = 8 * 1024 * 1024;
/** Largest tree that is written out, in bytes. */
const MOST_TREE = 512 * 1024 * 1024;

/** Runs the program once. Exit code 0 is a yes, and every other one a no; a program that does not end gives no answer. */
export async function askCommand(
  step: CommandStep,
  target: VerifyTarget,
  { folder, env, signal }: CommandPlace,
  limitMs: number,
): Promise<Answer> {
  const [program, ...args] = step.command;
  const results = step.junit === undefined ? undefined : join(folder, step.junit);
  if (results !== undefined) await rm(results, { force: true, recursive: true });
  const words: readonly [string, ...string[]] = [program.includes('/') ? join(folder, program) : program, ...args];
  const end = await runProgram(words, {
    cwd: folder,
    env: variablesOf(step, target, folder, env),
    limitMs,
    signal,
    keep: KEEP,
  });
  const said = lastLine(end);
  if (end.exitCode === undefined) return { said: 'nothing', seen: `${program}: ${end.problem ?? 'it did not end'}` };
  if (results !== undefined) return judgeResults(results, step, end, said);
  const { exitCode } = end;
  if (exitCode === 0) return { said: 'yes', seen: said || 'exit code 0', exitCode };
  return { said: 'no', seen: `exit code ${exitCode}${said && `: ${said}`}`, exitCode };
}

async function judgeResults(
  path: string,
  { junit }: CommandStep,
  { exitCode }: ProgramEnd,
  said: string,
): Promise<Answer> {
  const file = await stat(path).catch(() => undefined);
  // Nobody may ever write to a pipe.
  if (file && !file.isFile()) return { said: 'nothing', seen: `${junit} is not a file` };
  const size = file?.size;
  const tail = said && `: ${said}`;
  if (exitCode !== 0 && size === undefined) return { said: 'no', seen: `exit code ${exitCode}${tail}` };
  if (size === undefined) return { said: 'nothing', seen: `it wrote no ${junit}${tail}` };
  if (size > MOST_RESULTS) return { said: 'nothing', seen: `${junit} has ${size} bytes, more than 8 MiB` };
  const found = readJunit(await readFile(path, 'utf8'));
  if (!found) return { said: 'nothing', seen: `${junit} is not JUnit XML` };
  const { tests, failed } = found;
  if (failed.length > 0)
    return { said: 'no', seen: `${failed.length} of ${tests} tests failed: ${failed.slice(0, 5).join(', ')}` };
  if (exitCode !== 0) return { said: 'no', seen: `exit code ${exitCode}, though no test failed${tail}` };
  return tests === 0
    ? { said: 'nothing', seen: `${junit} has no test in it` }
    : { said: 'yes', seen: `${tests} tests passed` };
}

/** The last line that a program wrote, of errors before of results. */
function lastLine({ stdout, stderr }: ProgramEnd): string {
  const lines = [...stdout.trim().split('\n'), ...stderr.trim().split('\n')].filter((line) => line.trim() !== '');
  return lines.at(-1)?.slice(0, 300) ?? '';
}

/** Where programs are found, and the words that they speak. */
const TAKEN_OVER = ['PATH', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'SystemRoot'];

function variablesOf(
  { env: named }: CommandStep,
  { environment, application, release, images }: VerifyTarget,
  folder: string,
  env: ProcessEnv,
): Record<string, string> {
  const [only, ...others] = images;
  const taken = [...TAKEN_OVER, ...named].flatMap((name) =>
    env[name] === undefined ? [] : [[name, env[name]] as const],
  );
  return {
    HOME: folder,
    ...Object.fromEntries(taken),
    TAGFLOW_ENVIRONMENT: environment,
    ...(application !== undefined && { TAGFLOW_APPLICATION: application }),
    TAGFLOW_RELEASE: String(release.sequence),
    TAGFLOW_COMMIT: release.commit,
    TAGFLOW_IMAGES: JSON.stringify(
      images.map(({ name, repository, version, digest }) => ({ name, repository, version, digest })),
    ),
    ...(only && others.length === 0 && { TAGFLOW_VERSION: only.version }),
  };
}

/** Writes files of a commit into a folder that is there and empty. Throws `not-supported` for more than 512 MiB. */
export async function writeTree(folder: string, files: AsyncIterable<ProgramFile>): Promise<void> {
  let size = 0;
  for await (const { path, content, isExecutable } of files) {
    size += content.length;
    if (size > MOST_TREE) {
      throw new TagflowError('not-supported', {
        what: 'the trunk’s tree is too large for a step that runs a program',
        why: 'it has more than 512 MiB of files',
        fix: 'use another kind of step, such as http',
      });
    }
    // The ledger refuses paths that lead out of the tree; links are not among the files.
    const at = join(folder, path);
    await mkdir(dirname(at), { recursive: true });
    await writeFile(at, content);
    if (isExecutable) await chmod(at, 0o755);
  }
}
