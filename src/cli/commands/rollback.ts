// tagflow rollback.
import { lineName } from '../../model/pipeline.ts';
import { defineCommand } from '../grammar/define.ts';
import { flag, list, optional, required, text } from '../arguments/options.ts';

export const rollback = defineCommand({
  name: 'rollback',
  summary: 'restore an earlier release, images and configuration',
  description: [
    'Makes a new release that restores the images of an earlier release and the configuration that they ran with. Paths under `keep:` stay as they are. The release that you leave is put on hold. Releases on hold are skipped; to restore one, name it with `--to` and pass `--override held` and a reason, which also lifts the hold. If another release comes first, the rollback ends with exit code 5 and is not tried again.',
  ],
  examples: [
    'tagflow rollback prd',
    'tagflow rollback prd shop',
    'tagflow rollback prd --reason "INC-412 checkout 500s"',
    'tagflow rollback prd --to V4.0',
    "tagflow rollback prd --to '#7' --images-only",
    'tagflow rollback prd --to V4.2 --override held --reason "INC-412 was the load balancer"',
    'tagflow rollback prd --plan-out plan.json',
    'tagflow rollback prd --plan plan.json',
  ],
  arguments: {
    environment: required('env', 'the environment', { completion: 'environment' }),
    application: optional('application', 'the application, where there are several', { completion: 'application' }),
  },
  options: {
    to: text('--to <version|#sequence>', 'an earlier release, instead of the previous distinct one', {
      completion: 'release',
    }),
    reason: text('--reason <text>', 'why, for the record', { variable: 'TAGFLOW_REASON' }),
    override: list('--override <gate>', 'roll back although this gate, held, refuses; needs --reason', {
      completion: 'gate',
    }),
    unhold: flag('--unhold', 'the same as --override held'),
    imagesOnly: flag('--images-only', 'leave the configuration as it is'),
    dryRun: flag('--dry-run', 'print the plan, change nothing'),
    planOut: text('--plan-out <file>', 'save the plan, change nothing', { completion: 'file' }),
    plan: text('--plan <file>', 'do exactly this plan, or refuse', { completion: 'file' }),
  },
  async run(session, input, line) {
    const { environment, application, to, imagesOnly, dryRun, plan, planOut } = input;
    const [{ rollbackOverrides }, { recordReason }, { requireAlone, runRelease }] = await Promise.all([
      import('../arguments/overrides.ts'),
      import('../arguments/reason.ts'),
      import('../release/run-release.ts'),
    ]);
    if (plan !== undefined) requireAlone(environment, undefined, ASKING, line);
    const named = lineName(environment, application);
    return runRelease(session, { line: named, plan, planOut, dryRun, retry: true }, () => {
      const reason = recordReason(input.reason);
      const overrides = rollbackOverrides(input);
      return {
        kind: 'rollback',
        environment: named,
        ...(to !== undefined && { to }),
        ...(imagesOnly && { imagesOnly: true }),
        ...(reason !== undefined && { reason }),
        ...(overrides.length > 0 && { overrides }),
      };
    });
  },
});

/** Options that ask for something; a plan was asked for already. */
const ASKING = {
  to: '--to',
  reason: '--reason',
  override: '--override',
  unhold: '--unhold',
  imagesOnly: '--images-only',
  planOut: '--plan-out',
};
