// Putting tags: makes the tags of one line equal to the release on its branch. Tags are derived state; the branch is the truth.
import pLimit from 'p-limit';
import { type Attempt, attempt } from '../../model/attempt.ts';
import { advise } from '../../model/advice.ts';
import { TagflowError, sentenceOf } from '../../model/errors.ts';
import { type Digest, shortDigest } from '../../model/digest.ts';
import { type ObjectId, shortId } from '../../model/object-id.ts';
import { type Environment, taggedIn } from '../../model/pipeline.ts';
import { type Tag, parseRepository } from '../../model/reference.ts';
import { type ReleaseImage, type ReleaseRecord, releaseTag } from '../../model/release.ts';
import { isNewest } from './checks.ts';
import type { Context, RecordReading, TagPorts } from '../context.ts';
import { isBehind, isOld } from './late-tags.ts';
import { steady, steadyHead } from '../read/replica-lag.ts';
import { remedyAfter, remedyOf } from './incomplete.ts';
import type { TagStatus } from './outcome.ts';
import { removeFallenOut } from './retain.ts';
import { readRelease } from '../read/current.ts';

/** How often a branch may move on under `apply` before it gives up: each time means that somebody else promoted. */
const MAX_ROUNDS = 20;

/** Lines whose tags are put together. */
const AT_ONCE = 8;

/** Whether every tag was put and verified. */
export function isComplete(tags: readonly TagStatus[]): boolean {
  return tags.every(({ status }) => status !== 'failed');
}

/** The tags of a release that were put, and its branch read again behind them. */
export interface Settled {
  readonly tags: readonly TagStatus[];
  /** The newer release that the branch had by then, where its tags came late: it has to be deployed again. */
  readonly overtaken?: ReleaseRecord;
}

/** A release that has just been committed. */
export interface JustCommitted {
  readonly environment: Environment;
  readonly commit: ObjectId;
  readonly record: ReleaseRecord;
  /** The release before, which ran until then. */
  readonly replaced: ReleaseRecord | undefined;
}

/**
 * `applyHead` for a release that has just been committed over `replaced`: that much is done, so whatever keeps its tags
 * from being put or verified is reported as `tags-incomplete`, never as a release that failed.
 */
export async function applyCommitted(
  context: TagPorts,
  { environment, commit, record, replaced }: JustCommitted,
): Promise<Settled> {
  const { value, problem: cause } = await attempt(async () => {
    const settled = await applyHead(context, environment, { head: commit, record }, replaced);
    if (isComplete(settled.tags)) await removeFallenOut(context, environment, commit, record);
    return settled;
  });
  if (!cause) return value;
  throw new TagflowError('tags-incomplete', {
    what: `release ${record.sequence} of ${environment.name} is committed (${shortId(commit)}), its tags are not all verified`,
    why: sentenceOf(cause),
    ...remedyAfter(cause, environment.name),
    details: { environment: environment.name, commit, release: record.sequence },
    cause,
  });
}

/**
 * `applyCommitted` for releases of several lines that one commit made: their tags are put side by side, and the head is read
 * once after all of them. Only where it moved on is each line's release read again. In the order given.
 */
export async function applyAllCommitted(
  context: TagPorts,
  made: readonly JustCommitted[],
): Promise<readonly Settled[]> {
  const [first] = made;
  if (!first) return [];
  const limit = pLimit(AT_ONCE);
  const tags = await allEnded(
    made.map(async ({ environment, record, replaced }) =>
      limit(async () =>
        putTags(context, environment, record, (image) => replaced !== undefined && changes(replaced, image)),
      ),
    ),
  );
  // A server that does not answer here fails no release: each line asks again, and says that it is committed.
  const { value: now } = await attempt(context.ledger.head(first.environment.branch));
  if (now === first.commit) return tags.map((each) => ({ tags: each }));
  return allEnded(made.map(async (one) => limit(async () => applyCommitted(context, one))));
}

/**
 * `applyHead` for a release that was there before: not when the registry knows a newer one and the branch does not, since
 * the target tags would follow a branch that was rewound. Throws `branch-rewound`.
 */
export async function applyNewest(
  context: TagPorts,
  environment: Environment,
  head: ObjectId,
  record: ReleaseRecord,
): Promise<Settled> {
  let current: Current | undefined = { head, record };
  for (let round = 0; current && round < MAX_ROUNDS; round += 1) {
    if (await isNewest(context, { environment, head: current.head }, current.record))
      return applyHead(context, environment, current);
    current = await readCurrent(context, environment);
  }
  if (!current) throw wentBack(environment, record, undefined);
  throw notSettled(environment);
}

/** A head and the release that it has. */
export interface Current {
  readonly head: ObjectId;
  readonly record: ReleaseRecord;
}

/** The release of a line that stands. */
export interface StandingRelease extends Current {
  readonly environment: Environment;
}

