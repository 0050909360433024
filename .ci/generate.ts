// Writes the files that are generated from src/: `node .ci/generate.ts`. With `--check` it writes nothing, names each
// file that differs from what is committed, and ends with exit code 1.
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { cliPage } from './cli-page.ts';
import { pageBundle } from './page.ts';
import { configurationPage, errorsPage, exitCodesPage, schemaFile } from './pages.ts';

const root = join(import.meta.dirname, '..');

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const stale: string[] = [];
for (const [path, content] of await generatedFiles()) {
  if ((await read(path)) === content) continue;
  stale.push(path);
  if (!values.check) await write(path, content);
}
report(stale, values.check);

async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  const names = await readdir(join(root, 'docs/errors')).catch(() => []);
  const pages = new Set(names.filter((name) => name.endsWith('.md')).map((name) => name.slice(0, -'.md'.length)));
  return new Map([
    ['tagflow.schema.json', schemaFile()],
    ['src/cli/page/bundle.ts', await pageBundle()],
    ['docs/reference/cli.md', cliPage()],
    ['docs/reference/configuration.md', configurationPage()],
    ['docs/reference/exit-codes.md', exitCodesPage()],
    ['docs/errors/README.md', errorsPage(pages)],
  ]);
}

function report(paths: readonly string[], check: boolean): void {
  for (const path of paths)
    process.stderr.write(check ? `${path} is out of date; run: npm run generate\n` : `wrote ${path}\n`);
  if (check && paths.length > 0) process.exitCode = 1;
}

async function read(path: string): Promise<string | undefined> {
  return readFile(join(root, path), 'utf8').catch(() => undefined);
}

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}
