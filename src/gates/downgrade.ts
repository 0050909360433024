// Gate: an environment does not go back to an older version by accident. Racing pipelines name their version explicitly
// and did this twice as often as people rolled back, so naming a version is not enough: an override is.
import type { ReleaseImage } from '../model/release.ts';
import { areOrdered, compareVersions, readVersion } from '../model/version.ts';
import type { PastRelease, UnconfirmedVersion } from './evidence.ts';
import { type Gate, type Subject, type Verdict, defineGate, pass } from './gate.ts';
import { advise } from '../model/advice.ts';

/** The gate for one release. It looks at the line's past only when versions have no order to compare them by. */
export function downgradeGate(subject: Subject): Gate {
  const { unordered, newer } = compare(subject);
  if (unordered.length > 0) return byReleases;
  return newer.length > 0 ? byConfirmedVersions : byVersions;
}

/** Refuses a release in which an image is older than the one the environment runs. */
const byVersions = defineGate({
  name: 'downgrade',
  needs: [],
  overriddenBy: 'releasers',
  judge: (subject) => verdictOn(subject, [], []),
});

/** The same where a version says that an image is newer: a record alone may claim that. */
const byConfirmedVersions = defineGate({
  name: 'downgrade',
  needs: ['unconfirmed'],
  overriddenBy: 'releasers',
  judge: (subject, { unconfirmed }) => verdictOn(subject, unconfirmed.past, unconfirmed.versions),
});

/** The same where some versions have no order: there the image is older that this line ran first. */
const byReleases = defineGate({
  name: 'downgrade',
  needs: ['past', 'unconfirmed'],
  overriddenBy: 'releasers',
  judge: (subject, { past, unconfirmed }) => verdictOn(subject, past, unconfirmed.versions),
});

function verdictOn(
  subject: Subject,
  past: readonly PastRelease[],
  unconfirmed: readonly UnconfirmedVersion[],
): Verdict {
  const { environment, current } = subject;
  const { ordered, unordered, newer } = compare(subject);
  const older = [...ordered, ...unordered.filter(({ image, running }) => ranBefore(image, running, past)).map(names)];
  const [first] = older;
  if (!first) {
    const claimed = unconfirmed.filter(({ name }) => newer.some(({ image }) => image.name === name));
    const doubtful = claimed.filter(
      ({ name, isDenied }) =>
        isDenied || newer.some((change) => change.image.name === name && ranBefore(change.image, change.running, past)),
    );
    if (doubtful.length > 0) return refuseUnconfirmed(environment, doubtful);
    if (claimed.length > 0) {
      const list = claimed.map(({ name, version }) => `${name} ${version}`).join(', ');
      return pass(`no image gets older by past releases; the registry does not say that an image is ${list}`);
    }
    const by = unordered.map(({ image }) => image.name).join(', ');
    return pass(
      by === '' ? 'no image gets older' : `no image gets older; by past releases, as versions of ${by} have no order`,
    );
  }
  const list = older.map(({ name, from, to }) => `${name} ${from} -> ${to}`).join(', ');
  return {
    decision: 'refuse',
    code: 'downgrade',
    text: {
      what: `${environment} would go back: ${list}`,
      why:
        current &&
        `release ${current.sequence} was made at ${current.time} by ${current.actor}${current.job ? `, ${current.job}` : ''}`,
      fix: advise`to go back anyway: ${{ act: 'rollback', line: environment, to: first.to, withReason: true }} (or promote with ${{ act: 'allow', gate: 'downgrade' }})`,
      details: { images: older },
    },
  };
}

/** A version that only a record claims: whether the image is newer is unknown. */
function refuseUnconfirmed(environment: string, claimed: readonly UnconfirmedVersion[]): Verdict {
  const list = claimed.map(({ name, version }) => `${name} ${version}`).join(', ');
  return {
    decision: 'unknown',
    code: 'downgrade',
    text: {
      what: `cannot tell whether ${environment} would go back: the registry does not say that an image is ${list}`,
      why: claimed.map(({ name, why }) => `${name}: ${why}`).join('; '),
      fix: advise`promote a version by name (IMAGE=VERSION), or push its tag again; if the image is the right one: ${{ act: 'override', gate: 'downgrade' }}`,
      details: { images: claimed.map(({ name, version, digest }) => ({ name, version, digest })) },
    },
  };
}

interface Older {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** An image of the release, and the one of that name that runs. */
interface Change {
  readonly image: ReleaseImage;
  readonly running: ReleaseImage;
}

/** The images whose versions say that they get older or newer, and those whose versions say nothing. */
function compare({ current, images, schemes }: Subject): {
  readonly ordered: readonly Older[];
  readonly unordered: readonly Change[];
  readonly newer: readonly Change[];
} {
  const ordered: Older[] = [];
  const unordered: Change[] = [];
  const newer: Change[] = [];
  for (const image of images) {
    const scheme = schemes.get(image.name);
    const running = current?.images.find(({ name }) => name === image.name);
    if (!scheme || !running) continue;
    const before = readVersion(running.version, scheme);
    const after = readVersion(image.version, scheme);
    if (!before || !after || !areOrdered(before, after)) {
      if (running.digest !== image.digest) unordered.push({ image, running });
      continue;
    }
    const order = compareVersions(after, before);
    if (order < 0) ordered.push(names({ image, running }));
    else if (order > 0) newer.push({ image, running });
  }
  return { ordered, unordered, newer };
}

function names({ image, running }: Change): Older {
  return { name: image.name, from: running.version, to: image.version };
}

/** Whether the line first ran an image before it first ran what it runs now: then what it runs now is the newer one. */
function ranBefore(image: ReleaseImage, running: ReleaseImage, past: readonly PastRelease[]): boolean {
  const first = firstRun(image, past);
  const firstOfRunning = firstRun(running, past);
  return first !== undefined && firstOfRunning !== undefined && first < firstOfRunning;
}

/** The sequence of the first release that had an image. */
function firstRun({ name, digest }: ReleaseImage, past: readonly PastRelease[]): number | undefined {
  const had = past.filter(({ images }) => images.some((one) => one.name === name && one.digest === digest));
  return had.at(-1)?.sequence;
}
