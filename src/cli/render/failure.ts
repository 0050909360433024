// The one form of every refusal and error: what, why, fix, where to read on; and the exit code.
import { EXIT, ERRORS, type ErrorCode, type ErrorText, TagflowError } from '../../model/errors.ts';
import { plain } from '../../model/text.ts';
import type { GlobalOptions, Io } from '../io.ts';
import { toJson } from './data.ts';
import { type Paint, painter } from './paint.ts';

/** Something that went wrong, ready to be shown. */
export interface Failure {
  readonly code: ErrorCode;
  readonly exit: number;
  readonly text: ErrorText;
}

/** Writes an error in the one form, to stderr, or as JSON to stdout with `-o json`. Returns the exit code. */
export function renderFailure(io: Io, options: Partial<GlobalOptions>, error: unknown): number {
  const failure = failureOf(error);
  printFailures(io, options, [failure]);
  if (options.verbose || failure.code === 'internal') io.stderr.write(causes(error));
  return failure.exit;
}

/** Writes failures in the one form. */
export function printFailures(io: Io, options: Partial<GlobalOptions>, failures: readonly Failure[]): void {
  if (failures.length === 0) return;
  if (options.output === 'json') {
    const [first] = failures.map(asData);
    const more = failures.length > 1 ? { errors: failures.map(asData) } : {};
    io.stdout.write(toJson({ schemaVersion: 1, error: first, ...more }));
    return;
  }
  const paint = painter(io.stderr);
  io.stderr.write(failures.map((failure) => formatFailure(failure, paint)).join('\n'));
}

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

function formatFailure({ code, exit, text }: Failure, paint: Paint): string {
  const rows = [`${paint('red', '✗')} ${LABELS[exit] ?? 'error'}: ${lines(text.what)}`];
  if (text.why !== undefined) rows.push(`  ${paint('dim', 'why')}   ${lines(text.why)}`);
  if (text.fix !== undefined) rows.push(`  ${paint('dim', 'fix')}   ${lines(text.fix)}`);
  const docs = `  ${paint('dim', 'docs')}  docs/errors/${code}.md`;
  rows.push(`${docs}${' '.repeat(Math.max(2, 60 - `docs/errors/${code}.md`.length))}exit ${exit}`);
  return `${rows.join('\n')}\n`;
}

/** Several lines are shown one below the other; nothing in them can steer the terminal. */
function lines(text: string): string {
  return text
    .split('\n')
    .map((line) => plain(line, 4000))
    .join('\n        ');
}

function asData({ code, exit, text }: Failure): Readonly<Record<string, unknown>> {
  const { what, why, fix, details } = text;
  return { code, exit, retryable: ERRORS[code].retryable, what, why, fix, details };
}

function causes(error: unknown): string {
  const rows: string[] = [];
  for (let cause = error; cause instanceof Error && rows.length < 10; cause = cause.cause) {
    const stack =
      cause instanceof TagflowError ? `${cause.name} ${cause.code}: ${cause.message}` : (cause.stack ?? cause.message);
    rows.push(...stack.split('\n').map((line) => `  ${plain(line)}`));
  }
  return rows.length > 0 ? `${rows.join('\n')}\n` : '';
}
