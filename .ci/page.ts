// Bundles the page of `tagflow report` and `tagflow ui` (src/page) into src/cli/page/bundle.ts, so that the program needs no
// bundler, and the checkout starts as it is.
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');

/** The source of the bundle. The same sources give the same bytes. */
export async function pageBundle(): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['src/page/main.tsx'],
    outdir: 'page',
    bundle: true,
    minify: true,
    format: 'iife',
    platform: 'browser',
    target: 'es2023',
    tsconfig: 'src/page/tsconfig.json',
    charset: 'ascii',
    legalComments: 'none',
    write: false,
    logLevel: 'warning',
  });
  const text = (extension: string): string =>
    outputFiles.find(({ path }) => path.endsWith(extension))?.text.trim() ?? '';
  const script = text('.js');
  if (/<\/script|<!--/i.test(script)) throw new Error('the bundle of the page would end its own script element');
  return `// Written by \`npm run generate\` from src/page: do not change it by hand. It holds preact (MIT, docs in THIRD-PARTY-LICENSES.txt).
/* eslint-disable */

/** The script of the page. */
export const PAGE_SCRIPT =
  ${JSON.stringify(script)};

/** The style of the page. */
export const PAGE_STYLE =
  ${JSON.stringify(text('.css'))};
`;
}
