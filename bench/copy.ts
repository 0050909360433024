// What a copy between repositories costs: requests within one registry, where blobs are mounted, against the fewest that the
// protocol allows and against skopeo; the time of it; and the memory that a large layer takes between registries.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRepository, parseTag } from '../src/model/reference.ts';
import { createCopier } from '../src/registry/copy/copy.ts';
import { createOciRegistry } from '../src/registry/oci/oci.ts';
import { startDockerRegistry } from '../test/support/docker-registry.ts';
import { CLEAN_ENVIRONMENT, run as runProgram } from '../test/support/git-repository.ts';
import { pushImage } from '../test/support/images.ts';
import { largeLayout } from '../test/support/large-layout.ts';
import { machineClock } from '../test/support/layouts.ts';
import { findProgram } from '../test/support/real.ts';
import { buildProgram } from './build.ts';
import { type DelayingProxy, startDelayingProxy } from './proxy.ts';
import { type Contestant, type Report, interleave } from './report.ts';

const PLATFORMS = ['linux/amd64', 'linux/arm64', 'linux/s390x', 'linux/ppc64le', 'linux/riscv64'];
const LAYERS = 10;
const MANIFESTS = PLATFORMS.length + 1;
/** A configuration and its layers for each platform, no two alike. */
const BLOBS = PLATFORMS.length * (LAYERS + 1);
/** A mount for each blob; each manifest read once and stored once. */
const FLOOR = BLOBS + 2 * MANIFESTS;
/**
 * Beyond the floor: is the image there (and one of its platforms), what signs it (a list of tags, a question for referrers),
 * and does the target give back what it took.
 */
const QUESTIONS = 5;
const SKOPEO_LIMIT = 4.5;
const SPEED_LIMIT = 2.5;
const DELAY = 40;
const MOST_MEMORY_MIB = 150;

/** Runs the benchmark. */
export async function run(report: Report): Promise<void> {
  report.heading('copy');
  if (!findProgram('docker-registry')) {
    report.skip('docker-registry');
    return;
  }
  const registry = await startDockerRegistry();
  try {
    await using proxy = await startDelayingProxy(registry.host, DELAY);
    await pushImage(registry.host, 'dev/app', 'V1', { platforms: PLATFORMS, layers: LAYERS });
    await compareWithin(report, proxy);
    await measureMemory(report, registry.host);
  } finally {
    await registry.stop();
  }
}

/** A copy as `tagflow tag` makes it: resolve, copy, tag. Of each run the target is another repository, empty as yet. */
async function copyByLibrary(host: string, to: string, tagged: boolean): Promise<void> {
  const signal = new AbortController().signal;
  const registry = createOciRegistry({ clock: machineClock, random: Math.random, env: {}, signal });
  const copy = createCopier({ contentOf: () => registry, notify: () => undefined, signal });
  const [from, target] = [parseRepository(`${host}/dev/app`), parseRepository(`${host}/${to}`)];
  const image = await registry.resolve(from, parseTag('V1'));
  if (!image) throw new Error('the image is not there');
  const { blobsMounted, manifests } = await copy({ from, to: target, digest: image.digest, label: 'app V1' });
  if (blobsMounted !== BLOBS || manifests !== MANIFESTS) throw new Error('something else was measured');
  if (tagged) {
    await registry.tag(target, image.digest, parseTag('V1'));
    if ((await registry.peek(target, parseTag('V1'))) !== image.digest) throw new Error('not put');
  }
  registry.close();
}

async function copyBySkopeo(program: string, host: string, to: string): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'tagflow-bench-copy-'));
  const args = [
    ...['--insecure-policy', 'copy', '--quiet', '--all', '--preserve-digests'],
    ...['--src-tls-verify=false', '--dest-tls-verify=false'],
    ...[`docker://${host}/dev/app:V1`, `docker://${host}/${to}:V1`],
  ];
  await runProgram(program, args, { env: { ...CLEAN_ENVIRONMENT, HOME: home, XDG_RUNTIME_DIR: home } });
  await rm(home, { recursive: true, force: true });
}

