// A token server as distribution's "token" authentication wants it: Basic in, a signed JWT out, rights by account.
// distribution.github.io/distribution/spec/auth/jwt. docker-registry trusts it by its certificate.
import { randomUUID, sign, X509Certificate } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestCertificate } from './certificate.ts';

/** Who may do what. */
export interface TokenAccount {
  readonly user: string;
  readonly password: string;
  /** Actions this account has on every repository. */
  readonly actions: readonly ('pull' | 'push')[];
}

/** A token server that runs. */
export interface TokenServer {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** Scopes that were asked for, in order. */
  readonly asked: readonly string[];
  stop(): Promise<void>;
}

const SERVICE = 'tagflow-registry';
const ISSUER = 'tagflow-tokens';

/** Starts a token server whose tokens are signed with the certificate's key (ES256). */
export async function startTokenServer(
  certificate: TestCertificate,
  accounts: readonly TokenAccount[],
): Promise<TokenServer> {
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://token.invalid');
    const account = accounts.find(({ user, password }) => {
      return request.headers.authorization === `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    });
    if (!account) {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'unknown account' }] }));
      return;
    }
    const scopes = searchParams.getAll('scope');
    asked.push(...scopes);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ access_token: jwt(certificate, account, scopes), expires_in: 300 }));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    realm: `http://${host}/token`,
    service: SERVICE,
    issuer: ISSUER,
    asked,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

function jwt(certificate: TestCertificate, account: TokenAccount, scopes: readonly string[]): string {
  const now = Math.floor(Date.now() / 1000);
  const access = scopes.map((scope) => {
    const [type = '', name = '', actions = ''] = scope.split(':');
    const granted = actions.split(',').filter((action) => account.actions.some((allowed) => allowed === action));
    return { type, name, actions: granted };
  });
  const claims = {
    iss: ISSUER,
    sub: account.user,
    aud: SERVICE,
    iat: now,
    nbf: now - 10,
    exp: now + 300,
    jti: randomUUID(),
    access,
  };
  const x5c = [new X509Certificate(certificate.cert).raw.toString('base64')];
  const signed = [{ typ: 'JWT', alg: 'ES256', x5c }, claims].map(base64url).join('.');
  const signature = sign('sha256', Buffer.from(signed), { key: certificate.privateKey, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
