// Gate: a release says why, in the form that the environment asks for: usually the key of a ticket.
import { defineGate, pass } from './gate.ts';
import { advise } from '../model/advice.ts';

/** Refuses a release whose reason is missing or does not match. */
export const reason = defineGate({
  name: 'reason',
  needs: [],
  judge({ environment, reason: given, policy }) {
    const pattern = policy.reason;
    if (!pattern) return pass('no reason is required');
    if (given !== undefined && pattern.test(given)) return pass(`the reason matches ${pattern.source}`);
    return {
      decision: 'refuse',
      code: 'reason',
      text: {
        what: given === undefined ? `${environment} requires a reason` : `the reason does not match ${pattern.source}`,
        why: given === undefined ? `it has to match ${pattern.source}` : `the reason is ${JSON.stringify(given)}`,
        fix: advise`give ${{ act: 'say', what: 'reason' }}`,
        details: { pattern: pattern.source },
      },
    };
  },
});
