// Which commits of the trunk changed an environment's gates between two of its releases: who allowed what stopped the one before.
import { CONFIG_FILE } from '../../config/config.ts';
import { policyDigest } from '../../model/gate-policy.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { ReleaseLine } from '../../model/pipeline.ts';
import type { ReleaseRecord, RulesChange } from '../../model/release.ts';
import { plain } from '../../model/text.ts';
import type { RecordReading } from '../context.ts';
import { readConfigText } from './config-file.ts';
import { type PastRules, lineThen, rulesAt } from './past-rules.ts';

/** Commits that are named at most. */
const MOST = 10;

/**
 * The commits that changed the gates between the tagflow.yaml of two releases of a line, newest first; none where either was made by a file,
 * or by a commit that the trunk does not have.
 */
export async function rulesChangedBetween(
  reading: Pick<RecordReading, 'ledger'>,
  line: ReleaseLine,
  before: Pick<ReleaseRecord, 'config'> | undefined,
  record: Pick<ReleaseRecord, 'config'>,
): Promise<readonly RulesChange[]> {
  if (!before || !('commit' in before.config) || !('commit' in record.config)) return [];
  const [old, now] = [before.config.commit, record.config.commit];
  if (old === now) return [];
  const ends = await rulesAt(reading, [old, now]);
  const [start, end] = [ends.places.get(old), ends.places.get(now)];
  const same = rulesOf(ends, old, line) === rulesOf(ends, now, line);
  if (same || start === undefined || end === undefined || end > start) return [];
  const steps = await reading.ledger.walk(now, [CONFIG_FILE], MOST + 1);
  const between = steps.filter(({ commit: { id } }) => (ends.places.get(id) ?? start) < start);
  const rules = await rulesAt(reading, [old, ...between.map(({ commit }) => commit.id)]);
  return between.flatMap(({ commit: { id, author, time } }, at) => {
    const earlier = between[at + 1]?.commit.id ?? old;
    return rulesOf(rules, id, line) === rulesOf(rules, earlier, line)
      ? []
      : [{ commit: id, author: plain(author, 200), time: new Date(time).toISOString().replace('.000Z', 'Z') }];
  });
}

/**
 * The commits that changed the gates since a line's release, for the release that comes next. `head`: the trunk's. Where the
 * tagflow.yaml of that time has today's text, as it usually has, no more of the trunk is read than lies in between.
 */
export async function rulesChangedSince(
  reading: Pick<RecordReading, 'ledger'>,
  line: ReleaseLine,
  before: ReleaseRecord | undefined,
  record: Pick<ReleaseRecord, 'config'>,
): Promise<readonly RulesChange[]> {
  if (!before || !('commit' in before.config) || !('commit' in record.config)) return [];
  const [old, now] = [before.config.commit, record.config.commit];
  if (old === now) return [];
  const { ledger } = reading;
  const between = await ledger.downTo(now, (id) => id === old);
  if (between && (await readConfigText(ledger, old)) === (await readConfigText(ledger, now))) return [];
  return rulesChangedBetween(reading, line, before, record);
}

/** The gates of a line at a commit, as a digest; undefined where the line or the configuration is not there. */
function rulesOf({ pipelines }: PastRules, commit: ObjectId, line: ReleaseLine): string | undefined {
  const pipeline = pipelines.get(commit);
  const then = pipeline && lineThen(pipeline, line);
  return then && policyDigest(then.gates);
}
