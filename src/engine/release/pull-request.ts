// Proposing: where an environment's branch takes pull requests alone, a plan's commit goes to a branch of its own, and a pull
// request from there asks for it. A pull request is one plan and never changes, so what was looked at is what is merged: a
// new plan is a new pull request, and closes those before it. Repetition: plans that come to the same release have the same
// branch and the same pull request, no matter who makes them; whatever of that is there already is left as it is.
import type { Forge, PullRequest } from '../../forge/forge.ts';
import type { Commit, PushVerdict } from '../../ledger/ledger.ts';
import { attempt } from '../../model/attempt.ts';
import { type Digest, digestOfData } from '../../model/digest.ts';
import { TagflowError } from '../../model/errors.ts';
import { type BranchName, type ObjectId, shortId } from '../../model/object-id.ts';
import { type Environment, recordPath, signaturePath } from '../../model/pipeline.ts';
import type { Plan } from '../../model/plan.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import { asksForTheSame, isMergeable, proposalBranch, readProposalBranch } from '../../model/proposal.ts';
import { type Committed, SMALLER_PUSH, buildCommit } from './commit.ts';
import type { CommitPorts, Outside, PlanningPorts, Reading, RecordReading } from '../context.ts';
import { readConfigText } from '../read/config-file.ts';
import { journalOf } from '../read/journal.ts';
import { judgeDowngrade } from './judge.ts';
import type { Proposed, Refused } from './outcome.ts';
import { proposalText } from './pull-request-text.ts';
import { readable } from '../read/problem.ts';
import { type SourceAsking, planSteps, sourceChanges } from '../read/source-changes.ts';
import { fitsTree, readRecord } from '../read/records.ts';
import type { Snapshot } from '../read/snapshot.ts';

/** Facts about a plan's pull request before anything is written. */
export interface PreparedPullRequest {
  readonly kind: 'prepared';
  readonly environment: Environment;
  readonly forge: Forge;
  readonly branch: BranchName;
  /** Everything open that asks for a release of the environment. */
  readonly open: readonly PullRequest[];
  /** The one for this very release, where it is open already and none came after it. */
  readonly old: PullRequest | undefined;
  /** The one for this very release that another one came after, which was to close it and did not. */
  readonly outdated: PullRequest | undefined;
}

/** What is open onto a branch. */
export interface OpenRequests {
  readonly forge: Forge;
  readonly open: readonly PullRequest[];
}

/** Reads what is open onto a branch. Throws what the forge throws. */
export async function readOpenRequests(
  context: Outside,
  snapshot: Snapshot,
  branch: BranchName,
): Promise<OpenRequests> {
  const forge = await forgeOf(context, snapshot);
  return { forge, open: await forge.openOnto(branch) };
}

/** Looks at what is open already; refuses where one that is open asks for a newer version. */
export async function preparePullRequest(
  context: PlanningPorts,
  snapshot: Snapshot,
  { environment, plan }: { readonly environment: Environment; readonly plan: Plan },
  { forge, open: all }: OpenRequests,
): Promise<PreparedPullRequest | Refused> {
  const branch = proposalBranch(plan, environment, await rulesOf(context, snapshot, environment));
  const open = ofLine(all, environment);
  const same = open.find((one) => one.branch === branch);
  const isNewest = same && open.every(({ number }) => number <= same.number);
  const old = isNewest ? same : undefined;
  const refusals = old ? [] : await refusalsBy(context, snapshot, { environment, plan }, { open, forge });
  if (refusals.length > 0) return { kind: 'refused', environment: environment.name, refusals, gates: plan.gates };
  return { kind: 'prepared', environment, forge, branch, open, old, outdated: isNewest ? undefined : same };
}

/**
 * Asks for a plan's release in a pull request, and closes those that it replaces. Throws `push-denied`,
 * `push-outcome-unknown`, and what the forge throws; the environment's branch and tags stay as they are.
 */
