// tagflow hold: keep an image from environments.
import { EXIT } from '../../model/errors.ts';
import { defineCommand } from '../grammar/define.ts';
import { required, several, text } from '../arguments/options.ts';

export const hold = defineCommand({
  name: 'hold',
  summary: 'keep a version out of some environments, or out of all',
  description: [
    'Writes a hold to the journal. The hold is on the digest of the image, and no promotion brings that image to the environments you name, or to any environment if you name none. `tagflow lift` ends the hold. `--override held` lets one promotion through.',
  ],
  examples: [
    'tagflow hold django@V4.2 --reason "CVE-2026-1234"',
    'tagflow hold django@V4.2 prd --until 2d --reason "wait for the migration"',
  ],
  arguments: {
    image: required('image@version', 'IMAGE@VERSION, IMAGE@DIGEST, or a digest', { completion: 'version' }),
    environments: several('env', 'environments; every one when none is named', { completion: 'environment' }),
  },
  options: {
    until: text('--until <time>', 'when it ends by itself (a time, or 30m, 4h, 2d from now)'),
    reason: text('--reason <text>', 'why, for the journal', { variable: 'TAGFLOW_REASON' }),
  },
  async run(session, { image, environments, until, reason }) {
    const [{ requiredReason }, { untilFrom }, { hold: setHold }, { judgeProposals }, { writtenView }] =
      await Promise.all([
        import('../arguments/reason.ts'),
        import('../arguments/time.ts'),
        import('../../engine/journal/holds.ts'),
        import('../../engine/audit/proposals.ts'),
        import('../../views/journal.ts'),
      ]);
    const why = requiredReason(reason);
    const context = await session.context();
    const end = await untilFrom(until, context.clock.now());
    const written = await setHold(context, { image, environments, until: end, reason: why });
    await judgeProposals(context, written);
    session.print(writtenView(written.entries));
    return EXIT.ok;
  },
});
