// tagflow rollback.
import { rollback } from '../../engine/release/rollback.ts';
import { type Run, optional, text } from '../command.ts';
import { recordReason } from '../arguments.ts';
import { finish } from '../finish.ts';

export const run: Run = async (session, { args, options }) => {
  const reason = recordReason(optional(options['reason']));
  const to = optional(options['to']);
  const request = {
    kind: 'rollback',
    environment: text(args[0]),
    ...(to !== undefined && { to }),
    ...(options['imagesOnly'] === true && { imagesOnly: true }),
    ...(reason !== undefined && { reason }),
  } as const;
  session.facts.releases(request.environment);
  return finish(session, await rollback(await session.context(), request, { dryRun: options['dryRun'] === true }));
};
