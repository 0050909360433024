// What `init` wrote or made, as a view.
import { type View, linesOf, styled } from './view.ts';

/** Files that were written into a checkout. */
export function draftView(
  written: readonly string[],
  { images, environments }: { readonly images: readonly string[]; readonly environments: readonly string[] },
): View {
  return {
    data: { written, images, environments, created: [] },
    parts: [
      linesOf(
        ...written.map((path) => [styled('green', '✓'), ` wrote ${path}`]),
        `images: ${images.join(', ')}   environments: ${environments.join(' → ')}`,
      ),
    ],
  };
}

/** Branches that were made, of those that were missing. */
export function branchesView(missing: readonly string[], created: readonly string[], at: string): View {
  return {
    data: { written: [], images: null, environments: null, created },
    parts: [
      linesOf(
        missing.length === 0
          ? 'every environment has its branch: nothing to do'
          : created.length === 0
            ? 'nothing was made'
            : [styled('green', '✓'), ` made ${created.join(', ')} at ${at}`],
      ),
    ],
  };
}
