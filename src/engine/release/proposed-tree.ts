// Whether what was merged is what was proposed: the branch of a proposal takes pushes of more people than may release, and a push
// after the approval changes what is merged. A record names the tree of its release, and anybody who changes files can change the
// record as well. So the tree is made again from the base, the upstream commit and the images, and nothing else may be in it.
import { CONFIG_FILE } from '../../config/config.ts';
import { attempt } from '../../model/attempt.ts';
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import { type ObjectId, shortId } from '../../model/object-id.ts';
import { type Environment, type Pipeline, flowsInto, recordPaths, taggedIn } from '../../model/pipeline.ts';
import { parseRepository } from '../../model/reference.ts';
import { type ReleaseRecord, releaseTag } from '../../model/release.ts';
import type { PlannedEdit } from '../../model/plan.ts';
import type { RecordReading, RegistryFinder, RegistryReading } from '../context.ts';
import { readRelease } from '../read/current.ts';
import { lineThen } from '../read/past-rules.ts';
import { pipelineOf } from '../read/pipeline.ts';
import { readable } from '../read/problem.ts';
import { readRecord } from '../read/records.ts';
import type { Snapshot } from '../read/snapshot.ts';
import { treeDivergence } from '../read/divergence.ts';
import { bringFiles, releaseTree } from '../tree/release-tree.ts';
import { mergeAgain } from './merge-divergence.ts';
import { timeSaid } from './plan.ts';
import { strangeImage } from './proposed-images.ts';
import { readConfigText } from '../read/config-file.ts';

/** A release and the commit that made it. */
interface MadeRelease {
  readonly environment: Environment;
  readonly commit: ObjectId;
  readonly record: ReleaseRecord;
}

/**
 * Refuses a release that came by a pull request and is not what was proposed. One that has its per-release tags was looked at
 * when they were put. Throws `record-invalid`.
 */
export async function requireProposed(reading: RegistryReading, snapshot: Snapshot, made: MadeRelease): Promise<void> {
  const { environment, commit, record } = made;
  if (!environment.pullRequest || record.schema === 1 || (await isTagged(reading.registries, environment, record)))
    return;
  const isTree = environment.carries === 'tree';
  const problem =
    (isTree ? await amendment(reading, snapshot, made) : undefined) ?? (await strangeImage(reading, snapshot, made));
  if (problem === undefined) return;
  const { name } = environment;
  throw new TagflowError('record-invalid', {
    what: `release ${record.sequence} of ${name} (${shortId(commit)}) is not what was proposed; no tag was put for it`,
    why: problem,
    fix: advise`go back to the release before: ${{ act: 'rollback', line: name }}; and protect branches below tagflow/ in the forge`,
    details: { environment: name, commit, release: record.sequence },
  });
}

async function isTagged(
  { registryOf }: RegistryFinder,
  environment: Environment,
  record: ReleaseRecord,
): Promise<boolean> {
  const tag = releaseTag(environment.releaseTag, record.sequence);
  const found = await Promise.all(
    taggedIn(environment, record.images).map(async ({ repository: name, digest }) => {
      const repository = parseRepository(name);
      return (await registryOf(repository).peek(repository, tag)) === digest;
    }),
  );
  return !found.includes(false);
}

/** Returns why a release that carries a tree is not what planning at its base gives, in words; undefined when it is. */
export async function amendment(
  reading: RecordReading,
  snapshot: Snapshot,
  made: MadeRelease,
): Promise<string | undefined> {
  const { commit, record } = made;
  const { ledger } = reading;
  const rules = await rulesThen(reading, snapshot, made.environment, record);
  if (!rules) return 'the tagflow.yaml that it says it was planned by is not on the trunk, or has no such environment';
  const { pipeline, environment } = rules;
  await ledger.fetch([commit]);
  const [base] = (await ledger.commit(commit)).parents;
  if (base === undefined) return 'it has no commit below it';
  await ledger.deepen([commit]);
  const from = await carriedFrom(reading, snapshot, rules, { base, record });
  if ('problem' in from) return from.problem;
  const upstream = record.source.environment === undefined ? undefined : pipeline.lines.get(record.source.environment);
  const at = { environment, head: base, base: from.tree };
  await bringFiles(reading, at, upstream ? recordPaths(upstream) : []);
  const merged = await keptBy(reading, snapshot, made, base);
  if (merged === undefined) return 'it says that it keeps commits which the branch does not have, or that do not merge';
  const time = (await timeSaid(reading, environment, commit)) ?? record.time;
  const values = { release: record.sequence, time };
  const quiet = { ...reading, notify: () => undefined };
  const planning = releaseTree(quiet, { pipeline }, at, { images: record.images, values, merged });
  const { value, problem } = await attempt(planning, 'pin-not-found', 'manifest-invalid', 'tree-unsafe');
  if (problem) return `planning it again fails: ${problem.message}`;
  if (value.scope === record.scope) return undefined;
  return `planned again on ${shortId(base)} from ${shortId(from.tree)} it has another tree: something was added to it, or left out`;
}

