// Gate: somebody stopped the line. A lock is never overridden: it is taken off, which is on the record as well.
import { defineGate, pass } from './gate.ts';
import { advise } from '../model/advice.ts';

/** Refuses while a lock is on the environment; a rollback only where the lock says so. */
export const locked = defineGate({
  name: 'lock',
  needs: ['locks'],
  overriddenBy: 'never',
  judge({ environment, action }, { locks }) {
    const holding = action === 'rollback' ? locks.filter(({ rollbacks }) => rollbacks) : locks;
    const [first] = holding;
    if (!first) return pass(locks.length === 0 ? 'nobody locked it' : 'the lock allows rollbacks');
    const until = first.until === undefined ? '' : ` until ${new Date(first.until).toISOString()}`;
    return {
      decision: 'refuse',
      code: 'locked',
      text: {
        what: `${environment} is locked${until} by ${first.by}`,
        why: first.reason,
        fix: advise`to let releases continue: ${{ act: 'unlock', line: environment }}`,
        details: { locks: holding },
      },
    };
  },
});
