// Docker's registry 2.8.2 (the Debian package docker-registry), or its successor, distribution 3, on a free loopback port,
// for tests against the real thing.
// Push to it with `pushImage` of test/support/images.ts.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endProcess, whenLogged } from './process.ts';
import { findProgram } from './real.ts';

/** How the registry is set up. At most one of `htpasswd` and `token`. */
export interface DockerRegistryOptions {
  /** Default: docker-registry. `distribution` is what `.ci/run` builds where Go is new enough. */
  readonly program?: 'docker-registry' | 'distribution';
  /** Ask for this user and password with Basic authentication. Needs the program htpasswd. */
  readonly htpasswd?: { readonly user: string; readonly password: string };
  /** Ask for a Bearer token; distribution's "token" authentication. */
  readonly token?: {
    readonly realm: string;
    readonly service: string;
    readonly issuer: string;
    readonly certificate: string;
  };
  /** Allow deletes of manifests by digest. */
  readonly delete?: boolean;
}

/** A registry that runs. */
export interface DockerRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Where its blobs are: `docker/registry/v2/…` below it. */
  readonly root: string;
  /** Ends the process and removes its files. */
  stop(): Promise<void>;
}

/** distribution 3 would look for somebody who collects its traces. */
const ENVIRONMENT = { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' };

/** Starts `docker-registry serve` and waits until it listens. Guard the suite with `describeReal(…, ['docker-registry'], …)`. */
export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const name = options.program ?? 'docker-registry';
  const program = findProgram(name);
  if (!program) throw new Error(`${name} is not installed`);
  const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tagflow-registry-'));
  const config = join(root, 'config.json');
  // JSON is YAML, and needs no quoting rules.
  writeFileSync(config, JSON.stringify(configuration(root, options)));
  const child = spawn(program, ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'], env: ENVIRONMENT });
  const stop = async (): Promise<void> => {
    await endProcess(child);
    rmSync(root, { recursive: true, force: true });
  };
  try {
    // It chooses a free port itself and writes it to its log, so no two tests can race for one.
    return { host: await whenLogged(child, name, /listening on (127\.0\.0\.1:[0-9]+)/), root, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function configuration(root: string, options: DockerRegistryOptions): object {
  return {
    version: '0.1',
    log: { level: 'info', accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: root },
      delete: { enabled: options.delete === true },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http: { addr: '127.0.0.1:0' },
    ...(options.htpasswd && { auth: { htpasswd: { realm: 'tagflow', path: passwordFile(root, options.htpasswd) } } }),
    ...(options.token && { auth: { token: tokenSection(root, options.token) } }),
  };
}

function passwordFile(root: string, { user, password }: { user: string; password: string }): string {
  const path = join(root, 'htpasswd');
  // -i: the password comes on stdin; cost 4 keeps the test quick, and the registry takes bcrypt only.
  const program = findProgram('htpasswd') ?? 'htpasswd';
  writeFileSync(path, execFileSync(program, ['-niBC', '4', user], { input: password }));
  return path;
}

function tokenSection(root: string, token: NonNullable<DockerRegistryOptions['token']>): object {
  const rootcertbundle = join(root, 'token.pem');
  writeFileSync(rootcertbundle, token.certificate);
  return { realm: token.realm, service: token.service, issuer: token.issuer, rootcertbundle };
}
