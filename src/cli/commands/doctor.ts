// tagflow doctor: what is wrong, what will be, and what to do about it.
import type { Diagnosis, Severity } from '../../engine/doctor/diagnosis.ts';
import { doctor } from '../../engine/doctor/doctor.ts';
import { EXIT } from '../../model/errors.ts';
import { counted, plain } from '../../model/text.ts';
import { type Run, optional } from '../command.ts';
import { readMachine } from '../machine.ts';
import type { Paint, Style } from '../render/paint.ts';
import { diagnosisShape } from '../render/shapes.ts';
import { markdownTable } from '../render/table.ts';

const MARKS: Readonly<Record<Severity, readonly [mark: string, style: Style]>> = {
  error: ['✗', 'red'],
  warning: ['!', 'yellow'],
  info: ['·', 'dim'],
  ok: ['✓', 'green'],
};

export const run: Run = async (session, { args }) => {
  const context = await session.context();
  const found = await doctor(context, await readMachine(session.io.env), optional(args[0]));
  const count = (severity: Severity): number => found.filter((each) => each.severity === severity).length;
  const errors = count('error');
  const warnings = count('warning');
  session.print({
    data: { errors, warnings, findings: found.map(diagnosisShape) },
    text: (paint) => [...describe(found, paint), '', summary(errors, warnings)].join('\n'),
    markdown: () =>
      markdownTable(
        ['', 'WHERE', 'WHAT', 'WHY', 'FIX'],
        found.map(({ severity, subject, what, why = '', fix = '' }) => [MARKS[severity][0], subject, what, why, fix]),
      ),
  });
  return errors + warnings > 0 ? EXIT.unwell : EXIT.ok;
};

/** What was found, under what it is about; reasons and remedies only of what is not as it should be. */
function describe(found: readonly Diagnosis[], paint: Paint): readonly string[] {
  return [...Map.groupBy(found, ({ subject }) => subject)].flatMap(([subject, entries]) => [
    paint('bold', plain(subject)),
    ...entries.flatMap(({ severity, what, why, fix }) => {
      const [mark, style] = MARKS[severity];
      const more = severity === 'ok' ? [] : [['why', why] as const, ['fix', fix] as const];
      return [
        `  ${paint(style, mark)} ${plain(what)}`,
        ...more.flatMap(([word, text]) => (text === undefined ? [] : [`      ${paint('dim', word)}  ${plain(text)}`])),
      ];
    }),
  ]);
}

function summary(errors: number, warnings: number): string {
  if (errors + warnings === 0) return 'nothing to fix';
  const parts = [
    ...(errors > 0 ? [counted(errors, 'error')] : []),
    ...(warnings > 0 ? [counted(warnings, 'warning')] : []),
  ];
  return `${parts.join(' and ')} to see to`;
}
