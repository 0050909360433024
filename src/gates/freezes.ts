// Gate: nothing is promoted during a freeze: one of the environment's own, or one that the caller's CI has.
import { activeFreeze } from './calendar.ts';
import { defineGate, pass } from './gate.ts';
import { advise } from '../model/advice.ts';

/** Waits for the end of a freeze, and of those that follow on it; refuses where no end is known. */
export const freezes = defineGate({
  name: 'freezes',
  needs: ['clock', 'deployFreeze'],
  judge({ environment, policy }, { clock, deployFreeze }) {
    if (deployFreeze !== undefined) {
      const text = {
        what: `${environment} is frozen: CI_DEPLOY_FREEZE is set`,
        why: 'the project has a deploy freeze in GitLab',
        fix: advise`wait until it ends and run a new pipeline, or: ${{ act: 'override', gate: 'freezes' }}`,
        details: { source: 'CI_DEPLOY_FREEZE' },
      };
      return { decision: 'refuse', code: 'freezes', text };
    }
    const active = activeFreeze(policy.freezes ?? [], clock);
    if (!active) return pass('no freeze holds now');
    const { freeze, end } = active;
    const why = freeze.reason;
    if (end === undefined) {
      const text = { what: `${environment} is frozen, and no end is known`, why, fix: 'correct gates.freezes' };
      return { decision: 'refuse', code: 'freezes', text };
    }
    const until = new Date(end).toISOString();
    return {
      decision: 'wait',
      until: end,
      code: 'freezes',
      text: {
        what: `${environment} is frozen until ${until}`,
        why,
        fix: advise`wait until then, or: ${{ act: 'override', gate: 'freezes' }}`,
        details: { until },
      },
    };
  },
});
