// `npm run corpus -- DIR [--missed]`: pins each place that names an image in a folder of repositories, in memory, and says
// its outcome. Exit code 1 when anything but a pin changed, or anything crashed. Nothing is written.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { onThreads } from '../support/workers.ts';
import type { Judgement } from './judge.ts';

interface Judged {
  readonly path: string;
  readonly judgement?: Judgement;
  readonly crash?: string;
}

const CHUNK = 50;

const { values, positionals } = parseArgs({ allowPositionals: true, options: { missed: { type: 'boolean' } } });
const [root] = positionals;
if (root === undefined || positionals.length > 1) {
  process.stderr.write('usage: npm run corpus -- DIR [--missed]\n');
  process.exitCode = 2;
} else {
  const started = performance.now();
  const paths = filesBelow(root);
  const judged = await judgeAll(root, paths);
  process.exitCode = report(judged, (performance.now() - started) / 1000) ? 0 : 1;
}

/** The regular files below a folder, links left out, in a stable order. */
function filesBelow(root: string): readonly string[] {
  const paths: string[] = [];
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
        const path = join(folder, entry.name);
        if (entry.isDirectory() && entry.name !== '.git' && entry.name !== 'node_modules') folders.push(path);
        if (entry.isFile()) paths.push(path);
      }
    } catch (error) {
      process.stderr.write(`cannot list ${join(root, folder)}: ${String(error)}\n`);
    }
  }
  return paths.sort();
}

/** Judges files on as many threads as there are processors. */
async function judgeAll(root: string, paths: readonly string[]): Promise<readonly Judged[]> {
  let at = 0;
  const judged = await onThreads<readonly Judged[]>(new URL('worker.ts', import.meta.url), () => {
    const some = paths.slice(at, at + CHUNK);
    at += CHUNK;
    return some.length === 0 ? undefined : { root, paths: some };
  });
  return judged.flat();
}

/** Prints the sums; whether nothing was wrong. */
function report(judged: readonly Judged[], seconds: number): boolean {
  const all = judged.flatMap(({ judgement }) => judgement ?? []);
  const sum = (pick: (each: Judgement) => number): number => all.reduce((total, each) => total + pick(each), 0);
  const wrong = [
    ...judged.flatMap(({ path, crash }) => (crash === undefined ? [] : [`${path}: crash: ${crash}`])),
    ...all.flatMap((each) => each.wrong),
  ];
  const [places, recognised] = [sum((each) => each.places), sum((each) => each.recognised)];
  const refused = tally(all.map((each) => each.refused));
  const lines = [
    `files        ${judged.length}`,
    `places       ${places} name an image, by an independent scan`,
    `recognised   ${recognised} (${places === 0 ? '100.0' : ((100 * recognised) / places).toFixed(1)} %) without configuration`,
    'sites by form',
    ...tally(all.map((each) => each.forms)).map(([form, count]) => `  ${String(count).padStart(6)}  ${form}`),
    `exact        ${sum((each) => each.exact)}`,
    `refused      ${refused.reduce((total, [, count]) => total + count, 0)}`,
    ...refused.slice(0, 20).map(([reason, count]) => `  ${String(count).padStart(6)}  ${reason}`),
    `wrong        ${wrong.length}`,
    ...wrong.slice(0, 50).map((each) => `  ${each}`),
    `seconds      ${seconds.toFixed(1)}`,
    ...(values.missed === true ? ['missed', ...all.flatMap((each) => each.missed).map((each) => `  ${each}`)] : []),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return wrong.length === 0;
}

function tally(counts: readonly Readonly<Record<string, number>>[]): readonly [string, number][] {
  const sums = new Map<string, number>();
  for (const each of counts)
    for (const [key, count] of Object.entries(each)) sums.set(key, (sums.get(key) ?? 0) + count);
  return [...sums].sort((a, b) => b[1] - a[1]);
}
