// tagflow tag: the bare retag.
import { retag } from '../../engine/tag.ts';
import { EXIT } from '../../model/errors.ts';
import { type Run, text, texts } from '../command.ts';

export const run: Run = async (session, { args }) => {
  const done = await retag(await session.registries(), text(args[0]), texts(args[1]));
  session.print({
    data: { ...done },
    text: (paint) =>
      done.tags
        .map(({ tag, changed, previous }) => {
          const was = changed && previous ? ` (was ${previous})` : '';
          return `${paint('green', '✓')} ${done.repository}:${tag} ${changed ? '→' : 'is'} ${done.digest}${was}`;
        })
        .join('\n'),
  });
  return EXIT.ok;
};
