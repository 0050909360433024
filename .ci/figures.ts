// Figures of the house, to compare two commits: `node .ci/figures.ts [FOLDER…]`, each a checkout (this one where none is named).
// How large its functions are, how many entries its rooms have and how many arrows run between them, and how wide its ports are.
// The linter measures functions; the rest is counted in the text.
import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';

const OWN = join(import.meta.dirname, '..');
/** Rooms whose entries and arrows are counted. */
const ROOMS = ['engine', 'registry', 'cli'] as const;
/** Lines of a function above which it is counted, and parameters. */
const LONG = 40;
const WIDE = 4;

interface Reported {
  readonly code: string;
  readonly filename: string;
  readonly message: string;
}

/** What the linter says of the functions of a checkout, with limits that everything exceeds. */
function lint(checkout: string): readonly Reported[] {
  const folder = mkdtempSync(join(tmpdir(), 'tagflow-figures-'));
  try {
    const config = join(folder, 'oxlint.json');
    const lines = { max: 0, skipBlankLines: false, skipComments: false };
    const rules = { 'max-params': ['error', { max: WIDE }], 'max-lines-per-function': ['error', lines] };
    writeFileSync(config, JSON.stringify({ categories: { correctness: 'off' }, rules }));
    const args = ['-c', config, '--disable-nested-config', '-f', 'json', join(checkout, 'src')];
    const { diagnostics } = JSON.parse(run(join(OWN, 'node_modules/.bin/oxlint'), args)) as {
      readonly diagnostics: readonly Reported[];
    };
    return diagnostics;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The output of a program that ends with another code than 0 where it finds something. */
function run(program: string, args: readonly string[]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  } catch (error) {
    const { stdout } = error as { readonly stdout?: string };
    if (stdout === undefined || stdout === '') throw error;
    return stdout;
  }
}

/** The files of a room, and the files that each imports, as paths from `src`. */
function importsOf(checkout: string, room: string): ReadonlyMap<string, readonly string[]> {
  const src = join(checkout, 'src');
  const files = globSync(`${room}/**/*.{ts,tsx}`, { cwd: src });
  return new Map(
    files.map((file) => {
      const text = readFileSync(join(src, file), 'utf8');
      const named = [...text.matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)].map(([, path = '']) => path);
      return [file, named.map((path) => relative(src, resolve(src, dirname(file), path)))];
    }),
  );
}

/** The entries at the top of a room, and the arrows between them: one for each pair of which the first imports the second. */
function shapeOf(checkout: string, room: string): { readonly entries: number; readonly arrows: number } {
  const imports = importsOf(checkout, room);
  const entryOf = (file: string): string => file.split('/')[1] ?? '';
  const arrows = new Set<string>();
  for (const [file, named] of imports) {
    for (const other of named) {
      if (!imports.has(other) || entryOf(other) === entryOf(file)) continue;
      arrows.add(`${entryOf(file)} ${entryOf(other)}`);
    }
  }
  return { entries: new Set(imports.keys().map(entryOf)).size, arrows: arrows.size };
}

