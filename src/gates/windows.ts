// Gate: promotions land only inside the windows of the environment.
import type { Instant } from '../model/effects.ts';
import { type TimeRange, nextWindow } from './calendar.ts';
import { defineGate, pass } from './gate.ts';
import { advise } from '../model/advice.ts';

/** Waits for the next window; refuses when none opens within a year. */
export const windows = defineGate({
  name: 'windows',
  needs: ['clock'],
  judge({ environment, policy }, { clock }) {
    if (!policy.windows) return pass('promotions may land at any time');
    const window = nextWindow(policy.windows, clock);
    if (window && window.start <= clock) return pass(`a window is open until ${iso(window.end)}`);
    return closed(environment, window);
  },
});

function closed(environment: string, next: TimeRange | undefined) {
  const what = `no window of ${environment} is open now`;
  if (!next) {
    const text = { what, why: 'none opens within a year', fix: `correct environments.${environment}.gates.windows` };
    return { decision: 'refuse', code: 'windows', text } as const;
  }
  const text = {
    what,
    why: `the next one opens at ${iso(next.start)}`,
    fix: advise`wait until then, or: ${{ act: 'override', gate: 'windows' }}`,
    details: { until: iso(next.start) },
  };
  return { decision: 'wait', until: next.start, code: 'windows', text } as const;
}

function iso(at: Instant): string {
  return new Date(at).toISOString();
}
