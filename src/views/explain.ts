// The pages of errors, as a view.
import { advise } from '../model/advice.ts';
import { ERRORS, type ErrorCode, TagflowError } from '../model/errors.ts';
import { askMeant } from '../model/nearest.ts';
import { type TextLine, type View, linesOf, styled, tableOf } from './view.ts';

/** Pages as Markdown, by the code of the error. */
export type ErrorPages = ReadonlyMap<string, string>;

/** Every error with its exit code and what it means. */
export function explainErrors(pages: ErrorPages): View {
  const codes = Object.keys(ERRORS) as ErrorCode[];
  const errors = codes.map((code) => ({ code, ...settingsOf(code), meaning: meaningOf(pages.get(code) ?? '') }));
  return {
    data: { errors },
    parts: [
      tableOf(
        ['CODE', 'EXIT', { name: 'RETRY', drop: 1 }, { name: 'MEANING', wraps: true }],
        errors.map(({ code, exit, retryable, meaning }) => [
          code,
          String(exit),
          retryable ? 'helps' : 'no',
          meaning.replaceAll('`', ''),
        ]),
      ),
    ],
  };
}

/** The page of one error. Throws `usage` where there is no such error. */
export function explanationOf(pages: ErrorPages, word: string): View {
  // As a message shows it: the code, or the file of its page.
  const code = word.replace(/^.*\/|\.md$/g, '').toLowerCase();
  const page = pages.get(code);
  if (page === undefined || !isCode(code)) {
    throw new TagflowError('usage', {
      what: `there is no error ${JSON.stringify(word)}`,
      why: whyNoError(code),
      fix: askMeant(code, Object.keys(ERRORS), advise`look at the list: ${{ act: 'list errors' }}`),
    });
  }
  return {
    data: { code, ...settingsOf(code), page },
    parts: [{ ...linesOf(...linesOfMarkdown(page)), isProse: true }],
  };
}

function whyNoError(word: string): string {
  const codes = Object.entries(ERRORS);
  const withExit = codes.filter(([, { exit }]) => String(exit) === word).map(([code]) => code);
  if (withExit.length > 0) return `${word} is an exit code; its errors are ${withExit.join(', ')}`;
  const near = codes.map(([code]) => code).filter((code) => word.length > 2 && code.includes(word));
  if (near.length > 0) return `errors with this word are ${near.join(', ')}`;
  return `there are ${codes.length} errors, by other names`;
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

function settingsOf(code: ErrorCode): { readonly exit: number; readonly retryable: boolean } {
  const { exit, retryable } = ERRORS[code];
  return { exit, retryable };
}

/** The first paragraph below the title. */
function meaningOf(page: string): string {
  return (page.split(/\n{2,}/)[1] ?? '').replaceAll('\n', ' ').trim();
}

/** Markdown as lines for a terminal: headings stand out, code is indented, links are their words, a paragraph is a line. */
function linesOfMarkdown(page: string): readonly TextLine[] {
  const lines: TextLine[] = [];
  let isCodeBlock = false;
  let paragraph = '';
  const end = (): void => {
    if (paragraph !== '') lines.push(words(paragraph));
    paragraph = '';
  };
  for (const line of page.trimEnd().split('\n')) {
    const isPlainText = !isCodeBlock && !/^(?:```|#|- |\d+\. |\||$)/.test(line);
    if (isPlainText && paragraph !== '') {
      paragraph = `${paragraph} ${line.trim()}`;
      continue;
    }
    end();
    if (line.startsWith('```')) isCodeBlock = !isCodeBlock;
    else if (isCodeBlock) lines.push(`    ${line}`);
    else if (line.startsWith('#')) lines.push(styled('bold', words(line.replace(/^#+ /, ''))));
    else if (line === '') lines.push('');
    else paragraph = line;
  }
  end();
  return lines;
}

function words(line: string): string {
  return line.replace(/\[([^\]]+)\]\([^)]*\)/g, '$1').replaceAll('`', '');
}
