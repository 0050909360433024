// tagflow tag: the bare retag, across repositories with a copy first.
import { describeSummary } from '../../engine/release/copy.ts';
import { retag } from '../../engine/tag.ts';
import { EXIT } from '../../model/errors.ts';
import { type Run, text, texts } from '../command.ts';

export const run: Run = async (session, { args }) => {
  const done = await retag(await session.registries(), text(args[0]), texts(args[1]));
  session.print({
    data: { ...done },
    text: (paint) =>
      [
        ...done.copies.map(
          ({ to, ...summary }) =>
            `${paint('green', '✓')} ${to}: ${summary.manifests > 0 ? `copied ${describeSummary(summary)}` : 'has the image already'}`,
        ),
        ...done.tags.map(({ repository, tag, changed, previous }) => {
          const was = changed && previous ? ` (was ${previous})` : '';
          return `${paint('green', '✓')} ${repository}:${tag} ${changed ? '→' : 'is'} ${done.digest}${was}`;
        }),
      ].join('\n'),
  });
  return EXIT.ok;
};
