// The one table of errors: code, exit code, whether a retry can help, and whose fault it is.
// Help, docs/errors/ and the exit code of the process all come from here.
import { type Advice, fixText } from './advice.ts';

/** Exit codes of the process; docs/reference/exit-codes.md explains each. */
export const EXIT = {
  ok: 0,
  defect: 1,
  usage: 2,
  refused: 3,
  notFound: 4,
  superseded: 5,
  denied: 6,
  unavailable: 7,
  incomplete: 8,
  verification: 9,
  difference: 10,
  unwell: 11,
  interrupted: 130,
  terminated: 143,
} as const;

interface ErrorKind {
  /** Exit code of a process that ends with this error. */
  readonly exit: number;
  /** Whether the same command may succeed later without anyone changing anything. */
  readonly retryable: boolean;
  /** Where the cause lies: with the caller, the repository's content, a server, or tagflow. */
  readonly fault: 'caller' | 'repository' | 'server' | 'machine' | 'tagflow';
}

const kind = (exit: number, fault: ErrorKind['fault'], retryable = false): ErrorKind => ({ exit, fault, retryable });

/** Every error tagflow can end with, by code. Each has a page docs/errors/CODE.md. */
export const ERRORS = {
  internal: kind(EXIT.defect, 'tagflow'),

  usage: kind(EXIT.usage, 'caller'),
  'config-missing': kind(EXIT.usage, 'repository'),
  'config-invalid': kind(EXIT.usage, 'repository'),
  'reference-invalid': kind(EXIT.usage, 'caller'),
  'digest-invalid': kind(EXIT.usage, 'caller'),
  'version-invalid': kind(EXIT.usage, 'caller'),
  'plan-invalid': kind(EXIT.usage, 'caller'),
  'credentials-invalid': kind(EXIT.usage, 'caller'),
  'manifest-invalid': kind(EXIT.usage, 'repository'),
  'manifest-unsafe-edit': kind(EXIT.usage, 'repository'),
  'pin-not-found': kind(EXIT.usage, 'repository'),
  'layout-invalid': kind(EXIT.usage, 'repository'),
  'not-supported': kind(EXIT.usage, 'caller'),
  'forge-unknown': kind(EXIT.usage, 'caller'),

  downgrade: kind(EXIT.refused, 'caller'),
  held: kind(EXIT.refused, 'caller'),
  divergence: kind(EXIT.refused, 'repository'),
  upstream: kind(EXIT.refused, 'caller'),
  soak: kind(EXIT.refused, 'caller', true),
  reason: kind(EXIT.refused, 'caller'),
  windows: kind(EXIT.refused, 'caller', true),
  freezes: kind(EXIT.refused, 'caller', true),
  locked: kind(EXIT.refused, 'caller'),
  'journal-invalid': kind(EXIT.refused, 'repository'),
  'entry-not-found': kind(EXIT.notFound, 'caller'),
  approvals: kind(EXIT.refused, 'caller', true),
  status: kind(EXIT.refused, 'caller', true),
  run: kind(EXIT.refused, 'caller', true),
  'gate-unknown': kind(EXIT.refused, 'server', true),
  'record-invalid': kind(EXIT.refused, 'repository'),
  'signature-invalid': kind(EXIT.refused, 'repository'),
  'branch-rewound': kind(EXIT.refused, 'repository'),
  'tag-immutable': kind(EXIT.refused, 'server'),
  'release-tag-taken': kind(EXIT.refused, 'server'),
  'version-tag-taken': kind(EXIT.refused, 'server'),
  'tree-unsafe': kind(EXIT.refused, 'repository'),
  'forge-refused': kind(EXIT.refused, 'server'),

  'environment-not-found': kind(EXIT.notFound, 'caller'),
  'application-not-found': kind(EXIT.notFound, 'caller'),
  'image-not-found': kind(EXIT.notFound, 'caller'),
  'version-not-found': kind(EXIT.notFound, 'caller'),
  'digest-not-found': kind(EXIT.notFound, 'server'),
  'branch-not-found': kind(EXIT.notFound, 'repository'),
  'release-not-found': kind(EXIT.notFound, 'caller'),

  superseded: kind(EXIT.superseded, 'server', true),
  'race-lost': kind(EXIT.superseded, 'server', true),
  'plan-stale': kind(EXIT.superseded, 'server'),
  'tag-moved': kind(EXIT.superseded, 'server', true),

  unauthorized: kind(EXIT.denied, 'caller'),
  forbidden: kind(EXIT.denied, 'caller'),
  'push-denied': kind(EXIT.denied, 'server'),
  'credentials-unsafe': kind(EXIT.denied, 'server'),

  'registry-unavailable': kind(EXIT.unavailable, 'server', true),
  'registry-answer-invalid': kind(EXIT.unavailable, 'server'),
  'digest-mismatch': kind(EXIT.unavailable, 'server'),
  'manifest-too-large': kind(EXIT.unavailable, 'server'),
  'media-type-conflict': kind(EXIT.unavailable, 'server'),
  'remote-unavailable': kind(EXIT.unavailable, 'server', true),
  'push-outcome-unknown': kind(EXIT.unavailable, 'server', true),
  'forge-unavailable': kind(EXIT.unavailable, 'server', true),
  'forge-answer-invalid': kind(EXIT.unavailable, 'server'),
  'storage-failed': kind(EXIT.unavailable, 'machine', true),

  'verification-failed': kind(EXIT.verification, 'repository'),
  'verification-inconclusive': kind(EXIT.verification, 'server', true),

  'not-live': kind(EXIT.verification, 'server', true),

  'tags-incomplete': kind(EXIT.incomplete, 'server', true),

  interrupted: kind(EXIT.interrupted, 'caller', true),
} as const satisfies Readonly<Record<string, ErrorKind>>;

