// One request over the connections that are handed in: those go through the environment's proxies and know its certificate
// authorities, which the global `fetch` accepts only from a package of its own. Nothing is repeated here.
import type http from 'node:http';
import { TagflowError } from '../model/errors.ts';
import { plain } from '../model/text.ts';

// An import evaluates every export, and one of node:http's loads all of undici.
const insecure = process.getBuiltinModule('node:http');
const secured = process.getBuiltinModule('node:https');

/** The agent for a URL: its proxy, its certificate authorities. */
export type AgentOf = (url: URL) => http.Agent;

/** What is sent. */
export interface FetchInit {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A `fetch` that is enough for octokit, and for us. */
export type Fetch = (url: string, init: FetchInit) => Promise<Response>;

const MOST_REDIRECTS = 3;
/** A page of a hundred pull requests is some 2 MB. */
const MOST_BYTES = 32 << 20;
const WITHOUT_BODY = new Set([204, 205, 304]);

/**
 * Sends requests. A redirect is followed on the same scheme, host and port, with the same method (GitHub: a renamed
 * repository); another one is refused, for the token would go with it: `forge-answer-invalid`.
 */
export function createFetch(agentOf: AgentOf): Fetch {
  return async (address, init) => {
    let url = new URL(address);
    for (let redirects = 0; ; redirects += 1) {
      const message = await send(url, init, agentOf(url));
      const { statusCode: status = 0, headers } = message;
      const location = [301, 302, 307, 308].includes(status) ? headers.location : undefined;
      if (location === undefined) return answer(message);
      message.resume();
      const next = URL.parse(location, url.href);
      if (next?.origin !== url.origin || redirects === MOST_REDIRECTS) throw astray(url, location, redirects);
      url = next;
    }
  };
}

async function send(url: URL, { method, headers, body, signal }: FetchInit, agent: http.Agent) {
  const client = url.protocol === 'https:' ? secured : insecure;
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  return new Promise<http.IncomingMessage>((resolve, reject) => {
    const request = client.request(url, { method, headers: { ...headers, ...length }, agent, signal });
    request.once('response', resolve);
    request.once('error', reject);
    request.end(body);
  });
}

async function answer(message: http.IncomingMessage): Promise<Response> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BYTES) throw new Error(`the answer is larger than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  const headers = new Headers();
  for (const [name, value] of Object.entries(message.headers)) headers.set(name, [value ?? ''].flat().join(', '));
  const status = message.statusCode ?? 0;
  return new Response(WITHOUT_BODY.has(status) ? null : Buffer.concat(chunks), { status, headers });
}

function astray(from: URL, location: string, redirects: number): TagflowError {
  const to = URL.parse(location, from.href)?.host ?? '';
  return new TagflowError('forge-answer-invalid', {
    what: `${from.host} redirects ${redirects === MOST_REDIRECTS ? 'again and again' : `to ${plain(to, 200)}`}`,
    why: 'the token goes to no other host than the one it was given for',
    fix: "check the remote's URL; where the API is elsewhere, set TAGFLOW_FORGE_URL to it",
  });
}
