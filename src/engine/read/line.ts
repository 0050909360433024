// A release line as a branch has it: the commits at which the record changed, each with the release that it made or why it
// made none. This is the one reader of the past: whatever looks back reads a line here, all of it or its newest part.
//
// A commit is a release when its record follows on the newest release below it on the first-parent history (number and
// commit), fits the commit's tree, and is signed as required. A release that names a commit beside the first-parent
// history as the one below it anchors the line there again, and the line continues at that commit.
import { createHash } from 'node:crypto';
import type { Commit } from '../../ledger/ledger.ts';
import { attempt } from '../../model/attempt.ts';
import { type ObjectId, shortId } from '../../model/object-id.ts';
import type { Environment } from '../../model/pipeline.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { RecordReading } from '../context.ts';
import { rulesAt } from './past-rules.ts';
import { type RecordFile, fitsTree, fittedTree, recordOrProblem } from './records.ts';
import { type Vouching, olderRules, vouchFor } from './repositories.ts';
import { type Signed, judgeSignatures } from './signatures.ts';
import { type RecordStep, lineFiles, releaseAside, stepsAside, stepsOf } from './steps.ts';

/** Trees that are looked at together. */
const AT_ONCE = 256;

/** A change of a record, judged: a release, or in words why it is not one. */
export interface Judged extends RecordStep {
  readonly release: ReleaseRecord | undefined;
  /** Who signed the release; undefined when it needs no signature. */
  readonly signer: string | undefined;
  readonly problem: string | undefined;
  /** It would be a release, were it signed as it has to be. */
  readonly unsigned: boolean;
}

/** A judged change that is a release. */
export type Made = Judged & { readonly release: ReleaseRecord };

/** A line as its branch has it: every change of its record, judged, newest first. */
export interface JudgedLine {
  readonly environment: Environment;
  readonly head: ObjectId;
  readonly steps: readonly Judged[];
  /** Changes below a commit at which the line was anchored elsewhere: they are on the branch, and not on the line. */
  readonly abandoned: readonly RecordStep[];
  /** Commits at which the line was anchored elsewhere, each with the commit at which the line continues. */
  readonly anchors: ReadonlyMap<ObjectId, ObjectId>;
  /** False: only the newest part was read. */
  readonly whole: boolean;
  /** The history below the oldest release was not read: it is taken to be as that release says. */
  readonly believes: boolean;
}

/** Returns the releases of a line, newest first. */
export function releasesOn({ steps }: Pick<JudgedLine, 'steps'>): readonly Made[] {
  return steps.filter((step): step is Made => step.release !== undefined);
}

/** Reads a whole line of a fetched head. */
export async function readWholeLine(
  context: RecordReading,
  environment: Environment,
  head: ObjectId,
): Promise<JudgedLine> {
  const { ledger } = context;
  await ledger.deepen([head]);
  const steps = stepsOf(environment, await ledger.walk(head, lineFiles(environment)));
  const candidates = await readCandidates(context, environment, { head, steps, whole: true });
  const own = new Set(steps.map(({ commit }) => commit.id));
  for (const [index, { commit, found }] of candidates.entries()) {
    if (typeof found === 'string') continue;
    const anchor = found.record.previous?.commit;
    if (anchor === undefined || own.has(anchor)) continue;
    const made = { commit, record: found.record };
    if (!(await isHighest(context, environment, made, steps.slice(index + 1)))) continue;
    const below = await readWholeLine(context, environment, anchor);
    const above = fold(candidates.slice(0, index + 1), releasesOn(below)[0]);
    const abandoned = [...steps.slice(index + 1), ...below.abandoned];
    const anchors = new Map([[commit.id, anchor], ...below.anchors]);
    return { environment, head, steps: [...above, ...below.steps], abandoned, anchors, whole: true, believes: false };
  }
  const judged = fold(candidates, undefined);
  return { environment, head, steps: judged, abandoned: [], anchors: new Map(), whole: true, believes: false };
}

