// Simulations of an environment whose manifests name a moving tag alone. A sync between the commit and the move of the tag starts
// Pods on the old image, at any moment; so the annotation that is there in the end must have been committed when the tag was right
// soon after. Runs are killed or slow, somebody rolls back, and `apply` comes minutes later, as a schedule's job does. They are among
// the schedules of `npm run dst`.
import type { Context } from '../../../src/engine/context.ts';
import type { BranchName, ObjectId } from '../../../src/model/object-id.ts';
import type { Operation } from '../checker/history.ts';
import { type Command, runCommand } from './commands.ts';
import { PUBLISHED } from './images.ts';
import { openProcess } from './process.ts';
import { createSeededRandom } from './random.ts';
import { CALM, Scheduler, type Step, type Weather } from './scheduler.ts';
import { EPOCH, HOST, type Start, startOf } from './start.ts';
import { World } from './world.ts';

const REPOSITORY = `${HOST}/shop/app`;
const OVERLAY = 'environments/dev/kustomization.yaml';
const MINUTE = 60_000;
/** As long as an ordinary run may take between its commit and its tags; `apply` comes two minutes after anything. */
const SOON = 1.5 * MINUTE;
const LATER = 2 * MINUTE;
/** How long a slow registry takes for each of the first two tags: both are put before anybody comes with `apply`. */
const SLOW = 50_000;

/** Where these simulations begin: one release is there. */
export async function movingStart(): Promise<Start> {
  return startOf({
    name: 'a moving tag',
    config: `version: 1\nimages:\n  app: { repository: ${REPOSITORY} }\nenvironments:\n  dev: { branch: dev, pin: target }\n`,
    files: { [OVERLAY]: `kind: Kustomization\nimages:\n  - name: ${REPOSITORY}\n    newTag: V0\n` },
    branches: ['dev'],
    repositories: [[REPOSITORY, 'app']],
    past: [promoteTo('V1.0'), promoteTo('V2.0')],
  });
}

/** What a schedule showed. */
export interface MovingVerdict {
  /** What is wrong in the end; nothing where all is right. */
  readonly violations: readonly string[];
  /** Releases that were made beside the promotions, to deploy again. */
  readonly again: number;
  readonly operations: readonly Operation[];
  readonly trace: readonly Step[];
}

/** A defect: the context that a command is given instead of its own. */
export type MovingBreak = (context: Context, command: Command) => Context;

/** What these schedules hold a world against. */
export type MovingRule = 'no-annotation' | 'tag-differs' | 'not-deployed-again';

/** Rules that are taken away, each of which these schedules have to find. */
export const MOVING_BREAKS: Readonly<Record<string, MovingBreak>> = {
  'apply-deploys-nothing-again': (context, command) =>
    command.kind === 'apply'
      ? { ...context, clock: { ...context.clock, now: () => context.clock.now() - 60 * MINUTE } }
      : context,
  'slow-runs-deploy-nothing-again': (context, command) =>
    command.kind === 'apply' ? context : { ...context, clock: { ...context.clock, elapsed: () => 0 } },
  'overtaken-runs-deploy-nothing-again': (context) => {
    const started = context.clock.now();
    return { ...context, clock: { ...context.clock, now: () => started } };
  },
};

/** Runs the schedule of a seed. `broken`: the rule that is taken away. */
export async function simulateMoving(seed: number, start: Start, broken?: MovingBreak): Promise<MovingVerdict> {
  const random = createSeededRandom(seed ^ 0x3071);
  // a slow run is a failure of its own: nothing else fails, though others may release meanwhile
  const slow = random.chance(0.15);
  const rough: Weather = { ...CALM, stickiness: 0.5, faults: random.pick([0, 0.02]), kill: 0.04, kills: 3 };
  const weather = slow ? { ...CALM, stickiness: 0.5 } : rough;
  const scheduler = new Scheduler(random, weather, EPOCH);
  const world = new World(start, () => scheduler.now);
  const operations: Operation[] = [];
  const stage: Stage = { world, scheduler, operations, broken };
  const run = (name: string, wait: number, command: Command): void =>
    scheduler.start(async () => runLater(stage, { name, wait, command, slow: slow && name === 'ana' }));
  run('ana', random.below(1_000), slow && random.chance(0.3) ? ROLLBACK : promoteTo('V3.0'));
  if (random.chance(0.5)) run('ben', random.pick([500, 3 * LATER]), promoteTo('V4.0'));
  if (random.chance(0.3)) run('cleo', random.pick([LATER, 3 * LATER]), ROLLBACK);
  for (let turn = 1; turn <= 3; turn += 1) run(`job-${turn}`, turn * LATER + random.below(10_000), APPLY);
  await scheduler.run();
  scheduler.calmDown();
  for (let turn = 1; turn <= 3; turn += 1) run(`repair-${turn}`, turn * LATER, APPLY);
  const ended = await scheduler.run();
  const isExcused = isTold(scheduler.trace) || failedTwice(scheduler.trace);
  const violations = ended ? judge(world, isExcused) : ['never-ended: the simulation has no end'];
  return { violations, again: redeploys(world), operations, trace: scheduler.trace };
}

