// tagflow journal: what was locked, held and approved, and by whom.
import { EXIT } from '../../model/errors.ts';
import { lineName } from '../../model/pipeline.ts';
import { defineCommand } from '../grammar/define.ts';
import { count, flag, optional, text, valueOr } from '../arguments/options.ts';

export const journal = defineCommand({
  name: 'journal',
  summary: 'list locks, holds and approvals: what, when, by whom, why',
  description: [
    'Lists entries, newest first, with the ids that `lift` and `unapprove` take. `--restart` begins the journal again after entries were lost. Until then, promotions that relied on the lost entries are refused.',
  ],
  examples: ['tagflow journal', 'tagflow journal prd --limit 5 -o json', 'tagflow journal prd shop'],
  arguments: {
    environment: optional('env', 'only entries about this environment', { completion: 'environment' }),
    application: optional('application', 'only entries about this application of it', { completion: 'line' }),
  },
  options: {
    limit: valueOr('--limit <n>', 'maximum number of entries', count, { preset: 20 }),
    restart: flag('--restart', 'begin again after entries were lost; needs --reason'),
    reason: text('--reason <text>', 'why, with --restart', { variable: 'TAGFLOW_REASON' }),
  },
  async run(session, { environment, application, limit, restart, reason }) {
    const [{ requiredReason }, engine, views] = await Promise.all([
      import('../arguments/reason.ts'),
      import('../../engine/journal/list.ts'),
      import('../../views/journal.ts'),
    ]);
    if (restart) {
      const why = requiredReason(reason);
      session.print(views.writtenView([await engine.restartJournal(await session.context(), why)]));
      return EXIT.ok;
    }
    const about = environment === undefined ? undefined : lineName(environment, application);
    session.print(views.journalView(await engine.listJournal(await session.context(), about, limit)));
    return EXIT.ok;
  },
});
