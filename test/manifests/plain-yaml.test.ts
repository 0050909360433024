// The short way of reading a manifest: what it reads is what the parser reads, and the rest is left to the parser.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { capsFor } from '../../src/manifests/caps.ts';
import { readPlainYaml } from '../../src/manifests/plain-yaml.ts';
import { Random, mutate } from '../fuzz/mutate.ts';
import { readBothWays } from '../fuzz/same-nodes.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/manifests');
const MUTATIONS = 400;

describe('plain YAML', () => {
  it.each([
    ['keys below keys', 'a: b\nc:\n  d: e\n  f:\n      g: h\ni: j\n'],
    ['a list in the column of its key', 'images:\n- name: web\n  newTag: V1\n- name: db\nkind: K\n'],
    ['a list below its key', 'a:\n  - b\n  - c: d\n    e: f\n  -   g: h\n      i: j\n'],
    ['a list of lists', '- - a\n  - b\n- - c: d\n    e: f\n'],
    ['empty values', 'a:\nb:  \nc: # nothing\n\n  # more\nd:'],
    ['quotes', 'a: "b # c"\nb: \'d: e\' # f\nc: ""\nd: \'\'\n'],
    ['empty collections', 'a: {}\nb: [] # none\n'],
    ['comments everywhere', '# a\na: b # c\n    # d\nb: c#d\n#e\n'],
    ['documents', '---\na: b\n---\n- c\n# d\n---\ne:\n'],
    ['a comment before the mark', '# a\n---\na: b\n'],
    ['words that others read as numbers', 'a: 1.10\nb: 0755\nc: 1e3\nd: yes\n80: null\ne: ../../base\nf: a:b@c\n'],
    ['spaces at the end of lines', 'a: b   \nc:   \n  d: e  \n   \n'],
  ])('is read as the parser reads it: %s', (_, text) => {
    const both = readBothWays(text);
    expect(both).toBeDefined();
    expect(both?.plain).toBe(both?.parsed);
  });

  it.each([
    ['a word over two lines', 'a: b\n  c\n'],
    ['a list in the place of a word', 'a: b\n  - c\n'],
    ['a text block', 'a: |\n  b\n'],
    ['an anchor', 'a: &b c\n'],
    ['an alias', 'a: *b\n'],
    ['a merge key', '<<: a\n'],
    ['a tag', 'a: !!str b\n'],
    ['braces', 'a: {b: c}\n'],
    ['a complex key', '? a\n: b\n'],
    ['a quoted key', '"a": b\n'],
    ['a colon in a word', 'a: b: c\n'],
    ['a word that ends with a colon', 'a: b:\n'],
    ['a value below its key', 'a:\n  b\n'],
    ['a dash alone', '- \n  a: b\n'],
    ['a tab', 'a:\tb\n'],
    ['a carriage return', 'a: b\r\n'],
    ['a byte order mark', '\uFEFFa: b\n'],
    ['a directive', '%YAML 1.2\n---\na: b\n'],
    ['an end of a document', 'a: b\n...\n'],
    ['an empty document', 'a: b\n---\n'],
    ['an escape', 'a: "\\u0041"\n'],
    ['quotes in quotes', "a: 'b''c'\n"],
    ['quotes that do not end', 'a: "b\n'],
    ['a key between two columns', 'a:\n    b: c\n  d: e\n'],
    ['a root that is indented', '  a: b\n'],
    ['nothing', ''],
    ['a no-break space', 'a: b\u00a0\n'],
    ['more levels than anybody writes', `${'- '.repeat(70)}a\n`],
  ])('is left to the parser: %s', (_, text) => {
    expect(readPlainYaml(text, capsFor(256 * 1024))).toBeUndefined();
  });

  it('is left to the parser where the text is long', () => {
    const text = `a: ${'b'.repeat(40_000)}\n`;
    expect(readPlainYaml(text, capsFor(256 * 1024))).toBeUndefined();
    expect(readPlainYaml(text, capsFor(1024 * 1024))).toBeDefined();
  });

  it('is what real files and their mutations are, node by node', () => {
    const files = readdirSync(FIXTURES, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const texts = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8'));
    const plain = texts.flatMap((text) => readBothWays(text) ?? []);
    expect(plain.length).toBeGreaterThan(texts.length / 5);
    for (const both of plain) expect(both.plain).toBe(both.parsed);
    const short = texts
      .filter((text) => readBothWays(text.slice(0, 400)) !== undefined)
      .map((text) => text.slice(0, 400));
    let read = 0;
    for (let seed = 0; seed < MUTATIONS; seed += 1) {
      const random = new Random(seed);
      const both = readBothWays(mutate(random.one(short), random));
      if (!both) continue;
      read += 1;
      expect(both.plain, `seed ${seed}`).toBe(both.parsed);
    }
    expect(read).toBeGreaterThan(MUTATIONS / 20);
  });
});
