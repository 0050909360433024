// What runs beside what was released, as marks, words and data.
import type { EnvironmentStatus, ImageStatus } from '../engine/status.ts';
import type { LiveCheck } from '../engine/verification/live.ts';
import { type LiveRelease, waitingFor } from '../engine/verification/wait-live.ts';
import { shortDigest } from '../model/digest.ts';
import { type Advice, advise } from '../model/advice.ts';
import { EXIT } from '../model/errors.ts';
import type { Failure } from './failure.ts';
import { comparisonShape } from './shapes.ts';
import { type StyledText, type TextLine, type View, linesOf, styled, tableOf } from './view.ts';
import { digestCell, duration } from './words.ts';

/** What runs of an image, in a cell. */
export function liveMark(live: LiveCheck | undefined): StyledText {
  if (!live || live.state === 'unwatched') return '–';
  if (live.state === 'right') return styled('green', '✓ live');
  if (live.state === 'unknown') return styled('yellow', '? unknown');
  if (live.found === undefined) return styled('red', '✗ not live');
  return styled('red', `✗ ${shortened(live.found)}`);
}

/** What runs of an image, as data; `null` where nobody asked. */
export function liveShape(live: LiveCheck | undefined): Readonly<Record<string, unknown>> | null {
  if (!live) return null;
  return {
    state: live.state,
    found: live.state === 'drift' ? (live.found ?? null) : null,
    release: live.state === 'drift' ? (live.release ?? null) : null,
    isMixed: live.state === 'drift' && live.isMixed,
    why: 'why' in live ? live.why : null,
  };
}

/** Why branch, registry and what runs differ, and what mends it. */
export function liveLines(state: EnvironmentStatus, image: ImageStatus): readonly TextLine[] {
  const { live, name, version } = image;
  const { environment } = state;
  if (live?.state === 'unknown') return [`unknown: what runs of ${name} in ${environment}: ${live.why}`];
  if (live?.state === 'right') return besideDrift(state, image);
  if (live?.state !== 'drift') return [];
  const { found } = live;
  if (found === undefined)
    return [
      advise`live: ${name} ${version} of ${environment} is not live: ${live.why}   fix: look at the deploy, then: ${{ act: 'see live', line: environment }}`,
    ];
  const [what, fix] = explained(state, image, { ...live, found });
  return [
    advise`live: ${environment} runs ${name} ${shortened(found)}, the record says ${version}: ${what}   fix: ${fix}`,
  ];
}

/** What runs is what was released, while something else is not. */
function besideDrift(
  { environment }: EnvironmentStatus,
  { name, version, branch, registry }: ImageStatus,
): readonly string[] {
  const wrong = [
    ...(branch.state === 'drift' ? ['the manifests'] : []),
    ...(registry.state === 'drift' || registry.state === 'unapplied' ? ['the tag'] : []),
  ];
  if (wrong.length === 0) return [];
  return [
    `live: ${environment} runs ${name} ${version} as recorded, though ${wrong.join(' and ')} differ${wrong.length === 1 ? 's' : ''}: the next deploy may change it`,
  ];
}

/** Where what runs comes from, and what mends it. */
function explained(
  { environment, branch, record }: EnvironmentStatus,
  { name, tag, registry, branch: manifests }: ImageStatus,
  {
    found,
    release,
    isMixed,
  }: { readonly found: string; readonly release: number | undefined; readonly isMixed: boolean },
): readonly [what: string, fix: Advice] {
  const isTagged = 'found' in registry && registry.found === found;
  const isPinned = manifests.state === 'drift' && manifests.found === found;
  if (isTagged)
    return [
      `that is what ${name}:${tag} names, so the deploy follows the tag`,
      advise`${{ act: 'apply', line: environment }}, then restart what runs`,
    ];
  if (isPinned)
    return [
      `that is what the manifests of ${branch} pin`,
      advise`${{ act: 'promote', line: environment }}, or ${{ act: 'rollback', line: environment }}`,
    ];
  if (isMixed || found.includes(','))
    return [
      'several versions run, so a rollout is under way or stuck',
      advise`wait: ${{ act: 'wait live', line: environment }}`,
    ];
  if (release !== undefined)
    return [
      `release ${release} had it, so release ${record?.sequence} has not arrived`,
      advise`look at what deploys ${branch}, then: ${{ act: 'see live', line: environment }}`,
    ];
  return [
    `no release of ${environment} had it, so it was deployed around tagflow`,
    advise`deploy ${branch} again, or release what runs: ${{ act: 'promote', line: environment, version: `${name}=VERSION` }}`,
  ];
}

