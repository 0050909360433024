// tagflow lift: end a hold.
import { EXIT } from '../../model/errors.ts';
import { defineCommand } from '../grammar/define.ts';
import { required, several, text } from '../arguments/options.ts';

export const lift = defineCommand({
  name: 'lift',
  summary: 'end a hold that `tagflow hold` set',
  description: [
    'Takes the image, or the id of the hold as `tagflow journal` lists it. A hold on every environment can be lifted for some environments only.',
    'The hold that a rollback leaves ends when a promotion brings the image back: `tagflow promote ENV --override held`.',
  ],
  examples: ['tagflow lift django@V4.2', 'tagflow lift 0a1b2c3d4e5f prd --reason "the migration is done"'],
  arguments: {
    what: required('id|image@version', 'the id of the hold, or the image', { completion: 'hold' }),
    environments: several('env', 'only for these environments', { completion: 'environment' }),
  },
  options: { reason: text('--reason <text>', 'why, for the journal', { variable: 'TAGFLOW_REASON' }) },
  async run(session, { what, environments, reason }) {
    const [{ recordReason }, { lift: endHold }, { writtenView }] = await Promise.all([
      import('../arguments/reason.ts'),
      import('../../engine/journal/holds.ts'),
      import('../../views/journal.ts'),
    ]);
    session.print(writtenView(await endHold(await session.context(), what, environments, recordReason(reason))));
    return EXIT.ok;
  },
});
