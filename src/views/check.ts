// What `check` found, as a view.
import type { Audit, Checked } from '../engine/audit/check.ts';
import type { Finding } from '../engine/audit/findings.ts';
import { isTagflowError } from '../model/errors.ts';
import { shortId } from '../model/object-id.ts';
import { counted } from '../model/text.ts';
import { problemShape, time } from './shapes.ts';
import { type StyledText, type View, linesOf, styled, tableOf } from './view.ts';
import { moment } from './words.ts';

const FINDINGS = [
  'ENV',
  'COMMIT',
  { name: 'WHEN', drop: 1 },
  'RULE',
  { name: 'BY', drop: 2 },
  { name: 'PROBLEM', wraps: true },
];

/** Each environment with its count, each finding, and the sum. */
export function checkView({ environments, findings }: Audit): View {
  const commits = environments.reduce((sum, one) => sum + one.commits, 0);
  const partly = environments.some(({ whole }) => !whole) ? '; older ones were left out' : '';
  const found = findings.length === 0 ? 'nothing' : String(findings.length);
  return {
    data: {
      environments: environments.map((one) => ({ ...one, unchecked: problemShape(one.unchecked) })),
      findings: findings.map((finding) => ({ ...finding, time: time(finding.time) })),
    },
    parts: [
      tableOf(
        ['ENV', { name: 'BRANCH', drop: 1 }, 'COMMITS', 'RELEASES', 'FOUND'],
        environments.map((one) => {
          const count = findings.filter(({ environment }) => environment === one.environment).length;
          return [one.environment, one.branch, String(one.commits), String(one.releases), mark(one, count)];
        }),
      ),
      ...(findings.length > 0 ? [linesOf(''), tableOf(FINDINGS, findings.map(row))] : []),
      linesOf(
        '',
        `${found} found in ${counted(commits, 'commit')} of ${counted(environments.length, 'environment')}${partly}`,
      ),
    ],
  };
}

function mark({ unchecked }: Checked, count: number): StyledText {
  if (count > 0) return styled('red', `✗ ${count} found`);
  if (isTagflowError(unchecked, 'tree-unsafe')) return styled('red', '✗ not read');
  return unchecked ? styled('yellow', '? registry not asked') : styled('green', '✓ nothing');
}

function row({ environment, commit, time: when, rule, author, problem }: Finding): readonly StyledText[] {
  return [environment, shortId(commit), moment(when), styled('red', rule), author, problem];
}