export async function openPullRequest(
  context: CommitPorts & SourceAsking,
  snapshot: Snapshot,
  plan: Plan,
  { environment, forge, branch, open: others, old, outdated }: PreparedPullRequest,
): Promise<Proposed> {
  // A branch has one open request, and the one that is asked for now is to be the newest. Closing removes the branch.
  if (outdated) await forge.close(outdated, 'Asked for again, in a newer one.');
  const there = outdated ? undefined : snapshot.branches.get(branch);
  const made = await pushed(context, snapshot, plan, { environment, branch, there });
  context.signal.throwIfAborted();
  const open = async (): Promise<PullRequest> => {
    const sources = await sourceChanges(context, snapshot, environment, planSteps(plan));
    return forge.open({ branch, target: plan.branch, ...proposalText(plan, made.record, sources) });
  };
  const pullRequest = old ?? (await open());
  // Listed again: of two that ask at once, the one that was opened later stays, and sees the other by now.
  const now = old ? others : ofLine(await forge.openOnto(environment.branch), environment);
  const before = now.filter(({ number }) => number < pullRequest.number);
  const closed = await closeAll(context, forge, before, pullRequest);
  return { kind: 'proposed', plan, ...made, pullRequest, term: forge.term, isOld: old !== undefined, closed };
}

/**
 * The rules by which a release of a scope is asked for: the trunk's tagflow.yaml and signers. Where these change, the record that was
 * asked for names older ones than its branch has, so it is asked for once more.
 */
async function rulesOf(
  { ledger }: Pick<RecordReading, 'ledger'>,
  { trunk, config }: Snapshot,
  { carries, trust }: Environment,
): Promise<Digest | undefined> {
  if (carries === 'tree') return undefined;
  const text = 'file' in config ? config.file : await readConfigText(ledger, trunk.head);
  const signers = [trust?.signers, trust?.revoked].map((file) => file && Buffer.from(file).toString('base64'));
  return digestOfData({ text, signers });
}

/** The forge of the repository. Throws `not-supported` where a library's user gave none, `forge-unknown`, `unauthorized`. */
export async function forgeOf({ forgeOf: make }: Outside, { pipeline }: Snapshot): Promise<Forge> {
  if (make) return make(pipeline.forge);
  throw new TagflowError('not-supported', {
    what: 'releases go by pull requests here, and this run cannot open any',
    why: 'tagflow.yaml says so with pullRequest:, and the program that uses tagflow as a library gave it no `outside.forgeOf`',
  });
}

/** Those that ask for releases of an environment. */
function ofLine(open: readonly PullRequest[], { name }: Environment): readonly PullRequest[] {
  return open.filter((one) => readProposalBranch(one.branch)?.line === name);
}

/** Racing pipelines: one that is late with an older version would close the pull request for the newer one. */
async function refusalsBy(
  context: PlanningPorts,
  snapshot: Snapshot,
  { environment, plan: { base, ...plan } }: { readonly environment: Environment; readonly plan: Plan },
  { open, forge: { term } }: Pick<PreparedPullRequest, 'open' | 'forge'>,
): Promise<Refused['refusals']> {
  if (plan.request.kind !== 'promote') return [];
  // Their heads as Git has them: what a forge says of a branch may lag.
  const asked = open.flatMap((one) => {
    const head = snapshot.branches.get(one.branch);
    return head ? [{ ...one, head }] : [];
  });
  await context.ledger.fetch([...new Set(asked.map(({ head }) => head))]);
  const found = await Promise.all(
    asked.map(async (one) => {
      const { value: record } = await readable(readRecord(context, environment, one.head));
      const [onto] = (await context.ledger.commit(one.head)).parents;
      const now = { head: base, next: plan.sequence };
      if (!record || !isMergeable(environment, { onto, sequence: record.sequence }, now)) return [];
      const state = { environment, head: one.head, record, commit: one.head };
      const older = await judgeDowngrade(context, snapshot, state, plan);
      const why = `${term} ${one.number} asks for the newer one, and this would close it: ${one.url}`;
      return older.map((refusal) => ({ ...refusal, text: { ...refusal.text, why } }));
    }),
  );
  return found.flat();
}

/** The plan's commit on its branch: one that another run pushed there, or ours. */
async function pushed(
  context: CommitPorts,
  snapshot: Snapshot,
  plan: Plan,
  {
    environment,
    branch,
    there,
  }: Pick<PreparedPullRequest, 'environment' | 'branch'> & { readonly there: ObjectId | undefined },
): Promise<Committed> {
  const ours = await buildCommit(context, plan, environment.trust, journalOf(snapshot));
  if (there) return sameRequest(context, plan, { environment, branch, head: there }, ours);
  const verdict = await context.ledger.push(branch, ours.commit, undefined);
  if (verdict.outcome === 'landed') return ours;
  if (verdict.outcome === 'lost' && verdict.head)
    return sameRequest(context, plan, { environment, branch, head: verdict.head }, ours);
  throw refusedPush(branch, ours.commit, verdict);
}

