// Windows and freezes on the calendar of a time zone: days, midnight, and the two days a year on which the clock jumps.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { activeFreeze, frozenTimes, nextWindow } from '../../src/gates/calendar.ts';
import { DAYS, type Freeze, type TimeWindow } from '../../src/model/gate-policy.ts';

const BERLIN = 'Europe/Berlin';

function window(hours: string, change: Partial<TimeWindow> = {}): TimeWindow {
  const [start = '', end = ''] = hours.split('-');
  return { days: DAYS, start, end, zone: BERLIN, ...change };
}

function range(from: string, until: string, zone = BERLIN): Freeze {
  return { kind: 'range', from, until, zone };
}

function cron(expression: string, hours: number, zone = BERLIN): Freeze {
  return { kind: 'cron', cron: expression, durationMs: hours * 3_600_000, zone };
}

const at = (text: string): number => Date.parse(text);
const iso = (instant: number | undefined): string | undefined =>
  instant === undefined ? undefined : new Date(instant).toISOString().replace(':00.000Z', 'Z');

/** `open until …`, `opens …`, or `never`. */
function seen(windows: readonly TimeWindow[], now: string): string {
  const span = nextWindow(windows, at(now));
  if (!span) return 'never';
  return span.start <= at(now) ? `open until ${iso(span.end)}` : `opens ${iso(span.start)}`;
}

/** `frozen until …`, `frozen`, or `free`. */
function frozen(freezes: readonly Freeze[], now: string): string {
  const active = activeFreeze(freezes, at(now));
  if (!active) return 'free';
  return active.end === undefined ? 'frozen' : `frozen until ${iso(active.end)}`;
}

describe('a window', () => {
  const office = window('09:00-16:00', { days: ['mon', 'tue', 'wed', 'thu'] });
  const night = window('22:00-02:00', { days: ['fri'] });

  test.each<[string, TimeWindow, string, string]>([
    ['is open inside', office, '2026-11-30T10:00Z', 'open until 2026-11-30T15:00Z'],
    ['opens at its first moment', office, '2026-11-30T08:00Z', 'open until 2026-11-30T15:00Z'],
    ['is closed the moment before', office, '2026-11-30T07:59:59.999Z', 'opens 2026-11-30T08:00Z'],
    ['is closed at its end', office, '2026-11-30T15:00Z', 'opens 2026-12-01T08:00Z'],
    ['skips days that are not named', office, '2026-12-03T15:00Z', 'opens 2026-12-07T08:00Z'],
    ['crosses midnight', night, '2026-12-05T00:30Z', 'open until 2026-12-05T01:00Z'],
    ['that crosses midnight belongs to the day it starts on', night, '2026-12-04T00:30Z', 'opens 2026-12-04T21:00Z'],
    ['of a whole day', window('00:00-24:00', { days: ['sun'] }), '2026-12-06T22:59Z', 'open until 2026-12-06T23:00Z'],
    [
      'reads the day in its zone',
      window('00:00-01:00', { days: ['mon'], zone: 'Pacific/Auckland' }),
      '2026-11-29T11:30Z',
      'open until 2026-11-29T12:00Z',
    ],
    [
      'has a zone with half an hour',
      window('09:00-10:00', { zone: 'Asia/Kolkata' }),
      '2026-11-30T03:30Z',
      'open until 2026-11-30T04:30Z',
    ],
  ])('%s', (_, one, now, expected) => {
    expect(seen([one], now)).toBe(expected);
  });

  // In Berlin 2026-03-29 has no 02:00 to 03:00, and 2026-10-25 has it twice.
  test.each<[string, string, string, string]>([
    ['whose start is skipped opens at the jump', '02:30-06:00', '2026-03-29T01:00Z', 'open until 2026-03-29T04:00Z'],
    ['whose start is skipped is closed before the jump', '02:30-06:00', '2026-03-29T00:59Z', 'opens 2026-03-29T01:00Z'],
    ['whose end is skipped closes at the jump', '01:00-02:30', '2026-03-29T00:59Z', 'open until 2026-03-29T01:00Z'],
    ['that is skipped whole does not open that day', '02:00-03:00', '2026-03-29T00:30Z', 'opens 2026-03-30T00:00Z'],
    ['over the jump is an hour shorter', '01:00-04:00', '2026-03-29T00:00Z', 'open until 2026-03-29T02:00Z'],
    ['whose start comes twice opens at the first', '02:30-06:00', '2026-10-25T00:30Z', 'open until 2026-10-25T05:00Z'],
    ['whose end comes twice closes at the first', '01:00-02:30', '2026-10-25T00:30Z', 'opens 2026-10-26T00:00Z'],
    ['over the doubled hour is an hour longer', '01:00-04:00', '2026-10-24T23:00Z', 'open until 2026-10-25T03:00Z'],
  ])('%s', (_, hours, now, expected) => {
    expect(seen([window(hours)], now)).toBe(expected);
  });

  test('of several is the open one that ends last, or the next to open', () => {
    const both = [window('09:00-12:00'), window('10:00-16:00')];
    expect(seen(both, '2026-11-30T10:00Z')).toBe('open until 2026-11-30T15:00Z');
    expect(seen(both.toReversed(), '2026-11-30T15:00Z')).toBe('opens 2026-12-01T08:00Z');
  });

  test('that has no day never opens', () => {
    expect(seen([window('09:00-16:00', { days: [] })], '2026-11-30T10:00Z')).toBe('never');
  });
});

