// The two ways to retag that are compared request by request: the library, and as little code as sends the same
// requests. Also a program: `node retag-contestants.ts library|floor HOST COUNT VERSION TAG true|false`, to be timed as a
// process.
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseRepository, parseTag } from '../src/model/reference.ts';
import { createOciRegistry } from '../src/registry/oci/oci.ts';

/** Images `app-0` to `app-N`, each to get a tag that its version has. */
export interface Retag {
  /** `127.0.0.1:5000`. */
  readonly host: string;
  readonly count: number;
  readonly version: string;
  readonly tag: string;
  /** Whether each tag is read again after it was put. */
  readonly readBack: boolean;
}

/** Requests at a time, as the library has it when nothing else is said. */
const CONCURRENCY = 16;
const ACCEPT = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/** The repository of an image, below the host. */
export function repositoryOf(index: number): string {
  return `bench/app-${index}`;
}

/** By the library: resolve, tag, and peek for the read-back. */
export async function retagByLibrary({ host, count, version, tag, readBack }: Retag): Promise<void> {
  const registry = createOciRegistry({
    clock: { now: () => Date.now(), elapsed: () => performance.now(), sleep: (milliseconds) => sleep(milliseconds) },
    random: Math.random,
    env: {},
  });
  const one = async (index: number): Promise<void> => {
    const repository = parseRepository(`${host}/${repositoryOf(index)}`);
    const image = await registry.resolve(repository, parseTag(version));
    if (!image) throw new Error(`${repository.name}:${version} is not there`);
    const { changed } = await registry.tag(repository, image.digest, parseTag(tag));
    if (!changed) throw new Error(`${repository.name}:${tag} was right already: nothing was measured`);
    if (readBack && (await registry.peek(repository, parseTag(tag))) !== image.digest) throw new Error('not put');
  };
  await Promise.all(Array.from({ length: count }, (_, index) => one(index)));
  registry.close();
}

/** By the same requests (GET, HEAD, PUT, HEAD), just as many at a time, with no check, retry or error text at all. */
export async function retagByFloor({ host, count, version, tag, readBack }: Retag): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONCURRENCY });
  const send = async (method: string, path: string, headers: http.OutgoingHttpHeaders, body?: Buffer) =>
    new Promise<{ status: number | undefined; type: string; body: Buffer }>((resolve, reject) => {
      const request = http.request(`http://${host}/v2/${path}`, { method, headers, agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const type = response.headers['content-type'] ?? '';
          resolve({ status: response.statusCode, type, body: Buffer.concat(chunks) });
        });
      });
      request.on('error', reject);
      request.end(body);
    });
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const path = `${repositoryOf(index)}/manifests`;
      const manifest = await send('GET', `${path}/${version}`, { accept: ACCEPT });
      await send('HEAD', `${path}/${tag}`, { accept: ACCEPT });
      const headers = { 'content-type': manifest.type, 'content-length': manifest.body.length };
      const { status } = await send('PUT', `${path}/${tag}`, headers, manifest.body);
      if (status !== 201) throw new Error(`PUT returned ${status}`);
      if (readBack) await send('HEAD', `${path}/${tag}`, { accept: ACCEPT });
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  agent.destroy();
}

if (import.meta.main) {
  const [way, host = '', count, version = '', tag = '', readBack] = process.argv.slice(2);
  const retag = way === 'library' ? retagByLibrary : retagByFloor;
  await retag({ host, count: Number(count), version, tag, readBack: readBack === 'true' });
}
