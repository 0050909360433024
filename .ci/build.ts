// Builds what is published: `node .ci/build.ts` writes dist/tagflow.js (the CLI), dist/index.js (the library), their
// shared chunks, dist/types/, and the licences and the bill of materials of what was bundled in. Everything is bundled,
// the packages of clouds and forges included; those are chunks that load on first use. Repeating the build gives the same
// bytes. Files are made in a folder beside dist/ and then take their places one by one, so that a pack or a test that reads
// dist/ meanwhile finds a whole program. `--out DIR` writes elsewhere: what it writes needs no node_modules. `--no-types`
// leaves the types as they are; `--metafile FILE` writes what each file was made of.
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { type Metafile, type Plugin, build } from 'esbuild';
import { type Sources, billOfMaterials } from './sbom.ts';

// CommonJS packages call require for Node's own modules and join paths to their folder; an ECMAScript module has neither.
const COMMONJS =
  "import { createRequire as tagflowCreateRequire } from 'node:module'; const require = tagflowCreateRequire(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname;";

/**
 * `const { lock } = await import('proper-lockfile')`: Node finds the names a CommonJS package exports, esbuild gives its
 * chunk a default export alone. Here such a package gets the names that Node finds.
 */
const commonJsNames: Plugin = {
  name: 'commonjs-names',
  setup: (bundler) => {
    bundler.onResolve({ filter: /^[a-z@]/ }, async ({ importer, kind, path }) => {
      const ours = importer.startsWith(join(root, 'src'));
      if (!ours || kind !== 'dynamic-import' || path.startsWith('node:')) return undefined;
      const names = Object.keys((await import(path)) as object);
      // Node names the whole of a CommonJS module so.
      return names.includes('module.exports') ? { path, namespace: 'commonjs-names', pluginData: names } : undefined;
    });
    bundler.onLoad({ filter: /.*/, namespace: 'commonjs-names' }, ({ path, pluginData }) => {
      const names = (pluginData as readonly string[]).filter(
        (name) => /^[A-Za-z_$][\w$]*$/.test(name) && name !== 'default',
      );
      return { contents: `export { ${names.join(', ')} } from ${JSON.stringify(path)};`, resolveDir: root };
    });
  },
};

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'dist' },
    types: { type: 'boolean', default: true },
    metafile: { type: 'string' },
  },
  allowNegative: true,
});
const dist = resolve(root, values.out);

await mkdir(dirname(dist), { recursive: true });
const made = await mkdtemp(`${dist}.new-`);
try {
  await makeAll();
  await takePlaces();
} finally {
  await rm(made, { recursive: true, force: true });
}

async function makeAll(): Promise<void> {
  const metafile = await bundle();
  if (values.metafile !== undefined) await writeFile(values.metafile, JSON.stringify(metafile));
  await finishCommand(join(made, 'tagflow.js'));
  // preact is in the page, and the page is a text in the bundle.
  const packages = [...bundledPackages(metafile), 'node_modules/preact'].toSorted();
  await writeFile(join(made, 'THIRD-PARTY-LICENSES.txt'), await licences(packages));
  await writeFile(join(made, 'sbom.cdx.json'), await sbom(packages));
  if (values.types) emitTypes();
}

/** Moves what was made to its place, chunks before those that import them, and then removes what an earlier build left. */
async function takePlaces(): Promise<void> {
  const files = await filesIn(made);
  for (const file of files.toSorted((a, b) => b.split(sep).length - a.split(sep).length)) {
    await mkdir(dirname(join(dist, file)), { recursive: true });
    await rename(join(made, file), join(dist, file));
  }
  const kept = new Set(files);
  // Executables and images are made by commands of their own.
  const others = values.types ? /^(?:bin|image)[/\\]/ : /^(?:bin|image|types)[/\\]/;
  const old = (await filesIn(dist)).filter((file) => !kept.has(file) && !others.test(file));
  for (const file of old) await rm(join(dist, file), { force: true });
}

/** The files in a folder and below it, by their paths from there. */
async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)));
}

async function bundle(): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { tagflow: 'src/cli/entry.ts', index: 'src/index.ts' },
    outdir: made,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    chunkNames: 'chunks/[name]-[hash]',
    banner: { js: COMMONJS },
    plugins: [commonJsNames],
    // Only licence texts are kept out of the code: they are gathered below, whole.
    legalComments: 'none',
    // Names of classes and functions appear in stack traces and in `error.name`.
    keepNames: true,
    minifyWhitespace: true,
    minifySyntax: true,
    metafile: true,
    logLevel: 'warning',
  });
  return metafile;
}

/** The command starts by its own name: esbuild keeps the first line of the source when it is a `#!`. */
async function finishCommand(path: string): Promise<void> {
  const code = await readFile(path, 'utf8');
  if (!code.startsWith('#!')) await writeFile(path, `#!/usr/bin/env node\n${code}`);
  await chmod(path, 0o755);
}

/** The folders of every package with code in the bundle, relative to the root, sorted. */
function bundledPackages({ outputs }: Metafile): readonly string[] {
  const inputs = Object.values(outputs).flatMap((output) => Object.keys(output.inputs));
  const pattern = /(?:^|[/:])(node_modules\/(?:.*node_modules\/)?(?:@[^/]+\/)?[^/]+)/;
  const folders = inputs.flatMap((input) => pattern.exec(input)?.[1] ?? []);
  return [...new Set(folders)].toSorted();
}

async function sbom(folders: readonly string[]): Promise<string> {
  const read = async (file: string): Promise<unknown> => JSON.parse(await readFile(join(root, file), 'utf8'));
  const [manifest, lockfile] = await Promise.all([read('package.json'), read('package-lock.json')]);
  return billOfMaterials({ manifest, lockfile, folders } as Sources);
}

/** The licence texts of packages, by name. Throws when a package brings none. */
async function licences(packages: readonly string[]): Promise<string> {
  const texts = packages.map(async (folder) => {
    const name = folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const manifest = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8')) as Manifest;
    const files = (await readdir(join(root, folder))).filter((file) => /^(?:licen[cs]e|copying|notice)/i.test(file));
    const licence = await Promise.all(files.toSorted().map((file) => readFile(join(root, folder, file), 'utf8')));
    if (licence.length === 0 && manifest.license === undefined) throw new Error(`${name} has no licence`);
    const title = `${name} ${manifest.version} (${manifest.license ?? 'see below'})`;
    return [title, '='.repeat(title.length), '', ...licence.map((text) => text.trim()), ''].join('\n');
  });
  return (await Promise.all(texts)).join('\n\n');
}

interface Manifest {
  readonly version: string;
  readonly license?: string;
}

function emitTypes(): void {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const options = ['--project', '.ci/types.json', '--outDir', join(made, 'types')];
  const { status } = spawnSync(process.execPath, [compiler, ...options], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
