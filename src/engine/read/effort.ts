// How much work comparing texts may take. Comparing two versions costs the square of the lines by which they differ, and a
// writer to a branch can put any number of commits there: what judges one line shares one effort.

import type { LedgerReader } from '../../ledger/ledger.ts';
import { attempt } from '../../model/attempt.ts';
import type { ObjectId } from '../../model/object-id.ts';

/** Maximum number of lines by which two versions may differ and still be compared. */
const MOST_EDITS = 1_500;

/** The work of four comparisons of the largest kind, or of thousands of usual ones: a second, about. */
const MOST_WORK = 4 * MOST_EDITS ** 2;

/** Files in which changes are looked for elsewhere: a second and a half, about. */
const MOST_FILES = 20_000;

/** Files that lists of what commits changed may have together. */
const MOST_LISTED = 100_000;

/** Work that is left for comparing. What finds none left is not compared, and counts as different. */
export class Effort {
  #files = MOST_FILES;
  #listed = MOST_LISTED;
  readonly #lists = new Map<string, readonly string[] | undefined>();

  /** Takes the files of a change; false when there are more than are left. */
  takes(files: number): boolean {
    if (files > this.#files) return false;
    this.#files -= files;
    return true;
  }

  /** Returns the files that differ between two commits; undefined for a tree that is not read, and where lists are too long by now. */
  async changedPaths(
    ledger: Pick<LedgerReader, 'changedPaths'>,
    from: ObjectId,
    to: ObjectId,
  ): Promise<readonly string[] | undefined> {
    const key = `${from} ${to}`;
    if (this.#lists.has(key)) return this.#lists.get(key);
    if (this.#listed <= 0) return undefined;
    const { value } = await attempt(ledger.changedPaths(from, to), 'tree-unsafe');
    this.#listed -= value?.length ?? 0;
    this.#lists.set(key, value);
    return value;
  }

  #left: number = MOST_WORK;

  /** Returns how many lines two versions may differ by to be compared now. */
  get edits(): number {
    return Math.min(MOST_EDITS, Math.floor(Math.sqrt(Math.max(0, this.#left))));
  }

  /** Takes what a comparison cost that found this many lines removed or added. */
  spend(edits: number): void {
    this.#left -= edits ** 2;
  }
}
