// The one place that picks adapters and reads the environment: from options and variables to ports.
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import type { Context } from '../engine/context.ts';
import { createGitLedger } from '../ledger/git.ts';
import type { ReportProgress } from '../model/effects.ts';
import { TagflowError } from '../model/errors.ts';
import type { Repository } from '../model/reference.ts';
import { createCopier } from '../registry/copy/copy.ts';
import { createEcrRegistry } from '../registry/ecr/ecr.ts';
import { createGarAccess } from '../registry/gar/access.ts';
import { createGarRegistry } from '../registry/gar/gar.ts';
import { parseEcrHost, parseGarHost } from '../registry/hosts.ts';
import { createLayoutRegistry } from '../registry/layout/layout.ts';
import { createCredentialSource } from '../registry/credentials/credentials.ts';
import { createOciRegistry } from '../registry/oci/oci.ts';
import type { AbleRegistry, ContentStore, CopyImage } from '../registry/registry.ts';
import { createSigning } from '../signing/keys.ts';
import { sweepLeftovers } from '../http/leftovers.ts';
import { machineClock } from './clock.ts';
import { createCollector } from './collect.ts';
import { readOptionalFile } from './files.ts';
import { composeForge } from './forge.ts';
import type { GlobalOptions } from './globals.ts';
import { type GitSettings, readGitSettings } from './git-settings.ts';
import type { Io } from './io.ts';
import { chooseRemote, gitAccess } from './remote.ts';
import type { Stopping } from './session.ts';
import { readTokenServers } from './token-servers.ts';
import { whoRuns } from './who.ts';

/** How long a promotion that loses races tries again, in milliseconds. */
const RACE_TIMEOUT = 300_000;

/** Ports, and how to free them. */
export interface Composition {
  readonly context: Context;
  close(): Promise<void>;
}

/** The registries of a run. */
export interface Registries {
  readonly registryOf: (repository: Repository) => AbleRegistry;
  readonly copyImage: CopyImage;
  readonly allowPlainHttp: (hosts: ReadonlySet<string>) => void;
  close(): void;
}

/** The ports of a run on one repository. */
export async function compose(
  io: Io,
  options: GlobalOptions,
  notify: ReportProgress,
  { signal, forced, facts }: Stopping,
): Promise<Composition> {
  const { env, clock = machineClock } = io;
  const settings = await readGitSettings(options.directory, env);
  const remote = await chooseRemote(options, settings, env);
  const { url } = remote;
  notify({ level: 'progress', text: `waiting for ${placeOf(url)}` });
  const registries = composeRegistries(io, options, notify, signal);
  const workFolder = resolve(options.directory, env['TAGFLOW_CACHE_DIR'] ?? tmpdir());
  await makeFolder(workFolder);
  // Keys are copied below the folder for temporary files, wherever work goes on otherwise.
  const swept = sweepLeftovers(tmpdir(), Date.now());
  const { credentials, tried } = await gitAccess(remote, env, options.directory);
  const milliseconds = options.timeout * 1000;
  const ledger = await createGitLedger({
    url,
    workFolder,
    clock,
    random: Math.random,
    env,
    signal,
    forced,
    notify,
    allowPlainHttp: env['TAGFLOW_GIT_PLAIN_HTTP'] === '1',
    maxFiles: mostFiles(env['TAGFLOW_MAX_FILES']),
    timeouts: { silenceMs: milliseconds, pushSilenceMs: 2 * milliseconds, settleMs: milliseconds },
    ...(credentials ? { credentials } : { credentialSettings: settings.credentials, tried: triedFor(settings, tried) }),
  });
  const config = options.config === undefined ? undefined : await readConfigFile(options);
  const context: Context = {
    ledger: facts.watch(ledger),
    ...registries,
    forgeOf: async (kind) => {
      const { directory } = options;
      const parts = { clock, random: Math.random, signal, timeoutMs: milliseconds };
      return composeForge({ remote, env, directory, kind, ...parts });
    },
    clock,
    random: Math.random,
    notify,
    signal,
    who: whoRuns(env, settings),
    // GitLab sets it for pipelines that start inside a deploy freeze of the project.
    ...(env['CI_DEPLOY_FREEZE'] && { deployFreeze: env['CI_DEPLOY_FREEZE'] }),
    raceTimeout: RACE_TIMEOUT,
    signing: createSigning({
      env,
      signal,
      timeoutMs: milliseconds,
      directory: options.directory,
      key: env['TAGFLOW_SIGNING_KEY'],
      gitKey: settings.signingKey,
      sshProgram: settings.sshProgram,
      gpgProgram: settings.gpgProgram,
    }),
    ...(config && { config }),
  };
  return {
    context,
    async close() {
      registries.close();
      await Promise.all([ledger.close(), swept]);
    },
  };
}

