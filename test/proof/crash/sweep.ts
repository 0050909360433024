// The sweep: opens the stages, finds the points, plays them on a few lanes, and reports the outcome.
import { rm } from 'node:fs/promises';
import { startDockerRegistry } from '../../support/docker-registry.ts';
import { temporaryFolder } from '../../support/git-repository.ts';
import { startGitHttpServer } from '../../support/git-server.ts';
import { provideProgram } from '../real/program.ts';
import { type Verdict, play, recordSteps } from './play.ts';
import { COMMANDS, type Point, TRANSPORTS, countSteps, kindOf, pointId, pointsOf, sample, shuffle } from './points.ts';
import { type Ground, type Stage, openFileStage, openServerStage } from './stage.ts';

/** How to sweep. */
export interface SweepOptions {
  /** `small`: a sample of about 200 points that has every kind. */
  readonly size: 'small' | 'full';
  readonly seed: number;
  /** Points played at a time. */
  readonly jobs: number;
  /** Play these points alone, by their names. */
  readonly only: readonly string[];
  /** Print the points, and play none. */
  readonly list?: boolean;
  readonly say: (text: string) => void;
  /** Begins no further point once it fires; what was played is reported. */
  readonly signal: AbortSignal;
}

const SMALL = 200;

/** Sweeps, tells, and resolves to the number of points that showed a violation. */
export async function sweep(options: SweepOptions): Promise<number> {
  const { say } = options;
  const folder = await temporaryFolder('crash');
  const [git, registry] = await Promise.all([startGitHttpServer({ root: folder }), startDockerRegistry()]);
  const lanes: Stage[][] = [];
  try {
    const ground: Ground = { folder, program: provideProgram(folder), git, registry };
    const wanted = TRANSPORTS.filter(
      (transport) => options.only.length === 0 || options.only.some((id) => id.startsWith(`${transport}/`)),
    );
    await Promise.all(
      Array.from(
        { length: options.only.length === 0 ? options.jobs : Math.min(options.jobs, options.only.length) },
        async (_, index) => {
          const lane: Stage[] = [];
          for (const transport of wanted) {
            const open = transport === 'servers' ? openServerStage : openFileStage;
            lane.push(await open(ground, `${transport}-${index}`));
          }
          lanes.push(lane);
        },
      ),
    );
    const all = await findPoints(lanes[0] ?? [], say);
    const points = choose(all, options);
    if (options.list === true) {
      for (const point of points) say(pointId(point));
      return 0;
    }
    return await playAll(points, lanes, options);
  } finally {
    for (const stage of lanes.flat()) await stage.close();
    await git.close();
    await registry.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function findPoints(lane: readonly Stage[], say: (text: string) => void): Promise<readonly Point[]> {
  const points: Point[] = [];
  for (const stage of lane) {
    for (const command of COMMANDS) {
      const steps = countSteps(await recordSteps(stage, command));
      const found = pointsOf(stage.transport, command, steps);
      say(`${stage.transport} ${command}: ${steps.length} steps, ${found.length} points`);
      points.push(...found);
    }
  }
  return points;
}

function choose(all: readonly Point[], { only, size, seed }: SweepOptions): readonly Point[] {
  if (only.length > 0) {
    const known = new Map(all.map((point) => [pointId(point), point]));
    return only.map((id) => {
      const point = known.get(id);
      if (!point) throw new Error(`there is no point ${id}: --list prints them all`);
      return point;
    });
  }
  // In no order: a sweep that is broken off has seen something of everything.
  return size === 'small' ? sample(all, SMALL, seed) : shuffle(all, seed);
}

async function playAll(
  points: readonly Point[],
  lanes: readonly (readonly Stage[])[],
  { say, signal }: SweepOptions,
): Promise<number> {
  const begun = performance.now();
  let slowest = { took: 0, point: 'nowhere' };
  const played: Point[] = [];
  let [next, landed, wrong] = [0, 0, 0];
  const violations: string[] = [];
  await Promise.all(
    lanes.map(async (lane) => {
      for (let point = points[next++]; point; point = points[next++]) {
        if (signal.aborted) return;
        const { transport } = point;
        const stage = lane.find((one) => one.transport === transport);
        if (!stage) throw new Error(`no stage for ${transport}`);
        const verdict = await play(stage, point);
        played.push(point);
        if ((verdict.stopped ?? 0) > slowest.took) slowest = { took: verdict.stopped ?? 0, point: pointId(point) };
        if (verdict.landed) landed += 1;
        if (verdict.violations.length > 0) {
          wrong += 1;
          violations.push(...verdict.violations);
          say(describe(point, verdict));
        }
        if (played.length % 100 === 0)
          say(`${played.length} of ${points.length} points, ${wrong} wrong, ${seconds(begun)} s`);
      }
    }),
  );
  const kinds = new Set(played.map(kindOf)).size;
  say(
    `${kinds} kinds of steps; at ${landed} points the release had landed when the run ended; ${seconds(begun)} s in all`,
  );
  say(`slowest end after SIGTERM: ${(slowest.took / 1000).toFixed(1)} s, at ${slowest.point}`);
  if (played.length < points.length) say(`stopped: ${points.length - played.length} points were not played`);
  say(`crash: ${played.length.toLocaleString('en')} points, ${violations.length} violations`);
  return wrong;
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(0);
}

function describe(point: Point, { violations, story }: Verdict): string {
  return [
    `violation at ${point.command} over ${point.transport}, ${point.company}, SIG${point.signal.toUpperCase()} ${point.moment} ${point.step.label} (${point.step.count})`,
    ...violations.map((text) => `  ${text}`),
    ...story.flatMap((text) =>
      text
        .trim()
        .split('\n')
        .map((line) => `    ${line}`),
    ),
    `  replay: npm run crash -- --point '${pointId(point)}'`,
  ].join('\n');
}
