// Gate: commit statuses that CI systems set on the commit whose configuration is released.
import type { StatusEvidence } from './evidence.ts';
import { type Verdict, defineGate, pass } from './gate.ts';
import { type Act, advise } from '../model/advice.ts';

/** Waits for statuses that are not there or pending, and refuses when one of them is a failure. */
export const statusGate = defineGate({
  name: 'status',
  needs: ['statuses'],
  judge({ commit, policy }, { statuses }): Verdict {
    const wanted = policy.status ?? [];
    const states = wanted.map((name) => ({ name, state: stateOf(statuses, name) }));
    const failed = states.filter(({ state }) => state === 'failure').map(({ name }) => name);
    const missing = states.filter(({ state }) => state !== 'success' && state !== 'failure');
    const at = commit.slice(0, 7);
    if (failed.length === 0 && missing.length === 0) return pass(`${wanted.join(', ')} succeeded for ${at}`);
    const override: Act = { act: 'override', gate: 'status' };
    if (failed.length > 0) {
      const what = `${failed.join(', ')} failed for ${at}`;
      return {
        decision: 'refuse',
        code: 'status',
        text: { what, fix: advise`release another commit, or: ${override}` },
      };
    }
    return {
      decision: 'wait',
      code: 'status',
      text: {
        what: `${missing.map(({ name }) => name).join(', ')} did not succeed yet for ${at}`,
        why: missing.map(({ name, state }) => `${name}: ${state ?? 'the forge has no such status'}`).join('; '),
        fix: advise`wait for it (${{ act: 'say', what: 'wait for gates' }}), or: ${override}`,
      },
    };
  },
});

/** The worst state of the statuses of a name, or of names that begin with it and a slash. */
function stateOf(statuses: readonly StatusEvidence[], wanted: string): StatusEvidence['state'] | undefined {
  const found = statuses.filter(({ name }) => name === wanted || name.startsWith(`${wanted}/`));
  for (const state of ['failure', 'pending', 'success'] as const) {
    if (found.some((one) => one.state === state)) return state;
  }
  return undefined;
}
