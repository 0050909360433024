// Steps, notices and failures as lines of JSON, for logs that machines read: docs/reference/log.md.
import type { Instant, Progress } from '../model/effects.ts';
import { toJsonLine } from './data.ts';
import { type Failure, failureShape } from './failure.ts';
import { time } from './shapes.ts';

/** A notice as one line of JSON. */
export function logLine({ level, text, step }: Progress, now: Instant): string {
  return line(now, {
    step: step?.name ?? level,
    environment: step?.environment ?? null,
    application: step?.application ?? null,
    release: step?.release ?? null,
    durationMs: step?.durationMs ?? null,
    message: text,
    ...step?.facts,
  });
}

/** A failure as one line of JSON. */
export function failureLine(failure: Failure, now: Instant): string {
  const { code, exit, retryable, what, why = null, fix = null } = failureShape(failure);
  return line(now, {
    step: 'failed',
    environment: null,
    application: null,
    release: null,
    durationMs: null,
    message: what,
    code,
    exit,
    retryable,
    why,
    fix,
  });
}

function line(now: Instant, entry: Readonly<Record<string, unknown>>): string {
  return toJsonLine({ schemaVersion: 1, time: time(now), ...entry });
}
