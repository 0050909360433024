// Gate: what somebody rolled back is not put straight back by automation.
import { type ReleaseImage, blockingHolds } from '../model/release.ts';
import type { JournalHold } from './evidence.ts';
import { type Verdict, defineGate, pass } from './gate.ts';
import { advise } from '../model/advice.ts';

/** Refuses a release that was rolled back from this environment, until the hold is lifted. */
export const held = defineGate({
  name: 'held',
  needs: ['journalHolds'],
  overriddenBy: 'releasers',
  judge({ action, environment, current, images, commit }, { journalHolds }) {
    const holds = current ? blockingHolds(current.held, images, commit) : [];
    const [first] = holds;
    if (!first) return journalVerdict(environment, images, journalHolds);
    const what =
      first.images.length > 0
        ? first.images.map(({ name, version }) => `${name} ${version}`).join(', ')
        : `the configuration of release ${first.release}`;
    return {
      decision: 'refuse',
      code: 'held',
      text: {
        what: `${what} is on hold for ${environment}`,
        why: `release ${first.release} was rolled back${first.reason === undefined ? '' : `: ${first.reason}`}`,
        fix:
          action === 'rollback'
            ? advise`to go back to it and lift the hold: ${{ act: 'override', gate: 'held' }}`
            : advise`to put it back anyway: ${{ act: 'promote', line: environment, despite: 'held' }}`,
        details: { holds },
      },
    };
  },
});

/** The verdict on holds that people set with `tagflow hold`. */
function journalVerdict(environment: string, images: readonly ReleaseImage[], holds: readonly JournalHold[]): Verdict {
  const blocking = holds.filter((hold) =>
    images.some(({ name, digest }) => (hold.name ?? name) === name && digest === hold.digest),
  );
  const [first] = blocking;
  if (!first) return pass('no image in this release is on hold');
  return {
    decision: 'refuse',
    code: 'held',
    text: {
      what: `${blocking.map(({ name, version, digest }) => [name, version ?? digest].filter(Boolean).join(' ')).join(', ')} is on hold for ${environment}`,
      why: `${first.by} put it on hold${first.reason === undefined ? '' : `: ${first.reason}`}`,
      fix: advise`to end the hold: ${{ act: 'lift', entry: first.id }}; for this promotion only: ${{ act: 'override', gate: 'held' }}`,
      details: { entries: blocking },
    },
  };
}