/** What a release says that it keeps of commits made by hand, merged again; undefined where that cannot be. */
async function keptBy(
  reading: RecordReading,
  snapshot: Snapshot,
  { environment, record }: MadeRelease,
  base: ObjectId,
): Promise<readonly PlannedEdit[] | undefined> {
  // What a rollback restores has it already.
  if (!record.merged || record.restored) return [];
  const { value: below } = await readable(readRelease(reading, environment, base));
  const state = { environment, head: base, record: below?.record, commit: below?.commit };
  const divergence = await treeDivergence(reading, snapshot, state, record.source.commit);
  return mergeAgain(reading, divergence, record.merged);
}

/** The commit whose tree a release says it carries, where upstream has it, or where it is a release of the line below. */
async function carriedFrom(
  reading: Pick<RecordReading, 'ledger'>,
  { branches, trunk }: Snapshot,
  { pipeline, environment }: RulesThen,
  { base, record: { restored, source } }: { readonly base: ObjectId; readonly record: ReleaseRecord },
): Promise<{ readonly tree: ObjectId } | { readonly problem: string }> {
  const { ledger } = reading;
  if (restored) {
    if (!(await ledger.isAncestor(restored.commit, base))) return { problem: 'what it restores is not below it' };
    const then = await readRecord(reading, environment, restored.commit);
    if (then?.sequence !== restored.sequence)
      return { problem: `what it restores is not release ${restored.sequence}` };
    return { tree: restored.imagesOnly === true ? base : restored.commit };
  }
  const lines = [...pipeline.lines.values()].filter((line) => flowsInto(pipeline, line.name, environment.name));
  const isUpstream = source.branch === trunk.branch || lines.some(({ branch }) => branch === source.branch);
  const head = isUpstream ? [...branches].find(([branch]) => branch === source.branch)?.[1] : undefined;
  if (head === undefined) return { problem: 'the branch that it says it carried is not upstream' };
  await ledger.fetch([head]);
  await ledger.deepen([head]);
  if (!(await ledger.isAncestor(source.commit, head)))
    return { problem: `${source.branch} does not have what it carried` };
  return { tree: source.commit };
}

/** A configuration, and a line as it has it. */
interface RulesThen {
  readonly pipeline: Pipeline;
  readonly environment: Environment;
}

/** The configuration that a release was planned by, as it stands on the trunk's first-parent history. */
async function rulesThen(
  { ledger }: Pick<RecordReading, 'ledger'>,
  { config, pipeline, trunk }: Snapshot,
  line: Environment,
  record: ReleaseRecord,
): Promise<RulesThen | undefined> {
  if (!('commit' in record.config)) return undefined;
  const { commit } = record.config;
  if ('commit' in config && commit === config.commit) return { pipeline, environment: line };
  await ledger.fetch([trunk.head]);
  await ledger.deepen([trunk.head]);
  if (!(await ledger.firstParents(trunk.head)).includes(commit)) return undefined;
  const text = await readConfigText(ledger, commit);
  if (text === undefined) return undefined;
  const parsing = pipelineOf(ledger, { text, file: CONFIG_FILE, commit, defaultBranch: trunk.branch });
  const { value: then } = await attempt(parsing, 'config-invalid', 'tree-unsafe');
  const environment = then && lineThen(then, line);
  return then && environment && { pipeline: then, environment };
}
