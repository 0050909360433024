// How quickly a release is promoted in a large repository, over HTTP: the command, clone to pushed, against the usual way
// (full clone, edit, commit, push), against a sparse partial clone with sed, and against the bare Git commands that a promotion needs.
import { lstat, mkdir, mkdtemp, readdir, cp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLEAN_ENVIRONMENT, run as runProgram } from '../test/support/git-repository.ts';
import { type GitHttpServer, startGitHttpServer } from '../test/support/git-server.ts';
import { machineClock } from '../test/support/layouts.ts';
import { VERSIONS } from '../test/support/pipeline.ts';
import { parseTag } from '../src/model/reference.ts';
import { buildImage } from '../src/registry/layout/sample-image.ts';
import { createLayoutWriter } from '../src/registry/layout/writer.ts';
import { type Build, buildProgram } from './build.ts';
import { type Contestant, type Report, interleave } from './report.ts';
import { createLargeRepository, packRepository } from './repository.ts';

const ROUNDS = Number(process.env['TAGFLOW_BENCH_ROUNDS'] ?? 9);
/** The usual way takes long, and never varies by as much as it is slower. */
const USUAL_ROUNDS = 3;
const USUAL_LIMIT = 10;
const BARE_LIMIT = 1.5;
/** Not slower than it. */
const SPARSE_LIMIT = 1;
const REQUESTS_LIMIT = 12;
const DISK_LIMIT = 15_000_000;
const ENVIRONMENTS = ['dev', 'stg', 'prd'] as const;

/** Runs the benchmark. */
export async function run(report: Report): Promise<void> {
  await using build = await buildProgram();
  const folder = await mkdtemp(join(tmpdir(), 'tagflow-bench-promote-'));
  const server = await startGitHttpServer({ root: folder });
  try {
    const stage = await setUp(folder, server, build);
    report.heading('promote: 50,000 files, 5,000 commits, over HTTP, whole processes');
    const contestants = contestantsOf(stage);
    const times = await interleave(ROUNDS, contestants);
    report.times(times);
    for (const contestant of contestants) {
      await contestant.prepare?.();
      const before = server.requests.length;
      await contestant.run();
      const requests = server.requests.length - before;
      if (contestant.name === 'tagflow')
        report.limit(requests <= REQUESTS_LIMIT, `${requests} HTTP requests`, `at most ${REQUESTS_LIMIT}`);
      else report.note(`        ${contestant.name}: ${requests} HTTP requests`);
    }
    report.fasterBy(times, 'tagflow', 'the usual way', USUAL_LIMIT);
    report.atMost(times, 'tagflow', 'bare Git', BARE_LIMIT);
    report.atMost(times, 'tagflow', 'a sparse partial clone with sed', SPARSE_LIMIT);
    const peak = await peakOfDisk(stage);
    const disk = `${(peak / 1e6).toFixed(1)} MB of disk at the most`;
    report.limit(peak <= DISK_LIMIT, disk, `at most ${DISK_LIMIT / 1e6} MB`);
  } finally {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Everything as it is before a promotion of stg, which can be put back to that. */
interface Stage {
  readonly folder: string;
  readonly url: string;
  tagflow(args: readonly string[]): Promise<void>;
  reset(): Promise<void>;
}

async function setUp(folder: string, server: GitHttpServer, build: Build): Promise<Stage> {
  const repository = await createLargeRepository(folder, ENVIRONMENTS);
  const writer = createLayoutWriter({ clock: machineClock });
  for (const [name, versions] of Object.entries(VERSIONS)) {
    for (const version of versions) {
      await writer.publishImage(join(folder, 'registry', name), buildImage({ name, version }), parseTag(version));
    }
  }
  const url = `${server.url}/large.git`;
  const env = { ...CLEAN_ENVIRONMENT, TAGFLOW_ACTOR: 'bench', TAGFLOW_REPO: url, TMPDIR: build.folder };
  const tagflow = async (args: readonly string[]): Promise<void> => {
    const work = join(folder, 'work');
    await mkdir(work, { recursive: true });
    await runProgram(process.execPath, [build.program, ...args], {
      cwd: folder,
      env: { ...env, TAGFLOW_CACHE_DIR: work },
    });
  };
  await tagflow(['promote', 'dev', 'django=V4.0', 'mariadb=V10.6']);
  await tagflow(['promote', 'stg']);
  await tagflow(['promote', 'prd']);
  await tagflow(['promote', 'dev', 'django=V4.2']);
  await packRepository(repository);
  await cp(join(folder, 'registry'), join(folder, 'registry-before'), { recursive: true });
  const before = await repository.head('stg');
  return {
    folder,
    url,
    tagflow,
    async reset() {
      await repository.move('stg', before);
      await rm(join(folder, 'registry'), { recursive: true });
      await cp(join(folder, 'registry-before'), join(folder, 'registry'), { recursive: true });
    },
  };
}

function contestantsOf(stage: Stage): readonly Contestant[] {
  const clone = join(stage.folder, 'clone');
  const digests = ['V4.0', 'V4.2'].map((version) => buildImage({ name: 'django', version }).digest);
  const script = (name: string): Pick<Contestant, 'prepare' | 'run'> => ({
    async prepare() {
      await stage.reset();
      await rm(clone, { recursive: true, force: true });
    },
    async run() {
      const env = { ...CLEAN_ENVIRONMENT, ...IDENTITY };
      await runProgram('sh', [join(import.meta.dirname, name), stage.url, clone, ...digests], { env });
    },
  });
  return [
    { name: 'tagflow', prepare: async () => stage.reset(), run: async () => stage.tagflow(['promote', 'stg']) },
    { name: 'bare Git', ...script('bare.sh') },
    { name: 'a sparse partial clone with sed', ...script('sparse.sh') },
    { name: 'the usual way', ...script('usual.sh'), rounds: USUAL_ROUNDS },
  ];
}

const IDENTITY = {
  GIT_AUTHOR_NAME: 'Bench',
  GIT_AUTHOR_EMAIL: 'bench@example.org',
  GIT_COMMITTER_NAME: 'Bench',
  GIT_COMMITTER_EMAIL: 'bench@example.org',
};

/** The most bytes that tagflow's folder holds while it runs; looked at again and again, in a run of its own. */
async function peakOfDisk({ folder, reset, tagflow }: Stage): Promise<number> {
  await reset();
  const work = join(folder, 'work');
  let peak = 0;
  let running = true;
  const watch = (async () => {
    while (running) peak = Math.max(peak, await sizeOf(work));
  })();
  await tagflow(['promote', 'stg']);
  running = false;
  await watch;
  return peak;
}

/** Bytes of all files below a folder, by the blocks they take. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = entries.map(async ({ parentPath, name }) => {
    const stat = await lstat(join(parentPath, name)).catch(() => undefined);
    return 512 * (stat?.blocks ?? 0);
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
