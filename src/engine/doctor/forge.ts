// The forge under examination, where releases go by pull requests: whether it is known, and allows opening any.
import type { Environment } from '../../model/pipeline.ts';
import type { Outside } from '../context.ts';
import { type Diagnosis, diagnosisOf } from './diagnosis.ts';
import { forgeOf } from '../release/pull-request.ts';
import type { Snapshot } from '../read/snapshot.ts';
import { attempt } from '../../model/attempt.ts';

/** What is to be said of the forge: nothing where no environment needs one. */
export async function examineForge(
  context: Outside,
  snapshot: Snapshot,
  environments: readonly Environment[],
): Promise<readonly Diagnosis[]> {
  if (!environments.some(({ pullRequest }) => pullRequest)) return [];
  const [check, subject] = ['forge', 'forge'];
  const asked = await attempt(async () => {
    const forge = await forgeOf(context, snapshot);
    return { term: forge.term, permission: await forge.mayOpen() };
  });
  if (asked.problem) return [diagnosisOf(asked.problem, check, subject)];
  const { term, permission } = asked.value;
  const { granted, how: why } = permission;
  if (granted === 'yes') return [{ severity: 'ok', check, subject, what: `the forge allows opening ${term}s`, why }];
  const what =
    granted === 'no' ? `the forge denies opening ${term}s` : `cannot tell whether the forge allows opening ${term}s`;
  const fix = `give TAGFLOW_FORGE_TOKEN a token that may open ${term}s in this repository`;
  return [{ severity: granted === 'no' ? 'error' : 'warning', check, subject, what, why, fix }];
}
