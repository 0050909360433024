// Gate: what somebody rolled back is not put straight back by automation.
import { blockingHolds } from '../model/release.ts';
import { defineGate, pass } from './gate.ts';

/** Refuses a release that was rolled back from this environment, until the hold is lifted. */
export const held = defineGate({
  name: 'held',
  needs: [],
  overriddenBy: 'releasers',
  judge({ action, environment, current, images, commit }) {
    const holds = current ? blockingHolds(current.held, images, commit) : [];
    const [first] = holds;
    if (!first) return pass('no image in this release is on hold');
    const what =
      first.images.length > 0
        ? first.images.map(({ name, version }) => `${name} ${version}`).join(', ')
        : `the configuration of release ${first.release}`;
    return {
      decision: 'refuse',
      code: 'held',
      text: {
        what: `${what} is held from ${environment}`,
        why: `release ${first.release} was rolled back${first.reason === undefined ? '' : `: ${first.reason}`}`,
        fix:
          action === 'rollback'
            ? 'to go back to it all the same, and lift the hold: --override held --reason "…"'
            : `to put it back all the same: tagflow promote ${environment} --unhold`,
        details: { holds },
      },
    };
  },
});
