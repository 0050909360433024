// The one place that reads the process variables: from options and variables to the settings of a run.
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { machineClock } from '../../compose/clock.ts';
import type { Composition } from '../../compose/composition.ts';
import { createContext } from '../../compose/context.ts';
import { gitAccess } from '../../compose/git-access.ts';
import { type OpenRegistries, type RegistrySettings, createRegistries } from '../../compose/registries.ts';
import type { ReportProgress } from '../../model/effects.ts';
import { TagflowError } from '../../model/errors.ts';
import { readOptionalFile } from '../process/files.ts';
import type { GlobalOptions } from '../arguments/globals.ts';
import { type GitSettings, readGitSettings } from '../settings/git-settings.ts';
import type { Io } from '../process/io.ts';
import { openPastIndex } from '../settings/past-index.ts';
import { chooseRemote } from '../settings/remote.ts';
import type { Stopping } from './session.ts';
import { readTokenServers } from '../settings/token-servers.ts';
import { whoRuns } from '../settings/who.ts';
import { namedPath } from '../process/checkout-files.ts';

/** How long a promotion that loses races tries again, in milliseconds. */
const RACE_TIMEOUT = 300_000;

/** The ports of a run on one repository. */
export async function compose(
  io: Io,
  options: GlobalOptions,
  notify: ReportProgress,
  { signal, forced, facts }: Stopping,
): Promise<Composition> {
  const { env } = io;
  const { directory } = options;
  const settings = await readGitSettings(directory, env);
  const remote = await chooseRemote(options, settings, env);
  notify({ level: 'progress', text: `waiting for ${placeOf(remote.url)}` });
  const { credentials, tried } = await gitAccess(remote, env, directory);
  const { signingKey: gitKey, sshProgram, gpgProgram } = settings;
  return createContext({
    ...registrySettings(io, options, notify, signal),
    remote,
    git: {
      allowPlainHttp: env['TAGFLOW_GIT_PLAIN_HTTP'] === '1',
      ...(credentials
        ? { credentials }
        : { credentialSettings: settings.credentials, tried: triedFor(settings, tried) }),
    },
    keys: { key: env['TAGFLOW_SIGNING_KEY'], gitKey, sshProgram, gpgProgram },
    who: whoRuns(env, settings),
    workFolder: resolve(directory, env['TAGFLOW_CACHE_DIR'] ?? tmpdir()),
    raceTimeoutMs: RACE_TIMEOUT,
    forced,
    index: openPastIndex({ env, uid: process.getuid?.() }, remote.url),
    watch: (ledger) => facts.watch(ledger),
    // GitLab sets it for pipelines that start inside a deploy freeze of the project.
    deployFreeze: env['CI_DEPLOY_FREEZE'],
    config: options.config === undefined ? undefined : await readConfigFile(options),
  });
}

/** The registries of a run: adapters by what a repository is, each made on first use. */
export function composeRegistries(
  io: Io,
  options: GlobalOptions,
  notify: ReportProgress,
  signal: AbortSignal,
): OpenRegistries {
  return createRegistries({ ...registrySettings(io, options, notify, signal), plainHttpHosts: new Set() });
}

function registrySettings(
  { env, clock = machineClock }: Io,
  { directory, timeout }: GlobalOptions,
  notify: ReportProgress,
  signal: AbortSignal,
): RegistrySettings {
  return {
    env,
    directory,
    clock,
    notify,
    signal,
    timeoutMs: timeout * 1000,
    plainHttpCredentials: new Set((env['TAGFLOW_PLAIN_HTTP_CREDENTIALS'] ?? '').toLowerCase().split(/\s+/)),
    tokenServers: readTokenServers(env['TAGFLOW_TOKEN_SERVERS']),
  };
}

/** Where credentials for Git were looked for, in words. */
function triedFor({ credentials, ignored }: GitSettings, tried: string | undefined): string | undefined {
  const helpers = credentials.length === 0 ? ['no credential helper is set in Git’s own configuration'] : [];
  const passedOver = ignored.filter((key) => key.startsWith('credential.'));
  const kept = passedOver.length === 0 ? [] : [`${passedOver.join(', ')} of this checkout starts no program`];
  return tried && [tried, ...helpers, ...kept].join('; ');
}

/** The host of a remote, or its path: what a person waits for. Never its credentials. */
function placeOf(url: string): string {
  const parsed = URL.parse(url);
  if (parsed) return parsed.host || parsed.pathname;
  return /^(?:[^@/]*@)?([^:/]+):/.exec(url)?.[1] ?? url;
}

async function readConfigFile({ config = '', directory }: GlobalOptions): Promise<{ file: string; text: string }> {
  const text = await readOptionalFile(await namedPath(directory, config));
  if (text !== undefined) return { file: config, text };
  throw new TagflowError('config-missing', {
    what: `there is no file ${config}`,
    why: '--config names a configuration to try instead of the trunk’s',
    fix: 'correct the path, or leave --config out',
  });
}
