// The releases of one environment or of all, as a view.
import type { Release, Unverified } from '../engine/read/history.ts';
import type { Instant } from '../model/effects.ts';
import { shortId } from '../model/object-id.ts';
import { releaseShape, unverifiedShape } from './shapes.ts';
import { type View, linesOf, styled, tableOf } from './view.ts';
import { duration, moment } from './words.ts';

const COLUMNS = [
  '#',
  'ENV',
  'WHEN',
  { name: 'RAN', drop: 2 },
  { name: 'ACTION', drop: 3 },
  { name: 'IMAGES', wraps: true },
  { name: 'BY', drop: 1 },
  { name: 'COMMIT', drop: 4 },
  { name: 'WHY', wraps: true, drop: 0 },
];

/** The releases as a table, and below it the commits that touch a record and are no release. */
export function historyView(
  { releases, unverified }: { readonly releases: readonly Release[]; readonly unverified: readonly Unverified[] },
  now: Instant,
): View {
  return {
    data: { releases: releases.map(releaseShape), unverified: unverified.map(unverifiedShape) },
    parts: [
      releases.length > 0
        ? tableOf(
            COLUMNS,
            releases.map((release) => row(release, now)),
          )
        : linesOf('no release'),
      linesOf(
        ...unverified.map(({ environment: name, commit, author, problem }) => [
          styled('yellow', 'unverified'),
          `: ${shortId(commit)} on ${name} by ${author}: ${problem}`,
        ]),
      ),
    ],
  };
}

function row({ record, commit, since, until }: Release, now: Instant): readonly string[] {
  return [
    String(record.sequence),
    record.environment,
    moment(since),
    until === undefined ? `${duration(now - since)} (runs)` : duration(until - since),
    record.action === 'rollback' ? `rollback to #${record.restored?.sequence ?? '?'}` : 'promote',
    record.images.map(({ name, version }) => `${name} ${version}`).join(', '),
    record.actor,
    shortId(commit),
    record.reason ?? '',
  ];
}
