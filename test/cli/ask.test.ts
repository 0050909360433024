// Who is asked: a person at a terminal, who has not answered already.
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { asks, isAgreed } from '../../src/cli/session/ask.ts';
import type { GlobalOptions } from '../../src/cli/arguments/globals.ts';
import { withSession } from '../../src/cli/session/run-session.ts';
import { captureIo } from '../support/io.ts';

const OPTIONS: GlobalOptions = { directory: '/', output: 'table', input: true, timeout: 60 };

async function asked(isTTY: boolean, options: Partial<GlobalOptions>, typed = ''): Promise<[boolean, boolean]> {
  const stdin = Object.assign(Readable.from([typed]), { isTTY });
  let answer: [boolean, boolean] = [false, false];
  await withSession({ ...captureIo([]).io, stdin }, { ...OPTIONS, ...options }, async (session) => {
    answer = [asks(session), await isAgreed(session, 'release this to prd?')];
    return 0;
  });
  return answer;
}

test.each<[string, boolean, Partial<GlobalOptions>, boolean]>([
  ['at a terminal', true, {}, true],
  ['in a job', false, {}, false],
  ['with --yes', true, { yes: true }, false],
  ['with --no-input', true, { input: false }, false],
])('%s', async (_, isTTY, options, expected) => {
  expect((await asked(isTTY, options))[0]).toBe(expected);
});

test.each([
  ['y\n', true],
  ['Yes\n', true],
  ['n\n', false],
  ['\n', false],
  ['', false],
])('%j is %s', async (typed, expected) => {
  expect((await asked(true, {}, typed))[1]).toBe(expected);
});
