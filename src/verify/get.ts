// One GET of a URL that tagflow.yaml names: no redirect, no cookie, no password; at most 64 KiB are read, and the connection is
// closed. Link-local addresses, where clouds keep the secrets of a machine, are never asked.
import type http from 'node:http';
import dns from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Agents } from '../http/agents.ts';
import { isLinkLocal } from '../http/addresses.ts';

// An import evaluates every export, and one of node:http's loads all of undici (40 ms, a third of the time to start).
const plain = process.getBuiltinModule('node:http');
const secured = process.getBuiltinModule('node:https');

/** The beginning of an answer. */
export interface FetchedPage {
  readonly status: number;
  /** At most 64 KiB. */
  readonly body: Buffer;
  /** Whether the body is longer. */
  readonly isCut: boolean;
}

/** How a URL is asked. */
export interface GetOptions {
  readonly agents: Agents;
  readonly signal: AbortSignal;
  readonly limitMs: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Bytes that are read of an answer. */
const MOST_BYTES = 65_536;

/** The beginning of what a URL answers, or in words why there is no answer. Throws the signal's reason when it fires. */
export async function get(url: URL, options: GetOptions): Promise<FetchedPage | string> {
  const { signal, limitMs } = options;
  const over = AbortSignal.timeout(Math.max(1, Math.ceil(limitMs)));
  try {
    // An address that is written out is not looked up.
    if (isLinkLocal(url.hostname)) return refusalOf(url.host);
    return await request(url, options, AbortSignal.any([signal, over]));
  } catch (error) {
    signal.throwIfAborted();
    if (over.aborted) return `${url.host} did not answer within ${Math.round(limitMs / 100) / 10} s`;
    return `${url.host} cannot be asked: ${wordsOf(error)}`;
  }
}

function refusalOf(host: string): string {
  return `${host} is a link-local or metadata address, which is never asked`;
}

/**
 * Looks a name up for the connection that is made, and refuses what no one may ask: a second look-up, as between a check and
 * its use, could answer otherwise. Through a proxy names are looked up there.
 */
const lookUp: LookupFunction = (host, options, callback) => {
  dns.lookup(host, { ...options, all: true }, (error, found) => {
    if (error) return callback(error, '');
    const [first] = found;
    if (!first || found.some(({ address }) => isLinkLocal(address))) return callback(new Error(refusalOf(host)), '');
    return options.all ? callback(null, found) : callback(null, first.address, first.family);
  });
};

async function request(url: URL, { agents, headers }: GetOptions, signal: AbortSignal): Promise<FetchedPage> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? secured.request : plain.request;
    const outgoing = send(url, {
      method: 'GET',
      headers: { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'tagflow', ...headers },
      agent: agents.pick(url),
      lookup: lookUp,
      signal,
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      collect(incoming).then(resolve, reject);
    });
    outgoing.end();
  });
}

async function collect(incoming: http.IncomingMessage): Promise<FetchedPage> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    // Leaving the loop destroys the connection: what else is sent is not taken.
    if (size > MOST_BYTES) break;
  }
  const body = Buffer.concat(chunks).subarray(0, MOST_BYTES);
  return { status: incoming.statusCode ?? 0, body, isCut: size > MOST_BYTES };
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const codes: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'the connection was refused',
    ENOTFOUND: 'there is no such host',
    ECONNRESET: 'the connection was closed before the answer was complete',
  };
  const code = 'code' in error ? String(error.code) : '';
  return codes[code] ?? (error.message || code);
}
