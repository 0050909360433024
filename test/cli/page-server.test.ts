// The server of the page: who asks from elsewhere, or for something else, gets nothing.
import { type IncomingHttpHeaders, request } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type PageServer, oneAtATime, servePage } from '../../src/cli/page/server.ts';
import { failureOf } from '../support/failure.ts';

let server: PageServer;
let made = 0;
let fails = false;

beforeEach(async () => {
  made = 0;
  fails = false;
  server = await servePage({
    page: '<!doctype html>page',
    policy: "default-src 'none'",
    data: async () => {
      made += 1;
      await new Promise((resolve) => setImmediate(resolve));
      if (fails) throw new Error('the remote is gone');
      return '{"schemaVersion":1}';
    },
  });
});
afterEach(async () => server.close());

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

async function ask(path: string, options: { method?: string; headers?: Record<string, string> } = {}): Promise<Answer> {
  const url = new URL(path, server.url);
  return new Promise((resolve, reject) => {
    const asked = request(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() }),
      );
    });
    asked.on('error', reject).end();
  });
}

describe('who has the URL', () => {
  test('gets the page and the data, neither to be kept nor to be embedded', async () => {
    const page = await ask('');
    expect(page).toMatchObject({ status: 200, text: '<!doctype html>page' });
    expect(page.headers).toMatchObject({
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cache-control': 'no-store',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
    expect(await ask('data.json')).toMatchObject({ status: 200, text: '{"schemaVersion":1}' });
  });

  test('gets compressed data where that is understood, and heads without a body', async () => {
    const packed = await ask('data.json', { headers: { 'accept-encoding': 'br, gzip' } });
    expect(packed).toMatchObject({ status: 200, headers: { 'content-encoding': 'gzip' } });
    expect(await ask('', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
    expect(await ask('data.json', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
  });

  test('learns why there is no data', async () => {
    fails = true;
    expect(await ask('data.json')).toMatchObject({ status: 503, text: 'the remote is gone\n' });
  });
});

describe('who has not', () => {
  test('learns which methods there are, and no origin is let in', async () => {
    const { headers } = await ask('', { method: 'DELETE', headers: { origin: 'https://evil.example' } });
    expect(headers.allow).toBe('GET, HEAD');
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  test('cannot speak another protocol with it', async () => {
    const upgrade = { connection: 'upgrade', upgrade: 'websocket' };
    expect((await ask('/', { headers: upgrade })).status).toBe(404);
  });

  test.each<[string, string, Parameters<typeof ask>[1], number]>([
    ['the token', '/', {}, 404],
    ['the right token', `/${'A'.repeat(32)}/`, {}, 404],
    ['the right token for the data', `/${'A'.repeat(32)}/data.json`, {}, 404],
    ['the Host: a name that was rebound', '', { headers: { host: 'evil.example' } }, 403],
    ['the Host: another port', '', { headers: { host: '127.0.0.1:1' } }, 403],
    ['the Origin', 'data.json', { headers: { origin: 'https://evil.example' } }, 403],
    ['the Origin: a page from a disk', 'data.json', { headers: { origin: 'null' } }, 403],
    ['the Host: a name for this machine', '', { headers: { host: 'localhost' } }, 403],
    ['the end of the token', 'x/../../', {}, 404],
    ['a path that is there', 'index.html', {}, 404],
    ['a path that is there: a query', '?x=1', {}, 404],
    ['a path that is there: a folder of data', 'data.json/', {}, 404],
    ['a method that reads', '', { method: 'POST' }, 405],
    ['a method that reads: a question before a write', 'data.json', { method: 'OPTIONS' }, 405],
    ['a method that reads: one that repeats what was sent', '', { method: 'TRACE' }, 405],
    ['a method that reads: one of WebDAV', '', { method: 'PROPFIND' }, 405],
    ['a method that reads data', 'data.json', { method: 'PUT' }, 405],
  ])('%s gets nothing', async (_, path, options, status) => {
    const answer = await ask(path, options);
    expect(answer.status).toBe(status);
    expect(answer.text).not.toContain('page\n<');
    expect(answer.text).not.toContain('schemaVersion');
    expect(made).toBe(0);
  });
});

test('a port that is taken is an error', async () => {
  const { port } = new URL(server.url);
  const second = servePage({ page: '', policy: '', data: async () => '' }, Number(port));
  expect(await failureOf(second)).toMatchObject({ code: 'storage-failed' });
});

test('several who ask while an answer is being made get that answer; who asks later gets a new one', async () => {
  let finish: ((value: number) => void) | undefined;
  let asked = 0;
  const answer = oneAtATime(async () => {
    asked += 1;
    return new Promise<number>((resolve) => {
      finish = resolve;
    });
  });
  const all = [answer(), answer(), answer()];
  finish?.(1);
  expect(await Promise.all(all)).toEqual([1, 1, 1]);
  const next = answer();
  finish?.(2);
  expect(await next).toBe(2);
  expect(asked).toBe(2);
});
