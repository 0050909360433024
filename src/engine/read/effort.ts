// How much work comparing texts may take. Comparing two versions costs the square of the lines by which they differ, and a
// writer to a branch can put any number of commits there: what judges one line shares one effort.

/** Maximum number of lines by which two versions may differ and still be compared. */
const MOST_EDITS = 1_500;

/** The work of four comparisons of the largest kind, or of thousands of usual ones: a second, about. */
const MOST_WORK = 4 * MOST_EDITS ** 2;

/** Work that is left for comparing texts. What finds none left is not compared, and counts as different. */
export class Effort {
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
