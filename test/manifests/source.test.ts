// A manifest file as it is read: its text, its lines, whether it is JSON, and what is said when it is not YAML.
import { describe, expect, it } from 'vitest';
import { capsFor } from '../../src/manifests/caps.ts';
import {
  type Source,
  decode,
  decodeLoosely,
  isSource,
  lineEnd,
  lineAt,
  lineStart,
  readSource,
} from '../../src/manifests/source.ts';

const caps = capsFor(256 * 1024);

/** A file that can be read. */
function source(text: string, path = 'x.yaml'): Source {
  const read = readSource(path, text, caps);
  if (!isSource(read)) throw new Error(read.reason);
  return read;
}

describe('the text of a file', () => {
  const bytes = (text: string, encoding: BufferEncoding): Uint8Array => Buffer.from(text, encoding);

  it('is UTF-8, its byte order mark kept', () => {
    expect(decode(bytes('\uFEFFa: é', 'utf8'))).toBe('\uFEFFa: é');
    expect(decode(bytes('a: \xe9', 'latin1'))).toBeUndefined();
    expect(decode(bytes('a: \0', 'utf8'))).toBeUndefined();
  });

  it.each<[string, Uint8Array, string]>([
    ['UTF-16', bytes('\uFEFFimage: django', 'utf16le'), 'image: django'],
    ['UTF-16 of the other order', Buffer.from('\uFEFFimage: django', 'utf16le').swap16(), 'image: django'],
    ...['\xffa', 'a\xfe', '\xfea', 'a\xff'].map((head): [string, Uint8Array, string] => [
      `Latin-1 that begins with ${head}`,
      bytes(`${head} django`, 'latin1'),
      `${head} django`,
    ]),
  ])('can be searched in %s', (_, content, text) => {
    expect(decodeLoosely(content)).toBe(text);
  });
});

describe('a file', () => {
  it.each([
    ['x.json', '{"a": "b"}', true],
    ['x.json', '{a: b}', true],
    ['x.yaml', ' {"a": "b"}', true],
    ['x.yaml', '["a"]', true],
    ['x.yaml', '{a: b}', false],
    ['x.yaml', '"a"', false],
    ['x.yaml', 'a: {"b": "c"}', false],
    ['.json.yaml', 'a: b', false],
  ])('%s with %s is JSON: %s', (path, text, json) => {
    expect(source(text, path).json).toBe(json);
  });

  it.each([
    ['a: b\nc: d\n', '\n'],
    ['a: b\r\nc: d\r\n', '\r\n'],
    ['a: b', '\n'],
  ])('%j breaks its lines by %j', (text, newline) => {
    expect(source(text).newline).toBe(newline);
  });
});

describe('a line', () => {
  it.each([
    ['a: b\nc: d\n', 6, { line: 2, start: 5, end: 9 }],
    ['a: b\r\nc: d\r\n', 1, { line: 1, start: 0, end: 4 }],
    ['a: b\nc: d', 6, { line: 2, start: 5, end: 9 }],
    ['\na: b', 0, { line: 1, start: 0, end: 0 }],
    ['\uFEFFa: b\nc: d', 2, { line: 1, start: 1, end: 5 }],
    ['\uFEFFa: b\nc: d', 7, { line: 2, start: 6, end: 10 }],
    ['a: b # \uFEFF', 2, { line: 1, start: 0, end: 8 }],
    ['a: "b\uFEFF"\n', 2, { line: 1, start: 0, end: 7 }],
  ])('of %j at %i begins and ends', (text, offset, { line, start, end }) => {
    const read = source(text);
    expect([lineAt(read, offset), lineStart(read, offset), lineEnd(read, offset)]).toEqual([line, start, end]);
  });

  it('does not end before the place that was asked for', () => {
    expect(lineEnd(source('a: b\r\n'), 5)).toBe(5);
  });
});

describe('a file that is not YAML', () => {
  it.each([
    ['a: b\nc: &x &y d\n', 2, 'a node can have at most one anchor'],
    ['a: b\nc: "x" y\n', 2, 'unexpected scalar at node end'],
    ['a: b: c\n', 1, 'nested mappings are not allowed in compact mappings'],
    ['a: b\nb: |x\n c', 2, 'block scalar header includes extra characters: |x'],
    ['a: b\nc\n', 2, 'implicit map keys need to be followed by map values'],
    ['a: b\nc: *nowhere\n', 2, 'the alias *nowhere has no anchor before it'],
  ])('%j says where, and why', (text, line, reason) => {
    expect(readSource('x.yaml', text, caps)).toEqual({ line, reason });
  });

  it('says no line where the reason has none', () => {
    const reason = 'it has more than 1000 documents';
    expect(readSource('x.yaml', '---\n'.repeat(1_001), caps)).toEqual({ line: undefined, reason });
  });
});
