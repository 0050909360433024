// Gate: an environment takes what the one upstream released. A version that skipped it, or a hotfix, needs an override.
import { shortId } from '../model/object-id.ts';
import { type ReleaseImage, blockingHolds } from '../model/release.ts';
import type { UpstreamEvidence } from './evidence.ts';
import { type Subject, defineGate, pass } from './gate.ts';
import { advise } from '../model/advice.ts';

/**
 * Refuses a release that passes by a line it usually comes through, one in which a changed image was never released upstream, or is held there, or whose configuration is no
 * release of upstream. Images that stay as they are are not judged. With `upstream: warn` it passes, and says what is wrong.
 */
export const upstream = defineGate({
  name: 'upstream',
  needs: ['upstreamReleases'],
  judge(subject, { upstreamReleases: evidence }) {
    if (!evidence) return pass('the environment takes from the trunk');
    const problems = [
      ...skippedProblems(subject, evidence),
      ...imageProblems(subject, evidence),
      ...commitProblems(subject, evidence),
    ];
    const [first] = problems;
    const { environment } = evidence;
    if (first === undefined) return pass(`${environment} released all of it`);
    if (isHotfix(subject)) return pass(`a hotfix, ${subject.environment} first: ${problems.join('; ')}`);
    if (subject.policy.upstream === 'warn') return pass(`warning: ${problems.join('; ')}`);
    return {
      decision: 'refuse',
      code: 'upstream',
      text: {
        what:
          subject.skipped.length > 0
            ? `${subject.environment} would take from ${environment} and skip ${subject.skipped.join(', ')}`
            : `${subject.environment} would take what ${environment} did not release`,
        why: problems.join('; '),
        fix: advise`promote ${subject.skipped[0] ?? environment} first, or for a hotfix: ${{ act: 'override', gate: 'upstream' }}`,
        details: { problems },
      },
    };
  },
});

/** Where fixes reach the environment first, a version that is asked for by name with a reason is one. */
function isHotfix({ hotfix, isNamed, reason, skipped }: Subject): boolean {
  return hotfix === 'environment-first' && isNamed && reason !== undefined && skipped.length === 0;
}

function skippedProblems({ skipped }: Subject, { environment }: UpstreamEvidence): readonly string[] {
  return skipped.length === 0 ? [] : [`taken from ${environment}, it does not come through ${skipped.join(', ')}`];
}

function imageProblems(subject: Subject, { environment, releases, held, runs }: UpstreamEvidence): readonly string[] {
  return changedImages(subject)
    .filter(({ name }) => runs.has(name))
    .flatMap((image) => {
      const released = releases.some(({ images }) =>
        images.some(({ name, digest }) => name === image.name && digest === image.digest),
      );
      if (!released) return [`no release of ${environment} has ${image.name} ${image.version}`];
      const isHeld = blockingHolds(held, [image], subject.commit).some(({ images }) => images.length > 0);
      return isHeld ? [`${image.name} ${image.version} is on hold for ${environment}`] : [];
    });
}

function commitProblems({ commit, current }: Subject, { environment, releases, held }: UpstreamEvidence): string[] {
  if (commit === current?.source.commit) return [];
  const release = releases.find((one) => one.commit === commit);
  if (!release) return [`commit ${shortId(commit)} is not a release of ${environment}`];
  const isHeld = blockingHolds(held, [], release.source).length > 0;
  return isHeld ? [`the configuration of ${shortId(commit)} is on hold for ${environment}`] : [];
}

/** The images that a release changes in its environment. */
export function changedImages({ current, images }: Subject): readonly ReleaseImage[] {
  return images.filter(
    ({ name, digest }) => current?.images.find((running) => running.name === name)?.digest !== digest,
  );
}
