// What a retag did, as a view.
import { describeSummary } from '../engine/release/copy.ts';
import type { retag } from '../engine/retag.ts';
import { type View, linesOf, styled } from './view.ts';

/** The copies that were made, and the tags that were put. */
export function tagView(done: Awaited<ReturnType<typeof retag>>): View {
  return {
    data: { ...done },
    parts: [
      linesOf(
        ...done.copies.map(({ to, ...summary }) => [
          styled('green', '✓'),
          ` ${to}: ${summary.manifests > 0 ? `copied ${describeSummary(summary)}` : 'has the image already'}`,
        ]),
        ...done.tags.map(({ repository, tag, changed, previous }) => {
          const was = changed && previous ? ` (was ${previous})` : '';
          return [styled('green', '✓'), ` ${repository}:${tag} ${changed ? '→' : 'is'} ${done.digest}${was}`];
        }),
      ),
    ],
  };
}
