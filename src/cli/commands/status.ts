// tagflow status: what runs where.
import { EXIT } from '../../model/errors.ts';
import { defineCommand } from '../define.ts';
import { flag, several, text } from '../options.ts';

export const status = defineCommand({
  name: 'status',
  summary: 'show what runs where: branch and registry side by side, drift, what waits',
  description: [
    'Shows each environment with its images. `BRANCH`: whether the manifests on the branch pin what the record says. `REGISTRY`: whether the target tag names it. `✓ in sync`, `✗` drift or absent, `✗ unapplied` when the release is committed and not all of its tags were put, `–` where `tags: false` says that none is put, `? unknown` when it could not be read. Below the table: each of these with the command that mends it, what waits upstream, and holds.',
    '`--live` adds the column `LIVE`: what the sources under `live` of each environment say runs now. `✗ V4.0` runs where another version was released, `✗ not live` where nothing runs or the deploy failed, `–` where no source speaks of the image. Nothing is asked without `--live`; programs and hosts beyond this machine need `TAGFLOW_RUN=1`.',
  ],
  examples: [
    'tagflow status',
    'tagflow status prd --exit-code',
    'tagflow status --live',
    "tagflow status prd shop 'team-*'",
    'tagflow status --at "2026-03-14 18:00 Europe/Paris"',
  ],
  arguments: {
    environments: several('env', 'environments, each followed by applications of it; default: all', {
      completion: 'line',
    }),
  },
  options: {
    exitCode: flag('--exit-code', 'exit 10 when there is drift', { conflicts: ['at'] }),
    live: flag('--live', 'ask as well what runs (live: in tagflow.yaml); needs TAGFLOW_RUN=1 beyond this machine', {
      conflicts: ['at'],
    }),
    at: text('--at <time>', 'what ran then; from the branches alone, without the registry'),
  },
  async run(session, { environments, exitCode, live, at }) {
    const [engine, { isDrifting, statusAtView, statusView }] = await Promise.all([
      import('../../engine/status.ts'),
      import('../../views/status.ts'),
    ]);
    const context = await session.context();
    if (at !== undefined) {
      const [past, { parsePast }] = await Promise.all([import('../../engine/read/history.ts'), import('../time.ts')]);
      const moment = await parsePast(at, context.clock.now());
      session.print(statusAtView(await past.releasesAt(context, moment, ...environments), moment));
      return EXIT.ok;
    }
    const ask = live ? engine.liveStatus : engine.status;
    const states = await ask(context, ...environments);
    session.print(statusView(states, context.clock.now(), { live }));
    return isDrifting(states) && exitCode ? EXIT.difference : EXIT.ok;
  },
});
