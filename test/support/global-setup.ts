// Before any test: the program as it is published, built once from the sources as they are, for every test that starts it.
// It starts in half the time of the sources, and it is what people run. TAGFLOW_TEST_PROGRAM names another one.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** Builds; what it returns removes the build when all tests have ended. */
export default function setUp(): (() => void) | undefined {
  if (process.env['TAGFLOW_TEST_PROGRAM'] !== undefined) return undefined;
  // Below node_modules, where the packages that are not bundled are found.
  const cache = join(ROOT, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const out = mkdtempSync(join(cache, 'tagflow-test-'));
  const { status } = spawnSync(process.execPath, [join(ROOT, '.ci/build.ts'), '--out', out, '--no-types'], {
    stdio: 'inherit',
  });
  // Some tests run it as another user.
  chmodSync(out, 0o755);
  if (status !== 0) throw new Error('the program could not be built');
  process.env['TAGFLOW_TEST_PROGRAM'] = relative(ROOT, join(out, 'tagflow.js'));
  return () => rmSync(out, { recursive: true, force: true });
}
