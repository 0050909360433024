// When a change by hand counts as one that upstream has: the three-way merge of it with upstream's file is upstream's file.
import { describe, expect, test } from 'vitest';
import { mergeText } from '../../../src/engine/read/containment.ts';
import { Effort } from '../../../src/engine/read/effort.ts';
import { type ObjectId, parseObjectId } from '../../../src/model/object-id.ts';
import { cpuTime } from '../../support/cpu.ts';

const block = (name: string, privileged: boolean): string =>
  `${name}:\n  image: app\n  command: run\n  args: none\n  user: 1000\n  privileged: ${privileged}\n  caps: none\n  net: pod\n  log: yes\n`;
const text = (...lines: string[]): string => lines.map((line) => `${line}\n`).join('');

test.each<[what: string, old: string, own: string, upstream: string, contained: boolean]>([
  ['the same file', 'a\n', 'b\n', 'b\n', true],
  ['a file that never got it', 'a\n', 'b\n', 'a\n', false],
  [
    'the same change among others',
    text('a', 'b', 'c', 'd', 'e'),
    text('a', 'B', 'c', 'd', 'e'),
    text('a', 'B', 'c', 'D', 'e'),
    true,
  ],
  ['another change of the same line', text('a', 'b', 'c'), text('a', 'B', 'c'), text('a', 'X', 'c'), false],
  [
    'the change, and another one right beside it',
    text('a', 'b', 'c', 'd'),
    text('a', 'B', 'c', 'd'),
    text('a', 'B', 'C', 'd'),
    false,
  ],
  [
    'one of two changes',
    text('a', 'b', 'c', 'd', 'e'),
    text('A', 'b', 'c', 'd', 'E'),
    text('A', 'b', 'c', 'd', 'e'),
    false,
  ],
  ['an added line', text('a', 'b'), text('a', 'x', 'b'), text('0', 'a', 'x', 'b'), true],
  [
    'an added line at another place',
    text('a', 'b', 'c', 'd'),
    text('a', 'x', 'b', 'c', 'd'),
    text('a', 'b', 'c', 'x', 'd'),
    false,
  ],
  ['a removed line', text('a', 'b', 'c', 'd'), text('a', 'c', 'd'), text('a', 'c', 'd', 'e'), true],
  [
    'a removed line that is there elsewhere',
    text('a', 'b', 'c', 'b', 'd'),
    text('a', 'c', 'b', 'd'),
    text('a', 'b', 'c', 'd'),
    false,
  ],
  ['no line end at the end', 'a\nb', 'a\nc', 'a\nc\n', false],
  [
    'a block elsewhere that looks like the changed one',
    block('agent', true) + block('web', false),
    block('agent', true) + block('web', true),
    block('agent', true) + block('web', false),
    false,
  ],
  [
    'a block that was changed in the same way',
    block('agent', false) + block('web', false),
    block('agent', true) + block('web', false),
    block('agent', false) + block('web', true),
    false,
  ],
])('%s', (_, old, own, upstream, contained) => {
  expect(mergeText(upstream, old, own) === upstream).toBe(contained);
});

test.each<[what: string, old: string, own: string, upstream: string, merged: string | undefined]>([
  [
    'a change elsewhere',
    text('a', 'b', 'c', 'd', 'e'),
    text('A', 'b', 'c', 'd', 'e'),
    text('a', 'b', 'c', 'd', 'E'),
    text('A', 'b', 'c', 'd', 'E'),
  ],
  ['another change of the same line', text('a', 'b', 'c'), text('a', 'B', 'c'), text('a', 'X', 'c'), undefined],
  ['a line that upstream removed', text('a', 'b', 'c'), text('a', 'B', 'c'), text('a', 'c'), undefined],
  ['other lines added at the same place', text('a', 'b'), text('a', 'own', 'b'), text('a', 'upstream', 'b'), undefined],
  ['a change of the line beside it', text('a', 'b', 'c'), text('a', 'B', 'c'), text('a', 'b', 'C'), undefined],
  ['the same change', text('a', 'b', 'c'), text('a', 'B', 'c'), text('a', 'B', 'c'), text('a', 'B', 'c')],
])('merged with %s', (_, old, own, upstream, merged) => {
  expect(mergeText(upstream, old, own)).toBe(merged);
});

test('files that differ in thousands of lines are distinguished at once, and not contained', () => {
  const lines = (word: string): string =>
    Array.from({ length: 40_000 }, (_, at) => `${word} ${at % 7} ${at}\n`).join('');
  const [old, own, other] = [lines('a'), lines('b'), lines('c')];
  let merged: string | undefined = '';
  expect(cpuTime(() => void (merged = mergeText(other, old, own)))).toBeLessThan(5_000);
  expect(merged).toBeUndefined();
});

test('comparing many versions takes no more than a few of the largest comparisons, and what is left counts as different', () => {
  const lines = (word: string): string => Array.from({ length: 5_000 }, (_, at) => `${word} ${at}\n`).join('');
  const effort = new Effort();
  const merged: (string | undefined)[] = [];
  const time = cpuTime(() => {
    for (let at = 0; at < 200; at += 1)
      merged.push(mergeText(lines('upstream'), lines(`old ${at}`), lines(`own ${at}`), effort));
  });
  expect(time).toBeLessThan(5_000);
  expect(new Set(merged)).toEqual(new Set([undefined]));
  // The same small change is compared before, and not after.
  const small = [text('a', 'b', 'c', 'D'), text('a', 'b', 'c'), text('A', 'b', 'c')] as const;
  expect(mergeText(...small, new Effort())).toBeDefined();
  expect(mergeText(...small, effort)).toBeUndefined();
});

test('usual changes are compared by the thousand', () => {
  const effort = new Effort();
  const lines = (change: string): string =>
    Array.from({ length: 200 }, (_, at) => (at === 100 ? `${change}\n` : `${at}\n`)).join('');
  for (let at = 0; at < 2_000; at += 1) mergeText(lines('100'), lines('100'), lines(`own ${at}`), effort);
  expect(mergeText(lines('100'), lines('100'), lines('own'), effort)).toBe(lines('own'));
});

test('a file of very many lines is merged', () => {
  const lines = Array.from({ length: 200_000 }, (_, index) => `${index}\n`);
  const changed = (...at: number[]): string =>
    lines.map((line, index) => (at.includes(index) ? `new ${line}` : line)).join('');
  expect(mergeText(changed(5, 199_990), lines.join(''), changed(5))).toBe(changed(5, 199_990));
});

describe('the effort that one line is worth', () => {
  const ids = ['a', 'b', 'c', 'd'].map((digit) => parseObjectId(digit.repeat(40)));
  const [from, b, c, d] = ids as [ObjectId, ObjectId, ObjectId, ObjectId];

  test('ends with as many files as it has, and a change that is larger takes none of them', () => {
    const effort = new Effort();
    expect([effort.takes(15_000), effort.takes(15_000), effort.takes(5_000), effort.takes(1)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  test('lists what a commit changed once, and nothing more after very long lists', async () => {
    const asked: ObjectId[] = [];
    const ledger = {
      changedPaths: async (_: ObjectId, to: ObjectId): Promise<readonly string[]> => {
        asked.push(to);
        return Array.from({ length: 80_000 }, () => 'x');
      },
    };
    const effort = new Effort();
    for (const to of [b, b, c, d, b]) await effort.changedPaths(ledger, from, to);
    expect(asked).toEqual([b, c]);
    expect(await effort.changedPaths(ledger, from, d)).toBeUndefined();
  });
});
