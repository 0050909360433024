// Puts a version on an environment, and says how that ended.
import { type TagflowOptions, createTagflow } from 'tagflow';

export async function promote(options: TagflowOptions, environment: string, version: string): Promise<string> {
  const tagflow = await createTagflow(options);
  try {
    const outcome = await tagflow.promote(environment, { versions: { django: version }, reason: 'SHOP-7' });
    switch (outcome.kind) {
      case 'released':
        return `release ${outcome.record.sequence} of ${environment} is commit ${outcome.commit}`;
      case 'proposed':
        return `waits to be merged: ${outcome.pullRequest.url}`;
      case 'unchanged':
        return `${environment} has it already: release ${outcome.record.sequence}`;
      case 'refused':
        // A gate that refuses is a value, not an exception.
        return outcome.refusals.map(({ gate, text }) => `${gate}: ${text.what}`).join('\n');
      case 'planned':
        return 'nothing was done';
    }
  } finally {
    await tagflow.close();
  }
}
