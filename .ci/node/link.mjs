// Puts the Node that came with `npm ci` first on PATH in npm scripts, on a machine that has an older one: node_modules/.bin/node.
// npm 11 does so itself. npm 10 installs the package and removes the link again, with those of the platforms that it left out:
// they have the same name. Runs on any Node that npm starts on.
import { copyFileSync, existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));
const windows = process.platform === 'win32';
const runtime = `node-${windows ? 'win' : process.platform}-${process.arch}/bin/node${windows ? '.exe' : ''}`;
const link = join(modules, '.bin', windows ? 'node.exe' : 'node');

if (existsSync(join(modules, runtime)) && !existsSync(join(modules, '.bin/node')) && !existsSync(link)) {
  if (windows) copyFileSync(join(modules, runtime), link);
  else symlinkSync(`../${runtime}`, link);
}
