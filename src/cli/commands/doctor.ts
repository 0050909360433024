// tagflow doctor: what is wrong, what will be, and what to do about it.
import { EXIT } from '../../model/errors.ts';
import { defineCommand } from '../grammar/define.ts';
import { optional } from '../arguments/options.ts';

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'check credentials, permissions, tags and clean-up policies',
  description: [
    'Examines the remote, the branches, the journal and every configured repository, and says what to fix. It changes nothing. The exit code is 11 if there is something to fix.',
  ],
  examples: ['tagflow doctor', 'tagflow doctor prd'],
  arguments: {
    environment: optional('env', 'one environment and its repositories', { completion: 'environment' }),
  },
  options: {},
  async run(session, { environment }) {
    const [engine, { readMachine }, { countOf, doctorView }, { diagnosisFindings }, ci] = await Promise.all([
      import('../../engine/doctor/doctor.ts'),
      import('../../compose/machine.ts'),
      import('../../views/doctor.ts'),
      import('../../views/findings.ts'),
      import('../output/ci-files.ts'),
    ]);
    const found = await engine.doctor(await session.context(), await readMachine(session.io.env), environment);
    session.print(doctorView(found));
    const findings = diagnosisFindings(found);
    ci.annotateRun(session.io, findings);
    await ci.writeFindings(session, findings, 'Found by');
    return countOf(found, 'error') + countOf(found, 'warning') > 0 ? EXIT.unwell : EXIT.ok;
  },
});
