// tagflow.yaml of a commit. Anybody who can push to the trunk can make it arbitrarily long.
import { CONFIG_FILE, LONGEST_CONFIG } from '../../config/config.ts';
import type { LedgerReader } from '../../ledger/ledger.ts';
import type { ObjectId } from '../../model/object-id.ts';

/**
 * Returns the text of a commit's tagflow.yaml; undefined where it has none. One that is longer than is accepted is not read:
 * what stands for it is too long as well.
 */
export async function readConfigText(ledger: LedgerReader, commit: ObjectId): Promise<string | undefined> {
  const content = (await ledger.readFiles(commit, [CONFIG_FILE], LONGEST_CONFIG)).get(CONFIG_FILE);
  return content && new TextDecoder().decode(content);
}