describe('a freeze', () => {
  const weekend = cron('0 18 * * fri', 62);

  test.each<[string, readonly Freeze[], string, string]>([
    [
      'holds from its start',
      [range('2026-12-20T00:00', '2027-01-02T00:00')],
      '2026-12-19T23:00Z',
      'frozen until 2027-01-01T23:00Z',
    ],
    ['does not hold before', [range('2026-12-20T00:00', '2027-01-02T00:00')], '2026-12-19T22:59Z', 'free'],
    ['does not hold at its end', [range('2026-12-20T00:00', '2027-01-02T00:00')], '2027-01-01T23:00Z', 'free'],
    ['by cron holds from the moment it names', [weekend], '2026-12-04T17:00Z', 'frozen until 2026-12-07T07:00Z'],
    ['by cron does not hold the moment before', [weekend], '2026-12-04T16:59:59.999Z', 'free'],
    ['by cron ends', [weekend], '2026-12-07T07:00Z', 'free'],
    [
      'that another follows on ends with that one',
      [weekend, range('2026-12-07T07:00', '2026-12-07T12:00')],
      '2026-12-05T00:00Z',
      'frozen until 2026-12-07T11:00Z',
    ],
    [
      'inside another ends with the outer one',
      [range('2026-12-05T00:00', '2026-12-05T12:00'), weekend],
      '2026-12-05T00:00Z',
      'frozen until 2026-12-07T07:00Z',
    ],
    [
      'with a gap to the next one ends at the gap',
      [weekend, range('2026-12-07T08:01', '2026-12-07T12:00')],
      '2026-12-05T00:00Z',
      'frozen until 2026-12-07T07:00Z',
    ],
    ['that begins again before it ends has no end', [cron('0 * * * *', 2)], '2026-12-05T00:00Z', 'frozen'],
  ])('%s', (_, freezes, now, expected) => {
    expect(frozen(freezes, now)).toBe(expected);
  });

  test.each<[string, Freeze, string, string]>([
    [
      'whose start is skipped begins at the jump',
      range('2026-03-29T02:30', '2026-03-29T06:00'),
      '2026-03-29T01:00Z',
      'frozen until 2026-03-29T04:00Z',
    ],
    [
      'whose start comes twice begins at the first',
      range('2026-10-25T02:30', '2026-10-25T06:00'),
      '2026-10-25T00:30Z',
      'frozen until 2026-10-25T05:00Z',
    ],
    [
      'whose end comes twice ends at the second',
      range('2026-10-25T00:00', '2026-10-25T02:30'),
      '2026-10-25T00:30Z',
      'frozen until 2026-10-25T01:30Z',
    ],
    [
      'by cron lasts as long as it says, whatever the clock does',
      cron('0 18 * * sat', 12),
      '2026-03-28T17:00Z',
      'frozen until 2026-03-29T05:00Z',
    ],
    [
      'by cron at a skipped time begins at the jump',
      cron('30 2 29 3 *', 1),
      '2026-03-29T01:00Z',
      'frozen until 2026-03-29T02:00Z',
    ],
  ])('%s', (_, freeze, now, expected) => {
    expect(frozen([freeze], now)).toBe(expected);
  });
});

