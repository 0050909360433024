// What many images cost: a release of all of them, its requests and the time that passes, with a registry 40 ms away; against crane,
// which puts the tags of as many images and does nothing else.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLEAN_ENVIRONMENT, createGitRepository, run as runProgram } from '../test/support/git-repository.ts';
import { type HttpRegistry, startHttpRegistry } from '../test/support/http-registry.ts';
import { sampleIndex } from '../test/support/sample-manifests.ts';
import { buildProgram } from './build.ts';
import type { Report } from './report.ts';

const SIZES = (process.env['TAGFLOW_BENCH_IMAGES'] ?? '8,64,300,500').split(',').map(Number);
const AWAY = 40;
/** Six are the aim: see docs/internals/cost.md. */
const REQUESTS_LIMIT = 8;
/** Processes of crane at a time. */
const CRANES = 8;

/** Runs the benchmark. */
export async function run(report: Report): Promise<void> {
  await using build = await buildProgram();
  report.heading(`images: a release of all images, ${AWAY} ms to the registry; the time that passes`);
  const hasCrane = (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'crane')));
  if (!hasCrane) report.skip('crane');
  for (const count of SIZES) {
    const folder = await mkdtemp(join(tmpdir(), 'tagflow-bench-images-'));
    const registry = await startHttpRegistry();
    try {
      const url = await prepare(folder, registry, count);
      const env = { ...CLEAN_ENVIRONMENT, TAGFLOW_ACTOR: 'bench', TAGFLOW_REPO: url, TMPDIR: build.folder };
      const args = [build.program, 'promote', 'dev', '*=V1.1'];
      const own = await cost(registry, async () => runProgram(process.execPath, args, { cwd: folder, env }));
      const each = own.requests / count;
      report.note(
        `        ${count} images: ${own.seconds.toFixed(2)} s, at most ${registry.mostAtOnce} requests at a time`,
      );
      report.limit(each <= REQUESTS_LIMIT, `${each.toFixed(2)} requests an image`, `at most ${REQUESTS_LIMIT}`);
      if (!hasCrane) continue;
      const crane = await cost(registry, async () => tagByCrane(registry.host, count));
      report.note(`        crane tag, ${CRANES} at a time: ${crane.seconds.toFixed(2)} s, ${crane.requests} requests`);
    } finally {
      // It says what crane asks that nobody needs.
      await registry.stop().catch(() => undefined);
      await rm(folder, { recursive: true, force: true });
    }
  }
}

async function cost(
  { requests }: HttpRegistry,
  work: () => Promise<unknown>,
): Promise<{ readonly seconds: number; readonly requests: number }> {
  const [before, began] = [requests.length, performance.now()];
  await work();
  return { seconds: (performance.now() - began) / 1000, requests: requests.length - before };
}

async function tagByCrane(host: string, count: number): Promise<void> {
  const input = namesOf(count).map((name) => `${host}/shop/${name}:V1.1\n`);
  await runProgram('xargs', ['-P', String(CRANES), '-I', '{}', 'crane', 'tag', '--insecure', '{}', 'by-crane'], {
    input: input.join(''),
    env: { ...CLEAN_ENVIRONMENT, PATH: process.env['PATH'] ?? '' },
  });
}

/** Makes a repository of one environment, and a registry 40 ms away, with that many images. Returns the repository's URL. */
async function prepare(folder: string, registry: HttpRegistry, count: number): Promise<string> {
  for (const name of namesOf(count)) registry.publish(`shop/${name}`, sampleIndex(`${name} V1.1`), 'V1.1');
  const repository = await createGitRepository({ folder: join(folder, 'shop.git') });
  const images = namesOf(count).map((name) => `  ${name}: { repository: ${registry.host}/shop/${name} }`);
  const pins = namesOf(count).map((name) => `  - name: ${registry.host}/shop/${name}\n    newTag: V1.0`);
  const head = await repository.commit('main', {
    'tagflow.yaml': ['version: 1', 'images:', ...images, 'environments:', '  dev: {}', ''].join('\n'),
    'environments/dev/kustomization.yaml': `images:\n${pins.join('\n')}\n`,
  });
  await repository.git(['update-ref', 'refs/heads/dev', head]);
  registry.intercept(/./, async (_, next) => {
    await sleep(AWAY);
    return next();
  });
  return `file://${repository.folder}`;
}

function namesOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `app-${index}`);
}
