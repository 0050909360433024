// The glossary and the names that the code exports: every name that the page gives is there, no word that it rules out is part of
// a name, and no name has two meanings.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const DECLARED = /^export (?:abstract )?(?:async )?(?:function\*?|const|class|interface|type) (\w+)/gm;

/** A declaration of an exported name. */
interface Declaration {
  readonly file: string;
}

function exportedNames(): ReadonlyMap<string, readonly Declaration[]> {
  const names = new Map<string, Declaration[]>();
  for (const entry of readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.tsx?$/.test(entry.name)) continue;
    const file = join(entry.parentPath, entry.name);
    for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(DECLARED)) {
      names.set(name, [...(names.get(name) ?? []), { file: file.slice(ROOT.length + 1) }]);
    }
  }
  return names;
}

interface Entry {
  readonly word: string;
  readonly names: readonly string[];
  readonly ruledOut: readonly string[];
}

function entries(): readonly Entry[] {
  const page = readFileSync(join(ROOT, 'docs/reference/glossary.md'), 'utf8');
  return page.split(/\n(?=- )/).flatMap((item) => {
    const text = item.replaceAll(/\s+/g, ' ');
    const [, word, , names = ''] = /^- (\*\*[^(:]+\*\*)( \(([^)]+)\))?:/.exec(text) ?? [];
    if (word === undefined) return [];
    const [, out = ''] = / Not: ([a-z, ]+)\.\s*$/.exec(text) ?? [];
    return [
      {
        word,
        names: [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
        ruledOut: out.split(', ').filter(Boolean),
      },
    ];
  });
}

const exported = exportedNames();
const wordsIn = (name: string): readonly string[] =>
  name.split(/_|(?<=[a-z0-9])(?=[A-Z])/).map((word) => word.toLowerCase());

test('the page has its entries in the order of the alphabet', () => {
  const words = entries().map(({ word }) => word.replaceAll('*', ''));
  expect(words.length).toBeGreaterThan(30);
  expect(words).toEqual(words.toSorted());
});

test.each(entries().filter(({ names }) => names.length > 0))('$word: its names are in the code', ({ names }) => {
  expect(names.filter((name) => !exported.has(name))).toEqual([]);
});

test('no exported name holds a word that the page rules out', () => {
  // `environment` is ruled out for process variables alone, which only people can tell.
  const ruledOut = new Set(entries().flatMap((entry) => entry.ruledOut));
  ruledOut.delete('environment');
  expect([...ruledOut].toSorted()).toEqual(['foreign', 'notice', 'propose', 'world']);
  expect([...exported.keys()].filter((name) => wordsIn(name).some((word) => ruledOut.has(word)))).toEqual([]);
});

/** Adapters of one port say the same of different services by the same name. */
const PARALLEL = /^src\/registry\/(?:oci|ecr|gar|layout)\//;

/** A command is called what its use case is: `promote` in `src/cli/commands` runs `promote` in `src/engine`. */
const COMMAND = /^src\/cli\/commands\//;

test('no exported name has two meanings', () => {
  const twice = [...exported].flatMap(([name, all]): [string, readonly string[]][] => {
    const others = all.filter(({ file }) => !PARALLEL.test(file) && !COMMAND.test(file));
    return others.length > 1 ? [[name, others.map(({ file }) => file)]] : [];
  });
  expect(Object.fromEntries(twice)).toEqual({});
});
