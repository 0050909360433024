// Times as people write them: ISO 8601 with an offset or Z, a local time with a zone's name, a date, or an age.
import { parseDuration } from '../../model/duration.ts';
import type { Instant } from '../../model/effects.ts';
import { TagflowError } from '../../model/errors.ts';

const AGE = /^([0-9]{1,6})\s*(s|min|m|h|d|w)$/;
const UNITS: Readonly<Record<string, number>> = { s: 1e3, m: 6e4, min: 6e4, h: 36e5, d: 864e5, w: 6048e5 };
const ISO = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)$/;
const DAY = /^(\d{4}-\d\d-\d\d)(?:\s+([A-Za-z][A-Za-z0-9_+\-/]*))?$/;
const LOCAL = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?))?(?:\s+([A-Za-z][A-Za-z0-9_+\-/]*))?$/;

/** A span of time, both ends included. */
export interface TimeSpan {
  readonly from: Instant;
  readonly until: Instant;
}

/** A date without a time covers its day; anything else is one instant. Throws `usage`. */
export async function parseMoment(text: string, now: Instant): Promise<TimeSpan> {
  const from = await parseInstant(text, now);
  const day = DAY.exec(text.trim());
  if (!day) return { from, until: from };
  const [, date = '', zone = 'UTC'] = day;
  const { Temporal } = await import('temporal-polyfill');
  const next = Temporal.PlainDate.from(date).add({ days: 1 }).toZonedDateTime(zone);
  return { from, until: next.epochMilliseconds - 1 };
}

/**
 * Returns the instant that a question about the past means: for a date the end of that day, or now where that is earlier.
 * Throws `usage` for a time in the future.
 */
export async function parsePast(text: string, now: Instant): Promise<Instant> {
  const { from, until } = await parseMoment(text, now);
  if (from <= now) return Math.min(until, now);
  throw new TagflowError('usage', {
    what: `${JSON.stringify(text)} is in the future`,
    why: `it means ${new Date(from).toISOString()}, and now it is ${new Date(now).toISOString()}`,
    fix: 'name a time in the past',
  });
}

/**
 * Returns the instant that text names: `2026-03-14T18:00Z`, `2026-03-14 18:00+01:00`, `2026-03-14 18:00 Europe/Paris` (IANA time
 * zone names), `2026-03-14` (its start, UTC), or an age before now: `45min`, `12h`, `7d`. A time without a zone is UTC. Where a
 * zone has a local time twice, the earlier one counts; a local time that the zone skips moves forward (RFC 9557, "compatible").
 * Throws `usage`.
 */
export async function parseInstant(text: string, now: Instant): Promise<Instant> {
  const trimmed = text.trim();
  const age = AGE.exec(trimmed);
  if (age) return now - Number(age[1]) * (UNITS[age[2] ?? ''] ?? 0);
  const { Temporal } = await import('temporal-polyfill');
  try {
    if (ISO.test(trimmed)) return Temporal.Instant.from(trimmed.replace(' ', 'T')).epochMilliseconds;
    const local = LOCAL.exec(trimmed);
    if (local) {
      const [, date = '', time = '00:00', zone = 'UTC'] = local;
      return Temporal.PlainDateTime.from(`${date}T${time}`).toZonedDateTime(zone).epochMilliseconds;
    }
  } catch (cause) {
    throw notATime(text, cause instanceof Error ? cause.message : undefined);
  }
  throw notATime(text, undefined);
}

/** Returns the moment that `--until` names: a time, or a span from now on such as `4h`. Throws `usage`. */
export async function untilFrom(text: string | undefined, now: Instant): Promise<Instant | undefined> {
  if (text === undefined) return undefined;
  const span = parseDuration(text);
  const until = span === undefined ? await parseInstant(text, now) : now + span;
  if (until > now) return until;
  throw new TagflowError('usage', {
    what: `${JSON.stringify(text)} is in the past`,
    fix: 'write a future time, or a span: --until 4h',
  });
}

function notATime(text: string, why: string | undefined): TagflowError {
  return new TagflowError('usage', {
    what: `${JSON.stringify(text)} is not a time`,
    why,
    fix: 'write 2026-03-14T18:00Z, "2026-03-14 18:00 Europe/Paris", 2026-03-14, or an age such as 7d',
  });
}
