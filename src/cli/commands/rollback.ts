// tagflow rollback.
import { defineCommand, flag, required, text } from '../define.ts';

export const rollback = defineCommand({
  name: 'rollback',
  summary: 'restore the previous release, images and configuration',
  description: [
    'Makes a new release that restores an earlier one: its images, and the configuration they ran with. Paths under `keep:` stay as they are. The release that was left is put on hold. A rollback that loses a race ends with exit code 5 and does not try again.',
  ],
  examples: [
    'tagflow rollback prd',
    'tagflow rollback prd --reason "INC-412 checkout 500s"',
    'tagflow rollback prd --to V4.0',
    "tagflow rollback prd --to '#7' --images-only",
  ],
  arguments: { environment: required('env', 'the environment', { completion: 'environment' }) },
  options: {
    to: text('--to <version|#sequence>', 'an earlier release, instead of the previous distinct one', {
      completion: 'release',
    }),
    reason: text('--reason <text>', 'why, for the record', { variable: 'TAGFLOW_REASON' }),
    imagesOnly: flag('--images-only', 'leave the configuration as it is'),
    dryRun: flag('--dry-run', 'print the plan, change nothing'),
  },
  async run(session, { environment, to, reason, imagesOnly, dryRun }) {
    const [{ recordReason }, engine, { finish }] = await Promise.all([
      import('../arguments.ts'),
      import('../../engine/release/rollback.ts'),
      import('../finish.ts'),
    ]);
    const why = recordReason(reason);
    const request = {
      kind: 'rollback',
      environment,
      ...(to !== undefined && { to }),
      ...(imagesOnly && { imagesOnly: true }),
      ...(why !== undefined && { reason: why }),
    } as const;
    session.facts.releases(environment);
    return finish(session, await engine.rollback(await session.context(), request, { dryRun }));
  },
});
