// Who we are to Artifact Registry: where credentials come from, in which order, what is asked of the network for them, and who
// gets them. The files are real ones, read by Google's own library; its token servers are servers in this process.
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createGarAccess, type GarAccess, type GarAccessOptions } from '../../../src/registry/gar/access.ts';
import type { CredentialSource } from '../../../src/registry/credentials/credentials.ts';
import { failureOf } from '../../support/failure.ts';
import { clientGiving, federationFile, GAR_HOST, GAR_LOOK_ALIKES, GAR_PATH, TOKEN } from '../../support/gar.ts';
import { textOf } from '../../support/oci.ts';

type Reply = { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> } | 'hang';

/** A server that answers every request with the same, and remembers them. */
interface TokenServer {
  readonly host: string;
  readonly requests: { readonly line: string; readonly headers: http.IncomingHttpHeaders; readonly body: string }[];
  reply: Reply;
}

const opened: http.Server[] = [];
const made: GarAccess[] = [];
let folder: string;
let env: Record<string, string>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tagflow-gar-'));
  for (const name of Object.keys(process.env))
    if (/^(?:GOOGLE|GCLOUD|CLOUDSDK|GCE)_/.test(name)) vi.stubEnv(name, undefined);
  env = {};
  setEnv({ HOME: folder, METADATA_SERVER_DETECTION: 'none' });
});
afterEach(() => {
  vi.unstubAllEnvs();
  for (const access of made.splice(0)) access.close();
  for (const server of opened.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true });
});

/** For the adapter and for Google's library, which reads the process's own. */
function setEnv(variables: Record<string, string>): void {
  for (const [name, value] of Object.entries(variables)) {
    env[name] = value;
    vi.stubEnv(name, value);
  }
}
const startServer = async (reply: Reply): Promise<TokenServer> => {
  const requests: TokenServer['requests'] = [];
  const state = { host: '', requests, reply };
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      requests.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
      if (state.reply === 'hang') return;
      response.writeHead(state.reply.status, { 'content-type': 'application/json', ...state.reply.headers });
      response.end(typeof state.reply.body === 'string' ? state.reply.body : JSON.stringify(state.reply.body));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  opened.push(server);
  state.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return state;
};
const others = (password?: string): CredentialSource & { asked: string[] } => {
  const asked: string[] = [];
  return {
    asked,
    async find(host) {
      asked.push(host);
      return password === undefined ? undefined : { kind: 'password', username: 'other', password };
    },
  };
};
const accessWith = (options: Partial<GarAccessOptions> = {}): GarAccess => {
  const access = createGarAccess({ env, others: others(), ...options });
  made.push(access);
  return access;
};
const tokenOf = async (access: GarAccess): Promise<string | undefined> =>
  (await access.tokenFor(GAR_HOST, GAR_PATH))?.token;

/** The file of a CI job whose token is exchanged at `server`. */
const federate = (server: TokenServer): void => {
  const url = `http://${server.host}/v1/token`;
  setEnv({ GOOGLE_APPLICATION_CREDENTIALS: federationFile(folder, { url }) });
};
const given = (token: string): Reply => ({
  status: 200,
  body: {
    access_token: token,
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    token_type: 'Bearer',
    expires_in: 3600,
  },
});
/** A machine of Google's, as far as its metadata server goes. */
const metadata = async (reply: Reply = given(TOKEN)): Promise<TokenServer> => {
  const server = await startServer(reply === 'hang' ? reply : { ...reply, headers: { 'metadata-flavor': 'Google' } });
  setEnv({ GCE_METADATA_HOST: server.host });
  return server;
};

