// The door of the library: every use case as a method, over ports that are made once.
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { judgeProposals } from '../engine/audit/proposals.ts';
import { type Audit, type CheckRequest, check } from '../engine/audit/check.ts';
import { type ExportedEvidence, exportEvidence } from '../engine/audit/evidence.ts';
import { type LineMetrics, type MetricsRequest, metrics } from '../engine/audit/metrics.ts';
import { type ReportRequest, type RepositoryReport, readReport } from '../engine/audit/report.ts';
import type { ConfigFile, Given, Who } from '../engine/context.ts';
import { type Difference, diff } from '../engine/diff.ts';
import type { Diagnosis } from '../engine/doctor/diagnosis.ts';
import { doctor } from '../engine/doctor/doctor.ts';
import { type Approved, approve, unapprove } from '../engine/journal/approvals.ts';
import { overrideGate } from '../engine/journal/overrides.ts';
import { type HoldRequest, hold, lift } from '../engine/journal/holds.ts';
import { listJournal } from '../engine/journal/list.ts';
import { type LockRequest, lock, unlock } from '../engine/journal/locks.ts';
import { type HistoryFilter, type ShowAt, history, show } from '../engine/read/history.ts';
import type { Release } from '../engine/read/past.ts';
import { type Span, where } from '../engine/read/where.ts';
import type { EnvironmentProblem } from '../engine/read/problem.ts';
import { readSnapshot } from '../engine/read/snapshot.ts';
import type { Written } from '../engine/release/append-entry.ts';
import { type Applied, apply } from '../engine/release/apply.ts';
import type { RunOptions } from '../engine/release/execute.ts';
import type { Outcome, Refused, Several } from '../engine/release/outcome.ts';
import { type SeveralRequest, promoteSeveral } from '../engine/release/promote-several.ts';
import { rollback } from '../engine/release/rollback.ts';
import { promoteWhenGatesPass } from '../engine/release/wait-for-gates.ts';
import { type Retagged, retag } from '../engine/retag.ts';
import { type EnvironmentStatus, liveStatus, status } from '../engine/status.ts';
import { type ImageVersions, resolveNewest, versions } from '../engine/read/versions.ts';
import { type Verified, type VerifyOptions, verify } from '../engine/verification/verify.ts';
import { type LiveRelease, type WaitLiveOptions, waitUntilLive } from '../engine/verification/wait-live.ts';
import type { Clock, ProcessEnv, ReportProgress } from '../model/effects.ts';
import type { JournalEntry } from '../model/journal.ts';
import { WAIT_LIVE_MS } from '../model/live.ts';
import type { Plan, PromoteRequest, RollbackRequest } from '../model/plan.ts';
import { machineClock } from './clock.ts';
import type { Composition } from './composition.ts';
import { createContext } from './context.ts';
import { gitAccess } from './git-access.ts';
import { readMachine } from './machine.ts';
import { type OpenRegistries, type RegistrySettings, createRegistries } from './registries.ts';

/** How long one request may take unless the caller says otherwise, in milliseconds. */
const TIMEOUT_MS = 60_000;

/** How long a promotion that loses races tries again unless the caller says otherwise, in milliseconds. */
const RACE_TIMEOUT_MS = 300_000;

/** Releases that `history` lists, and entries that `journal` lists, unless the caller says otherwise. */
const LISTED = 20;

/** What registries are reached with. */
export interface RegistryOptions {
  /**
   * Process variables: everything by which credentials, proxies and certificate authorities are found. Usually `process.env`.
   * docs/reference/environment-variables.md lists them.
   */
  readonly env: ProcessEnv;
  /** Relative paths of OCI layouts and keys are below this folder; the working directory by default. */
  readonly directory?: string | undefined;
  /** Once it fires nothing new is started; what is being written is finished. */
  readonly signal?: AbortSignal | undefined;
  /** Is called with what a person may want to see while a method runs. */
  readonly onProgress?: ReportProgress | undefined;
  /** How long one request may take, in milliseconds; 60,000 by default. */
  readonly timeoutMs?: number | undefined;
  /** Registries (`host[:port]`) that get credentials over plain HTTP. */
  readonly plainHttpCredentials?: readonly string[] | undefined;
  /** Further token servers that may be given a registry's credentials, by registry (`host[:port]`). */
  readonly tokenServers?: Readonly<Record<string, readonly string[]>> | undefined;
  /** The time; the machine's by default. */
  readonly clock?: Clock | undefined;
}

