// Lines that today's tagflow.yaml does not have: environments and applications that left it, or that stand on another branch now.
// Their past is read where it was written, by the newest configuration that had them.
import { CONFIG_FILE } from '../../config/config.ts';
import type { Commit } from '../../ledger/ledger.ts';
import { attempt, attemptNow } from '../../model/attempt.ts';
import { type BranchName, type ObjectId, shortId } from '../../model/object-id.ts';
import {
  type LineNames,
  type Pipeline,
  type ReleaseLine,
  lineName,
  recordPath,
  recordPaths,
} from '../../model/pipeline.ts';
import { LARGEST_RECORD, parseRecord } from '../../model/release-record.ts';
import type { LineReading, RecordReading } from '../context.ts';
import { pipelineIn, rulesAt, trustThen } from './past-rules.ts';
import { FEW_BRANCHES, type Snapshot } from './snapshot.ts';
import { lineFiles, releaseAside, stepsAside, stepsOf } from './steps.ts';

/** A line that only the past knows. */
export interface PastLine {
  /** As the newest tagflow.yaml had it that had it. */
  readonly line: ReleaseLine;
  /** That configuration. */
  readonly pipeline: Pipeline;
  /** The commit of the trunk from which on it is not there. */
  readonly left: Pick<Commit, 'id' | 'time'>;
  /** Where its releases are read; undefined: no branch has them any more. */
  readonly head: ObjectId | undefined;
  /** Its branch is not at the remote. */
  readonly isGone: boolean;
  /** The branch that today's line of this name is on: the line moved there. Undefined where today's tagflow.yaml lacks the name. */
  readonly movedTo: BranchName | undefined;
}

/** A line of the past that nobody looked for yet. */
type Known = Omit<PastLine, 'head' | 'isGone' | 'movedTo'>;

/** Records, and files of a line, that are looked at. */
const MOST_RECORDS = 1_000;

/** Versions of tagflow.yaml that are looked through, newest first: more than honest repositories have. */
const MOST_VERSIONS = 500;

/**
 * Returns the lines that only the past knows, those that left last first. Reads every tagflow.yaml that the trunk had, and the
 * records that lie at its head. `wanted`: the others are not looked for.
 */
export async function pastLines(
  reading: LineReading,
  snapshot: Snapshot,
  wanted: (line: LineNames) => boolean = () => true,
): Promise<readonly PastLine[]> {
  const found = new Map<string, Known>();
  // A line that moved more than once has a past at each place.
  const add = (one: Known): void => {
    const place = `${one.line.name} ${one.line.branch}`;
    if (!found.has(place) && wanted(one.line)) found.set(place, one);
  };
  for (const one of await formerlyConfigured(reading, snapshot)) add(one);
  for (const one of await recordedOnly(reading, snapshot)) add(one);
  const lines: PastLine[] = [];
  for (const one of found.values()) {
    const past = await withHead(reading, snapshot, one);
    if (past) lines.push(past);
  }
  return lines;
}

/** The commit that tagflow.yaml is read at, as long as it is one of the trunk's. */
function configHead({ config, trunk }: Snapshot): ObjectId {
  return 'commit' in config ? config.commit : trunk.head;
}

/** Lines of earlier versions of tagflow.yaml. */
async function formerlyConfigured(reading: LineReading, snapshot: Snapshot): Promise<readonly Known[]> {
  const { ledger } = reading;
  const head = configHead(snapshot);
  await ledger.fetch([head]);
  await ledger.deepen([head]);
  const steps = await ledger.walk(head, [CONFIG_FILE], MOST_VERSIONS + 1);
  if (steps.length > MOST_VERSIONS) {
    const text = `the newest ${MOST_VERSIONS} versions of ${CONFIG_FILE} were looked through for environments that left it`;
    reading.notify({ level: 'warning', text });
  }
  const found: Known[] = [];
  for (const [index, { commit, files }] of steps.slice(0, MOST_VERSIONS).entries()) {
    reading.signal.throwIfAborted();
    const left = steps[index - 1]?.commit;
    const content = files.get(CONFIG_FILE);
    const text = content && new TextDecoder().decode(content);
    const pipeline = text && left && (await pipelineIn(ledger, text, commit.id, snapshot.trunk.branch));
    if (!pipeline || !left) continue;
    for (const line of pipeline.lines.values()) {
      if (!isKnown(snapshot, line)) found.push({ line, pipeline, left });
    }
  }
  return found;
}

