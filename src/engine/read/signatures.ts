// Signatures: which releases count where they are signed. A signature is good when somebody made it whom the trunk lets
// release that environment, with a key that was valid then; what the environment's own branch says has no part in it.
import type { Commit } from '../../ledger/ledger.ts';
import type { Instant } from '../../model/effects.ts';
import { TagflowError } from '../../model/errors.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { Trust } from '../../model/pipeline.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { SignatureVerdict, Signing } from '../../signing/signing.ts';
import { restrictedSigners } from '../../signing/signing.ts';
import type { RecordReading } from '../context.ts';
import { lineOfRecord, rulesAt, trustThen } from './past-rules.ts';

/** By that much the clocks of those who make releases may differ, in milliseconds. */
const CLOCKS = 86_400_000;

/** One armoured signature, and nothing else. */
const ARMOUR = /^-----BEGIN (SSH|PGP) SIGNATURE-----\r?\n[^-]*-----END \1 SIGNATURE-----\r?\n?$/;

/** That many signatures are judged at once: each is a process. */
const AT_ONCE = 4;

/** What is judged: a record that fits its commit, and the signature beside it. */
export interface SignedRecord {
  readonly commit: Commit;
  readonly record: ReleaseRecord;
  readonly file: { readonly content: Uint8Array } | undefined;
  readonly signature: Uint8Array | undefined;
}

/** The state of the signature of a record. */
export interface Signed {
  /** Who made it; undefined where the release needs none. */
  readonly signer: string | undefined;
  /** Why it does not count, in words. */
  readonly problem: string | undefined;
  /** Whether releases that were not read could not change that. */
  readonly settled: boolean;
}

/** The commits among which records lie: all of the first-parent history of a head, or the newest part. */
export interface SignatureReach {
  readonly head: ObjectId;
  readonly whole: boolean;
}

/** Judges the signatures of records of one line, newest first. */
export async function judgeSignatures(
  context: RecordReading,
  trust: Trust,
  { head, whole }: SignatureReach,
  records: readonly SignedRecord[],
): Promise<ReadonlyMap<ObjectId, Signed>> {
  const excused = whole ? await madeBefore(context, trust, head) : undefined;
  const verdicts = new Map<ObjectId, Signed>();
  for (const { commit } of records) {
    if (excused?.has(commit.id)) verdicts.set(commit.id, { signer: undefined, problem: undefined, settled: true });
  }
  const open = records.filter(({ commit }) => !verdicts.has(commit.id));
  for (let at = 0; at < open.length; at += AT_ONCE) {
    context.signal.throwIfAborted();
    const some = open.slice(at, at + AT_ONCE);
    const found = await Promise.all(
      some.map(async (one) => (whole ? judgedThen(context, trust, one) : judgedThenAndNow(context, trust, one))),
    );
    for (const [index, { commit }] of some.entries()) {
      const verdict = found[index];
      if (verdict) verdicts.set(commit.id, verdict);
    }
  }
  await acceptSealed(context, trust, records, verdicts);
  if (whole) await refuseOldTimes(context, trust, open, verdicts);
  return verdicts;
}

/**
 * Today's rules may be stricter than those that a release was made by: a signer left, or signing was turned on. A release that counts
 * names the one below it by its commit, and anybody who signed it found that one good. So what is below is judged by the rules of the
 * configuration that it was planned with. Nothing but the newest release itself says how it was planned, so it is judged by today's rules.
 */
async function acceptSealed(
  context: Pick<RecordReading, 'ledger' | 'signing'>,
  trust: Trust,
  records: readonly SignedRecord[],
  verdicts: Map<ObjectId, Signed>,
): Promise<void> {
  let sealed: ObjectId | undefined;
  const refused = records.filter(({ commit }) => verdicts.get(commit.id)?.problem !== undefined);
  // All at once: each of them would be a request.
  if (refused.length > 0 && refused.length < records.length) {
    await rulesAt(
      context,
      refused.flatMap(({ record: { config } }) => ('commit' in config ? [config.commit] : [])),
    );
  }
  for (const [index, one] of records.entries()) {
    const { commit, record } = one;
    const isSealed = sealed === commit.id;
    if (verdicts.get(commit.id)?.problem !== undefined) {
      const own = isSealed ? await judgedByOwnRules(context, trust, one) : undefined;
      if (!own || own.problem !== undefined) continue;
      verdicts.set(commit.id, own);
    }
    sealed =
      record.previous && (record.previous.commit ?? numbered(records.slice(index + 1), record.previous.sequence));
  }
}

/** The newest of some releases that has a number: schema 1 names no commit, and its signature is over the commit's parents. */
function numbered(records: readonly SignedRecord[], sequence: number): ObjectId | undefined {
  return records.find(({ record }) => record.sequence === sequence)?.commit.id;
}

/** Judges a signature by the rules that its release was planned with; undefined where the trunk does not have those. */
export async function judgedByOwnRules(
  context: Pick<RecordReading, 'ledger' | 'signing'>,
  trust: Trust,
  one: SignedRecord,
): Promise<Signed | undefined> {
  const line = await lineOfRecord(context, one.record);
  if (!line) return undefined;
  const own = trustThen(trust, line);
  return own ? judgedThen(context, own, one) : { signer: undefined, problem: undefined, settled: true };
}

/** Judges the signature of one record, whatever lies below it; undefined where that has to tell. */
export async function judgeAlone(context: RecordReading, trust: Trust, one: SignedRecord): Promise<Signed | undefined> {
  const signed = await judgedThenAndNow(context, trust, one);
  return signed.settled ? signed : undefined;
}

