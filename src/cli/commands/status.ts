// tagflow status: what runs where.
import { EXIT } from '../../model/errors.ts';
import { defineCommand } from '../grammar/define.ts';
import { flag, several, text } from '../arguments/options.ts';

export const status = defineCommand({
  name: 'status',
  summary: 'show what runs in each environment, drift, and what waits to be promoted',
  description: [
    'Shows each environment with its images. `BRANCH` says whether the manifests on the branch pin what the record says. `REGISTRY` says whether the target tag points to the released image. `✓ in sync`: they agree. `✗`: they differ, or the tag is missing. `✗ unapplied`: the release is committed, but some of its tags are not written yet. `–`: the environment has no tags (`tags: false`). `? unknown`: the registry could not be read. Below the table are the commands that fix each problem, the releases that wait upstream, commits made by hand that no release has yet, and holds.',
    '`--live` adds the column `LIVE`, which shows what the sources under `live` report as running. `✗ V4.0`: another version runs. `✗ not live`: nothing runs, or the deploy failed. `–`: no source reports on this image. Without `--live` no source is asked. Programs, and hosts other than this machine, are asked only with `TAGFLOW_RUN=1`.',
    '`--gates` asks the gates of each environment whose upstream has something else, as a dry run of the promotion does. It shows each gate that refuses or waits, and from when it would pass.',
  ],
  examples: [
    'tagflow status',
    'tagflow status prd --exit-code',
    'tagflow status --live',
    'tagflow status prd --gates',
    "tagflow status prd shop 'team-*'",
    'tagflow status --at "2026-03-14 18:00 Europe/Paris"',
  ],
  arguments: {
    environments: several('env', 'environments, each followed by its applications; default: all', {
      completion: 'line',
    }),
  },
  options: {
    exitCode: flag('--exit-code', 'exit with code 10 if there is drift', { conflicts: ['at'] }),
    live: flag('--live', 'also show what runs (live: in tagflow.yaml); needs TAGFLOW_RUN=1 beyond this machine', {
      conflicts: ['at'],
    }),
    gates: flag('--gates', 'also show what the gates say of the promotions that wait', { conflicts: ['at'] }),
    at: text('--at <time>', 'show what ran at that time, from the branches only'),
  },
  async run(session, { environments, exitCode, live, gates: isGatesAsked, at }) {
    const [engine, { isDrifting, statusAtView, statusView }] = await Promise.all([
      import('../../engine/status.ts'),
      import('../../views/status.ts'),
    ]);
    const context = await session.context();
    if (at !== undefined) {
      const [past, { parsePast }] = await Promise.all([
        import('../../engine/read/history.ts'),
        import('../arguments/time.ts'),
      ]);
      const moment = await parsePast(at, context.clock.now());
      session.print(statusAtView(await past.releasesAt(context, moment, ...environments), moment));
      return EXIT.ok;
    }
    const ask = live ? engine.liveStatus : engine.status;
    const states = await ask(context, ...environments);
    const gates = isGatesAsked
      ? await (await import('../../engine/release/waiting-gates.ts')).gatesOfWaiting(context, states)
      : undefined;
    session.print(statusView(states, context.clock.now(), { live, gates }));
    return isDrifting(states) && exitCode ? EXIT.difference : EXIT.ok;
  },
});
