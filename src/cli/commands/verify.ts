// tagflow verify: whether the release that an environment has runs as it should.
import { lineName } from '../../model/pipeline.ts';
import { defineCommand } from '../define.ts';
import { flag, optional, required } from '../options.ts';

export const verify = defineCommand({
  name: 'verify',
  summary: 'look whether the release runs as it should',
  description: [
    'Asks the steps under `verify` of the environment about the release that it has, and writes the result to the journal. Exit code 9 when a step says no, or nobody answers.',
    'With `--wait` each step is asked once a second until it passes, for as long as `timeout` says; without it each step is asked once. What follows on a failure (`onFailure`) is done at once. A result that is there is not asked for again; a rollback that should have followed and did not is made now, so this command may run on a schedule.',
    'Programs, kubectl, and hosts beyond this machine need the caller’s word: `TAGFLOW_RUN=1`.',
  ],
  examples: ['tagflow verify prd --wait', 'tagflow verify prd shop', 'tagflow verify prd --wait --again'],
  arguments: {
    environment: required('env', 'the environment', { completion: 'environment' }),
    application: optional('application', 'the application, where there are several', { completion: 'application' }),
  },
  options: {
    wait: flag('--wait', 'ask until every step passes or the time is over'),
    again: flag('--again', 'ask although there is a result'),
  },
  async run(session, { environment, application, wait, again }) {
    const [engine, { finishVerification }] = await Promise.all([
      import('../../engine/verification/verify.ts'),
      import('../verification.ts'),
    ]);
    const line = lineName(environment, application);
    return finishVerification(session, await engine.verify(await session.context(), line, { wait, again }));
  },
});
