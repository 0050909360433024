// Rules over what operations said: of the release they made, of the tags they put, of having changed nothing.
import {
  type CommitFacts,
  type EnvironmentHistory,
  type History,
  type Operation,
  type RecordFacts,
  type Rule,
  type Violation,
  recordOf,
  releaseOf,
  short,
} from './history.ts';
import { type TagTimeline, timelineOf } from './timeline.ts';

/** Exit codes that promise that nothing of the run is in effect on the branch; docs/reference/exit-codes.md. */
const NOTHING_LANDED = new Set([2, 3, 4, 5, 6]);

/** Errors of exit code 7 that leave open whether the release landed. */
const OPEN = new Set(['push-outcome-unknown']);

/** What is wrong with what operations said. */
export function checkOperations(history: History): readonly Violation[] {
  const timeline = history.everyWrite === true ? timelineOf(history) : undefined;
  const anyRewound = history.environments.some(({ rewinds }) => rewinds.length > 0);
  const environments = new Map(
    history.environments.map((environment) => [environment.name, { ...indexOf(environment), anyRewound }]),
  );
  return history.operations.flatMap((operation) => {
    const place = environments.get(operation.environment);
    const findings = [
      ...ending(operation),
      ...(place ? [...landing(operation, place), ...truth(operation, place)] : []),
      ...(timeline && place ? tagTruth(operation, timeline, history.staleness ?? 0) : []),
    ];
    return findings.map(([rule, text]) => ({ rule, subject: operation.actor, text }));
  });
}

type Finding = readonly [Rule, string];

interface Place {
  readonly environment: EnvironmentHistory;
  /** Some branch went back, or a merge hides releases of it: one that takes from it says so. */
  readonly anyRewound: boolean;
  /** Every commit that was ever on the branch, as far as is known. */
  readonly commits: ReadonlyMap<string, CommitFacts>;
  /** The releases above the base, by who made them. */
  readonly made: ReadonlyMap<string, readonly CommitFacts[]>;
}

function indexOf(environment: EnvironmentHistory): Omit<Place, 'anyRewound'> {
  const { line, rewinds } = environment;
  const commits = new Map([...rewinds.flatMap(({ dropped }) => dropped), ...line].map((facts) => [facts.id, facts]));
  const made = new Map<string, CommitFacts[]>();
  const merges = new Set(rewinds.flatMap(({ merge }) => merge ?? []));
  for (const facts of commits.values()) {
    const release = merges.has(facts.id) ? undefined : releaseOf(facts);
    if (release) made.set(release.actor, [...(made.get(release.actor) ?? []), facts]);
  }
  return { environment, commits, made };
}

function* ending({ killed, ended, exit, error, outcome }: Operation): Generator<Finding> {
  if (ended === undefined) {
    if (killed !== true) yield ['never-ended', 'it neither ended nor was killed'];
    return;
  }
  if (exit === undefined || exit === 1 || error === 'internal') {
    yield ['defect', `it ended with ${error ?? `exit code ${exit}`}`];
  }
  if (exit === 0 && (error !== undefined || outcome === undefined || outcome === 'refused')) {
    yield ['exit-untrue', `exit 0, and it ended as ${error ?? outcome ?? 'nothing'}`];
  }
}

/** How many releases it made, against how many it may have made. */
function* landing(operation: Operation, { made, environment }: Place): Generator<Finding> {
  const { actor, kind, exit, error, outcome } = operation;
  // A request that came late to a branch that was rewound meanwhile is nobody's lie.
  const back = new Set(environment.rewinds.map(({ to }) => to));
  const landed = (made.get(actor) ?? []).filter(({ parents }) => !back.has(parents[0] ?? ''));
  const shown = landed.map(({ id }) => short(id)).join(', ');
  if (landed.length > 1) yield ['landed-twice', `it made ${shown}`];
  if (landed.length === 0) return;
  const none =
    kind === 'apply' ||
    outcome === 'unchanged' ||
    outcome === 'refused' ||
    outcome === 'planned' ||
    (exit !== undefined && NOTHING_LANDED.has(exit)) ||
    (exit === 7 && !OPEN.has(error ?? ''));
  if (none) yield ['landed-unacknowledged', `it ended as ${error ?? outcome ?? `exit ${exit}`}, and made ${shown}`];
}

