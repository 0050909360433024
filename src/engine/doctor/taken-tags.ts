// Before the first release: per-release tags that are in the registry already.
import type { BranchName } from '../../model/object-id.ts';
import { repositoryIn, taggedIn } from '../../model/pipeline.ts';
import { configured, type Reading, type RegistryMaker } from '../context.ts';
import { readSnapshot } from '../read/snapshot.ts';
import type { Diagnosis } from './diagnosis.ts';
import { strangeReleaseTags } from './repository.ts';

/**
 * Returns what is to be said of per-release tags that are in the registry already, where an environment has no branch and so
 * no release: another pipeline or repository writes them. Registries that do not answer are left to `doctor`.
 */
export async function takenReleaseTags(
  given: Reading & RegistryMaker,
  missing: readonly BranchName[],
): Promise<readonly Diagnosis[]> {
  const snapshot = await readSnapshot(given);
  const {
    registries: { registryOf },
  } = configured(given, snapshot);
  const lines = [...snapshot.pipeline.lines.values()].filter(({ branch }) => missing.includes(branch));
  const places = lines.flatMap((line) =>
    taggedIn(line, [...line.images.values()]).map((image) => ({ line, repository: repositoryIn(line, image) })),
  );
  const uses = [...Map.groupBy(places, ({ repository }) => repository.name).values()].map((group) => ({
    repository: group[0]?.repository,
    newest: new Map(group.map(({ line }) => [line, 0])),
  }));
  const found = await Promise.all(
    uses.map(async ({ repository, newest }) =>
      repository ? strangeReleaseTags({ registryOf }, { repository, newest }) : [],
    ),
  );
  return found.flat().filter(({ severity }) => severity === 'warning');
}
