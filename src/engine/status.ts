// Status: what each environment has, side by side: its branch's record, its manifests, and the registry's tags.
import type { Digest } from '../model/digest.ts';
import type { Instant } from '../model/effects.ts';
import { attempt } from '../model/attempt.ts';
import type { TagflowError } from '../model/errors.ts';
import type { BranchName, ObjectId } from '../model/object-id.ts';
import { type Environment, USUAL_ENVIRONMENTS, taggedIn } from '../model/pipeline.ts';
import { type Tag, parseRepository } from '../model/reference.ts';
import { isMergeable, readProposalBranch } from '../model/proposal.ts';
import type { Hold, ReleaseImage, ReleaseRecord } from '../model/release.ts';
import type { JournalHold, Lock } from '../gates/gates.ts';
import { holdsOn, locksOn } from './release/journal-evidence.ts';
import { isUnapplied } from './release/checks.ts';
import { type NotUpstream, notUpstream } from './release/not-upstream.ts';
import { configured, type AuditPorts, type PlanningPorts, type RecordReading, type RegistryFinder } from './context.ts';
import type { Stray } from '../manifests/manifests.ts';
import { type Pinned, readPinned, readSaid, spokenPin, wrongPin } from './tree/pins.ts';
import { presentLines } from './read/named-lines.ts';
import { lineThen, rulesAt } from './read/past-rules.ts';
import { readable } from './read/problem.ts';
import { readRecord } from './read/records.ts';
import { type EnvironmentState, type Snapshot, readSnapshot } from './read/snapshot.ts';
import { type LiveCheck, readSightings } from './verification/live.ts';
import { readLiveLine } from './verification/wait-live.ts';
import { type UnreleasedCommit, unreleasedCommits } from './read/unreleased.ts';
import { type Waiting, waitingAt } from './release/waiting-images.ts';
import { type ReleaseVerification, resultsOf } from './read/verifications.ts';

/** What the registry or the branch says about an image, against the record. */
export type Comparison =
  | { readonly state: 'right' }
  | {
      readonly state: 'drift';
      /** The current value; undefined if there is none. */
      readonly found: string | undefined;
      /** File and line, for what manifests say. */
      readonly place?: string;
    }
  | { readonly state: 'unknown'; readonly error: TagflowError };

/**
 * What the registry says about an image. `unapplied`: the release is committed and was not applied to the end: its own tag
 * is not there, or the target tag names the image of the release before. `drift`: the target tag is wrong otherwise.
 */
export type RegistryComparison =
  | Comparison
  /** `tags: false`: no tag is put on it. */
  | { readonly state: 'untagged' }
  | { readonly state: 'unapplied'; readonly found: Digest | undefined };

/** One image of an environment. */
export interface ImageStatus extends ReleaseImage {
  readonly tag: Tag;
  /** Whether the manifests at the branch's head pin this digest. */
  readonly branch: Comparison;
  /** Whether the target tag names this digest. */
  readonly registry: RegistryComparison;
  /** What runs; absent where nobody asked. */
  readonly live?: LiveCheck;
}

/** A release that waits on its own branch to be merged, if releases go through pull requests. */
export interface Asked {
  readonly branch: BranchName;
  readonly record: ReleaseRecord;
}

/** One environment. */
export interface EnvironmentStatus {
  readonly environment: string;
  readonly branch: string;
  readonly from: string;
  readonly head: ObjectId | undefined;
  readonly record: ReleaseRecord | undefined;
  readonly since: Instant | undefined;
  readonly images: readonly ImageStatus[];
  readonly waiting: readonly Waiting[];
  /** Releases that can be merged as they are. Whether their pull requests are open is known to the forge alone. */
  readonly asked: readonly Asked[];
  readonly held: readonly Hold[];
  /** What fixes brought here first, and upstream lacks. */
  readonly notUpstream: NotUpstream;
  /** Commits made by hand above the release that change its files, newest first. */
  readonly unreleased: readonly UnreleasedCommit[];
  /** Images of the configuration that no manifest of the environment names. */
  readonly unnamed: readonly string[];
  /** Places that name an image and that no release changes. */
  readonly strays: readonly Stray[];
  /** What the journal says: locks, and images that people put on hold. */
  readonly locks: readonly Lock[];
  readonly journalHolds: readonly JournalHold[];
  /** What a verification said of the release; undefined: nothing. */
  readonly verification: ReleaseVerification | undefined;
  /** Why the journal cannot be trusted; promotions are refused then. */
  readonly journalProblem: TagflowError | undefined;
  /** Why the environment's release is unknown. */
  readonly problem: TagflowError | undefined;
}

