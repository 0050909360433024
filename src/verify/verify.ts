// The door of verify/: whether a release runs as it should, asked step by step after the deploy. A probe asks one step once; the
// loop asks again until the answer is yes or the time is over. No answer is neither a pass nor a failed release.
import type { Clock } from '../model/effects.ts';
import { attempt } from '../model/attempt.ts';
import { sentenceOf } from '../model/errors.ts';
import type { StepResult } from '../model/journal.ts';
import type { LiveSource } from '../model/live.ts';
import type { ObjectId } from '../model/object-id.ts';
import { plain } from '../model/text.ts';
import type { VerifyPolicy, VerifyStep, VerifySubject } from '../model/verification.ts';

/** What a step said, asked once. `nothing`: what was asked did not answer, or must not be asked from here. */
export interface Answer {
  readonly said: 'yes' | 'no' | 'nothing';
  /** What was seen, for people. Text of others is escaped where it is shown. */
  readonly seen: string;
  /** Of a program that ended. */
  readonly exitCode?: number;
}

/** A file of the commit that programs come from. */
export interface ProgramFile {
  readonly path: string;
  readonly isExecutable: boolean;
  readonly content: Uint8Array;
}

/** What is said of a commit on the forge. */
export interface ReportedStatus {
  readonly name: string;
  readonly state: 'success' | 'failure' | 'pending';
  readonly description: string;
}

/** The release that is looked at, and what steps may ask of the repository. */
export interface VerifyTarget extends VerifySubject {
  readonly release: { readonly sequence: number; readonly commit: ObjectId };
  /** Why no program runs and nothing beyond this machine is asked; undefined if the caller's permission decides. */
  readonly distrust?: string | undefined;
  /** The regular files of the trunk's commit, read as they are taken. */
  files(): AsyncIterable<ProgramFile>;
  /** Statuses of the release's commit, and of later ones that leave the release as it is; the newest of each name. */
  statuses(): Promise<readonly ReportedStatus[]>;
}

/** What a source of `live` says runs; without an image it is about the release as a whole, or about the only image. */
export type Sighting =
  /** `what`: versions or digests, several while a rollout is under way; empty: nothing runs. */
  | { readonly said: 'runs'; readonly image: string | undefined; readonly what: readonly string[] }
  /** Of the release's commit: what deploys it says that it is there, or that it is not. */
  | { readonly said: 'deployed' | 'undeployed'; readonly seen: string }
  /** There is no answer: in words, why. */
  | { readonly said: 'nothing'; readonly image: string | undefined; readonly seen: string };

/** Asks steps about one release. */
export interface Probe {
  /** Asks once, for at most `limitMs`. Throws `interrupted`, and what the repository's ports throw. */
  ask(step: VerifyStep, limitMs: number): Promise<Answer>;
  /** Asks a source of `live` what runs, for at most `limitMs`. Throws as `ask` does. */
  look(source: LiveSource, limitMs: number): Promise<readonly Sighting[]>;
  /** Ends what runs and removes what was written. */
  close(): Promise<void>;
}

/** Makes probes. */
export interface Verifier {
  open(target: VerifyTarget): Probe;
}

/** What a verification found. */
export interface Verification {
  readonly result: StepResult['result'];
  readonly steps: readonly StepResult[];
}

/** How steps are asked. */
export interface VerifyRun {
  readonly probe: Probe;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** False: each step is asked once, and only a yes is an answer. */
  readonly wait: boolean;
  /** Hears of each answer that differs from the one before. */
  readonly report: (step: VerifyStep, answer: Answer) => void;
}

/** Between two tries of a step, in milliseconds. */
const PAUSE_MS = 1000;
/** For one try of a step that is not a program, in milliseconds. */
const TRY_MS = 10_000;
/** Longest text of a result, in characters. */
const SEEN = 500;

/** Asks the steps of a policy, one after the other, until one does not pass. */
export async function runSteps(policy: VerifyPolicy, run: VerifyRun): Promise<Verification> {
  const deadline = run.clock.elapsed() + policy.timeoutMs;
  const steps: StepResult[] = [];
  for (const step of policy.steps) {
    const stopped = steps.find(({ result }) => result !== 'passed');
    const found: StepResult = stopped
      ? { name: step.name, result: 'inconclusive', seen: `not asked, as ${stopped.name} did not pass` }
      : await settleStep(step, run, deadline);
    steps.push({ ...found, seen: plain(found.seen, SEEN) || '(nothing)' });
  }
  const stopped = steps.find(({ result }) => result !== 'passed');
  return { result: stopped?.result ?? 'passed', steps };
}

async function settleStep(step: VerifyStep, run: VerifyRun, deadline: number): Promise<StepResult> {
  const { clock, signal, wait, report } = run;
  const { name } = step;
  const during = step.kind === 'prometheus' ? step.duringMs : 0;
  let last: Answer | undefined;
  let since: number | undefined;
  let refused = false;
  for (;;) {
    const started = clock.elapsed();
    const left = deadline - started;
    const limit = step.kind === 'command' ? left : Math.min(left, TRY_MS);
    const answer = await ask(step, run, Math.max(limit, 1));
    // A try that this run's own deadline cut off takes nothing back of what was answered before.
    const wasCut = clock.elapsed() - started >= left;
    const isCut = answer.said === 'nothing' && wasCut && last !== undefined && wait;
    if (!isCut) {
      if (answer.said !== last?.said || answer.seen !== last.seen)
        report(step, { ...answer, seen: plain(answer.seen, 200) });
      last = answer;
      refused ||= answer.said === 'no';
    }
    since = last?.said === 'yes' ? (since ?? started) : undefined;
    const now = clock.elapsed();
    if (since !== undefined && now - since >= during) return { name, result: 'passed', seen: last?.seen ?? '' };
    const pause = Math.max(0, PAUSE_MS - (now - started));
    if (!wait || now + pause >= deadline) return unsettled(name, last, wait && refused, during);
    await clock.sleep(pause, signal);
  }
}

/** The result of a step that did not pass in time. `refused`: it was answered with no. */
function unsettled(name: string, last: Answer | undefined, refused: boolean, during: number): StepResult {
  const { said, seen } = last ?? { said: 'nothing', seen: 'no time was left' };
  if (said === 'yes') {
    const result = refused ? 'failed' : 'inconclusive';
    return { name, result, seen: `not for ${during / 1000} s without a break: ${seen}` };
  }
  return { name, result: said === 'no' && refused ? 'failed' : 'inconclusive', seen };
}

async function ask(step: VerifyStep, { probe, signal }: VerifyRun, limit: number): Promise<Answer> {
  signal.throwIfAborted();
  const { value, problem } = await attempt(probe.ask(step, limit));
  return problem ? { said: 'nothing', seen: sentenceOf(problem) } : value;
}