describe('a token', () => {
  it('of a CI job is exchanged for the job’s own by workload identity federation', async () => {
    const server = await startServer(given(TOKEN));
    federate(server);
    expect(await tokenOf(accessWith())).toBe(TOKEN);
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]!.body).toContain('subject_token=canary-job-token');
  });

  it('is asked for once, however many want it', async () => {
    const server = await startServer(given(TOKEN));
    federate(server);
    const access = accessWith();
    expect(await Promise.all([tokenOf(access), tokenOf(access), tokenOf(access)])).toEqual([TOKEN, TOKEN, TOKEN]);
    expect(await tokenOf(access)).toBe(TOKEN);
    expect(server.requests).toHaveLength(1);
  });

  it('that was refused is forgotten, and no other', async () => {
    const makeClient = clientGiving('ya29.first', 'ya29.second');
    const access = accessWith({ makeClient });
    await tokenOf(access);
    access.forget('ya29.another');
    expect(await tokenOf(access)).toBe('ya29.first');
    access.forget('ya29.first');
    expect(await tokenOf(access)).toBe('ya29.second');
    expect(makeClient.made).toBe(2);
  });

  it('is the password of the Docker endpoint', async () => {
    const access = accessWith({ makeClient: clientGiving(TOKEN) });
    expect(await access.find(GAR_HOST, GAR_PATH)).toEqual({
      kind: 'password',
      username: 'oauth2accesstoken',
      password: TOKEN,
    });
  });

  it.each([
    ['nothing', undefined],
    ['empty', ''],
    ['a line break in it', 'ya29.a\nb'],
  ])('that is %s is not a token', async (_what, token) => {
    const client = { universeDomain: 'googleapis.com', getAccessToken: async () => ({ token }) };
    const error = await failureOf(tokenOf(accessWith({ makeClient: async () => client })));
    expect(error).toMatchObject({ code: 'unauthorized' });
  });

  it('for another universe than Google’s is not even asked for', async () => {
    const getAccessToken = vi.fn<() => Promise<{ token: string }>>();
    const makeClient = async () => ({ universeDomain: 'example.cloud', getAccessToken });
    const error = await failureOf(tokenOf(accessWith({ makeClient })));
    expect(error).toMatchObject({ code: 'unauthorized', why: expect.stringContaining('example.cloud') });
    expect(getAccessToken).not.toHaveBeenCalled();
  });
});

describe('the order', () => {
  it('is Google’s file first: Docker’s files and helpers are not even asked', async () => {
    federate(await startServer(given(TOKEN)));
    const docker = others('canary');
    expect(await tokenOf(accessWith({ others: docker }))).toBe(TOKEN);
    expect(docker.asked).toEqual([]);
  });

  it('finds what gcloud auth application-default login wrote', async () => {
    const configuration = join(folder, '.config', 'gcloud');
    mkdirSync(configuration, { recursive: true });
    writeFileSync(join(configuration, 'application_default_credentials.json'), '{"type":"authorized_user"}');
    const docker = others('canary');
    // It is there, and of no use: that is reported, and nothing else is taken in its place.
    expect(await failureOf(tokenOf(accessWith({ others: docker })))).toMatchObject({ code: 'credentials-invalid' });
    expect(docker.asked).toEqual([]);
  });

  it('has the service account of a machine that knows it is Google’s next', async () => {
    await metadata();
    setEnv({ METADATA_SERVER_DETECTION: 'assume-present' });
    const docker = others('canary');
    expect(await tokenOf(accessWith({ others: docker }))).toBe(TOKEN);
    expect(docker.asked).toEqual([]);
  });

  it('has Docker’s credentials before any question to the network', async () => {
    const server = await metadata();
    setEnv({ METADATA_SERVER_DETECTION: 'ping-only' });
    const docker = others('canary');
    const access = accessWith({ others: docker });
    expect(await tokenOf(access)).toBeUndefined();
    expect(await access.find(GAR_HOST, GAR_PATH)).toMatchObject({ username: 'other' });
    expect(server.requests).toEqual([]);
  });

  it('asks whether there is a metadata server when nothing else is there, once', async () => {
    const server = await metadata();
    setEnv({ METADATA_SERVER_DETECTION: 'ping-only' });
    const access = accessWith();
    expect(await tokenOf(access)).toBe(TOKEN);
    await access.tokenFor('gcr.io', 'acme/app');
    const pings = server.requests.filter(({ line }) => line.endsWith('/instance/'));
    expect(pings.map(({ headers }) => headers['metadata-flavor'])).toEqual(['Google']);
  });

  it('ends with nobody: anybody who has nothing is anonymous, and nothing was asked', async () => {
    const server = await metadata();
    setEnv({ METADATA_SERVER_DETECTION: 'none' });
    const access = accessWith();
    expect(await tokenOf(access)).toBeUndefined();
    expect(await access.find(GAR_HOST, GAR_PATH)).toBeUndefined();
    expect(server.requests).toEqual([]);
  });
});

describe('a metadata server', () => {
  it.each<[string, Reply]>([
    ['is another cloud’s', { status: 200, body: 'ami-id' }],
    ['never answers', 'hang'],
  ])('that %s is not one, within a second or so', async (_what, reply) => {
    const server = await startServer(reply);
    setEnv({ GCE_METADATA_HOST: server.host, METADATA_SERVER_DETECTION: 'ping-only' });
    expect(await tokenOf(accessWith())).toBeUndefined();
    expect(server.requests).toHaveLength(1);
  });

  it('where nothing listens is not one', async () => {
    setEnv({ GCE_METADATA_HOST: '127.0.0.1:9', METADATA_SERVER_DETECTION: 'ping-only' });
    expect(await tokenOf(accessWith())).toBeUndefined();
  });

  it('that falls silent ends by the time limit, and says what to check', async () => {
    await metadata('hang');
    setEnv({ METADATA_SERVER_DETECTION: 'assume-present' });
    const error = await failureOf(tokenOf(accessWith({ timeoutMs: 50 })));
    expect(error).toMatchObject({
      code: 'registry-unavailable',
      why: expect.stringContaining('0.05 s'),
      fix: expect.stringContaining('NO_PROXY'),
    });
  });
});