/**
 * Reads the newest part of a line of a fetched head, at most `limit` changes of its record; undefined where that part cannot
 * be judged without the rest. The history below the oldest release in it is taken to be as that release says.
 */
export async function readNewestLine(
  context: RecordReading,
  environment: Environment,
  head: ObjectId,
  limit: number,
): Promise<JudgedLine | undefined> {
  const found = await context.ledger.recent(head, lineFiles(environment), limit, 'first');
  const steps = stepsOf(environment, found);
  const candidates = await readCandidates(context, environment, { head, steps, whole: false });
  const begins = await isBeginning(context, environment, candidates.at(-1));
  if (!begins && found.length < limit) return readWholeLine(context, environment, head);
  const own = new Set(steps.map(({ commit }) => commit.id));
  const anchor = candidates.findLastIndex(({ found }) => typeof found !== 'string');
  if (!candidates.every((one, index) => one.settled && (index === anchor || staysWithin(own, one)))) return undefined;
  const [bottom] = candidates.slice(anchor);
  if (!bottom || typeof bottom.found === 'string' || (bottom.found.record.sequence === 1) !== begins) return undefined;
  const part = { environment, head, abandoned: [], anchors: new Map(), whole: begins, believes: true };
  if (begins) return { ...part, steps: fold(candidates, undefined) };
  const judged = fold(candidates.slice(0, anchor), asRelease(bottom));
  const below = candidates
    .slice(anchor)
    .map((one) => asRelease(one) ?? refused(one, typeof one.found === 'string' ? one.found : ''));
  return { ...part, steps: [...judged, ...below] };
}

/** A first release further above the commit that it was planned on does not count without the history below. */
const NEAR = 64;

/**
 * Whether the oldest change that was read is the first release of its line: its record names a commit below it up to which there
 * was none, and none of the commits between has a record.
 */
async function isBeginning(
  { ledger }: Pick<RecordReading, 'ledger'>,
  environment: Environment,
  oldest: Candidate | undefined,
): Promise<boolean> {
  if (!oldest || typeof oldest.found === 'string') return false;
  const { schema, sequence, base } = oldest.found.record;
  if (schema !== 2 || sequence !== 1 || base === undefined) return false;
  const line = await ledger.downTo(oldest.commit.id, (id) => id === base);
  if (!line || line.length > NEAR) return false;
  const paths = lineFiles(environment);
  const isBare = async ({ id }: Commit): Promise<boolean> => {
    const listed = await Promise.all(paths.map(async (path) => ledger.listFiles(id, path)));
    return listed.every(({ length }) => length === 0);
  };
  const { value: bare } = await attempt(Promise.all(line.slice(1).map(isBare)), 'tree-unsafe');
  return bare?.every(Boolean) ?? false;
}

/** Whether the release that a change names as the one before is among the steps that were read, not further down or beside. */
function staysWithin(own: ReadonlySet<ObjectId>, { found }: Candidate): boolean {
  if (typeof found === 'string' || found.record.schema !== 2) return true;
  const below = found.record.previous?.commit;
  return below !== undefined && own.has(below);
}

/** Whether the release that a record names as the one before is the highest that its commit reaches, by whatever parent. */
async function isHighest(
  context: Pick<RecordReading, 'ledger' | 'signing'>,
  environment: Environment,
  { commit, record }: { readonly commit: Commit; readonly record: ReleaseRecord },
  below: readonly RecordStep[],
): Promise<boolean> {
  const { ledger } = context;
  const { previous, sequence } = record;
  if (previous?.commit === undefined || !(await ledger.isAncestor(previous.commit, commit.id))) return false;
  const aside = stepsAside(environment, await ledger.walkAside(commit.id, lineFiles(environment)));
  for (const step of [...below, ...aside]) {
    const release = await releaseAside(context, environment, step);
    if (release && release.sequence >= sequence) return false;
  }
  return true;
}

