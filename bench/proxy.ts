// A reverse proxy in a thread of its own that makes a server be far away: every request waits before it continues, and is
// counted. What is measured shares its processor time with no part of the server.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

/** A proxy that runs. */
export interface DelayingProxy extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** The requests since the last call, by method. */
  takeCounts(): Promise<ReadonlyMap<string, number>>;
}

interface Setup {
  readonly target: string;
  readonly milliseconds: number;
}

/** Starts a proxy in front of `target` (`127.0.0.1:5000`) that adds `milliseconds` to each request. */
export async function startDelayingProxy(target: string, milliseconds: number): Promise<DelayingProxy> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { target, milliseconds } satisfies Setup });
  const next = async <T>(): Promise<T> =>
    new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  const port = await next<number>();
  return {
    host: `127.0.0.1:${port}`,
    async takeCounts() {
      const counts = next<ReadonlyMap<string, number>>();
      worker.postMessage('counts');
      return counts;
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}

function serve({ target, milliseconds }: Setup): void {
  let counts = new Map<string, number>();
  const agent = new http.Agent({ keepAlive: true });
  const server = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const method = request.method ?? 'GET';
    counts.set(method, (counts.get(method) ?? 0) + 1);
    setTimeout(() => {
      const [hostname, port] = target.split(':');
      const onward = http.request({ agent, hostname, port, method, path: request.url, headers: request.headers });
      onward.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      onward.on('error', () => response.destroy());
      request.pipe(onward);
    }, milliseconds);
  });
  parentPort?.on('message', () => {
    parentPort?.postMessage(counts);
    counts = new Map();
  });
  server.listen(0, '127.0.0.1', () => parentPort?.postMessage((server.address() as AddressInfo).port));
}

if (!isMainThread) serve(workerData as Setup);