/** Whether a signature was good when it was made, by the time that the record says. */
export async function judgedThen(
  context: Pick<RecordReading, 'ledger' | 'signing'>,
  trust: Trust,
  one: SignedRecord,
): Promise<Signed> {
  const verdict = await verdictAt(context, trust, one, timeOf(one));
  return 'problem' in verdict
    ? { signer: undefined, problem: verdict.problem, settled: true }
    : { signer: verdict.signer, problem: undefined, settled: true };
}

async function judgedThenAndNow(context: RecordReading, trust: Trust, one: SignedRecord): Promise<Signed> {
  const then = await judgedThen(context, trust, one);
  // A release from before signing, or a key that expired since: what lies around it has to tell.
  if (then.problem !== undefined) return { ...then, settled: trust.signedAfter === undefined };
  const now = await verdictAt(context, trust, one, context.clock.now());
  return { ...then, settled: 'signer' in now };
}

/**
 * A time is what the signer wrote: an expired key would be valid for ever in the hands of somebody who writes old times. Below
 * a release that counts, no time is written any more.
 */
async function refuseOldTimes(
  context: RecordReading,
  trust: Trust,
  records: readonly SignedRecord[],
  verdicts: Map<ObjectId, Signed>,
): Promise<void> {
  let newest = Number.NEGATIVE_INFINITY;
  for (const one of records.toReversed()) {
    const verdict = verdicts.get(one.commit.id);
    if (!verdict || verdict.problem !== undefined) continue;
    const time = timeOf(one);
    if (time < newest - CLOCKS && 'problem' in (await verdictAt(context, trust, one, context.clock.now()))) {
      const problem = `it says it is older than a release below it, and ${verdict.signer} has no valid key now`;
      verdicts.set(one.commit.id, { signer: undefined, problem, settled: true });
      continue;
    }
    newest = Math.max(newest, time);
  }
}

/** Returns the commits up to the one after which releases are signed, if that is on the first-parent history of the head. */
export async function madeBefore(
  { ledger }: Pick<RecordReading, 'ledger'>,
  { signedAfter }: Trust,
  head: ObjectId,
): Promise<ReadonlySet<ObjectId>> {
  if (signedAfter === undefined) return new Set();
  const line = await ledger.firstParents(head);
  const at = line.indexOf(signedAfter);
  return new Set(at < 0 ? [] : line.slice(at));
}

/** Returns an armoured signature over a record. Throws `credentials-invalid`. */
export async function signRecord(
  context: Pick<RecordReading, 'signing'>,
  { method }: Trust,
  record: Uint8Array,
): Promise<string> {
  return signingOf(context).sign(method, record, 'release');
}

/** Refuses to push a release whose signature would not be accepted. Throws `signature-invalid`. */
export async function requireOwnSignature(
  context: Pick<RecordReading, 'signing'>,
  trust: Trust,
  record: ReleaseRecord,
  { payload, signature }: { readonly payload: Uint8Array; readonly signature: string },
): Promise<void> {
  const at = Date.parse(record.time);
  const verdict = await signingOf(context).verify({ payload, purpose: 'release', signature, at, trust });
  if ('signer' in verdict) return;
  const { environment } = record;
  const restricted = restrictedSigners(trust);
  const other = `sign with another key (user.signingKey, TAGFLOW_SIGNING_KEY), or have this one added to ${trust.file} and environments.${environment}.signedBy on the trunk`;
  // OpenSSH says of a key that may sign commits alone what it says of a bad signature.
  const namespaces = `where this key is one of ${restricted.join(', ')}: add tagflow-release to namespaces="…" of its line in ${trust.file} on the trunk; otherwise ${other}`;
  throw new TagflowError('signature-invalid', {
    what: `the release of ${environment} was signed with a key that may not release it; nothing was changed`,
    why: verdict.problem,
    fix: restricted.length > 0 ? namespaces : other,
    details: { environment },
  });
}

/** When a signature was made, as far as its maker says: signed with the rest. */
function timeOf({ record, commit }: SignedRecord): Instant {
  return record.schema === 1 ? commit.time : Date.parse(record.time);
}

async function verdictAt(
  context: Pick<RecordReading, 'ledger' | 'signing'>,
  trust: Trust,
  one: SignedRecord,
  at: Instant,
): Promise<SignatureVerdict> {
  const { record, commit, file, signature } = one;
  if (record.schema === 1) {
    const claim = await context.ledger.signature(commit.id);
    return 'problem' in claim ? claim : signingOf(context).verify({ ...claim, purpose: 'commit', at, trust });
  }
  if (!signature || !file) return { problem: 'it is not signed' };
  const armour = Buffer.from(signature.buffer, signature.byteOffset, signature.byteLength).toString('latin1');
  // Of two signatures each of two readers could believe in another.
  if (!ARMOUR.test(armour)) return { problem: 'the file beside its record does not hold one signature' };
  return signingOf(context).verify({ payload: file.content, purpose: 'release', signature: armour, at, trust });
}

/** Returns what signs and verifies. Throws `not-supported` where a library's user gave none. */
export function signingOf({ signing }: Pick<RecordReading, 'signing'>): Signing {
  if (signing) return signing;
  throw new TagflowError('not-supported', {
    what: 'releases are signed here, and this run can neither sign nor verify',
    why: 'tagflow.yaml says so with signing:, and the caller of the library gave no `signing` in its context',
  });
}