describe('no token', () => {
  it.each<[string, Reply, string, RegExp]>([
    [
      'refuses',
      { status: 400, body: { error: 'invalid_grant' } },
      'unauthorized',
      /gcloud auth application-default login/,
    ],
    ['denies', { status: 403, body: { error: 'denied' } }, 'unauthorized', /workload identity/],
    ['is down', { status: 503, body: 'no' }, 'registry-unavailable', /again later/],
  ])('is had from a server that %s', async (_what, reply, code, fix) => {
    federate(await startServer(reply));
    const error = await failureOf(tokenOf(accessWith()));
    expect(error).toMatchObject({ code, fix: expect.stringMatching(fix) });
    // What the library hangs on its errors is the request, with the job's token in it.
    expect(inspect(error, { depth: 20 }) + textOf(error)).not.toContain('canary-job-token');
  });

  it('is had from a server that is not there: the address is named', async () => {
    const server = await startServer('hang');
    federate(server);
    await new Promise((resolve) => opened[0]!.close(resolve));
    const error = await failureOf(tokenOf(accessWith()));
    expect(error).toMatchObject({ code: 'registry-unavailable', message: `cannot reach ${server.host}` });
  });

  it('is remembered as such: the next one who asks may do better', async () => {
    const server = await startServer({ status: 400, body: { error: 'invalid_grant' } });
    federate(server);
    const access = accessWith();
    await failureOf(tokenOf(access));
    server.reply = given(TOKEN);
    expect(await tokenOf(access)).toBe(TOKEN);
  });

  it.each([
    ['is not there', undefined],
    ['is not JSON', 'canary-in-the-file'],
    ['is of no known kind', '{"type":"canary"}'],
  ])('comes of a file that %s, and the file is to be corrected', async (_what, content) => {
    const file = join(folder, 'adc.json');
    if (content !== undefined) writeFileSync(file, content);
    setEnv({ GOOGLE_APPLICATION_CREDENTIALS: file });
    const error = await failureOf(tokenOf(accessWith()));
    expect(error).toMatchObject({
      code: 'credentials-invalid',
      fix: expect.stringContaining('GOOGLE_APPLICATION_CREDENTIALS'),
    });
  });

  it('is asked for in a run that was told to stop', async () => {
    const makeClient = async () => ({
      universeDomain: 'googleapis.com',
      getAccessToken: async () => new Promise<never>(() => undefined),
    });
    const controller = new AbortController();
    const asked = failureOf(tokenOf(accessWith({ makeClient, signal: controller.signal })));
    controller.abort();
    expect(await asked).toMatchObject({ code: 'interrupted' });
  });
});

describe('case 25: other hosts', () => {
  it.each(['ghcr.io', ...GAR_LOOK_ALIKES])('%s is left to the other source, and Google is not asked', async (host) => {
    const makeClient = clientGiving(TOKEN);
    const access = accessWith({ makeClient, others: others('canary') });
    expect(await access.find(host, GAR_PATH)).toMatchObject({ username: 'other' });
    expect(await access.tokenFor(host, GAR_PATH)).toBeUndefined();
    expect(makeClient.made).toBe(0);
  });
});

describe('a key of a service account', () => {
  it('is exchanged through the proxy of the environment, and never shown', async () => {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const file = join(folder, 'key.json');
    const key = { type: 'service_account', client_email: 'ci@acme.iam.gserviceaccount.com', private_key: privateKey };
    writeFileSync(file, JSON.stringify(key));
    const proxy = await startServer({ status: 200 });
    const lines: string[] = [];
    opened[0]!.on('connect', (request, socket) => {
      lines.push(`CONNECT ${request.url}`);
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    });
    setEnv({ GOOGLE_APPLICATION_CREDENTIALS: file, HTTPS_PROXY: `http://${proxy.host}` });
    const error = await failureOf(tokenOf(accessWith()));
    expect(error.code).toBe('registry-unavailable');
    expect(lines[0]).toMatch(/^CONNECT (?:oauth2|www)\.googleapis\.com:443$/);
    expect(textOf(error)).not.toContain(privateKey.split('\n')[1]);
  });
});
