// Check: whether an environment's branch is an audit trail that holds: every release a valid record, in sequence, with the
// pins and the configuration that it says, made under the trunk's rules; nothing beside it that upstream lacks. Reports, never
// repairs. What it finds follows from the commits alone: checked again later, an old commit is judged as it was.
import pLimit from 'p-limit';
import { attempt } from '../../model/attempt.ts';
import { advise } from '../../model/advice.ts';
import { TagflowError, isTagflowError, sentenceOf } from '../../model/errors.ts';
import { type BranchName, type ObjectId, isBranchName, shortId } from '../../model/object-id.ts';
import { type Environment, lineOf, repositoryIn, taggedIn } from '../../model/pipeline.ts';
import { releaseTag } from '../../model/release.ts';
import { plain } from '../../model/text.ts';
import { isNewest } from '../release/checks.ts';
import { type Trails, carriedBack, madeByHand } from './flow.ts';
import { type Unnamed, checkMissed, reportUnnamed } from './missed.ts';
import { checkReleases } from './releases.ts';
import {
  configured,
  type AuditPorts,
  type LineReading,
  type PastReading,
  type PlanningPorts,
  type Reading,
  type RecordReading,
  type RegistryFinder,
  type RegistryReading,
} from '../context.ts';
import type { Finding, ReportFinding } from './findings.ts';
import { amendment } from '../release/proposed-tree.ts';
import { unconfirmedVersions } from '../release/unconfirmed-versions.ts';
import { tellOfRestarts } from '../read/journal-loss.ts';
import { journalFaults } from '../read/journal-growth.ts';
import { namedLines } from '../read/named-lines.ts';
import { readPastLine } from '../read/past.ts';
import { type PastLine, leftWords } from '../read/past-lines.ts';
import { readable } from '../read/problem.ts';
import { hiddenRelease } from '../read/continuity.ts';
import { checkMergedGates, checkMergedStatus } from './merged-gates.ts';
import { checkMergedReviews, checkProposalGates } from './proposal-gates.ts';
import { type Bounds, type Trail, readTrail, releasesOf } from './trail.ts';
import { type Snapshot, headOf, readSnapshot } from '../read/snapshot.ts';

/** Lines that are checked at the same time: what they ask of the remote goes together. */
const AT_ONCE = 100;

/** How far one environment was looked through. */
export interface Checked {
  readonly environment: string;
  readonly branch: string;
  readonly head: ObjectId;
  readonly commits: number;
  readonly releases: number;
  /** False: `since` or `limit` left out the older part. */
  readonly whole: boolean;
  /** Why the registry could not be asked whether the branch was rewound, or the forge for reviews; the rest was checked. */
  readonly unchecked: TagflowError | undefined;
}

/** What `check` answers: findings by environment in flow order, newest first. */
export interface Audit {
  readonly environments: readonly Checked[];
  readonly findings: readonly Finding[];
}

/** What to check. */
export interface CheckRequest extends Bounds {
  /** Every environment that has a branch, when empty. */
  readonly environments: readonly string[];
  /** Check this branch as if it were the environment's own: what merging it would bring. For one environment. */
  readonly branch?: string | undefined;
  /** Ask the registry whether a branch was rewound. */
  readonly registry: boolean;
}

/** Checks environments. Throws `environment-not-found`, `branch-not-found`, `usage`. */
export async function check(given: AuditPorts, request: CheckRequest): Promise<Audit> {
  return checkIn(given, await readSnapshot(given, request.environments, Infinity), request);
}

/** Checks environments as one reading of the remote has them. */
export async function checkIn(given: AuditPorts, snapshot: Snapshot, request: CheckRequest): Promise<Audit> {
  const context = configured(given, snapshot);
  const chosen = await chooseHeads(context, snapshot, request);
  const { ledger } = context;
  await ledger.deepen([...new Set([...chosen.map(({ head }) => head), ...allHeads(snapshot)])]);
  const trailOf = trailReader(context, request);
  const unnamed = unnamedAtFirst(chosen);
  const checked = await pLimit(AT_ONCE).map(chosen, async ({ environment, head, leftBy }) => {
    context.signal.throwIfAborted();
    context.notify({ level: 'progress', text: `checking ${environment.name}` });
    const { found, report } = collect(environment);
    const { value, problem } = await attempt(async () => {
      const trail = await trailOf(environment, head);
      const isGone = leftBy?.past.isGone === true;
      const asked = { trail, trailOf, branch: request.branch, registry: request.registry && !isGone };
      const result = await checkTrail(context, leftBy?.snapshot ?? snapshot, asked, report);
      if (!leftBy) await checkMissed(context, snapshot, { trail, unnamed }, report);
      return { result, findings: inOrderOf(trail, [...found.values()]) };
    }, 'tree-unsafe');
    return value ?? { result: notRead(environment, head, request.branch, problem), findings: [...found.values()] };
  });
  const findings = checked.flatMap((one) => one.findings);
  if (request.branch === undefined) findings.push(...(await journalFindings(context, snapshot)));
  const isAllRead = checked.every(({ result }) => !isTagflowError(result.unchecked, 'tree-unsafe'));
  if (isAllRead) findings.push(...(await unnamedFindings(context, snapshot, chosen, unnamed)));
  return { environments: checked.map(({ result }) => result), findings };
}