/** The members of an interface of the engine's context, those of what it extends included. */
function membersOf(text: string, name: string): ReadonlySet<string> {
  const found = new RegExp(`interface ${name}(?: extends ([^{]+))? \\{([\\s\\S]*?)\\n?\\}`).exec(text);
  const [, bases = '', body = ''] = found ?? [];
  const own = [...body.matchAll(/^ {2}(?:readonly )?(\w+)[?:(<]/gm)].map(([, member = '']) => member);
  const inherited = bases.split(',').flatMap((base) => (base.trim() === '' ? [] : [...membersOf(text, base.trim())]));
  return new Set([...own, ...inherited]);
}

/** The members of what a parameter in engine/ is said to be, where that is the context or a part of it. */
function membersTaken(context: string, type: string): ReadonlySet<string> {
  const parts = type.split(' & ').map((part) => {
    const [, picked] = /^Pick<\w+, ([^>]+)>$/.exec(part) ?? [];
    return picked ? new Set([...picked.matchAll(/'(\w+)'/g)].map(([, name = '']) => name)) : membersOf(context, part);
  });
  return new Set(parts.flatMap((members) => [...members]));
}

/** The sizes of the contexts, and parts of one, that parameters in engine/ are; and how many of them are all that composing gives. */
function takersOf(checkout: string, context: string): { readonly sizes: readonly number[]; readonly whole: number } {
  const names = [...context.matchAll(/export interface (\w+)/g)].map(([, name = '']) => name);
  const one = `(?:Pick<(?:${names.join('|')}), [^>]+>|(?:${names.join('|')}))`;
  const parameter = new RegExp(`[(,]\\s*(?:\\w+|\\{[^{}]*\\}): (${one}(?: & ${one})*)(?=[,)])`, 'g');
  const all = membersOf(context, 'Given');
  const taken = globSync('src/engine/**/*.ts', { cwd: checkout })
    .filter((file) => file !== 'src/engine/context.ts')
    .flatMap((file) => [...readFileSync(join(checkout, file), 'utf8').matchAll(parameter)])
    .map(([, type = '']) => membersTaken(context, type))
    // Who asks, and a file of configuration, are no ports.
    .filter((members) => members.size > 0 && ![...members].some((name) => ['actor', 'file'].includes(name)));
  return {
    sizes: taken.map(({ size }) => size).sort((one, other) => one - other),
    whole: taken.filter((members) => all.isSubsetOf(members)).length,
  };
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function figuresOf(checkout: string): Readonly<Record<string, string>> {
  const reported = lint(checkout);
  const lengths = (room: string): readonly number[] =>
    reported
      .filter(({ filename, message }) => filename.includes(`src/${room}`) && message.includes('`'))
      .flatMap(({ message }) => /too many lines \((\d+)\)/.exec(message)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  const sizes = (of: readonly number[]): string =>
    `p50 ${percentile(of, 0.5)}, p90 ${percentile(of, 0.9)}, max ${of.at(-1) ?? 0} (${of.length})`;
  const context = readFileSync(join(checkout, 'src/engine/context.ts'), 'utf8');
  const takers = takersOf(checkout, context);
  const docs = globSync('docs/**/*.md', { cwd: checkout }).map((file) => readFileSync(join(checkout, file), 'utf8'));
  const shapes = ROOMS.map((room) => {
    const { entries, arrows } = shapeOf(checkout, room);
    return [`entries and arrows of ${room}/`, `${entries}, ${arrows}`] as const;
  });
  return {
    ...Object.fromEntries(shapes),
    [`functions over ${LONG} lines`]: `${lengths('').filter((lines) => lines > LONG).length} (engine ${lengths('engine/').filter((lines) => lines > LONG).length})`,
    [`functions with more than ${WIDE} parameters`]: String(
      reported.filter(({ code }) => code.includes('max-params')).length,
    ),
    'lines of named functions': sizes(lengths('')),
    'of those in engine/': sizes(lengths('engine/')),
    'members of the context': `${membersOf(context, 'Context').size}; ${membersOf(context, 'RecordReading').size} to read records, ${membersOf(context, 'Reading').size} to read`,
    'parameters in engine/ that are all that composing gives': `${takers.whole} of ${takers.sizes.length}`,
    'members of those parameters': sizes(takers.sizes),
    'words of docs/': String(docs.join(' ').split(/\s+/).length),
  };
}

const checkouts = process.argv.length > 2 ? process.argv.slice(2) : [OWN];
const columns = checkouts.map((checkout) => figuresOf(resolve(checkout)));
const rows = Object.keys(columns[0] ?? {}).map((name) => [name, ...columns.map((figures) => figures[name] ?? '')]);
process.stdout.write(`${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}\n`);
