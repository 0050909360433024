// What runs where, as a view.
import type { WaitingGates } from '../engine/release/waiting-gates.ts';
import type { Comparison, EnvironmentStatus, ImageStatus, RegistryComparison } from '../engine/status.ts';
import type { Standing } from '../engine/read/history.ts';
import { leftWords } from '../engine/read/past-lines.ts';
import { sentenceOf } from '../model/errors.ts';
import { shortDigest } from '../model/digest.ts';
import { shortId } from '../model/object-id.ts';
import type { Instant } from '../model/effects.ts';
import { liveLines, liveMark, liveShape } from './live.ts';
import {
  comparisonShape,
  holdShape,
  leftShape,
  problemShape,
  gateShape,
  recordShape,
  releaseShape,
  resultShape,
  time,
  timeOrNull,
} from './shapes.ts';
import { unreleasedLine, unreleasedShape } from './unreleased.ts';
import { type TextLine, type StyledText, type View, linesOf, styled, tableOf } from './view.ts';
import { actorOf, digestCell, duration, exactly, moment, versionsOf } from './words.ts';
import { advise } from '../model/advice.ts';

const COLUMNS = [
  'ENV',
  'IMAGE',
  'VERSION',
  { name: 'DIGEST', drop: 3 },
  { name: 'SINCE', drop: 2 },
  { name: 'BY', drop: 1 },
  'BRANCH',
  'REGISTRY',
];

/** Each environment with its images, and below the table what has to be done, waits or is on hold. `live`: what runs was asked. */
export function statusView(
  states: readonly EnvironmentStatus[],
  now: Instant,
  { live, gates }: { readonly live: boolean; readonly gates?: readonly WaitingGates[] | undefined } = { live: false },
): View {
  return {
    data: { environments: states.map(asData), ...(gates && { gates: gates.map(gatesShape) }) },
    parts: [
      tableOf(
        live ? [...COLUMNS, 'LIVE'] : COLUMNS,
        states.flatMap((state) => rows(state, now, live)),
      ),
      linesOf(...states.flatMap(remarks), ...unnamed(states), ...(gates ?? []).flatMap(gateLines)),
    ],
    records: tableOf([...STANDING, 'branch', 'registry', 'live', 'live_found'], states.flatMap(recordsOf)),
  };
}

/** Columns of `-o csv`: what runs, in every row. */
const STANDING = ['environment', 'release', 'image', 'version', 'digest', 'since', 'actor'];

/** A row for each image; of an environment without a release, or that cannot be read, one row that has its name. */
function recordsOf({ environment, record, since, images, problem }: EnvironmentStatus): readonly (readonly string[])[] {
  if (problem || !record || since === undefined)
    return [[environment, '', '', '', '', '', '', problem?.code ?? '', '', '', '']];
  return images.map(({ name, version, digest, branch, registry, live }) => [
    environment,
    String(record.sequence),
    name,
    version,
    digest,
    time(since),
    record.actor,
    branch.state,
    registry.state,
    live?.state ?? '',
    live?.state === 'drift' ? (live.found ?? '') : '',
  ]);
}

/** The gates that do not let a promotion through, a line for each. */
function gateLines({ environment, gates, refusals, problem }: WaitingGates): readonly TextLine[] {
  if (problem) return [`gates of ${environment}: cannot be asked: ${sentenceOf(problem)}`];
  if (refusals.length === 0)
    return gates.length === 0 ? [] : [`gates of ${environment}: all let the promotion through`];
  return refusals.map(({ gate, decision, until, text }) => [
    `gates of ${environment}: ${gate}: ${decision}${until === undefined ? '' : ` until ${exactly(until)}`}: `,
    [text.what, text.why].filter(Boolean).join(': '),
  ]);
}

function gatesShape({ environment, gates, refusals, problem }: WaitingGates): Readonly<Record<string, unknown>> {
  return {
    environment,
    gates: gates.map((one) => {
      const shape = gateShape(one);
      return { ...shape, why: shape.why ?? refusals.find(({ gate }) => gate === one.gate)?.text.why ?? null };
    }),
    problem: problem ? problemShape(problem) : null,
  };
}

