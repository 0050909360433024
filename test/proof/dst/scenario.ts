// What a simulation is about, drawn from its seed: the start, the weather, who does what, and what hands do meanwhile.
import type { Instant } from '../../../src/model/effects.ts';
import type { PromoteRequest } from '../../../src/model/plan.ts';
import type { Command, PlannedPromotion } from './commands.ts';
import type { SeededRandom } from './random.ts';
import { CALM, type Weather } from './scheduler.ts';
import { VERSIONS } from './images.ts';
import { ENVIRONMENTS, EPOCH, type Start } from './start.ts';

/** What hands do to a branch at one moment. */
export interface HandMade {
  /**
   * `hotfix`: a commit on the environment's branch. `cherry-pick`: the same change on the trunk. `merge`: a pull request
   * of the upstream branch. `trunk`: a change of the trunk. `rewind`: the branch goes back to an older commit. `old-merge`: an
   * older commit is merged with the head, the older one as first parent: a fast-forward. `journal-rewind`: the journal goes back
   * to an older commit, or is removed.
   */
  readonly kind: 'hotfix' | 'cherry-pick' | 'merge' | 'squash' | 'trunk' | 'rewind' | 'old-merge' | 'journal-rewind';
  readonly environment: string;
}

/** A person or a pipeline: commands one after the other, each a process of its own. */
export interface Actor {
  readonly name: string;
  readonly commands: readonly Command[];
  /** How far its clock is off, in milliseconds, before and after it jumps. */
  readonly clock: { readonly before: number; readonly after: number; readonly jumpsAt: Instant };
}

/** A clock that is right. */
export const RIGHT_CLOCK: Actor['clock'] = { before: 0, after: 0, jumpsAt: EPOCH };

/** Everything that a seed stands for, but the order. */
export interface Scenario {
  readonly start: Start;
  readonly weather: Weather;
  readonly actors: readonly Actor[];
  readonly hands: readonly HandMade[];
}

const NAMES = ['ana', 'ben', 'cleo', 'dov'];

/** The scenario of a seed. */
export function drawScenario(random: SeededRandom, starts: readonly Start[]): Scenario {
  const start = random.pick(starts);
  const weather = drawWeather(random);
  const hot = random.pick(ENVIRONMENTS);
  const where = (): string => (random.chance(0.75) ? hot : random.pick(ENVIRONMENTS));
  const actors = NAMES.slice(0, random.pick([2, 2, 3, 3, 4])).map((name): Actor => {
    const commands = Array.from({ length: random.chance(0.2) ? 2 : 1 }, () => drawCommand(random, where()));
    return { name, commands, clock: random.chance(0.1) ? drawClock(random) : RIGHT_CLOCK };
  });
  const kinds = ['hotfix', 'hotfix', 'cherry-pick', 'merge', 'squash', 'trunk', 'trunk'] as const;
  const hands: HandMade[] = [];
  if (random.chance(0.35)) {
    for (let left = 1 + random.below(2); left > 0; left -= 1) {
      hands.push({ kind: random.pick(kinds), environment: where() });
    }
  }
  if (random.chance(0.06)) hands.push({ kind: 'rewind', environment: where() });
  if (random.chance(0.05)) {
    const environment = where();
    hands.push({ kind: 'old-merge', environment });
    // Often somebody mends it.
    const mend: Command = { kind: 'rollback', environment, to: random.pick(['#1', '#2', '#3', '#4']) };
    if (random.chance(0.6)) actors.push({ name: 'eva', commands: [mend, mend], clock: RIGHT_CLOCK });
  }
  return { start, weather, actors, hands };
}

/**
 * The scenario, often with a job that looks at what runs beside people who release and roll back, or two, as a schedule and a job
 * do. `random`: apart from that of the scenario, which stays what it was.
 */
export function withVerification(scenario: Scenario, random: SeededRandom): Scenario {
  // Merges of old commits have schedules of their own.
  if (!random.chance(0.08) || scenario.hands.some(({ kind }) => kind === 'old-merge')) return scenario;
  const [first] = scenario.actors.flatMap(({ commands }) => commands);
  const environment =
    (first?.kind === 'apply' ? first.environments[0] : first?.environment) ?? random.pick(ENVIRONMENTS);
  const look: Command = { kind: 'verify', environment };
  const jobs = (random.chance(0.5) ? ['vera', 'wim'] : ['vera']).map((name): Actor => {
    const commands = random.chance(0.4) ? [look, look] : [look];
    return { name, commands, clock: RIGHT_CLOCK };
  });
  return { ...scenario, actors: [...scenario.actors, ...jobs] };
}

