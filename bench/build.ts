// The program as it is published, built again for a benchmark: nobody measures what was built last week.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../test/support/git-repository.ts';

/** A build in a folder of its own. */
export interface Build extends AsyncDisposable {
  readonly folder: string;
  /** What `tagflow` starts. */
  readonly program: string;
}

/** Builds what `npm run build` builds, elsewhere. The compile cache of Node gets a place beside it. */
export async function buildProgram(): Promise<Build> {
  const folder = await mkdtemp(join(tmpdir(), 'tagflow-bench-build-'));
  const script = join(import.meta.dirname, '../.ci/build.ts');
  const remove = async (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await run(process.execPath, [script, '--out', join(folder, 'dist')], { env: { PATH: process.env['PATH'] ?? '' } });
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, program: join(folder, 'dist/tagflow.js'), [Symbol.asyncDispose]: remove };
}
