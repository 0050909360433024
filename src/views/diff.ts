// What promoting one environment to another would change, as a view.
import type { Difference } from '../engine/diff.ts';
import { shortId } from '../model/object-id.ts';
import { configurationParts, fileShape, renderedParts, renderingShape } from './configuration.ts';
import { time } from './shapes.ts';
import { sourceParts, sourcesShape } from './sources.ts';
import { type View, linesOf, tableOf } from './view.ts';
import { digestCell } from './words.ts';

/** Versions, commits and lines of configuration. */
export function diffView(difference: Difference): View {
  const { a, b, images, commits, files, rendered, sources } = difference;
  const rows = images.map(({ image, a: left, b: right }) => [
    image,
    left?.version ?? '–',
    right?.version ?? '–',
    left?.digest === right?.digest ? 'same' : `${digestCell(right?.digest)} → ${digestCell(left?.digest)}`,
  ]);
  return {
    data: {
      ...difference,
      commits: commits.map((commit) => ({ ...commit, time: time(commit.time) })),
      files: files.map(fileShape),
      ...(rendered && { rendered: rendered.map(renderingShape) }),
      sources: sourcesShape(sources),
    },
    parts: [
      tableOf(['IMAGE', a, b, `${b} → ${a}`], rows),
      ...sourceParts(sources),
      linesOf(
        '',
        commits.length === 0 ? `${b} has every commit of ${a}` : `commits of ${a} that ${b} lacks:`,
        ...commits.map(({ id, subject, author }) => `  ${shortId(id)} ${subject} (${author})`),
        '',
        files.length === 0 ? `configuration: promoting ${a} to ${b} changes no file` : 'configuration:',
      ),
      ...configurationParts(files),
      ...renderedParts(rendered),
    ],
  };
}

/** Whether promoting would change anything. */
export function differs({ images, commits, files }: Difference): boolean {
  return commits.length > 0 || files.length > 0 || images.some(({ a, b }) => a?.digest !== b?.digest);
}
