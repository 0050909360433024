// The scheduler of a simulation: every talk of a process with the world outside is a point at which it waits. One point is
// let go at a time, in an order drawn from the seed; its effect happens then, and so does what goes wrong with it. Time is
// virtual: it moves with each point, and jumps when everybody sleeps. Nothing here depends on the machine.
import type { Instant } from '../../../src/model/effects.ts';
import type { SeededRandom } from './random.ts';

/**
 * How a point ended for the process that waited there. `failed`: nothing happened, and it learns so. `unanswered`: it is
 * not told; an effect has happened, will happen later, or never will. `stale`: a read that may be answered from the past.
 */
export type Ending = 'done' | 'stale' | 'failed' | 'unanswered';

/** Who a process talks to. */
export type Server = 'git' | 'registry';

/** What a process waits for. */
export interface PointOptions {
  /** The name of the process. */
  readonly process: string;
  /** Who has to answer. A clock always does. */
  readonly server: Server | 'clock';
  /** For the trace. */
  readonly label: string;
  /** The effect of a write, made the moment that the point is let go or its late request arrives. */
  readonly effect?: (late?: 'late') => void;
}

/** What goes wrong, and how often. */
export interface Weather {
  /** Probability that a point fails or loses its answer. */
  readonly faults: number;
  /** Probability that a read is answered from the past, by what is read. */
  readonly stale: Readonly<Record<Server, number>>;
  /** How far back in the past that is, at most, in milliseconds. */
  readonly lag: number;
  /** Probability that anybody who went last continues: 0 mixes as much as can be. */
  readonly stickiness: number;
  /** Probability at each point that its process is killed there, or told to stop; each at most `kills` times. */
  readonly kill: number;
  readonly kills: number;
  /** A span of time in which a server does not answer at all. */
  readonly outage: { readonly server: Server; readonly from: Instant; readonly to: Instant } | undefined;
}

/** No faults, no delay, one after the other. */
export const CALM: Weather = {
  faults: 0,
  stale: { git: 0, registry: 0 },
  lag: 0,
  stickiness: 1,
  kill: 0,
  kills: 0,
  outage: undefined,
};

interface Point extends PointOptions {
  readonly resolve: (ending: Ending) => void;
  /** For sleepers and late requests: not before this moment. */
  readonly notBefore: Instant;
  readonly ghost: boolean;
}

/** How signals reach a process. */
export interface ProcessControl {
  /** SIGTERM. */
  readonly stop: () => void;
  /** SIGKILL: it is gone; nothing that it waits for ever comes. */
  readonly killed: () => void;
}

/** One line of a trace: a moment and what happened. */
export interface Step {
  readonly at: Instant;
  readonly text: string;
}

/** A run that takes more steps than this does not end. */
const MAX_STEPS = 20_000;

/** Turns of the event loop after which a strand that waits for nothing known waits for nothing that comes. */
const MAX_IDLE = 1_000;

/** Schedules processes over one world. */
export class Scheduler {
  readonly random: SeededRandom;
  readonly #weather: Weather;
  readonly trace: Step[] = [];
  readonly #points: Point[] = [];
  readonly #processes = new Map<string, ProcessControl>();
  #kills = 0;
  #now: Instant;
  #last: string | undefined;
  #running = 0;
  #calm = false;
  #defect: unknown;

  constructor(random: SeededRandom, weather: Weather, start: Instant) {
    this.random = random;
    this.#weather = weather;
    this.#now = start;
  }

  get now(): Instant {
    return this.#now;
  }

  /** How far back a stale read looks, drawn for each. */
  staleSince(): Instant {
    return this.#now - this.random.next() * this.#weather.lag;
  }

  /** Waits for a turn. Without an effect it is a read. */
  async point(options: PointOptions): Promise<Ending> {
    if (this.#calm) {
      this.#now += 1;
      this.note(`${options.process}: ${options.label}`);
      options.effect?.();
      return 'done';
    }
    return new Promise((resolve) => {
      this.#points.push({ ...options, resolve, notBefore: this.#now, ghost: false });
    });
  }

