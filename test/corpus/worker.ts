// A thread that judges files of a corpus.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort } from 'node:worker_threads';
import { judge } from './judge.ts';

parentPort?.on('message', ({ root, paths }: { readonly root: string; readonly paths: readonly string[] }) => {
  parentPort?.postMessage(
    paths.map((path) => {
      try {
        return { path, judgement: judge(path, readFileSync(join(root, path))) };
      } catch (error) {
        return { path, crash: String(error) };
      }
    }),
  );
});
