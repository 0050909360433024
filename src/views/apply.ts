// What `apply` did, as a view.
import type { Applied } from '../engine/release/apply.ts';
import { shortDigest } from '../model/digest.ts';
import { problemShape, tagShape } from './shapes.ts';
import { type StyledText, type View, linesOf, styled, tableOf } from './view.ts';

/** Each environment's tags, and the result for each. */
export function applyView(applied: readonly Applied[]): View {
  const rows = applied.flatMap(rowsOf);
  return {
    data: {
      environments: applied.map(({ environment, head, record, tags, problem }) => ({
        environment,
        head,
        release: record?.sequence,
        tags: tags.map(tagShape),
        problem: problemShape(problem),
      })),
    },
    parts: [
      rows.length > 0
        ? tableOf(['ENV', 'IMAGE', 'TAG', { name: 'DIGEST', drop: 1 }, 'STATE'], rows)
        : linesOf('no environment has a release'),
    ],
  };
}

function rowsOf({ environment, record, tags, problem }: Applied): readonly (readonly StyledText[])[] {
  if (problem) return [[environment, '–', '–', '–', styled('red', 'not applied')]];
  if (!record) return [[environment, '–', '–', '–', 'no release yet']];
  return tags.map(({ image, tag, digest, status }) => [
    environment,
    image,
    tag,
    shortDigest(digest),
    status === 'failed' ? styled('red', status) : status,
  ]);
}
