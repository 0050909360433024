// A commit made from a draft, in the object database alone: there is no work tree and no index.
// Repetition: the same unsigned draft gives the same commit, and making it again changes nothing.
import type { ObjectId } from '../model/object-id.ts';
import type { CommitDraft } from './ledger.ts';
import { algorithmOf, formatCommit, makeObject, withSignature } from './object.ts';
import type { ObjectCache } from './object-cache.ts';
import { encodePack } from './pack.ts';
import { type PlumbingOptions, runGit } from './plumbing.ts';
import { type OwnRepository, storageFailed } from './repository.ts';
import { editTree } from './tree.ts';

/** What commits are made with. */
export interface ProposalParts {
  readonly git: PlumbingOptions;
  readonly objects: ObjectCache;
  readonly repository: OwnRepository;
}

/** The commit of a draft, stored. Throws `tree-unsafe`, `storage-failed`, and what signing throws. */
export async function storeCommit(
  { git, objects, repository }: ProposalParts,
  { base, clear, parents, author, time, message, edits, sign }: CommitDraft,
): Promise<ObjectId> {
  const algorithm = algorithmOf(base);
  const root = clear ? undefined : (await objects.commit(base)).tree;
  const tree = await editTree(objects.readTrees, root, edits, algorithm);
  const unsigned = formatCommit({ tree: tree.id, parents, author, time, message });
  const content = sign ? withSignature(unsigned, await sign(unsigned), algorithm) : unsigned;
  const commit = makeObject('commit', content, algorithm);
  // All from one stream. Git computes each name again, so a slip of ours would show right below.
  const made = [...tree.objects, commit];
  const { exitCode, stderr } = await runGit(git, storing(made.length), encodePack(made, algorithm));
  if (exitCode !== 0) {
    await repository.probe();
    throw storageFailed(repository.folder, stderr.trim());
  }
  return (await objects.commit(commit.id)).id;
}

/** As many objects as Git itself unpacks of a push (`transfer.unpackLimit`); more of them stay the pack that they came in. */
const MOST_LOOSE = 100;

/** What stores a pack of a number of objects: each one as a file of its own, or all in one. */
function storing(count: number): readonly string[] {
  return count > MOST_LOOSE ? ['index-pack', '--stdin'] : ['unpack-objects', '-q'];
}
