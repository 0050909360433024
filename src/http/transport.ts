// Failures below HTTP, as people can act on them: name, port, proxy, certificate, time.
import { TagflowError, isTagflowError } from '../model/errors.ts';
import { oneLine } from './redact.ts';

/**
 * A request that got no whole answer: `registry-unavailable`, or a 5xx that counts as none. What the server did with
 * it is not known.
 */
export class TransportFailure extends TagflowError {
  /** Whether the same request may do better in a moment. */
  readonly transient: boolean;

  constructor(transient: boolean, text: ConstructorParameters<typeof TagflowError>[1]) {
    super('registry-unavailable', text);
    this.transient = transient;
  }
}

interface Explanation {
  readonly why: string;
  readonly fix: string;
  readonly transient: boolean;
}

const RETRY = 'run the same command again; when it persists, check the network and the registry’s status';
const CERTIFICATE =
  'set NODE_EXTRA_CA_CERTS (adds to the known authorities) or SSL_CERT_FILE (replaces them) to a PEM file with the registry’s certificate authority';

const EXPLANATIONS: Readonly<Record<string, (host: string) => Explanation>> = {
  ECONNREFUSED: (host) => ({
    why: 'nothing listens there: the connection was refused',
    fix: `check the name and the port of ${host}, and that the registry is running`,
    transient: true,
  }),
  ENOTFOUND: (host) => ({
    why: 'the host name does not exist in DNS',
    fix: `check the spelling of ${host}, or the DNS and proxy settings of this machine`,
    transient: false,
  }),
  EAI_AGAIN: () => ({ why: 'the DNS server did not respond', fix: RETRY, transient: true }),
  ETIMEDOUT: () => ({ why: 'the connection timed out', fix: RETRY, transient: true }),
  ECONNRESET: () => ({
    why: 'the connection was closed before the response was complete',
    fix: RETRY,
    transient: true,
  }),
  EPIPE: () => ({ why: 'the connection was closed while the request was being sent', fix: RETRY, transient: true }),
  EHOSTUNREACH: () => ({ why: 'there is no network route to the host', fix: RETRY, transient: true }),
  ENETUNREACH: () => ({ why: 'there is no route to the network', fix: RETRY, transient: true }),
  ERR_PROXY_TUNNEL: () => ({
    why: 'the proxy did not open a tunnel',
    fix: 'check HTTPS_PROXY, or name the registry in NO_PROXY',
    transient: false,
  }),
  ERR_TLS_CERT_ALTNAME_INVALID: (host) => ({
    why: `its certificate is not for ${host}`,
    fix: 'use the host name that the certificate was issued for',
    transient: false,
  }),
  CERT_HAS_EXPIRED: () => ({
    why: 'its certificate has expired',
    fix: 'renew the certificate of the registry, or correct the clock of this machine',
    transient: false,
  }),
  EPROTO: (host) => ({
    why: 'it does not speak TLS on this port',
    fix: `check the port; if ${host} really serves plain HTTP, list it under plainHttp in tagflow.yaml`,
    transient: false,
  }),
};

/** What OpenSSL finds where the other side does not speak TLS. */
const NO_TLS = new Set(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_SSL_HTTP_REQUEST']);

const UNTRUSTED: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate comes from an authority that this machine does not trust',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate comes from an authority that this machine does not trust',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate comes from an authority that this machine does not trust',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate comes from an authority that this machine does not trust',
};

/** The failure that an error of node:http, node:https or node:tls stands for. */
export function explainFailure(error: unknown, method: string, url: URL): TagflowError {
  if (isTagflowError(error)) return error;
  const code = errorCode(error);
  const what = `cannot reach ${url.host}`;
  const details = { host: url.host, method, ...(code && { code }) };
  if (code.startsWith('HPE_')) {
    return new TagflowError('registry-answer-invalid', {
      what: `${url.host} did not respond with HTTP`,
      why: oneLine(String(error)),
      fix: 'check the host and the port',
      details,
      cause: error,
    });
  }
  const untrusted = UNTRUSTED[code];
  const known = NO_TLS.has(code) ? 'EPROTO' : code;
  const explanation = untrusted
    ? { why: untrusted, fix: CERTIFICATE, transient: false }
    : EXPLANATIONS[known]?.(url.host);
  const { why, fix, transient } = explanation ?? {
    why: oneLine(String(error)),
    fix: RETRY,
    transient: !code.startsWith('ERR_SSL_'),
  };
  return new TransportFailure(transient, { what, why, fix, details, cause: error });
}

/** The failure of a request that took longer than it may. */
export function timedOut(method: string, url: URL, milliseconds: number): TransportFailure {
  return new TransportFailure(true, {
    what: `${url.host} did not answer in time`,
    why: `${method} ${url.pathname} got no complete response within ${milliseconds / 1000} s`,
    fix: RETRY,
    details: { host: url.host, method },
  });
}

function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
