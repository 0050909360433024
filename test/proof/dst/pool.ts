// Runs ranges of seeds in threads, one for each core.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Batch, BatchResult, WorkerOptions } from './worker.ts';

/** Seeds in one message: some seconds of work. */
const BATCH = 250;

/** What to run. */
export interface Work extends WorkerOptions {
  readonly from: number;
  readonly count: number;
  /** How many threads; by default one for each core. */
  readonly threads?: number;
  /** How many seeds in one message. */
  readonly batch?: number;
}

/** Runs seeds; `told` is called for each batch, in the order that they end, and stops the run by answering true. */
export async function runSeeds(
  { from, count, threads = availableParallelism(), batch: size = BATCH, ...options }: Work,
  told: (result: BatchResult) => boolean | void,
): Promise<void> {
  const batches: Batch[] = [];
  for (let at = 0; at < count; at += size) batches.push({ from: from + at, count: Math.min(size, count - at) });
  let stopped = false;
  await Promise.all(
    Array.from({ length: Math.min(threads, batches.length) }, async () => {
      const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: options });
      try {
        for (let batch = batches.shift(); batch && !stopped; batch = batches.shift()) {
          if (told(await answer(worker, batch)) === true) stopped = true;
        }
      } finally {
        await worker.terminate();
      }
    }),
  );
}

async function answer(worker: Worker, batch: Batch): Promise<BatchResult> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (result: BatchResult) => {
      worker.off('error', reject);
      resolve(result);
    });
    worker.postMessage(batch);
  });
}
