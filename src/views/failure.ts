// The one form of every refusal and error: what, why, fix, where to read on; and the exit code.
import { EXIT, ERRORS, type ErrorCode, type ErrorText, TagflowError } from '../model/errors.ts';
import { plain } from '../model/text.ts';
import type { Paint } from './table.ts';

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
    const { code, message, why, fix, details } = error;
    const exit = code === 'interrupted' && typeof details['exit'] === 'number' ? details['exit'] : error.exit;
    return { code, exit, text: { what: message, why, fix, details } };
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

/** A failure as text, with a line break at its end. */
export function formatFailure({ code, exit, text }: Failure, paint: Paint, page?: Page): string {
  const rows = [`${paint('red', '✗')} ${LABELS[exit] ?? 'error'}: ${lines(text.what)}`];
  if (text.why !== undefined) rows.push(`  ${paint('dim', 'why')}   ${lines(text.why)}`);
  if (text.fix !== undefined) rows.push(`  ${paint('dim', 'fix')}   ${lines(text.fix)}`);
  const { text: where, link = (words: string): string => words } = page ?? { text: `docs/errors/${code}.md` };
  rows.push(`  ${paint('dim', 'docs')}  ${link(where)}${' '.repeat(Math.max(2, 60 - where.length))}exit ${exit}`);
  return `${rows.join('\n')}\n`;
}

/** A failure as data. */
export function failureShape({ code, exit, text }: Failure): Readonly<Record<string, unknown>> {
  const { what, why, fix, details } = text;
  return { code, exit, retryable: ERRORS[code].retryable, what, why, fix, details };
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

/** Several lines are shown one below the other; nothing in them can steer the terminal. */
function lines(text: string): string {
  return text
    .split('\n')
    .map((line) => plain(line, 4000))
    .join('\n        ');
}
