// The one form of every refusal and error: what, why, fix, where to read on; and the exit code.
import { fixText } from '../model/advice.ts';
import { EXIT, ERRORS, type ErrorCode, type ErrorText, TagflowError } from '../model/errors.ts';
import { plain } from '../model/text.ts';
import type { Paint } from './table.ts';
import { formatLine } from './text.ts';
import { type TextLine, styled } from './view.ts';

/** Something that went wrong, ready to be shown. */
export interface Failure {
  readonly code: ErrorCode;
  readonly exit: number;
  readonly text: ErrorText;
}

const LABELS: Readonly<Record<number, string>> = {
  [EXIT.refused]: 'refused',
  [EXIT.notFound]: 'not found',
  [EXIT.superseded]: 'superseded',
  [EXIT.denied]: 'denied',
  [EXIT.unavailable]: 'unavailable',
  [EXIT.incomplete]: 'incomplete',
  [EXIT.interrupted]: 'interrupted',
  [EXIT.terminated]: 'interrupted',
};

/** The failure that a thrown value is: a defect unless it is a TagflowError. */
export function failureOf(error: unknown): Failure {
  if (error instanceof TagflowError) {
    const { code, message, why, advice: fix, details, retryable } = error;
    const exit = code === 'interrupted' && typeof details['exit'] === 'number' ? details['exit'] : error.exit;
    return { code, exit, text: { what: message, why, fix, details, ...(!retryable && { retryable }) } };
  }
  return {
    code: 'internal',
    exit: EXIT.defect,
    text: {
      what: `a defect in tagflow: ${error instanceof Error ? error.message : String(error)}`,
      why: 'this should not have happened, whatever the input',
      fix: 'report it with the lines below; nothing secret is in them',
    },
  };
}

/** Where to read on. */
export interface Page {
  readonly text: string;
  /** Makes a link of the text, where the reader's medium has links. */
  readonly link?: (text: string) => string;
}

/** How a failure is written. */
interface FailureStyle {
  readonly paint: Paint;
  readonly page?: Page;
  /** Columns of a terminal. */
  readonly width?: number | undefined;
}

/** Columns before the exit code, where there is room. */
const EXIT_AT = 60;

/** A failure as text, with a line break at its end. */
export function formatFailure({ code, exit, text }: Failure, { paint, page, width }: FailureStyle): string {
  const row = (line: TextLine): string => formatLine(line, paint, width);
  const labelled = (label: string, words: string): readonly string[] =>
    words.split('\n').map((line, at) => row(at === 0 ? ['  ', styled('dim', label), `   ${line}`] : `        ${line}`));
  const [what = '', ...more] = text.what.split('\n');
  const { text: where, link = (words: string): string => words } = page ?? { text: `docs/errors/${code}.md` };
  const end = `exit ${exit}`;
  const room = Math.min(EXIT_AT, (width ?? 80) - 8 - end.length);
  const gap = where.length + 2 <= room ? ' '.repeat(room - where.length) : width === undefined ? '  ' : '\n        ';
  return [
    row([styled('red', '✗'), ` ${LABELS[exit] ?? 'error'}: ${what}`]),
    ...more.map((line) => row(`        ${line}`)),
    ...(text.why === undefined ? [] : labelled('why', text.why)),
    ...(text.fix === undefined ? [] : labelled('fix', fixText(text.fix))),
    `  ${paint('dim', 'docs')}  ${link(where)}${gap}${end}`,
    '',
  ].join('\n');
}

/** A failure as data; the fix is advice, which each format says. */
export function failureShape({ code, exit, text }: Failure): Readonly<Record<string, unknown>> {
  const { what, why, fix, details } = text;
  return { code, exit, retryable: ERRORS[code].retryable && text.retryable !== false, what, why, fix, details };
}

/** The errors below an error, for `-v`: tagflow's own in a line each, others with their stacks. */
export function formatCauses(error: unknown): string {
  const rows: string[] = [];
  for (let cause = error; cause instanceof Error && rows.length < 10; cause = cause.cause) {
    const stack =
      cause instanceof TagflowError ? `${cause.name} ${cause.code}: ${cause.message}` : (cause.stack ?? cause.message);
    rows.push(...stack.split('\n').map((line) => `  ${plain(line)}`));
  }
  return rows.length > 0 ? `${rows.join('\n')}\n` : '';
}
