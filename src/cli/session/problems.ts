// Environments that could not be read, while the answer about the others stands.
import type { EnvironmentProblem } from '../../engine/read/problem.ts';
import { EXIT } from '../../model/errors.ts';
import type { Session } from './session.ts';

/** Reports them on stderr, whatever the format of the answer. Resolves to the exit code of the first; 0 when all were read. */
export async function reportProblems(session: Session, problems: readonly EnvironmentProblem[]): Promise<number> {
  const { failureOf } = await import('../../views/failure.ts');
  const failed = problems.map(({ problem }) => failureOf(problem));
  if (failed.length > 0) session.fail(failed, 'table');
  return failed[0]?.exit ?? EXIT.ok;
}
