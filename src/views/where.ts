// Where an image is or was, as a view.
import type { FoundSpan } from '../engine/read/found-changes.ts';
import { leftWords } from '../engine/read/past-lines.ts';
import type { Span as TimeSpan } from '../engine/read/where.ts';
import type { Instant } from '../model/effects.ts';
import { shortId } from '../model/object-id.ts';
import { leftShape, time, timeOrNull } from './shapes.ts';
import { type Table, type View, linesOf, tableOf } from './view.ts';
import { actorOf, digestCell, duration, moment } from './words.ts';

const COLUMNS = [
  'ENV',
  'IMAGE',
  'VERSION',
  { name: 'DIGEST', drop: 4 },
  'FROM',
  'UNTIL',
  { name: 'FOR', drop: 2 },
  { name: 'RELEASES', drop: 3 },
  { name: 'BY', drop: 1 },
  { name: 'WHY', wraps: true },
];

/** Spans of time, one a row; below them those that ordinary commits made. */
export function whereView(spans: readonly TimeSpan[], now: Instant, found: readonly FoundSpan[] = []): View {
  return {
    data: {
      spans: spans.map(({ from, until, by, left, ...span }) => ({
        ...span,
        left: leftShape(left),
        from: time(from),
        until: timeOrNull(until),
        actor: by.actor,
        onBehalfOf: by.onBehalfOf ?? null,
        reason: by.reason ?? null,
      })),
      found: found.map(({ from, until, ...span }) => ({ ...span, from: time(from), until: timeOrNull(until) })),
    },
    parts: [
      ...(spans.length === 0 && found.length > 0 ? [] : [spansTable(spans, now)]),
      ...(found.length === 0 ? [] : [foundTable(found)]),
      linesOf(...new Set(spans.flatMap(({ left }) => (left ? [leftWords(left)] : [])))),
    ],
    ...(spans.length > 0 && { records: recordsOf(spans) }),
  };
}

const RECORDS = [
  'environment',
  'image',
  'version',
  'digest',
  'from',
  'until',
  'first_release',
  'last_release',
  'actor',
  'on_behalf_of',
  'reason',
];

function recordsOf(spans: readonly TimeSpan[]): Table {
  return tableOf(
    RECORDS,
    spans.map(({ environment, image, version, digest, from, until, releases: [first, last], by }) => [
      environment,
      image,
      version,
      digest,
      time(from),
      timeOrNull(until) ?? '',
      String(first),
      String(last),
      by.actor,
      by.onBehalfOf ?? '',
      by.reason ?? '',
    ]),
  );
}

/** What ordinary commits pinned: found, not released. */
function foundTable(found: readonly FoundSpan[]): Table {
  return tableOf(
    ['FOUND', 'ENV', 'IMAGE', 'VERSION', 'UNTIL', { name: 'BY', drop: 1 }, 'COMMIT'],
    found.map(({ from, environment, image, version, until, author, commit }) => [
      moment(from),
      environment,
      image,
      version,
      until === undefined ? 'now' : moment(until),
      author,
      shortId(commit),
    ]),
  );
}

function spansTable(spans: readonly TimeSpan[], now: Instant): Table {
  return tableOf(
    COLUMNS,
    spans.map(({ environment, image, version, digest, from, until, releases: [first, last], by }) => [
      environment,
      image,
      version,
      digestCell(digest),
      moment(from),
      until === undefined ? 'now' : moment(until),
      duration((until ?? now) - from),
      first === last ? `#${first}` : `#${first} to #${last}`,
      actorOf(by),
      by.reason ?? '',
    ]),
  );
}
