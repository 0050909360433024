// One simulation: a seed, its scenario, every process run by the engine over the scheduled world, and the checker's verdict.
import { EXIT } from '../../../src/model/errors.ts';
import { checkHistory, describeViolation } from '../checker/check-history.ts';
import type { Operation } from '../checker/history.ts';
import { type Break, breakProcess } from './breaks.ts';
import { type Command, EVERY, type Told, runCommand, runJournalCommand } from './commands.ts';
import { historyOf } from './facts.ts';
import { byHand } from './hands.ts';
import { forge, isForged, removeForged } from './forgeries.ts';
import { type LinesScenario, commitToTrunk, createLineStarts, drawLines, withForgeries } from './lines.ts';
import { movingStart, simulateMoving } from './moving.ts';
import { openProcess } from './process.ts';
import { createSeededRandom } from './random.ts';
import {
  type Actor,
  type HandMade,
  RIGHT_CLOCK,
  drawScenario,
  withJournal,
  withMerges,
  withVerification,
} from './scenario.ts';
import { Scheduler, type Step } from './scheduler.ts';
import { ENVIRONMENTS, EPOCH, type Start, createStarts } from './start.ts';
import { createSharedPast } from './shared-past.ts';
import { World } from './world.ts';

/** What a simulation showed. */
export interface Verdict {
  readonly seed: number;
  /** The promises that were broken, one a line. */
  readonly violations: readonly string[];
  readonly operations: readonly Operation[];
  readonly trace: readonly Step[];
}

/** Where simulations begin: with an environment on each branch, with lines that share one, and where manifests name a moving tag. */
export interface Starts {
  readonly branches: readonly Start[];
  readonly lines: readonly Start[];
  readonly moving: Start;
}

/** Tells the chance that a seed is one of lines from all other chance. */
const LINES = 0x11e5;
/** Tells the chance that a seed is one of a moving tag. */
const MOVING = 0x30f1;

/** Makes every start. */
export async function createAllStarts(): Promise<Starts> {
  return { branches: await createStarts(), lines: await createLineStarts(), moving: await movingStart() };
}

/** Runs the simulation of a seed. The same seed gives the same verdict. `broken`: the defect that is built in. */
export async function simulate(seed: number, { branches, lines, moving }: Starts, broken?: Break): Promise<Verdict> {
  if (broken ? broken.lines : createSeededRandom(seed ^ LINES).chance(0.1)) {
    const honest = drawLines(createSeededRandom(seed ^ LINES ^ 1), lines);
    const drawn = withForgeries(honest, createSeededRandom(seed ^ LINES ^ 2));
    return simulateLines(seed, broken?.lines?.(drawn) ?? drawn, broken);
  }
  if (broken ? broken.moving : createSeededRandom(seed ^ MOVING).chance(0.03)) {
    return { seed, ...(await simulateMoving(seed, moving, broken?.moving)) };
  }
  const random = createSeededRandom(seed);
  const looked = withVerification(drawScenario(random, branches), createSeededRandom(seed ^ 0x5eed));
  const kept = withJournal(looked, createSeededRandom(seed ^ 0x10c4));
  const drawn = withMerges(kept, createSeededRandom(seed ^ 0x3e26e));
  const { start, weather, actors, hands } = broken?.scenario?.(drawn) ?? drawn;
  const scheduler = new Scheduler(random, weather, EPOCH);
  const world = new World(start, () => scheduler.now);
  const past = createSharedPast(seed);
  const operations: Operation[] = [];
  const acknowledged: { actor: string; entry: string }[] = [];
  for (const actor of actors) {
    scheduler.start(async () => work({ world, past, scheduler, broken, operations, acknowledged }, actor));
  }
  for (const [index, act] of hands.entries()) {
    scheduler.start(async () => {
      await scheduler.sleep('hand', random.below(1_500));
      await byHand(world, scheduler, act, index + 1);
    });
  }
  let ended = await scheduler.run();
  scheduler.calmDown();
  // Where nothing failed and nobody was told of anything incomplete, nobody has to repair: anybody who wrote a tag looked at
  // the head again. A replica that shows an old head is a failure.
  const untroubled = operations.every(({ exit = EXIT.terminated }) => exit < EXIT.denied);
  const quiet = untroubled && world.rewinds.length === 0 && weather.stale.git === 0;
  if (!quiet) {
    const command: Command = { kind: 'apply', environments: touched(actors, hands) };
    scheduler.start(async () =>
      work(
        { world, past, scheduler, broken, operations, acknowledged },
        { name: 'repair', commands: [command], clock: RIGHT_CLOCK },
      ),
    );
    ended = (await scheduler.run()) && ended;
  }
  const history = historyOf(world, start, operations, { settled: true, lag: weather.lag, acknowledged });
  const violations = checkHistory(history).map(describeViolation);
  if (!ended) violations.push('never-ended: the simulation has no end');
  return { seed, violations, operations, trace: scheduler.trace };
}

