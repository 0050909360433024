// Work on as many threads as there are processors.
import { availableParallelism } from 'node:os';
import { type WorkerOptions, Worker } from 'node:worker_threads';

/** Gives pieces of work to threads of a script, one at a time each, until there are no more. Resolves to their answers. */
export async function onThreads<Answer>(
  script: URL,
  next: () => object | undefined,
  options: WorkerOptions = {},
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  const run = async (): Promise<void> => {
    const worker = new Worker(script, options);
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const give = (): void => {
      const work = next();
      if (work === undefined) resolve(undefined);
      else worker.postMessage(work);
    };
    worker.on('message', (answer: Answer) => {
      answers.push(answer);
      give();
    });
    worker.on('error', reject);
    give();
    await promise;
    await worker.terminate();
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 8) }, run));
  return answers;
}
