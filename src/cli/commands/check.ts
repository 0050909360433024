// tagflow check: flow rules and the audit trail hold; for a scheduled job, or one for merge requests.
import { type Audit, type Checked, check } from '../../engine/audit/check.ts';
import type { Finding } from '../../engine/audit/findings.ts';
import { EXIT } from '../../model/errors.ts';
import { shortId } from '../../model/object-id.ts';
import { counted } from '../../model/text.ts';
import { type Run, optional, texts } from '../command.ts';
import { failureOf, printFailures } from '../render/failure.ts';
import type { Paint } from '../render/paint.ts';
import { problemShape, time } from '../render/shapes.ts';
import { type Cell, markdownTable, moment, table } from '../render/table.ts';
import { parseInstant } from '../time.ts';

const HEAD = ['ENV', 'BRANCH', 'COMMITS', 'RELEASES', 'FOUND'];
const FOUND = ['ENV', 'COMMIT', 'WHEN', 'RULE', 'BY', 'PROBLEM'];

export const run: Run = async (session, { args, options }) => {
  const context = await session.context();
  const since = optional(options['since']);
  const audit = await check(context, {
    environments: texts(args[0]),
    branch: optional(options['branch']),
    since: since === undefined ? undefined : await parseInstant(since, context.clock.now()),
    limit: typeof options['limit'] === 'number' ? options['limit'] : undefined,
    registry: options['registry'] !== false,
  });
  const { environments, findings } = audit;
  session.print({
    data: {
      environments: environments.map((one) => ({ ...one, unchecked: problemShape(one.unchecked) })),
      findings: findings.map((finding) => ({ ...finding, time: time(finding.time) })),
    },
    text: (paint) => describe(audit, paint),
    markdown: () =>
      [
        markdownTable(
          HEAD,
          overview(audit).map((row) => row.map(textOf)),
        ),
        ...(findings.length > 0 ? ['', markdownTable(FOUND, findings.map(row))] : []),
      ].join('\n'),
  });
  // What could not be looked at is not right for that.
  const unchecked = environments.flatMap((one) => (one.unchecked ? [failureOf(one.unchecked)] : []));
  if (session.options.output !== 'json') printFailures(session.io, session.options, unchecked);
  return findings.length > 0 ? EXIT.refused : (unchecked[0]?.exit ?? EXIT.ok);
};

function describe(audit: Audit, paint: Paint): string {
  const { findings, environments } = audit;
  const cells = findings.map((finding) =>
    row(finding).map((text, column): Cell => (column === 3 ? { text, paint, style: 'red' } : text)),
  );
  const commits = environments.reduce((sum, one) => sum + one.commits, 0);
  const partly = environments.some(({ whole }) => !whole) ? '; older ones were left out' : '';
  return [
    table(HEAD, overview(audit, paint)),
    ...(findings.length > 0 ? ['', table(FOUND, cells)] : []),
    '',
    `${findings.length === 0 ? 'nothing' : findings.length} found in ${counted(commits, 'commit')} of ${counted(environments.length, 'environment')}${partly}`,
  ].join('\n');
}

function overview({ environments, findings }: Audit, paint: Paint = (_, text) => text): readonly (readonly Cell[])[] {
  return environments.map((one) => {
    const count = findings.filter(({ environment }) => environment === one.environment).length;
    return [one.environment, one.branch, String(one.commits), String(one.releases), mark(one, count, paint)];
  });
}

function mark({ unchecked }: Checked, count: number, paint: Paint): Cell {
  if (count > 0) return { text: `✗ ${count}`, paint, style: 'red' };
  if (unchecked) return { text: '? registry not asked', paint, style: 'yellow' };
  return { text: '✓', paint, style: 'green' };
}

function row({ environment, commit, time: when, rule, author, problem }: Finding): string[] {
  return [environment, shortId(commit), moment(when), rule, author, problem];
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}