/** What each environment ran at a moment. */
export function statusAtView(standings: readonly Standing[], at: Instant): View {
  return {
    data: {
      at: time(at),
      environments: standings.map(({ environment, release, left }) => ({
        environment,
        release: release ? releaseShape(release) : null,
        left: leftShape(left),
      })),
    },
    parts: [
      linesOf(styled('bold', `what ran at ${exactly(at)}`)),
      tableOf(
        ['ENV', '#', 'IMAGE', 'VERSION', { name: 'DIGEST', drop: 1 }, 'SINCE', { name: 'BY', drop: 2 }],
        standings.flatMap(standingRows),
      ),
      linesOf(...standings.flatMap(({ left }) => (left ? [leftWords(left)] : []))),
    ],
    records: tableOf(
      STANDING,
      standings.flatMap(({ environment, release }) =>
        release
          ? release.record.images.map(({ name, version, digest }) => [
              environment,
              String(release.record.sequence),
              name,
              version,
              digest,
              time(release.since),
              release.record.actor,
            ])
          : [[environment, '', '', '', '', '', '']],
      ),
    ),
  };
}

function standingRows({ environment, release }: Standing): readonly (readonly StyledText[])[] {
  if (!release) return [[environment, '–', '–', 'no release', '–', '–', '–']];
  const { record, since } = release;
  return record.images.map(({ name, version, digest }, index) => [
    index === 0 ? environment : '',
    index === 0 ? String(record.sequence) : '',
    name,
    version,
    digestCell(digest),
    index === 0 ? moment(since) : '',
    index === 0 ? actorOf(record) : '',
  ]);
}

/** Whether something differs from the records, or is unknown. */
export function isDrifting(states: readonly EnvironmentStatus[]): boolean {
  return states.some(
    ({ images, problem }) =>
      problem !== undefined ||
      images.some(
        ({ branch, registry, live }) =>
          branch.state !== 'right' ||
          registry.state !== 'right' ||
          live?.state === 'drift' ||
          live?.state === 'unknown',
      ),
  );
}

function rows(state: EnvironmentStatus, now: Instant, isLiveAsked: boolean): readonly (readonly StyledText[])[] {
  const { environment, record, images, problem, since } = state;
  const none = isLiveAsked ? ['–'] : [];
  if (problem) return [[environment, '–', '–', '–', '–', '–', styled('red', '✗ unreadable'), '–', ...none]];
  if (!record) return [[environment, '–', 'no release', '–', '–', '–', '–', '–', ...none]];
  return images.map(({ name, version, digest, branch, registry, live }, index) => [
    index === 0 ? environment : '',
    name,
    version,
    digestCell(digest),
    index === 0 && since !== undefined ? duration(now - since) : '',
    index === 0 ? actorOf(record) : '',
    mark(branch),
    mark(registry),
    ...(isLiveAsked ? [liveMark(live)] : []),
  ]);
}

function mark(check: Comparison | RegistryComparison): StyledText {
  if (check.state === 'right') return styled('green', '✓ in sync');
  if (check.state === 'unknown') return styled('yellow', '? unknown');
  if (check.state === 'untagged') return '–';
  if (check.state === 'unapplied') return styled('red', '✗ unapplied');
  return styled('red', check.found === undefined ? '✗ absent' : '✗ drift');
}

/** What a person should know or do about an environment, below the table. */
export function remarks(state: EnvironmentStatus): readonly TextLine[] {
  const { environment, problem, asked } = state;
  if (problem) {
    const text = advise`: ${problem.message}: ${problem.why ?? ''}   fix: ${problem.advice ?? ''}`;
    return [[styled('red', environment), text]];
  }
  const requests = asked.map(
    ({ branch, record }) =>
      `asked for: release ${record.sequence} of ${environment} (${versionsOf(record.images)}) waits on ${branch} to be merged, by ${actorOf(record)}`,
  );
  return [
    ...state.images.flatMap((image) => [...differences(state, image), ...liveLines(state, image)]),
    ...requests,
    ...state.strays.map(
      ({ image, path, line, text }) =>
        `stray: ${path}:${line} of ${environment} names ${image} as ${text}, which no release changes   fix: name the field under pins: in tagflow.yaml`,
    ),
    ...waiting(state),
    ...notUpstreamLines(state),
    ...unreleasedLines(state),
    ...holds(state),
    ...verificationLines(state),
    ...journalLines(state),
  ];
}

