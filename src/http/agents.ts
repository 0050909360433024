// The connections of a run: kept alive and shared, through the proxy and with the certificate authorities of the environment.
import type { ProcessEnv } from '../model/effects.ts';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type http from 'node:http';
import { getCACertificates } from 'node:tls';
import { TagflowError } from '../model/errors.ts';
import { isLoopback } from './addresses.ts';

// An import evaluates every export, and one of node:http's loads all of undici (40 ms, a third of the time to start).
const plain = process.getBuiltinModule('node:http');
const secured = process.getBuiltinModule('node:https');

/** Where proxies and certificate authorities come from. */
export interface AgentOptions {
  /** HTTP(S)_PROXY, NO_PROXY, SSL_CERT_FILE and NODE_EXTRA_CA_CERTS are read from it. */
  readonly env: ProcessEnv;
  /** Certificate authorities to trust as well, PEM. */
  readonly ca?: string | undefined;
}

/** The connections of a run: kept alive, through the proxy and with the certificate authorities of the environment. */
export interface Agents {
  /** The agent for a URL. Throws `config-invalid` for an unusable CA file or proxy. */
  pick(url: URL): http.Agent;
  close(): void;
}

/** Agents that have opened no connection yet. */
export function createAgents(options: AgentOptions): Agents {
  const made = new Map<string, http.Agent>();
  return {
    pick(url) {
      // Like Go and curl, loopback is never reached through a proxy: the proxy's loopback is another machine's.
      const direct = isLoopback(url.hostname);
      const key = `${url.protocol}${direct ? 'direct' : 'proxied'}`;
      const agent =
        made.get(key) ?? createAgent(url.protocol === 'https:', direct ? {} : proxyVariables(options.env), options);
      made.set(key, agent);
      return agent;
    },
    close() {
      for (const agent of made.values()) agent.destroy();
    },
  };
}

function createAgent(secure: boolean, proxyEnv: Record<string, string>, options: AgentOptions): http.Agent {
  const ca = secure ? certificateAuthorities(options) : undefined;
  try {
    if (!secure) return new plain.Agent({ keepAlive: true, proxyEnv });
    return new secured.Agent({ keepAlive: true, proxyEnv, minVersion: 'TLSv1.2', ...(ca && { ca }) });
  } catch {
    // What Node says of it may hold the proxy's password.
    throw new TagflowError('config-invalid', {
      what: `cannot use the proxy in ${secure ? 'HTTPS_PROXY' : 'HTTP_PROXY'}`,
      why: 'it is not a URL, or its user name or password contains an unescaped %',
      fix: 'set it to http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, with %25 for a % in the password',
    });
  }
}

function proxyVariables(env: ProcessEnv): Record<string, string> {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/**
 * The certificate authorities to trust, PEM; undefined for those that Node knows. SSL_CERT_FILE stands in place of the
 * known authorities, as in OpenSSL and Go; the others are added to them. Throws `config-invalid` for an unusable file.
 */
export function certificateAuthorities({ env, ca }: AgentOptions): string[] | undefined {
  const replaced = readAuthorities(env, 'SSL_CERT_FILE');
  const added = [readAuthorities(env, 'NODE_EXTRA_CA_CERTS'), ca].filter((pem) => pem !== undefined);
  if (replaced === undefined && added.length === 0) return undefined;
  return [...(replaced === undefined ? getCACertificates('default') : [replaced]), ...added];
}

function readAuthorities(env: ProcessEnv, variable: string): string | undefined {
  const path = env[variable];
  if (path === undefined || path === '') return undefined;
  try {
    const pem = readFileSync(path, 'utf8');
    const [first] = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/.exec(pem) ?? [];
    if (first === undefined) throw new Error('it contains no PEM certificate');
    // TLS would pass over a certificate it cannot read, and then refuse the registry.
    readCertificate(first);
    return pem;
  } catch (error) {
    throw new TagflowError('config-invalid', {
      what: `cannot use the file in ${variable}, ${JSON.stringify(path)}`,
      why: error instanceof Error ? error.message : String(error),
      fix: `set ${variable} to a readable file of PEM certificates, or unset it`,
      cause: error,
    });
  }
}

function readCertificate(pem: string): X509Certificate {
  return new X509Certificate(pem);
}
