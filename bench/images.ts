// What many images cost: a release of all of them, its requests and the time that passes, with a registry 40 ms away; against crane
// and regctl, which write the tags of as many images and do nothing else.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
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
/** Processes of another tool at a time. */
const AT_ONCE = 8;
/** Images from which on a release, with its commit and its records, takes less time than tags alone by another tool. */
const MANY = 200;
/** Puts the tag of one image, `{}`. */
const RIVALS: Readonly<Record<string, readonly string[]>> = {
  crane: ['crane', 'tag', '--insecure', '{}:V1.1', 'by-crane'],
  regctl: ['regctl', 'image', 'copy', '{}:V1.1', '{}:by-regctl'],
};

/** Runs the benchmark. */
export async function run(report: Report): Promise<void> {
  await using build = await buildProgram();
  report.heading(`images: a release of all images, ${AWAY} ms to the registry; the time that passes`);
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const isThere = (name: string): boolean => folders.some((folder) => existsSync(join(folder, name)));
  for (const name of Object.keys(RIVALS)) if (!isThere(name)) report.skip(name);
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
      for (const [name, command] of Object.entries(RIVALS).filter(([rival]) => isThere(rival))) {
        const rival = await cost(registry, async () => tagBy(command, { folder, host: registry.host, count }));
        report.note(`        ${name}, ${AT_ONCE} at a time: ${rival.seconds.toFixed(2)} s, ${rival.requests} requests`);
        if (count < MANY) continue;
        const ratio = own.seconds / rival.seconds;
        report.limit(ratio < 1, `a release takes ${ratio.toFixed(2)}x the time of tags by ${name}`, 'less');
      }
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

async function tagBy(
  command: readonly string[],
  { folder, host, count }: { readonly folder: string; readonly host: string; readonly count: number },
): Promise<void> {
  const home = join(folder, 'home');
  await mkdir(join(home, '.regctl'), { recursive: true });
  await writeFile(
    join(home, '.regctl/config.json'),
    JSON.stringify({ hosts: { [host]: { tls: 'disabled', hostname: host } } }),
  );
  await runProgram('xargs', ['-P', String(AT_ONCE), '-I', '{}', ...command], {
    input: namesOf(count)
      .map((name) => `${host}/shop/${name}\n`)
      .join(''),
    env: { ...CLEAN_ENVIRONMENT, HOME: home, PATH: process.env['PATH'] ?? '' },
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
  // Others begin by asking whether this is a registry.
  registry.intercept(/^GET \/v2\/$/, async () => {
    await sleep(AWAY);
    return { status: 200, headers: {}, body: '' };
  });
  registry.intercept(/./, async (_, next) => {
    await sleep(AWAY);
    return next();
  });
  return `file://${repository.folder}`;
}

function namesOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `app-${index}`);
}