function refusedPush(branch: BranchName, commit: ObjectId, verdict: PushVerdict): TagflowError {
  return new TagflowError('push-denied', {
    what: `the remote refuses a push to ${branch}; no request was opened`,
    why: verdict.outcome === 'denied' ? verdict.reason : 'the branch was made, and removed again, meanwhile',
    fix:
      verdict.outcome === 'denied' && verdict.isForSize
        ? SMALLER_PUSH
        : 'allow this identity to make branches below tagflow/ (a rule for branches, a hook, or a read-only token), then run again',
    details: { branch, commit: shortId(commit) },
  });
}

/**
 * What another run pushed for the same release: nothing but who, when and why may differ from ours. Anything else was put
 * there by hand, and nobody is asked to merge it. Throws `push-denied`.
 */
async function sameRequest(
  context: Pick<RecordReading, 'ledger'>,
  plan: Plan,
  { environment, branch, head }: Pick<PreparedPullRequest, 'environment' | 'branch'> & { readonly head: ObjectId },
  ours: Committed,
): Promise<Committed> {
  const { ledger } = context;
  await ledger.fetch([head]);
  const [commit, { value: record }] = await Promise.all([
    ledger.commit(head),
    readable(readRecord(context, environment, head)),
  ]);
  const hasSameFiles = environment.carries === 'tree' ? hasOurTree : hasOurScope;
  const isSame =
    record !== undefined &&
    asksForTheSame(environment, record, ours.record) &&
    (await hasSameFiles(context, { plan, environment, commit, record }, ours));
  if (isSame) return { commit: head, record };
  throw new TagflowError('push-denied', {
    what: `${branch} differs from this release; no request was opened`,
    why: `commit ${shortId(head)} differs from the commit of this plan: it was changed by hand`,
    fix: `look at it, delete the branch (git push origin --delete ${branch}), then run again`,
    details: { branch, head },
  });
}

interface Asked {
  readonly plan: Plan;
  readonly environment: Environment;
  readonly commit: Commit;
  readonly record: ReleaseRecord;
}

/** Whether a commit stands where ours does and has the same files, but for who wrote the record. */
async function hasOurTree(
  { ledger }: Pick<RecordReading, 'ledger'>,
  { plan, environment, commit }: Asked,
  ours: Committed,
): Promise<boolean> {
  const changed = await ledger.changedPaths(ours.commit, commit.id);
  return (
    commit.parents.join() === plan.parents.join() &&
    changed.every((path) => path === recordPath(environment) || path === signaturePath(environment))
  );
}

/**
 * Whether a commit changes the same files of the scope to the same ones as ours, and nothing else, on what the branch has or had: others
 * may have committed to it since.
 */
async function hasOurScope(
  { ledger }: Pick<RecordReading, 'ledger'>,
  { plan, environment, commit, record }: Asked,
  ours: Committed,
): Promise<boolean> {
  const [below, ...others] = commit.parents;
  if (below === undefined || others.length > 0 || !(await fitsTree(ledger, environment, commit, record))) return false;
  await ledger.deepen([plan.base, commit.id]);
  if (below !== plan.base && !(await ledger.isAncestor(below, plan.base))) return false;
  const [theirs, own] = await Promise.all([
    ledger.changedPaths(below, commit.id),
    ledger.changedPaths(plan.base, ours.commit),
  ]);
  return theirs.toSorted().join('\0') === own.toSorted().join('\0');
}

/** Closes what a newer one replaces. One that stays open is reported, and closed by the next run: it can still be merged. */
async function closeAll(
  context: Pick<Reading, 'notify' | 'signal'>,
  forge: Forge,
  older: readonly PullRequest[],
  newer: PullRequest,
): Promise<readonly PullRequest[]> {
  const closed: PullRequest[] = [];
  for (const one of older) {
    context.signal.throwIfAborted();
    const comment = `Superseded by ${newer.url}, which asks for another release of the same environment.`;
    const { problem } = await attempt(forge.close(one, comment));
    if (!problem) {
      closed.push(one);
      continue;
    }
    const text = `${forge.term} ${one.number} is superseded and could not be closed: ${problem.message}`;
    context.notify({ level: 'warning', text });
  }
  return closed;
}