/** What tagflow works on, and as whom. `env` must contain the `PATH` on which `git` is found. */
export interface TagflowOptions extends RegistryOptions {
  /** The Git remote that holds the environments: a URL, or the absolute path of a bare repository. */
  readonly repo: string;
  /** Who releases, as records and commits will say. */
  readonly who: Who;
  /** User name and token for the Git remote. Without them: `TAGFLOW_GIT_TOKEN`, or the token of the CI job. */
  readonly gitCredentials?: { readonly username: string; readonly password: string } | undefined;
  /** Allows `http://` for the Git remote beyond loopback. */
  readonly gitPlainHttp?: boolean | undefined;
  /** The folder in which temporary folders are made; the system's by default. */
  readonly workFolder?: string | undefined;
  /** The file of the private key that signs releases, where the configuration asks for signatures. */
  readonly signingKey?: string | undefined;
  /** A configuration to try instead of the trunk's; records say so. */
  readonly config?: ConfigFile | undefined;
  /** How long a promotion that loses races tries again, in milliseconds; 300,000 by default. */
  readonly raceTimeoutMs?: number | undefined;
}

/** How to promote. */
export interface PromoteOptions
  extends Omit<PromoteRequest, 'kind' | 'environment' | 'versions'>, Omit<RunOptions, 'plan'> {
  /** Versions by image name; `*` stands for every image, `newest` for the newest published version. */
  readonly versions?: Readonly<Record<string, string>>;
  /** How long to wait for gates that need time or an approval, in milliseconds; 0 by default. */
  readonly waitForGatesMs?: number;
}

/** How to roll back. */
export interface RollbackOptions extends Omit<RollbackRequest, 'kind' | 'environment'>, Omit<RunOptions, 'plan'> {}

/** What `history` found. `problems` names environments that cannot be read; the others are listed anyway. */
export interface HistoryResult {
  readonly releases: readonly Release[];
  readonly problems: readonly EnvironmentProblem[];
}

/** What `where` found. `problems` names environments that cannot be read. */
export interface WhereResult {
  readonly spans: readonly Span[];
  readonly problems: readonly EnvironmentProblem[];
}

/** What `metrics` found. `problems` names environments that cannot be read. */
export interface MetricsResult {
  readonly metrics: readonly LineMetrics[];
  readonly problems: readonly EnvironmentProblem[];
}

/**
 * tagflow on one repository. Methods may overlap. Each throws a `TagflowError` for an expected failure; a refusal by a gate is
 * an outcome. Call `close` at the end.
 */
export class Tagflow {
  readonly #context: Given;
  readonly #composition: Composition;
  readonly #env: ProcessEnv;

  /** Use `createTagflow`. */
  constructor(composition: Composition, env: ProcessEnv) {
    this.#composition = composition;
    this.#context = composition.context;
    this.#env = env;
  }

