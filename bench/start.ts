// How quickly the command starts: `tagflow --help`, the whole process, against a Node that does nothing; and what it loads.
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { run as runProgram } from '../test/support/git-repository.ts';
import { type Build, buildProgram } from './build.ts';
import { type Contestant, type Report, interleave } from './report.ts';

/** Packages that only a command that needs them may load. */
const HEAVY = [
  '@aws-sdk',
  '@google-cloud',
  'google-auth-library',
  'octokit',
  'simple-git',
  'yaml',
  'zod',
  'temporal-polyfill',
  'proper-lockfile',
  'p-limit',
  'diff',
];
/** As on a machine that never ran it before: a fresh container of a CI job. */
const COLD = 'tagflow --help, nothing compiled before';
const ROUNDS = 25;
const LIMIT = 2;
const STATUS_LIMIT = 5;
/** What no program that asks Git goes below: its commands, from Node. */
const GIT_ALONE = 'the Git commands of status, from Node';
const GIT_LIMIT = 3;

/** Runs the benchmark. */
export async function run(report: Report): Promise<void> {
  report.heading('start: the whole process, from start to exit');
  await using build = await buildProgram();
  // What is compiled is kept below the user's own folder.
  const env = { PATH: process.env['PATH'] ?? '', TMPDIR: build.folder, HOME: build.folder };
  const processOf = (
    name: string,
    args: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ): Contestant => ({
    name,
    async run() {
      const { status, stderr } = spawnSync(process.execPath, args, {
        cwd: build.folder,
        env: { ...env, ...more },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr.toString()}`);
    },
  });
  const demo = join(build.folder, 'demo');
  // The demo's files come with the package, not with the build.
  const checkout = join(import.meta.dirname, '../src/cli/main.ts');
  await runProgram(process.execPath, [checkout, 'demo', demo, '--story', 'releases'], { env });
  const times = await interleave(ROUNDS, [
    processOf('node -e 0', ['-e', '0']),
    processOf('tagflow --help', [build.program, '--help']),
    processOf('tagflow promote --help', [build.program, 'promote', '--help']),
    processOf('tagflow status, in the demo', [build.program, '-C', demo, 'status']),
    processOf(GIT_ALONE, [join(import.meta.dirname, 'bare-status.mjs'), join(demo, 'repository.git')]),
    processOf(COLD, [build.program, '--help'], { NODE_DISABLE_COMPILE_CACHE: '1' }),
  ]);
  report.times(times);
  report.atMost(times, 'tagflow --help', 'node -e 0', LIMIT);
  report.atMost(times, 'tagflow promote --help', 'node -e 0', LIMIT);
  report.atMost(times, COLD, 'node -e 0', LIMIT);
  report.atMost(times, 'tagflow status, in the demo', 'node -e 0', STATUS_LIMIT);

  report.atMost(times, 'tagflow status, in the demo', GIT_ALONE, GIT_LIMIT);
  report.atMost(times, GIT_ALONE, 'node -e 0', STATUS_LIMIT);

  const { chunks, packages } = await loadedBy(build, ['--help']);
  report.note(`        loaded: ${chunks.length} files with the packages ${packages.join(', ') || 'none'}`);
  const heavy = packages.filter((name) => HEAVY.some((one) => name === one || name.startsWith(`${one}/`)));
  report.limit(heavy.length === 0, `--help loads ${heavy.join(', ') || 'no heavy package'}`, 'none');
}

/** The files that a run of the build loads, asked of Node itself, and the packages whose code is in them. */
async function loadedBy(
  { folder, program, packagesIn }: Build,
  args: readonly string[],
): Promise<{ readonly chunks: readonly string[]; readonly packages: readonly string[] }> {
  const hook = join(folder, 'hook.mjs');
  await writeFile(
    hook,
    `import { registerHooks } from 'node:module';
import { appendFileSync } from 'node:fs';
registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(join(folder, 'loaded'))}, url + '\\n'); return next(url, context); } });
`,
  );
  await runProgram(process.execPath, ['--import', hook, program, ...args]);
  const urls = new Set((await readFile(join(folder, 'loaded'), 'utf8')).trim().split('\n'));
  const chunks = [...urls].filter((url) => url.startsWith('file:') && url !== pathToFileURL(hook).href);
  const packages = new Set(chunks.flatMap((chunk) => packagesIn(basename(chunk))));
  return { chunks, packages: [...packages].toSorted() };
}
