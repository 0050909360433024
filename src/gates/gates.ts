// The door of gates/: judges, not detectives. A gate names the evidence that it needs; the engine gathers that, and nothing
// else, and a gate is a pure function from the evidence to a verdict. Evidence that could not be had is never a pass.
import type { Attempt } from '../model/attempt.ts';
import { type ErrorCode, type ErrorText, type TagflowError, sentenceOf } from '../model/errors.ts';
import type { Instant } from '../model/effects.ts';
import type { GatePolicy } from '../model/gate-policy.ts';
import type { GateDecision } from '../model/release.ts';
import { plain } from '../model/text.ts';
import { approvals } from './approvals.ts';
import { divergence } from './divergence.ts';
import { downgradeGate } from './downgrade.ts';
import type { Evidence } from './evidence.ts';
import type { Gate, Subject, Verdict } from './gate.ts';
import { held } from './held.ts';
import { locked } from './lock.ts';
import { reason } from './reason.ts';
import { reviewsGate } from './reviews.ts';
import { runGate } from './run.ts';
import { soak } from './soak.ts';
import { statusGate } from './status.ts';
import { upstream } from './upstream.ts';

export { isSamePerson } from './approvals.ts';
export { type FrozenTime, closedAt, frozenBetween } from './frozen-times.ts';
export type {
  ApprovalEvidence,
  Evidence,
  UnmergedCommit,
  JournalHold,
  Lock,
  PastRelease,
  ProgramVerdict,
  ReviewEvidence,
  UnconfirmedVersion,
  UpstreamEvidence,
  VerificationResult,
} from './evidence.ts';
export { downgradeGate } from './downgrade.ts';
export { reviewsGate } from './reviews.ts';
export type { Gate, Subject } from './gate.ts';

/** The evidence that was gathered: each piece, or why it could not be had. */
export type Gathered = { readonly [Name in keyof Evidence]?: Attempt<Evidence[Name]> };

/** The overrides of a request: the gates, who overrides them, and why. */
export interface OverrideRequest {
  readonly gates: readonly string[];
  /** Who asks, as the record will say. */
  readonly by: string;
  readonly why: string | undefined;
  /** Who will have signed the release; undefined where releases are not signed. */
  readonly signer?: string | undefined;
  /** Releases are signed here, so that only rights that are written down count. */
  readonly isSigned: boolean;
  /** What people wrote into the journal about exactly this release. */
  readonly given?: readonly GivenOverride[];
}

/** Somebody's override of one gate for one release, written down before it is made. */
export interface GivenOverride {
  /** The id of its entry in the journal. */
  readonly id: string;
  readonly gate: string;
  /** Where entries are signed, the verified signer. */
  readonly by: string;
  readonly why: string | undefined;
  /** Whether the person may release the environment. */
  readonly mayRelease: boolean;
}

/** Why a gate does not let a release through. `until`: from then on it would. */
export interface Refusal {
  readonly gate: string;
  readonly decision: 'refuse' | 'wait' | 'unknown';
  readonly until?: Instant;
  readonly code: ErrorCode;
  readonly text: ErrorText;
}

/** The decisions of all gates, and what those said that do not let the release through. */
export interface Judgement {
  readonly decisions: readonly GateDecision[];
  readonly refusals: readonly Refusal[];
}

/** The gates that a promotion has to pass, in the order in which they are shown. */
export async function promotionGates(subject: Subject): Promise<readonly Gate[]> {
  const { policy, from } = subject;
  return [
    locked,
    downgradeGate(subject),
    held,
    divergence,
    ...(policy.upstream === 'off' || from === undefined ? [] : [upstream]),
    ...(policy.soakMs === undefined || from === undefined ? [] : [soak]),
    ...(policy.reason ? [reason] : []),
    // The calendar of time zones takes longer to load than all other gates.
    ...(policy.windows ? [(await import('./windows.ts')).windows] : []),
    ...(policy.freezes ? [(await import('./freezes.ts')).freezes] : []),
    ...(policy.approvals ? [approvals] : []),
    ...(policy.reviews === undefined ? [] : [reviewsGate]),
    ...(policy.status ? [statusGate] : []),
    ...(policy.run ?? []).map(({ name }) => runGate(name)),
  ];
}

/** The gates that a rollback is judged by. Going to an older release is what it is for. */
export const ROLLBACK_GATES: readonly Gate[] = [locked, divergence];

/** The names of the gates that an environment asks for, and no rollback is stopped by. */
export function passedByRollbacks({ policy, from }: Pick<Subject, 'policy' | 'from'>): readonly string[] {
  const { soakMs, reason: pattern, windows, freezes, approvals: named, reviews, status, run = [] } = policy;
  const asked: readonly (readonly [string, unknown])[] = [
    ['soak', from === undefined ? undefined : soakMs],
    ['reason', pattern],
    ['windows', windows],
    ['freezes', freezes],
    ['approvals', named ?? reviews],
    ['status', status],
    ...run.map(({ name }) => [`run/${name}`, true] as const),
  ];
  return asked.flatMap(([name, rule]) => (rule === undefined ? [] : [name]));
}

/** The gates that a rollback is judged by as well when its release was named: by itself it goes to none that is held. */
export const NAMED_ROLLBACK_GATES: readonly Gate[] = [held];

/** The evidence that gates need, each name once. */
export function evidenceFor(gates: readonly Gate[]): ReadonlySet<keyof Evidence> {
  return new Set(gates.flatMap(({ needs }) => needs));
}