/** Images that no manifest of the environments names: nobody runs them, or a field that does is not found. */
function unnamed(states: readonly EnvironmentStatus[]): readonly string[] {
  const read = states.filter(({ problem, record }) => problem === undefined && record !== undefined);
  // Lines of one application have the same images.
  const groups = Map.groupBy(read, ({ environment }) => environment.split('/')[1]);
  return [...groups.values()].flatMap((lines) => {
    const [first, ...others] = lines;
    const images = first?.unnamed.filter((image) => others.every((state) => state.unnamed.includes(image))) ?? [];
    return images.map(
      (image) =>
        `unnamed: no manifest of ${lines.map(({ environment }) => environment).join(', ')} names ${image}   fix: name its field under pins:, or take ${image} out of tagflow.yaml`,
    );
  });
}

function differences({ environment, branch, record }: EnvironmentStatus, image: ImageStatus): readonly TextLine[] {
  const { name, tag, digest, registry } = image;
  const lines: TextLine[] = [];
  if (registry.state === 'drift') {
    const found = registry.found === undefined ? 'absent' : short(registry.found);
    lines.push(
      advise`drift: ${name}:${tag} is ${found} in the registry, the branch says ${shortDigest(digest)}   fix: ${{ act: 'apply', line: environment }}`,
    );
  }
  if (registry.state === 'unapplied') {
    const found = registry.found === undefined ? 'absent' : short(registry.found);
    lines.push(
      advise`unapplied: release ${record?.sequence} of ${environment} is committed, and ${name}:${tag} is still ${found}, not ${shortDigest(digest)}   fix: ${{ act: 'apply', line: environment }}`,
    );
  }
  if (image.branch.state === 'drift') {
    const { found: says, place } = image.branch;
    const found = says === undefined ? 'nothing' : `${short(says)}${place === undefined ? '' : ` (${place})`}`;
    lines.push(
      advise`drift: the manifests of ${branch} pin ${name} to ${found}, the record says ${shortDigest(digest)}   fix: ${{ act: 'promote', line: environment }}, or ${{ act: 'rollback', line: environment }}`,
    );
  }
  for (const check of [image.branch, registry]) {
    if (check.state === 'unknown') lines.push(`unknown: ${name} in ${environment}: ${check.error.message}`);
  }
  return lines;
}

function waiting({ environment, from, waiting: all }: EnvironmentStatus): readonly TextLine[] {
  const news = all
    .filter((one) => !one.held)
    .map(({ image, here, upstream }) => `${image} ${here ?? 'none'} → ${upstream}`);
  if (news.length === 0) return [];
  const back = all.filter(({ older, held: isHeld }) => older && !isHeld);
  if (back.length > 0) {
    const names = back.map(({ image }) => image).join(', ');
    return [
      advise`refused: ${environment} would go back with ${names}: ${from} has ${news.join(', ')}   to go back anyway: ${{ act: 'promote', line: environment, despite: 'downgrade' }}`,
    ];
  }
  return [
    advise`waits: ${environment} could take ${news.join(', ')} from ${from}   ${{ act: 'promote', line: environment }}`,
  ];
}

function notUpstreamLines({
  environment,
  from,
  notUpstream: { commits, images },
}: EnvironmentStatus): readonly string[] {
  const news = [
    ...images.map(({ name, version }) => `${name} ${version}`),
    ...commits.slice(0, 5).map(({ id, subject }) => `${shortId(id)} ${subject}`),
    ...(commits.length > 5 ? [`${commits.length - 5} more commits`] : []),
  ];
  return news.length === 0
    ? []
    : [
        `not upstream yet: ${environment} has ${news.join(', ')}, and ${from} does not   fix: land it on the trunk, then promote`,
      ];
}

