// Splices: replaced ranges of a text, and what they refuse.
import { type Pair, type Scalar, isMap, isScalar, isSeq } from 'yaml';
import { describe, expect, it } from 'vitest';
import { capsFor } from '../../src/manifests/caps.ts';
import { type Source, isSource, readSource } from '../../src/manifests/source.ts';
import {
  type Splice,
  applySplices,
  holds,
  indentOf,
  insertPair,
  insertValue,
  removePair,
  renameKey,
  replaceScalar,
} from '../../src/manifests/splice.ts';
import { refusal } from '../support/failure.ts';

function read(text: string, path = 'x.yaml'): Source {
  const source = readSource(path, text, capsFor(256 * 1024));
  if (!isSource(source)) throw new Error(source.reason);
  return source;
}

/** The value of the first document's key `a`. */
function valueOfA(source: Source): Scalar {
  const tree = source.trees[0];
  const value = tree?.get(tree.root, ['a']);
  if (!isScalar(value)) throw new Error('a is not a scalar');
  return value;
}

/** A pair of the first document's root, by its key. */
function pairOf(source: Source, key: string): Pair {
  const tree = source.trees[0];
  const pair = tree?.entry(tree.root, key)?.pair;
  if (!pair) throw new Error(`there is no ${key}`);
  return pair;
}

function rootMap(source: Source) {
  const root = source.trees[0]?.root;
  if (!isMap(root)) throw new Error('the root is not a map');
  return root;
}

describe('splices', () => {
  const source = read('a: one\nb: two\n');
  const at = (start: number, end: number, text: string): Splice => ({ start, end, text });

  it.each<[string, readonly Splice[], string]>([
    ['none', [], 'a: one\nb: two\n'],
    ['in any order', [at(10, 13, 'B'), at(3, 6, 'A')], 'a: A\nb: B\n'],
    ['next to each other', [at(3, 4, 'O'), at(4, 5, 'N')], 'a: ONe\nb: two\n'],
    ['insertions at one place, in their order', [at(6, 6, '1'), at(6, 6, '2')], 'a: one12\nb: two\n'],
    ['an insertion before a replacement', [at(3, 6, 'A'), at(3, 3, '1')], 'a: 1A\nb: two\n'],
    ['the same one twice', [at(3, 6, 'A'), at(3, 6, 'A')], 'a: A\nb: two\n'],
  ])('are applied: %s', (_, splices, expected) => {
    expect(applySplices(source, splices)).toBe(expected);
  });

  it.each<[string, readonly Splice[]]>([
    ['for one range differ', [at(10, 13, 'A'), at(10, 13, 'B')]],
    ['begin at one place', [at(10, 12, 'A'), at(10, 13, 'A')]],
    ['overlap', [at(9, 12, 'A'), at(11, 13, 'B')]],
    ['remove and insert at one place', [at(10, 13, ''), at(12, 12, 'B')]],
  ])('are refused when two %s', (_, splices) => {
    expect(refusal(() => applySplices(source, splices))).toMatchObject({
      code: 'manifest-unsafe-edit',
      message: 'x.yaml:2 is one value that two fields share, and they need different pins',
      details: { path: 'x.yaml', line: 2 },
    });
  });
});

describe('a value already is the text that is wanted', () => {
  it.each([
    ['a: V4.2', 'V4.2', true],
    ['a: "V4.2"', 'V4.2', true],
    ['a: V4.2', 'V4.3', false],
    ['a: 1.10', '1.10', false],
    ['a: "1.10"', '1.10', true],
    ["a: '1.10'", '1.10', true],
  ])('%s, wanted %s: %s', (text, wanted, expected) => {
    expect(holds(valueOfA(read(text)), wanted)).toBe(expected);
  });
});

describe('a value is replaced', () => {
  const after = (text: string, path?: string, value = '1.10'): string => {
    const source = read(text, path);
    return applySplices(source, [replaceScalar(source, valueOfA(source), value)]);
  };

  it.each([
    ['a: old # note\n', 'a: "1.10" # note\n'],
    ['a: "old"\n', 'a: "1.10"\n'],
    ["a: 'old'\n", "a: '1.10'\n"],
    ['a: &x old\n', 'a: &x "1.10"\n'],
    ['a: !!str old\n', 'a: !!str "1.10"\n'],
    ['a: ! old\n', 'a: ! "1.10"\n'],
    ['a:\n', 'a: "1.10"\n'],
    ['a: \t\nb: c\n', 'a: "1.10" \t\nb: c\n'],
    ['a: |-\n  old\nb: c\n', 'a: "1.10"\nb: c\n'],
    ['a: >\n  old\n  older\nb: c\n', 'a: "1.10"\nb: c\n'],
  ])('in its own quotes, with all around it kept: %j', (text, expected) => {
    expect(after(text)).toBe(expected);
  });

  it('plainly where that is safe, and as JSON in a file of JSON', () => {
    expect(after('a: old\n', 'x.yaml', 'V4.2')).toBe('a: V4.2\n');
    expect(after('{"a": null}', 'x.json', 'V4.2')).toBe('{"a": "V4.2"}');
  });

  it.each([
    ['a: !!int 7\n', 'has the tag tag:yaml.org,2002:int where a pin belongs'],
    ['a: | # note\n  old\n', 'holds a block of text with a comment on its first line'],
  ])('not where it would mean something else: %j', (text, what) => {
    expect(refusal(() => after(text)).message).toBe(`x.yaml:1 ${what}`);
  });
});

