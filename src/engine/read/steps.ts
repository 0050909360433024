// The commits at which a record changed: those of a branch's first-parent history, and those beside it.
import type { Commit, FileStep } from '../../ledger/ledger.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type Environment, recordPaths, signaturePaths } from '../../model/pipeline.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { RecordReading } from '../context.ts';
import { readable } from './problem.ts';
import { type RecordFile, fitsTree, fittedTree, readRecord, recordFileIn, recordOrProblem } from './records.ts';
import { judgedByOwnRules, judgedThen, madeBefore } from './signatures.ts';

/** A commit at which the record of a line changed. */
export interface RecordStep {
  readonly commit: Commit;
  /** Undefined where the record was removed. */
  readonly file: RecordFile | undefined;
  /** The signature beside the record. */
  readonly signature: Uint8Array | undefined;
}

/** Returns the files that tell of an environment's releases. */
export function lineFiles(environment: Environment): readonly string[] {
  return [...recordPaths(environment), ...(environment.trust ? signaturePaths(environment) : [])];
}

/** Returns the changes of the record among the changes of its files, the oldest of a part included. */
export function stepsOf(environment: Environment, found: readonly FileStep[]): readonly RecordStep[] {
  const all = found.map(({ commit, files }): RecordStep => {
    const file = recordFileIn(environment, files);
    return { commit, file, signature: signatureBeside(file, files) };
  });
  return all.filter(({ file }, index) => {
    const below = all[index + 1]?.file;
    if (!file || !below) return file !== below;
    return file.path !== below.path || Buffer.compare(file.content, below.content) !== 0;
  });
}

/** Returns the signature beside a record's file. */
export function signatureBeside(
  file: RecordFile | undefined,
  files: ReadonlyMap<string, Uint8Array>,
): Uint8Array | undefined {
  return file && files.get(`${file.path}.sig`);
}

/** Returns the changes beside a first-parent history at which a record is there. */
export function stepsAside(environment: Environment, found: readonly FileStep[]): readonly RecordStep[] {
  return found.flatMap(({ commit, files }) => {
    const file = recordFileIn(environment, files);
    return file ? [{ commit, file, signature: signatureBeside(file, files) }] : [];
  });
}

/**
 * Returns the release that a change beside a line made: by what it says of itself, as on a line of its own. `byOwnRules`: one whose
 * signature was good by the rules that it was planned with is one as well. Needs `deepen`.
 */
export async function releaseAside(
  context: Pick<RecordReading, 'ledger' | 'signing'>,
  environment: Environment,
  { commit, file, signature }: RecordStep,
  byOwnRules = false,
): Promise<ReleaseRecord | undefined> {
  const { ledger } = context;
  const record = file && recordOrProblem(environment, file);
  if (record === undefined || typeof record === 'string') return undefined;
  if (!(await fitsTree(ledger, environment, commit, record)) && !(await fittedTree(context, commit, record)))
    return undefined;
  const below = record.previous?.commit;
  if (below !== undefined) {
    if (!(await ledger.isAncestor(below, commit.id))) return undefined;
    const { value } = await readable(readRecord(context, environment, below));
    if (value?.sequence !== record.previous?.sequence) return undefined;
  }
  const { trust } = environment;
  if (!trust) return record;
  const signed = { commit, record, file, signature };
  if ((await judgedThen(context, trust, signed)).problem === undefined) return record;
  const own = byOwnRules ? await judgedByOwnRules(context, trust, signed) : undefined;
  if (own && own.problem === undefined) return record;
  return (await isExcused(context, environment, commit.id)) ? record : undefined;
}

/** Whether a commit is one up to which releases need no signature, wherever those are now. */
async function isExcused(
  context: Pick<RecordReading, 'ledger'>,
  { trust }: Environment,
  id: ObjectId,
): Promise<boolean> {
  const { ledger } = context;
  if (trust?.signedAfter === undefined) return false;
  await ledger.fetch([trust.signedAfter]);
  await ledger.deepen([trust.signedAfter]);
  return (await madeBefore(context, trust, trust.signedAfter)).has(id);
}
