// Problems of one environment as values, for reports that name them and continue with the others.
import { type Attempt, attempt } from '../../model/attempt.ts';
import type { TagflowError } from '../../model/errors.ts';

/** Why the past of one environment could not be read, while the others were. */
export interface EnvironmentProblem {
  readonly environment: string;
  readonly problem: TagflowError;
}

/** Returns what was read of a release; or the problem, where its record, its tree or its branch cannot be used. */
export async function readable<T>(work: Promise<T>): Promise<Attempt<T>> {
  return attempt(work, 'record-invalid', 'signature-invalid', 'branch-not-found', 'branch-rewound', 'tree-unsafe');
}
