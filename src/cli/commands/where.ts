// tagflow where: which environments have or had an image, from when to when.
import { where } from '../../engine/read/history.ts';
import { EXIT } from '../../model/errors.ts';
import { type Run, text } from '../command.ts';
import { time, timeOrNull } from '../render/shapes.ts';
import { digestCell, duration, moment, table } from '../render/table.ts';

export const run: Run = async (session, { args }) => {
  const context = await session.context();
  const spans = await where(context, text(args[0]));
  const now = context.clock.now();
  session.print({
    data: {
      spans: spans.map(({ from, until, ...span }) => ({
        ...span,
        from: time(from),
        until: timeOrNull(until),
      })),
    },
    text: () =>
      table(
        ['ENV', 'IMAGE', 'VERSION', 'DIGEST', 'FROM', 'UNTIL', 'FOR', 'RELEASES'],
        spans.map(({ environment, image, version, digest, from, until, releases: [first, last] }) => [
          environment,
          image,
          version,
          digestCell(digest),
          moment(from),
          until === undefined ? 'now' : moment(until),
          duration((until ?? now) - from),
          first === last ? `#${first}` : `#${first} to #${last}`,
        ]),
      ),
  });
  return EXIT.ok;
};
