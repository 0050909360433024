// The gate before Git's server and the registry: everything that an actor asks of them passes here, one request after the
// other, is a step with a label, and can be held at a moment about its effect. Who asks is known by the connection.
import {
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
  createServer,
  request as httpRequest,
} from 'node:http';
import { type AddressInfo, type Socket } from 'node:net';
import type { Moment, Step } from './points.ts';

/** An answer of a server, whole. */
export interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

/** A write that a server accepted. */
export interface SeenWrite {
  readonly at: number;
  /** `app`, `db`. */
  readonly image: string;
  readonly tag: string;
  readonly digest: string;
}

/** Where one point's requests go. */
export interface Route {
  /** `http://127.0.0.1:PORT/p17`: the folder that has `repository.git`. */
  readonly git: string;
  /** `http://127.0.0.1:PORT/v2/p17`: the path of its images. */
  readonly registry: string;
}

/** What is done at the moment. */
export interface Trap {
  readonly step: Step;
  readonly moment: Moment;
  /** Called when the step has begun. */
  reach(): void;
  /** Called once, when the moment has come. Resolves to whether the victim is dead: then nobody hears an answer. */
  spring(): Promise<boolean>;
}

/** A gate that runs. */
export interface Gate {
  /** `127.0.0.1:PORT`: images are at `…/acme/<name>`, the repository at `http://…/git/repository.git`. */
  readonly host: string;
  route: Route | undefined;
  trap: Trap | undefined;
  /** Whether connections that are opened from now on are the victim's: its requests are steps, the others pass. */
  victim: boolean;
  /** The victim's steps so far. */
  readonly labels: string[];
  /** Writes to tags that the registry accepted. */
  readonly writes: SeenWrite[];
  /** Writes of the victim that were let through and have no answer yet. */
  writesInFlight: number;
  /** Delivers what was kept back for after the victim's death. */
  deliverLate: (() => Promise<void>) | undefined;
  /** Stands around every request of anybody, by its label: for planted defects. */
  tamper: ((label: string, forward: () => Promise<Answer>) => Promise<Answer>) | undefined;
  /** Forgets everything about the last point. */
  reset(): void;
  close(): Promise<void>;
}

/** How long a step that has been answered waits for the next one to begin, in milliseconds, before its moment has come. */
const AFTER_MS = 25;

