// What refused, or what a check found, as CI systems show it beside a change: annotations of GitHub, GitLab's code quality report.
import type { Finding } from '../engine/audit/findings.ts';
import type { Diagnosis } from '../engine/doctor/diagnosis.ts';
import { digestHex, digestOf } from '../model/digest.ts';
import { shortId } from '../model/object-id.ts';
import { recordPath } from '../model/pipeline.ts';
import { plain } from '../model/text.ts';
import { toJson } from './data.ts';
import type { Failure } from './failure.ts';
import { formatMarkdown } from './markdown.ts';
import { tableOf } from './view.ts';
import { type Advice, fixText } from '../model/advice.ts';

/** Something that a CI system shows. */
export interface CiFinding {
  /** The code of an error, or the rule that a check has. */
  readonly rule: string;
  readonly level: 'error' | 'warning';
  readonly what: string;
  readonly why?: string | undefined;
  readonly fix?: string | Advice | undefined;
  /** The file that it is about, as far as one is. */
  readonly path: string;
  /** Distinguishes it from other findings of its rule, across runs. */
  readonly key: string;
}

/** The file that a finding without one of its own is shown at. */
const CONFIG = 'tagflow.yaml';

/** A failure as a finding. */
export function failureFinding({ code, text: { what, why, fix } }: Failure): CiFinding {
  return { rule: code, level: 'error', what, why, fix, path: CONFIG, key: what };
}

/** What `check` found, as a finding. */
export function auditFinding({ rule, environment, branch, commit, author, problem }: Finding): CiFinding {
  return {
    rule: `check-${rule}`,
    level: 'error',
    what: `${environment}: ${shortId(commit)} on ${branch}, by ${author}: ${problem}`,
    path: recordFileOf(environment),
    key: `${environment} ${commit}`,
  };
}

/** Where the record of a line stands, by the line's name: `prd`, `prd/shop`. */
export function recordFileOf(line: string): string {
  const [environment = line, application] = line.split('/');
  return recordPath({ environment, application });
}

/** What `doctor` wants to be fixed, as findings. */
export function diagnosisFindings(found: readonly Diagnosis[]): readonly CiFinding[] {
  return found.flatMap(({ severity, check, subject, what, why, fix }) =>
    severity === 'error' || severity === 'warning'
      ? [
          {
            rule: `doctor-${check}`,
            level: severity,
            what: `${subject}: ${what}`,
            why,
            fix,
            path: CONFIG,
            key: `${subject} ${what}`,
          },
        ]
      : [],
  );
}

/**
 * Findings as annotations of GitHub, a line each. Line breaks and percent signs of the text are encoded, so that nothing in it is a
 * command of its own: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
 */
export function formatAnnotations(findings: readonly CiFinding[]): string {
  return findings
    .map(({ rule, level, what, why, fix }) => {
      const rows = [what, why && `why: ${why}`, fix && `fix: ${fixText(fix)}`].flatMap((row) =>
        row ? [plain(row)] : [],
      );
      return `::${level} title=tagflow ${rule}::${rows.map(encoded).join('%0A')}\n`;
    })
    .join('');
}

/** Findings as a report of GitLab: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format */
export function formatCodeQuality(findings: readonly CiFinding[]): string {
  const entries = findings.map(({ rule, level, what, why, fix, path, key }) => ({
    description: [what, why && `why: ${why}`, fix && `fix: ${fixText(fix)}`]
      .flatMap((row) => (row ? [plain(row)] : []))
      .join('; '),
    check_name: `tagflow-${rule}`,
    fingerprint: digestHex(digestOf(`${rule}\0${key}`)),
    severity: level === 'error' ? 'major' : 'minor',
    location: { path, lines: { begin: 1 } },
  }));
  return toJson(entries);
}

/** Findings as a table of Markdown, for the summary of a step. */
export function formatFindings(findings: readonly CiFinding[], head: string): string {
  const rows = findings.map(({ rule, what, why, fix }) => [rule, what, why ?? '', fixText(fix) ?? '']);
  return formatMarkdown({ parts: [tableOf([head, 'What', 'Why', 'To continue'], rows)] });
}

function encoded(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}
