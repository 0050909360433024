// Which commits of the trunk changed an environment's gates between two of its releases: who allowed what stopped the one before.
import { CONFIG_FILE } from '../../config/config.ts';
import type { Instant } from '../../model/effects.ts';
import { policyDigest } from '../../model/gate-policy.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { lineName } from '../../model/pipeline.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import { plain } from '../../model/text.ts';
import type { RecordReading } from '../context.ts';
import { type PastRules, rulesAt } from './past-rules.ts';

/** A commit of the trunk that changed the gates of a line. */
export interface RulesChange {
  readonly commit: ObjectId;
  readonly author: string;
  readonly time: Instant;
}

/** Commits that are named at most. */
const MOST = 10;

/**
 * The commits that changed the gates between the tagflow.yaml of two releases, newest first; none where either was made by a file,
 * or by a commit that the trunk does not have.
 */
export async function rulesChangedBetween(
  reading: Pick<RecordReading, 'ledger'>,
  before: ReleaseRecord | undefined,
  record: ReleaseRecord,
): Promise<readonly RulesChange[]> {
  if (!before || !('commit' in before.config) || !('commit' in record.config)) return [];
  const [old, now] = [before.config.commit, record.config.commit];
  if (old === now) return [];
  const ends = await rulesAt(reading, [old, now]);
  const [start, end] = [ends.places.get(old), ends.places.get(now)];
  const same = rulesOf(ends, old, record) === rulesOf(ends, now, record);
  if (same || start === undefined || end === undefined || end > start) return [];
  const steps = await reading.ledger.walk(now, [CONFIG_FILE], MOST + 1);
  const between = steps.filter(({ commit: { id } }) => (ends.places.get(id) ?? start) < start);
  const rules = await rulesAt(reading, [old, ...between.map(({ commit }) => commit.id)]);
  return between.flatMap(({ commit: { id, author, time } }, at) => {
    const earlier = between[at + 1]?.commit.id ?? old;
    return rulesOf(rules, id, record) === rulesOf(rules, earlier, record)
      ? []
      : [{ commit: id, author: plain(author, 200), time }];
  });
}

/** The gates of a record's line at a commit, as a digest; undefined where the line or the configuration is not there. */
function rulesOf({ pipelines }: PastRules, commit: ObjectId, record: ReleaseRecord): string | undefined {
  const line = pipelines.get(commit)?.lines.get(lineName(record.environment, record.application));
  return line && policyDigest(line.gates);
}
