// The check after splicing, given edits that went wrong on purpose.
import { describe, expect, it } from 'vitest';
import { capsFor } from '../../src/manifests/caps.ts';
import { isSource, readSource } from '../../src/manifests/source.ts';
import { verifyEdit } from '../../src/manifests/verify.ts';
import { refusal } from '../support/failure.ts';

const caps = capsFor(256 * 1024);

/** What checking an edit says, where the edit means to set `tag` of the first document to `new`. */
function check(before: string, after: string, path = 'x.yaml'): () => unknown {
  const source = readSource(path, before, caps);
  if (!isSource(source)) throw new Error(source.reason);
  return () => verifyEdit(source, after, [{ document: 0, path: ['tag'], value: 'new' }], caps);
}

/** One value behind 2^200 aliases. */
function laugh(value: string): string {
  const lists = Array.from({ length: 200 }, (_, index) => `b${index}: &a${index + 1} [*a${index}, *a${index}]\n`);
  return `tag: ${value}\na: &a0 [${value}]\n${lists.join('')}`;
}

describe('an edit', () => {
  it.each([
    ['sets its value', 'tag: old\na: b\n', 'tag: new\na: b\n'],
    ['sets it with other quotes and comments', 'tag: old\n', '# now\ntag: "new"\n'],
    ['sets a value that was not there', 'a: b\n', 'a: b\ntag: new\n'],
    ['keeps what is empty', 'tag: old\na: {}\nb: []\nc:\n', 'tag: new\na: {}\nb: []\nc:\n'],
    ['sets the value of an alias that nothing else uses', 'tag: &t old\n', 'tag: &t new\n'],
  ])('passes when it %s', (_, before, after) => {
    expect(check(before, after)).not.toThrow();
  });

  it.each([
    ['changes another value', 'tag: old\na: b\n', 'tag: new\na: c\n', 'a would change as well'],
    ['removes another key', 'tag: old\na: {b: c}\n', 'tag: new\na: {}\n', 'a.b would change as well'],
    ['adds another key', 'tag: old\n', 'tag: new\na: b\n', 'a would change as well'],
    ['adds an item', 'tag: old\na: [b]\n', 'tag: new\na: [b, c]\n', 'a[1] would change as well'],
    ['fills an empty mapping', 'tag: old\na: {}\n', 'tag: new\na: {b: c}\n', 'a would change as well'],
    ['fills an empty list', 'tag: old\na: []\n', 'tag: new\na: [b]\n', 'a would change as well'],
    ['removes an empty mapping', 'tag: old\na: {}\n', 'tag: new\n', 'a would change as well'],
    ['removes an empty list', 'tag: old\na: []\n', 'tag: new\n', 'a would change as well'],
    ['removes a list', 'tag: old\na: [b]\n', 'tag: new\n', 'a[0] would change as well'],
    ['removes the key before its own', 'a: b\ntag: old\n', 'tag: new\n', 'a would change as well'],
    ['makes text of a list', 'tag: old\na: [b]\n', 'tag: new\na: b\n', 'a[0] would change as well'],
    ['gives a value a tag', 'tag: old\na: b\n', 'tag: new\na: !b b\n', 'a would change as well'],
    ['empties a list', 'tag: old\na: []\n', 'tag: new\na: {}\n', 'a would change as well'],
    ['changes what an alias stands for', 'x: &t old\ntag: *t\n', 'x: &t new\ntag: *t\n', 'x would change as well'],
    [
      'changes what a merge key brings',
      'tag: old\nx: &x {c: d}\ny: {<<: *x}\n',
      'tag: new\nx: &x {c: d}\ny: {<<: *x, c: e}\n',
      'y.c would change as well',
    ],
    ['changes a key that is a collection', 'tag: old\n? [a]\n: b\n', 'tag: new\n? [c]\n: b\n', 'would change as well'],
    ['changes a type', 'tag: old\na: b\n', 'tag: new\na: !!binary b\n', 'a would change as well'],
    ['changes another document', 'tag: old\n---\na: b\n', 'tag: new\n---\na: c\n', 'a would change as well'],
    ['changes a document that is one value', 'tag: old\n---\na\n', 'tag: new\n---\nb\n', 'the document would change'],
    ['adds a document', 'tag: old\n', 'tag: new\n---\na: b\n', 'the number of documents would change'],
    ['sets another value than it meant', 'tag: old\n', 'tag: newer\n', 'tag would change as well'],
    ['sets nothing', 'tag: old\n', 'tag: old\n', 'tag would not hold the pin'],
    ['breaks the file', 'tag: old\n', 'tag: [new\n', 'the file could not be read afterwards'],
  ])('is refused when it %s', (_, before, after, why) => {
    const error = refusal(check(before, after));
    expect(error).toMatchObject({
      code: 'manifest-unsafe-edit',
      message: 'x.yaml cannot be pinned without changing something else',
      details: { path: 'x.yaml' },
    });
    expect(error.why).toContain(why);
  });

  it('passes where a file that is called JSON was YAML all along', () => {
    expect(check('{tag: old}', '{tag: new}', 'x.json')).not.toThrow();
  });

  it('is refused when JSON would be YAML alone', () => {
    expect(refusal(check('{"tag": "old"}', '{"tag": new}', 'x.json')).why).toBe('the file would not be JSON any more');
  });

  it('is refused at once when one changed value stands behind countless aliases', () => {
    expect(refusal(check(laugh('old'), laugh('new'))).why).toContain('would change as well');
  });
});
