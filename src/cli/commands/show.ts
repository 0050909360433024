// tagflow show: one release in full.
import type { Reading } from '../../engine/context.ts';
import type { FoundSpan } from '../../engine/read/found-changes.ts';
import type { ShowAt } from '../../engine/read/history.ts';
import { attempt } from '../../model/attempt.ts';
import type { Instant } from '../../model/effects.ts';
import { EXIT } from '../../model/errors.ts';
import { lineName } from '../../model/pipeline.ts';
import { defineCommand } from '../grammar/define.ts';
import { count, flag, optional, required, text, value } from '../arguments/options.ts';

export const show = defineCommand({
  name: 'show',
  summary: 'show one release in full',
  description: [
    'Shows the release that runs now, or the one that ran at a given time. A time is ISO 8601 with an offset, a local time with the name of its zone, a date, or an age (`45min`, `12h`, `7d`). A time without a zone is in UTC. A date covers the whole day. A time in the future is refused.',
  ],
  examples: [
    'tagflow show prd',
    'tagflow show prd --release 7',
    'tagflow show prd --at "2026-03-14 18:00 Europe/Paris"',
    'tagflow show prd --at 2024-01-01 --found',
  ],
  arguments: {
    environment: required('env', 'the environment', { completion: 'environment' }),
    application: optional('application', 'the application, where there are several', { completion: 'application' }),
  },
  options: {
    at: text('--at <time>', 'show what ran at that time: "2026-03-14 18:00 Europe/Paris"', { conflicts: ['release'] }),
    found: flag('--found', 'with --at: if no release ran yet, show what ordinary commits pinned', {
      conflicts: ['release'],
    }),
    release: value('--release <n>', 'the release of this number', count, { completion: 'release' }),
  },
  async run(session, { environment, application, at, release, found }) {
    const [engine, { parsePast }, { showView }] = await Promise.all([
      import('../../engine/read/history.ts'),
      import('../arguments/time.ts'),
      import('../../views/show.ts'),
    ]);
    const context = await session.context();
    const now = context.clock.now();
    const moment = at === undefined ? undefined : await parsePast(at, now);
    const when: ShowAt = moment !== undefined ? { at: moment } : release !== undefined ? { release } : { now: true };
    const line = lineName(environment, application);
    const { value: shown, problem } = await attempt(engine.show(context, line, when), 'release-not-found');
    if (shown) session.print(showView(shown, now, moment));
    else {
      const pins = found && moment !== undefined ? await pinnedAt(context, { environment, application }, moment) : [];
      if (pins.length === 0) throw problem;
      const { whereView } = await import('../../views/where.ts');
      session.print(whereView([], now, pins));
    }
    return EXIT.ok;
  },
});

/** What ordinary commits had pinned at a moment. */
async function pinnedAt(
  context: Reading,
  { environment, application }: { readonly environment: string; readonly application: string | undefined },
  at: Instant,
): Promise<readonly FoundSpan[]> {
  const { foundSpans } = await import('../../engine/read/found-changes.ts');
  const spans = await foundSpans(context, [environment, ...(application === undefined ? [] : [application])]);
  return spans.filter(({ from, until }) => from <= at && (until === undefined || until > at));
}
