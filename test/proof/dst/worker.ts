// A thread of simulations. It learns which seeds to run, and answers with what they showed.
import { parentPort, workerData } from 'node:worker_threads';
import { rememberPureWork } from './remember.ts';

/** What a thread is started with. */
export interface WorkerOptions {
  /** Whether slow pure functions may be swapped for ones that remember. */
  readonly remember: boolean;
}

/** What is asked of a thread: a range of seeds. */
export interface Batch {
  readonly from: number;
  readonly count: number;
  /** The name of the defect to build in. */
  readonly broken?: string;
  /** Whether every trace is wanted, and not only those of violations. */
  readonly traces: boolean;
}

/** What a batch showed. */
export interface BatchResult {
  readonly count: number;
  readonly steps: number;
  readonly operations: number;
  /** How operations ended: `promote 0 released`, with how many did. */
  readonly endings: Readonly<Record<string, number>>;
  /** Simulations that broke a promise, or all when every trace is wanted. */
  readonly shown: readonly Shown[];
}

/** A simulation to be shown. */
export interface Shown {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly trace: readonly string[];
}

const options = workerData as WorkerOptions;
if (options.remember) {
  rememberPureWork();
  // Failures are part of the plan here, and a stack costs more than what failed.
  Error.stackTraceLimit = 0;
}
// Loaded now, so that what is swapped is swapped everywhere.
const { EPOCH } = await import('./start.ts');
const { createAllStarts, simulate } = await import('./simulate.ts');
const { breakOf } = await import('./breaks.ts');

// The engine loads it when it first needs it: from now on that takes no turn.
await import('diff');
await import('../../../src/engine/read/containment.ts');

const starts = await createAllStarts();

async function runBatch({ from, count, broken: name, traces }: Batch): Promise<BatchResult> {
  const broken = name === undefined ? undefined : breakOf(name);
  const endings: Record<string, number> = {};
  const shown: Shown[] = [];
  let [steps, operations] = [0, 0];
  for (let seed = from; seed < from + count; seed += 1) {
    const verdict = await simulate(seed, starts, broken);
    steps += verdict.trace.length;
    for (const { actor, kind, exit, error, outcome } of verdict.operations) {
      if (/^(?:repair|mend)-/.test(actor)) continue;
      operations += 1;
      const ending = exit === undefined ? `${kind} killed` : `${kind} ${exit} ${error ?? outcome}`;
      endings[ending] = (endings[ending] ?? 0) + 1;
    }
    if (verdict.violations.length > 0 || traces) {
      const trace = verdict.trace.map(({ at, text }) => `${String(at - EPOCH).padStart(7)} ms  ${text}`);
      shown.push({ seed, violations: verdict.violations, trace });
    }
  }
  return { count, steps, operations, endings, shown };
}

parentPort?.on('message', (batch: Batch) => {
  void runBatch(batch).then((result) => parentPort?.postMessage(result));
});
