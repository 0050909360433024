// tagflow unapprove: take an approval back.
import { EXIT } from '../../model/errors.ts';
import { defineCommand } from '../grammar/define.ts';
import { required, text } from '../arguments/options.ts';

export const unapprove = defineCommand({
  name: 'unapprove',
  summary: 'withdraw an approval',
  description: ['Withdraws an approval by its id, which `tagflow journal` lists.'],
  examples: ['tagflow unapprove 0a1b2c3d4e5f --reason "wrong ticket"'],
  arguments: { id: required('id', 'the id of the approval', { completion: 'approval' }) },
  options: { reason: text('--reason <text>', 'why, for the journal', { variable: 'TAGFLOW_REASON' }) },
  async run(session, { id, reason }) {
    const [{ recordReason }, engine, { judgeProposals }, { writtenView }] = await Promise.all([
      import('../arguments/reason.ts'),
      import('../../engine/journal/approvals.ts'),
      import('../../engine/audit/proposals.ts'),
      import('../../views/journal.ts'),
    ]);
    const context = await session.context();
    const written = await engine.unapprove(context, id, recordReason(reason));
    await judgeProposals(context, written);
    session.print(writtenView(written.entries));
    return EXIT.ok;
  },
});