interface Stage {
  readonly world: World;
  readonly scheduler: Scheduler;
  readonly operations: Operation[];
  readonly broken: MovingBreak | undefined;
}

/** A command that somebody runs after a while. A slow one waits for its registry before its first two tags. */
interface Turn {
  readonly name: string;
  readonly wait: number;
  readonly command: Command;
  readonly slow: boolean;
}

async function runLater({ world, scheduler, operations, broken }: Stage, turn: Turn): Promise<void> {
  const { name, wait, command } = turn;
  await scheduler.sleep(`${name} waits`, wait);
  const { context, stop } = openProcess({ world, scheduler, process: name, skew: () => 0 });
  const given = turn.slow ? slowed(context, async () => scheduler.sleep(`${name}'s registry is slow`, SLOW)) : context;
  const started = scheduler.now;
  const killed = new Promise<undefined>((resolve) => {
    scheduler.enter(name, { stop, killed: () => resolve(undefined) });
  });
  const told = await Promise.race([runCommand(broken?.(given, command) ?? given, command), killed]);
  scheduler.leave(name);
  const kind = command.kind === 'promote' || command.kind === 'rollback' ? command.kind : 'apply';
  const [said] = told ?? [];
  const { environment: _, ...rest } = said ?? { environment: '' };
  operations.push({
    actor: name,
    kind,
    environment: 'dev',
    started,
    ...(said ? { ...rest, ended: scheduler.now } : { killed: true }),
  });
}

/** A process whose registry takes its time for the first two tags. */
function slowed(context: Context, wait: () => Promise<void>): Context {
  const registry = context.registries.registryOf(undefined as never);
  let tags = 0;
  const slow: typeof registry = {
    ...registry,
    async tag(...args) {
      tags += 1;
      if (tags <= 2) await wait();
      return registry.tag(...args);
    },
  };
  return { ...context, registries: { ...context.registries, registryOf: () => slow } };
}

const ROLLBACK: Command = { kind: 'rollback', environment: 'dev' };
const APPLY: Command = { kind: 'apply', environments: ['dev'] };

function isTold(trace: readonly Step[]): boolean {
  return trace.some(({ text }) => text.includes('is not deployed again'));
}

/** Whether an `apply` had a request that failed, and was killed before it tried again. */
function failedTwice(trace: readonly Step[]): boolean {
  const named = (pattern: RegExp): ReadonlySet<string> =>
    new Set(trace.flatMap(({ text }) => pattern.exec(text)?.[1] ?? []));
  const killed = named(/^(job-\d): killed/);
  return [...named(/^(job-\d): .*: failed/)].some((name) => killed.has(name));
}

function promoteTo(app: string): Command {
  return { kind: 'promote', environment: 'dev', versions: { app } };
}

function annotationOf(world: World, id: ObjectId): string {
  const text = Buffer.from(world.remote.filesOf(id).get(OVERLAY) ?? []).toString();
  return /tagflow\.dev\/digest\.app: ['"]?([^'"\n]+)/.exec(text)?.[1] ?? '';
}

/**
 * Holds the last annotation against the moment at which the tag was right at last. Two failures one after the other are not
 * promised anything: somebody was told, an `apply` was killed after a request of it had failed, or the release that deploys again
 * was itself cut short (ADR 142).
 */
function judge(world: World, isExcused: boolean): readonly string[] {
  const heads = world.headsOf('dev' as BranchName).map(({ at, id }) => ({ at, says: annotationOf(world, id) }));
  const says = heads.at(-1)?.says ?? '';
  const digest = says.replace(/\+.*/, '');
  const first = heads.slice(heads.findLastIndex((head) => head.says !== says) + 1)[0]?.at ?? 0;
  if (!(PUBLISHED['app'] ?? []).some((each) => each.digest === digest)) return [`no-annotation: it says ${says}`];
  if (world.tags().find(({ repository, tag }) => repository === REPOSITORY && tag === 'dev')?.digest !== digest)
    return ['tag-differs: the tag names another image than the annotation'];
  const writes = world.writes.filter(({ repository, tag }) => repository === REPOSITORY && tag === 'dev');
  const right = writes[writes.findLastIndex((write) => write.digest !== digest) + 1]?.at ?? 0;
  if (right - first <= SOON || isExcused || says.includes('+')) return [];
  return [`not-deployed-again: the tag was right ${right - first} ms after the annotation could be synced`];
}

/** How many heads have the mark of a release that deploys again. */
function redeploys(world: World): number {
  const marks = world.headsOf('dev' as BranchName).map(({ id }) => annotationOf(world, id));
  return new Set(marks.filter((mark) => mark.includes('+'))).size;
}
