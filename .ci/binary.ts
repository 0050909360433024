// Makes tagflow one file that runs without Node: `npm run binary` writes dist/bin/tagflow-linux-x64 and -arm64, single
// executables (https://nodejs.org/api/single-executable-applications.html) of the Node that the lockfile names.
// `node .ci/binary.ts --arch x64 --out DIR` makes one of them elsewhere.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { build } from 'esbuild';
import { inject } from 'postject';
import { RESOURCE_FOLDERS } from '../src/cli/process/resources.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
/** Marks the place in Node that tells it to run what was injected. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
const ARCHITECTURES = ['x64', 'arm64'] as const;
type Architecture = (typeof ARCHITECTURES)[number];

const { values } = parseArgs({ options: { arch: { type: 'string' }, out: { type: 'string', default: 'dist/bin' } } });
const wanted = ARCHITECTURES.filter((name) => values.arch === undefined || name === values.arch);
if (wanted.length === 0) throw new Error(`--arch is one of ${ARCHITECTURES.join(', ')}`);
const out = resolve(root, values.out);
const work = await mkdtemp(join(tmpdir(), 'tagflow-binary-'));
try {
  await mkdir(out, { recursive: true });
  const main = await bundle();
  for (const architecture of wanted) await makeBinary(architecture, main);
} finally {
  await rm(work, { recursive: true, force: true });
}

/** One CommonJS file: what is injected into Node cannot be an ECMAScript module, and imports nothing beside it. */
async function bundle(): Promise<string> {
  const outfile = join(work, 'tagflow.cjs');
  await build({
    absWorkingDir: root,
    entryPoints: ['src/cli/main.ts'],
    outfile,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node24',
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': 'tagflowUrl' },
    banner: { js: "const tagflowUrl = require('node:url').pathToFileURL(__filename).href;" },
    legalComments: 'none',
    keepNames: true,
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: 'warning',
  });
  return outfile;
}

async function makeBinary(architecture: Architecture, main: string): Promise<void> {
  const blob = join(work, `${architecture}.blob`);
  const settings = {
    main,
    output: blob,
    disableExperimentalSEAWarning: true,
    // Compiled code belongs to the architecture that compiled it.
    useCodeCache: architecture === process.arch,
    assets: await resources(),
  };
  const file = join(work, `${architecture}.json`);
  await writeFile(file, JSON.stringify(settings));
  await run(process.execPath, ['--experimental-sea-config', file]);
  const binary = join(out, `tagflow-linux-${architecture}`);
  await copyFile(await nodeFor(architecture), binary);
  await chmod(binary, 0o755);
  await inject(binary, 'NODE_SEA_BLOB', await readFile(blob), { sentinelFuse: FUSE });
  process.stdout.write(`${binary}\n`);
}

/** The files that travel with tagflow, by the names that src/cli/process/resources.ts asks for. */
async function resources(): Promise<Record<string, string>> {
  const files = RESOURCE_FOLDERS.map(async (folder) => {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }): [string, string] => {
        const path = join(parentPath, name);
        return [path.slice(root.length + 1), path];
      });
  });
  return Object.fromEntries((await Promise.all(files)).flat());
}

/** The Node of an architecture: as installed here, or from the npm registry, checked against the lockfile. */
async function nodeFor(architecture: Architecture): Promise<string> {
  const name = `node-linux-${architecture}`;
  const here = join(root, 'node_modules', name, 'bin/node');
  if (process.platform === 'linux' && architecture === process.arch) return here;
  const lockfile = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, { version: string; integrity: string }>>;
  };
  const locked = lockfile.packages[`node_modules/${name}`];
  if (!locked) throw new Error(`package-lock.json has no ${name}`);
  await run('npm', ['pack', `${name}@${locked.version}`, '--pack-destination', work], { cwd: work });
  const tarball = join(work, `${name}-${locked.version}.tgz`);
  const hash = createHash('sha512')
    .update(await readFile(tarball))
    .digest('base64');
  if (`sha512-${hash}` !== locked.integrity)
    throw new Error(`${name}@${locked.version} is not what the lockfile names`);
  await run('tar', ['-xzf', tarball, '-C', work, 'package/bin/node']);
  return join(work, 'package/bin/node');
}