/** The name of an error: stable, asserted in tests, and the name of its page in docs/errors/. */
export type ErrorCode = keyof typeof ERRORS;

/** What an error says, in the one form: what, why, fix. Lower case, no full stop. */
export interface ErrorText {
  /** What did not happen, with the wrong value. One line. */
  readonly what: string;
  /** Why: the evidence. */
  readonly why?: string | undefined;
  /** What to do about it: names no command and no flag, but acts, which the command line says as commands. */
  readonly fix?: string | Advice | undefined;
  /** False: this cause stays until somebody removes it, though others of the same code may pass. */
  readonly retryable?: false | undefined;
  /** Machine-readable facts for `-o json`; never a secret. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** The error underneath, kept for `-v`. */
  readonly cause?: unknown;
}

/** An expected failure, with the words a person needs. Everything else that is thrown is a defect. */
export class TagflowError extends Error {
  override readonly name = 'TagflowError';
  readonly code: ErrorCode;
  readonly why: string | undefined;
  /** What to do about it, with what tagflow can do as acts. */
  readonly advice: string | Advice | undefined;
  readonly details: Readonly<Record<string, unknown>>;
  /** Whether the same command may succeed later with nothing changed. */
  readonly retryable: boolean;

  constructor(code: ErrorCode, text: ErrorText) {
    super(text.what, text.cause === undefined ? undefined : { cause: text.cause });
    this.code = code;
    this.why = text.why;
    this.advice = text.fix;
    this.details = text.details ?? {};
    this.retryable = ERRORS[code].retryable && text.retryable !== false;
  }

  /** What to do about it, in words. */
  get fix(): string | undefined {
    return fixText(this.advice);
  }

  /** Exit code of a process that ends with this error. */
  get exit(): number {
    return ERRORS[this.code].exit;
  }
}

/** What went wrong and why, in one line. */
export function sentenceOf({ message, why }: Pick<TagflowError, 'message' | 'why'>): string {
  return why === undefined ? message : `${message}: ${why}`;
}

/** Whether a thrown value is a TagflowError, of one of the codes when any are named. */
export function isTagflowError(error: unknown, ...codes: readonly ErrorCode[]): error is TagflowError {
  return error instanceof TagflowError && (codes.length === 0 || codes.includes(error.code));
}