/** Asks every gate; all that refuse are reported, not only the first. Pure. */
export function judge(
  gates: readonly Gate[],
  subject: Subject,
  gathered: Gathered,
  overrides: OverrideRequest,
): Judgement {
  const asked = gates.map((gate) => ({ gate, verdict: verdictOf(gate, subject, gathered) }));
  const judged = asked.map(({ gate, verdict }) => override(gate, verdict, subject.policy, overrides));
  return {
    decisions: judged.map(({ decision }) => decision),
    refusals: judged.flatMap(({ refusal }) => refusal ?? []),
  };
}

/** The moment from which a release would pass when all that is missing is time; undefined otherwise. */
export function passesFrom(refusals: readonly Refusal[]): Instant | undefined {
  const moments = refusals.map(({ decision, until }) => (decision === 'wait' ? until : undefined));
  const known = moments.filter((moment) => moment !== undefined);
  return known.length === moments.length && known.length > 0 ? Math.max(...known) : undefined;
}

function verdictOf(gate: Gate, subject: Subject, gathered: Gathered): Verdict {
  const values: Record<string, unknown> = {};
  for (const name of gate.needs) {
    const finding = gathered[name];
    if (!finding || finding.problem) return unknown(gate, finding?.problem, name);
    values[name] = finding.value;
  }
  return gate.judge(subject, values as unknown as Evidence);
}

function unknown({ name }: Gate, problem: TagflowError | undefined, evidence: string): Verdict {
  return {
    decision: 'unknown',
    code: 'gate-unknown',
    text: {
      what: `cannot tell whether gate ${name} passes`,
      why: problem ? sentenceOf(problem) : `its evidence was not gathered: ${evidence}`,
      fix: problem?.advice ?? 'run the command again',
      details: { gate: name, ...(problem && { cause: problem.code }) },
      cause: problem,
    },
  };
}

interface Judged {
  readonly decision: GateDecision;
  readonly refusal?: Refusal;
}

function override(gate: Gate, verdict: Verdict, policy: GatePolicy, request: OverrideRequest): Judged {
  const { name } = gate;
  // A record holds this: with some hundred images a reason could grow too long to be read back.
  const short = (text: string): string => plain(text, 2000);
  if (verdict.decision === 'pass') return { decision: { gate: name, decision: 'pass', reason: short(verdict.reason) } };
  const { decision, code, text } = verdict;
  const until = verdict.decision === 'wait' ? verdict.until : undefined;
  const given = request.given?.find((one) => one.gate === name && mayOverride(policy, one, request.isSigned));
  const wanted = given !== undefined || request.gates.includes(name);
  const forbidden = wanted && !given ? whyForbidden(gate, policy, request) : undefined;
  if (wanted && forbidden === undefined) {
    const { by } = given ?? request;
    const why = given ? relying(given) : request.why;
    return {
      decision: {
        gate: name,
        decision: 'overridden',
        reason: short([text.what, text.why].filter(Boolean).join(': ')),
        by: short(by),
        ...(why !== undefined && { why: short(why) }),
      },
    };
  }
  const words = forbidden === undefined ? text : { ...text, why: [text.why, forbidden].filter(Boolean).join('; ') };
  return {
    decision: {
      gate: name,
      decision,
      reason: short(text.what),
      ...(until !== undefined && { until: new Date(until).toISOString() }),
    },
    refusal: { gate: name, decision, ...(until !== undefined && { until }), code, text: words },
  };
}

/** Why somebody overrode a gate, and the entry that says so, whole however long the reason is. */
function relying({ why = '', id }: GivenOverride): string {
  return `${plain(why, 1900)} (entry ${id})`.trim();
}

/** Whether a decision was made by an entry of the journal: by an approval, or by an override that was written down. */
export function reliesOn({ gate, decision, reason: said, why = '' }: GateDecision, id: string): boolean {
  if (decision === 'overridden') return why.endsWith(`(entry ${id})`);
  return gate === approvals.name && decision === 'pass' && said.includes(id);
}

/** Whether an override that was written down counts. Without signatures nobody's name is proven. */
export function mayOverride(
  policy: GatePolicy,
  { gate, by, mayRelease }: Omit<GivenOverride, 'id' | 'why'>,
  isSigned: boolean,
): boolean {
  if (gate === locked.name) return false;
  if (!isSigned) return true;
  const named = policy.overrides.get(gate);
  return named ? named.includes(by) : BY_RELEASERS.has(gate) && mayRelease;
}

/** Gates that everybody who may release can override if the policy names nobody. */
const BY_RELEASERS: ReadonlySet<string> = new Set(['downgrade', held.name, divergence.name]);

/** Why somebody may not override a gate; undefined: they may. Without signatures nobody's name is proven. */
function whyForbidden({ name, overriddenBy }: Gate, policy: GatePolicy, request: OverrideRequest): string | undefined {
  if (overriddenBy === 'never') return `${name} is not overridden`;
  if (!request.isSigned) return undefined;
  const named = policy.overrides.get(name);
  if (named === undefined && overriddenBy === 'releasers') return undefined;
  const { signer } = request;
  if (signer !== undefined && named?.includes(signer)) return undefined;
  const who = signer ?? 'the signer of this release';
  return `${who} may not override ${name}: ${named ? `overrides.${name} names ${named.join(', ')}` : `overrides has no entry for it`}`;
}
