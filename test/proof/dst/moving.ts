// Simulations of an environment whose manifests name a moving tag alone. A sync between the commit and the move of the tag starts
// Pods on the old image, at any moment; so the annotation that is there in the end must have been committed when the tag was right
// soon after. Runs are killed, and `apply` comes minutes later, as a schedule's job does.
import type { BranchName, ObjectId } from '../../../src/model/object-id.ts';
import { type Command, runCommand } from './commands.ts';
import { PUBLISHED } from './images.ts';
import { openProcess } from './process.ts';
import { createSeededRandom } from './random.ts';
import { CALM, Scheduler, type Weather } from './scheduler.ts';
import { EPOCH, HOST, type Start, startOf } from './start.ts';
import { World } from './world.ts';

const REPOSITORY = `${HOST}/shop/app`;
const OVERLAY = 'environments/dev/kustomization.yaml';
const MINUTE = 60_000;
/** As long as an ordinary run may take between its commit and its tags; `apply` comes two minutes after anything. */
const SOON = 1.5 * MINUTE;
const LATER = 2 * MINUTE;

/** Where these simulations begin: one release is there. */
export async function movingStart(): Promise<Start> {
  return startOf({
    name: 'a moving tag',
    config: `version: 1\nimages:\n  app: { repository: ${REPOSITORY} }\nenvironments:\n  dev: { branch: dev, pin: target }\n`,
    files: { [OVERLAY]: `kind: Kustomization\nimages:\n  - name: ${REPOSITORY}\n    newTag: V0\n` },
    branches: ['dev'],
    repositories: [[REPOSITORY, 'app']],
    past: [promoteTo('V1.0')],
  });
}

/** What a schedule showed. */
export interface MovingVerdict {
  /** What is wrong in the end; nothing where all is right. */
  readonly violations: readonly string[];
  /** Releases that were made beside the promotions, to deploy again. */
  readonly again: number;
}

/** Runs the schedule of a seed. `unaware`: `apply` takes every release for one that was committed a moment ago. */
export async function simulateMoving(seed: number, start: Start, unaware = false): Promise<MovingVerdict> {
  const random = createSeededRandom(seed ^ 0x3071);
  const weather: Weather = { ...CALM, stickiness: 0.5, faults: random.pick([0, 0.02]), kill: 0.04, kills: 3 };
  const scheduler = new Scheduler(random, weather, EPOCH);
  const world = new World(start, () => scheduler.now);
  const run = (name: string, wait: number, command: Command): void => {
    scheduler.start(async () => {
      await scheduler.sleep(`${name} waits`, wait);
      const skew = unaware && command.kind === 'apply' ? -60 * MINUTE : 0;
      const { context, stop } = openProcess({ world, scheduler, process: name, skew: () => skew });
      const killed = new Promise<undefined>((resolve) => {
        scheduler.enter(name, { stop, killed: () => resolve(undefined) });
      });
      await Promise.race([runCommand(context, command), killed]);
      scheduler.leave(name);
    });
  };
  run('ana', random.below(1_000), promoteTo('V2.0'));
  if (random.chance(0.5)) run('ben', random.pick([500, 3 * LATER]), promoteTo('V3.0'));
  for (let turn = 1; turn <= 3; turn += 1) run(`job-${turn}`, turn * LATER + random.below(10_000), APPLY);
  await scheduler.run();
  scheduler.calmDown();
  for (let turn = 1; turn <= 3; turn += 1) run(`repair-${turn}`, turn * LATER, APPLY);
  const ended = await scheduler.run();
  const isTold = scheduler.trace.some(({ text }) => text.includes('is not deployed again'));
  return { violations: ended ? judge(world, isTold) : ['never-ended'], again: redeploys(world) };
}

const APPLY: Command = { kind: 'apply', environments: ['dev'] };

function promoteTo(app: string): Command {
  return { kind: 'promote', environment: 'dev', versions: { app } };
}

function annotationOf(world: World, id: ObjectId): string {
  const text = Buffer.from(world.remote.filesOf(id).get(OVERLAY) ?? []).toString();
  return /tagflow\.dev\/digest\.app: ['"]?([^'"\n]+)/.exec(text)?.[1] ?? '';
}

/**
 * Holds the last annotation against the moment at which the tag was right at last. Two failures one after the other are not
 * promised anything: somebody was told, or the release that deploys again was itself cut short (ADR 142).
 */
function judge(world: World, isTold: boolean): readonly string[] {
  const heads = world.headsOf('dev' as BranchName).map(({ at, id }) => ({ at, says: annotationOf(world, id) }));
  const says = heads.at(-1)?.says ?? '';
  const digest = says.replace(/\+.*/, '');
  const first = heads.slice(heads.findLastIndex((head) => head.says !== says) + 1)[0]?.at ?? 0;
  if (!(PUBLISHED['app'] ?? []).some((each) => each.digest === digest)) return [`no-annotation: it says ${says}`];
  if (world.tags().find(({ repository, tag }) => repository === REPOSITORY && tag === 'dev')?.digest !== digest)
    return ['tag-differs: the tag names another image than the annotation'];
  const writes = world.writes.filter(({ repository, tag }) => repository === REPOSITORY && tag === 'dev');
  const right = writes[writes.findLastIndex((write) => write.digest !== digest) + 1]?.at ?? 0;
  if (right - first <= SOON || isTold || says.includes('+')) return [];
  return [`not-deployed-again: the tag was right ${right - first} ms after the annotation could be synced`];
}

/** How many heads have the mark of a release that deploys again. */
function redeploys(world: World): number {
  const marks = world.headsOf('dev' as BranchName).map(({ id }) => annotationOf(world, id));
  return new Set(marks.filter((mark) => mark.includes('+'))).size;
}