/** Every image of the lines that are checked, until a manifest names it. */
function unnamedAtFirst(chosen: readonly Chosen[]): Unnamed {
  const unnamed: Unnamed = new Map();
  for (const { environment, leftBy } of chosen) {
    const { application, images } = environment;
    if (!leftBy && !unnamed.has(application)) unnamed.set(application, new Set(images.keys()));
  }
  return unnamed;
}

/** What is known about an environment whose branch, or one that it takes from, cannot be read. */
function notRead(
  { name, branch: own }: Environment,
  head: ObjectId,
  branch: string | undefined,
  unchecked: TagflowError | undefined,
): Checked {
  return { environment: name, branch: branch ?? own, head, commits: 0, releases: 0, whole: false, unchecked };
}

/** Findings in the order of a trail's commits, newest first. */
function inOrderOf({ entries }: Trail, findings: readonly Finding[]): readonly Finding[] {
  const order = new Map(entries.map(({ commit }, index) => [commit.id, index]));
  // A commit that is not on the line itself came in through a merge, or is below the line.
  const place = ({ commit }: Finding): number => order.get(commit) ?? entries.length;
  return [...findings].sort((a, b) => place(a) - place(b));
}

/** A trail, how to read the trails of other lines, and the options of the check. */
interface TrailCheck extends Trails, Pick<CheckRequest, 'registry' | 'branch'> {
  readonly trail: Trail;
}

/** Returns a reader of trails that reads each once: lines downstream are looked at for each of those above them. */
function trailReader(context: RecordReading, request: CheckRequest): Trails['trailOf'] {
  const trails = new Map<string, Promise<Trail>>();
  return async (environment, head) => {
    const key = `${environment.name} ${head}`;
    const trail = trails.get(key) ?? readTrail(context, environment, head, request);
    trails.set(key, trail);
    return trail;
  };
}

/** Gathers the findings of one environment, one for each rule and commit. */
function collect({ name, branch: own }: Environment): {
  readonly found: Map<string, Finding>;
  readonly report: ReportFinding;
} {
  const found = new Map<string, Finding>();
  const report: ReportFinding = (rule, { id, author, time }, problem, branch = own) => {
    const finding = { rule, environment: name, branch, commit: id, author: plain(author, 200), time };
    const key = `${rule} ${id}`;
    if (!found.has(key)) found.set(key, { ...finding, problem: plain(problem) });
  };
  return { found, report };
}

/** Images that no manifest names, where every environment was looked at. */
async function unnamedFindings(
  context: Pick<RecordReading, 'ledger'>,
  { pipeline, trunk }: Snapshot,
  chosen: readonly { readonly environment: Environment }[],
  unnamed: Unnamed,
): Promise<readonly Finding[]> {
  const [first] = chosen;
  if (!first || chosen.length < pipeline.lines.size) return [];
  const { found, report } = collect(first.environment);
  const onTrunk: ReportFinding = (rule, commit, problem) => report(rule, commit, problem, trunk.branch);
  reportUnnamed(unnamed, await context.ledger.commit(trunk.head), onTrunk);
  return [...found.values()];
}