/**
 * `applyNewest` for several lines: their tags are put side by side, and the heads are read again after all of them. What is wrong
 * with one line is its own answer. In the order given.
 */
export async function applyAllNewest(
  context: TagPorts,
  standing: readonly StandingRelease[],
): Promise<readonly Attempt<Settled>[]> {
  const limit = pLimit(AT_ONCE);
  const put = await allEnded(
    standing.map(async ({ environment, head, record }) =>
      limit(async () =>
        attempt(async () =>
          (await isNewest(context, { environment, head }, record))
            ? { tags: await putTags(context, environment, record, () => false), isSettled: false }
            : { ...(await applyNewest(context, environment, head, record)), isSettled: true },
        ),
      ),
    ),
  );
  // Together, so that one listing of the heads answers all.
  return allEnded(
    standing.map(async (one, index): Promise<Attempt<Settled>> => {
      const { value, problem } = put[index] ?? fail();
      if (problem) return { problem };
      return value.isSettled ? { value } : attempt(settleTags(context, one.environment, one, value.tags));
    }),
  );
}

function fail(): never {
  throw new TypeError('a line has no answer');
}

/**
 * Puts the per-release tags and the target tags of a head's release, reads them back, and then the head again: when it
 * moved on meanwhile, the newer release's tags are put as well. The statuses are of the release that was newest last.
 * `replaced`: the release before, when this one has just been committed over it.
 */
export async function applyHead(
  context: TagPorts,
  environment: Environment,
  current: Current,
  replaced?: ReleaseRecord,
): Promise<Settled> {
  // A tag that reads as right may be a stale read of an image that this very release changed: back on an older digest, a
  // lagging replica shows what the tag once was. Write it.
  const rewrite = (image: ReleaseImage): boolean => replaced !== undefined && changes(replaced, image);
  return settleTags(context, environment, current, await putTags(context, environment, current.record, rewrite));
}

/** Reads the head again after tags were put: when it moved on meanwhile, the newer release's tags are put as well. */
export async function settleTags(
  context: TagPorts,
  environment: Environment,
  first: Current,
  put: readonly TagStatus[],
): Promise<Settled> {
  let [current, tags, wasBehind] = [first, put, false];
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const newer = await newerThan(context, environment, current);
    if (!newer) {
      const isLate = wasBehind && isComplete(tags) && isOld(context, current.record);
      return { tags, ...(isLate && { overtaken: current.record }) };
    }
    if (round === MAX_ROUNDS) break;
    context.notify({
      level: 'info',
      text: `${environment.name} moved on to release ${newer.record.sequence}: applying that`,
    });
    current = newer;
    // its tags were not put yet, or this run has just put older ones over them
    wasBehind = await isBehind(context.registries, environment, current.record);
    // After a change a tag that reads as right may be about to be overwritten, or be a stale read: write it.
    tags = await putTags(context, environment, current.record, () => true);
  }
  throw notSettled(environment);
}

/** Whether the release before ran another image under that name. */
function changes({ images }: ReleaseRecord, { name, digest }: ReleaseImage): boolean {
  return images.some((image) => image.name === name && image.digest !== digest);
}

function notSettled({ name }: Environment): TagflowError {
  return new TagflowError('race-lost', {
    what: `the tags of ${name} were not settled`,
    why: `its branch moved ${MAX_ROUNDS} times while they were put`,
    fix: advise`write its tags: ${{ act: 'apply', line: name }}`,
  });
}

/** The release that came to the branch after the one given; undefined when none did. Throws `branch-rewound`. */
async function newerThan(
  context: RecordReading,
  environment: Environment,
  { head, record }: Current,
): Promise<Current | undefined> {
  const holds = async (id: ObjectId | undefined): Promise<boolean> =>
    id === head || (id !== undefined && (await follows(context, id, head)));
  const now = await steadyHead(context, environment.branch, async (id) => !(await holds(id)));
  if (now === head) return undefined;
  if (!now || !(await holds(now))) throw wentBack(environment, record, now);
  const newer = (await readRelease(context, environment, now))?.record;
  if (!newer || newer.sequence < record.sequence) throw wentBack(environment, record, now);
  return newer.sequence > record.sequence ? { head: now, record: newer } : undefined;
}

/** Whether a head descends from an older one: usually it is its child. */
async function follows({ ledger }: Pick<RecordReading, 'ledger'>, head: ObjectId, older: ObjectId): Promise<boolean> {
  await ledger.fetch([head]);
  if ((await ledger.commit(head)).parents.includes(older)) return true;
  await ledger.deepen([head]);
  return ledger.isAncestor(older, head);
}