/** What it says of a release, against the branch. */
function* truth(operation: Operation, { commits, made, environment, anyRewound }: Place): Generator<Finding> {
  const { actor, exit, outcome, commit, sequence, error } = operation;
  const committed = outcome === 'released' || error === 'tags-incomplete';
  if (error === 'branch-rewound' && !anyRewound) {
    yield ['wrong-verdict', `it said ${environment.name} was rewound, and nobody did that`];
  }
  if (error === 'plan-invalid') yield ['wrong-verdict', 'it said that its plan was edited'];
  if (committed && (exit === 0 || exit === 8)) {
    const facts = commits.get(commit ?? '');
    if (!facts) {
      yield ['acknowledged-lost', `it said that ${short(commit)} was committed (exit ${exit})`];
      return;
    }
    if (!made.get(actor)?.includes(facts)) yield ['exit-untrue', `${short(commit)} is not its own release`];
  }
  if (exit !== 0 && exit !== 8) return;
  const failed = operation.tags?.filter(({ status }) => status === 'failed') ?? [];
  if (exit === 0 && failed.length > 0) yield ['exit-untrue', `exit 0 with ${failed.length} tags unverified`];
  if (exit === 8 && failed.length === 0 && error === undefined) yield ['exit-untrue', 'exit 8, and no tag failed'];
  const facts = commit === undefined ? undefined : commits.get(commit);
  if (commit !== undefined && !facts) {
    yield ['exit-untrue', `it speaks of ${short(commit)}, which was never on ${environment.name}`];
  }
  const record = recordOf(facts);
  if (!record) return;
  if (sequence !== undefined && record.sequence !== sequence) {
    yield ['exit-untrue', `it said release ${sequence}; ${short(commit)} is release ${record.sequence}`];
  }
  yield* asked(operation, record);
  if (exit === 0 && operation.tags) yield* complete(operation, environment, commits);
}

/** A release that was asked for by version has that version. */
function* asked({ kind, versions = {} }: Operation, record: RecordFacts): Generator<Finding> {
  if (kind !== 'promote') return;
  for (const { name, version } of record.images) {
    const wanted = versions[name] ?? versions['*'];
    if (wanted !== undefined && wanted !== version) {
      yield ['exit-untrue', `${name} ${wanted} was asked for; release ${record.sequence} has ${version}`];
    }
  }
}

/** The tags it verified are all those of one release of the environment. */
function* complete(
  { tags = [] }: Operation,
  { tag }: EnvironmentHistory,
  commits: Place['commits'],
): Generator<Finding> {
  const reported = new Set(tags.map((each) => `${each.repository}:${each.tag}@${each.digest}`));
  const whole = [...commits.values()].some((facts) => {
    const record = recordOf(facts);
    return (
      record !== undefined &&
      tags.length === 2 * record.images.length &&
      record.images.every(({ repository, digest }) =>
        [tag, `${tag}-${record.sequence}`].every((name) => reported.has(`${repository}:${name}@${digest}`)),
      )
    );
  });
  if (!whole && tags.length > 0) {
    yield ['exit-untrue', `the tags it verified are of no release: ${[...reported].join(', ')}`];
  }
}

/** What it verified was so at some moment while it ran. */
function* tagTruth(operation: Operation, timeline: TagTimeline, staleness: number): Generator<Finding> {
  const { exit, started, ended, tags = [] } = operation;
  if (ended === undefined || (exit !== 0 && exit !== 8)) return;
  for (const { repository, tag, digest, status } of tags) {
    if (status === 'failed' || timeline.named(repository, tag, started - staleness, ended).has(digest)) continue;
    yield ['exit-untrue', `${repository}:${tag} never named ${short(digest)} while it ran, and it said so`];
  }
}
