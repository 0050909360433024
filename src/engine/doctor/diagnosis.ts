// What `doctor` says: each thing it looked at, and what it thinks of it.
import type { Advice } from '../../model/advice.ts';
import type { TagflowError } from '../../model/errors.ts';

/**
 * How bad it is. `error`: something does not work, or a release that runs will be lost. `warning`: something will not work
 * some day. `info`: worth knowing. `ok`: as it should be.
 */
export type Severity = 'error' | 'warning' | 'info' | 'ok';

/** One thing that was looked at. Texts are of the form of errors: lower case, no full stop. */
export interface Diagnosis {
  readonly severity: Severity;
  /** What was looked at, stable: `credentials`, `clean-up`. */
  readonly check: string;
  /** The environment, repository or program it is about. */
  readonly subject: string;
  readonly what: string;
  readonly why?: string | undefined;
  readonly fix?: string | Advice | undefined;
  /** Machine-readable facts. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** A finding that an error is. */
export function diagnosisOf(error: TagflowError, check: string, subject: string): Diagnosis {
  const { message: what, why, advice: fix, code, details } = error;
  return { severity: 'error', check, subject, what, why, fix, details: { code, ...details } };
}