/** The state of the lines that words name, or of all in flow order. Reports drift, never repairs it. */
export async function status(context: AuditPorts, ...words: readonly string[]): Promise<readonly EnvironmentStatus[]> {
  return statusOf(context, words, false);
}

/** As `status`, and what runs: the sources under `live` are asked. */
export async function liveStatus(
  context: AuditPorts,
  ...words: readonly string[]
): Promise<readonly EnvironmentStatus[]> {
  return statusOf(context, words, true);
}

/** One line and what runs there. Throws `usage` if there is no live source, `release-not-found`, and what reading throws. */
export async function liveDifference(given: AuditPorts, line: string): Promise<EnvironmentStatus> {
  const { snapshot, state } = await readLiveLine(given, line);
  return environmentStatus(configured(given, snapshot), snapshot, state.environment, true);
}

async function statusOf(
  context: AuditPorts,
  words: readonly string[],
  isLiveAsked: boolean,
): Promise<readonly EnvironmentStatus[]> {
  const snapshot = await readSnapshot(context, words.length === 0 ? USUAL_ENVIRONMENTS : words);
  return statesIn(context, snapshot, await presentLines(context, snapshot, words), isLiveAsked);
}

/** The state of lines as one reading of the remote has them. */
export async function statesIn(
  given: AuditPorts,
  snapshot: Snapshot,
  lines: readonly Environment[],
  isLiveAsked = false,
): Promise<readonly EnvironmentStatus[]> {
  const context = configured(given, snapshot);
  const heads = lines.flatMap(({ branch }) => snapshot.branches.get(branch) ?? []);
  await context.ledger.fetch([...new Set(heads)]);
  return Promise.all(lines.map((environment) => environmentStatus(context, snapshot, environment, isLiveAsked)));
}

async function environmentStatus(
  context: PlanningPorts,
  snapshot: Snapshot,
  environment: Environment,
  isLiveAsked: boolean,
): Promise<EnvironmentStatus> {
  const head = snapshot.branches.get(environment.branch);
  // Side by side: content of both comes in one request.
  const [{ value: state, problem }, manifests] = await Promise.all([
    readable(snapshot.release(environment)),
    head && readSaid(context, { pipeline: snapshot.pipeline, environment }, head),
  ]);
  const record = state?.record;
  const said = state && manifests;
  const read = said instanceof Error ? undefined : said;
  return {
    environment: environment.name,
    branch: environment.branch,
    from: environment.from ?? snapshot.trunk.branch,
    head: state?.head ?? head,
    record,
    since: record && Date.parse(record.time),
    images: state && record ? await imagesOf(context, snapshot, state, { said, isLiveAsked }) : [],
    waiting: await waitingAt(context, snapshot, environment, { state, named: new Set(read?.pins.keys()) }),
    asked: await askedFor(context, snapshot, environment, record),
    held: record?.held ?? [],
    notUpstream: state ? await notUpstream(context, snapshot, state) : { commits: [], images: [] },
    unreleased: state ? await unreleasedCommits(context, snapshot, state) : [],
    unnamed: read ? [...environment.images.keys()].filter((image) => !read.pins.has(image)) : [],
    strays: read?.strays ?? [],
    ...(await journalStatus(context, snapshot, state)),
    verification: state?.commit && (await resultsOf(context, snapshot, environment)).get(state.commit),
    problem,
  };
}

/** The images of a line's release, against what its manifests say, its tags name, and runs. */
async function imagesOf(
  context: PlanningPorts,
  snapshot: Snapshot,
  state: EnvironmentState,
  {
    said,
    isLiveAsked,
  }: { readonly said: Awaited<ReturnType<typeof readSaid>> | undefined; readonly isLiveAsked: boolean },
): Promise<readonly ImageStatus[]> {
  const { environment, record, commit } = state;
  if (!record || !commit) return [];
  const pins = said instanceof Error ? said : (said?.pins ?? new Map<string, never>());
  const [images, live] = await Promise.all([
    imageStatuses(context.registries, record, { environment, pinned: pins }, await pinnedThen(context, state, record)),
    isLiveAsked ? readSightings(context, snapshot, { ...state, record, commit }) : [],
  ]);
  return images.map((image) => {
    const found = live.find(({ name }) => name === image.name);
    return found ? { ...image, live: found.live } : image;
  });
}

