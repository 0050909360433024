// Where an image is or was, as a view.
import { leftWords } from '../engine/read/past-lines.ts';
import type { Span as TimeSpan } from '../engine/read/where.ts';
import type { Instant } from '../model/effects.ts';
import { leftShape, time, timeOrNull } from './shapes.ts';
import { type View, linesOf, tableOf } from './view.ts';
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

/** Spans of time, one a row. */
export function whereView(spans: readonly TimeSpan[], now: Instant): View {
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
    },
    parts: [
      tableOf(
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
      ),
      linesOf(...new Set(spans.flatMap(({ left }) => (left ? [leftWords(left)] : [])))),
    ],
  };
}
