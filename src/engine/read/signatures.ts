// Signatures: which releases count where they are signed. A signature is good when somebody made it whom the trunk lets
// release that environment, with a key that was valid then; what the environment's own branch says has no part in it.
import type { Commit } from '../../ledger/ledger.ts';
import type { Instant } from '../../model/effects.ts';
import { TagflowError } from '../../model/errors.ts';
import { type ObjectId, shortId } from '../../model/object-id.ts';
import { type Environment, type Trust, recordPath } from '../../model/pipeline.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import { plain } from '../../model/text.ts';
import type { SignatureVerdict, Signing } from '../../signing/signing.ts';
import type { Reading } from '../context.ts';
import { releaseIn } from './records.ts';

/** By so much the clocks of those who make releases may differ, in milliseconds. */
const CLOCKS = 86_400_000;

/** So many signatures are judged at once: each is a process. */
const AT_ONCE = 4;

/** A change of a record, as the ledger gives it. */
interface Step {
  readonly commit: Commit;
  readonly content: Uint8Array | undefined;
}

/** A change of a record, judged: a release, or in words why it is none. */
export interface Judged {
  readonly commit: Commit;
  readonly release: ReleaseRecord | undefined;
  /** Who signed the release; undefined when it needs no signature. */
  readonly signer: string | undefined;
  readonly problem: string | undefined;
  /** It would be a release, were it signed as it has to be. */
  readonly unsigned: boolean;
}

/**
 * Judges the changes of an environment's record that a walk of its branch gave, newest first. Needs `deepen(head)`.
 * `most`: where releases are signed, those below so many releases may be left out; without signatures all cost nothing.
 */
export async function judgeSteps(
  context: Reading,
  environment: Environment,
  head: ObjectId,
  steps: readonly Step[],
  most?: number,
): Promise<readonly Judged[]> {
  const { trust } = environment;
  const all = steps.map(({ commit, content }) => ({ commit, found: releaseIn(environment, commit, content) }));
  const isRelease = ({ found }: (typeof all)[number]): boolean => typeof found !== 'string';
  const newest = trust && most !== undefined && (await newestGood(context, trust, head, all.filter(isRelease), most));
  const read = newest ? all.slice(0, all.findIndex(({ commit }) => commit.id === newest) + 1) : all;
  const own = read.filter(isRelease).map(({ commit }) => commit);
  const verdicts = trust && (await judgeSignatures(context, trust, head, own));
  return read.map(({ commit, found }) => {
    const base = { commit, release: undefined, signer: undefined };
    if (typeof found === 'string') return { ...base, problem: found, unsigned: false };
    const verdict = verdicts?.get(commit.id);
    if (verdict && 'problem' in verdict) return { ...base, problem: verdict.problem, unsigned: true };
    return { ...base, release: found, signer: verdict?.signer, problem: undefined, unsigned: false };
  });
}

/**
 * Refuses a release that is not signed as it has to be. Asks no more of the history than it must. Throws
 * `signature-invalid`.
 */
export async function requireSigned(
  context: Reading,
  environment: Environment,
  head: ObjectId,
  commit: Commit,
): Promise<void> {
  const { trust } = environment;
  if (!trust) return;
  const { ledger } = context;
  const then = await verdictAt(context, trust, commit, commit.time);
  const good = 'signer' in then;
  if (good && 'signer' in (await verdictAt(context, trust, commit, context.clock.now()))) return;
  let problem = good ? '' : then.problem;
  // A key that expired since, or a release from before signing: what lies around it has to tell.
  if (good || trust.signedAfter !== undefined) {
    await ledger.deepen([head]);
    const steps = await ledger.walk(head, recordPath(environment));
    const judged = await judgeSteps(context, environment, head, steps);
    const found = judged.find((one) => one.commit.id === commit.id);
    if (found?.release) return;
    problem = found?.problem ?? problem;
  }
  throw new TagflowError('signature-invalid', {
    what: `the release of ${environment.name} at ${shortId(commit.id)} is not signed as it has to be`,
    why: `${problem}; its author is ${plain(commit.author, 200)}`,
    fix: `go back to the last release that is: tagflow rollback ${environment.name}; if it was made before signing was turned on, set environments.${environment.name}.signedAfter on the trunk`,
    details: { environment: environment.name, commit: commit.id },
  });
}

/** What signs a commit of a release. */
export function signerOf(
  context: Pick<Reading, 'signing'>,
  { method }: Trust,
): (payload: Uint8Array) => Promise<string> {
  return async (payload) => signingOf(context).sign(method, payload);
}

