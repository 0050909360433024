// The files that a command on one environment most likely reads, fetched together with the configuration, although only that says which
// it is: two requests fewer where things stand at their usual places. Nothing is concluded from it: whatever is read afterwards
// is asked for as if there had been no guess.
import { CONFIG_FILE } from '../../config/config.ts';
import type { LedgerReader } from '../../ledger/ledger.ts';
import { attempt } from '../../model/attempt.ts';
import type { BranchName, ObjectId } from '../../model/object-id.ts';
import { USUAL_ENVIRONMENTS, recordPath, signaturePath, usualFolder } from '../../model/pipeline.ts';

/** Of a folder with more files none is brought. */
const MOST_FILES = 64;

/** Where the branches are, and the head of the default one. */
interface Heads {
  readonly branches: ReadonlyMap<BranchName, ObjectId>;
  readonly trunk: ObjectId;
}

/**
 * Brings the configuration, and the records and manifests of an environment and of the one that it usually takes from, as the
 * heads of their branches have them. Of no other branch: what stands there is no concern of this environment.
 * Throws what reading a remote throws.
 */
export async function bringLikely(
  ledger: Pick<LedgerReader, 'bring' | 'known' | 'listFiles'>,
  { branches, trunk }: Heads,
  environment: string,
): Promise<void> {
  const upstream = USUAL_ENVIRONMENTS[USUAL_ENVIRONMENTS.indexOf(environment) - 1];
  const own = branches.get(environment as BranchName);
  const above = upstream === undefined ? trunk : branches.get(upstream as BranchName);
  const records = [environment, ...(upstream === undefined ? [] : [upstream])].flatMap((name) => recordsOf(name));
  // Where there are many branches, that of upstream did not come.
  const heads = await ledger.known([own, above].flatMap((head) => head ?? []));
  const parents = await ledger.known(heads.flatMap(({ parents: [first] }) => first ?? []));
  const files: { commit: ObjectId; paths: readonly string[] }[] = [];
  for (const { id } of heads) {
    files.push({ commit: id, paths: [...records, ...(await likelyManifests(ledger, id, environment))] });
  }
  const known = [
    { commit: trunk, paths: [CONFIG_FILE] },
    ...files,
    ...parents.map(({ id }) => ({ commit: id, paths: records })),
  ];
  await attempt(ledger.bring(known), 'tree-unsafe');
}

function recordsOf(name: string): readonly string[] {
  const line = { environment: name, application: undefined };
  return [recordPath(line), signaturePath(line)];
}

/** The manifests of an environment's usual folder, and of the folder beside it that kustomizations usually build on. */
async function likelyManifests(
  ledger: Pick<LedgerReader, 'listFiles'>,
  head: ObjectId,
  environment: string,
): Promise<readonly string[]> {
  const folders = [usualFolder(environment), usualFolder('base')];
  const found = await Promise.all(
    folders.map(async (folder) => (await attempt(ledger.listFiles(head, folder), 'tree-unsafe')).value ?? []),
  );
  return found.flatMap((files) => (files.length > MOST_FILES ? [] : files.map(({ path }) => path)));
}
