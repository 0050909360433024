// Lists that come page by page, each page with a token for the next.
import type { TagflowError } from '../model/errors.ts';

/** Nobody has had a tenth of two million entries in one list. */
const MOST_PAGES = 2000;

/**
 * Reads page after page; false when there is nothing to list. `read` is given the page's token, empty for the first, and
 * gives the next one's, empty after the last, or undefined when there is no list. Throws what `unusable` makes of a list that
 * never ends.
 */
export async function readPages(
  read: (token: string) => Promise<string | undefined>,
  unusable: (why: string) => TagflowError,
): Promise<boolean> {
  const seen = new Set<string>();
  for (let token = ''; ;) {
    const next = await read(token);
    if (next === undefined) return false;
    if (next === '') return true;
    if (seen.has(next)) throw unusable('the list links back to a page that was already read');
    if (seen.size >= MOST_PAGES) throw unusable(`the list has more than ${MOST_PAGES} pages`);
    seen.add(next);
    token = next;
  }
}
