// The Git server of a contention run, in a process of its own: each request starts a process, and what that costs grows with
// the memory of the one that starts it.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { endProcess } from '../../support/process.ts';
import { startGitHttpServer } from '../../support/git-server.ts';

/** A Git server elsewhere. */
export interface RemoteGitServer {
  /** `http://127.0.0.1:PORT`; a repository `x.git` below the root is at `URL/x.git`. */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves the bare repositories below a folder from a process that does nothing else. */
export async function startGitServerProcess(root: string): Promise<RemoteGitServer> {
  const child = fork(import.meta.filename, [root], {
    execArgv: ['--max-semi-space-size=1'],
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  });
  const [url] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error('the Git server ended before it listened'))),
  ])) as [string];
  return { url, close: async () => endProcess(child) };
}

if (import.meta.main) {
  const [root = ''] = process.argv.slice(2);
  const { url } = await startGitHttpServer({ root });
  process.on('disconnect', () => process.exit());
  process.send?.(url);
}
