// One release in full, as a view.
import { lineName } from '../model/pipeline.ts';
import type { Release } from '../engine/read/past.ts';
import { leftWords } from '../engine/read/past-lines.ts';
import type { Instant } from '../model/effects.ts';
import type { ReleaseRecord } from '../model/release.ts';
import { entryLines, entryShape } from './journal.ts';
import { leftShape, releaseShape, timeOrNull } from './shapes.ts';
import { sourceParts, sourcesShape } from './sources.ts';
import { type View, linesOf, styled, tableOf } from './view.ts';
import { actorOf, changerOf, changesOf, duration, exactly, moment } from './words.ts';

/** One release: its images, and everything its record says; `at`: the moment it was asked for. */
export function showView(release: Release, now: Instant, at?: Instant): View {
  const { record, entries = [], rulesChanged = [] } = release;
  const { environment, sequence, gates, held } = record;
  return {
    data: {
      ...releaseShape(release),
      left: leftShape(release.left),
      entries: entries.map(entryShape),
      rulesChanged,
      sources: sourcesShape(release.sources),
      at: timeOrNull(at),
    },
    parts: [
      linesOf(
        styled(
          'bold',
          `${lineName(environment, record.application)} release ${sequence}${at === undefined ? '' : `, which ran at ${exactly(at)}`}`,
        ),
      ),
      tableOf(
        ['IMAGE', 'VERSION', { name: 'DIGEST', short: shortened }, { name: 'REPOSITORY', drop: 1 }],
        record.images.map(({ name, version, digest, repository }) => [name, version, digest, repository]),
      ),
      linesOf(
        ...(release.left ? [leftWords(release.left)] : []),
        ...factsOf(release, now).flatMap(([name, value]) => (value === undefined ? [] : [fact(name, value)])),
        ...rulesChanged.map((one) => fact('gates changed', changerOf(one))),
        ...gates.map((one) => fact('gate', gateWords(one))),
        ...verificationFacts(release.verification),
        ...held.map((one) => fact('held', heldWords(one))),
        ...entryLines(entries),
      ),
      ...sourceParts(release.sources),
    ],
  };
}

/** What a rollback left, with the release that was left. */
function heldWords({ release, images }: ReleaseRecord['held'][number]): string {
  const names = images.map(({ name, version }) => `${name} ${version}`).join(', ');
  return `release ${release}: ${names || 'its configuration'}`;
}

/** What a verification found, and each of its steps. */
function verificationFacts(verification: Release['verification']): readonly string[] {
  if (!verification) return [];
  const steps = verification.steps.map(({ name, result, seen }) => fact('step', `${name}: ${result}: ${seen}`));
  return [fact('verified', resultWords(verification)), ...steps];
}

/** What a gate decided; of one that was overridden, who did so and why. */
function gateWords({ gate, decision, reason, by, why }: ReleaseRecord['gates'][number]): string {
  const consent = by === undefined ? '' : ` by ${by}${why === undefined ? '' : ` (${why})`}`;
  return `${gate}: ${decision}${consent}: ${reason}`;
}

function resultWords({ result, time, id }: NonNullable<Release['verification']>): string {
  return `${result}, ${time.slice(0, 16).replace('T', ' ')}Z (${id})`;
}

/** A digest as other tables show it. */
function shortened(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}

function fact(name: string, value: string): string {
  return `${name.padEnd(14)}${value}`;
}

function factsOf(
  { record, commit, signer, since, until, before }: Release,
  now: Instant,
): readonly (readonly [string, string | undefined])[] {
  const { source, config } = record;
  const ran =
    until === undefined
      ? `running for ${duration(now - since)}`
      : `ran ${duration(until - since)}, until ${moment(until)}`;
  return [
    ['since', `${moment(since)} (${ran})`],
    ['changed', changesOf(record, before)],
    ['action', record.restored ? `rollback to release ${record.restored.sequence}` : record.action],
    ['by', actorOf(record)],
    ['why', record.reason],
    ['job', record.job],
    ['commit', commit],
    ['signed by', signer],
    ['configuration', `${source.environment ?? source.branch} at ${source.commit}`],
    ['plan', record.plan],
    ['rules', 'commit' in config ? `tagflow.yaml at ${config.commit}` : `the file ${config.file}`],
  ];
}
