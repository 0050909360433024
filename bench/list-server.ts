// A registry in a thread of its own that has one repository with very many tags: pages of them, and one manifest.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { sampleIndex } from '../test/support/sample-manifests.ts';

/** A server that runs. */
export interface ListServer extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
}

interface Setup {
  readonly tags: readonly string[];
  readonly milliseconds: number;
}

/** Starts a registry whose every repository has the tags, and answers after `milliseconds`. */
export async function startListServer(tags: readonly string[], milliseconds: number): Promise<ListServer> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { tags, milliseconds } satisfies Setup });
  const port = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  return {
    host: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}

function serve({ tags, milliseconds }: Setup): void {
  const { bytes, mediaType } = sampleIndex();
  // OCI distribution-spec v1.1, "Listing Tags": in lexical order.
  const sorted = tags.toSorted();
  const answer = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://registry.invalid');
    if (milliseconds > 0) await sleep(milliseconds);
    if (!pathname.endsWith('/tags/list')) {
      response.writeHead(200, { 'content-type': mediaType, 'content-length': bytes.length });
      response.end(bytes);
      return;
    }
    const n = Number(searchParams.get('n') ?? sorted.length);
    const last = searchParams.get('last');
    const from = last === null ? 0 : sorted.indexOf(last) + 1;
    const page = sorted.slice(from, from + n);
    const link = `<${pathname}?n=${n}&last=${page.at(-1)}>; rel="next"`;
    response.writeHead(200, { 'content-type': 'application/json', ...(from + n < sorted.length && { link }) });
    response.end(JSON.stringify({ name: 'bench/app', tags: page }));
  };
  const server = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1', () => parentPort?.postMessage((server.address() as AddressInfo).port));
}

if (!isMainThread) serve(workerData as Setup);
