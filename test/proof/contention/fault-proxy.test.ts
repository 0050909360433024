// The proxy's faults are what they are called: seen from the client, and from the server behind.
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { digestOf } from '../../../src/model/digest.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';

const LATE_MS = 60;

let server: Server;
let proxy: FaultProxy;
/** What the server got. */
let got: string[];
let digest: string;
/** What chance says next; never anything when there is nothing left. */
let chances: number[];

beforeEach(async () => {
  [got, digest, chances] = [[], 'sha256:one', []];
  server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      got.push(`${request.method} ${request.url}`);
      response.writeHead(request.method === 'PUT' ? 201 : 200, { 'docker-content-digest': digest }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy = await startFaultProxy({ random: () => chances.shift() ?? 1, lateMs: LATE_MS, staleMs: 10_000 });
  const upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  proxy.route = { git: `${upstream}/season`, registry: `${upstream}/v2/season` };
  proxy.faulty = true;
});

afterEach(async () => {
  await proxy.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** The status, or `cut` when the connection was. */
async function ask(method: string, path: string): Promise<string> {
  const body = method === 'HEAD' || method === 'GET' ? {} : { body: 'bytes' };
  const answer = await fetch(`http://${proxy.host}${path}`, { method, ...body }).catch(() => undefined);
  if (!answer) return 'cut';
  return [answer.status, answer.headers.get('docker-content-digest') ?? answer.headers.get('retry-after')].join(' ');
}

it.each([
  { fault: 'refused', draws: [0], answer: 'cut', done: false },
  { fault: 'too-many', draws: [1, 0], answer: '429 1', done: false },
  { fault: 'late', draws: [1, 1, 0], answer: 'cut', done: false },
  { fault: 'lost-answer', draws: [1, 1, 1, 0], answer: 'cut', done: true },
  { fault: 'bad-gateway', draws: [1, 1, 1, 1, 0], answer: '502 ', done: true },
  { fault: undefined, draws: [], answer: '201 sha256:one', done: true },
] as const)('$fault: the client gets $answer, and the server has the write: $done', async (row) => {
  const { fault, draws, answer, done } = row;
  chances = [...draws];
  expect(await ask('PUT', '/v2/acme/app/manifests/stg')).toBe(answer);
  expect(got).toEqual(done ? ['PUT /v2/season/app/manifests/stg'] : []);
  expect(proxy.writes.map(({ tag }) => tag)).toEqual(done ? ['stg'] : []);
  expect(fault === undefined ? 1 : proxy.counts[fault]).toBe(1);
  await Promise.all(proxy.late);
  // Late, it comes anyway; what was refused never does.
  expect(got).toHaveLength(done || fault === 'late' ? 1 : 0);
});

it('a client that is doomed dies in its first write, which arrives when it is gone', async () => {
  const order: string[] = [];
  const kill = async (): Promise<void> => {
    await sleep(5);
    order.push(`killed after ${got.length} writes`);
  };
  const bytes = digestOf('bytes');
  proxy.doom = { digest: bytes, kill };
  expect(await ask('PUT', '/v2/acme/app/manifests/stg-7')).toBe('cut');
  expect(order).toEqual(['killed after 0 writes']);
  await Promise.all(proxy.late);
  expect(proxy.writes).toMatchObject([{ repository: `${proxy.host}/acme/app`, tag: 'stg-7', digest: bytes }]);
});

it('a replica that lags answers with the tag from before its last change', async () => {
  expect(await ask('HEAD', '/v2/acme/app/manifests/stg')).toBe('200 sha256:one');
  digest = 'sha256:two';
  expect(await ask('HEAD', '/v2/acme/app/manifests/stg')).toBe('200 sha256:two');
  chances = [1, 0];
  expect(await ask('HEAD', '/v2/acme/app/manifests/stg')).toBe('200 sha256:one');
  expect(proxy.counts['stale-tag']).toBe(1);
});

it('gathers pushes until as many wait as are expected', async () => {
  proxy.gather(3);
  const path = '/git/repository.git/git-receive-pack';
  const first = [ask('POST', path), ask('POST', path)];
  await sleep(30);
  expect(got).toEqual([]);
  proxy.expectFewer();
  await Promise.all(first);
  expect(got).toHaveLength(2);
  expect(await ask('POST', path)).toBe('200 sha256:one');
});

it('does nothing of it when it is not faulty', async () => {
  proxy.faulty = false;
  chances = [0];
  expect(await ask('PUT', '/v2/acme/app/manifests/stg')).toBe('201 sha256:one');
});