  /** Puts a release on an environment: what its upstream has now, or the versions that are named. */
  async promote(environment: string, options: PromoteOptions = {}): Promise<Outcome> {
    const { versions: asked = {}, waitForGatesMs = 0, dryRun, confirm, ...rest } = options;
    const resolved = await resolveNewest(this.#context, asked);
    const request: PromoteRequest = { ...rest, kind: 'promote', environment, versions: resolved };
    return promoteWhenGatesPass(this.#context, request, runOptions({ dryRun, confirm }), waitForGatesMs);
  }

  /** Promotes several applications of an environment in one commit. */
  async promoteSeveral(
    request: SeveralRequest,
    options: { readonly dryRun?: boolean } = {},
  ): Promise<Several | Refused> {
    return promoteSeveral(this.#context, request, options);
  }

  /** Restores the previous release of an environment, or the release that `to` names: images and configuration. */
  async rollback(environment: string, options: RollbackOptions = {}): Promise<Outcome> {
    const { dryRun, confirm, ...rest } = options;
    const request: RollbackRequest = { ...rest, kind: 'rollback', environment };
    return rollback(this.#context, request, runOptions({ dryRun, confirm }));
  }

  /** Does exactly a plan that a `dryRun` made. Throws `plan-stale` when the branches moved since. */
  async execute(plan: Plan): Promise<Outcome> {
    const { request } = plan;
    return request.kind === 'rollback'
      ? rollback(this.#context, request, { plan })
      : promoteWhenGatesPass(this.#context, request, { plan }, 0);
  }

  /** Makes the registry's tags equal to what the branches say; every environment when none is named. Idempotent. */
  async apply(...environments: readonly string[]): Promise<readonly Applied[]> {
    return apply(this.#context, environments);
  }

  /**
   * Asks whether the release of an environment runs as it should, and does what follows on a failure. Programs, kubectl and hosts
   * beyond this machine are asked where `env` has `TAGFLOW_RUN=1`. A verification that did not pass is a value.
   */
  async verify(environment: string, options: VerifyOptions = { wait: true }): Promise<Verified> {
    return verify(this.#context, environment, options);
  }

  /** Compares branches and registry, side by side, and says what waits for promotion. */
  async status(...environments: readonly string[]): Promise<readonly EnvironmentStatus[]> {
    return status(this.#context, ...environments);
  }

  /** Compares branches, registry and what runs. Live sources are asked under the rules of `verify`. */
  async liveStatus(...environments: readonly string[]): Promise<readonly EnvironmentStatus[]> {
    return liveStatus(this.#context, ...environments);
  }

  /** Waits until the release of an environment is live, or the time is over: then `isLive` is false. Changes nothing. */
  async waitUntilLive(
    environment: string,
    options: WaitLiveOptions = { timeoutMs: WAIT_LIVE_MS },
  ): Promise<LiveRelease> {
    return waitUntilLive(this.#context, environment, options);
  }

  /** Lists releases, newest first; 20 unless `limit` says otherwise. */
  async history(filter: Partial<HistoryFilter> = {}): Promise<HistoryResult> {
    const problems: EnvironmentProblem[] = [];
    const { releases } = await history(this.#context, { limit: LISTED, ...filter }, problems);
    return { releases, problems };
  }

  /** Measures delivery by the releases of a span of time: the five metrics of DORA, for each environment and application. */
  async metrics(request: MetricsRequest): Promise<MetricsResult> {
    const problems: EnvironmentProblem[] = [];
    return { metrics: await metrics(this.#context, request, problems), problems };
  }

  /** Returns one release of an environment: what it runs now, ran at a moment, or ran as release N. */
  async show(environment: string, when: ShowAt = { now: true }): Promise<Release> {
    return show(this.#context, environment, when);
  }

  /** Finds which environments have or had a digest or `IMAGE@VERSION`, and from when to when. */
  async where(image: string): Promise<WhereResult> {
    const problems: EnvironmentProblem[] = [];
    return { spans: await where(this.#context, image, problems), problems };
  }

  /** Compares two environments: versions, commits and configuration. */
  async diff(from: string, to: string): Promise<Difference> {
    return diff(this.#context, from, to);
  }

  /** Proves that the flow rules and the audit trail hold. Every environment when none is named. */
  async check(request: Partial<CheckRequest> = {}): Promise<Audit> {
    return check(this.#context, { environments: [], registry: false, ...request });
  }

  /**
   * Reads everything that the page shows: each line with its state and its whole past, metrics, the journal, findings. What cannot be
   * read is named in it. `audit: false` leaves out the findings, for which every commit of every branch is looked at. `live: true`
   * asks the sources under `live` what runs.
   */
  async report(request: Pick<ReportRequest, 'since'> & Partial<ReportRequest>): Promise<RepositoryReport> {
    return readReport(this.#context, { audit: true, live: false, ...request });
  }

  /** Gathers what somebody needs who checks releases without tagflow: the bytes of records and signatures, and findings. */
  async exportEvidence(): Promise<ExportedEvidence> {
    return exportEvidence(this.#context);
  }

  /** Examines credentials, permissions, branches, tags and clean-up policies. Changes nothing. */
  async doctor(environment?: string): Promise<readonly Diagnosis[]> {
    return doctor(this.#context, await readMachine(this.#env), environment);
  }

  /** Lists the published versions of an image, and which environments run them. */
  async versions(image: string): Promise<ImageVersions> {
    return versions(this.#context, image);
  }

  /** Puts tags on an image in any registry; the digest stays. A target is a tag, or a whole reference elsewhere. */
  async retag(source: string, targets: readonly string[]): Promise<Retagged> {
    const ports = { ...this.#context, registries: this.#context.registriesFor(new Set()) };
    return retag(ports, source, targets, async () => {
      const { pipeline } = await readSnapshot(this.#context);
      return new Set([...pipeline.lines.values()].map(({ releaseTag }) => releaseTag));
    });
  }

  /** Stops releases to environments until `unlock`. */
  async lock(request: LockRequest): Promise<readonly JournalEntry[]> {
    return this.#judged(await lock(this.#context, request));
  }

  /** Lets releases to environments pass again. */
  async unlock(environments: readonly string[], reason?: string): Promise<readonly JournalEntry[]> {
    return unlock(this.#context, environments, reason);
  }

  /** Keeps an image from environments until `lift`. */
  async hold(request: HoldRequest): Promise<readonly JournalEntry[]> {
    return this.#judged(await hold(this.#context, request));
  }

  /** Ends a hold: of an image, or of a hold's id. Every environment when none is named. */
  async lift(image: string, environments: readonly string[] = [], reason?: string): Promise<readonly JournalEntry[]> {
    return lift(this.#context, image, environments, reason);
  }

  /** Approves the release that a promotion would make now. It counts for that release alone. */
  async approve(
    environment: string,
    options: Omit<PromoteOptions, 'waitForGatesMs' | 'dryRun'> = {},
  ): Promise<Approved> {
    const { versions: asked = {}, confirm: _, ...rest } = options;
    const resolved = await resolveNewest(this.#context, asked);
    return approve(
      this.#context,
      { ...rest, kind: 'promote', environment, versions: resolved },
      { reason: rest.reason },
    );
  }

  /** Lets the release that a promotion would make now through one gate. Nothing is written, and undefined returned, where it passes. */
  async overrideGate(
    environment: string,
    gate: string,
    options: Omit<PromoteOptions, 'waitForGatesMs' | 'dryRun' | 'reason'> & { readonly reason: string },
  ): Promise<JournalEntry | undefined> {
    const { versions: asked = {}, confirm: _, reason, ...rest } = options;
    const versions = await resolveNewest(this.#context, asked);
    const request = { ...rest, kind: 'promote', environment, versions } as const;
    return overrideGate(this.#context, { request, gate, reason });
  }

  /** Takes an approval back, by its id. */
  async unapprove(id: string, reason?: string): Promise<JournalEntry> {
    const [entry] = await this.#judged(await unapprove(this.#context, id, reason));
    return entry;
  }

  /** Entries that can stop releases that wait in pull requests: their status on the forge is updated. */
  async #judged<Entries extends readonly JournalEntry[]>(written: Written<Entries>): Promise<Entries> {
    await judgeProposals(this.#context, written);
    return written.entries;
  }

  /** Lists locks, holds and approvals, newest first: all, or those about `ENV` or `ENV/APP`. */
  async journal(environment?: string, limit = LISTED): Promise<readonly JournalEntry[]> {
    return listJournal(this.#context, environment, limit);
  }

  /** Closes connections and removes temporary folders. */
  async close(): Promise<void> {
    await this.#composition.close();
  }
}

/**
 * Opens tagflow on a repository. Nothing is sent yet, and nothing is printed. Throws `usage` for a URL that is refused,
 * `credentials-invalid`, `storage-failed`.
 */
export async function createTagflow(options: TagflowOptions): Promise<Tagflow> {
  const { repo, env, who, config, gitPlainHttp: allowPlainHttp } = options;
  const registries = registrySettings(options);
  const remote = { url: repo, namedByCaller: true };
  const { credentials, tried } = options.gitCredentials
    ? { credentials: options.gitCredentials, tried: undefined }
    : await gitAccess(remote, env, registries.directory);
  const composition = await createContext({
    ...registries,
    remote,
    git: { credentials, tried, allowPlainHttp },
    keys: { key: options.signingKey, gitKey: undefined, sshProgram: undefined, gpgProgram: undefined },
    who,
    config,
    workFolder: resolve(options.workFolder ?? tmpdir()),
    raceTimeoutMs: options.raceTimeoutMs ?? RACE_TIMEOUT_MS,
  });
  return new Tagflow(composition, env);
}

/**
 * Opens the registries alone: no Git remote is needed. `plainHttpHosts` (`host[:port]`) are reached over plain HTTP. No request is
 * sent yet.
 */
export function openRegistries(
  options: RegistryOptions & { readonly plainHttpHosts?: readonly string[] },
): OpenRegistries {
  return createRegistries({ ...registrySettings(options), plainHttpHosts: new Set(options.plainHttpHosts) });
}

function registrySettings(options: RegistryOptions): RegistrySettings {
  const { env, directory = '.', clock = machineClock, timeoutMs = TIMEOUT_MS, tokenServers = {} } = options;
  return {
    env,
    directory: resolve(directory),
    clock,
    notify: options.onProgress ?? (() => undefined),
    signal: options.signal ?? new AbortController().signal,
    timeoutMs,
    plainHttpCredentials: new Set(options.plainHttpCredentials),
    tokenServers: new Map(Object.entries(tokenServers).map(([registry, servers]) => [registry, new Set(servers)])),
  };
}

/** Run options without those that are not given. */
function runOptions({ dryRun, confirm }: { dryRun: boolean | undefined; confirm: RunOptions['confirm'] }): RunOptions {
  return { ...(dryRun !== undefined && { dryRun }), ...(confirm && { confirm }) };
}