/** Says that a head lacks the release that was just applied: such a head is not newer, and the tags do not follow it. */
function wentBack(
  { name, branch }: Environment,
  { sequence }: ReleaseRecord,
  head: ObjectId | undefined,
): TagflowError {
  return new TagflowError('branch-rewound', {
    what: head
      ? `${branch} is at ${shortId(head)} now, which does not contain release ${sequence} of ${name}`
      : `${branch} is gone, and release ${sequence} of ${name} with it`,
    why: 'the branch was rewound, removed or recreated while the tags were put, or a replica of the Git server lags behind',
    fix: advise`check whether ${branch} has release ${sequence} (${{ act: 'status', line: name }}), then: ${{ act: 'apply', line: name }}`,
    details: { environment: name, head, release: sequence },
  });
}

/** The release that the branch has now; undefined when it has none. */
async function readCurrent(context: RecordReading, environment: Environment): Promise<Current | undefined> {
  const head = await context.ledger.head(environment.branch);
  if (head === undefined) return undefined;
  await context.ledger.fetch([head]);
  const release = await readRelease(context, environment, head);
  return release && { head, record: release.record };
}

/** Throws `tags-incomplete` when a tag could not be put or verified. */
export function requireComplete(environment: string, commit: ObjectId, tags: readonly TagStatus[]): void {
  const failed = tags.filter(({ status }) => status === 'failed');
  const [first] = failed;
  if (!first) return;
  const { fix, ...more } = remedyOf(environment, failed);
  throw new TagflowError('tags-incomplete', {
    ...more,
    what: `${failed.length} of ${tags.length} tags of ${environment} are not verified`,
    why: failed.map(({ image, tag, error }) => `${image}:${tag}: ${error?.message}`).join('; '),
    fix: advise`the branch is right (${shortId(commit)}); ${fix}`,
    details: {
      environment,
      commit,
      tags: tags.map(({ error, ...tag }) => ({ ...tag, ...(error && { error: error.message }) })),
    },
    cause: first.error,
  });
}

/** Per-release tags for all images first, then the target tags: a target tag never names an image that has none. */
export async function putTags(
  context: Pick<Context, 'clock' | 'registries' | 'signal'>,
  environment: Environment,
  record: ReleaseRecord,
  rewrite: (image: ReleaseImage) => boolean,
): Promise<readonly TagStatus[]> {
  const images = taggedIn(environment, record.images);
  const release = await allEnded(
    images.map(async (image) =>
      putTag(context, image, releaseTag(environment.releaseTag, record.sequence), 'never-moves'),
    ),
  );
  const failed = new Set(release.filter(({ status }) => status === 'failed').map(({ image }) => image));
  const target = await allEnded(
    images
      .filter(({ name }) => !failed.has(name))
      .map(async (image) => putTag(context, image, environment.tag, rewrite(image) ? 'rewrite' : 'moves')),
  );
  return [...release, ...target];
}

/** The results of work, once all of it has ended: an interrupt of one write must not cut another off in flight. */
export async function allEnded<T>(writes: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(writes);
  return Promise.all(writes);
}

async function putTag(
  context: Pick<Context, 'clock' | 'registries' | 'signal'>,
  image: ReleaseImage,
  tag: Tag,
  mode: 'never-moves' | 'moves' | 'rewrite',
): Promise<TagStatus> {
  const status = { image: image.name, repository: image.repository, tag, digest: image.digest };
  const { value, problem } = await attempt(async (): Promise<TagStatus> => {
    context.signal.throwIfAborted();
    const repository = parseRepository(image.repository);
    const registry = context.registries.registryOf(repository);
    const options = mode === 'never-moves' ? { expected: { digest: undefined } } : { rewrite: mode === 'rewrite' };
    const { changed, previous } = await registry.tag(repository, image.digest, tag, options);
    if (!changed) return { ...status, status: 'right' };
    // What it was before is what a replica that lags shows; anything else is another writer's.
    const read = async (): Promise<Digest | undefined> => registry.peek(repository, tag);
    const found = await steady(context, read, (now) => now !== image.digest && now === previous);
    if (found !== image.digest) {
      throw new TagflowError('registry-answer-invalid', {
        what: `${image.repository}:${tag} reads as ${found ? shortDigest(found) : 'absent'} after it was put`,
        why: `${shortDigest(image.digest)} was accepted: another job wrote the tag, or the registry serves old answers`,
      });
    }
    return { ...status, status: 'moved', ...(previous && { previous }) };
  });
  return problem ? { ...status, status: 'failed', error: taken(problem, status) } : value;
}

/** Only of per-release tags it is said what they name, so that no other one can have moved. */
function taken(error: TagflowError, { repository, tag, digest }: Omit<TagStatus, 'status'>): TagflowError {
  if (error.code !== 'tag-moved') return error;
  return new TagflowError('release-tag-taken', {
    what: `${repository}:${tag} already points to another image`,
    why: `a per-release tag never moves, and this release is ${shortDigest(digest)}: the branch was rewound, or another pipeline or repository writes tags of this name`,
    fix: 'put the branch back to the commit of its last release; where that tag is not one of its releases, give the environment a tag of its own: environments.NAME.tag',
    cause: error,
  });
}
