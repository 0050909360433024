// The whole of a contention run: servers, seasons, rounds, and what they came to.
import { rm } from 'node:fs/promises';
import { startDockerRegistry } from '../../support/docker-registry.ts';
import { temporaryFolder } from '../../support/git-repository.ts';
import { type Rule, type Violation } from '../checker/history.ts';
import { describeViolation } from '../checker/check-history.ts';
import { provideProgram } from '../real/program.ts';
import { type Crew, processCrew, sharedCrew } from './crew.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { startGitServerProcess } from './git-server.ts';
import { type Arena, type Ground, type Round, type Season, openSeason, playRound } from './rounds.ts';

/** How to contend. */
export interface ContentionOptions {
  readonly actors: number;
  readonly rounds: number;
  readonly seed: number;
  /** What seasons are about, in turn. Default: a branch, then lines that share one. */
  readonly grounds?: readonly Ground[];
  /** So many processes that the actors share; 0: each is a process of its own. */
  readonly shared: number;
  /** How long after its client a late write arrives, in milliseconds. */
  readonly lateMs: number;
  readonly say: (text: string) => void;
  /** Begins no further round once it fires; what was played is reported. */
  readonly signal?: AbortSignal;
  /** Called with each season before its first round: for planted defects. */
  readonly prepare?: (proxy: FaultProxy, season: Season) => void;
  /** The program, in place of the one that is published. */
  readonly program?: string;
}

/** Rounds on one pipeline: histories that are read again and again stay short. */
const SEASON = 10;
/** Every that many rounds all is settled, and the tags must be right. */
const SETTLE = 5;
const STALE_MS = 1_000;

/** What a broken rule is counted as in the closing line. */
const COUNTED_AS: Partial<Record<Rule, 'acknowledgements' | 'verdicts' | 'records'>> = {
  'acknowledged-lost': 'acknowledgements',
  'exit-untrue': 'verdicts',
  'landed-unacknowledged': 'verdicts',
  'landed-twice': 'records',
  'sequence-broken': 'records',
};

/** Plays all rounds, tells, and resolves to the number of violations. */
export async function contend(options: ContentionOptions): Promise<number> {
  const { actors, rounds, shared, say, lateMs } = options;
  const random = randomOf(options.seed);
  const folder = await temporaryFolder('contention');
  const [git, registry, proxy] = await Promise.all([
    startGitServerProcess(folder),
    startDockerRegistry(),
    startFaultProxy({ random, lateMs, staleMs: STALE_MS }),
  ]);
  let crew: Crew | undefined;
  const totals = new Totals();
  let played = 0;
  try {
    const program = options.program ?? provideProgram(folder);
    crew = shared === 0 ? processCrew(program) : sharedCrew(program, shared);
    const arena: Arena = { folder, git, registry, proxy, crew, actors, random, staleMs: STALE_MS };
    let season: Season | undefined;
    while (played < rounds && options.signal?.aborted !== true) {
      if (played % SEASON === 0) {
        await Promise.all(proxy.late);
        season?.remove();
        const grounds = options.grounds ?? (['branch', 'lines'] as const);
        const count = played / SEASON;
        season = await openSeason(arena, `season-${count}`, grounds[count % grounds.length] ?? 'branch');
        options.prepare?.(proxy, season);
      }
      if (!season) throw new Error('no season is open');
      played += 1;
      const settle = played % SETTLE === 0 || played === rounds;
      const round = await playRound(arena, season, `r${played}`, settle);
      totals.add(round);
      if (round.violations.length > 0) say(describe(played, options, round));
      if (played % 10 === 0) say(`${played} of ${rounds} rounds: ${totals.describe(proxy)}`);
    }
  } finally {
    await crew?.close();
    await proxy.close();
    await git.close();
    await registry.stop();
    await rm(folder, { recursive: true, force: true });
  }
  say(totals.describe(proxy));
  const { acknowledgements, verdicts, records, others } = totals.violations();
  say(
    `contention: ${actors} ${shared === 0 ? 'processes' : `actors in ${shared} processes`} × ${played.toLocaleString('en')} rounds, ` +
      `${acknowledgements} lost acknowledgements, ${verdicts} wrong verdicts, ${records} duplicate records, ${others} other violations`,
  );
  return acknowledgements + verdicts + records + others;
}

/** Figures over all rounds. */
class Totals {
  readonly #begun = performance.now();
  readonly #exits: Record<string, number> = {};
  readonly #violations: Violation[] = [];
  #landed = 0;
  #slowest = 0;

  add({ exits, violations, landed, slowest }: Round): void {
    for (const [exit, count] of Object.entries(exits)) this.#exits[exit] = (this.#exits[exit] ?? 0) + count;
    this.#violations.push(...violations);
    this.#landed += landed;
    this.#slowest = Math.max(this.#slowest, slowest);
  }

  violations(): Readonly<Record<'acknowledgements' | 'verdicts' | 'records' | 'others', number>> {
    const counts = { acknowledgements: 0, verdicts: 0, records: 0, others: 0 };
    for (const { rule } of this.#violations) counts[COUNTED_AS[rule] ?? 'others'] += 1;
    return counts;
  }

  describe({ counts }: FaultProxy): string {
    const list = (figures: Readonly<Record<string, number>>): string =>
      Object.entries(figures)
        .map(([name, count]) => `${name} ${count}`)
        .join(', ');
    const { pushes, ...faults } = counts;
    return (
      `${this.#landed} releases of ${pushes} pushes; exits: ${list(this.#exits)}; faults: ${list(faults)}; ` +
      `slowest ${(this.#slowest / 1000).toFixed(1)} s; ${((performance.now() - this.#begun) / 1000).toFixed(0)} s in all`
    );
  }
}

function describe(round: number, { seed }: ContentionOptions, { violations, story }: Round): string {
  const subjects = new Set(violations.map(({ subject }) => subject));
  const told = story.filter((text) => [...subjects].some((subject) => text.startsWith(`${subject}:`)));
  return [
    `violation in round ${round} of seed ${seed}`,
    ...violations.map((violation) => `  ${describeViolation(violation)}`),
    ...told.flatMap((text) =>
      text
        .trim()
        .split('\n')
        .map((line) => `    ${line}`),
    ),
  ].join('\n');
}

/** Numbers from 0 up to 1, by a seed. mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
