// Releases to judge, and the evidence for them, for the tests of gates.
import {
  type Evidence,
  type Gathered,
  type Judgement,
  type OverrideRequest,
  type PastRelease,
  type Subject,
  evidenceFor,
  judge,
  promotionGates,
} from '../../src/gates/gates.ts';
import { digestOf } from '../../src/model/digest.ts';
import { DEFAULT_POLICY, type GatePolicy } from '../../src/model/gate-policy.ts';
import { parseTag } from '../../src/model/reference.ts';
import type { GateDecision, ReleaseImage } from '../../src/model/release.ts';
import { FULL_RECORD, idOf } from '../support/records.ts';

/** An image at a version; its digest follows from both. */
export function image(name: string, version: string): ReleaseImage {
  return { name, repository: `r/${name}`, version: parseTag(version), digest: digestOf(`${name} ${version}`) };
}

/** A promotion of django from V4.0 to V4.2 from stg to prd, under a policy. */
export function promotion(policy: Partial<GatePolicy>, change: Partial<Subject> = {}): Subject {
  return {
    action: 'promote',
    environment: 'prd',
    reason: undefined,
    policy: { ...DEFAULT_POLICY, upstream: 'off', ...policy },
    current: { ...FULL_RECORD, images: [image('django', 'V4.0')], held: [] },
    images: [image('django', 'V4.2')],
    commit: idOf('c'),
    skipped: [],
    from: 'stg',
    hotfix: 'upstream-first',
    isNamed: false,
    upstream: 'stg',
    schemes: new Map([['django', { kind: 'semver' }]]),
    ...change,
  };
}

/** Nothing is committed by hand, verified or frozen by anybody. */
const QUIET: Evidence = {
  clock: Date.parse('2026-11-30T12:00:00Z'),
  locks: [],
  journalHolds: [],
  approvals: { given: [], barred: [] },
  unmerged: [],
  past: [],
  upstreamReleases: undefined,
  unconfirmed: { versions: [], past: [] },
  verifications: [],
  deployFreeze: undefined,
  reviews: undefined,
  statuses: [],
  runs: new Map(),
};

/** Has every gate of the promotion judge, given no more than what it needs. */
export async function judged(
  subject: Subject,
  evidence: Partial<Evidence> = {},
  request: Partial<OverrideRequest> = {},
): Promise<Judgement> {
  const gates = await promotionGates(subject);
  const all = { ...QUIET, ...evidence };
  const gathered: Gathered = Object.fromEntries([...evidenceFor(gates)].map((name) => [name, { value: all[name] }]));
  return judge(gates, subject, gathered, { gates: [], by: 'ana', why: 'INC-1', isSigned: false, ...request });
}

/** What one gate decides. */
export async function decision(
  gate: string,
  subject: Subject,
  evidence: Partial<Evidence> = {},
): Promise<GateDecision | undefined> {
  return (await judged(subject, evidence)).decisions.find((one) => one.gate === gate);
}

/** A release of stg with these versions of django and others; it came when it says. */
export function past(sequence: number, time: string, versions: Readonly<Record<string, string>>): PastRelease {
  return {
    sequence,
    commit: idOf(String(sequence)),
    images: Object.entries(versions).map(([name, version]) => image(name, version)),
    source: idOf('d'),
    recorded: Date.parse(time),
    committed: Date.parse(time),
  };
}
