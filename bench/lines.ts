// What reading the past and many lines costs, against Git itself: ledgers of 10,000 releases, 30 environments and 90
// applications, whole processes, over a folder.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLEAN_ENVIRONMENT, createGitRepository, run as runProgram } from '../test/support/git-repository.ts';
import { type LargeLedger, fillLargeLedger } from '../test/support/large-ledger.ts';
import { type Build, buildProgram } from './build.ts';
import { type Report, interleave } from './report.ts';

const ROUNDS = 3;
const RELEASES = 10_000;
const LEDGERS = {
  short: { environments: 1, releases: 100 },
  long: { environments: 1, releases: RELEASES },
  three: { environments: 3, releases: 6 },
  thirty: { environments: 30, releases: 6 },
  applications: { environments: 2, applications: 90, releases: 6 },
} satisfies Record<string, LargeLedger>;
const NEWEST_LIMIT = 2;
const WHOLE_LIMIT = 5;
const ENVIRONMENTS_LIMIT = 3;
const APPLICATIONS_LIMIT = 6;

/** Runs the benchmark. */
export async function run(report: Report): Promise<void> {
  await using build = await buildProgram();
  const folder = await mkdtemp(join(tmpdir(), 'tagflow-bench-lines-'));
  try {
    for (const [name, size] of Object.entries(LEDGERS)) {
      await fillLargeLedger(await createGitRepository({ folder: join(folder, `${name}.git`) }), size);
    }
    await measure(report, folder, build);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(report: Report, folder: string, build: Build): Promise<void> {
  const contestant = (name: string, ledger: keyof typeof LEDGERS, args: readonly string[]) => ({
    name,
    run: async () => tagflow({ folder, build, ledger, args }),
  });
  const git = async (): Promise<void> => {
    const clone = join(folder, 'clone');
    await rm(clone, { recursive: true, force: true });
    await runProgram('git', ['clone', '-q', '--bare', `file://${join(folder, 'long.git')}`, clone]);
    await runProgram('git', ['-C', clone, 'log', '-p', '--first-parent', 'e1', '--', '.tagflow/releases/e1.yaml']);
  };
  report.heading(`lines: ${RELEASES} releases, 30 environments, 90 applications in two environments, whole processes`);
  const times = await interleave(ROUNDS, [
    contestant('show of 100', 'short', ['show', 'e1']),
    contestant('show of 10,000', 'long', ['show', 'e1']),
    contestant('history of 100', 'short', ['history', 'e1']),
    contestant('history of 10,000', 'long', ['history', 'e1']),
    contestant('where', 'long', ['where', 'app@V1.5']),
    { name: 'git log of all records', run: git },
    contestant('status of 3', 'three', ['status']),
    contestant('status of 30', 'thirty', ['status']),
    contestant('status of 180 lines', 'applications', ['status']),
  ]);
  report.times(times);
  report.atMost(times, 'show of 10,000', 'show of 100', NEWEST_LIMIT);
  report.atMost(times, 'history of 10,000', 'history of 100', NEWEST_LIMIT);
  report.atMost(times, 'where', 'git log of all records', WHOLE_LIMIT);
  report.atMost(times, 'status of 30', 'status of 3', ENVIRONMENTS_LIMIT);
  report.atMost(times, 'status of 180 lines', 'status of 3', APPLICATIONS_LIMIT);
}

async function tagflow({ folder, build, ledger, args }: Run): Promise<void> {
  const work = join(folder, 'work');
  await mkdir(work, { recursive: true });
  const url = `file://${join(folder, `${ledger}.git`)}`;
  const env = { ...CLEAN_ENVIRONMENT, TAGFLOW_ACTOR: 'bench', TAGFLOW_REPO: url, TAGFLOW_CACHE_DIR: work };
  await runProgram(process.execPath, [build.program, ...args], { cwd: folder, env: { ...env, TMPDIR: build.folder } });
}

interface Run {
  readonly folder: string;
  readonly build: Build;
  readonly ledger: keyof typeof LEDGERS;
  readonly args: readonly string[];
}
