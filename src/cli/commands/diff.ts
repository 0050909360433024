// tagflow diff: what promoting A to B would change.
import { type Difference, diff } from '../../engine/diff.ts';
import { EXIT } from '../../model/errors.ts';
import { shortId } from '../../model/object-id.ts';
import { plain } from '../../model/text.ts';
import { type Run, text } from '../command.ts';
import type { Paint } from '../render/paint.ts';
import { time } from '../render/shapes.ts';
import { digestCell, table } from '../render/table.ts';

export const run: Run = async (session, { args, options }) => {
  const difference = await diff(await session.context(), text(args[0]), text(args[1]));
  session.print({
    data: { ...difference, commits: difference.commits.map((commit) => ({ ...commit, time: time(commit.time) })) },
    text: (paint) => describe(difference, paint),
  });
  return differs(difference) && options['exitCode'] === true ? EXIT.difference : EXIT.ok;
};

function differs({ images, commits, files }: Difference): boolean {
  return commits.length > 0 || files.length > 0 || images.some(({ a, b }) => a?.digest !== b?.digest);
}

function describe({ a, b, images, commits, files }: Difference, paint: Paint): string {
  const rows = images.map(({ image, a: left, b: right }) => [
    image,
    left?.version ?? '–',
    right?.version ?? '–',
    left?.digest === right?.digest ? 'same' : `${digestCell(right?.digest)} → ${digestCell(left?.digest)}`,
  ]);
  return [
    table(['IMAGE', a, b, `${b} → ${a}`], rows),
    '',
    commits.length === 0 ? `${b} has every commit of ${a}` : `commits of ${a} that ${b} lacks:`,
    ...commits.map(({ id, subject, author }) => `  ${shortId(id)} ${subject} (${author})`),
    '',
    files.length === 0 ? `configuration: promoting ${a} to ${b} changes no file` : 'configuration:',
    ...files.flatMap(({ patch }) => patchLines(patch, paint)),
  ].join('\n');
}

function patchLines(patch: string, paint: Paint): string[] {
  return patch
    .split('\n')
    .filter((line) => !line.startsWith('=====') && line !== '')
    .map((line) => {
      const safe = `  ${plain(line)}`;
      return line.startsWith('+') ? paint('green', safe) : line.startsWith('-') ? paint('red', safe) : safe;
    });
}
