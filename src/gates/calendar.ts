// Windows and freezes on the calendar of a time zone. A day has the hours that the zone gives it: where daylight saving
// skips a time, the moment of the jump stands for it; where a time comes twice, a window opens and closes at the earlier
// one, and a freeze ends at the later one, so that neither lets a promotion through for longer than was written.
import { Cron } from 'croner';
import { Temporal } from 'temporal-polyfill';
import type { Instant } from '../model/effects.ts';
import { DAYS, type Freeze, type TimeWindow } from '../model/gate-policy.ts';
import type { FrozenTime } from './frozen-times.ts';

/** A span of time; the end is exclusive. */
export interface TimeRange {
  readonly start: Instant;
  readonly end: Instant;
}

/** How far ahead an opening is looked for, in days: a year has every day and every change of the clock. */
const HORIZON_DAYS = 370;

/** How many freezes that follow one another are looked through for their end. */
const MAX_FREEZES = 1000;

/** How many times of one freeze are listed. */
const MOST_FROZEN = 200;

/** The open window that ends last, or the next one to open; undefined when none opens within a year. */
export function nextWindow(windows: readonly TimeWindow[], now: Instant): TimeRange | undefined {
  const spans = windows.flatMap((window) => currentOrNext(window, now) ?? []);
  const open = spans.filter(({ start }) => start <= now).toSorted((a, b) => b.end - a.end);
  return open[0] ?? spans.toSorted((a, b) => a.start - b.start)[0];
}

/** The span of a window that is open now, or the next one. */
function currentOrNext(window: TimeWindow, now: Instant): TimeRange | undefined {
  const today = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(window.zone).toPlainDate();
  // Yesterday's may last until today.
  for (let ahead = -1; ahead <= HORIZON_DAYS; ahead += 1) {
    const date = today.add({ days: ahead });
    if (!window.days.includes(DAYS[date.dayOfWeek - 1] ?? 'mon')) continue;
    const span = spanOn(window, date);
    if (now < span.end && span.start < span.end) return span;
  }
  return undefined;
}

function spanOn({ start, end, zone }: TimeWindow, date: Temporal.PlainDate): TimeRange {
  const crosses = end <= start;
  const last = crosses || end === '24:00' ? date.add({ days: 1 }) : date;
  return {
    start: instantOf(date, start, zone, 'earlier'),
    end: instantOf(last, end === '24:00' ? '00:00' : end, zone, 'earlier'),
  };
}

/** A freeze that holds now, and the end of all that follow on it without a gap; `end` undefined: it is not in sight. */
export function activeFreeze(
  freezes: readonly Freeze[],
  now: Instant,
): { readonly freeze: Freeze; readonly end: Instant | undefined } | undefined {
  const first = latestEnd(freezes, now);
  if (!first) return undefined;
  let { end } = first;
  const horizon = now + HORIZON_DAYS * 86_400_000;
  for (let count = 0; count < MAX_FREEZES && end < horizon; count += 1) {
    const next = latestEnd(freezes, end);
    if (!next) return { freeze: first.freeze, end };
    ({ end } = next);
  }
  return { freeze: first.freeze, end: undefined };
}

/** When freezes held between two moments, oldest first: of those that a cron expression names the newest 200. */
export function frozenTimes(freezes: readonly Freeze[], { start, end }: TimeRange): readonly FrozenTime[] {
  const times = freezes.flatMap((freeze): FrozenTime[] => {
    const { zone, reason } = freeze;
    if (freeze.kind === 'range') {
      const first = instantAt(freeze.from, zone, 'earlier');
      return [{ start: first, end: instantAt(freeze.until, zone, 'later'), reason }];
    }
    const cron = new Cron(freeze.cron, { timezone: zone, mode: '5-part', paused: true });
    const begun = cron.previousRuns(MOST_FROZEN, new Date(end)).map((at) => at.getTime());
    return begun.map((first) => ({ start: first, end: first + freeze.durationMs, reason }));
  });
  return times
    .filter((time) => time.end > start && time.start < end)
    .map((time) => ({ ...time, start: Math.max(time.start, start), end: Math.min(time.end, end) }))
    .toSorted((a, b) => a.start - b.start);
}

/** Of the freezes that hold at a moment the one that ends last. */
function latestEnd(
  freezes: readonly Freeze[],
  at: Instant,
): { readonly freeze: Freeze; readonly end: Instant } | undefined {
  return freezes
    .flatMap((freeze) => {
      const end = endOf(freeze, at);
      return end === undefined ? [] : [{ freeze, end }];
    })
    .toSorted((a, b) => b.end - a.end)[0];
}

/** When a freeze that holds at a moment ends; undefined: it does not hold then. */
function endOf(freeze: Freeze, at: Instant): Instant | undefined {
  if (freeze.kind === 'range') {
    const start = instantAt(freeze.from, freeze.zone, 'earlier');
    const end = instantAt(freeze.until, freeze.zone, 'later');
    return start <= at && at < end ? end : undefined;
  }
  const cron = new Cron(freeze.cron, { timezone: freeze.zone, mode: '5-part', paused: true });
  // Exclusive of the moment that is given: the next second has this one below it.
  const [last] = cron.previousRuns(1, new Date(at + 1000 - (at % 1000)));
  const end = last && last.getTime() + freeze.durationMs;
  return end !== undefined && at < end ? end : undefined;
}

/** The instant of a local `YYYY-MM-DDTHH:MM[:SS]`. */
function instantAt(local: string, zone: string, doubled: 'earlier' | 'later'): Instant {
  const { 0: date = '', 1: time = '00:00' } = local.split('T');
  return instantOf(Temporal.PlainDate.from(date), time, zone, doubled);
}

function instantOf(date: Temporal.PlainDate, time: string, zone: string, doubled: 'earlier' | 'later'): Instant {
  const local = date.toPlainDateTime(Temporal.PlainTime.from(time));
  const earlier = local.toZonedDateTime(zone, { disambiguation: 'earlier' });
  if (earlier.toPlainDateTime().equals(local)) {
    return (doubled === 'earlier' ? earlier : local.toZonedDateTime(zone, { disambiguation: 'later' }))
      .epochMilliseconds;
  }
  // Of a time that the zone skips, `earlier` lies before the jump.
  return (earlier.getTimeZoneTransition('next') ?? earlier).epochMilliseconds;
}
