// Pull requests of releases that wait to be merged, after an entry of the journal that may stop them: the forge hears at once what the gates
// say now, so that a rule of the branch on the forge stops the merge.
import { isProblem } from '../../model/attempt.ts';
import { isTagflowError, sentenceOf } from '../../model/errors.ts';
import type { Pipeline, ReleaseLine } from '../../model/pipeline.ts';
import { readProposalBranch } from '../../model/proposal.ts';
import { type Context, type Given, configured } from '../context.ts';
import { concernsLine } from '../read/journal.ts';
import { type Snapshot, readSnapshot } from '../read/snapshot.ts';
import type { Written } from '../release/append-entry.ts';
import { checkProposalGates } from './proposal-gates.ts';
import { readTrail } from './trail.ts';

/**
 * Judges the pull requests of the lines that entries are about; where no such line releases by pull request, nothing is read.
 * Nothing that fails here takes an entry back, and neither does a run that a signal stops: it is a warning.
 */
export async function judgeProposals(given: Given, { entries, pipeline }: Written): Promise<void> {
  const asking = ({ lines }: Pipeline): readonly ReleaseLine[] =>
    [...lines.values()].filter((line) => line.pullRequest && entries.some((entry) => concernsLine(entry, line)));
  if (asking(pipeline).length === 0) return;
  try {
    const snapshot = await readSnapshot(given);
    for (const line of asking(snapshot.pipeline)) await judgeLine(configured(given, snapshot), snapshot, line);
  } catch (error) {
    if (!isProblem(error) && !isTagflowError(error, 'interrupted')) throw error;
    const text = `pull requests were not judged again, and may still be merged: ${sentenceOf(error)}`;
    given.notify({ level: 'warning', text });
  }
}

async function judgeLine(context: Context, snapshot: Snapshot, line: ReleaseLine): Promise<void> {
  const own = [...snapshot.branches].filter(([branch]) => readProposalBranch(branch)?.line === line.name);
  for (const [branch, head] of own) {
    await context.ledger.deepen([head]);
    const trail = await readTrail(context, line, head, { limit: 1 });
    await checkProposalGates(context, snapshot, { trail, branch }, () => undefined);
  }
}
