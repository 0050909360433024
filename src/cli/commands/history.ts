// tagflow history: releases, newest first.
import { type Release, history } from '../../engine/read/history.ts';
import { EXIT } from '../../model/errors.ts';
import { shortId } from '../../model/object-id.ts';
import { type Run, optional } from '../command.ts';
import { releaseShape, unverifiedShape } from '../render/shapes.ts';
import { duration, markdownTable, moment, table } from '../render/table.ts';
import { parseInstant } from '../time.ts';

const HEAD = ['#', 'ENV', 'WHEN', 'RAN', 'ACTION', 'IMAGES', 'BY', 'COMMIT', 'WHY'];

export const run: Run = async (session, { args, options }) => {
  const context = await session.context();
  const environment = optional(args[0]);
  const image = optional(options['image']);
  const since = optional(options['since']);
  const { releases, unverified } = await history(context, {
    limit: Number(options['limit']),
    ...(environment !== undefined && { environment }),
    ...(image !== undefined && { image }),
    ...(since !== undefined && { since: await parseInstant(since, context.clock.now()) }),
  });
  const rows = releases.map((release) => row(release, context.clock.now()));
  session.print({
    data: {
      releases: releases.map(releaseShape),
      unverified: unverified.map(unverifiedShape),
    },
    text: (paint) =>
      [
        releases.length > 0 ? table(HEAD, rows) : 'no release',
        ...unverified.map(
          ({ environment: name, commit, author, problem }) =>
            `${paint('yellow', 'unverified')}: ${shortId(commit)} on ${name} by ${author}: ${problem}`,
        ),
      ].join('\n'),
    markdown: () => markdownTable(HEAD, rows),
  });
  return EXIT.ok;
};

function row({ record, commit, since, until }: Release, now: number): string[] {
  return [
    String(record.sequence),
    record.environment,
    moment(since),
    until === undefined ? `${duration(now - since)} (runs)` : duration(until - since),
    record.action === 'rollback' ? `rollback to #${record.restored?.sequence ?? '?'}` : 'promote',
    record.images.map(({ name, version }) => `${name} ${version}`).join(', '),
    record.actor,
    shortId(commit),
    record.reason ?? '',
  ];
}
