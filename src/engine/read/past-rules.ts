// The tagflow.yaml of the trunk as it was: what releases of the past are judged by. Only commits of the trunk's first-parent history
// count; what was merged into it was never on the trunk itself.
import { CONFIG_FILE, applicationFolders } from '../../config/config.ts';
import type { LedgerReader } from '../../ledger/ledger.ts';
import { attempt, attemptNow } from '../../model/attempt.ts';
import type { BranchName, ObjectId } from '../../model/object-id.ts';
import { type Pipeline, type ReleaseLine, type Trust, lineName, namesOfLine } from '../../model/pipeline.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { RecordReading } from '../context.ts';
import { pipelineOf } from './pipeline.ts';
import { readConfigText } from './config-file.ts';

/** Configurations of the trunk by commit. */
export interface PastRules {
  /** Of each commit on the trunk that has a valid tagflow.yaml, the pipeline that it means. */
  readonly pipelines: ReadonlyMap<ObjectId, Pipeline>;
  /** How far below the trunk's head each of its commits is. */
  readonly places: ReadonlyMap<ObjectId, number>;
}

/** The trunk's head, and what was parsed below it. Nothing of it ever changes. */
interface Parsed {
  readonly texts: Map<string, Pipeline | undefined>;
  readonly places: Map<ObjectId, ReadonlyMap<ObjectId, number>>;
}

const parsed = new WeakMap<LedgerReader, Parsed>();

function parsedBy(ledger: LedgerReader): Parsed {
  const known = parsed.get(ledger) ?? { texts: new Map(), places: new Map() };
  parsed.set(ledger, known);
  return known;
}

/** Returns the configurations that commits of the trunk have; of other commits none. */
export async function rulesAt(
  { ledger }: Pick<RecordReading, 'ledger'>,
  commits: readonly ObjectId[],
): Promise<PastRules> {
  const none = { pipelines: new Map(), places: new Map() };
  if (commits.length === 0) return none;
  const { trunk, branches } = await ledger.heads();
  const head = branches.get(trunk);
  if (head === undefined) return none;
  const places = await placesBelow(ledger, head);
  const known = [...new Set(commits)].filter((id) => places.has(id));
  await ledger.bring(known.map((commit) => ({ commit, paths: [CONFIG_FILE] })));
  const pipelines = new Map<ObjectId, Pipeline>();
  for (const commit of known) {
    const text = await readConfigText(ledger, commit);
    const pipeline = text === undefined ? undefined : await pipelineIn(ledger, text, commit, trunk);
    if (pipeline) pipelines.set(commit, pipeline);
  }
  return { pipelines, places };
}

/** Returns the trunk's head whose history was read to judge records of this run; undefined where none was read. */
export function trunkJudgedBy(ledger: LedgerReader): ObjectId | undefined {
  return parsedBy(ledger).places.keys().toArray().at(-1);
}

async function placesBelow(ledger: LedgerReader, head: ObjectId): Promise<ReadonlyMap<ObjectId, number>> {
  const { places } = parsedBy(ledger);
  const known = places.get(head);
  if (known) return known;
  await ledger.fetch([head]);
  await ledger.deepen([head]);
  const found = new Map((await ledger.firstParents(head)).map((id, place) => [id, place]));
  places.set(head, found);
  return found;
}

/** Returns the pipeline that the text of a tagflow.yaml means at a commit; undefined where it is not valid. */
export async function pipelineIn(
  ledger: LedgerReader,
  text: string,
  commit: ObjectId,
  defaultBranch: BranchName,
): Promise<Pipeline | undefined> {
  const { texts } = parsedBy(ledger);
  const { value: folders } = attemptNow(() => applicationFolders(text), 'config-invalid');
  if (!folders) return undefined;
  // Where applications are patterns, the commit beside the text says which there are.
  const key = folders.length > 0 ? `${commit} ${text}` : text;
  if (!texts.has(key)) {
    const read = pipelineOf(ledger, { text, file: CONFIG_FILE, commit, defaultBranch });
    texts.set(key, (await attempt(read, 'config-invalid', 'tree-unsafe')).value);
  }
  return texts.get(key);
}

/** Returns a line of another configuration: under its present name there, or under one that today's gives as a former one. */
export function lineThen(
  { lines }: Pipeline,
  line: Pick<ReleaseLine, 'environment' | 'application' | 'formerly'>,
): ReleaseLine | undefined {
  return namesOfLine(line)
    .map(({ environment, application }) => lines.get(lineName(environment, application)))
    .find((found) => found !== undefined);
}

/** Returns the line as the configuration had it that a record was planned by; undefined where the trunk does not have that. */
export async function lineOfRecord(
  reading: Pick<RecordReading, 'ledger'>,
  record: ReleaseRecord,
): Promise<ReleaseLine | undefined> {
  return (await pipelineOfRecord(reading, record))?.lines.get(lineName(record.environment, record.application));
}

/** Returns a line as the configuration had it that a record of it was planned by, whatever it was called then. */
export async function lineAtRecord(
  reading: Pick<RecordReading, 'ledger'>,
  line: ReleaseLine,
  record: Pick<ReleaseRecord, 'config'>,
): Promise<ReleaseLine | undefined> {
  const pipeline = await pipelineOfRecord(reading, record);
  return pipeline && lineThen(pipeline, line);
}

/** The configuration that a record was planned by; undefined where the trunk does not have it. */
async function pipelineOfRecord(
  reading: Pick<RecordReading, 'ledger'>,
  { config }: Pick<ReleaseRecord, 'config'>,
): Promise<Pipeline | undefined> {
  return 'commit' in config ? (await rulesAt(reading, [config.commit])).pipelines.get(config.commit) : undefined;
}

/** Returns what signatures are checked against under another configuration's rules, with the signers of today's trunk. */
export function trustThen(today: Trust, { signing }: ReleaseLine): Trust | undefined {
  const { file, signers, revoked } = today;
  return signing && { ...signing, file, signers, revoked };
}
