// Mistakes in tagflow.yaml: collected, never thrown one by one, so that one run shows all of them.
import { TagflowError } from '../model/errors.ts';
import { askMeant } from '../model/nearest.ts';
import { escapeUnseen } from '../model/text.ts';

/** Keys and indexes from the document's root to a value. */
export type ConfigPath = readonly (string | number)[];

/** A place in a text, both counted from 1; columns in UTF-16 code units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One mistake: where it is, what is wrong with the value that was found, and what would be right. */
export interface Problem extends Position {
  /** The path as people write it, `environments.stg.pins[0].file`; empty for the whole document. */
  readonly path: string;
  readonly what: string;
  readonly fix: string;
}

const SHOWN = 50;

/** Text in quotes for an error message: control characters escaped, cut after 80 characters. */
export function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const cut = text.length > 80 ? `${text.slice(0, 79)}…` : text;
  const json = typeof value === 'string' ? JSON.stringify(cut) : cut;
  return escapeControls(json);
}

/** Text with control and bidi characters written as `\uXXXX`, cut to a length. */
export function escaped(text: string, longest = 300): string {
  return escapeControls(text.length > longest ? `${text.slice(0, longest - 1)}…` : text);
}

/** A path as people write it: `images.django.names[0]`, keys with other characters in brackets and quotes. */
export function formatPath(path: ConfigPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[A-Za-z0-9_-]+$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${quote(part)}]`;
  }
  return text;
}

/** The one error for a configuration with mistakes: sorted by place, all of them in `details.problems`. */
export function configInvalid(file: string, problems: readonly Problem[]): TagflowError {
  const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const lines = sorted.slice(0, SHOWN).map((problem) => formatProblem(file, problem));
  if (sorted.length > SHOWN) lines.push(`and ${sorted.length - SHOWN} more`);
  const many = sorted.length > 1;
  return new TagflowError('config-invalid', {
    what: many ? `${file} has ${sorted.length} mistakes` : `${file} has a mistake`,
    why: lines.join('\n'),
    fix: many ? `correct these places in ${file}; every mistake is listed` : sorted[0]?.fix,
    details: { file, problems: sorted },
  });
}

function formatProblem(file: string, problem: Problem): string {
  const place = `${file}:${problem.line}:${problem.column}`;
  return [place, problem.path, `${problem.what}; ${problem.fix}`].filter((part) => part !== '').join('  ');
}

/** A name that there is not. */
interface UnknownName {
  /** What it should name: `environment`. */
  readonly kind: string;
  readonly name: string;
  /** The names that there are. */
  readonly known: Iterable<string>;
  /** Whether the name stands as a key or as a value. */
  readonly at?: 'key' | 'value';
}

/** Reports a name that there is not, with the one that was meant, or those that there are. */
export function unknownName(
  reporter: { readonly report: (path: ConfigPath, what: string, fix: string, at?: 'key' | 'value') => void },
  path: ConfigPath,
  { kind, name, known, at = 'value' }: UnknownName,
): void {
  const names = [...known];
  const listed = names.length > 12 ? `${names.slice(0, 12).join(', ')} and others` : names.join(', ');
  const fix = askMeant(name, names, `${kind}s here: ${listed || 'none'}`);
  reporter.report(path, `there is no ${kind} ${quote(name)}`, fix, at);
}

function escapeControls(text: string): string {
  return escapeUnseen(text, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`;
  });
}
