// tagflow history: releases, newest first.
import type { EnvironmentProblem } from '../../engine/read/problem.ts';
import { EXIT } from '../../model/errors.ts';
import { count, defineCommand, optional, several, text, valueOr } from '../define.ts';

export const history = defineCommand({
  name: 'history',
  summary: 'list releases: what, when, by whom, why',
  description: [
    'Lists releases, newest first, with what each changed. Commits that touch a record and are no release are listed as unverified.',
  ],
  examples: [
    'tagflow history prd',
    'tagflow history --image django --since 7d -o json',
    'tagflow history prd --since 2026-11-01 --until 2026-11-30 -o csv',
    'tagflow history --by ana',
  ],
  arguments: {
    environment: optional('env', 'one environment', { completion: 'environment' }),
    applications: several('application', 'applications of it, or patterns of them; default: all'),
  },
  options: {
    image: text('--image <image>', 'only releases that changed this image', { completion: 'image' }),
    since: text('--since <time>', 'only releases since then (a time, or 7d, 12h)'),
    until: text('--until <time>', 'only releases until then; a date covers its day'),
    by: text('--by <who>', 'only releases of this actor, person or signer'),
    limit: valueOr('--limit <n>', 'maximum number of releases', count, 20),
  },
  async run(session, { environment, applications, image, since, until, by, limit }) {
    const [engine, { parseMoment }, { historyView }, { failureOf }] = await Promise.all([
      import('../../engine/read/history.ts'),
      import('../time.ts'),
      import('../../views/history.ts'),
      import('../../views/failure.ts'),
    ]);
    const context = await session.context();
    const now = context.clock.now();
    const problems: EnvironmentProblem[] = [];
    const filter = {
      limit,
      ...(environment !== undefined && { environment, applications }),
      ...(image !== undefined && { image }),
      ...(since !== undefined && { since: (await parseMoment(since, now)).from }),
      ...(until !== undefined && { until: (await parseMoment(until, now)).until }),
      ...(by !== undefined && { by }),
    };
    session.print(historyView(await engine.history(context, filter, problems), now));
    const failed = problems.map(({ problem }) => failureOf(problem));
    if (failed.length > 0) session.fail(failed, 'table');
    return failed[0]?.exit ?? EXIT.ok;
  },
});
