// Evidence: commits on an environment's branch that upstream lacks and that tagflow did not make.
import type { ForeignCommit } from '../gates/gates.ts';
import type { Commit } from '../ledger/ledger.ts';
import { isTagflowError } from '../model/errors.ts';
import type { ObjectId } from '../model/object-id.ts';
import { recordPath } from '../model/pipeline.ts';
import type { ReleaseRecord } from '../model/release.ts';
import { plain } from '../model/text.ts';
import type { Context } from './context.ts';
import { type EnvironmentState, type World, recordIn } from './world.ts';

/** How many commits are looked at: more than anybody reads, and a bound on the work. */
const LIMIT = 500;

/**
 * The commits of an environment's branch that would be lost by carrying `upstream` over it, newest first. A commit whose
 * very change is upstream too (cherry-picked there) is not lost.
 */
export async function foreignCommits(
  context: Context,
  world: World,
  { head, record }: EnvironmentState,
  upstream: ObjectId,
): Promise<readonly ForeignCommit[]> {
  const { ledger } = context;
  if (head === upstream) return [];
  // A head that tagflow made was judged when it was made, and so was everything below it: no history is needed.
  if (record && isOwn(await ledger.commit(head), record)) return [];
  await ledger.deepen([head, upstream]);
  const commits = await ledger.commitsBetween(head, [upstream], LIMIT);
  const foreign: ForeignCommit[] = [];
  for (const commit of commits) {
    if (!(await madeByTagflow(context, world, commit))) {
      foreign.push({ id: commit.id, subject: subjectOf(commit), author: plain(commit.author, 200), time: commit.time });
    }
  }
  return foreign;
}

/** The first line of a commit's message, safe to show. */
function subjectOf(commit: Commit): string {
  return plain(commit.message.split('\n')[0] ?? '', 120);
}

/** Whether a commit is the one that a record in its tree speaks of: it was built on the record's base. */
export function isOwn(commit: Commit, record: ReleaseRecord): boolean {
  return commit.parents[0] === record.base;
}

async function madeByTagflow(context: Context, world: World, commit: Commit): Promise<boolean> {
  const environments = [...world.pipeline.environments.values()];
  const files = await context.ledger.readFiles(commit.id, environments.map(recordPath));
  return environments.some((environment) => {
    const content = files.get(recordPath(environment));
    if (!content) return false;
    try {
      return isOwn(commit, recordIn(environment, content));
    } catch (error) {
      if (isTagflowError(error, 'record-invalid')) return false;
      throw error;
    }
  });
}