/** What a deploy would change: what the branch says beside what runs. */
export function liveDifferenceView(state: EnvironmentStatus): View {
  const { environment, record, images } = state;
  return {
    data: {
      environment,
      release: record?.sequence ?? null,
      images: images.map((image) => ({
        image: image.name,
        version: image.version,
        digest: image.digest,
        branch: comparisonShape(image.branch),
        registry: comparisonShape(image.registry),
        live: liveShape(image.live),
      })),
    },
    parts: [
      tableOf(
        ['IMAGE', 'RELEASED', { name: 'DIGEST', drop: 1 }, 'LIVE'],
        images.map(({ name, version, digest, live }) => [name, version, digestCell(digest), liveMark(live)]),
      ),
      linesOf('', ...changes(state)),
    ],
  };
}

function changes(state: EnvironmentStatus): readonly TextLine[] {
  const lines = state.images.flatMap((image) => liveLines(state, image));
  if (lines.length > 0) return lines;
  const watched = state.images.filter(({ live }) => live && live.state !== 'unwatched');
  const { environment, record } = state;
  return [
    watched.length === 0
      ? `no source says what runs in ${environment}`
      : `${environment} runs release ${record?.sequence}, as released`,
  ];
}

/** Whether what runs is something else than what was released, or is not known. */
export function isLiveDifferent({ images }: EnvironmentStatus): boolean {
  return images.some(({ live }) => live?.state === 'drift' || live?.state === 'unknown');
}

/** A release that was waited for. */
export function liveReleaseView(found: LiveRelease): View {
  const { environment, record, images, waitedMs } = found;
  const after = waitedMs < 1000 ? '' : ` after ${duration(waitedMs)}`;
  const end: StyledText[] = found.isLive
    ? [styled('green', '✓ live'), `: release ${record.sequence} of ${environment} runs${after}`]
    : [styled('red', '✗ not live'), `: release ${record.sequence} of ${environment}${after}: ${waitingFor(images)}`];
  return { data: { ...liveReleaseShape(found) }, parts: [linesOf(end)] };
}

/** A release that was waited for, as data. */
export function liveReleaseShape({
  environment,
  record,
  commit,
  images,
  isLive,
  waitedMs,
}: LiveRelease): Readonly<Record<string, unknown>> {
  return {
    environment,
    release: record.sequence,
    commit,
    isLive,
    seconds: Math.round(waitedMs / 1000),
    images: images.map(({ name, version, digest, live }) => ({ image: name, version, digest, live: liveShape(live) })),
  };
}

/** The failure that a release is which did not become live, if it is one. */
export function liveFailures(found: LiveRelease): readonly Failure[] {
  if (found.isLive) return [];
  const { environment, record, images } = found;
  const text = {
    what: `release ${record.sequence} of ${environment} did not become live in time`,
    why: waitingFor(images),
    fix: advise`the release stands; look at its deploy, then: ${{ act: 'wait live', line: environment }}`,
    details: { live: liveReleaseShape(found) },
  };
  return [{ code: 'not-live', exit: EXIT.verification, text }];
}

function shortened(found: string): string {
  return found.replaceAll(/sha(?:256|512):[0-9a-f]+/g, (digest) =>
    shortDigest(digest as Parameters<typeof shortDigest>[0]),
  );
}