async function checkTrail(
  context: PlanningPorts & Pick<AuditPorts, 'outside'>,
  snapshot: Snapshot,
  { trail, trailOf, registry, branch }: TrailCheck,
  report: ReportFinding,
): Promise<Checked> {
  const { environment, head, entries, whole } = trail;
  checkTexts(trail, report);
  await checkContinuity(context, trail, report);
  const lost = await checkReleases(context, snapshot, trail, report);
  await madeByHand(context, snapshot, { trail, lost }, report);
  await carriedBack(context, snapshot, { trail, trailOf }, report);
  await checkProposed(context, snapshot, trail, report);
  if (branch !== undefined)
    await checkProposalGates(context, snapshot, { trail, branch: branch as BranchName }, report);
  // Another branch than the environment's own is not expected to have its newest release.
  const unasked = registry && branch === undefined ? await askRegistry(context, trail, report) : undefined;
  if (branch === undefined) await checkMergedGates(context, snapshot, trail, report);
  const unreviewed = branch === undefined ? await checkMergedReviews(context, snapshot, trail, report) : undefined;
  const untold = branch === undefined ? await checkMergedStatus(context, snapshot, trail, report) : undefined;
  const unchecked = unasked ?? unreviewed ?? untold;
  const releases = releasesOf(trail).length;
  return {
    environment: environment.name,
    branch: branch ?? environment.branch,
    head,
    commits: entries.length,
    releases,
    whole,
    unchecked,
  };
}

/** A line that is checked, and where. */
interface Chosen {
  readonly environment: Environment;
  readonly head: ObjectId;
  /** Set for a line that left: the configuration that had it. */
  readonly leftBy?: { readonly past: PastLine; readonly snapshot: Snapshot };
}

async function chooseHeads(
  context: Reading,
  snapshot: Snapshot,
  { environments: names, branch }: CheckRequest,
): Promise<readonly Chosen[]> {
  const { pipeline, branches } = snapshot;
  if (branch !== undefined) return [chooseBranch(snapshot, names, branch)];
  if (names.length === 0) {
    const present = [...pipeline.lines.values()].filter((environment) => branches.has(environment.branch));
    return present.map((environment) => ({ environment, head: headOf(branches, environment.branch, environment) }));
  }
  const { today, past } = await namedLines(context, snapshot, names, false);
  return [
    ...today.map((environment) => ({ environment, head: headOf(branches, environment.branch, environment) })),
    ...(await Promise.all(past.map(async (one) => chosePast(context, snapshot, one)))),
  ];
}

/** A branch that is checked as if it were the one of the only environment that is named. Throws `usage`, `branch-not-found`. */
function chooseBranch({ pipeline, branches }: Snapshot, names: readonly string[], branch: string): Chosen {
  const [name, ...others] = names;
  if (name === undefined || others.length > 0) {
    throw new TagflowError('usage', {
      what: `branch ${branch} was named for ${names.length === 0 ? 'every environment' : 'several environments'}`,
      why: 'a branch is checked as if it were the branch of one environment',
      fix: advise`name that environment: ${{ act: 'check branch', line: 'prd', branch }}`,
    });
  }
  if (!isBranchName(branch)) {
    throw new TagflowError('usage', {
      what: `${JSON.stringify(plain(branch))} is not a branch name`,
      fix: advise`name a branch of the remote: ${{ act: 'check branch', line: name, branch: 'hotfix/checkout' }}`,
    });
  }
  const head = branches.get(branch);
  if (head) return { environment: lineOf(pipeline, name), head };
  throw new TagflowError('branch-not-found', {
    what: `the remote has no branch ${branch}`,
    why: 'the name is that of a branch at the remote',
    fix: advise`push it first (git push origin ${branch}), or correct ${{ act: 'say', what: 'branch' }}`,
  });
}

/** A line that left: nothing above its newest release is its own any more. Throws `release-not-found`. */
async function chosePast(context: Reading, snapshot: Snapshot, past: PastLine): Promise<Chosen> {
  const [newest] = (await readPastLine(context, past)).releases;
  const { line, pipeline } = past;
  if (newest) {
    context.notify({ level: 'info', text: leftWords(past) });
    return { environment: line, head: newest.commit, leftBy: { past, snapshot: snapshot.under(pipeline) } };
  }
  throw new TagflowError('release-not-found', { what: `${line.name} has no release to check`, why: leftWords(past) });
}

/** Heads that environments may have taken from: the trunk, where the configuration is, and every environment. */
function allHeads({ branches, trunk, config, pipeline }: Snapshot): readonly ObjectId[] {
  const environments = [...pipeline.lines.values()].flatMap(({ branch }) => branches.get(branch) ?? []);
  return [trunk.head, ...('commit' in config ? [config.commit] : []), ...environments];
}

function checkTexts({ entries }: Trail, report: ReportFinding): void {
  for (const { commit } of entries) {
    const { message, author } = commit;
    // Line ends and tabs are how messages are written; a carriage return alone would overwrite a line.
    const unsafe = [message.replace(/\r?\n|\t/g, ' '), author].find((text) => plain(text, Infinity) !== text);
    if (unsafe === undefined) continue;
    const what = unsafe === author ? 'author' : 'message';
    report('text', commit, `its ${what} has control characters or some that reorder text: ${excerpt(unsafe)}`);
  }
}

