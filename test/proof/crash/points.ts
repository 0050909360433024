// The points of the crash sweep: which there are, what each is called, and a sample of them that has every kind.

/** Over which Git and which registry. `servers`: `git http-backend` and docker-registry; `files`: file:// and OCI layouts. */
export const TRANSPORTS = ['servers', 'files'] as const;
/** What is killed. */
export const COMMANDS = [
  'promote',
  'all',
  'rollback',
  'apply',
  'verify',
  'lock',
  'unlock',
  'hold',
  'lift',
  'approve',
  'override',
] as const;
/** Whether another actor releases to the same environment while the one that is killed stands still at its step. */
export const COMPANIES = ['alone', 'beside'] as const;
/** How it is stopped. */
export const SIGNALS = ['kill', 'term'] as const;
/**
 * When, about a step's effect. `unanswered`: it has happened, and who wanted it has not heard. `after`: it has heard, and
 * has not begun the next step. `late`: it is killed first, and the effect comes after everybody else is done.
 */
export const MOMENTS = ['before', 'unanswered', 'after', 'late'] as const;

export type Transport = (typeof TRANSPORTS)[number];
export type CommandName = (typeof COMMANDS)[number];
export type Company = (typeof COMPANIES)[number];
export type StopSignal = (typeof SIGNALS)[number];
export type Moment = (typeof MOMENTS)[number];

/** A step of a run: what it is, and the how manieth of its kind in this run, from 1. */
export interface Step {
  /** `PUT app:stg-4`, `git receive-pack`, `rename registry/app/index.json`. */
  readonly label: string;
  readonly count: number;
}

/** One point of the sweep. */
export interface Point {
  readonly transport: Transport;
  readonly command: CommandName;
  readonly company: Company;
  readonly signal: StopSignal;
  readonly moment: Moment;
  readonly step: Step;
}

/** What a point is called, on the command line as well: `servers/promote/alone/kill/before/PUT-app:stg-4/1`. */
export function pointId({ transport, command, company, signal, moment, step }: Point): string {
  return [
    transport,
    command,
    company,
    signal,
    moment,
    step.label.replaceAll(' ', '-').replaceAll('/', '_'),
    step.count,
  ].join('/');
}

/** The steps of an undisturbed run, in their order, numbered for each label. */
export function countSteps(labels: readonly string[]): readonly Step[] {
  const counts = new Map<string, number>();
  return labels.map((label) => {
    const count = (counts.get(label) ?? 0) + 1;
    counts.set(label, count);
    return { label, count };
  });
}

/** Whether a step's effect can come after the death of who wanted it: a request that is on its way, a push that continues. */
function canComeLate({ label }: Step): boolean {
  return /^(?:PUT |git receive-pack$|git push$)/.test(label);
}

/** Whether a step changes what others see. */
function isWrite({ label }: Step): boolean {
  return /^(?:PUT |rename |git (?:receive-pack|push)$)/.test(label);
}

/** Every point about the steps of one command. */
export function pointsOf(transport: Transport, command: CommandName, steps: readonly Step[]): readonly Point[] {
  return steps.flatMap((step) =>
    COMPANIES.flatMap((company) =>
      SIGNALS.flatMap((signal) =>
        MOMENTS.filter((moment) => moment !== 'late' || (signal === 'kill' && canComeLate(step))).map((moment) => ({
          transport,
          command,
          company,
          signal,
          moment,
          step,
        })),
      ),
    ),
  );
}

/** The kind of a step: its label without what is only the image's or the environment's. */
export function kindOf({ transport, step }: Pick<Point, 'transport' | 'step'>): string {
  const label = step.label
    .replace(/\b(?:app|db)\b/, 'image')
    .replace(/@[0-9a-f]+$/, '@digest')
    .replace(/:(?:[a-z]+-)?stg-\d+$/, ':release')
    .replace(/:[a-z]+-stg$/, ':stg')
    .replace(/:v[\d.]+$/, ':version');
  return `${transport} ${label}`;
}

/**
 * About `size` of the points, by a seed: the same ones again for the same seed, and among them every kind of step with each
 * signal and each moment, every command and every company, and every write of a commit with several records.
 */
export function sample(points: readonly Point[], size: number, seed: number): readonly Point[] {
  const shuffled = shuffle(points, seed);
  const chosen = new Set<Point>();
  const seen = new Set<string>();
  for (const point of shuffled) {
    const together = point.command === 'all' && isWrite(point.step) ? ' of several' : '';
    const key = `${kindOf(point)} ${point.signal} ${point.moment}${together}`;
    if (seen.has(key)) continue;
    seen.add(key);
    chosen.add(point);
  }
  for (const point of shuffled) {
    if (chosen.size >= size) break;
    chosen.add(point);
  }
  return points.filter((point) => chosen.has(point));
}

/** Another order, by a seed. mulberry32: small, and good enough for choosing. */
export function shuffle<T>(items: readonly T[], seed: number): T[] {
  let state = seed >>> 0;
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const result = [...items];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}