/**
 * The scenario, often with people who lock the environment and put an image on hold meanwhile, and sometimes an administrator who
 * takes the newest entry off the journal. `random`: apart from that of the scenario, which stays what it was.
 */
export function withJournal(scenario: Scenario, random: SeededRandom): Scenario {
  if (!random.chance(0.12) || scenario.hands.some(({ kind }) => kind === 'old-merge')) return scenario;
  const [first] = scenario.actors.flatMap(({ commands }) => commands);
  const environment =
    (first?.kind === 'apply' ? first.environments[0] : first?.environment) ?? random.pick(ENVIRONMENTS);
  const acts = ['lock', 'lock', 'lock --rollbacks', 'unlock', 'hold', 'hold', 'lift'] as const;
  const people = (random.chance(0.6) ? ['lea', 'max'] : ['lea']).map((name): Actor => {
    const commands = Array.from({ length: 1 + random.below(3) }, (): Command => {
      return { kind: 'journal', act: random.pick(acts), environment: random.chance(0.8) ? environment : 'dev' };
    });
    return { name, commands, clock: RIGHT_CLOCK };
  });
  const rewind: readonly HandMade[] = random.chance(0.15) ? [{ kind: 'journal-rewind', environment }] : [];
  // Where answers are often lost, the journal moves while pushes are open.
  const weather = random.chance(0.3) ? { ...scenario.weather, faults: 0.2 } : scenario.weather;
  return { ...scenario, weather, actors: [...scenario.actors, ...people], hands: [...scenario.hands, ...rewind] };
}

/**
 * The scenario, where an old commit is merged often with another merge of the branch beside it. `random`: apart from that of the
 * scenario, which stays what it was.
 */
export function withMerges(scenario: Scenario, random: SeededRandom): Scenario {
  const merged = scenario.hands.find(({ kind }) => kind === 'old-merge');
  if (!merged || !random.chance(0.6)) return scenario;
  const { environment } = merged;
  const others = Array.from({ length: 1 + random.below(2) }, (): HandMade => {
    return { kind: random.pick(['merge', 'merge', 'old-merge', 'hotfix']), environment };
  });
  return { ...scenario, hands: [...scenario.hands, ...others] };
}

/** Off by up to an hour, and another hour off from some moment on. */
function drawClock(random: SeededRandom): Actor['clock'] {
  const off = (): number => random.below(7_200_000) - 3_600_000;
  return { before: off(), after: off(), jumpsAt: EPOCH + random.below(1_500) };
}

/** The weather of a schedule. */
export function drawWeather(random: SeededRandom): Weather {
  const stickiness = random.pick([0, 0, 0.5, 0.9, 0.97]);
  if (random.chance(0.25)) return { ...CALM, stickiness };
  const outage = random.chance(0.05);
  const from = EPOCH + random.below(2_000);
  return {
    stickiness,
    faults: random.pick([0, 0, 0.02, 0.05, 0.15]),
    stale: { git: random.pick([0, 0, 0.05, 0.3]), registry: random.pick([0, 0, 0.05, 0.3]) },
    lag: random.pick([50, 400, 3_000]),
    kill: random.pick([0, 0.01, 0.05]),
    kills: 1 + random.below(2),
    outage: outage ? { server: random.pick(['git', 'registry']), from, to: from + random.below(8_000) } : undefined,
  };
}

function drawCommand(random: SeededRandom, environment: string): Command {
  const draw = random.next();
  if (draw < 0.6) return drawPromotion(random, environment);
  if (draw < 0.85) {
    const to = random.pick([undefined, undefined, undefined, '#1', 'V1.0']);
    return {
      kind: 'rollback',
      environment,
      ...(to !== undefined && { to }),
      ...(random.chance(0.2) && { imagesOnly: true }),
    };
  }
  return { kind: 'apply', environments: random.chance(0.3) ? [...ENVIRONMENTS] : [environment] };
}

function drawPromotion(random: SeededRandom, environment: string): PromoteRequest | PlannedPromotion {
  const versions = random.pick([
    {},
    {},
    { app: random.pick(VERSIONS.app) },
    { app: random.pick(VERSIONS.app) },
    { db: random.pick(VERSIONS.db) },
    { app: random.pick(VERSIONS.app), db: random.pick(VERSIONS.db) },
  ]);
  const request: PromoteRequest = {
    kind: 'promote',
    environment,
    versions,
    overrides: ['downgrade', 'held', 'divergence'].filter(() => random.chance(0.15)),
  };
  return random.chance(0.1) ? { ...request, kind: 'promote', planned: true } : request;
}
