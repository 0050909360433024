// What the calendar of an environment says of the past.
import type { Instant } from '../model/effects.ts';
import type { Freeze, GatePolicy } from '../model/gate-policy.ts';

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

/** A time in which a freeze held. */
export interface FrozenTime {
  readonly start: Instant;
  readonly end: Instant;
  readonly reason: string | undefined;
}

/** When freezes held between two moments, oldest first. */
export async function frozenBetween(
  freezes: readonly Freeze[] | undefined,
  start: Instant,
  end: Instant,
): Promise<readonly FrozenTime[]> {
  if (freezes === undefined || freezes.length === 0) return [];
  const { frozenTimes } = await import('./calendar.ts');
  return frozenTimes(freezes, { start, end });
}
