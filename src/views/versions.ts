// The versions of an image, as a view.
import type { ImageVersions } from '../engine/read/versions.ts';
import { type View, linesOf, styled, tableOf } from './view.ts';

/** A version a row, newest first, with the environments that run it; at most `limit`. */
export function versionsView({ image, repository, versions }: ImageVersions, limit: number): View {
  const shown = versions.slice(0, limit);
  const left = versions.length - shown.length;
  return {
    data: { image, repository, versions: shown, total: versions.length },
    parts: [
      shown.length > 0
        ? tableOf(
            ['VERSION', { name: 'RUNS IN', wraps: true }],
            shown.map(({ version, environments }) => [version, styled('green', environments.join(', '))]),
          )
        : linesOf(`no tag of ${repository} is a version of ${image}`),
      linesOf(...(left > 0 ? [`and ${left} older`] : [])),
    ],
  };
}
