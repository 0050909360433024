// Prepares the package that `npm pack` and `npm publish` make: `node .ci/pack.ts prepare` builds it and puts the published
// manifest in place of package.json; `node .ci/pack.ts restore` puts the checkout's manifest back. A run that was cut short
// leaves a copy of the original behind, and the next run starts from that copy. Between the two the folder belongs to one npm:
// another one waits until it has ended.
import { spawnSync } from 'node:child_process';
import { copyFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
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

/** Names the npm that packs this folder. */
const ownerPath = join(root, '.package.json.owner');
const PATIENCE_MS = 5 * 60_000;

/** The npm that started this script through a shell. */
function npmPid(): number {
  const { stdout } = spawnSync(
    'sh',
    ['-c', `cat /proc/${process.ppid}/stat 2>/dev/null || ps -o ppid= -p ${process.ppid}`],
    {
      encoding: 'utf8',
    },
  );
  return Number(/\) \S+ (\d+)/.exec(stdout)?.[1] ?? stdout);
}

/** Resolves when this folder is this npm's alone. An owner that has ended does not count. */
async function takeTurn(): Promise<void> {
  const npm = npmPid();
  for (const end = Date.now() + PATIENCE_MS; ; await wait(200)) {
    try {
      await writeFile(ownerPath, String(npm), { flag: 'wx' });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const owner = Number(await readFile(ownerPath, 'utf8').catch(() => ''));
    if (owner === npm) return;
    if (owner > 0 && !isRunning(owner)) await rm(ownerPath, { force: true });
    if (Date.now() > end) throw new Error(`process ${owner} packs this folder; when it has ended, remove ${ownerPath}`);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function prepare(): Promise<void> {
  await takeTurn();
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
  else if (verb === 'restore') {
    await restore();
    await rm(ownerPath, { force: true });
  } else throw new Error('usage: node .ci/pack.ts prepare|restore');
}
