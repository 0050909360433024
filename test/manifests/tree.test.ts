// A document as its readers see it: aliases followed, merge keys applied.
import { isMap } from 'yaml';
import { describe, expect, it } from 'vitest';
import { capsFor } from '../../src/manifests/caps.ts';
import { isSource, readSource } from '../../src/manifests/source.ts';
import { type Path, type Tree, describePath, isEmpty, textOf } from '../../src/manifests/tree.ts';

const caps = capsFor(256 * 1024);

function treeOf(text: string): Tree {
  const source = readSource('x.yaml', text, caps);
  if (!isSource(source)) throw new Error(source.reason);
  const [tree] = source.trees;
  if (!tree) throw new Error('there is no document');
  return tree;
}

/** The text at a path. */
function at(text: string, ...path: Path): string | undefined {
  const tree = treeOf(text);
  return textOf(tree.get(tree.root, path));
}

describe('the value at a path', () => {
  it.each<[string, Path, string | undefined]>([
    ['a: {b: [c, d]}', ['a', 'b', 1], 'd'],
    ['a: {b: [c, d]}', ['a', 'b', 'c'], undefined],
    ['a: {b: [c, d]}', ['a', 'b', 2], undefined],
    ['a: {b: [c, d]}', ['a', 'x', 'y'], undefined],
    ['a: b', ['a', 'b'], undefined],
    ['a: {1: b}', ['a', 1], 'b'],
    ['- [a]', [0, 'length'], undefined],
    ['a: &x {b: c}\nd: *x', ['d', 'b'], 'c'],
    ['&k a: b\nc: *k', ['c'], 'a'],
    ['? &k [a]\n: b\nc: *k', ['c', 0], 'a'],
    ['a: &x b\nc: &x d\ne: *x', ['e'], 'd'],
  ])('of %j at %j', (text, path, value) => {
    expect(at(text, ...path)).toBe(value);
  });
});

describe('merge keys', () => {
  it.each<[string, Path, string | undefined]>([
    ['x: &x {b: c}\na: {<<: *x}', ['a', 'b'], 'c'],
    ['x: &x {b: c}\na: {<<: *x, b: d}', ['a', 'b'], 'd'],
    ['x: &x {b: c}\ny: &y {b: d, e: f}\na: {<<: [*x, *y]}', ['a', 'b'], 'c'],
    ['x: &x {b: c}\ny: &y {b: d, e: f}\na: {<<: [*x, *y]}', ['a', 'e'], 'f'],
    ['x: &x {b: c}\na: {"<<": *x}', ['a', 'b'], undefined],
    ['x: &x {b: c}\na: {"<<": *x}', ['a', '<<', 'b'], 'c'],
  ])('bring in what a mapping lacks, unless they are in quotes: %j at %j', (text, path, value) => {
    expect(at(text, ...path)).toBe(value);
  });

  it('leave a trace: what they brought is inherited', () => {
    const tree = treeOf('x: &x {b: c}\na: {<<: *x, d: e}');
    const a = tree.get(tree.root, ['a']);
    if (!isMap(a)) throw new Error('a is not a mapping');
    expect([...tree.entries(a).values()].map(({ key, inherited }) => [key, inherited])).toEqual([
      ['d', false],
      ['b', true],
    ]);
  });
});

it.each([
  [256, undefined],
  [257, 'it has more than 256 levels'],
])('a document may have 256 levels: %i', (depth, reason) => {
  const read = readSource('x.yaml', `${'['.repeat(depth)}${']'.repeat(depth)}`, caps);
  expect(isSource(read) ? undefined : read.reason).toBe(reason);
});

it.each<[Path, string]>([
  [['spec', 'containers', 0, 'image'], 'spec.containers[0].image'],
  [['a_b', '$c-1'], 'a_b.$c-1'],
  [['a.b', 'c'], '["a.b"].c'],
  [['b', ' c'], 'b[" c"]'],
  [[1], '[1]'],
])('the path %j is written %s', (path, text) => {
  expect(describePath(path)).toBe(text);
});

it.each([
  ['a:', true],
  ['a: ~', true],
  ['a: null', true],
  ['a: ""', true],
  ['a: "null"', false],
  ['a: nullable', false],
  ['a: not-null', false],
  ['a: []', false],
])('a value is empty: %j %s', (text, expected) => {
  const tree = treeOf(text);
  expect(isEmpty(tree.get(tree.root, ['a']))).toBe(expected);
});