/** Runs a scenario of lines that share a branch. The same seed gives the same verdict. */
export async function simulateLines(seed: number, scenario: LinesScenario, broken?: Break): Promise<Verdict> {
  const { start, weather, actors, commits } = scenario;
  const random = createSeededRandom(seed);
  const scheduler = new Scheduler(random, weather, EPOCH);
  const world = new World(start, () => scheduler.now);
  const operations: Operation[] = [];
  const stage: Stage = { world, past: createSharedPast(seed), scheduler, broken, operations, acknowledged: [] };
  for (const actor of actors) scheduler.start(async () => work(stage, actor));
  for (const [index, commit] of commits.entries()) {
    scheduler.start(async () => {
      const { every } = scenario;
      await scheduler.sleep('hand', every === undefined ? random.below(1_500) : every * (index + 1));
      await commitToTrunk(world, scheduler, commit, { number: index + 1, time: scheduler.now });
    });
  }
  for (const [index, forgery] of (scenario.forgeries ?? []).entries()) {
    scheduler.start(async () => {
      await scheduler.sleep('hand', random.below(1_500));
      await forge(world, scheduler, start.pipeline, forgery, index + 1);
    });
  }
  let ended = await scheduler.run();
  scheduler.calmDown();
  ended = (await mend(stage, start)) && ended;
  const command: Command = { kind: 'apply', environments: [...start.pipeline.lines.keys()] };
  scheduler.start(async () => work(stage, { name: 'repair', commands: [command], clock: RIGHT_CLOCK }));
  ended = (await scheduler.run()) && ended;
  const history = historyOf(world, start, operations, { settled: true, lag: weather.lag, acknowledged: [] });
  const violations = checkHistory(history).map(describeViolation);
  if (!ended) violations.push('never-ended: the simulation has no end');
  return { seed, violations, operations, trace: scheduler.trace };
}

/** People do what the refusals of forged records say: roll back, or remove a record where no release was. */
async function mend(stage: Stage, { pipeline }: Start): Promise<boolean> {
  const { world, scheduler } = stage;
  let ended = true;
  for (const line of pipeline.lines.values()) {
    if (!isForged(world, line)) continue;
    const command: Command = { kind: 'rollback', environment: line.name };
    scheduler.start(async () =>
      work(stage, { name: `mend-${line.name.replace('/', '-')}`, commands: [command], clock: RIGHT_CLOCK }),
    );
    ended = (await scheduler.run()) && ended;
    removeForged(world, line, scheduler.now);
  }
  return ended;
}

/** The environments that anything was done to: the others are as they were. */
function touched(actors: readonly Actor[], hands: readonly HandMade[]): readonly string[] {
  const commands = actors.flatMap((actor) => actor.commands);
  const names = new Set([
    ...commands.flatMap((command) => (command.kind === 'apply' ? command.environments : [command.environment])),
    ...hands.map(({ environment }) => environment),
  ]);
  return ENVIRONMENTS.filter((name) => names.has(name));
}

interface Stage {
  readonly world: World;
  readonly past: ReturnType<typeof createSharedPast>;
  readonly scheduler: Scheduler;
  readonly broken: Break | undefined;
  readonly operations: Operation[];
  readonly acknowledged: { readonly actor: string; readonly entry: string }[];
}

/** An actor's commands, one process after the other. A killed one is not the end: the next comes, as a pipeline's job does. */
async function work(stage: Stage, { name, commands, clock }: Actor): Promise<void> {
  const { world, past, scheduler, broken, operations, acknowledged } = stage;
  for (const [index, command] of commands.entries()) {
    const process = `${name}-${index + 1}`;
    const opened = openProcess({
      world,
      past,
      scheduler,
      process,
      skew: (now) => (now < clock.jumpsAt ? clock.before : clock.after),
    });
    const { context, ledger } = broken ? breakProcess(opened, broken, world) : opened;
    const started = scheduler.now;
    scheduler.note(`${process}: ${describeCommand(command)}`);
    const killed = new Promise<undefined>((resolve) => {
      scheduler.enter(process, { stop: opened.stop, killed: () => resolve(undefined) });
    });
    if (command.kind === 'journal') {
      const written = await Promise.race([runJournalCommand(context, command), killed]);
      scheduler.leave(process);
      scheduler.note(`${process}: wrote ${written?.length ?? 'nothing'}`);
      for (const entry of written ?? []) acknowledged.push({ actor: process, entry });
      continue;
    }
    const run = broken?.run ?? runCommand;
    const told = await Promise.race([run(context, command), killed]);
    // One that was killed keeps nothing.
    if (told) await opened.save();
    scheduler.leave(process);
    const environments = linesOf(command);
    for (const environment of environments) {
      const saw = ledger.saw?.branches.get(environment as never);
      operations.push({
        actor: process,
        kind: command.kind === 'verify' ? 'rollback' : command.kind === 'all' ? 'promote' : command.kind,
        environment,
        started,
        ...consents(command),
        // A verification reads the branch again before it rolls back.
        ...(saw !== undefined && command.kind !== 'verify' && { saw }),
        ...endOf(
          told?.find((each) => each.environment === environment || each.environment === EVERY),
          scheduler.now,
        ),
      });
    }
    for (const each of told ?? []) {
      scheduler.note(`${process}: ${each.environment}: ${each.outcome ?? each.error}, exit ${each.exit}`);
    }
  }
}

/** The lines that a command is about. */
function linesOf(command: Command): readonly string[] {
  if (command.kind === 'apply') return command.environments;
  return command.kind === 'all' ? command.lines : [command.environment];
}

function endOf(told: Told | undefined, now: number): Partial<Operation> {
  if (!told) return { killed: true };
  const { environment: _, ...rest } = told;
  return { ...rest, ended: now };
}

function consents(command: Command): Partial<Operation> {
  if (command.kind === 'all') return {};
  if (command.kind === 'apply' || command.kind === 'journal') return {};
  const { kind: _, environment: __, ...rest } = command;
  return rest;
}

function describeCommand(command: Command): string {
  const { kind, ...rest } = command;
  return `${kind} ${JSON.stringify(rest)}`;
}