/** Starts a gate. `now` is the clock of the writes' times. */
export async function startGate(now: () => number): Promise<Gate> {
  const sockets = new Map<Socket, boolean>();
  let turn: Promise<unknown> = Promise.resolve();
  let counts = new Map<string, number>();
  /** Resolved when the victim asks for something after the step that is waited for. */
  let nextAsked: (() => void) | undefined;
  let closed: Promise<boolean> | undefined;

  const server = createServer((message, response) => {
    const fromVictim = sockets.get(message.socket) === true;
    read(message)
      .then(
        (body) =>
          fromVictim ? inTurn(message, body, response) : pass(message, body).then((answer) => reply(response, answer)),
        () => response.destroy(),
      )
      .catch(() => response.destroy());
  });
  server.on('connection', (socket) => {
    sockets.set(socket, gate.victim);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const gate: Gate = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    route: undefined,
    trap: undefined,
    victim: false,
    labels: [],
    writes: [],
    writesInFlight: 0,
    deliverLate: undefined,
    tamper: undefined,
    reset() {
      for (const socket of sockets.keys()) socket.destroy();
      Object.assign(gate, {
        route: undefined,
        trap: undefined,
        victim: false,
        writesInFlight: 0,
        deliverLate: undefined,
      });
      gate.labels.splice(0);
      gate.writes.splice(0);
      counts = new Map();
      [turn, nextAsked, closed] = [Promise.resolve(), undefined, undefined];
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  /** The victim's requests, one at a time: what has happened at a step is then known. */
  async function inTurn(message: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    nextAsked?.();
    const before = turn;
    const mine = before.then(async () => step(message, body, response));
    turn = mine.catch(() => undefined);
    await mine;
  }

  async function step(message: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    // The step before has been answered, and its moment is now.
    if (await closed) return void response.destroy();
    const label = labelOf(message);
    const count = (counts.get(label) ?? 0) + 1;
    counts.set(label, count);
    gate.labels.push(label);
    const { trap } = gate;
    const trapped = trap?.step.label === label && trap.step.count === count ? trap : undefined;
    trapped?.reach();
    // To the routes of this point, whatever comes later.
    const forward = passing(message, body);
    if (trapped?.moment === 'before' && (await trapped.spring())) return void response.destroy();
    if (trapped?.moment === 'late') {
      gate.deliverLate = async () => void (await forward());
      await trapped.spring();
      return void response.destroy();
    }
    const write = /^(?:PUT |git receive-pack$)/.test(label) ? 1 : 0;
    gate.writesInFlight += write;
    try {
      const answer = await forward();
      if (trapped?.moment === 'unanswered' && (await trapped.spring())) return void response.destroy();
      await reply(response, answer);
    } finally {
      gate.writesInFlight -= write;
    }
    if (trapped?.moment === 'after') closed = sprungAfter(trapped);
  }

  async function sprungAfter(trap: Trap): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<void>();
    nextAsked = resolve;
    setTimeout(resolve, AFTER_MS);
    await promise;
    nextAsked = undefined;
    const dead = await trap.spring();
    // One that lives continues.
    closed = undefined;
    return dead;
  }

  async function pass(message: IncomingMessage, body: Buffer): Promise<Answer> {
    return passing(message, body)();
  }

  function passing(message: IncomingMessage, body: Buffer): () => Promise<Answer> {
    const { route } = gate;
    const url = message.url ?? '/';
    const target = url.startsWith('/git/')
      ? `${route?.git}/${url.slice('/git/'.length)}`
      : `${route?.registry}/${url.replace(/^\/v2\/acme\//, '')}`;
    const method = message.method ?? 'GET';
    const { connection: _connection, 'transfer-encoding': _encoding, ...headers } = message.headers;
    const forward = async (): Promise<Answer> => {
      const answer = await send(method, target, { ...headers, 'content-length': body.length }, body);
      const [, image, tag] = /^\/v2\/acme\/([a-z]+)\/manifests\/([^:]+)$/.exec(url) ?? [];
      if (method === 'PUT' && image !== undefined && tag !== undefined && answer.status < 300) {
        gate.writes.push({ at: now(), image, tag, digest: String(answer.headers['docker-content-digest']) });
      }
      return answer;
    };
    return async () => gate.tamper?.(labelOf(message), forward) ?? forward();
  }

  return gate;
}

/** What a request is, without what differs from run to run: `PUT app:stg-4`, `GET app@41de09aa7c55`, `git receive-pack`. */
function labelOf({ method = 'GET', url = '/' }: Pick<IncomingMessage, 'method' | 'url'>): string {
  const service = /git-(upload-pack|receive-pack)/.exec(url)?.[1];
  if (service !== undefined) return url.includes('/info/refs') ? `git refs of ${service}` : `git ${service}`;
  const [, image, at] = /^\/v2\/acme\/([a-z]+)\/manifests\/(.+)$/.exec(url) ?? [];
  if (at === undefined) return `${method} ${url.replace('/v2/acme/', '')}`;
  return `${method} ${image}${at.startsWith('sha256:') ? `@${at.slice(7, 19)}` : `:${at}`}`;
}

async function read(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function send(method: string, url: string, headers: OutgoingHttpHeaders, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onward = httpRequest(url, { method, headers: { ...headers, host: new URL(url).host } });
    onward.on('error', reject);
    onward.on('response', (incoming) => {
      const { 'transfer-encoding': _encoding, connection: _connection, ...kept } = incoming.headers;
      read(incoming).then((body) => resolve({ status: incoming.statusCode ?? 502, headers: kept, body }), reject);
    });
    onward.end(body);
  });
}

/** Answers, and waits until the answer has left. */
async function reply(response: ServerResponse, { status, headers, body }: Answer): Promise<void> {
  if (response.destroyed) return;
  await new Promise<void>((resolve) => {
    response.on('close', resolve);
    response.writeHead(status, headers).end(body, resolve);
  });
}