/** Refuses to push a release whose signature nobody would accept. Throws `signature-invalid`. */
export async function requireOwnSignature(
  context: Reading,
  environment: string,
  trust: Trust,
  id: ObjectId,
): Promise<void> {
  const commit = await context.ledger.commit(id);
  const verdict = await verdictAt(context, trust, commit, commit.time);
  if ('signer' in verdict) return;
  throw new TagflowError('signature-invalid', {
    what: `the release of ${environment} was signed with a key that may not release it; nothing was changed`,
    why: verdict.problem,
    fix: `sign with another key (user.signingKey, TAGFLOW_SIGNING_KEY), or have this one added to ${trust.file} and environments.${environment}.signedBy on the trunk`,
    details: { environment },
  });
}

/** The verdicts on releases of one branch, newest first; those that need no signature have none. */
async function judgeSignatures(
  context: Reading,
  trust: Trust,
  head: ObjectId,
  commits: readonly Commit[],
): Promise<ReadonlyMap<ObjectId, SignatureVerdict>> {
  const before = await madeBefore(context, trust, head, commits);
  const open = commits.filter(({ id }) => !before.has(id));
  const verdicts = new Map<ObjectId, SignatureVerdict>();
  for (let at = 0; at < open.length; at += AT_ONCE) {
    context.signal.throwIfAborted();
    const some = open.slice(at, at + AT_ONCE);
    const found = await Promise.all(some.map(async (commit) => verdictAt(context, trust, commit, commit.time)));
    for (const [index, { id }] of some.entries()) verdicts.set(id, found[index] ?? { problem: 'it was not judged' });
  }
  // A time is what the signer wrote: an expired key would be valid for ever in the hands of whoever writes old times. Below
  // a release that counts, no time is written any more.
  let newest = Number.NEGATIVE_INFINITY;
  for (const commit of open.toReversed()) {
    const verdict = verdicts.get(commit.id);
    if (!verdict || 'problem' in verdict) continue;
    if (commit.time < newest - CLOCKS) {
      const now = await verdictAt(context, trust, commit, context.clock.now());
      if ('problem' in now) {
        const problem = `it says it is older than a release below it, and ${verdict.signer} has no valid key now`;
        verdicts.set(commit.id, { problem });
        continue;
      }
    }
    newest = Math.max(newest, commit.time);
  }
  return verdicts;
}

/**
 * The last of the newest `most` releases that are good whatever lies below them: by keys that are valid now as well as then.
 * Undefined when there are fewer, or one of them needs to be held against those below.
 */
async function newestGood(
  context: Reading,
  trust: Trust,
  head: ObjectId,
  releases: readonly { readonly commit: Commit }[],
  most: number,
): Promise<ObjectId | undefined> {
  const before = await madeBefore(
    context,
    trust,
    head,
    releases.map(({ commit }) => commit),
  );
  let count = 0;
  for (const { commit } of releases) {
    context.signal.throwIfAborted();
    if (!before.has(commit.id)) {
      if ('problem' in (await verdictAt(context, trust, commit, commit.time))) continue;
      if ('problem' in (await verdictAt(context, trust, commit, context.clock.now()))) return undefined;
    }
    count += 1;
    if (count === most) return commit.id;
  }
  return undefined;
}

/** Releases up to the commit after which they are signed, if that commit is on the branch. */
async function madeBefore(
  { ledger }: Reading,
  { signedAfter }: Trust,
  head: ObjectId,
  commits: readonly Commit[],
): Promise<ReadonlySet<ObjectId>> {
  if (signedAfter === undefined || (await ledger.unreachable([signedAfter], head)).length > 0) return new Set();
  const ids = commits.map(({ id }) => id);
  return new Set(ids).difference(new Set(await ledger.unreachable(ids, signedAfter)));
}

async function verdictAt(context: Reading, trust: Trust, { id }: Commit, at: Instant): Promise<SignatureVerdict> {
  const claim = await context.ledger.signature(id);
  return 'problem' in claim ? claim : signingOf(context).verify({ ...claim, at, trust });
}

/** What signs and verifies. Throws `not-supported` where a library's user gave none. */
export function signingOf({ signing }: Pick<Reading, 'signing'>): Signing {
  if (signing) return signing;
  throw new TagflowError('not-supported', {
    what: 'releases are signed here, and this run can neither sign nor verify',
    why: 'tagflow.yaml says so with signing:, and whoever uses tagflow as a library gave it no `signing` in its context',
  });
}