describe('at any time and in any zone', () => {
  const zones = fc.constantFrom(
    'UTC',
    BERLIN,
    'America/St_Johns',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
    'Africa/Casablanca',
  );
  const hour = fc.integer({ min: 0, max: 23 }).map((value) => String(value).padStart(2, '0'));
  const minute = fc.constantFrom('00', '15', '30', '45');
  const time = fc.tuple(hour, minute).map(([h, m]) => `${h}:${m}`);
  const moments = fc
    .date({ min: new Date('2025-01-01'), max: new Date('2028-01-01'), noInvalidDate: true })
    .map((d) => d.getTime());
  const windows = fc
    .record({ start: time, end: time, zone: zones, days: fc.subarray([...DAYS], { minLength: 1 }) })
    .filter(({ start, end }) => start !== end);

  test('a window is found, lasts at most 25 hours, and is open at its start and closed at its end', () => {
    fc.assert(
      fc.property(windows, moments, (one, now) => {
        const span = nextWindow([one], now);
        expect(span).toBeDefined();
        if (!span) return;
        expect(span.end).toBeGreaterThan(now);
        expect(span.end - span.start).toBeLessThanOrEqual(25 * 3_600_000);
        expect(nextWindow([one], span.start)?.start).toBeLessThanOrEqual(span.start);
        expect(nextWindow([one], span.end)?.start).not.toBe(span.start);
      }),
      { numRuns: 60 },
    );
  });

  test('a wall clock inside the hours of a named day is inside the window, the days of a jump apart', () => {
    fc.assert(
      fc.property(windows, moments, (one, now) => {
        const clock = new Intl.DateTimeFormat('en-GB', {
          timeZone: one.zone,
          weekday: 'short',
          hour: '2-digit',
          minute: '2-digit',
          hourCycle: 'h23',
        });
        const offsets = [-30, 30].map(
          (hours) =>
            new Intl.DateTimeFormat('en', { timeZone: one.zone, timeZoneName: 'longOffset' })
              .formatToParts(now + hours * 3_600_000)
              .find(({ type }) => type === 'timeZoneName')?.value,
        );
        fc.pre(offsets[0] === offsets[1]);
        const parts = Object.fromEntries(clock.formatToParts(now).map(({ type, value }) => [type, value]));
        const today = parts['weekday']?.toLowerCase() ?? '';
        const yesterday = DAYS[(DAYS.indexOf(today as (typeof DAYS)[number]) + 6) % 7] ?? '';
        const wall = `${parts['hour']}:${parts['minute']}`;
        const opens = (day: string): boolean => one.days.some((each) => each === day);
        const isOpen =
          one.end > one.start
            ? opens(today) && wall >= one.start && wall < one.end
            : (opens(today) && wall >= one.start) || (opens(yesterday) && wall < one.end);
        const span = nextWindow([one], now);
        expect((span?.start ?? Infinity) <= now).toBe(isOpen);
      }),
      { numRuns: 200 },
    );
  });
});

describe('when freezes held', () => {
  const at = (text: string): number => Date.parse(text);
  const span = { start: at('2026-11-02T00:00:00Z'), end: at('2026-11-30T00:00:00Z') };

  test('between two moments, oldest first, and cut to them', () => {
    const found = frozenTimes(
      [
        { kind: 'range', zone: 'UTC', from: '2026-11-27T12:00', until: '2026-12-02T00:00', reason: 'sale' },
        { kind: 'cron', zone: 'Europe/Paris', cron: '0 18 * * fri', durationMs: 62 * 3_600_000, reason: 'weekend' },
      ],
      span,
    );
    expect(found.map(({ start, end, reason }) => [new Date(start).toISOString(), end - start, reason])).toEqual([
      ['2026-11-02T00:00:00.000Z', 7 * 3_600_000, 'weekend'],
      ['2026-11-06T17:00:00.000Z', 62 * 3_600_000, 'weekend'],
      ['2026-11-13T17:00:00.000Z', 62 * 3_600_000, 'weekend'],
      ['2026-11-20T17:00:00.000Z', 62 * 3_600_000, 'weekend'],
      ['2026-11-27T12:00:00.000Z', span.end - at('2026-11-27T12:00:00Z'), 'sale'],
      ['2026-11-27T17:00:00.000Z', span.end - at('2026-11-27T17:00:00Z'), 'weekend'],
    ]);
  });

  test('a freeze before or after them did not hold', () => {
    const range = (from: string, until: string) => ({ kind: 'range' as const, zone: 'UTC', from, until });
    const freezes = [range('2026-10-01T00:00', '2026-11-02T00:00'), range('2026-11-30T00:00', '2026-12-01T00:00')];
    expect(frozenTimes(freezes, span)).toEqual([]);
  });
});
