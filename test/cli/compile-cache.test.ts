// Compiled code is run as it lies there: it comes from a folder of the user's own that nobody else may write to, or from none.
import { chmod, lstat, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { compileCacheFolder } from '../../src/cli/process/compile-cache.ts';
import { runCli, succeeded } from '../support/cli.ts';
import { temporaryFolder } from '../support/git-repository.ts';

const uid = process.getuid?.();
let cache: string;
beforeEach(async () => {
  cache = await temporaryFolder('cache');
  await chmod(cache, 0o700);
});

const folderFor = (XDG_CACHE_HOME: string, by = uid): string | undefined =>
  compileCacheFolder({ env: { XDG_CACHE_HOME }, uid: by });

describe('the folder', () => {
  it('is made for the user alone, and found again', async () => {
    expect(folderFor(cache)).toBe(join(cache, 'tagflow'));
    expect((await lstat(join(cache, 'tagflow'))).mode & 0o777).toBe(0o700);
    expect(folderFor(cache)).toBe(join(cache, 'tagflow'));
  });

  it('is below the home folder where nothing else is said, or something relative', async () => {
    for (const env of [{ HOME: cache }, { HOME: cache, XDG_CACHE_HOME: 'here' }, { HOME: cache, XDG_CACHE_HOME: '' }])
      expect(compileCacheFolder({ env, uid })).toBe(join(cache, '.cache/tagflow'));
    for (const path of ['.cache', '.cache/tagflow']) expect((await lstat(join(cache, path))).mode & 0o777).toBe(0o700);
  });

  it.each([0o701, 0o710, 0o740, 0o750, 0o755, 0o770, 0o777, 0o1777])(
    'is not used when it was there with mode %o',
    async (mode) => {
      await mkdir(join(cache, 'tagflow'));
      await chmod(join(cache, 'tagflow'), mode);
      expect(folderFor(cache)).toBeUndefined();
    },
  );

  it.each([0o720, 0o702, 0o777, 0o1777])(
    'is not used when others may write to the folder above, mode %o',
    async (mode) => {
      await chmod(cache, mode);
      expect(folderFor(cache)).toBeUndefined();
    },
  );

  it('is not used when it is a link, even to a folder of the user', async () => {
    await mkdir(join(cache, 'else'), { mode: 0o700 });
    await symlink(join(cache, 'else'), join(cache, 'tagflow'));
    expect(folderFor(cache)).toBeUndefined();
    // Where no user and no rights tell, as on Windows, the link itself does.
    expect(compileCacheFolder({ env: { XDG_CACHE_HOME: cache }, uid: undefined })).toBeUndefined();
    await symlink(cache, join(cache, 'other'));
    expect(folderFor(join(cache, 'other'))).toBeUndefined();
  });

  it('is not used when it is a file, or the place above is not there', async () => {
    await writeFile(join(cache, 'tagflow'), '', { mode: 0o600 });
    expect(folderFor(cache)).toBeUndefined();
    expect(folderFor(join(cache, 'missing'))).toBeUndefined();
    expect(compileCacheFolder({ env: {}, uid })).toBeUndefined();
  });

  it.runIf(uid !== undefined)('is not used when somebody else owns it', async () => {
    await mkdir(join(cache, 'tagflow'), { mode: 0o700 });
    expect(folderFor(cache, uid! + 1)).toBeUndefined();
  });
});

describe('a run', () => {
  const version = async (): Promise<void> => {
    succeeded(await runCli(['--version'], { env: { NODE_COMPILE_CACHE: undefined, XDG_CACHE_HOME: cache } }));
  };

  it('keeps its compiled code there', async () => {
    await version();
    expect(await readdir(join(cache, 'tagflow'))).not.toEqual([]);
  });

  it.each([
    ['a link', async (planted: string) => symlink(planted, join(cache, 'tagflow'))],
    ['open to others', async () => chmod((await mkdir(join(cache, 'tagflow'), { recursive: true }))!, 0o777)],
  ])('puts nothing into a planted folder that is %s, and reads nothing from it', async (_, plant) => {
    const planted = join(cache, 'planted');
    await mkdir(planted);
    await plant(planted);
    await version();
    expect(await readdir(planted)).toEqual([]);
    expect(await readdir(join(cache, 'tagflow'))).toEqual([]);
  });
});
