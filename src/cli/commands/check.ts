// tagflow check: flow rules and the audit trail hold; for a scheduled job, or one for merge requests.
import { EXIT } from '../../model/errors.ts';
import { defineCommand } from '../grammar/define.ts';
import { count, several, text, unless, value } from '../arguments/options.ts';

export const check = defineCommand({
  name: 'check',
  summary: 'check the rules of the flow and the audit trail',
  description: [
    'Reports every commit on an environment’s branch that breaks a rule and is not a valid release. The exit code is 3 if there is one.',
    'Follows the first parents of each branch and reports the rule that a commit breaks. `record`: it changes the record without being a release. `signature`: a signature is missing or does not count. `sequence`: the number of the release is wrong. `content`: its tree has changes that neither upstream nor a pin explains. `pins`: manifests name other images than the record. `missed`: manifests at the head name an image where no release changes it, or do not name an image of `tagflow.yaml` at all. `source`: the commit that it claims to carry is not upstream. `rules`: no `tagflow.yaml` of the trunk planned it. `foreign`: somebody made it by hand, and upstream lacks it. `direction`: it carries commits upstream. `rewound`: the registry knows a newer release. `version`: the registry says that an image is another version. `text`: it has control or bidirectional characters. `journal`: it does more than add one entry to the journal.',
    '`gates` needs `--branch` with the branch of a pull request, and reports the gates that do not let its release through. It also reports releases that were merged with too few reviews on the forge, under a lock, in a freeze or outside of every window. The command changes nothing, with one exception: the forge gets the commit status `tagflow/gates` for a release that waits, so that a branch rule can require it. See [Audit](../how-to/audit.md).',
  ],
  examples: [
    'tagflow check',
    'tagflow check prd --since 30d -o json',
    'tagflow check prd --branch tagflow/prd-8-1a2b3c4d5e6f',
    'tagflow check prd --branch hotfix/checkout --no-registry',
  ],
  arguments: {
    environments: several('env', 'environments, each followed by its applications; default: all', {
      completion: 'line',
    }),
  },
  options: {
    since: text('--since <time>', 'only commits since then (a time, or 7d, 12h), down to the release before them'),
    limit: value('--limit <n>', 'maximum number of commits of each branch, newest first', count),
    branch: text(
      '--branch <branch>',
      'check this branch as if it were the environment’s, to see what merging it would bring',
    ),
    registry: unless('--no-registry', 'do not ask the registry whether a branch was rewound'),
  },
  async run(session, { environments, since, limit, branch, registry }) {
    const [engine, { parseInstant }, { checkView }, { failureOf }, findings, ci] = await Promise.all([
      import('../../engine/audit/check.ts'),
      import('../arguments/time.ts'),
      import('../../views/check.ts'),
      import('../../views/failure.ts'),
      import('../../views/findings.ts'),
      import('../output/ci-files.ts'),
    ]);
    const context = await session.context();
    const audit = await engine.check(context, {
      environments,
      branch,
      since: since === undefined ? undefined : await parseInstant(since, context.clock.now()),
      limit,
      registry,
    });
    session.print(checkView(audit));
    // A branch that could not be compared with the registry has not passed.
    const unchecked = audit.environments.flatMap((one) => (one.unchecked ? [failureOf(one.unchecked)] : []));
    if (session.options.output !== 'json') session.fail(unchecked);
    const found = audit.findings.map(findings.auditFinding);
    ci.annotateRun(session.io, found);
    await ci.writeFindings(session, [...found, ...unchecked.map(findings.failureFinding)], 'Found by');
    return audit.findings.length > 0 ? EXIT.refused : (unchecked[0]?.exit ?? EXIT.ok);
  },
});
