// The pictures of the architecture page against the imports, and the files that pages name.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/internals/architecture.md'), 'utf8');

type Arrows = ReadonlyMap<string, ReadonlySet<string>>;

function arrowsFrom(pairs: Iterable<readonly [string, string]>): Arrows {
  const arrows = new Map<string, Set<string>>();
  for (const [from, to] of pairs) arrows.set(from, (arrows.get(from) ?? new Set()).add(to));
  return arrows;
}

/** The arrows of the page's picture number `index`. */
function drawn(index: number): Arrows {
  const picture = [...PAGE.matchAll(/^```mermaid\n([\s\S]*?)^```$/gm)][index]?.[1] ?? '';
  return arrowsFrom([...picture.matchAll(/^ {2}(\w+) --> (\w+)$/gm)].map(([, from = '', to = '']) => [from, to]));
}

/** What imports what below a folder, by the entries of that folder. */
function imported(folder: string): Arrows {
  const base = join(ROOT, folder);
  const entryOf = (file: string): string | undefined => {
    const [first = '', ...rest] = relative(base, file).split('/');
    if (first === '..' || (folder === 'src' && rest.length === 0)) return undefined;
    return first.replace(/\.ts$/, '');
  };
  const pairs: [string, string][] = [];
  for (const entry of readdirSync(base, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const file = join(entry.parentPath, entry.name);
    for (const [, path = ''] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()'(\.[^']+)'/g)) {
      const [from, to] = [entryOf(file), entryOf(normalize(join(dirname(file), path)))];
      if (from !== undefined && to !== undefined && from !== to) pairs.push([from, to]);
    }
  }
  return arrowsFrom(pairs);
}

function reachable(arrows: Arrows, from: string): ReadonlySet<string> {
  const found = new Set<string>();
  const todo = [from];
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    for (const next of arrows.get(at) ?? []) {
      if (!found.has(next)) todo.push(next);
      found.add(next);
    }
  }
  return found;
}

const pairsOf = (arrows: Arrows): readonly string[] =>
  [...arrows].flatMap(([from, all]) => [...all].map((to) => `${from} -> ${to}`));

describe.each([
  ['the rooms', 0, 'src'],
  ['the rooms of the engine', 1, 'src/engine'],
  ['the rooms of the command line', 2, 'src/cli'],
] as const)('the picture of %s', (_, index, folder) => {
  const picture = drawn(index);
  const imports = imported(folder);

  it('has an arrow, or a way of arrows, for every import', () => {
    expect(pairsOf(imports).length).toBeGreaterThan(10);
    const missing = [...imports].flatMap(([from, all]) => {
      const known = reachable(picture, from);
      return [...all].filter((to) => !known.has(to)).map((to) => `${from} -> ${to}`);
    });
    expect(missing).toEqual([]);
  });

  it('has no arrow without an import', () => {
    const real = new Set(pairsOf(imports));
    expect(pairsOf(picture).filter((pair) => !real.has(pair))).toEqual([]);
  });

  it('has no circle', () => {
    expect([...picture.keys()].filter((room) => reachable(picture, room).has(room))).toEqual([]);
  });
});

it('the engine has at most a dozen entries at its top', () => {
  expect(readdirSync(join(ROOT, 'src/engine')).length).toBeLessThanOrEqual(12);
});

it.each(['docs/internals/architecture.md', 'CONTRIBUTING.md'])('%s: every file that it names is there', (page) => {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const named = [...text.matchAll(/`((?:src|test|docs|\.ci)\/[\w./-]+)`/g)].map(([, path = '']) => path);
  const paths = named.filter((path) => !/NAME|CODE/.test(path));
  expect(paths.length).toBeGreaterThan(5);
  // Tests and other modules are named with or without their ending.
  expect(paths.filter((path) => !existsSync(join(ROOT, path)) && !existsSync(join(ROOT, `${path}.ts`)))).toEqual([]);
});

it('the process variables are read where the process starts, and handed on from there', () => {
  const readers = readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && entry.name !== 'bundle.ts')
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => {
      const code = readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
      return /\bprocess\??\.env\b|\benv\b[^;]*\bfrom 'node:process'|\benv\b[^;]*=\s*process\b/.test(code);
    });
  expect(readers.map((file) => relative(ROOT, file)).toSorted()).toEqual(['src/cli/entry.ts', 'src/cli/main.ts']);
});
