// tagflow unlock: let the line go on.
import { EXIT } from '../../model/errors.ts';
import { defineCommand } from '../grammar/define.ts';
import { oneOrMore, text } from '../arguments/options.ts';

export const unlock = defineCommand({
  name: 'unlock',
  summary: 'remove every lock from an environment',
  description: ['Ends each open lock with a new entry in the journal. Entries of the journal are never deleted.'],
  examples: ['tagflow unlock prd --reason "INC-412 is over"'],
  arguments: { words: oneOrMore('env', 'environments, and applications of them', { completion: 'line' }) },
  options: { reason: text('--reason <text>', 'why, for the journal', { variable: 'TAGFLOW_REASON' }) },
  async run(session, { words, reason }) {
    const [{ recordReason }, { unlock: takeOff }, { writtenView }] = await Promise.all([
      import('../arguments/reason.ts'),
      import('../../engine/journal/locks.ts'),
      import('../../views/journal.ts'),
    ]);
    session.print(writtenView(await takeOff(await session.context(), words, recordReason(reason))));
    return EXIT.ok;
  },
});