/** How many commits made by hand are shown. */
const FEW = 5;

function unreleasedLines({ environment, unreleased }: EnvironmentStatus): readonly TextLine[] {
  const more = unreleased.length - FEW;
  return [
    ...unreleased.slice(0, FEW).map(unreleasedLine),
    ...(more > 0
      ? [advise`unreleased: ${more} more on ${environment}   ${{ act: 'history', line: environment }}`]
      : []),
  ];
}

function holds({ environment, held }: EnvironmentStatus): readonly string[] {
  return held.map(({ release, images, reason }) => {
    const what = images.length > 0 ? versionsOf(images) : `the configuration of release ${release}`;
    return `held: ${environment} holds ${what}${reason === undefined ? '' : `: ${reason}`}`;
  });
}

function verificationLines({ environment, record, verification }: EnvironmentStatus): readonly TextLine[] {
  if (!verification || verification.result === 'passed') return [];
  const { result, steps } = verification;
  const step = steps.find((one) => one.result === result);
  const seen = step ? `: ${step.name}: ${step.seen}` : '';
  return [
    advise`${result}: the verification of release ${record?.sequence} of ${environment}${seen}   ${{ act: 'verify', line: environment }}`,
  ];
}

function journalLines({ environment, locks, journalHolds, journalProblem }: EnvironmentStatus): readonly TextLine[] {
  return [
    ...locks.map(({ by, until, reason, rollbacks }) => {
      const end = until === undefined ? '' : ` until ${new Date(until).toISOString()}`;
      const what = rollbacks ? ', rollbacks as well' : '';
      return advise`locked: ${environment} by ${by}${end}${what}${reason === undefined ? '' : `: ${reason}`}   ${{ act: 'unlock', line: environment }}`;
    }),
    ...journalHolds.map(({ id, name, version, digest, by, reason }) => {
      const image = [name, version ?? digest].filter((part) => part !== undefined).join(' ');
      return advise`held: ${environment} holds ${image}, by ${by}${reason === undefined ? '' : `: ${reason}`}   ${{ act: 'lift', entry: id }}`;
    }),
    ...(journalProblem
      ? [advise`unknown: ${journalProblem.message}: ${journalProblem.why}   fix: ${journalProblem.advice}`]
      : []),
  ];
}

function short(digest: string): string {
  if (!/^sha(?:256|512):/.test(digest)) return digest;
  return digest.slice(digest.indexOf(':') + 1).slice(0, 12);
}

function journalHoldShape(hold: EnvironmentStatus['journalHolds'][number]): Readonly<Record<string, unknown>> {
  const { name = null, version = null, reason = null, ...one } = hold;
  return { ...one, name, version, reason };
}

function asData({
  problem,
  since,
  images,
  record,
  asked,
  held,
  locks,
  journalHolds,
  journalProblem,
  verification,
  notUpstream,
  unreleased,
  ...state
}: EnvironmentStatus): Readonly<Record<string, unknown>> {
  return {
    ...state,
    record: record ? recordShape(record) : null,
    since: timeOrNull(since),
    images: images.map((image) => ({
      ...image,
      branch: comparisonShape(image.branch),
      registry: comparisonShape(image.registry),
      live: liveShape(image.live),
    })),
    asked: asked.map(({ branch, record: next }) => ({ branch, record: recordShape(next) })),
    held: held.map(holdShape),
    notUpstream: {
      commits: notUpstream.commits.map(({ time: at, ...commit }) => ({ ...commit, time: time(at) })),
      images: notUpstream.images,
    },
    unreleased: unreleased.map(unreleasedShape),
    locks: locks.map(({ reason = null, until, ...one }) => ({ ...one, reason, until: timeOrNull(until) })),
    journalHolds: journalHolds.map(journalHoldShape),
    verification: resultShape(verification),
    journalProblem: problemShape(journalProblem),
    problem: problemShape(problem),
  };
}
