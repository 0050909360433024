// The text of a configuration as plain values: names as they are written, and the limits of what is read.
import { describe, expect, it } from 'vitest';
import { ConfigDocument } from '../../src/config/document.ts';

/** What is said to be wrong with a text. */
const whats = (text: string): readonly string[] => new ConfigDocument(text).problems.map(({ what }) => what);
const nested = (depth: number, open = '[', close = ']'): string => `a: ${open.repeat(depth)}${close.repeat(depth)}\n`;
const list = (length: number): string => `[${'1,'.repeat(length)}]`;

describe('keys', () => {
  it('are names: their characters as written, or as their quotes mean them', () => {
    const { value, problems } = new ConfigDocument(
      String.raw`{ 1.10: 0, true: 0, ~: 0, 0x1F: 0, "a\u0062": 0, 'c''d': 0 }`,
    );
    expect(Object.keys(value as object)).toEqual(['1.10', 'true', '~', '0x1F', 'ab', "c'd"]);
    expect(problems).toEqual([]);
  });

  it.each(['"": 1', ': 1', '? [a]\n: 1', '? {a: b}\n: 1'])('are not %j', (text) => {
    expect(whats(text)).toEqual(['a key here is not plain text']);
  });

  it('reach no prototype', () => {
    const { value } = new ConfigDocument('a: 1\n');
    expect(Object.getPrototypeOf(value)).toBeNull();
  });
});

describe('an alias', () => {
  it('stands for the value before it, and mistakes in it are reported where it stands', () => {
    const document = new ConfigDocument('a: &x [1.10]\nb: *x\n');
    expect(document.value).toEqual({ a: [1.1], b: [1.1] });
    expect([document.sourceOf(['b', 0]), document.sourceOf(['c']), document.lineOf(['b'])]).toEqual([
      '1.10',
      undefined,
      2,
    ]);
    document.report(['b'], 'w', 'f');
    expect(document.problems).toEqual([{ line: 2, column: 4, path: 'b', what: 'w', fix: 'f' }]);
  });
});

describe('a place', () => {
  it.each([
    ['a', 'value', '1:4'],
    ['a', 'key', '1:1'],
    ['missing', 'value', '1:1'],
    ['missing', 'key', '1:1'],
  ] as const)('of %s by its %s is %s', (key, at, place) => {
    const document = new ConfigDocument('a: b\n');
    document.report([key], 'w', 'f', at);
    expect(document.problems.map(({ line, column }) => `${line}:${column}`)).toEqual([place]);
  });

  it('of what was not written is the key of what should hold it', () => {
    const document = new ConfigDocument('a: 1\nimages:\n  django: {}\n');
    document.report(['images', 'django', 'repository'], 'w', 'f');
    expect(document.problems[0]).toMatchObject({ line: 3, column: 3, path: 'images.django.repository' });
  });
});

describe('a text that is too much', () => {
  const KIB_256 = 256 * 1024;

  it('is one of more than 256 KiB, counted in bytes', () => {
    const padded = (bytes: number): string => `a: 1 #${'é'.repeat((bytes - 6) / 2)}`;
    expect(new ConfigDocument(padded(KIB_256)).value).toEqual({ a: 1 });
    const { value, problems } = new ConfigDocument(padded(KIB_256 + 2));
    expect(value).toBeUndefined();
    expect(problems).toEqual([
      { line: 1, column: 1, path: '', what: 'it is larger than 256 KiB', fix: 'make it shorter' },
    ]);
  });

  it.each([
    ['lists', '[', ']'],
    ['maps', '{a: ', '}'],
  ])('is one of deep %s', (_, open, close) => {
    expect(whats(nested(15, open, close))).toEqual([]);
    expect(whats(nested(17, open, close))).toEqual(['it is nested deeper than 16 levels']);
    expect(whats(nested(32, open, close))).toEqual(['it is nested deeper than 16 levels']);
    expect(new ConfigDocument(nested(33, open, close)).problems).toEqual([
      {
        line: 1,
        column: 1,
        path: '',
        what: 'it is nested too deeply, or has too many values',
        fix: 'write it with fewer levels and values',
      },
    ]);
  });

  it.each(['[]', '{}'])('is not one of many %s side by side', (empty) => {
    expect(whats(`a: [${`${empty},`.repeat(100)}]`)).toEqual([]);
  });

  it('is one of more than 20,000 values, which is said once', () => {
    expect(whats(list(19_999))).toEqual([]);
    expect(whats(list(20_000))).toEqual(['it contains more than 20000 values']);
    expect(whats(list(20_010))).toEqual(['it contains more than 20000 values']);
  });

  it('is one of more parts than that many values have', () => {
    expect(whats(list(60_000))).toEqual(['it is nested too deeply, or has too many values']);
  });
});

describe('a text that is not YAML', () => {
  it('has no value, and the first mistake alone is reported: those behind it follow from it', () => {
    const { value, problems } = new ConfigDocument('a: { b: x/{c} }\nd: { e: {}, f: { g: 1 } }\n');
    expect(value).toBeUndefined();
    expect(problems).toMatchObject([{ line: 1, path: '', what: 'not YAML: unexpected flow-map-start at node end' }]);
  });

  it.each([
    ['', 'it is empty'],
    ['# nothing\n', 'it is empty'],
    ['a: 1\n---\nb: 2\n', 'it contains a second document'],
  ])('is %j', (text, what) => {
    const document = new ConfigDocument(text);
    expect(document.value).toBeUndefined();
    expect(document.problems.map((problem) => [problem.path, problem.what])).toEqual([['', what]]);
  });
});
