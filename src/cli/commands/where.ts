// tagflow where: which environments have or had an image, from when to when.
import type { EnvironmentProblem } from '../../engine/read/problem.ts';
import { defineCommand } from '../grammar/define.ts';
import { flag, required } from '../arguments/options.ts';
import { reportProblems } from '../session/problems.ts';

export const where = defineCommand({
  name: 'where',
  summary: 'show which environments have or had an image, from when to when',
  description: [
    'Lists the periods in which an environment had an image, who brought the image there, and why. The image is a full digest, at least seven hexadecimal digits of one, or IMAGE@VERSION. `--found` also lists the periods in which ordinary commits pinned that version, those before tagflow included. Nobody signed these commits, and tagflow did not make them.',
  ],
  examples: ['tagflow where django@V4.2', 'tagflow where f72080aa1346', 'tagflow where django@V4.2 --found'],
  arguments: {
    image: required('digest|image@version', 'a digest, its first digits, or IMAGE@VERSION', { completion: 'version' }),
  },
  options: {
    found: flag('--found', 'also list what ordinary commits pinned, including those before tagflow'),
  },
  async run(session, { image, found }) {
    const [engine, { foundSpans }, { whereView }, { attempt }] = await Promise.all([
      import('../../engine/read/where.ts'),
      import('../../engine/read/found-changes.ts'),
      import('../../views/where.ts'),
      import('../../model/attempt.ts'),
    ]);
    const context = await session.context();
    const problems: EnvironmentProblem[] = [];
    const pinned = found ? (await foundSpans(context, [])).filter((span) => engine.isPinOf(span, image)) : [];
    const { value: spans = [], problem } = await attempt(engine.where(context, image, problems), 'release-not-found');
    if (problem && pinned.length === 0) throw problem;
    session.print(whereView(spans, context.clock.now(), pinned));
    return reportProblems(session, problems);
  },
});
