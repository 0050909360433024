// How quickly images are retagged on a real registry, near and 40 ms away: the library against as little code as sends
// the same requests, and as a whole process against skopeo and crane.
import { startDockerRegistry } from '../test/support/docker-registry.ts';
import { CLEAN_ENVIRONMENT, run as runProgram } from '../test/support/git-repository.ts';
import { pushImage } from '../test/support/images.ts';
import { findProgram } from '../test/support/real.ts';
import { type DelayingProxy, startDelayingProxy } from './proxy.ts';
import { type Contestant, type Report, interleave } from './report.ts';
import { compareAdapters } from './retag-adapters.ts';
import { type Retag, repositoryOf, retagByFloor, retagByLibrary } from './retag-contestants.ts';

/** How many images, and how many runs of each contestant. */
const SIZES = [
  { count: 1, rounds: 21 },
  { count: 20, rounds: 9 },
  { count: 200, rounds: 5 },
] as const;
const MOST = 200;
const DELAY = 40;
const FLOOR_LIMIT = 1.3;
/**
 * How many times as fast as other tools. crane sends hardly more requests than are needed: what is won is a process and a
 * login an image, and on loopback the registry's own work, which is the same for all, hides much of that.
 */
const OTHERS = {
  skopeo: { limit: 5, args: skopeoCopy },
  crane: { limit: 2, args: craneTag },
} as const;
/** Commands of other tools at a time. */
const PROCESSES = 4;
const TAG = 'stg';
const SCRIPT = new URL('retag-contestants.ts', import.meta.url).pathname;

/** Where the registry is. */
interface Place {
  readonly place: string;
  readonly host: string;
  /** Runs of other tools. */
  readonly rounds: number;
}

/** Runs the benchmark. */
export async function run(report: Report): Promise<void> {
  await compareAdapters(report);
  if (!findProgram('docker-registry')) {
    report.heading('retag');
    report.skip('docker-registry');
    return;
  }
  const registry = await startDockerRegistry();
  try {
    await using proxy = await startDelayingProxy(registry.host, DELAY);
    await fill(registry.host);
    const places: readonly Place[] = [
      { place: 'on loopback', host: registry.host, rounds: 3 },
      // A tool that makes some twenty round trips an image takes minutes: once is enough.
      { place: `${DELAY} ms away`, host: proxy.host, rounds: 1 },
    ];
    await countRequests(report, proxy);
    for (const place of places) for (const size of SIZES) await compareWithFloor(report, place, size);
    for (const place of places) await compareWithOthers(report, place);
  } finally {
    await registry.stop();
  }
}

/** Every image in two versions, and the tag, as it is there before any but the first promotion. */
async function fill(host: string): Promise<void> {
  await inParallel(MOST, 8, async (index) => {
    for (const version of ['V1', 'V2', TAG]) {
      const content = version === TAG ? 'V1' : version;
      await pushImage(host, repositoryOf(index), version, { content, platforms: ['linux/amd64', 'linux/arm64'] });
    }
  });
}

let runs = 0;

/** What the next run puts: the version that the run before did not, so that every run finds something to write. */
function next(host: string, count: number, readBack = true): Retag {
  runs += 1;
  return { host, count, version: runs % 2 === 1 ? 'V2' : 'V1', tag: TAG, readBack };
}

async function countRequests(report: Report, proxy: DelayingProxy): Promise<void> {
  report.heading(`retag: requests for ${MOST} images`);
  for (const { readBack, limit } of [
    { readBack: false, limit: 3 },
    { readBack: true, limit: 4 },
  ]) {
    await retagByLibrary(next(proxy.host, MOST, readBack));
    const counts = await proxy.takeCounts();
    const each = [...counts.values()].reduce((sum, count) => sum + count, 0) / MOST;
    const methods = [...counts].map(([method, count]) => `${method} ${count}`).join(', ');
    const how = readBack ? 'read back' : 'not read back';
    report.limit(each <= limit, `${each} requests an image, ${how}: ${methods}`, `at most ${limit}`);
  }
}

async function compareWithFloor(
  report: Report,
  { place, host }: Place,
  { count, rounds }: (typeof SIZES)[number],
): Promise<void> {
  report.heading(`retag: ${count === 1 ? '1 image' : `${count} images`} ${place}, read back, within this process`);
  const contestants = [
    { name: 'bare requests', run: async () => retagByFloor(next(host, count)) },
    { name: 'the library', run: async () => retagByLibrary(next(host, count)) },
  ];
  const times = await interleave(rounds, contestants);
  report.times(times);
  report.atMost(times, 'the library', 'bare requests', FLOOR_LIMIT);
}

async function compareWithOthers(report: Report, { place, host, rounds }: Place): Promise<void> {
  report.heading(`retag: ${MOST} images ${place}, whole processes, ${PROCESSES} of others at a time`);
  const script = async (way: 'library' | 'floor', readBack: boolean): Promise<void> => {
    const { count, version, tag } = next(host, MOST);
    await runProgram(process.execPath, [SCRIPT, way, host, String(count), version, tag, String(readBack)]);
  };
  const contestants: Contestant[] = [
    // The others do not read back: what is compared leaves the same behind with the same certainty.
    { name: 'the library', run: async () => script('library', false) },
    { name: 'bare requests', run: async () => script('floor', false) },
    { name: 'the library, read back', run: async () => script('library', true) },
  ];
  for (const [name, { args }] of Object.entries(OTHERS)) {
    const program = findProgram(name);
    if (!program) {
      report.skip(name);
      continue;
    }
    contestants.push({
      name,
      rounds,
      run: async () => {
        const { version } = next(host, MOST);
        const env = { ...CLEAN_ENVIRONMENT, HOME: '/nonexistent', XDG_RUNTIME_DIR: '/nonexistent' };
        await inParallel(MOST, PROCESSES, async (index) =>
          runProgram(program, args(`${host}/${repositoryOf(index)}`, version), { env }),
        );
      },
    });
  }
  const times = await interleave(3, contestants);
  report.times(times);
  for (const [name, { limit }] of Object.entries(OTHERS)) {
    if (times.has(name)) report.fasterBy(times, 'the library', name, limit);
  }
}

function skopeoCopy(image: string, version: string): string[] {
  return [
    ...['--insecure-policy', 'copy', '--quiet', '--all', '--preserve-digests'],
    ...['--src-tls-verify=false', '--dest-tls-verify=false'],
    ...[`docker://${image}:${version}`, `docker://${image}:${TAG}`],
  ];
}

function craneTag(image: string, version: string): string[] {
  return ['tag', `${image}:${version}`, TAG, '--insecure'];
}

async function inParallel(count: number, width: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let index = 0;
  const worker = async (): Promise<void> => {
    while (index < count) await work(index++);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