/** A change of the record with what can be said of it alone. */
interface Candidate extends RecordStep {
  readonly found: { readonly record: ReleaseRecord; readonly signed: Signed | undefined } | string;
  readonly unsigned: boolean;
  /** False: changes that were not read could change what is said of its signature. */
  readonly settled: boolean;
  readonly vouching: Vouching;
}

/** The changes of the record that a head reaches: all of them, or the newest. */
interface LinePart {
  readonly head: ObjectId;
  readonly steps: readonly RecordStep[];
  readonly whole: boolean;
}

async function readCandidates(
  context: RecordReading,
  environment: Environment,
  { head, steps, whole }: LinePart,
): Promise<readonly Candidate[]> {
  const alone: ReadStep[] = [];
  for (let at = 0; at < steps.length; at += AT_ONCE) {
    context.signal.throwIfAborted();
    const some = steps.slice(at, at + AT_ONCE);
    alone.push(...(await Promise.all(some.map(async (step) => readStep(context, environment, step)))));
  }
  const { read, byOwnRules } = await fitThen(context, alone);
  const records = read.flatMap(({ record }) => (typeof record === 'string' ? [] : [record]));
  const vouching = await vouchFor(context, environment, records, byOwnRules);
  const { trust } = environment;
  const own = read.flatMap(({ step, record }) => (typeof record === 'string' ? [] : [{ ...step, record }]));
  const signed = trust && (await judgeSignatures(context, trust, { head, whole }, own));
  return read.map(({ step, record }): Candidate => {
    const problem = typeof record === 'string' ? record : vouching.strange.get(record);
    if (typeof record === 'string' || problem !== undefined)
      return { ...step, found: problem ?? '', unsigned: false, settled: true, vouching };
    const verdict = signed?.get(step.commit.id);
    const settled = verdict?.settled ?? true;
    if (verdict?.problem !== undefined) return { ...step, found: verdict.problem, unsigned: true, settled, vouching };
    return { ...step, found: { record, signed: verdict }, unsigned: false, settled, vouching };
  });
}

/** The record of a change, or why it is not one, whatever lies below. */
interface ReadStep {
  readonly step: RecordStep;
  readonly record: ReleaseRecord | string;
  /** False: its commit's tree is not the one that it speaks of, by today's configuration. */
  readonly fits: boolean;
}

async function readStep(
  { ledger }: Pick<RecordReading, 'ledger'>,
  environment: Environment,
  step: RecordStep,
): Promise<ReadStep> {
  const { commit, file } = step;
  const record = file ? recordOrProblem(environment, file) : 'it removes the record';
  return { step, record, fits: typeof record === 'string' || (await fitsTree(ledger, environment, commit, record)) };
}

/** Looks again at records that do not fit their trees: by the configuration that each was planned with. */
async function fitThen(
  context: Pick<RecordReading, 'ledger'>,
  alone: readonly ReadStep[],
): Promise<{ readonly read: readonly ReadStep[]; readonly byOwnRules: ReadonlySet<ReleaseRecord> }> {
  const configs = alone.flatMap(({ record, fits }) =>
    !fits && typeof record !== 'string' && 'commit' in record.config ? [record.config.commit] : [],
  );
  // All at once: each of them would be a request.
  await rulesAt(context, configs);
  const byOwnRules = new Set<ReleaseRecord>();
  const read: ReadStep[] = [];
  for (const one of alone) {
    const { step, record, fits } = one;
    if (fits || typeof record === 'string') read.push(one);
    else if (await fittedTree(context, step.commit, record)) {
      byOwnRules.add(record);
      read.push({ ...one, fits: true });
    } else read.push({ ...one, record: misfit(record) });
  }
  return { read, byOwnRules };
}

function misfit({ schema }: ReleaseRecord): string {
  return schema === 1
    ? 'its record names another commit: somebody wrote or moved it by hand'
    : 'its record names another tree: somebody changed files or the record by hand';
}

