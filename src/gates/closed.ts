// What the calendar of an environment says of a moment that is over.
import type { Instant } from '../model/effects.ts';
import type { GatePolicy } from '../model/gate-policy.ts';

/** A gate of the calendar that let nothing through, and why where the calendar says so. */
export interface ClosedBy {
  readonly gate: 'freezes' | 'windows';
  readonly reason: string | undefined;
}

/** The gate of the calendar that was closed at a moment, of those named; undefined: none. */
export async function closedAt(
  { freezes = [], windows }: Pick<GatePolicy, 'freezes' | 'windows'>,
  moment: Instant,
  asked: ReadonlySet<string>,
): Promise<ClosedBy | undefined> {
  const isFrozen = freezes.length > 0 && asked.has('freezes');
  const hasWindows = windows !== undefined && asked.has('windows');
  if (!isFrozen && !hasWindows) return undefined;
  const { activeFreeze, nextWindow } = await import('./calendar.ts');
  const active = isFrozen ? activeFreeze(freezes, moment) : undefined;
  if (active) return { gate: 'freezes', reason: active.freeze.reason };
  if (!hasWindows) return undefined;
  const window = nextWindow(windows, moment);
  return window && window.start <= moment ? undefined : { gate: 'windows', reason: undefined };
}
