// tagflow show: one release, whole.
import { type Release, type ShowAt, show } from '../../engine/read/history.ts';
import { EXIT } from '../../model/errors.ts';
import { type Run, optional, text } from '../command.ts';
import type { Paint } from '../render/paint.ts';
import { releaseShape } from '../render/shapes.ts';
import { duration, moment, table } from '../render/table.ts';
import { parseInstant } from '../time.ts';

export const run: Run = async (session, { args, options }) => {
  const context = await session.context();
  const at = optional(options['at']);
  const number = options['release'];
  const when: ShowAt =
    at !== undefined
      ? { at: await parseInstant(at, context.clock.now()) }
      : typeof number === 'number'
        ? { release: number }
        : { now: true };
  const release = await show(context, text(args[0]), when);
  session.print({
    data: releaseShape(release),
    text: (paint) => describe(release, paint, context.clock.now()),
  });
  return EXIT.ok;
};

function describe({ record, commit, signer, since, until }: Release, paint: Paint, now: number): string {
  const { environment, sequence, source, gates, held } = record;
  const ran =
    until === undefined
      ? `runs since ${duration(now - since)}`
      : `ran ${duration(until - since)}, until ${moment(until)}`;
  const facts: [string, string | undefined][] = [
    ['since', `${moment(since)} (${ran})`],
    ['action', record.restored ? `rollback to release ${record.restored.sequence}` : record.action],
    ['by', record.onBehalfOf === undefined ? record.actor : `${record.actor} for ${record.onBehalfOf}`],
    ['why', record.reason],
    ['job', record.job],
    ['commit', commit],
    ['signed by', signer],
    ['configuration', `${source.environment ?? source.branch} at ${source.commit}`],
    ['plan', record.plan],
    [
      'rules',
      'commit' in record.config ? `tagflow.yaml at ${record.config.commit}` : `a --config file, ${record.config.file}`,
    ],
  ];
  return [
    paint('bold', `${environment} release ${sequence}`),
    table(
      ['IMAGE', 'VERSION', 'DIGEST', 'REPOSITORY'],
      record.images.map(({ name, version, digest, repository }) => [name, version, digest, repository]),
    ),
    ...facts.flatMap(([name, value]) => (value === undefined ? [] : [`${name.padEnd(14)}${value}`])),
    ...gates.map(({ gate, decision, reason }) => `${'gate'.padEnd(14)}${gate}: ${decision}: ${reason}`),
    ...held.map(
      ({ release, images }) =>
        `${'held'.padEnd(14)}release ${release}: ${images.map(({ name, version }) => `${name} ${version}`).join(', ') || 'its configuration'}`,
    ),
  ].join('\n');
}
