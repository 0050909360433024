// Overrides that are written down before a release is made: somebody with the right lets exactly one release through one gate.
import { TagflowError } from '../../model/errors.ts';
import { GATES, isGateName } from '../../model/gate-policy.ts';
import { askMeant } from '../../model/nearest.ts';
import type { JournalEntry } from '../../model/journal.ts';
import { type Environment, lineOf } from '../../model/pipeline.ts';
import type { Plan, PromoteRequest } from '../../model/plan.ts';
import type { Given, RecordReading } from '../context.ts';
import { requireNoneLost } from '../read/journal-loss.ts';
import { readSnapshot } from '../read/snapshot.ts';
import { mayOverride } from '../../gates/gates.ts';
import { appendEntry } from '../release/append-entry.ts';
import { requireEqualPlan } from '../release/checks.ts';
import { promote } from '../release/promote.ts';
import { currentSigner } from '../release/releaser.ts';

/** What to override, for which release. */
export interface OverrideGateRequest {
  readonly request: PromoteRequest;
  readonly gate: string;
  readonly reason: string;
  /** The plan of the release, where there is one. */
  readonly plan?: Plan | undefined;
}

/**
 * Overrides a gate for the release that a promotion would make now; it counts for that release alone. Undefined where the gate
 * passes: nothing is written then. Throws `usage`, what the gate refuses with where the person has not the right, and what planning
 * throws.
 */
export async function overrideGate(context: Given, asked: OverrideGateRequest): Promise<JournalEntry | undefined> {
  const { gate, reason, plan } = asked;
  if (!isGateName(gate)) throw noGate(gate, 'it is not the name of a gate');
  const { request } = asked;
  const outcome = await promote(context, request, { dryRun: true, ...(plan && { plan }) });
  const snapshot = await readSnapshot(context, [request.environment]);
  if (plan && outcome.kind === 'refused' && outcome.plan) await requireEqualPlan(context, snapshot, plan, outcome.plan);
  if (outcome.kind !== 'planned' && outcome.kind !== 'refused') {
    throw new TagflowError('usage', {
      what: `there is nothing to override for ${request.environment}`,
      why: 'it has exactly this release already',
    });
  }
  const gates = outcome.kind === 'planned' ? outcome.plan.gates : outcome.gates;
  const found = gates.find((one) => one.gate === gate);
  if (!found) throw noGate(gate, `no such gate is asked for ${request.environment}`);
  if (found.decision === 'pass') return undefined;
  const line = lineOf(snapshot.pipeline, request.environment);
  await requireNoneLost(snapshot, [line]);
  await requireRight(context, line, gate);
  const { entry } = await appendEntry(context, snapshot, [line], {
    kind: 'override',
    environment: line.environment,
    ...(line.application !== undefined && { application: line.application }),
    ...(outcome.subject !== undefined && { subject: outcome.subject }),
    gate,
    reason,
  });
  return entry;
}

/** Refuses an override that would not count. Throws `forbidden`. */
async function requireRight(
  context: Pick<RecordReading, 'clock' | 'signing'>,
  { name, trust, gates }: Environment,
  gate: string,
): Promise<void> {
  if (!trust) return;
  const by = await currentSigner(context, { ...trust, signedBy: [] });
  const mayRelease = by !== undefined && (trust.signedBy.length === 0 || trust.signedBy.includes(by));
  if (by !== undefined && mayOverride(gates, { gate, by, mayRelease }, true)) return;
  const named = gates.overrides.get(gate);
  throw new TagflowError('forbidden', {
    what: `${by ?? 'the owner of this key'} may not override ${gate} of ${name}; nothing was written`,
    why: named ? `overrides.${gate} names ${named.join(', ')}` : `overrides has no entry for ${gate}`,
    fix: 'ask one of them, or change overrides on the trunk',
  });
}

function noGate(gate: string, why: string): TagflowError {
  return new TagflowError('usage', {
    what: `${JSON.stringify(gate)} cannot be overridden`,
    why: gate === 'lock' ? 'a lock cannot be overridden, only removed' : why,
    fix: askMeant(gate, GATES, 'name a gate that refuses or waits; a dry run of the promotion shows them'),
  });
}
