// Gate: enough people said yes to exactly this release.
import type { ApprovalRule } from '../model/gate-policy.ts';
import type { Instant } from '../model/effects.ts';
import type { Approval } from './evidence.ts';
import { defineGate, pass } from './gate.ts';
import { advise } from '../model/advice.ts';

/** Waits until as many of the named people as the policy says have approved. One person counts once. */
export const approvals = defineGate({
  name: 'approvals',
  needs: ['clock', 'approvals'],
  judge({ environment, policy }, { clock, approvals: { given, barred } }) {
    const rule = policy.approvals;
    if (!rule) return pass('no approval is required');
    const counting = approvers(given, rule, clock);
    const people = counting.map(({ by }) => by);
    const names = people.length === 0 ? 'nobody' : people.join(', ');
    if (people.length >= rule.count)
      return pass(`approved by ${names} (entries ${counting.map(({ id }) => id).join(', ')})`);
    const unheard = rule.by.filter((name) => !people.some((one) => isSamePerson(one, name)));
    const missing = unheard.filter((name) => !barred.some((one) => isSamePerson(one.name, name)));
    const excluded = barred.map(({ name, why }) => `; ${name} does not count: ${why}`).join('');
    return {
      decision: 'wait',
      code: 'approvals',
      text: {
        what: `${environment} needs ${rule.count} approvals of this release, and has ${people.length}`,
        why: `approved by ${names}; may still approve: ${missing.length === 0 ? 'nobody' : missing.join(', ')}${excluded}`,
        fix:
          people.length + missing.length < rule.count
            ? 'let somebody release who is not an approver, or name more approvers on the trunk'
            : advise`ask one of them for: ${{ act: 'approve', line: environment }}`,
        details: { approved: people, missing },
      },
    };
  },
});

/** The approvals that count now, one of each person. */
function approvers(given: readonly Approval[], { by, withinMs }: ApprovalRule, now: Instant): readonly Approval[] {
  const counting = given.filter(
    (one) =>
      by.some((name) => isSamePerson(name, one.by)) &&
      // A clock that was ahead must not let an approval last longer: what lies further off than it may last does not count.
      (withinMs === undefined || Math.abs(now - one.time) < withinMs),
  );
  return counting.filter((one, at) => !counting.slice(0, at).some((earlier) => isOfOne(earlier, one)));
}

/** Whether two approvals are of one person: by one name, or by a key that stands under both of their names. */
function isOfOne(a: Approval, b: Approval): boolean {
  const namesOf = ({ by, also = [] }: Approval): readonly string[] => [by, ...also];
  return namesOf(a).some((name) => namesOf(b).some((other) => isSamePerson(name, other)));
}

/** Mail addresses name the same person however they are capitalised. */
export function isSamePerson(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