/** TAGFLOW_MAX_FILES as a number; undefined without it. Throws `usage`. */
function mostFiles(text: string | undefined): number | undefined {
  if (!text) return undefined;
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text);
  throw new TagflowError('usage', {
    what: `TAGFLOW_MAX_FILES is ${JSON.stringify(text)}`,
    why: 'it is the number of files that are read of one commit: 250000 by default',
    fix: 'set it to a whole number, or unset it',
  });
}

/** Where credentials for Git were looked for, in words. */
function triedFor({ credentials, ignored }: GitSettings, tried: string | undefined): string | undefined {
  const helpers = credentials.length === 0 ? ['no credential helper is set in Git’s own configuration'] : [];
  const passedOver = ignored.filter((key) => key.startsWith('credential.'));
  const kept = passedOver.length === 0 ? [] : [`${passedOver.join(', ')} of this checkout starts no program`];
  return tried && [tried, ...helpers, ...kept].join('; ');
}

/** The registries of a run: adapters by what a repository is, each made on first use. */
export function composeRegistries(
  io: Io,
  options: GlobalOptions,
  notify: ReportProgress,
  signal: AbortSignal,
): Registries {
  const plainHttpHosts = new Set<string>();
  let waitingFor: string | undefined;
  const shared = { clock: io.clock ?? machineClock, random: Math.random, signal };
  const requestTimeoutMs = options.timeout * 1000;
  const plainHttpCredentials = new Set((io.env['TAGFLOW_PLAIN_HTTP_CREDENTIALS'] ?? '').toLowerCase().split(/\s+/));
  const trustedRealms = readTokenServers(io.env['TAGFLOW_TOKEN_SERVERS']);
  const ecr = lazily(() => createEcrRegistry({ ...shared, notify, env: io.env, requestTimeoutMs }));
  const google = lazily(() => {
    const others = ecr.get().credentialsOr(createCredentialSource({ env: io.env, signal }));
    return createGarAccess({ env: io.env, signal, timeoutMs: requestTimeoutMs, others });
  });
  const oci = lazily(() =>
    createOciRegistry({
      ...shared,
      notify,
      env: io.env,
      plainHttpHosts,
      plainHttpCredentials,
      trustedRealms,
      requestTimeoutMs,
      credentials: google.get(),
    }),
  );
  const gar = lazily(() =>
    createGarRegistry({ ...shared, env: io.env, requestTimeoutMs, access: google.get(), docker: oci.get() }),
  );
  const layout = lazily(() => createLayoutRegistry({ ...shared, baseDirectory: options.directory }));
  // Content is copied over the OCI protocol, which the clouds' registries speak as well; their own APIs serve what a promotion
  // needs.
  const contentOf = (repository: Repository): ContentStore => (repository.kind === 'layout' ? layout.get() : oci.get());
  return {
    registryOf(repository) {
      if (repository.kind === 'remote' && repository.host !== waitingFor) {
        waitingFor = repository.host;
        notify({ level: 'progress', text: `waiting for ${waitingFor}` });
      }
      if (isAt(parseEcrHost, repository)) return ecr.get();
      return isAt(parseGarHost, repository) ? gar.get() : contentOf(repository);
    },
    copyImage: createCopier({ contentOf, notify, signal, collect: createCollector() }),
    allowPlainHttp(hosts) {
      for (const host of hosts) plainHttpHosts.add(host);
    },
    close() {
      gar.made()?.close();
      oci.made()?.close();
      google.made()?.close();
      ecr.made()?.close();
    },
  };
}

/** The host of a remote, or its path: what a person waits for. Never its credentials. */
function placeOf(url: string): string {
  const parsed = URL.parse(url);
  if (parsed) return parsed.host || parsed.pathname;
  return /^(?:[^@/]*@)?([^:/]+):/.exec(url)?.[1] ?? url;
}

function isAt(parseHost: (host: string) => object | undefined, repository: Repository): boolean {
  return repository.kind === 'remote' && parseHost(repository.host) !== undefined;
}

function lazily<T>(make: () => T): { get(): T; made(): T | undefined } {
  let made: T | undefined;
  return { get: () => (made ??= make()), made: () => made };
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new TagflowError('storage-failed', {
      what: `the work folder ${folder} cannot be made`,
      why: cause instanceof Error ? cause.message : String(cause),
      fix: 'name a folder that can be written: TAGFLOW_CACHE_DIR',
      cause,
    });
  }
}

async function readConfigFile({ config = '', directory }: GlobalOptions): Promise<{ file: string; text: string }> {
  const text = await readOptionalFile(resolve(directory, config));
  if (text !== undefined) return { file: config, text };
  throw new TagflowError('config-missing', {
    what: `there is no file ${config}`,
    why: '--config names a configuration to try instead of the trunk’s',
    fix: 'correct the path, or leave --config out',
  });
}