/** The part of a text around its first unsafe character. */
function excerpt(text: string): string {
  const safe = plain(text, Infinity);
  let at = 0;
  while (at < text.length && safe[at] === text[at]) at += 1;
  return safe.slice(Math.max(0, at - 20), at + 30).trim();
}

/** A merge that hides releases of the line: reports the commit on the branch from which on they are hidden. */
async function checkContinuity(
  context: RecordReading,
  { line, environment, head }: Trail,
  report: ReportFinding,
): Promise<void> {
  const { ledger } = context;
  const hidden = await hiddenRelease(context, line);
  if (!hidden) return;
  let by = await ledger.commit(head);
  for (
    let [parent] = by.parents;
    parent && (await ledger.isAncestor(hidden.commit.id, parent));
    [parent] = by.parents
  ) {
    by = await ledger.commit(parent);
  }
  const { sequence } = hidden.record;
  const problem = `it takes release ${sequence} of ${environment.name} (${shortId(hidden.commit.id)}) off the first-parent history`;
  report('rewound', by, problem);
}

/** Whether the newest release of an environment that takes pull requests is what was proposed. */
async function checkProposed(
  context: RecordReading,
  snapshot: Snapshot,
  trail: Trail,
  report: ReportFinding,
): Promise<void> {
  const [newest] = releasesOf(trail);
  const { environment } = trail;
  if (!newest || !environment.pullRequest || environment.carries !== 'tree' || newest.release.schema === 1) return;
  const { commit, release: record } = newest;
  // What came from a branch that is gone cannot be planned again; the sources say that it is unknown.
  const { restored, source } = record;
  if (!restored && !snapshot.branches.has(source.branch as BranchName)) return;
  const problem = await amendment(context, snapshot, { environment, commit: commit.id, record });
  if (problem !== undefined) report('content', commit, `it is not what was proposed: ${problem}`);
}

/**
 * Asks the registry whether the branch was rewound, and whether the newest release has the versions that it says. Returns the
 * error when it cannot be asked.
 */
async function askRegistry(
  context: LineReading & RegistryReading,
  trail: Trail,
  report: ReportFinding,
): Promise<TagflowError | undefined> {
  const unchecked = await checkRewound(context, trail, report);
  const [newest] = releasesOf(trail);
  if (unchecked || !newest) return unchecked;
  const { value = [], problem } = await readable(
    unconfirmedVersions(context.registries, trail.environment, newest.release.images),
  );
  for (const { name, version, why, isContradicted } of value) {
    if (isContradicted) report('version', newest.commit, `it says that ${name} is ${version}: ${why}`);
    else context.notify({ level: 'warning', text: `the version of ${name} ${version} cannot be confirmed: ${why}` });
  }
  return problem;
}

/** Whether the registry has per-release tags of a newer release. The error when it cannot be asked. */
async function checkRewound(
  context: RegistryReading,
  trail: Trail,
  report: ReportFinding,
): Promise<TagflowError | undefined> {
  const { environment, head } = trail;
  const commit = await context.ledger.commit(head);
  const [newest] = releasesOf(trail);
  const { problem } = await attempt(async () => {
    if (newest) await isNewest(context, { environment, head }, newest.release);
    else if (await wasReleased(context.registries, environment)) {
      const recreated = `the registry has release 1 of ${environment.name}, the branch has none: it was recreated`;
      report('rewound', commit, recreated);
    }
  });
  if (problem?.code !== 'branch-rewound') return problem;
  report('rewound', commit, sentenceOf(problem));
  return undefined;
}

async function wasReleased(context: RegistryFinder, environment: Environment): Promise<boolean> {
  const tag = releaseTag(environment.releaseTag, 1);
  for (const image of taggedIn(environment, [...environment.images.values()])) {
    const repository = repositoryIn(environment, image);
    if (await context.registryOf(repository).peek(repository, tag)) return true;
  }
  return false;
}

/** The commits that break the rule of the journal, as findings. */
async function journalFindings(
  context: Pick<PastReading, 'ledger' | 'signal' | 'keeper'> & Pick<Reading, 'notify'>,
  snapshot: Snapshot,
): Promise<readonly Finding[]> {
  await tellOfRestarts(context, snapshot);
  const faults = await journalFaults(context, snapshot);
  return faults.map(({ commit: { id, author, time }, problem }) => ({
    rule: 'journal',
    environment: 'every environment',
    branch: snapshot.pipeline.journal,
    commit: id,
    author: plain(author, 200),
    time,
    problem,
  }));
}
