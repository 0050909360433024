// Real parts for tests: programs that may or may not be on this machine. Where one is missing its tests are skipped
// and say so; with TAGFLOW_REQUIRE_REAL=1, as .ci/run sets it, a missing part is a failure instead.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, it } from 'vitest';

/** Whether this is the full run, in which nothing is left out. */
export const IS_FULL = process.env['TAGFLOW_REQUIRE_REAL'] === '1';

/** All of some slow rows in the full run; otherwise every nth, which keeps `npm test` short. */
export function sampled<T>(rows: readonly T[], every: number): readonly T[] {
  return IS_FULL ? rows : rows.filter((_, index) => index % every === 0);
}

/** The path of a program, searched as a shell does and in the sbin folders; undefined when it is not there. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** A suite that needs real programs. `optional` ones never fail a run: they cannot be installed everywhere. */
export function describeReal(
  title: string,
  programs: readonly string[],
  body: () => void,
  options: { readonly optional?: boolean } = {},
): void {
  const missing = programs.filter((program) => !findProgram(program));
  if (missing.length === 0) {
    describe(title, body);
    return;
  }
  const reason = `${missing.join(', ')} not installed`;
  if (IS_FULL && options.optional !== true) {
    describe(title, () => {
      it(`needs ${missing.join(', ')}`, () => {
        throw new Error(`${reason}, and TAGFLOW_REQUIRE_REAL=1 forbids to skip`);
      });
    });
    return;
  }
  describe.skip(`${title} (skipped: ${reason})`, body);
}

/** One that takes half a minute or more: the full run plays it, and `npm test` says that it does not. */
export function describeSlow(title: string, programs: readonly string[], body: () => void): void {
  if (IS_FULL) describeReal(title, programs, body);
  else describe.skip(`${title} (skipped: slow, played with TAGFLOW_REQUIRE_REAL=1)`, body);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
