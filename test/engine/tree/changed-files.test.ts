// Changed files as people see them, where comparing all that somebody changed would take minutes.
import { expect, test } from 'vitest';
import { type ChangedFile, describeFiles } from '../../../src/engine/tree/changed-files.ts';

const MB = 2 ** 20;
const text = (content: string): Uint8Array => Buffer.from(content);
const lines = (word: string, count: number): Uint8Array =>
  text(Array.from({ length: count }, (_, index) => `${word}${index}: 1\n`).join(''));

test('files in which every line changed are compared as long as that takes seconds, and named after that', async () => {
  const files = Array.from({ length: 40 }, (_, index): ChangedFile => ({
    path: `f${index}.txt`,
    before: lines('a', 1_900),
    after: lines('b', 1_900),
  }));
  const before = process.cpuUsage();
  const shown = await describeFiles(files, MB);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1e6).toBeLessThan(8);
  expect(shown.map(({ path }) => path)).toEqual(files.map(({ path }) => path));
  expect(shown[0]?.patch).toContain('\n-a0: 1\n');
  expect(shown.at(-1)?.patch).toContain('@@ the two versions differ too much to be shown @@');
});

test('after many large changes a small one is still named, and a file that is new is still shown', async () => {
  const large = { before: lines('a', 2_000), after: lines('b', 2_000) };
  const files = Array.from({ length: 5 }, (_, index): ChangedFile => ({ path: `f${index}.txt`, ...large }));
  const last = { path: 'new.txt', before: undefined, after: lines('n', 15_000) };
  const shown = await describeFiles([...files, last], MB);
  expect(shown.at(-1)?.patch).toContain('\n+n14999: 1\n');
});

test('what lies beyond some megabytes is named and not parsed, whatever it holds', async () => {
  const secret = (value: string): Uint8Array =>
    text(`kind: Secret\nmetadata: {name: s}\ndata: {key: ${value}}\n# ${'x'.repeat(900_000)}\n`);
  const files = Array.from({ length: 6 }, (_, index): ChangedFile => ({
    path: `s${index}.yaml`,
    before: secret('b2xk'),
    after: secret('bmV3'),
  }));
  const shown = await describeFiles(files, MB);
  expect(shown[0]).toMatchObject({ patch: expect.stringContaining('a Secret, whose values are not shown') as string });
  expect(shown.at(-1)).toEqual({
    path: 's5.yaml',
    settings: null,
    patch: '--- a/s5.yaml\n+++ b/s5.yaml\n@@ not shown: too much changed @@\n',
  });
  expect(shown.map(({ patch }) => patch).join('')).not.toMatch(/b2xk|bmV3/);
});
