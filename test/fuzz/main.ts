// `npm run fuzz -- [--mutations N] [--seed N] [--show SEED]`: mutates real manifests and pins them. Each mutation ends with
// exact pins or with a refusal: no other byte differs, nothing crashes, nothing takes over a second or 256 MB. Exit code 1 otherwise.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { onThreads } from '../support/workers.ts';
import { Random, mutate } from './mutate.ts';
import type { Fuzzed, Work } from './worker.ts';

const FIXTURES = new URL('../fixtures/manifests', import.meta.url).pathname;
const CHUNK = 500;

const { values } = parseArgs({
  options: {
    mutations: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    show: { type: 'string' },
  },
});
const files = fixtures();
if (values.show === undefined) {
  const started = performance.now();
  const parts = await fuzzAll(Number(values.seed), Number(values.mutations));
  process.exitCode = report(parts, (performance.now() - started) / 1000) ? 0 : 1;
} else {
  const random = new Random(Number(values.show));
  process.stdout.write(mutate(random.one(files).text, random));
}

function fixtures(): Work['files'] {
  return readdirSync(FIXTURES, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'SOURCES.md')
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ path: path.slice(FIXTURES.length + 1), text: readFileSync(path, 'utf8') }));
}

/** Runs mutations on as many threads as there are processors; each has 256 MB. */
async function fuzzAll(seed: number, mutations: number): Promise<readonly Fuzzed[]> {
  let at = 0;
  const next = (): Work | undefined => {
    const count = Math.min(CHUNK, mutations - at);
    if (count <= 0) return undefined;
    at += count;
    return { seed: seed * 1_000_000 + at - count, count, files };
  };
  return onThreads(new URL('worker.ts', import.meta.url), next, { resourceLimits: { maxOldGenerationSizeMb: 256 } });
}

function report(parts: readonly Fuzzed[], seconds: number): boolean {
  const sum = (pick: (part: Fuzzed) => number): number => parts.reduce((total, part) => total + pick(part), 0);
  const faults = parts.flatMap((part) => part.faults);
  const lines = [
    `mutations    ${sum((part) => part.mutations)} of ${files.length} files`,
    `readable     ${sum((part) => part.readable)}`,
    `exact        ${sum((part) => part.exact)} places`,
    `refused      ${sum((part) => part.refused)} places`,
    `faults       ${faults.length}`,
    ...faults.slice(0, 40).map((fault) => `  ${fault}`),
    `seconds      ${seconds.toFixed(1)}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return faults.length === 0;
}
