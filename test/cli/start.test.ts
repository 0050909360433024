// The command starts quickly: what is heavy is loaded by the command that needs it, when it runs.
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const IMPORT = /^(?:import|export) (?!type )(?:[^;]*? from )?'([^']+)'/gm;

/** What a module loads before its first line runs, itself included: files and packages. */
function loadedBy(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, target = ''] of readFileSync(join(ROOT, file), 'utf8').matchAll(IMPORT)) {
    if (!target.startsWith('.')) seen.add(target);
    else if (target.endsWith('.ts')) loadedBy(relative(ROOT, join(ROOT, dirname(file), target)), seen);
  }
  return seen;
}

test('help loads commander and the commands as they are written down, and no room below', () => {
  const loaded = [...loadedBy('src/cli/program.ts')];
  expect(loaded).toContain('src/cli/commands/promote.ts');
  expect(loaded.filter((name) => !name.startsWith('src/') && !name.startsWith('node:'))).toEqual(['commander']);
  // The table of errors, and what it needs.
  const below = loaded.filter((name) => name.startsWith('src/') && !name.startsWith('src/cli/'));
  expect(below.filter((name) => !name.startsWith('src/model/'))).toEqual([]);
});

test('a command that loads an engine is seen', () => {
  expect([...loadedBy('src/cli/release/finish.ts')].some((name) => name.startsWith('src/engine/'))).toBe(true);
});
