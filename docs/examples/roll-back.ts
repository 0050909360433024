// Rolls an environment back, and reads from its history what ran before and what runs now.
import { type TagflowOptions, createTagflow, isTagflowError } from 'tagflow';

export async function rollBack(options: TagflowOptions, environment: string, reason: string): Promise<string> {
  const tagflow = await createTagflow(options);
  try {
    await tagflow.rollback(environment, { reason });
    const { releases } = await tagflow.history({ environment, limit: 2 });
    const [now, before] = releases.map(({ record }) => record.images.map(({ version }) => version).join(' '));
    return `${environment}: ${before} -> ${now}`;
  } catch (error) {
    // Expected failures have a code: docs/errors/README.md.
    if (isTagflowError(error, 'release-not-found')) return `${environment} has no release to go back to`;
    throw error;
  } finally {
    await tagflow.close();
  }
}