/** Whether today's configuration has a line, on the same branch. */
function isKnown({ pipeline, branches }: Snapshot, { name, branch }: ReleaseLine): boolean {
  const today = lineToday(pipeline, name);
  return today !== undefined && (today.branch === branch || !branches.has(branch));
}

/** Returns the line that has a name today, or had it before it was renamed. */
function lineToday({ lines }: Pipeline, name: string): ReleaseLine | undefined {
  const renamed = [...lines.values()].find(({ formerly = [] }) =>
    formerly.some(({ environment, application }) => lineName(environment, application) === name),
  );
  return lines.get(name) ?? renamed;
}

/** The folder of records. */
const RECORDS = '.tagflow/releases';

/** Records at a head whose line is not of today: usually of lines that left. */
async function strangeRecords(
  { ledger }: Pick<RecordReading, 'ledger'>,
  { pipeline, branches }: Snapshot,
): Promise<readonly { readonly path: string; readonly head: ObjectId }[]> {
  const lines = [...pipeline.lines.values()];
  const known = new Set(lines.flatMap(recordPaths));
  // The branch of an environment that left is one of those that no line has.
  const own = lines.flatMap(({ branch }) => branches.get(branch) ?? []);
  const heads = [...new Set(branches.size <= FEW_BRANCHES ? branches.values() : own)];
  await ledger.fetch(heads);
  const listed = await Promise.all(
    heads.map(async (head) => {
      const { value: files = [] } = await attempt(ledger.listFiles(head, RECORDS), 'tree-unsafe');
      return files.map(({ path }) => ({ path, head }));
    }),
  );
  const left = new Set(movedFrom(pipeline, branches).flatMap((branch) => branches.get(branch) ?? []));
  const strange = listed
    .flat()
    .filter(({ path, head }) => path.endsWith('.yaml') && (!known.has(path) || left.has(head)));
  return [...new Map(strange.map((one) => [one.path, one])).values()].slice(0, MOST_RECORDS);
}

/** Branches that are called like an environment and are no line's: those of environments that became folders. */
function movedFrom({ lines, environments }: Pipeline, branches: Snapshot['branches']): readonly BranchName[] {
  const own = new Set([...lines.values()].map(({ branch }) => branch));
  return [...branches.keys()].filter((branch) => environments.has(branch) && !own.has(branch));
}

/** Whether records of lines lie at the heads that today's configuration does not have. Asks for no history. */
export async function hasStrangeRecords(reading: Pick<RecordReading, 'ledger'>, snapshot: Snapshot): Promise<boolean> {
  return (await strangeRecords(reading, snapshot)).length > 0;
}

/**
 * Lines that have a record at a head and are in no version of tagflow.yaml that differs from today's: applications of a pattern
 * whose folder went away. The record names the commit by whose configuration it was planned.
 */
async function recordedOnly(reading: Pick<RecordReading, 'ledger'>, snapshot: Snapshot): Promise<readonly Known[]> {
  const { ledger } = reading;
  const found: Known[] = [];
  for (const { path, head } of await strangeRecords(reading, snapshot)) {
    const content = (await ledger.readFiles(head, [path], LARGEST_RECORD)).get(path);
    const text = content && new TextDecoder().decode(content);
    const { value: record } = attemptNow(() => text && parseRecord(text, path), 'record-invalid');
    if (!record || !('commit' in record.config)) continue;
    const { commit } = record.config;
    const pipeline = (await rulesAt(reading, [commit])).pipelines.get(commit);
    const line = pipeline?.lines.get(lineName(record.environment, record.application));
    if (!pipeline || !line || recordPath(line) !== path || isKnown(snapshot, line)) continue;
    found.push({ line, pipeline, left: await lastTouched(reading, snapshot, line, commit) });
  }
  return found;
}

