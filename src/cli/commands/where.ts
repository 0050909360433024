// tagflow where: which environments have or had an image, from when to when.
import type { EnvironmentProblem } from '../../engine/read/problem.ts';
import { defineCommand } from '../grammar/define.ts';
import { required } from '../arguments/options.ts';
import { reportProblems } from '../session/problems.ts';

export const where = defineCommand({
  name: 'where',
  summary: 'show which environments have or had an image, from when to when',
  description: [
    'Lists the periods in which an environment had an image, who brought the image there, and why. The image is a full digest, at least seven hexadecimal digits of one, or IMAGE@VERSION.',
  ],
  examples: ['tagflow where django@V4.2', 'tagflow where f72080aa1346'],
  arguments: {
    image: required('digest|image@version', 'a digest, its first digits, or IMAGE@VERSION', { completion: 'version' }),
  },
  options: {},
  async run(session, { image }) {
    const [engine, { whereView }] = await Promise.all([
      import('../../engine/read/where.ts'),
      import('../../views/where.ts'),
    ]);
    const context = await session.context();
    const problems: EnvironmentProblem[] = [];
    session.print(whereView(await engine.where(context, image, problems), context.clock.now()));
    return reportProblems(session, problems);
  },
});
