// tagflow diff: what promoting A to B would change, or how what runs differs from what was released.
import { EXIT, TagflowError } from '../../model/errors.ts';
import { defineCommand } from '../grammar/define.ts';
import { flag, optional, required } from '../arguments/options.ts';
import type { Session } from '../session/session.ts';

export const diff = defineCommand({
  name: 'diff',
  summary: 'show what promoting A to B would change, or how what runs differs',
  description: [
    'Shows the versions, commits and lines of configuration that `B` would get from the release of `A`.',
    '`--rendered` also renders the folders of `B` with `kubectl kustomize` and `helm template`, as they are and as they would be, and compares the results. See [what is rendered](manifests.md#what-is-rendered).',
    '`--live` compares one environment with what the sources under `live` in `tagflow.yaml` report as running.',
  ],
  examples: [
    'tagflow diff stg prd',
    'tagflow diff stg prd --rendered',
    'tagflow diff stg prd --exit-code',
    'tagflow diff prd --live',
  ],
  arguments: {
    from: required('a', 'the environment to take from; with --live the one to look at', { completion: 'environment' }),
    to: optional('b', 'the environment to compare with', { completion: 'environment' }),
  },
  options: {
    live: flag('--live', 'compare what runs in A with its release', { conflicts: ['rendered'] }),
    rendered: flag('--rendered', 'show what kubectl and helm make of the change'),
    exitCode: flag('--exit-code', 'exit with code 10 if they differ'),
  },
  async run(session, { from, to, live, rendered, exitCode }) {
    const differs = live ? await compareLive(session, from, to) : await compareTwo(session, from, to, rendered);
    return differs && exitCode ? EXIT.difference : EXIT.ok;
  },
});

async function compareTwo(session: Session, from: string, to: string | undefined, rendered: boolean): Promise<boolean> {
  if (to === undefined) {
    throw new TagflowError('usage', {
      what: `diff ${from} needs a second environment, or --live`,
      why: 'diff compares two environments, or with --live one with what runs there',
      fix: `tagflow diff ${from} ENV, or: tagflow diff ${from} --live`,
    });
  }
  const [engine, { diffView, differs }] = await Promise.all([
    import('../../engine/diff.ts'),
    import('../../views/diff.ts'),
  ]);
  const difference = await engine.diff(await session.context(), from, to, { rendered });
  session.print(diffView(difference));
  return differs(difference);
}

async function compareLive(session: Session, line: string, to: string | undefined): Promise<boolean> {
  if (to !== undefined) {
    throw new TagflowError('usage', {
      what: `--live cannot be used with two environments`,
      why: 'what runs is compared with the release of one',
      fix: `tagflow diff ${line} --live`,
    });
  }
  const [{ liveDifference }, { isLiveDifferent, liveDifferenceView }] = await Promise.all([
    import('../../engine/status.ts'),
    import('../../views/live.ts'),
  ]);
  const state = await liveDifference(await session.context(), line);
  session.print(liveDifferenceView(state));
  return isLiveDifferent(state);
}
