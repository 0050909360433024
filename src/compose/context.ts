// The ports of a run on one repository: the ledger, the registries, the forge and the signing key, from settings.
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { ConfigFile, Given, Who } from '../engine/context.ts';
import { sweepLeftovers } from '../http/leftovers.ts';
import { type GitLedgerOptions, createGitLedger } from '../ledger/git.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { createIndexedLedger } from '../ledger/past/indexed.ts';
import type { PastIndex } from '../ledger/past/past-index.ts';
import { TagflowError } from '../model/errors.ts';
import { LocalRenderer } from '../render/local.ts';
import { createSigning } from '../signing/keys.ts';
import { keepingSigning } from '../signing/kept.ts';
import { identityOf } from '../programs/find.ts';
import type { SigningOptions } from '../signing/keys.ts';
import { createVerifier } from '../verify/verifier.ts';
import type { Composition } from './composition.ts';
import { composeForge } from './forge.ts';
import type { ChosenRemote } from './git-access.ts';
import { type RegistrySettings, RegistrySource } from './registries.ts';
import { SourceRepositories } from './sources.ts';

/** What Git is reached with. */
type GitOptions = Pick<GitLedgerOptions, 'credentials' | 'credentialSettings' | 'tried' | 'allowPlainHttp'>;

/** Which key signs, and with which programs. */
type KeyOptions = Pick<SigningOptions, 'key' | 'gitKey' | 'sshProgram' | 'gpgProgram'>;

/** What the ports of a run are made from. */
export interface ContextSettings extends RegistrySettings {
  readonly remote: ChosenRemote;
  readonly git: GitOptions;
  readonly keys: KeyOptions;
  readonly who: Who;
  /** The folder in which temporary folders are made, absolute. */
  readonly workFolder: string;
  /** How long a promotion that loses races tries again, in milliseconds. */
  readonly raceTimeoutMs: number;
  /** Once it fires everything is broken off, a push in flight as well. */
  readonly forced?: AbortSignal | undefined;
  readonly config?: ConfigFile | undefined;
  /** What the CI system says of a deploy freeze. */
  readonly deployFreeze?: string | undefined;
  /** The stored index of the repository's past, and where it is kept. */
  readonly index?: PastIndex | undefined;
  /** Stands between the engine and the ledger, to watch what is pushed. */
  readonly watch?: ((ledger: Ledger) => Ledger) | undefined;
}

/** Makes the ports. Nothing is sent yet. Throws `usage` for a URL that is refused, and `storage-failed`. */
export async function createContext(settings: ContextSettings): Promise<Composition> {
  const { remote, env, directory, clock, signal, notify, timeoutMs } = settings;
  const { watch = (ledger: Ledger) => ledger } = settings;
  const registries = new RegistrySource(settings);
  await makeFolder(settings.workFolder);
  // Signing keys are copied below the folder for temporary files, even when TAGFLOW_CACHE_DIR names another folder for the rest.
  const swept = sweepLeftovers(tmpdir(), Date.now());
  const git = await createLedger(settings);
  const ledger = settings.index ? createIndexedLedger(git, settings.index) : git;
  const signing = createSigning({ env, signal, timeoutMs, directory, ...settings.keys });
  const parts = { remote, env, directory, clock, random: Math.random, signal, timeoutMs };
  const sources = new SourceRepositories({ ...parts, git: gitOptions(settings) });
  const context: Given = {
    ledger: watch(ledger),
    registriesFor: registries.registriesFor,
    outside: {
      forgeOf: async (kind) => composeForge({ ...parts, kind }),
      compareSource: async (url, ends, kind) => sources.compare(url, ends, kind),
      verifier: createVerifier({ env, signal, directory }),
      renderer: new LocalRenderer({ env, signal }),
    },
    settings: runSettings(settings),
    clock,
    random: Math.random,
    notify,
    signal,
    signing: settings.index
      ? keepingSigning(signing, settings.index, async () => identityOf('ssh-keygen', env))
      : signing,
    ...(settings.index && { keeper: settings.index }),
  };
  return {
    context,
    async close() {
      registries.close();
      await Promise.all([ledger.close(), swept]);
    },
  };
}

/** What the caller says of the run, as the engine takes it. */
function runSettings({ who, raceTimeoutMs, config, deployFreeze }: ContextSettings): Given['settings'] {
  return { who, raceTimeout: raceTimeoutMs, ...(config && { config }), ...(deployFreeze && { deployFreeze }) };
}

async function createLedger(settings: ContextSettings): Promise<Ledger> {
  const { remote, git, timeoutMs } = settings;
  return createGitLedger({
    ...gitOptions(settings),
    ...git,
    url: remote.url,
    timeouts: { silenceMs: timeoutMs, pushSilenceMs: 2 * timeoutMs, settleMs: timeoutMs },
  });
}

/** What Git is run with, whatever the remote. */
function gitOptions(settings: ContextSettings): Omit<GitLedgerOptions, 'url' | 'credentials'> {
  const { git, env, workFolder, clock, signal, forced, notify, timeoutMs } = settings;
  return {
    ...(git.credentialSettings && { credentialSettings: git.credentialSettings }),
    workFolder,
    clock,
    random: Math.random,
    env,
    signal,
    forced,
    notify,
    timeouts: { silenceMs: timeoutMs },
  };
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new TagflowError('storage-failed', {
      what: `cannot create the work folder ${folder}`,
      why: cause instanceof Error ? cause.message : String(cause),
      fix: 'set TAGFLOW_CACHE_DIR to a writable folder',
      cause,
    });
  }
}
