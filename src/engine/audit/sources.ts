// Where the configuration of releases came from: what each claims to have carried, compared with its upstream branches, under the
// tagflow.yaml of today and by the one that it was planned with.
import { type BranchName, type ObjectId, shortId } from '../../model/object-id.ts';
import { type Environment, type Pipeline, flowsInto } from '../../model/pipeline.ts';
import type { Reading, RecordReading } from '../context.ts';
import { mergedBeside } from '../read/continuity.ts';
import type { Snapshot } from '../read/snapshot.ts';
import { type ReportFinding, upstreamHeads } from './findings.ts';
import { type ReleaseEntry, type Trail, releasesOf } from './trail.ts';

/** An environment as the configuration had it that a release was planned by. */
export interface Rules {
  readonly pipeline: Pipeline;
  readonly environment: Environment;
  /** The text that says all of this; undefined where it is not one text. */
  readonly text?: string;
}

/** The rules of a release. */
export type RulesOf = (entry: ReleaseEntry) => Rules;

/**
 * Checks that what a release carried is upstream, in the branch that it names, and that nothing else is merged with it. Resolves to
 * the sources that upstream does not have.
 */
export async function checkSources(
  context: Pick<Reading, 'ledger' | 'notify'>,
  snapshot: Snapshot,
  { trail, rules }: { readonly trail: Trail; readonly rules: RulesOf },
  report: ReportFinding,
): Promise<ReadonlySet<ObjectId>> {
  // An import carries nothing: it says what the branch had.
  const carried = releasesOf(trail).filter(({ release }) => release.action !== 'import');
  const ruled = new Map(carried.map((entry) => [entry, rules(entry)]));
  const sources = await readSources(context, snapshot, trail.environment, ruled);
  const lost = new Set<ObjectId>();
  const unasked: number[] = [];
  for (const entry of carried) {
    const { commit, release } = entry;
    const { source } = release;
    const extra = await mergedBeside(context.ledger, commit, source.commit);
    const name = shortId(source.commit);
    const place = sources(entry);
    if (place === 'nowhere') lost.add(source.commit);
    if (place === 'nowhere') {
      report('source', commit, `it says it carried ${name}, which no branch upstream has`);
    } else if (place === 'elsewhere') {
      report('source', commit, `it says it carried ${name} of ${source.branch}, which ${source.branch} does not have`);
    } else if (extra.length > 0) {
      report('source', commit, `it merges ${extra.map(shortId).join(', ')}, of which its record says nothing`);
    } else if (place === 'gone') unasked.push(release.sequence);
  }
  if (unasked.length > 0) {
    const which = `${unasked.length === 1 ? 'release' : 'releases'} ${unasked.toReversed().join(', ')} of ${trail.environment.name}`;
    const text = `what ${which} carried cannot be compared with its branch, which no longer exists: tagflow used the commits that were merged instead`;
    context.notify({ level: 'info', text });
  }
  return lost;
}

/**
 * Where the commit is that a release says it carried: in the branch that it names, upstream in another one, nowhere upstream, or,
 * where that branch is gone which was upstream by the tagflow.yaml of the release, merged into the release as far as can be told.
 */
type SourcePlace = 'there' | 'elsewhere' | 'nowhere' | 'gone';

async function readSources(
  context: Pick<RecordReading, 'ledger'>,
  snapshot: Snapshot,
  environment: Environment,
  rules: ReadonlyMap<ReleaseEntry, Rules>,
): Promise<(entry: ReleaseEntry) => SourcePlace> {
  const { ledger } = context;
  const ids = [...new Set(rules.keys().map(({ release }) => release.source.commit))];
  const now = upstreamHeads(snapshot, environment);
  const pipelines = new Map(rules.values().map((one) => [one.pipeline, one.environment] as const));
  const then = new Map([...pipelines].map(([pipeline, line]) => [pipeline, upstreamBranches(pipeline, line)]));
  const heads = new Map(now.map(({ branch, head }) => [branch, head]));
  for (const branch of [...then.values()].flat()) {
    const head = snapshot.branches.get(branch);
    if (head) heads.set(branch, head);
  }
  await ledger.fetch([...heads.values()]);
  await ledger.deepen([...heads.values()]);
  const outside = new Map<string, ReadonlySet<ObjectId>>();
  for (const [branch, head] of heads) outside.set(branch, new Set(await ledger.unreachable(ids, head)));
  return (entry) => {
    const { branch, commit } = entry.release.source;
    const ruledBy = rules.get(entry);
    const own = (ruledBy && then.get(ruledBy.pipeline)) ?? [];
    const asked = [...now.map((one) => one.branch), ...own].flatMap((one) => outside.get(one) ?? []);
    const missing = outside.get(branch)?.has(commit) === true;
    if (!asked.every((others) => others.has(commit))) return missing ? 'elsewhere' : 'there';
    const isGone = own.includes(branch as BranchName) && !snapshot.branches.has(branch as BranchName);
    // A merge of a pull request has the source below its second parent, and a squash nowhere.
    const mayBe = ruledBy?.environment.pullRequest || entry.commit.parents.includes(commit);
    return isGone && mayBe ? 'gone' : 'nowhere';
  };
}

/** The branches of the lines upstream of one, by the configuration that has it. */
function upstreamBranches(pipeline: Pipeline, { name }: Environment): readonly BranchName[] {
  const lines = [...pipeline.lines.values()];
  return lines.filter((line) => line.name !== name && flowsInto(pipeline, line.name, name)).map(({ branch }) => branch);
}