/** Judges changes, newest first, each by the newest release below it. */
function fold(candidates: readonly Candidate[], below: Made | undefined): readonly Judged[] {
  const judged: Judged[] = [];
  const seen = new Seen();
  let newest = below;
  for (const candidate of candidates.toReversed()) {
    const problem =
      typeof candidate.found === 'string' ? candidate.found : misplaced(candidate, candidate.found.record, newest);
    const made = problem === undefined ? asRelease(candidate) : undefined;
    judged.push(made ?? refused(candidate, [...kindOf(candidate, seen), problem ?? ''].join(': ')));
    seen.add(candidate, made);
    newest = made ?? newest;
  }
  return judged.reverse();
}

/** The kind of a commit that changed the record without making a release, if it can be determined. `below`: the history below it. */
function kindOf({ commit, file }: RecordStep, below: Seen): readonly string[] {
  const [first, last] = below.releasesSince(file) ?? [];
  if (first !== undefined)
    return [first === last ? `a revert of release ${first}` : `a revert of releases ${first} to ${last}`];
  return commit.parents.length > 1 ? ['a merge'] : [];
}

/** Changes that were judged, oldest first: looked up by what their records hold, however many there are. */
class Seen {
  readonly #sequences: number[] = [];
  /** How many releases there were when a content was seen last. */
  readonly #releases = new Map<string, number>();
  /** What is not in the map yet: it is made for the first change that made none. */
  #unkept: (readonly [file: RecordFile, releases: number])[] = [];
  #startsWithFirst: boolean | undefined;

  add({ file }: RecordStep, made: Made | undefined): void {
    if (made) this.#sequences.push(made.release.sequence);
    this.#startsWithFirst ??= made?.release.sequence === 1;
    if (file) this.#unkept.push([file, this.#sequences.length]);
  }

  /** Returns the first and the last release after a record last had the content of a file; undefined where no release came after it. */
  releasesSince(file: RecordFile | undefined): readonly [number | undefined, number | undefined] | undefined {
    for (const [one, releases] of this.#unkept) this.#releases.set(contentKey(one), releases);
    this.#unkept = [];
    // A record that is gone again was not there before the oldest release.
    const isGone = !file && this.#startsWithFirst === true;
    const since = file ? this.#releases.get(contentKey(file)) : isGone ? 0 : undefined;
    if (since === undefined || since >= this.#sequences.length) return undefined;
    return [this.#sequences[since], this.#sequences.at(-1)];
  }
}

function contentKey({ content }: RecordFile): string {
  return createHash('sha256').update(content).digest('base64');
}

/** Why a record makes no release above the newest one below it; undefined when it does. */
function misplaced({ vouching }: Candidate, record: ReleaseRecord, below: Made | undefined): string | undefined {
  return follows(record, below) ?? olderRules(vouching, record, below?.release);
}

/** Why a record does not follow on the newest release below it; undefined when it does. */
function follows({ schema, previous }: ReleaseRecord, below: Made | undefined): string | undefined {
  if (schema === 1) {
    if (below?.release.schema !== 2) return undefined;
    return 'its record is of schema 1, and the release below it is of schema 2: an older tagflow or a person wrote it';
  }
  if (previous?.commit === below?.commit.id && previous?.sequence === below?.release.sequence) return undefined;
  const named = previous ? `release ${previous.sequence} (${name(previous.commit)})` : 'no release';
  const there = below ? `release ${below.release.sequence} (${name(below.commit.id)})` : 'none';
  return `its record says that ${named} lies below it, and there is ${there}: it was written or moved by hand`;
}

function name(id: ObjectId | undefined): string {
  return id === undefined ? 'unnamed' : shortId(id);
}

function asRelease({ commit, file, signature, found, unsigned }: Candidate): Made | undefined {
  if (typeof found === 'string') return undefined;
  const signer = found.signed?.signer;
  return { commit, file, signature, release: found.record, signer, problem: undefined, unsigned };
}

function refused({ commit, file, signature, unsigned }: Candidate, problem: string): Judged {
  return { commit, file, signature, release: undefined, signer: undefined, problem, unsigned };
}
