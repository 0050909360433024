// A thread that mutates manifests, pins what is in them, and tells of everything that should not be.
import { parentPort } from 'node:worker_threads';
import { capsFor } from '../../src/manifests/caps.ts';
import { findFormed } from '../../src/manifests/forms.ts';
import { decode, isSource, readSource } from '../../src/manifests/source.ts';
import { pinEach } from '../corpus/judge.ts';
import { Random, mutate } from './mutate.ts';
import { readBothWays } from './same-nodes.ts';

/** Longest that one mutation may take, in milliseconds of the processor. */
const MAX_MS = 1000;

/** A piece of work: mutations from a seed, of some files. */
export interface Work {
  readonly seed: number;
  readonly count: number;
  readonly files: readonly { readonly path: string; readonly text: string }[];
}

/** Its outcome. */
export interface Fuzzed {
  readonly mutations: number;
  readonly readable: number;
  readonly exact: number;
  readonly refused: number;
  readonly faults: readonly string[];
}

parentPort?.on('message', (work: Work) => parentPort?.postMessage(fuzz(work)));

function fuzz({ seed, count, files }: Work): Fuzzed {
  const sums = { mutations: count, readable: 0, exact: 0, refused: 0 };
  const faults: string[] = [];
  for (let at = 0; at < count; at += 1) {
    const random = new Random(seed + at);
    const file = random.one(files);
    const text = mutate(file.text, random);
    const started = performance.now();
    try {
      const content = new TextEncoder().encode(text);
      const read = decode(content);
      const source = read === undefined ? undefined : readSource(file.path, read, capsFor(256 * 1024));
      if (read === undefined || !source || !isSource(source)) continue;
      const both = readBothWays(read);
      if (both && both.plain !== both.parsed) faults.push(`seed ${seed + at}: ${file.path}: is read in two ways`);
      sums.readable += 1;
      const { exact, refused, wrong } = pinEach({ path: file.path, content }, read, findFormed(source));
      sums.exact += exact;
      sums.refused += Object.values(refused).reduce((total, each) => total + each, 0);
      for (const fault of wrong) faults.push(`seed ${seed + at}: ${fault}`);
    } catch (error) {
      faults.push(`seed ${seed + at}: ${file.path}: ${String(error)}`);
    }
    // a busy machine may be what took so long: only what takes as long again counts
    if (performance.now() - started > MAX_MS && again(file.path, text) > MAX_MS) {
      faults.push(`seed ${seed + at}: ${file.path}: took more than ${MAX_MS} ms`);
    }
  }
  return { ...sums, faults };
}

/** How long one reading with its pins takes this thread, in milliseconds of the processor. */
function again(path: string, text: string): number {
  const started = process.threadCpuUsage();
  const source = readSource(path, text, capsFor(256 * 1024));
  if (isSource(source)) pinEach({ path, content: new TextEncoder().encode(text) }, text, findFormed(source));
  const { user, system } = process.threadCpuUsage(started);
  return (user + system) / 1000;
}
