// Gate: enough people approved the pull request of this release on the forge.
import { type Verdict, defineGate, pass } from './gate.ts';

/** Waits until as many people as the policy says have approved, and refuses while somebody objects. */
export const reviewsGate = defineGate({
  name: 'approvals',
  needs: ['reviews'],
  judge({ environment, policy }, { reviews }): Verdict {
    const needed = policy.reviews ?? 0;
    const { approved = [], objected = [], own = [], url } = reviews ?? {};
    const where = url === undefined ? 'its pull request' : url;
    if (objected.length > 0) {
      const what = `${objected.join(', ')} requested changes to this release of ${environment}`;
      return { decision: 'refuse', code: 'approvals', text: { what, why: where, fix: 'answer them on the forge' } };
    }
    if (approved.length >= needed) return pass(`approved by ${approved.join(', ')} on the forge`);
    const excluded = own.length === 0 ? '' : `; ${own.join(', ')} cannot approve their own release`;
    return {
      decision: 'wait',
      code: 'approvals',
      text: {
        what: `${environment} needs ${needed} approvals of this release on the forge, and has ${approved.length}`,
        why: `approved by ${approved.length === 0 ? 'nobody' : approved.join(', ')}${excluded}`,
        fix: `ask for reviews of ${where}`,
        details: { approved, needed, url: url ?? null },
      },
    };
  },
});
