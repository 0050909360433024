// Which environments and applications a command of the journal is about, from the words that were typed.
import { TagflowError } from '../../model/errors.ts';
import { type Environment, environmentOf } from '../../model/pipeline.ts';
import type { Snapshot } from '../read/snapshot.ts';

/** An environment, or one application of it. */
export interface JournalTarget {
  readonly environment: Environment;
  readonly application: string | undefined;
}

/** The targets that words name: environments first, then applications of each. Throws `environment-not-found`, `usage`. */
export function targetsOf({ pipeline }: Snapshot, words: readonly string[]): readonly JournalTarget[] {
  const isApplication = (word: string): boolean => pipeline.applications.includes(word);
  const environments = words.filter((word) => !isApplication(word)).map((word) => environmentOf(pipeline, word));
  const applications = words.filter(isApplication);
  if (environments.length === 0) {
    throw new TagflowError('usage', {
      what: 'no environment is named',
      fix: `name one of: ${[...pipeline.environments.keys()].join(', ')}`,
    });
  }
  const named = applications.length === 0 ? [undefined] : applications;
  return environments.flatMap((environment) => named.map((application) => ({ environment, application })));
}
