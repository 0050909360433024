// tagflow check: flow rules and the audit trail hold; for a scheduled job, or one for merge requests.
import { EXIT } from '../../model/errors.ts';
import { defineCommand } from '../define.ts';
import { count, several, text, unless, value } from '../options.ts';

export const check = defineCommand({
  name: 'check',
  summary: 'check that flow rules and the audit trail hold',
  description: [
    'Names every commit on an environment’s branch that is not a valid release and breaks a rule. Exit code 3 when there is one.',
    'Walks the releases of each branch by first parent. A commit is named with the rule that it breaks: `record` (it changes the record and is not a release), `signature`, `sequence`, `content` (its tree has what neither upstream nor a pin explains), `pins` (manifests name other images than the record), `missed` (manifests of the head name an image where no release changes it, or an image of `tagflow.yaml` nowhere), `source` (what it says it carried is not upstream), `rules` (not planned by a `tagflow.yaml` of the trunk), `foreign` (made by hand, and upstream lacks it), `direction` (it carries commits upstream), `rewound` (the registry knows a newer release), `version` (the registry says that an image is another version), `text` (control or bidirectional characters), `journal` (it does more than add one entry to the journal). `gates` names what does not let a release through that waits in a pull request, with `--branch` and its branch, and a release that was merged without enough reviews on the forge. Nothing is changed, but for one thing: of a release that waits the forge gets the commit status `tagflow/gates`, for a rule of the branch to require. See [Audit](../how-to/audit.md).',
  ],
  examples: [
    'tagflow check',
    'tagflow check prd --since 30d -o json',
    'tagflow check prd --branch tagflow/prd-8-1a2b3c4d5e6f',
    'tagflow check prd --branch hotfix/checkout --no-registry',
  ],
  arguments: {
    environments: several('env', 'environments, each followed by applications of it; default: all', {
      completion: 'line',
    }),
  },
  options: {
    since: text('--since <time>', 'only commits since then (a time, or 7d, 12h), down to the release before them'),
    limit: value('--limit <n>', 'maximum number of commits of each branch, newest first', count),
    branch: text('--branch <branch>', 'check this branch as if it were the environment’s: what merging it would bring'),
    registry: unless('--no-registry', 'do not ask the registry whether a branch was rewound'),
  },
  async run(session, { environments, since, limit, branch, registry }) {
    const [engine, { parseInstant }, { checkView }, { failureOf }, findings, ci] = await Promise.all([
      import('../../engine/audit/check.ts'),
      import('../time.ts'),
      import('../../views/check.ts'),
      import('../../views/failure.ts'),
      import('../../views/findings.ts'),
      import('../ci-files.ts'),
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
    ci.annotate(session.io, found);
    await ci.writeFindings(session, [...found, ...unchecked.map(findings.failureFinding)], 'Found by');
    return audit.findings.length > 0 ? EXIT.refused : (unchecked[0]?.exit ?? EXIT.ok);
  },
});
