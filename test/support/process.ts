// Programs of others that tests start: waiting until they are ready, and ending them.
import type { ChildProcess } from 'node:child_process';

/** What a program writes to its log when it listens: the first group of `pattern`. Rejects when it ends before that. */
export async function whenLogged(child: ChildProcess, name: string, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let log = '';
    const read = (chunk: string): void => {
      log += chunk;
      const found = pattern.exec(log)?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout?.setEncoding('utf8').on('data', read);
    child.stderr?.setEncoding('utf8').on('data', read);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${name} ended with ${String(code)}: ${log}`)));
  });
}

/** Ends a program: it is asked to, and killed when it has not ended `graceMs` later. Default: it is killed at once. */
export async function endProcess(child: ChildProcess, graceMs = 0): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exit = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  child.kill(graceMs === 0 ? 'SIGKILL' : 'SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await exit;
  clearTimeout(hard);
}
