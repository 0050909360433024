// tagflow where: which environments have or had an image, from when to when.
import { EXIT } from '../../model/errors.ts';
import { defineCommand, required } from '../define.ts';

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
      import('../../engine/read/history.ts'),
      import('../../views/where.ts'),
    ]);
    const context = await session.context();
    session.print(whereView(await engine.where(context, image), context.clock.now()));
    return EXIT.ok;
  },
});
