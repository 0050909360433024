// tagflow history: releases, newest first.
import { EXIT } from '../../model/errors.ts';
import { count, defineCommand, optional, text, valueOr } from '../define.ts';

export const history = defineCommand({
  name: 'history',
  summary: 'list releases: what, when, by whom, why',
  description: ['Newest first. Commits that touch a record and are no release are listed as unverified.'],
  examples: ['tagflow history prd', 'tagflow history --image django --since 7d -o json'],
  arguments: { environment: optional('env', 'one environment', { completion: 'environment' }) },
  options: {
    image: text('--image <image>', 'only releases that changed this image', { completion: 'image' }),
    since: text('--since <time>', 'only releases since then (a time, or 7d, 12h)'),
    limit: valueOr('--limit <n>', 'maximum number of releases', count, 20),
  },
  async run(session, { environment, image, since, limit }) {
    const [engine, { parseInstant }, { historyView }] = await Promise.all([
      import('../../engine/read/history.ts'),
      import('../time.ts'),
      import('../../views/history.ts'),
    ]);
    const context = await session.context();
    const found = await engine.history(context, {
      limit,
      ...(environment !== undefined && { environment }),
      ...(image !== undefined && { image }),
      ...(since !== undefined && { since: await parseInstant(since, context.clock.now()) }),
    });
    session.print(historyView(found, context.clock.now()));
    return EXIT.ok;
  },
});
