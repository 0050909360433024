// What `doctor` found, as a view.
import type { Diagnosis, Severity } from '../engine/doctor/diagnosis.ts';
import { counted } from '../model/text.ts';
import { diagnosisShape } from './shapes.ts';
import { type TextLine, type Style, type View, linesOf, styled } from './view.ts';

const MARKS: Readonly<Record<Severity, readonly [mark: string, style: Style]>> = {
  error: ['✗', 'red'],
  warning: ['!', 'yellow'],
  info: ['·', 'dim'],
  ok: ['✓', 'green'],
};

/** How many findings of a severity there are. */
export function countOf(found: readonly Diagnosis[], severity: Severity): number {
  return found.filter((each) => each.severity === severity).length;
}

/** What was found, under what it is about; reasons and remedies where something has to be done. */
export function doctorView(found: readonly Diagnosis[]): View {
  const errors = countOf(found, 'error');
  const warnings = countOf(found, 'warning');
  return {
    data: { errors, warnings, findings: found.map(diagnosisShape) },
    parts: [
      ...[...Map.groupBy(found, ({ subject }) => subject)].map(([subject, entries]) =>
        linesOf(styled('bold', subject), ...entries.flatMap(entryLines)),
      ),
      linesOf('', summary(errors, warnings)),
    ],
  };
}

function entryLines({ severity, what, why, fix }: Diagnosis): readonly TextLine[] {
  const [mark, style] = MARKS[severity];
  const more = severity === 'ok' ? [] : [['why', why] as const, ['fix', fix] as const];
  return [
    ['  ', styled(style, mark), ` ${what}`],
    ...more.flatMap(([word, text]) => (text === undefined ? [] : [['      ', styled('dim', word), '  ', text]])),
  ];
}

function summary(errors: number, warnings: number): string {
  if (errors + warnings === 0) return 'nothing to fix';
  const parts = [
    ...(errors > 0 ? [counted(errors, 'error')] : []),
    ...(warnings > 0 ? [counted(warnings, 'warning')] : []),
  ];
  return `${parts.join(' and ')} to fix`;
}
