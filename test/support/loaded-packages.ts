// Which npm packages a run of the program loads: from node_modules, or from a chunk of the bundle that holds their code.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCli } from './cli.ts';

/** Runs tagflow in a folder and returns which of the packages named it loaded. */
export async function loadedPackages(
  args: readonly string[],
  names: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<readonly string[]> {
  const spy = join(cwd, 'spy.cjs');
  writeFileSync(
    spy,
    `const files = new Set();
    require('node:module').registerHooks({ load: (url, context, next) => (files.add(url), next(url, context)) });
    process.on('exit', () => process.stderr.write('\\nloaded: ' + JSON.stringify([...files])));`,
  );
  const { stderr } = await runCli(args, { cwd, env: { ...env, NODE_OPTIONS: `--require=${spy}` } });
  const loaded = JSON.parse(/\nloaded: (.*)$/.exec(stderr)?.[1] ?? 'null') as readonly string[] | null;
  if (!loaded) throw new Error(`the run did not say what it loaded: ${stderr}`);
  const files = loaded.filter((url) => url.startsWith('file:')).map((url) => fileURLToPath(url));
  const texts = files.map((file) => `${file}\n${readFileSync(file, 'utf8')}`);
  return names.filter((name) => texts.some((text) => text.includes(`node_modules/${name}/`)));
}