/** The newest commit of the trunk at which the files changed that a line had at another one: the one that removed them. */
async function lastTouched(
  { ledger }: Pick<RecordReading, 'ledger'>,
  snapshot: Snapshot,
  { scope }: ReleaseLine,
  commit: ObjectId,
): Promise<PastLine['left']> {
  const head = configHead(snapshot);
  const listed = await Promise.all(
    [...scope.folders, ...scope.files].map(async (path) => ledger.listFiles(commit, path)),
  );
  const paths = listed.flat().map(({ path }) => path);
  const [step] = paths.length > 0 ? await ledger.recent(head, paths.slice(0, MOST_RECORDS), 1) : [];
  return step?.commit ?? ledger.commit(head);
}

/** A past line with the place where its releases are read; undefined where today's line continues it. */
async function withHead(
  reading: Pick<RecordReading, 'ledger' | 'signing'>,
  snapshot: Snapshot,
  past: Known,
): Promise<PastLine | undefined> {
  const { ledger } = reading;
  const { branches, pipeline } = snapshot;
  const line = trusted(snapshot, past.line);
  const head = branches.get(line.branch);
  const today = lineToday(pipeline, line.name);
  const here = today && branches.get(today.branch);
  if (head === undefined) {
    if (today) return undefined;
    return { ...past, line, head: await reachableHead(reading, snapshot, line), isGone: true, movedTo: undefined };
  }
  await ledger.fetch([head]);
  await ledger.deepen([head]);
  if (here) {
    await ledger.fetch([here]);
    await ledger.deepen([here]);
    // Its branch was renamed, or it continues from there: that past is one.
    const newest = await newestChange(reading, line, head);
    if (await ledger.isAncestor(newest ?? head, here)) return undefined;
  }
  return { ...past, line, head, isGone: false, movedTo: today?.branch };
}

/** Newest changes of a record among which one that left it in place is looked for: it may have been removed afterwards. */
const FEW_CHANGES = 3;

async function newestChange(
  { ledger }: Pick<RecordReading, 'ledger'>,
  line: ReleaseLine,
  head: ObjectId,
): Promise<ObjectId | undefined> {
  const steps = stepsOf(line, await ledger.recent(head, lineFiles(line), FEW_CHANGES));
  return steps.find(({ file }) => file)?.commit.id;
}

/** The highest release of a line that other branches still reach: what they carried keeps it. */
async function reachableHead(
  reading: Pick<RecordReading, 'ledger' | 'signing'>,
  { pipeline, branches, trunk }: Snapshot,
  line: ReleaseLine,
): Promise<ObjectId | undefined> {
  const { ledger } = reading;
  const heads = [...pipeline.lines.values()].flatMap(({ branch }) => branches.get(branch) ?? []);
  let highest: { readonly id: ObjectId; readonly sequence: number } | undefined;
  for (const head of new Set([...heads, trunk.head])) {
    await ledger.fetch([head]);
    await ledger.deepen([head]);
    const found = [
      ...stepsAside(line, await ledger.walkAside(head, lineFiles(line))),
      ...stepsOf(line, await ledger.walk(head, lineFiles(line))),
    ];
    for (const step of found) {
      const record = await releaseAside(reading, line, step);
      if (record && record.sequence > (highest?.sequence ?? 0)) {
        highest = { id: step.commit.id, sequence: record.sequence };
      }
    }
  }
  return highest?.id;
}

/** The line with the signers of today's trunk, where releases are signed and were signed then. */
function trusted({ pipeline }: Snapshot, line: ReleaseLine): ReleaseLine {
  const today = [...pipeline.lines.values()].find(({ trust }) => trust !== undefined)?.trust;
  const trust = today && trustThen(today, line);
  return trust ? { ...line, trust } : line;
}

/** In words, why a line is shown that today's configuration does not have. */
export function leftWords({ line, left, isGone, head, movedTo }: PastLine): string {
  const when = new Date(left.time).toISOString().slice(0, 10);
  if (movedTo !== undefined) {
    return `${line.name} moved from ${line.branch} to ${movedTo} with ${shortId(left.id)} (${when}); its past is read on ${line.branch}`;
  }
  const since = `${line.name} is not in ${CONFIG_FILE} since ${shortId(left.id)} (${when})`;
  if (!isGone) return `${since}; its past is read on ${line.branch}`;
  return head === undefined
    ? `${since}; its branch ${line.branch} is gone, and no other branch has its releases`
    : `${since}; its branch ${line.branch} is gone, and its past is what other branches carried of it`;
}
