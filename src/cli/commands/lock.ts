// tagflow lock: stop the line.
import { EXIT } from '../../model/errors.ts';
import { defineCommand } from '../grammar/define.ts';
import { flag, oneOrMore, text } from '../arguments/options.ts';

export const lock = defineCommand({
  name: 'lock',
  summary: 'stop promotions to an environment at once',
  description: [
    'Writes a lock to the journal, which is a branch of its own. The lock takes effect at once and needs no pull request. Nothing is promoted to the environment until `tagflow unlock`, or until the time given with `--until`. A lock cannot be overridden.',
    'Rollbacks still go through unless you add `--rollbacks`. In a repository with applications, name applications to lock only those.',
  ],
  examples: [
    'tagflow lock prd --reason "INC-412 database is full"',
    'tagflow lock prd --until 4h --reason "load test"',
  ],
  arguments: { words: oneOrMore('env', 'environments, and applications of them', { completion: 'line' }) },
  options: {
    rollbacks: flag('--rollbacks', 'stop rollbacks as well'),
    until: text('--until <time>', 'when it ends by itself (a time, or 30m, 4h, 2d from now)'),
    reason: text('--reason <text>', 'why, for the journal', { variable: 'TAGFLOW_REASON' }),
  },
  async run(session, { words, rollbacks, until, reason }) {
    const [{ requiredReason }, { untilFrom }, { lock: setLock }, { judgeProposals }, { writtenView }] =
      await Promise.all([
        import('../arguments/reason.ts'),
        import('../arguments/time.ts'),
        import('../../engine/journal/locks.ts'),
        import('../../engine/audit/proposals.ts'),
        import('../../views/journal.ts'),
      ]);
    const why = requiredReason(reason);
    const context = await session.context();
    const end = await untilFrom(until, context.clock.now());
    const written = await setLock(context, { words, rollbacks, until: end, reason: why });
    await judgeProposals(context, written);
    session.print(writtenView(written.entries));
    return EXIT.ok;
  },
});
