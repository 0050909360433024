// The program as it is published, built again for a benchmark: nobody measures what was built last week.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Metafile } from 'esbuild';
import { run } from '../test/support/git-repository.ts';

/** A build in a folder of its own. */
export interface Build extends AsyncDisposable {
  readonly folder: string;
  /** What `tagflow` starts. */
  readonly program: string;
  /** The packages whose code is in a file of the build, by the file's name. */
  packagesIn(file: string): readonly string[];
}

/** Builds what `npm run build` builds, elsewhere. The compile cache of Node gets a place beside it. */
export async function buildProgram(): Promise<Build> {
  const folder = await mkdtemp(join(tmpdir(), 'tagflow-bench-build-'));
  const metafile = join(folder, 'metafile.json');
  const script = join(import.meta.dirname, '../.ci/build.ts');
  const remove = async (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const args = [script, '--out', join(folder, 'dist'), '--no-types', '--metafile', metafile];
    await run(process.execPath, args, { env: { PATH: process.env['PATH'] ?? '' } });
    return {
      folder,
      program: join(folder, 'dist/tagflow.js'),
      packagesIn: packagesBy(JSON.parse(await readFile(metafile, 'utf8')) as Metafile),
      [Symbol.asyncDispose]: remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

function packagesBy({ outputs }: Metafile): Build['packagesIn'] {
  const found = new Map(
    Object.entries(outputs).map(([path, { inputs }]) => {
      const names = Object.entries(inputs).flatMap(([input, { bytesInOutput }]) => {
        const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input) ?? [];
        return name !== undefined && bytesInOutput > 0 ? [name] : [];
      });
      return [basename(path), [...new Set(names)]] as const;
    }),
  );
  return (file) => found.get(file) ?? [];
}