  /** Waits for a time to pass. */
  async sleep(process: string, milliseconds: number): Promise<void> {
    await new Promise<Ending>((resolve) => {
      const notBefore = this.#now + milliseconds;
      this.#points.push({
        process,
        server: 'clock',
        label: `sleeps ${Math.round(milliseconds)} ms`,
        resolve,
        notBefore,
        ghost: false,
      });
    });
  }

  /** Lets a process be killed and told to stop, until it has ended. */
  enter(process: string, control: ProcessControl): void {
    this.#processes.set(process, control);
  }

  /** The process has ended: signals no longer reach it. */
  leave(process: string): void {
    this.#processes.delete(process);
  }

  note(text: string): void {
    this.trace.push({ at: this.#now, text });
  }

  /** Starts a strand of work that `run` waits for. What it throws is a defect of the simulation. */
  start(work: () => Promise<void>): void {
    this.#running += 1;
    work().then(
      () => (this.#running -= 1),
      (error: unknown) => (this.#defect = error ?? new TypeError('a strand failed')),
    );
  }

  /** Lets points go until every strand has ended and nothing is under way. False when that never comes. */
  async run(): Promise<boolean> {
    let idle = 0;
    for (let step = 0; step < MAX_STEPS && idle < MAX_IDLE; step += 1) {
      // Everything that the last point set off runs up to the next points.
      await new Promise<void>((resolve) => void setImmediate(resolve));
      if (this.#defect !== undefined) throw this.#defect;
      const point = this.#next();
      if (point) this.#letGo(point);
      else if (this.#running === 0) return true;
      // A module that is loaded on demand takes some turns the first time.
      idle = point ? 0 : idle + 1;
    }
    return false;
  }

  /** From now on nothing fails, nothing is stale, nobody is killed, and nobody waits for anybody. */
  calmDown(): void {
    this.#calm = true;
  }

  #next(): Point | undefined {
    const points = this.#points;
    if (points.length === 0) return undefined;
    let ready = points.filter(({ notBefore }) => notBefore <= this.#now);
    if (ready.length === 0) {
      this.#now = Math.min(...points.map(({ notBefore }) => notBefore));
      ready = points.filter(({ notBefore }) => notBefore <= this.#now);
    }
    const mine = this.random.chance(this.#weather.stickiness) && ready.find(({ process }) => process === this.#last);
    const point = mine || this.random.pick(ready);
    points.splice(points.indexOf(point), 1);
    this.#now += 1 + this.random.below(40);
    return point;
  }

  #letGo(point: Point): void {
    const { process, label, effect, ghost } = point;
    if (ghost) {
      this.note(`late: ${process}: ${label}`);
      effect?.('late');
      return;
    }
    this.#last = process;
    if (this.#strikes(process, point)) return;
    const ending = this.#endingOf(point);
    this.note(`${process}: ${label}${ending === 'done' ? '' : `: ${ending}`}`);
    point.resolve(ending);
  }

  /** Whether the process dies here. What it had sent happens, or not, or later. */
  #strikes(process: string, point: Point): boolean {
    const control = this.#processes.get(process);
    if (!control || this.#calm || this.#kills >= this.#weather.kills) return false;
    if (!this.random.chance(this.#weather.kill)) return false;
    this.#kills += 1;
    if (this.random.chance(0.3)) {
      this.note(`${process}: told to stop`);
      control.stop();
      return false;
    }
    this.note(`${process}: killed at ${point.label}`);
    const inFlight = [point, ...this.#points.filter((other) => other.process === process && !other.ghost)];
    for (const each of inFlight) {
      const at = this.#points.indexOf(each);
      if (at >= 0) this.#points.splice(at, 1);
      if (each.effect) this.#fate(each);
    }
    this.#processes.delete(process);
    control.killed();
    return true;
  }

  #fate({ process, server, label, effect }: Point): void {
    const fate = this.random.below(3);
    if (fate === 0) {
      this.note(`${process}: ${label}: it never arrives`);
    } else if (fate === 1) {
      this.note(`${process}: ${label}: it arrives`);
      effect?.();
    } else {
      this.#later({ process, server, label, ...(effect && { effect }) });
    }
  }

  /** A request that arrives after its client has given up, or died. */
  #later(options: PointOptions): void {
    const notBefore = this.#now + this.random.next() * 2_000;
    this.note(`${options.process}: ${options.label}: it is delayed`);
    this.#points.push({ ...options, notBefore, ghost: true, resolve: () => undefined });
  }

  #endingOf(point: Point): Ending {
    const { server, effect } = point;
    const { outage, faults, stale } = this.#weather;
    if (server === 'clock') return 'done';
    if (outage && outage.server === server && this.#now >= outage.from && this.#now < outage.to) return 'failed';
    if (this.random.chance(faults)) {
      if (!effect || this.random.chance(0.25)) return 'failed';
      this.#fate(point);
      return 'unanswered';
    }
    if (!effect) return this.random.chance(stale[server]) ? 'stale' : 'done';
    effect();
    return 'done';
  }
}
