// The door of gates/: judges, not detectives. The engine gathers the evidence; a gate is a pure function from the
// evidence to a decision with its reason. Missing evidence fails closed: the types leave no way to omit it.
import type { ErrorCode, ErrorText } from '../model/errors.ts';
import type { GateDecision } from '../model/release.ts';
import { plain } from '../model/text.ts';
import { divergence } from './divergence.ts';
import { downgrade } from './downgrade.ts';
import type { Gate, GateEvidence } from './gate.ts';
import { held } from './held.ts';

export type { ForeignCommit, GateEvidence } from './gate.ts';

/** The decisions of all gates, and what the refusing ones said. */
export interface Judgement {
  readonly decisions: readonly GateDecision[];
  readonly refusals: readonly { readonly code: ErrorCode; readonly text: ErrorText }[];
}

const GATES: Readonly<Record<string, Gate>> = { downgrade, held, divergence };

/** Asks every gate, in a fixed order; all refusals are reported, not only the first. */
export function judge(evidence: GateEvidence): Judgement {
  const verdicts = Object.entries(GATES).map(([gate, ask]) => ({ gate, verdict: ask(evidence) }));
  return {
    decisions: verdicts.map(({ gate, verdict }) => ({
      gate,
      decision: verdict.decision,
      // A record holds this: with some hundred images a reason could grow too long to be read back.
      reason: plain(verdict.decision === 'refuse' ? verdict.text.what : verdict.reason, 2000),
    })),
    refusals: verdicts.flatMap(({ verdict }) =>
      verdict.decision === 'refuse' ? [{ code: verdict.code, text: verdict.text }] : [],
    ),
  };
}
