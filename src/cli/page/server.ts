// Serves the page on loopback, for `tagflow ui`. It only reads. Nobody reaches it without the token of its URL, and a page of
// another origin cannot ask it for anything: Host and Origin are checked (DNS rebinding), and no answer may be embedded.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { TagflowError } from '../../model/errors.ts';

const LOOPBACK = '127.0.0.1';

/** What is served. */
export interface Served {
  /** The page, whole. */
  readonly page: string;
  /** Its content security policy. */
  readonly policy: string;
  /** The data as JSON, as it is now. A rejection is shown on the page. */
  readonly data: () => Promise<string>;
}

/** A server that runs. */
export interface PageServer {
  /** With the token: anybody who has it sees the page, on this machine alone. */
  readonly url: string;
  close(): Promise<void>;
}

/** Starts to serve; on any free port where none is named. Throws `storage-failed` when the port is taken. */
export async function servePage(served: Served, port = 0): Promise<PageServer> {
  const token = randomBytes(24).toString('base64url');
  const data = oneAtATime(served.data);
  const server = createServer((request, response) => {
    void answer({ ...served, data }, token, request, response);
  });
  await listening(server, port);
  const address = server.address();
  const bound = typeof address === 'object' && address ? address.port : port;
  return {
    url: `http://${LOOPBACK}:${bound}/${token}/`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  { page, policy, data }: Served,
  token: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refuse = (status: number, text: string): void => {
    response.writeHead(status, headers('text/plain; charset=utf-8', policy)).end(`${text}\n`);
  };
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return refuse(405, 'this page only reads');
  }
  if (!isOurs(request)) return refuse(403, 'asked by another origin');
  const [, asked = '', ...rest] = (request.url ?? '').split('/');
  if (!isSame(asked, token)) return refuse(404, 'not found');
  if (rest.length === 1 && rest[0] === '') {
    response.writeHead(200, headers('text/html; charset=utf-8', policy)).end(page);
    return undefined;
  }
  if (rest.length !== 1 || rest[0] !== 'data.json') return refuse(404, 'not found');
  try {
    const text = await data();
    const isPacked = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
    const body = isPacked ? await promisify(gzip)(text) : text;
    const encoding = isPacked ? { 'content-encoding': 'gzip' } : {};
    response.writeHead(200, { ...headers('application/json; charset=utf-8', policy), ...encoding }).end(body);
  } catch (error) {
    refuse(503, error instanceof Error ? error.message : String(error));
  }
  return undefined;
}

/** Whether a text is the token, in a time that does not tell how much of it is right. */
function isSame(text: string, token: string): boolean {
  const [a, b] = [Buffer.from(text), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Whether a browser asks for the address that it was given, from a page of the same address. */
function isOurs({ headers: { host, origin }, socket }: IncomingMessage): boolean {
  const own = `${LOOPBACK}:${socket.localPort}`;
  return host === own && (origin === undefined || origin === `http://${own}`);
}

function headers(type: string, policy: string): Readonly<Record<string, string>> {
  return {
    'content-type': type,
    'content-security-policy': `${policy}; frame-ancestors 'none'`,
    'cache-control': 'no-store',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  };
}

/** Returns the same work for several who ask while it is being done: they get one answer. */
export function oneAtATime<T>(make: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return async () => {
    running ??= make().finally(() => {
      running = undefined;
    });
    return running;
  };
}

async function listening(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, LOOPBACK, resolve);
  }).catch((cause: unknown) => {
    throw new TagflowError('storage-failed', {
      what: `cannot listen on ${LOOPBACK}:${port}`,
      why: cause instanceof Error ? cause.message : String(cause),
      fix: 'leave --port out, or name a port that is free',
      cause,
    });
  });
}
