// tagflow diff: what promoting A to B would change.
import { EXIT } from '../../model/errors.ts';
import { defineCommand, flag, required } from '../define.ts';

export const diff = defineCommand({
  name: 'diff',
  summary: 'show what promoting A to B would change',
  description: ['Shows the versions, commits, and lines of configuration that `B` would get with the release of `A`.'],
  examples: ['tagflow diff stg prd', 'tagflow diff stg prd --exit-code'],
  arguments: {
    from: required('a', 'the environment to take from', { completion: 'environment' }),
    to: required('b', 'the environment to compare with', { completion: 'environment' }),
  },
  options: { exitCode: flag('--exit-code', 'exit 10 when they differ') },
  async run(session, { from, to, exitCode }) {
    const [engine, { diffView, differs }] = await Promise.all([
      import('../../engine/diff.ts'),
      import('../../views/diff.ts'),
    ]);
    const difference = await engine.diff(await session.context(), from, to);
    session.print(diffView(difference));
    return differs(difference) && exitCode ? EXIT.difference : EXIT.ok;
  },
});
