// The proxy before Git's server and the registry under contention. By a seed it loses answers after the work was done,
// answers 502 and 429, delivers a write long after its client is gone, and reads from replicas that lag. It notes every write
// to a tag that the registry accepted, and gathers the pushes of a round so that they arrive at one moment.
import { createHash } from 'node:crypto';
import {
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
  Agent,
  createServer,
  request as httpRequest,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TagObservation } from '../checker/history.ts';
import { now } from '../real/program.ts';

/** An answer of a server, whole. */
export interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

/** What may happen to a request. */
export const FAULTS = [
  'lost-answer',
  'bad-gateway',
  'too-many',
  'late',
  'stale-tag',
  'stale-heads',
  'refused',
] as const;
export type Fault = (typeof FAULTS)[number];

/** How often each happens to a request that it can happen to. */
const CHANCE: Readonly<Record<Fault, number>> = {
  'lost-answer': 0.06,
  'bad-gateway': 0.06,
  'too-many': 0.04,
  late: 0.05,
  'stale-tag': 0.06,
  'stale-heads': 0.05,
  refused: 0.02,
};

/** A client that dies in its first write of an image. */
export interface Doom {
  /** The image's digest. */
  readonly digest: string;
  /** Kills it; resolves when it is dead. */
  kill(): Promise<void>;
}

/** What a proxy is made with. */
export interface FaultProxyOptions {
  /** From 0 up to 1. */
  readonly random: () => number;
  /** How long after its client a late write arrives, in milliseconds. */
  readonly lateMs: number;
  /** For how long a replica may lag, in milliseconds. */
  readonly staleMs: number;
}

/** A proxy that runs. */
export interface FaultProxy {
  /** `127.0.0.1:PORT`: images are at `…/acme/<name>`, the repository at `http://…/git/repository.git`. */
  readonly host: string;
  /** `http://127.0.0.1:PORT/folder` of Git's server, `http://127.0.0.1:PORT/v2/path` of the registry. */
  route: { readonly git: string; readonly registry: string };
  /** Whether anything goes wrong. */
  faulty: boolean;
  doom: Doom | undefined;
  /** Stands around each request, for planted defects. */
  tamper: ((line: string, forward: () => Promise<Answer>) => Promise<Answer>) | undefined;
  readonly counts: Record<Fault | 'killed' | 'pushes', number>;
  /** Writes to tags that the registry accepted, since the route was set. */
  readonly writes: TagObservation[];
  /** Late writes that are still on their way. */
  readonly late: Set<Promise<void>>;
  /** Holds pushes until that many wait, or nobody has come for a while. */
  gather(expected: number): void;
  /** One of those that were expected will not push. */
  expectFewer(): void;
  /** Begins again: nothing is remembered of tags and heads. */
  reset(): void;
  close(): Promise<void>;
}

/** After so long without another push the ones that wait go on, in milliseconds. */
const PATIENCE_MS = 3_000;

