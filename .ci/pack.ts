// Prepares the package that `npm pack` and `npm publish` make: `node .ci/pack.ts prepare` builds it and puts the published
// manifest in place of package.json; `node .ci/pack.ts restore` puts the checkout's manifest back. A run that was cut short
// leaves a copy of the original behind, and the next run starts from that copy.
import { spawnSync } from 'node:child_process';
import { copyFile, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const manifestPath = join(root, 'package.json');
const originalPath = join(root, '.package.json.original');

/** Everything is bundled, so the package needs nothing beneath it; scripts and workspaces belong to the checkout. */
const CHECKOUT_ONLY = new Set(['workspaces', 'scripts', 'dependencies', 'devDependencies', 'overrides']);

/** The manifest that is published, from the checkout's. */
function publishedManifest(manifest: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(manifest).filter(([key]) => !CHECKOUT_ONLY.has(key)));
}

async function prepare(): Promise<void> {
  await restore();
  const { status } = spawnSync(process.execPath, [join(root, '.ci/build.ts')], { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error('the build failed; package.json is as it was');
  const manifest = JSON.parse(await readFile(manifestPath, 'utf8')) as Record<string, unknown>;
  await copyFile(manifestPath, originalPath);
  await writeFile(manifestPath, `${JSON.stringify(publishedManifest(manifest), undefined, 2)}\n`);
}

/** Puts the original back where a copy of it exists. */
async function restore(): Promise<void> {
  try {
    await rename(originalPath, manifestPath);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

if (import.meta.main) {
  const [verb] = process.argv.slice(2);
  if (verb === 'prepare') await prepare();
  else if (verb === 'restore') await restore();
  else throw new Error('usage: node .ci/pack.ts prepare|restore');
}
