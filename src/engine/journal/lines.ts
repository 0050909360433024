// Which environments and applications a command of the journal is about, from the words that were typed.
import { TagflowError } from '../../model/errors.ts';
import { type Environment, environmentOf } from '../../model/pipeline.ts';
import type { LineReading } from '../context.ts';
import { presentLines } from '../read/named-lines.ts';
import type { Snapshot } from '../read/snapshot.ts';

/** An environment, or one application of it. */
export interface JournalTarget {
  readonly environment: Environment;
  readonly application: string | undefined;
}

/** The environment of a name. Throws `environment-not-found`, saying what it is called now, or since when it is not there. */
export async function presentEnvironment(reading: LineReading, snapshot: Snapshot, name: string): Promise<Environment> {
  await presentLines(reading, snapshot, [name]);
  return environmentOf(snapshot.pipeline, name);
}

/** The targets that words name: environments first, then applications of each. Throws `environment-not-found`, `usage`. */
export async function targetsOf(
  reading: LineReading,
  snapshot: Snapshot,
  words: readonly string[],
): Promise<readonly JournalTarget[]> {
  const { pipeline } = snapshot;
  const isApplication = (word: string): boolean => pipeline.applications.includes(word);
  const environments = await Promise.all(
    words.filter((word) => !isApplication(word)).map(async (word) => presentEnvironment(reading, snapshot, word)),
  );
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
