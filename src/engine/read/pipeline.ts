// The pipeline that a tagflow.yaml means at the commit that it was read from: which applications a pattern stands for is
// decided there, never at the head of an environment's branch, where a writer could invent some.
import { applicationFolders, parseConfig } from '../../config/config.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { BranchName, ObjectId } from '../../model/object-id.ts';
import type { Pipeline } from '../../model/pipeline.ts';

/** A configuration's text, and where it was read. */
export interface ConfigText {
  readonly text: string;
  /** The name to show in errors. */
  readonly file: string;
  /** The commit whose folders decide which applications there are. */
  readonly commit: ObjectId;
  readonly defaultBranch: BranchName;
}

/** The pipeline of a configuration. Asks for folders only where an application is a pattern. Throws `config-invalid`. */
export async function pipelineOf(
  ledger: Pick<Ledger, 'listFiles'>,
  { text, file, commit, defaultBranch }: ConfigText,
): Promise<Pipeline> {
  const folders = await Promise.all(applicationFolders(text).map(async (folder) => ledger.listFiles(commit, folder)));
  return parseConfig(text, file, { files: folders.flat().map(({ path }) => path), defaultBranch });
}
