// tagflow verify: whether the release that an environment has runs as it should.
import { lineName } from '../../model/pipeline.ts';
import { defineCommand } from '../grammar/define.ts';
import { onlyApplication } from '../arguments/lines.ts';
import { flag, required, several } from '../arguments/options.ts';

export const verify = defineCommand({
  name: 'verify',
  summary: 'check whether the release runs as it should',
  description: [
    'Runs each step under `verify` of the environment for its release, and writes the result to the journal. The exit code is 9 if a step fails or does not answer.',
    'With `--wait`, each step is repeated once a second until it passes or its `timeout` is over. Without it, each step runs once. The action for a failure (`onFailure`) follows at once. A release that already has a result is not verified again. A rollback that should have followed an earlier failure is made now, so you can run this command on a schedule.',
    'If you name several applications, or give `--all`, each is verified on its own, and a failure of one does not stop the others.',
    'Programs, `kubectl`, and hosts other than this machine are asked only with `TAGFLOW_RUN=1`.',
  ],
  examples: [
    'tagflow verify prd --wait',
    'tagflow verify prd shop',
    'tagflow verify prd --all --wait',
    'tagflow verify prd --wait --again',
  ],
  arguments: {
    environment: required('env', 'the environment', { completion: 'environment' }),
    applications: several('application', 'applications, or patterns of them, where there are several', {
      completion: 'application',
    }),
  },
  options: {
    all: flag('--all', 'every application that has a release'),
    wait: flag('--wait', 'ask until every step passes or the time is over'),
    again: flag('--again', 'verify again although there is a result'),
  },
  async run(session, { environment, applications, all, wait, again }) {
    if (all || onlyApplication(applications, all) !== applications[0]) {
      const { verifyAll } = await import('../release/verification.ts');
      return verifyAll(session, { environment, applications, all, wait, again });
    }
    const [engine, { finishVerification }] = await Promise.all([
      import('../../engine/verification/verify.ts'),
      import('../release/verification.ts'),
    ]);
    const line = lineName(environment, applications[0]);
    return finishVerification(session, await engine.verify(await session.context(), line, { wait, again }));
  },
});
