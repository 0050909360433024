// Runs ranges of seeds in threads, one for each core.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Batch, BatchResult, WorkerOptions } from './worker.ts';

/** Seeds in one message: about a second of work. */
const BATCH = 250;

/** How a pool runs. */
export interface PoolOptions extends WorkerOptions {
  /** How many threads; by default one for each core. */
  readonly threads?: number | undefined;
}

/** Threads that are kept for many ranges of seeds. */
export class SeedPool {
  readonly #options: WorkerOptions;
  readonly #threads: number;
  readonly #workers: Worker[] = [];

  constructor({ threads = availableParallelism(), ...options }: PoolOptions) {
    this.#threads = threads;
    this.#options = options;
  }

  /** Runs seeds; `told` is called for each batch, in the order that they end, and ends the run by answering true. */
  async run(range: Batch, told: (result: BatchResult) => boolean | void, size = BATCH): Promise<void> {
    const batches: Batch[] = [];
    for (let at = 0; at < range.count; at += size) {
      batches.push({ ...range, from: range.from + at, count: Math.min(size, range.count - at) });
    }
    let stopped = false;
    const strands = Array.from({ length: Math.min(this.#threads, batches.length) }, async (_, index) => {
      const worker = this.#worker(index);
      for (let batch = batches.shift(); batch && !stopped; batch = batches.shift()) {
        if (told(await answer(worker, batch)) === true) stopped = true;
      }
    });
    await Promise.all(strands);
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.splice(0).map(async (worker) => worker.terminate()));
  }

  #worker(index: number): Worker {
    const worker =
      this.#workers[index] ?? new Worker(new URL('./worker.ts', import.meta.url), { workerData: this.#options });
    this.#workers[index] = worker;
    return worker;
  }
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
