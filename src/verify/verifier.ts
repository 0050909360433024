// The verifier of real life: HTTP, programs, kubectl, Prometheus, and the forge through what the engine hands in.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isLoopback } from '../http/addresses.ts';
import { createAgents } from '../http/agents.ts';
import { folderPrefix } from '../http/leftovers.ts';
import { createRedactor } from '../http/redact.ts';
import { releaseSecret } from '../http/secrets.ts';
import type { ProcessEnv } from '../model/effects.ts';
import type { LiveSource } from '../model/live.ts';
import { type VerifyStep, fillTemplate } from '../model/verification.ts';
import type { Asking } from './ask.ts';
import { askCommand, writeTree } from './command.ts';
import { askHttp } from './http.ts';
import { KubectlFailure, askKubernetes } from './kubernetes.ts';
import { lookAtHttp, lookAtKubernetes } from './live.ts';
import { askPrometheus } from './prometheus.ts';
import type { Answer, Probe, ReportedStatus, Sighting, Verifier, VerifyTarget } from './verify.ts';

/** What probes are made with. */
export interface ProbeOptions {
  readonly env: ProcessEnv;
  readonly signal: AbortSignal;
  /** The folder that relative paths of the caller are in. */
  readonly directory: string;
}

/** Without the caller's permission tagflow starts nothing, and asks nothing beyond this machine. */
const UNSAID = 'the caller has not allowed it: set TAGFLOW_RUN=1';

/** Makes probes that ask for real. */
export function createVerifier(options: ProbeOptions): Verifier {
  return { open: (target) => new RealProbe(options, target) };
}

class RealProbe implements Probe {
  readonly #options: ProbeOptions;
  readonly #target: VerifyTarget;
  readonly #asking: Asking;
  readonly #close: () => void;
  /** Results are for everybody to read: what a server or a program echoes of its secrets is taken out. */
  readonly #redactor = createRedactor();
  #folder: Promise<string> | undefined;
  #made: string | undefined;

  constructor(options: ProbeOptions, target: VerifyTarget) {
    const { env, signal, directory } = options;
    const agents = createAgents({ env });
    const redactor = this.#redactor;
    this.#options = options;
    this.#target = target;
    this.#close = () => agents.close();
    this.#asking = {
      agents,
      signal,
      mayAsk: (url) => (isLoopback(url.hostname) && !target.distrust ? undefined : this.#mayStart()),
      async authorization(wanted, url) {
        if (!wanted) return {};
        const to = { purpose: 'verify', url, host: url.host, namedByCaller: false } as const;
        const { secret } = await releaseSecret(to, env, directory);
        if (secret) redactor.add(secret.value);
        return secret ? { authorization: `Bearer ${secret.value}` } : {};
      },
    };
  }

  async look(source: LiveSource, limitMs: number): Promise<readonly Sighting[]> {
    this.#options.signal.throwIfAborted();
    const found = await this.#looked(source, limitMs);
    return found.map((one) => ('seen' in one ? { ...one, seen: this.#redactor.redact(one.seen) } : one));
  }

  async #looked(source: LiveSource, limitMs: number): Promise<readonly Sighting[]> {
    if (source.kind === 'http') return lookAtHttp(source, this.#target, this.#asking, limitMs);
    if (source.kind === 'status') return [statusSighting(source.status, this.#target, await this.#target.statuses())];
    const refusal = this.#mayStart();
    if (refusal !== undefined) return [{ said: 'nothing', image: undefined, seen: refusal }];
    try {
      const { env, signal } = this.#options;
      return await lookAtKubernetes(source, this.#target, { env, signal }, limitMs);
    } catch (error) {
      if (error instanceof KubectlFailure)
        return [{ said: 'nothing', image: undefined, seen: `kubectl: ${error.message}` }];
      throw error;
    }
  }

  async ask(step: VerifyStep, limitMs: number): Promise<Answer> {
    this.#options.signal.throwIfAborted();
    const answer = await this.#asked(step, limitMs);
    return { ...answer, seen: this.#redactor.redact(answer.seen) };
  }

  async #asked(step: VerifyStep, limitMs: number): Promise<Answer> {
    switch (step.kind) {
      case 'http':
        return askHttp(step, this.#target, this.#asking, limitMs);
      case 'prometheus':
        return askPrometheus(step, this.#target, this.#asking, limitMs);
      case 'status':
        return judgeStatus(step.status, this.#target, await this.#target.statuses());
      case 'command':
      case 'kubernetes':
        return this.#start(step, limitMs);
    }
  }

  async close(): Promise<void> {
    this.#close();
    if (this.#made !== undefined) await rm(this.#made, { recursive: true, force: true, maxRetries: 3 });
  }

  async #start(
    step: Extract<VerifyStep, { readonly kind: 'command' | 'kubernetes' }>,
    limitMs: number,
  ): Promise<Answer> {
    const refusal = this.#mayStart();
    if (refusal !== undefined) return { said: 'nothing', seen: refusal };
    const { env, signal } = this.#options;
    try {
      if (step.kind === 'kubernetes') return await askKubernetes(step, this.#target, { env, signal }, limitMs);
      for (const name of step.env) this.#redactor.add(env[name] ?? '');
      this.#folder ??= this.#writeOut();
      return await askCommand(step, this.#target, { folder: await this.#folder, env, signal }, limitMs);
    } catch (error) {
      if (error instanceof KubectlFailure) return { said: 'nothing', seen: `kubectl: ${error.message}` };
      throw error;
    }
  }

  #mayStart(): string | undefined {
    return this.#target.distrust ?? (this.#options.env['TAGFLOW_RUN'] === '1' ? undefined : UNSAID);
  }

  async #writeOut(): Promise<string> {
    this.#made = await mkdtemp(join(tmpdir(), folderPrefix('run')));
    await writeTree(this.#made, this.#target.files());
    return this.#made;
  }
}

/** What the forge's statuses mean for a step. */
function judgeStatus(status: string, target: VerifyTarget, statuses: readonly ReportedStatus[]): Answer {
  const found = worstStatus(status, target, statuses);
  if (typeof found === 'string') return { said: 'nothing', seen: found };
  return { said: found.state === 'success' ? 'yes' : found.state === 'failure' ? 'no' : 'nothing', seen: told(found) };
}

/** What the forge's statuses say of where a release is. */
function statusSighting(status: string, target: VerifyTarget, statuses: readonly ReportedStatus[]): Sighting {
  const found = worstStatus(status, target, statuses);
  if (typeof found === 'string') return { said: 'nothing', image: undefined, seen: found };
  return { said: found.state === 'success' ? 'deployed' : 'undeployed', seen: told(found) };
}

/** The worst of the statuses of a name, or of names that begin with it and a slash; in words that there is none. */
function worstStatus(
  status: string,
  target: VerifyTarget,
  statuses: readonly ReportedStatus[],
): ReportedStatus | string {
  const wanted = fillTemplate(status, target) ?? status;
  const found = statuses.filter(({ name }) => name === wanted || name.startsWith(`${wanted}/`));
  const bad = found.find(({ state }) => state === 'failure') ?? found.find(({ state }) => state === 'pending');
  return bad ?? found[0] ?? `the forge has no status ${wanted} yet`;
}

function told({ name, state, description }: ReportedStatus): string {
  return `${name}: ${state}${description && `: ${description}`}`;
}
