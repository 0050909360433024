// Builds what is published: `node .ci/build.ts` writes dist/tagflow.js (the CLI), dist/index.js (the library), their
// shared chunks, dist/types/, and the licences of what was bundled in. Repeating it gives the same bytes. `--out DIR`
// writes elsewhere: what it writes needs no node_modules. `--no-types` leaves the types out.
import { spawnSync } from 'node:child_process';
import { chmod, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Metafile, type Plugin, build } from 'esbuild';

// Heavy SDKs are loaded from node_modules on first use, when the user has installed them.
const EXTERNAL = ['@aws-sdk/*', '@google-cloud/*', 'google-auth-library', 'octokit'];
// CommonJS packages call require for Node's own modules, and an ECMAScript module has none.
const REQUIRE =
  "import { createRequire as tagflowCreateRequire } from 'node:module'; const require = tagflowCreateRequire(import.meta.url);";

/**
 * `const { lock } = await import('proper-lockfile')`: Node finds the names a CommonJS package exports, esbuild gives its
 * chunk a default export alone. Here such a package gets the names that Node finds.
 */
const commonJsNames: Plugin = {
  name: 'commonjs-names',
  setup: (bundler) => {
    bundler.onResolve({ filter: /^[a-z@]/ }, async ({ kind, path }) => {
      if (kind !== 'dynamic-import' || path.startsWith('node:')) return undefined;
      if (EXTERNAL.some((name) => path.startsWith(name.replace('*', '')))) return undefined;
      const names = Object.keys((await import(path)) as object);
      // Node names the whole of a CommonJS module so.
      return names.includes('module.exports') ? { path, namespace: 'commonjs-names', pluginData: names } : undefined;
    });
    bundler.onLoad({ filter: /.*/, namespace: 'commonjs-names' }, ({ path, pluginData }) => {
      const names = (pluginData as readonly string[]).filter((name) => /^[A-Za-z_$][\w$]*$/.test(name));
      return { contents: `export { ${names.join(', ')} } from ${JSON.stringify(path)};`, resolveDir: root };
    });
  },
};

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: { out: { type: 'string', default: 'dist' }, types: { type: 'boolean', default: true } },
  allowNegative: true,
});
const dist = resolve(root, values.out);

await rm(dist, { recursive: true, force: true });
const metafile = await bundle();
await finishCommand(join(dist, 'tagflow.js'));
await writeFile(join(dist, 'THIRD-PARTY-LICENSES.txt'), await licences(metafile));
if (values.types) emitTypes();

async function bundle(): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { tagflow: 'src/cli/entry.ts', index: 'src/index.ts' },
    outdir: dist,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: EXTERNAL,
    chunkNames: 'chunks/[name]-[hash]',
    banner: { js: REQUIRE },
    plugins: [commonJsNames],
    // Only licence texts are kept out of the code: they are gathered below, whole.
    legalComments: 'none',
    // Names of classes and functions appear in stack traces and in `error.name`.
    keepNames: true,
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

/** The licence texts of every package with code in the bundle, by name. Throws when a package brings none. */
async function licences({ outputs }: Metafile): Promise<string> {
  const inputs = Object.values(outputs).flatMap((output) => Object.keys(output.inputs));
  const packages = new Set(inputs.flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []));
  const texts = [...packages].toSorted().map(async (folder) => {
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
  const options = ['--project', '.ci/types.json', '--outDir', join(dist, 'types')];
  const { status } = spawnSync(process.execPath, [compiler, ...options], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
