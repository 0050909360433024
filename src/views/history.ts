// The releases of one environment or of all, as a view.
import { lineName } from '../model/pipeline.ts';
import type { FoundChange } from '../engine/read/found-changes.ts';
import type { History } from '../engine/read/history.ts';
import type { Release } from '../engine/read/past.ts';
import { type PastLine, leftWords } from '../engine/read/past-lines.ts';
import type { Instant } from '../model/effects.ts';
import { shortId } from '../model/object-id.ts';
import { entryLines, entryShape } from './journal.ts';
import { leftShape, releaseShape, time, timeOrNull, unverifiedShape } from './shapes.ts';
import { unreleasedLine, unreleasedShape } from './unreleased.ts';
import { type StyledText, type Table, type TextLine, type View, linesOf, styled, tableOf } from './view.ts';
import { actorOf, changesOf, duration, moment, versionsOf } from './words.ts';

const COLUMNS = [
  '#',
  'ENV',
  'WHEN',
  { name: 'RAN', drop: 2 },
  { name: 'ACTION', drop: 3 },
  { name: 'CHANGED', wraps: true },
  { name: 'BY', drop: 1 },
  { name: 'COMMIT', drop: 4 },
  { name: 'WHY', wraps: true },
];

const RECORDS = [
  'release',
  'environment',
  'since',
  'until',
  'action',
  'changed',
  'images',
  'actor',
  'on_behalf_of',
  'signer',
  'commit',
  'reason',
];

/** What `history` lists: releases, and what else touched the branches. */
interface ListedPast {
  readonly releases: History['releases'];
  readonly unverified: History['unverified'];
  readonly unreleased: History['unreleased'];
  readonly found?: readonly FoundChange[];
  readonly left?: readonly PastLine[];
  readonly entries?: History['entries'];
}

/** The releases as a table, and below it the commits that touch a record and are no release. */
export function historyView(
  { releases, unverified, unreleased, found = [], left = [], entries = [] }: ListedPast,
  now: Instant,
): View {
  return {
    data: {
      releases: releases.map(releaseShape),
      unverified: unverified.map(unverifiedShape),
      unreleased: unreleased.map(unreleasedShape),
      found: found.map(foundShape),
      left: left.map(leftShape),
      entries: entries.map(entryShape),
    },
    parts: [
      releases.length > 0
        ? tableOf(
            COLUMNS,
            releases.map((release) => row(release, now)),
          )
        : linesOf('no release'),
      ...(found.length === 0 ? [] : [foundTable(found)]),
      linesOf(
        ...releases.flatMap(verificationLine),
        ...unverified.map(({ environment: name, commit, author, problem }) => [
          styled('yellow', 'unverified'),
          `: ${shortId(commit)} on ${name} by ${author}: ${problem}`,
        ]),
        ...unreleased.map(unreleasedLine),
        ...left.map(leftWords),
        ...entryLines(entries),
      ),
    ],
    records: recordsOf(releases),
  };
}

function foundShape({ time: at, images, ...change }: FoundChange): Readonly<Record<string, unknown>> {
  const changes = images.map(({ name: image, from = null, to = null, kind }) => ({ image, from, to, kind }));
  return { ...change, time: time(at), changes };
}

/** Changes that ordinary commits made: found, not released. */
function foundTable(found: readonly FoundChange[]): Table {
  return tableOf(
    ['FOUND', 'ENV', { name: 'CHANGED', wraps: true }, { name: 'BY', drop: 1 }, 'COMMIT'],
    found.map(({ time: at, environment, images, author, commit }) => [
      moment(at),
      environment,
      images
        .map(
          ({ name, from, to, kind }) => `${name} ${from ?? '–'} → ${to ?? '–'}${kind === 'change' ? '' : ` (${kind})`}`,
        )
        .join(', '),
      author,
      shortId(commit),
    ]),
  );
}

/** What is to be said of a release whose verification did not pass. */
function verificationLine({ record, verification }: Release): readonly TextLine[] {
  if (!verification || verification.result === 'passed') return [];
  const { result, steps } = verification;
  const step = steps.find((one) => one.result === result);
  const name = `release ${record.sequence} of ${lineName(record.environment, record.application)}`;
  const colour = result === 'failed' ? 'red' : 'yellow';
  return [[styled(colour, result), `: the verification of ${name}${step ? `: ${step.name}: ${step.seen}` : ''}`]];
}

function row({ record, commit, since, until, before }: Release, now: Instant): readonly StyledText[] {
  const rollback = `rollback to #${record.restored?.sequence ?? '?'}`;
  return [
    String(record.sequence),
    lineName(record.environment, record.application),
    moment(since),
    until === undefined ? styled('green', `${duration(now - since)} (runs)`) : duration(until - since),
    record.action === 'rollback' ? styled('yellow', rollback) : record.action,
    changesOf(record, before),
    actorOf(record),
    shortId(commit),
    record.reason ?? '',
  ];
}

function recordsOf(releases: readonly Release[]): Table {
  return tableOf(
    RECORDS,
    releases.map(({ record, commit, signer, since, until, before }) => [
      String(record.sequence),
      lineName(record.environment, record.application),
      time(since),
      timeOrNull(until) ?? '',
      record.action,
      changesOf(record, before),
      versionsOf(record.images),
      record.actor,
      record.onBehalfOf ?? '',
      signer ?? '',
      commit,
      record.reason ?? '',
    ]),
  );
}
