// Plots of a line's releases: deployments by week, with those that failed.
import type { JSX } from 'preact';
import type { PageLine } from '../views/report/page-types.ts';
import { duration, moment } from './text.ts';

const WEEK = 7 * 86_400_000;
/** Weeks that the plot shows. */
const WEEKS = 26;
/** The same in the matrix, where there is less room. */
const FEW_WEEKS = 12;
const HEIGHT = 60;
const STEP = 13;
const WIDE = WEEKS * STEP;
/** Where the bars stand: room above them for signs, and below them for dates. */
const FLOOR = 16 + HEIGHT;

/** The releases of one week. */
interface Week {
  readonly start: number;
  readonly count: number;
  readonly failed: number;
}

/** Deployments of each of the last weeks, oldest first. */
function weeksOf(
  line: PageLine,
  made: number,
  { weeks, failed }: { weeks: number; failed: readonly number[] },
): Week[] {
  const bad = new Set(failed);
  const all = Array.from({ length: weeks }, (_, index) => ({
    start: made - (weeks - index) * WEEK,
    count: 0,
    failed: 0,
  }));
  for (const { since, number } of line.releases) {
    const week = all[weeks - 1 - Math.floor((made - since) / WEEK)];
    if (!week) break;
    week.count += 1;
    if (bad.has(number)) week.failed += 1;
  }
  return all;
}

/** Deployments by week as bars. What failed has a sign above its bar, beside the colour. */
export function Deployments(props: {
  readonly line: PageLine;
  readonly made: number;
  readonly failed: readonly number[];
}): JSX.Element {
  const { line, made, failed } = props;
  const weeks = weeksOf(line, made, { weeks: WEEKS, failed });
  const most = Math.max(1, ...weeks.map(({ count }) => count));
  const total = weeks.reduce((sum, { count }) => sum + count, 0);
  const bad = weeks.reduce((sum, week) => sum + week.failed, 0);
  const label = `deployments by week, the last ${WEEKS}: ${total}, of which ${bad} failed; at most ${most} in a week`;
  return (
    <figure>
      <svg viewBox={`0 0 ${WIDE} ${FLOOR + 14}`} class="plot" role="img" aria-label={label}>
        <line x1={0} x2={WIDE} y1={FLOOR} y2={FLOOR} class="grid" />
        <Dates from={weeks[0]?.start ?? made} until={made} y={FLOOR + 12} />
        {weeks.map((week, index) => (
          <WeekBar key={week.start} week={week} x={index * STEP} most={most} />
        ))}
      </svg>
      <figcaption class="dim">{label}</figcaption>
    </figure>
  );
}

/** The bar of a week, from the left at `x`, as tall as its share of the week with the most deployments. */
function WeekBar(props: { readonly week: Week; readonly x: number; readonly most: number }): JSX.Element {
  const { week, x, most } = props;
  const tall = (count: number): number => (count / most) * HEIGHT;
  const said = `week from ${moment(week.start).slice(0, 10)}: ${week.count}, failed: ${week.failed}`;
  const y = FLOOR - tall(week.count);
  const width = STEP - 3;
  return (
    <g>
      <title>{said}</title>
      <rect x={x} y={y} width={width} height={tall(week.count)} class="bar promote" />
      <rect x={x} y={FLOOR - tall(week.failed)} width={width} height={tall(week.failed)} class="bar failed" />
      {week.failed > 0 && (
        <text x={x + STEP / 2} y={y - 3} class="tick" text-anchor={x > 0 ? 'end' : 'start'}>
          ✗{week.failed}
        </text>
      )}
    </g>
  );
}

/** The first and the last day of a plot, below it. */
function Dates({ from, until, y }: { readonly from: number; readonly until: number; readonly y: number }): JSX.Element {
  return (
    <g class="tick">
      <text x={0} y={y}>
        {moment(from).slice(0, 10)}
      </text>
      <text x={WIDE} y={y} text-anchor="end">
        {moment(until).slice(0, 10)}
      </text>
    </g>
  );
}

/** Changes that the plot shows: of more, the newest. */
const CHANGES = 200;

/** How long each change took until its release ran, by release: a point for each change, on a scale of powers of ten. */
export function LeadTimes(props: { readonly line: PageLine; readonly made: number }): JSX.Element | null {
  const { line, made } = props;
  const times = new Map(line.releases.map(({ number, since }) => [number, since]));
  const points = (line.metrics?.changes ?? []).slice(-CHANGES).flatMap(({ release, seconds }) => {
    const at = times.get(release);
    return at === undefined || seconds === null ? [] : [{ release, seconds, at }];
  });
  if (points.length === 0) return null;
  const from = Math.min(...points.map(({ at }) => at));
  const scale = (seconds: number): number => Math.log10(Math.max(60, seconds));
  const [low, high] = [scale(60), Math.max(scale(86_400), ...points.map(({ seconds }) => scale(seconds)))];
  const x = (at: number): number => 36 + ((at - from) / Math.max(1, made - from)) * (WIDE - 40);
  const y = (seconds: number): number => 12 + (1 - (scale(seconds) - low) / (high - low)) * HEIGHT;
  const median = line.metrics?.changeLeadTimeSeconds ?? null;
  const label = `change lead time of ${points.length} changes${median === null ? '' : `, median ${duration(median * 1000)}`}`;
  return (
    <figure>
      <svg viewBox={`0 0 ${WIDE} ${FLOOR + 14}`} class="plot" role="img" aria-label={label}>
        {[60, 3600, 86_400].map((seconds) => (
          <g key={seconds}>
            <line x1={36} x2={WIDE} y1={y(seconds)} y2={y(seconds)} class="grid" />
            <text x={0} y={y(seconds) + 4} class="tick">
              {duration(seconds * 1000)}
            </text>
          </g>
        ))}
        <Dates from={from} until={made} y={FLOOR + 12} />
        {median !== null && <line x1={36} x2={WIDE} y1={y(median)} y2={y(median)} class="median" />}
        {points.map(({ release, seconds, at }, index) => (
          <circle key={index} cx={x(at)} cy={y(seconds)} r={3} class="point">
            <title>{`release ${release}: ${duration(seconds * 1000)}`}</title>
          </circle>
        ))}
      </svg>
      <figcaption class="dim">{label}. Higher is slower; the line is the median.</figcaption>
    </figure>
  );
}

/** Deployments by week as a line of small bars, for a cell of a table. Nothing where there were none. */
export function Sparkline({ line, made }: { readonly line: PageLine; readonly made: number }): JSX.Element | null {
  const weeks = weeksOf(line, made, { weeks: FEW_WEEKS, failed: [] });
  const total = weeks.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return null;
  const most = Math.max(...weeks.map(({ count }) => count));
  return (
    <svg viewBox="0 0 48 13" class="sparkline" role="img" aria-label={`${total} deployments in ${FEW_WEEKS} weeks`}>
      <rect x={0} y={12} width={47} height={1} class="bar" />
      {weeks.map(({ start, count }, index) => (
        <rect
          key={start}
          x={index * 4}
          y={12 - (count / most) * 12}
          width={3}
          height={(count / most) * 12}
          class="bar"
        />
      ))}
    </svg>
  );
}