describe('a key', () => {
  const edited = (text: string, splice: (source: Source) => Splice): string => {
    const source = read(text);
    return applySplices(source, [splice(source)]);
  };

  it.each([
    ['a: b\nz: y\n', 'a: b\nnew: V4.2\nz: y\n'],
    ['a: b # note\nz: y', 'a: b # note\nnew: V4.2\nz: y'],
    ['a: b', 'a: b\nnew: V4.2'],
    ['a: b\r\nz: y\r\n', 'a: b\r\nnew: V4.2\r\nz: y\r\n'],
    ['"a": b\n', '"a": b\n"new": V4.2\n'],
    ["'a': b\n", "'a': b\n'new': V4.2\n"],
    ['a:\n  b: [c,\n    d]\n', 'a:\n  b: [c,\n    d]\nnew: V4.2\n'],
    ['a: {}\n', 'a: {}\nnew: V4.2\n'],
    ['a: []\n', 'a: []\nnew: V4.2\n'],
    ['{a: b, z: y}', '{a: b, new: V4.2, z: y}'],
    ['{\n  a: b,\n  z: y\n}', '{\n  a: b,\n  new: V4.2,\n  z: y\n}'],
    ['{a}', '{a, new: V4.2}'],
  ])('is added after another, in the style of the mapping: %j', (text, expected) => {
    const splice = (source: Source) =>
      insertPair(source, rootMap(source), pairOf(source, 'a'), { key: 'new', value: 'V4.2' });
    expect(edited(text, splice)).toBe(expected);
  });

  it('gets a value where it has none', () => {
    expect(edited('{a, b: c}', (source) => insertValue(source, pairOf(source, 'a'), 'V4.2'))).toBe('{a: V4.2, b: c}');
  });

  it.each([
    ['a: b\n', 'z: b\n'],
    ['"a": b\n', '"z": b\n'],
    ["'a': b\n", "'z': b\n"],
  ])('is turned into another one in its own quotes: %j', (text, expected) => {
    expect(edited(text, (source) => renameKey(pairOf(source, 'a'), 'z'))).toBe(expected);
  });

  it.each([
    ['x: y\na: b\nz: y\n', 'x: y\nz: y\n'],
    ['x: y\na: b # note\nz: y\n', 'x: y\nz: y\n'],
    ['x: y\na: b', 'x: y'],
    ['x: y\r\na: b', 'x: y'],
    ['a: b\nz: y\n', 'z: y\n'],
    ['{x: y, a: b}', '{x: y}'],
    ['{x: y, a: b, z: y}', '{x: y, z: y}'],
    ['{a: b, z: y}', '{z: y}'],
    ['{a: b}', '{}'],
  ])('is removed with its line or its comma: %j', (text, expected) => {
    expect(edited(text, (source) => removePair(source, rootMap(source), pairOf(source, 'a')))).toBe(expected);
  });

  it.each(['a: b\n# of z\nz: y\n', '{a: b,\n # of z\n z: y}'])(
    'is not removed where a comment would go as well: %j',
    (text) => {
      const remove = () => edited(text, (source) => removePair(source, rootMap(source), pairOf(source, 'a')));
      expect(refusal(remove).message).toBe('x.yaml:1 cannot be removed without comments around it');
    },
  );
});

describe('the blanks before a collection', () => {
  it.each([
    ['a:\n  b: c\n', '  '],
    ['a:\n- b\n', ''],
    ['a:\n    - b\n', '    '],
    ['- b: c\n', '  '],
  ])('are those of its first line: %j', (text, indent) => {
    const source = read(text);
    const tree = source.trees[0];
    const inner = isSeq(tree?.root) ? tree.get(tree.root, [0]) : tree?.get(tree.root, ['a']);
    if (!isMap(inner) && !isSeq(inner)) throw new Error('no collection');
    expect(indentOf(source, inner)).toBe(indent);
  });
});
