// tagflow history: releases, newest first.
import type { EnvironmentProblem } from '../../engine/read/problem.ts';
import { defineCommand } from '../grammar/define.ts';
import { count, flag, optional, several, text, valueOr } from '../arguments/options.ts';
import { reportProblems } from '../session/problems.ts';

export const history = defineCommand({
  name: 'history',
  summary: 'list releases: what, when, by whom, why',
  description: [
    'Lists releases, newest first, with what each one changed. A commit that changes a record without being a release is listed as unverified. A commit made by hand above the newest release is listed as unreleased, and named for what it is: a merge and of what, a revert and of what, a copy or a squash of what upstream has. `--found` also lists ordinary commits that changed pins in the files that pin images today: `return` means that the pins go back to an earlier state, `downgrade` means that the version is older. Nobody signed these commits, and tagflow did not make them.',
  ],
  examples: [
    'tagflow history prd',
    'tagflow history --image django --since 7d -o json',
    'tagflow history prd --since 2026-11-01 --until 2026-11-30 -o csv',
    'tagflow history --by ana',
    'tagflow history prd --found',
  ],
  arguments: {
    environment: optional('env', 'one environment', { completion: 'environment' }),
    applications: several('application', 'its applications, or patterns of them; default: all', {
      completion: 'application',
    }),
  },
  options: {
    image: text('--image <image>', 'only releases that changed this image', { completion: 'image' }),
    since: text('--since <time>', 'only releases since then (a time, or 7d, 12h)'),
    until: text('--until <time>', 'only releases until then; a date covers its day'),
    by: text('--by <who>', 'only releases by this actor, person or signer', { completion: 'actor' }),
    found: flag('--found', 'also list changes of pins in ordinary commits, including those before tagflow'),
    limit: valueOr('--limit <n>', 'maximum number of releases', count, { preset: 20 }),
  },
  async run(session, { environment, applications, image, since, until, by, limit, found }) {
    const [engine, { foundChanges }, { parseMoment }, { historyView }] = await Promise.all([
      import('../../engine/read/history.ts'),
      import('../../engine/read/found-changes.ts'),
      import('../arguments/time.ts'),
      import('../../views/history.ts'),
    ]);
    const context = await session.context();
    const now = context.clock.now();
    const problems: EnvironmentProblem[] = [];
    const filter = {
      limit,
      ...(environment !== undefined && { environment, applications }),
      ...(image !== undefined && { image }),
      ...(since !== undefined && { since: (await parseMoment(since, now)).from }),
      ...(until !== undefined && { until: (await parseMoment(until, now)).until }),
      ...(by !== undefined && { by }),
    };
    const past = await engine.history(context, filter, problems);
    const words = environment === undefined ? [] : [environment, ...applications];
    const changes = found ? await foundChanges(context, { ...filter, words }) : [];
    session.print(historyView({ ...past, found: changes }, now));
    return reportProblems(session, problems);
  },
});