/** Starts a proxy. */
export async function startFaultProxy({ random, lateMs, staleMs }: FaultProxyOptions): Promise<FaultProxy> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const server: Server = createServer((message, response) => {
    read(message)
      .then(async (body) => handle(message, body, response))
      .catch(() => response.destroy());
  });
  server.on('connection', (socket) => void socket.on('error', () => socket.destroy()));
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));

  /** What each tag and the list of heads were before they changed last, and when that was. */
  const before = new Map<string, { readonly answer: Answer; readonly changed: number }>();
  const current = new Map<string, Answer>();
  let volley: { expected: number; readonly waiting: (() => void)[]; timer?: NodeJS.Timeout } | undefined;

  const proxy: FaultProxy = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    route: { git: '', registry: '' },
    faulty: false,
    doom: undefined,
    tamper: undefined,
    counts: {
      ...(Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Record<Fault, number>),
      killed: 0,
      pushes: 0,
    },
    writes: [],
    late: new Set(),
    gather(expected) {
      open();
      volley = { expected, waiting: [] };
    },
    expectFewer() {
      if (!volley) return;
      volley.expected -= 1;
      if (volley.waiting.length >= volley.expected) open();
    },
    reset() {
      before.clear();
      current.clear();
      proxy.writes.splice(0);
    },
    async close() {
      open();
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  function open(): void {
    clearTimeout(volley?.timer);
    for (const go of volley?.waiting ?? []) go();
    volley = undefined;
  }

  async function gathered(): Promise<void> {
    const here = volley;
    if (!here) return;
    clearTimeout(here.timer);
    await new Promise<void>((resolve) => {
      here.waiting.push(resolve);
      if (here.waiting.length >= here.expected) open();
      else here.timer = setTimeout(open, PATIENCE_MS);
    });
  }

  function strikes(fault: Fault): boolean {
    if (!proxy.faulty || random() >= CHANCE[fault]) return false;
    proxy.counts[fault] += 1;
    return true;
  }

  async function handle(message: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const request = describe(message, body);
    const forward = forwarding(message, body, request);
    const tampered = async (): Promise<Answer> =>
      proxy.tamper?.(`${request.method} ${request.path}`, forward) ?? forward();
    if (request.isPush) {
      proxy.counts.pushes += 1;
      await gathered();
    }
    if (request.isWrite) await write(request, body, response, tampered);
    else await look(request, response, tampered);
  }

  async function write(
    request: Request,
    body: Buffer,
    response: ServerResponse,
    forward: () => Promise<Answer>,
  ): Promise<void> {
    const { doom } = proxy;
    if (doom && request.tag !== undefined && digestOf(body) === doom.digest) {
      proxy.doom = undefined;
      await doom.kill();
      proxy.counts.killed += 1;
      return deliverLate(response, forward);
    }
    if (strikes('refused')) return void response.destroy();
    if (request.tag !== undefined && strikes('too-many')) {
      return reply(response, { status: 429, headers: { 'retry-after': '1' }, body: Buffer.from('{"errors":[]}') });
    }
    if (request.tag !== undefined && strikes('late')) return deliverLate(response, forward);
    const answer = await forward();
    if (strikes('lost-answer')) return void response.destroy();
    if (strikes('bad-gateway'))
      return reply(response, { status: 502, headers: {}, body: Buffer.from('bad gateway\n') });
    return reply(response, answer);
  }

  function deliverLate(response: ServerResponse, forward: () => Promise<Answer>): void {
    response.destroy();
    const delivery = sleep(lateMs)
      .then(forward)
      .then(
        () => undefined,
        () => undefined,
      );
    proxy.late.add(delivery);
    void delivery.then(() => proxy.late.delete(delivery));
  }

  async function look(request: Request, response: ServerResponse, forward: () => Promise<Answer>): Promise<void> {
    if (strikes('refused')) return void response.destroy();
    const answer = await forward();
    const key = request.replicated;
    if (key === undefined) return reply(response, answer);
    const last = current.get(key);
    if (last && !last.body.equals(answer.body)) before.set(key, { answer: last, changed: now() });
    // A tag's answer to HEAD has no body: its digest tells.
    else if (last && last.headers['docker-content-digest'] !== answer.headers['docker-content-digest']) {
      before.set(key, { answer: last, changed: now() });
    }
    current.set(key, answer);
    const stale = before.get(key);
    const fault = request.tag === undefined ? 'stale-heads' : 'stale-tag';
    if (stale && now() - stale.changed < staleMs && strikes(fault)) return reply(response, stale.answer);
    return reply(response, answer);
  }

  function forwarding(message: IncomingMessage, body: Buffer, request: Request): () => Promise<Answer> {
    const { route } = proxy;
    const { url = '/', method = 'GET' } = message;
    const target = url.startsWith('/git/')
      ? `${route.git}/${url.slice('/git/'.length)}`
      : `${route.registry}/${url.replace(/^\/v2\/acme\//, '')}`;
    const { connection: _connection, 'transfer-encoding': _encoding, ...headers } = message.headers;
    const writes = proxy.writes;
    return async () => {
      const answer = await send(agent, method, target, { ...headers, 'content-length': body.length }, body);
      const { image, tag } = request;
      if (
        method === 'PUT' &&
        image !== undefined &&
        tag !== undefined &&
        answer.status < 300 &&
        route === proxy.route
      ) {
        writes.push({ at: now(), repository: `${proxy.host}/acme/${image}`, tag, digest: digestOf(body) });
      }
      return answer;
    };
  }

  return proxy;
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly image: string | undefined;
  /** Of an environment: a target tag, or a per-release one. */
  readonly tag: string | undefined;
  readonly isPush: boolean;
  readonly isWrite: boolean;
  /** The same for every reading of one thing that changes; undefined for what never does. */
  readonly replicated: string | undefined;
}

function describe({ method = 'GET', url = '/' }: IncomingMessage, body: Buffer): Request {
  const [, image, tag] = /^\/v2\/acme\/([a-z]+)\/manifests\/((?:[a-z]+-)?stg(?:-\d+)?)$/.exec(url) ?? [];
  const isPush = method === 'POST' && url.endsWith('/git-receive-pack');
  const isList = method === 'POST' && url.endsWith('/git-upload-pack') && body.includes('command=ls-refs');
  return {
    method,
    path: url,
    image,
    tag,
    isPush,
    isWrite: isPush || method === 'PUT',
    replicated: isList
      ? `${url} ${digestOf(body)}`
      : tag === undefined || method === 'PUT'
        ? undefined
        : `${method} ${url}`,
  };
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

async function read(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function send(
  agent: Agent,
  method: string,
  url: string,
  headers: OutgoingHttpHeaders,
  body: Buffer,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onward = httpRequest(url, { agent, method, headers: { ...headers, host: new URL(url).host } });
    onward.on('error', reject);
    onward.on('response', (incoming) => {
      const { 'transfer-encoding': _encoding, connection: _connection, ...kept } = incoming.headers;
      read(incoming).then((body) => resolve({ status: incoming.statusCode ?? 502, headers: kept, body }), reject);
    });
    onward.end(body);
  });
}

function reply(response: ServerResponse, { status, headers, body }: Answer): void {
  if (!response.destroyed) response.writeHead(status, headers).end(body);
}