/** What the journal says about an environment. */
async function journalStatus(
  context: RecordReading,
  snapshot: Snapshot,
  state: EnvironmentState | undefined,
): Promise<Pick<EnvironmentStatus, 'locks' | 'journalHolds' | 'journalProblem'>> {
  const none = { locks: [], journalHolds: [], journalProblem: undefined };
  if (!state) return none;
  const { value, problem } = await attempt(async () => {
    const locks = await locksOn(context, snapshot, state);
    return { locks, journalHolds: await holdsOn(context, snapshot, state), journalProblem: undefined };
  }, 'journal-invalid');
  return value ?? { ...none, journalProblem: problem };
}

/** What manifests say, as a configuration names their images. */
interface PinnedBy {
  readonly environment: Environment;
  readonly pinned: Pinned;
}

/** What the manifests say of images that today's configuration does not have, by the one that the release was planned with. */
async function pinnedThen(
  context: Pick<RecordReading, 'ledger'>,
  { environment, head }: EnvironmentState,
  { images, config }: ReleaseRecord,
): Promise<PinnedBy | undefined> {
  if (images.every(({ name }) => environment.images.has(name)) || !('commit' in config)) return undefined;
  const pipeline = (await rulesAt(context, [config.commit])).pipelines.get(config.commit);
  const line = pipeline && lineThen(pipeline, environment);
  return line && { environment: line, pinned: await readPinned(context, { pipeline, environment: line }, head) };
}

async function imageStatuses(
  context: RegistryFinder,
  record: ReleaseRecord,
  today: PinnedBy,
  then: PinnedBy | undefined,
): Promise<readonly ImageStatus[]> {
  const { environment } = today;
  return Promise.all(
    record.images.map(async (image) => {
      const by = environment.images.has(image.name) ? today : (then ?? today);
      return {
        ...image,
        tag: environment.tag,
        branch: branchCheck(by.pinned, image, by.environment, record.action),
        registry: await registryCheck(context, environment, image, record.sequence),
      };
    }),
  );
}

/** Whether manifests say of an image what a record says. */
export function branchCheck(
  pinned: Pinned,
  image: ReleaseImage,
  environment: Environment,
  action?: ReleaseRecord['action'],
): Comparison {
  if (pinned instanceof Error) return { state: 'unknown', error: pinned };
  const found = pinned.get(image.name) ?? [];
  const wrong = wrongPin(found, image, environment, action);
  if (wrong) return { state: 'drift', found: spokenPin(wrong, image), place: `${wrong.path}:${wrong.line}` };
  // An import may say what a shared base pins: the first promotion pins it here.
  return found.length > 0 || action === 'import' ? { state: 'right' } : { state: 'drift', found: undefined };
}

async function registryCheck(
  context: RegistryFinder,
  environment: Environment,
  image: ReleaseImage,
  sequence: number,
): Promise<RegistryComparison> {
  if (taggedIn(environment, [image]).length === 0) return { state: 'untagged' };
  const { repository: name, digest } = image;
  const { value, problem } = await attempt(async (): Promise<RegistryComparison> => {
    const repository = parseRepository(name);
    const registry = context.registryOf(repository);
    const found: Digest | undefined = await registry.peek(repository, environment.tag);
    if (found === digest) return { state: 'right' };
    const unapplied = await isUnapplied(context, repository, environment, { sequence, digest, found });
    return { state: unapplied ? 'unapplied' : 'drift', found };
  });
  return problem ? { state: 'unknown', error: problem } : value;
}

async function askedFor(
  context: Pick<RecordReading, 'ledger'>,
  { branches }: Snapshot,
  environment: Environment,
  current: ReleaseRecord | undefined,
): Promise<readonly Asked[]> {
  if (!environment.pullRequest) return [];
  const own = [...branches].filter(([branch]) => readProposalBranch(branch)?.line === environment.name);
  await context.ledger.fetch([...new Set(own.map(([, head]) => head))]);
  const found = await Promise.all(
    own.map(async ([branch, head]) => {
      const { value: record } = await readable(readRecord(context, environment, head));
      const [onto] = (await context.ledger.commit(head)).parents;
      const now = { head: branches.get(environment.branch), next: (current?.sequence ?? 0) + 1 };
      return record && isMergeable(environment, { onto, sequence: record.sequence }, now) ? [{ branch, record }] : [];
    }),
  );
  return found.flat();
}
