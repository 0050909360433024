// What `npm pack` makes of a checkout, and what installing it brings. It packs a copy: package.json changes for a moment.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeSlow } from '../support/real.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const PARTS = [
  'src',
  '.ci',
  'docs',
  'environments',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
];
/** In megabytes: what installing tagflow may take. */
const LIMIT = 20;

describeSlow('the package that npm pack makes', ['npm'], () => {
  let folder = '';
  let checkout = '';
  let installed = '';
  const npm = async (args: readonly string[], cwd: string): Promise<string> => {
    // npm scripts find the checkout's own Node first, as they do anywhere.
    const env = {
      ...process.env,
      PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
      npm_config_cache: join(folder, 'npm'),
    };
    return (await run('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], { cwd, env })).stdout.trim();
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tagflow-pack-'));
    checkout = join(folder, 'checkout');
    await mkdir(checkout);
    for (const part of [...PARTS, 'tagflow.schema.json', 'README.md', 'LICENSE']) {
      await cp(join(root, part), join(checkout, part), {
        recursive: true,
        filter: (path) => !path.includes('node_modules'),
      });
    }
    await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'));
    // As on a machine where several things happen at once: another pack, and another build.
    await mkdir(join(folder, 'other'));
    await Promise.all([
      npm(['pack'], checkout),
      npm(['pack', '--pack-destination', join(folder, 'other')], checkout),
      run(process.execPath, ['.ci/build.ts', '--no-types'], { cwd: checkout }),
    ]);
    installed = join(folder, 'installed');
    await mkdir(installed);
    await writeFile(join(installed, 'package.json'), '{"private":true}');
    const tarball = (await readdir(checkout)).find((file) => file.endsWith('.tgz'));
    await npm(['install', '--offline', join(checkout, tarball!)], installed);
  }, 300_000);

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('is the same, whatever is built or packed beside it', async () => {
    const tarball = (await readdir(checkout)).find((file) => file.endsWith('.tgz')) ?? '';
    expect(await readFile(join(folder, 'other', tarball))).toEqual(await readFile(join(checkout, tarball)));
    expect((await readdir(checkout)).filter((file) => /^dist\.|^\.package/.test(file))).toEqual([]);
  });

  it('is one package of at most 20 MB, with nothing beneath it', async () => {
    const { packages } = JSON.parse(await readFile(join(installed, 'node_modules/.package-lock.json'), 'utf8')) as {
      packages: Readonly<Record<string, unknown>>;
    };
    expect(Object.keys(packages)).toEqual(['node_modules/tagflow']);
    expect((await sizeOf(join(installed, 'node_modules'))) / 1e6).toBeLessThan(LIMIT);
  });

  it('has a manifest without what belongs to the checkout, and says where it comes from', async () => {
    const manifest = JSON.parse(
      await readFile(join(installed, 'node_modules/tagflow/package.json'), 'utf8'),
    ) as Readonly<Record<string, unknown>>;
    const absent = ['dependencies', 'devDependencies', 'optionalDependencies', 'workspaces', 'overrides', 'scripts'];
    expect(absent.filter((key) => key in manifest)).toEqual([]);
    expect(manifest).toMatchObject({
      repository: expect.anything(),
      homepage: expect.anything(),
      bugs: expect.anything(),
    });
  });

  it('leaves the checkout’s package.json as it was, after a pack that was cut short as well', async () => {
    const original = await readFile(join(root, 'package.json'), 'utf8');
    expect(await readFile(join(checkout, 'package.json'), 'utf8')).toBe(original);
    await writeFile(join(checkout, '.package.json.original'), original);
    await writeFile(join(checkout, 'package.json'), '{"name":"cut short"}');
    await run(process.execPath, ['.ci/pack.ts', 'restore'], { cwd: checkout });
    expect(await readFile(join(checkout, 'package.json'), 'utf8')).toBe(original);
  });

  it('has types by which the examples of the library compile, with nothing else installed', async () => {
    const user = join(installed, 'user');
    await cp(join(root, 'docs/examples'), user, { recursive: true });
    await writeFile(join(user, 'package.json'), '{"type":"module"}');
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2024',
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: [],
    };
    await writeFile(join(user, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const { stdout } = await run(process.execPath, [compiler, '-p', user]).catch((error: { stdout: string }) => error);
    expect(stdout).toBe('');
  });

  it('plays the demo where it is installed', async () => {
    const command = join(installed, 'node_modules/tagflow/dist/tagflow.js');
    const { stdout } = await run(process.execPath, [command, 'demo', 'sandbox'], { cwd: installed });
    expect(stdout).toMatch(/django V4\.2[^]*rollback/);
  }, 120_000);

  it('carries its licences, its bill of materials and the pages that errors name', async () => {
    const files = await readdir(join(installed, 'node_modules/tagflow'), { recursive: true });
    expect(files).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'SECURITY.md',
        'dist/THIRD-PARTY-LICENSES.txt',
        'dist/sbom.cdx.json',
        'docs/errors/downgrade.md',
        'tagflow.schema.json',
      ]),
    );
  });
});

async function sizeOf(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = files
    .filter((file) => file.isFile())
    .map(async (file) => (await stat(join(file.parentPath, file.name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