async function compareWithin(report: Report, proxy: DelayingProxy): Promise<void> {
  const { host } = proxy;
  const image = `${PLATFORMS.length} platforms with ${LAYERS} layers each`;
  report.heading(`copy: ${image}, between repositories of one registry, ${DELAY} ms away`);
  let runs = 0;
  const next = (): string => `prd/app-${(runs += 1)}`;
  const counted = async (work: () => Promise<void>): Promise<{ total: number; text: string }> => {
    await proxy.takeCounts();
    await work();
    const counts = await proxy.takeCounts();
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    return { total, text: `${total}: ${[...counts].map(([method, count]) => `${method} ${count}`).join(', ')}` };
  };
  const copied = await counted(async () => copyByLibrary(host, next(), false));
  const most = FLOOR + QUESTIONS;
  report.limit(copied.total <= most, `requests of a copy ${copied.text}`, `at most ${most}, ${FLOOR} being the floor`);
  const tagged = await counted(async () => copyByLibrary(host, next(), true));
  report.limit(tagged.total <= most + 3, `with its tag put and read back ${tagged.text}`, `at most ${most + 3}`);

  const contestants: Contestant[] = [{ name: 'the library', run: async () => copyByLibrary(host, next(), true) }];
  const skopeo = findProgram('skopeo');
  if (!skopeo) return report.skip('skopeo');
  contestants.push({ name: 'skopeo', run: async () => copyBySkopeo(skopeo, host, next()), rounds: 1 });
  const theirs = await counted(async () => copyBySkopeo(skopeo, host, next()));
  const ratio = theirs.total / copied.total;
  report.note(`        requests of skopeo ${theirs.text}; ${(theirs.total / FLOOR).toFixed(2)}x the floor`);
  const what = `skopeo needs ${ratio.toFixed(2)}x the requests of the library`;
  report.limit(ratio >= SKOPEO_LIMIT, what, `at least ${SKOPEO_LIMIT}x`);
  const times = await interleave(3, contestants);
  report.times(times);
  report.fasterBy(times, 'the library', 'skopeo', SPEED_LIMIT);
}

/** Copies one large layer from a layout to a registry, to another one, and back, each by the command, as it is published. */
async function measureMemory(report: Report, dev: string): Promise<void> {
  const size = Number(process.env['TAGFLOW_BENCH_LAYER_MIB'] ?? 256);
  report.heading(`copy: a layer of ${size} MiB, the whole process (TAGFLOW_BENCH_LAYER_MIB=2048 for 2 GiB)`);
  await using build = await buildProgram();
  const { folder } = build;
  const hook = join(folder, 'hook.mjs');
  const peak = join(folder, 'peak');
  await writeFile(
    hook,
    `import { writeFileSync } from 'node:fs';
process.on('exit', () => writeFileSync(${JSON.stringify(peak)}, String(process.resourceUsage().maxRSS)));
`,
  );
  const prd = await startDockerRegistry();
  try {
    const directory = join(folder, 'large');
    largeLayout(directory, [size]);
    for (const [name, from, to] of [
      ['layout to registry', `oci:${directory}`, `${dev}/acme/large`],
      ['registry to registry', `${dev}/acme/large`, `${prd.host}/acme/large`],
      ['registry to layout', `${prd.host}/acme/large`, `oci:${directory}-back`],
    ] as const) {
      const args = ['--import', hook, build.program, '-o', 'json', 'tag', `${from}:V1.0`, `${to}:V1.0`];
      const output = await runProgram(process.execPath, args, { env: { ...CLEAN_ENVIRONMENT, TMPDIR: folder } });
      const { copies } = JSON.parse(output) as { copies: readonly { readonly bytes: number }[] };
      if ((copies[0]?.bytes ?? 0) < size * 1024 * 1024) throw new Error('the layer was not sent');
      // Kilobytes: getrusage(2).
      const mib = Math.ceil(Number(await readFile(peak, 'utf8')) / 1024);
      report.limit(mib < MOST_MEMORY_MIB, `${name}: ${mib} MiB at the most`, `under ${MOST_MEMORY_MIB} MiB`);
    }
  } finally {
    await prd.stop();
  }
}
