// tagflow approve: consent to a release before it is made.
import { EXIT } from '../../model/errors.ts';
import { defineCommand } from '../grammar/define.ts';
import { required, several, text } from '../arguments/options.ts';

export const approve = defineCommand({
  name: 'approve',
  summary: 'approve the release that a promotion would make now',
  description: [
    'Writes a signed approval to the journal, for an environment with `gates.approvals`. The approval is bound to the images, the configuration and the rules, and becomes void if one of them changes. The person who releases cannot be one of the approvers.',
    'Name the same versions as the promotion will, or give the plan that `tagflow promote --plan-out` wrote: exactly that plan is approved, or nothing.',
  ],
  examples: [
    'tagflow approve prd',
    'tagflow approve prd shop',
    'tagflow approve prd django=V4.2 --reason "tested by hand"',
    'tagflow approve prd --plan plan.json',
  ],
  arguments: {
    environment: required('env', 'the environment', { completion: 'environment' }),
    pairs: several('application|image=version', 'the application, and the versions that the promotion names', {
      completion: 'pair',
    }),
  },
  options: {
    from: text('--from <env>', 'the environment that the promotion takes from', { completion: 'environment' }),
    plan: text('--plan <file>', 'the plan of the release', { completion: 'file' }),
    reason: text('--reason <text>', 'why, for the journal', { variable: 'TAGFLOW_REASON' }),
  },
  async run(session, { environment, pairs, from, plan: file, reason }) {
    const [{ recordReason }, { lineRequest }, { promotionIn }, engine, { writtenView }] = await Promise.all([
      import('../arguments/reason.ts'),
      import('../arguments/lines.ts'),
      import('../release/plan-file.ts'),
      import('../../engine/journal/approvals.ts'),
      import('../../views/journal.ts'),
    ]);
    const of = from === undefined ? {} : { from };
    const { request, plan } =
      file === undefined
        ? { request: { kind: 'promote', ...lineRequest(environment, pairs), ...of } as const, plan: undefined }
        : await promotionIn(session, file, environment, [...pairs, ...(from === undefined ? [] : [`--from=${from}`])]);
    const { entry } = await engine.approve(await session.context(), request, { reason: recordReason(reason), plan });
    session.print(writtenView([entry]));
    return EXIT.ok;
  },
});
