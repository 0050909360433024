// What each commit of a branch did to files, according to `git log`: one process for the whole history, one commit in memory at a time.
import { type ReadBounds, raiseBound, spellBound } from '../model/bounds.ts';
import { TagflowError } from '../model/errors.ts';
import { type ObjectId, isObjectId } from '../model/object-id.ts';
import { historyFailed } from './history.ts';
import type { CommitChanges, PathEffect } from './ledger.ts';
import { type PlumbingOptions, forWalks, streamGit } from './plumbing.ts';

/** Which commits are described, and who takes that. */
export interface ChangesAsk {
  readonly head: ObjectId;
  /** Where to end: this commit and what is below it are left out. */
  readonly below?: ObjectId | undefined;
  readonly take: (changes: CommitChanges) => void;
}

/** Tells what each commit of a head's first-parent history did, newest first. Throws `tree-unsafe` for more than the bounds allow. */
export async function tellChanges(git: PlumbingOptions, { head, below, take }: ChangesAsk): Promise<void> {
  const log = new ChangesReader(git.bounds, take);
  const format = ['-m', '--root', '--raw', '--no-renames', '--no-abbrev', '-z', '--format=%H %P'];
  const input = Buffer.from(below ? `${head}\n^${below}\n` : `${head}\n`);
  const args = ['log', '--first-parent', ...format, '--stdin'];
  const { exitCode, stderr, ended } = await streamGit(forWalks(git), args, { input, take: (chunk) => log.take(chunk) });
  if (ended) throw tooLong(git.bounds);
  if (exitCode !== 0) throw historyFailed('log', stderr);
  log.end();
}

/** Reads `git log -z --raw --format='%H %P'`: ids, then `:mode mode id id letter` and a path for each file. */
class ChangesReader {
  readonly #bounds: ReadBounds;
  readonly #give: ChangesAsk['take'];
  #length = 0;
  #rest = '';
  #commit: Pick<CommitChanges, 'commit' | 'parents'> | undefined;
  #files: PathEffect[] = [];
  #effect: PathEffect['effect'] | undefined;

  constructor(bounds: ReadBounds, take: ChangesAsk['take']) {
    this.#bounds = bounds;
    this.#give = take;
  }

  /** Takes what Git prints. False: it is more than is read. */
  take(chunk: Buffer): boolean {
    this.#length += chunk.length;
    const tokens = (this.#rest + chunk.toString('latin1')).split('\0');
    this.#rest = tokens.pop() ?? '';
    for (const token of tokens) this.#token(token);
    return this.#length <= this.#bounds.records && this.#files.length <= this.#bounds.files;
  }

  /** Takes what stands after the last separator. */
  end(): void {
    this.#token(this.#rest);
    this.#settle();
  }

  #token(token: string): void {
    if (this.#effect !== undefined) {
      // Names of files are bytes.
      this.#files.push({ path: Buffer.from(token, 'latin1').toString(), effect: this.#effect });
      this.#effect = undefined;
      return;
    }
    const line = token.replace(/^\n+/, '');
    if (line.startsWith(':')) this.#effect = effectOf(line);
    // A copy: a part of what Git printed would keep all of it in memory.
    else this.#begin(Buffer.from(line, 'latin1').toString('latin1').split(' ').filter(isObjectId));
  }

  #begin([commit, ...parents]: readonly ObjectId[]): void {
    if (!commit) return;
    this.#settle();
    this.#commit = { commit, parents };
  }

  #settle(): void {
    if (this.#commit) this.#give({ ...this.#commit, files: this.#files });
    this.#commit = undefined;
    this.#files = [];
  }
}

/** What a line such as `:000000 100644 … A` says. */
function effectOf(line: string): PathEffect['effect'] {
  const [before, after] = line.slice(1).split(' ');
  if (Number(before) === 0) return 'added';
  return Number(after) === 0 ? 'removed' : 'changed';
}

function tooLong(bounds: ReadBounds): TagflowError {
  return new TagflowError('tree-unsafe', {
    what: 'a history is not read to its end',
    why: `the list of what its commits changed is longer than ${spellBound(bounds, 'records')}, or one of them changed more than ${spellBound(bounds, 'files')}`,
    fix: `look at who pushes to this branch, and protect it; ${raiseBound('records', 'there really is that much')}`,
    details: { limit: 'records', most: bounds.records },
  });
}
