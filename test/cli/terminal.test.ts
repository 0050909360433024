// What a terminal gets that a file does not: a width, a pager, links.
import { describe, expect, test } from 'vitest';
import type { GlobalOptions } from '../../src/cli/arguments/globals.ts';
import type { Io } from '../../src/cli/process/io.ts';
import { withSession } from '../../src/cli/session/run-session.ts';
import { renderFailure } from '../../src/cli/output/failure.ts';
import { pageUrl, showsLinks } from '../../src/cli/output/links.ts';
import { runPager } from '../../src/cli/output/pager.ts';
import { TagflowError } from '../../src/model/errors.ts';
import { linesOf, tableOf } from '../../src/views/view.ts';
import { captureIo } from '../support/io.ts';

const OPTIONS: GlobalOptions = { directory: '/', output: 'table', input: false, timeout: 60 };
const LONG = { data: {}, parts: [linesOf(...Array.from({ length: 30 }, (_, index) => `line ${index}`))] };

/** A process at a terminal of 40 by 24 characters, with a pager that notes what it is given. */
function atTerminal(env: Io['env'] = {}, hasPager = true) {
  const captured = captureIo([], env);
  const paged: { command: readonly string[]; text: string }[] = [];
  const size = { isTTY: true, columns: 40, rows: 24 };
  const io: Io = {
    ...captured.io,
    stdout: Object.assign(captured.io.stdout, size),
    stderr: Object.assign(captured.io.stderr, size),
    pager: async (command, text) => {
      if (hasPager) paged.push({ command, text });
      return hasPager;
    },
  };
  return { ...captured, io, paged };
}

describe('a pager', () => {
  async function show(terminal: ReturnType<typeof atTerminal>, view = LONG, options: Partial<GlobalOptions> = {}) {
    await withSession(terminal.io, { ...OPTIONS, ...options }, async (session) => {
      session.print(view);
      session.say('next: tagflow promote stg');
      return 0;
    });
    return { paged: terminal.paged, stdout: terminal.stdout(), stderr: terminal.stderr() };
  }

  test('shows what is longer than the terminal, and what comes after follows it', async () => {
    const { paged, stdout, stderr } = await show(atTerminal());
    expect(paged).toEqual([{ command: ['less'], text: expect.stringContaining('line 29\n') }]);
    expect([stdout, stderr]).toEqual(['', expect.stringContaining('next: ')]);
  });

  test.each<[string, Io['env'], readonly string[]]>([
    ['TAGFLOW_PAGER before PAGER', { TAGFLOW_PAGER: 'most -s', PAGER: 'more' }, ['most', '-s']],
    ['PAGER', { PAGER: 'more' }, ['more']],
  ])('is what the person has chosen: %s', async (_, env, command) => {
    expect((await show(atTerminal(env))).paged).toMatchObject([{ command }]);
  });

  test.each<[string, ReturnType<typeof atTerminal>, Partial<GlobalOptions>, typeof LONG]>([
    ['short output', atTerminal(), {}, { data: {}, parts: [linesOf('one line')] }],
    ['--no-pager', atTerminal(), { pager: false }, LONG],
    ['PAGER=cat', atTerminal({ PAGER: 'cat' }), {}, LONG],
    ['a terminal that can do nothing', atTerminal({ TERM: 'dumb' }), {}, LONG],
    ['a machine without one', atTerminal({}, false), {}, LONG],
  ])('is not there for %s', async (_, terminal, options, view) => {
    const { paged, stdout } = await show(terminal, view, options);
    expect(paged).toEqual([]);
    expect(stdout).toContain('line');
  });

  test('that does not exist is not one, and one that leaves early is not a failure', async () => {
    expect(await runPager(['/nonexistent/pager'], 'text', {})).toBe(false);
    expect(await runPager(['true'], 'text\n'.repeat(100_000), { PATH: process.env['PATH'] })).toBe(true);
  });
});

test('tables take the width of the terminal; in a file they are whole', async () => {
  const view = { data: {}, parts: [tableOf(['ENV', { name: 'DIGEST', drop: 1 }], [['production', 'a'.repeat(40)]])] };
  const terminal = atTerminal();
  const file = captureIo([]);
  for (const io of [terminal.io, file.io]) {
    await withSession(io, OPTIONS, async (session) => {
      session.print(view);
      return 0;
    });
  }
  expect(terminal.stdout()).toBe('ENV\nproduction\n');
  expect(file.stdout()).toContain('a'.repeat(40));
});

describe('an error', () => {
  const error = new TagflowError('held', { what: 'x' });

  test('at a terminal names the command that explains it', () => {
    const { io, stderr } = atTerminal();
    renderFailure(io, OPTIONS, error);
    expect(stderr()).toMatch(/docs.* {2}tagflow explain held +exit 3\n/);
    expect(stderr()).not.toContain('\u001b]8;;');
  });

  test('links to its page where the terminal shows links', () => {
    const { io, stderr } = atTerminal({ TERM_PROGRAM: 'WezTerm' });
    renderFailure(io, OPTIONS, error);
    expect(stderr()).toMatch(
      /\u001b\]8;;file:\/\/\/[^\u001b]*docs\/errors\/held\.md\u001b\\tagflow explain held\u001b\]8;;\u001b\\/,
    );
  });

  test('in a log names the page', () => {
    const { io, stderr } = captureIo([], { TERM_PROGRAM: 'WezTerm' });
    renderFailure(io, OPTIONS, error);
    expect(stderr()).toContain('docs/errors/held.md');
  });

  test.each<[Io['env'], boolean]>([
    [{ VTE_VERSION: '7600' }, true],
    [{ VTE_VERSION: '4999' }, false],
    [{ TERM: 'xterm-256color' }, false],
    [{ TERM: 'xterm-kitty' }, true],
    [{ TERM: 'xterm-kitty', CI: 'true' }, false],
    [{ FORCE_HYPERLINK: '1' }, true],
    [{ FORCE_HYPERLINK: '0', TERM: 'foot' }, false],
  ])('%j: links are shown: %s', (env, shown) => {
    expect(showsLinks(atTerminal().io.stderr, env)).toBe(shown);
  });

  test('has a page that is there', () => {
    expect(pageUrl('docs/errors/held.md')).toMatch(/^file:/);
    expect(pageUrl('docs/errors/absent.md')).toBeUndefined();
  });
});
