// Every error has a page, and every page an error: what a refusal's `docs` line points to is there.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERRORS, type ErrorCode } from '../../src/model/errors.ts';

const FOLDER = join(import.meta.dirname, '../../docs/errors');
const codes = Object.keys(ERRORS) as ErrorCode[];

describe('the pages of errors', () => {
  it('are one for each code, and no other', () => {
    const pages = readdirSync(FOLDER).filter((name) => name !== 'README.md');
    expect(pages.sort()).toEqual(codes.map((code) => `${code}.md`).sort());
  });

  it.each(codes)('%s: the page bears its name, shows it, says the exit code, why, and what to do', (code) => {
    const page = readFileSync(join(FOLDER, `${code}.md`), 'utf8');
    expect(page.startsWith(`# \`${code}\`\n`)).toBe(true);
    expect(page).toMatch(/^```text\n/m);
    expect(/^Exit code (\d+)/m.exec(page)?.[1]).toBe(String(ERRORS[code].exit));
    expect(page).toMatch(ERRORS[code].retryable ? /Retry helps: (?!no)/ : /Retry helps: no|Retrying will not help/);
    expect(page).toContain('\n## Why\n');
    expect(page).toContain('\n## What to do\n');
    // A signal decides the exit code of an interrupted run.
    const shown = [...page.matchAll(/docs\/errors\/(?!interrupted)([a-z-]+)\.md +exit (\d+)/g)];
    expect(shown.map(([, name, exit]) => [name, Number(exit)])).toEqual(
      shown.map(([, name]) => [name, ERRORS[name as ErrorCode].exit]),
    );
  });
});
