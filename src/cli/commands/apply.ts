// tagflow apply: the CI step after a merge, and the scheduled repair.
import { type Applied, apply } from '../../engine/release/apply.ts';
import { shortDigest } from '../../model/digest.ts';
import { EXIT, TagflowError } from '../../model/errors.ts';
import { type Run, texts } from '../command.ts';
import { incomplete } from '../finish.ts';
import { failureOf, printFailures } from '../render/failure.ts';
import type { Paint } from '../render/paint.ts';
import { problemShape, tagShape } from '../render/shapes.ts';
import { type Cell, table } from '../render/table.ts';

export const run: Run = async (session, { args, options }) => {
  const names = texts(args[0]);
  if ((names.length === 0) !== (options['all'] === true)) {
    throw new TagflowError('usage', {
      what: names.length === 0 ? 'no environment was named' : 'environments were named together with --all',
      fix: 'tagflow apply prd, or every environment: tagflow apply --all',
    });
  }
  const applied = await apply(await session.context(), names);
  const failures = applied.flatMap(({ environment, head, tags, problem }) =>
    problem ? [failureOf(problem)] : incomplete(environment, head, tags),
  );
  session.print({
    data: {
      environments: applied.map(({ environment, head, record, tags, problem }) => ({
        environment,
        head,
        release: record?.sequence,
        tags: tags.map(tagShape),
        problem: problemShape(problem),
      })),
    },
    text: (paint) => {
      const rows = applied.flatMap((one) => rowsOf(one).map((row): Cell[] => colour(row, paint)));
      return rows.length > 0 ? table(['ENV', 'IMAGE', 'TAG', 'DIGEST', 'STATE'], rows) : 'no environment has a release';
    },
  });
  const [first] = failures;
  if (!first) return EXIT.ok;
  if (session.options.output !== 'json') printFailures(session.io, session.options, failures);
  return first.exit;
};

function rowsOf({ environment, record, tags, problem }: Applied): string[][] {
  if (problem) return [[environment, '–', '–', '–', 'not applied']];
  if (!record) return [[environment, '–', '–', '–', 'no release yet']];
  return tags.map(({ image, tag, digest, status }) => [environment, image, tag, shortDigest(digest), status]);
}

function colour(row: readonly string[], paint: Paint): Cell[] {
  return row.map((text, column) =>
    column === 4 && (text === 'failed' || text === 'not applied') ? { text, paint, style: 'red' } : text,
  );
}
