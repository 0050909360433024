// tagflow where: which environments have or had an image, from when to when.
import type { EnvironmentProblem } from '../../engine/read/problem.ts';
import { defineCommand } from '../define.ts';
import { required } from '../options.ts';
import { reportProblems } from '../problems.ts';

export const where = defineCommand({
  name: 'where',
  summary: 'show which environments have or had an image, from when to when',
  description: [
    'Lists the spans of time during which an environment had an image, who brought it there and why. Takes a whole digest, at least seven of its hexadecimal digits, or IMAGE@VERSION.',
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
