// The pages of errors, as a view.
import { advise } from '../model/advice.ts';
import { ERRORS, type ErrorCode, TagflowError } from '../model/errors.ts';
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
export function explanationOf(pages: ErrorPages, code: string): View {
  const page = pages.get(code);
  if (page === undefined || !isCode(code)) {
    throw new TagflowError('usage', {
      what: `there is no error ${JSON.stringify(code)}`,
      why: `errors are ${Object.keys(ERRORS).join(', ')}`,
      fix: advise`look at the list: ${{ act: 'list errors' }}`,
    });
  }
  return {
    data: { code, ...settingsOf(code), page },
    parts: [{ ...linesOf(...linesOfMarkdown(page)), isProse: true }],
  };
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
