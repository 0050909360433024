// What the file system's errors mean to someone who uses an OCI image layout.
import { isTagflowError, TagflowError } from '../../model/errors.ts';

const REASONS: Readonly<Record<string, readonly [why: string, fix: string]>> = {
  ENOSPC: ['the disk is full', 'free some space and try again'],
  EDQUOT: ['the disk quota is used up', 'free some space and try again'],
  EFBIG: ['the file would exceed the limit for files', 'raise the limit (ulimit -f) and try again'],
  EACCES: ['permission denied', 'let this user write to the directory'],
  EPERM: ['permission denied', 'let this user write to the directory'],
  EROFS: ['the file system is read-only', 'mount it for writing, or name another directory'],
  EMFILE: ['this process has too many open files', 'raise the limit (ulimit -n) and try again'],
};

/** The code of a system error, `ENOENT`; undefined for other values, our own errors among them. */
export function codeOf(error: unknown): string | undefined {
  if (isTagflowError(error)) return undefined;
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** `storage-failed` for a system error; other errors are handed back as they are. */
export function storageFailure(error: unknown, what: string): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  const [why, fix] = REASONS[code] ?? ['the file system refused', 'look at the disk and try again'];
  return new TagflowError('storage-failed', {
    what,
    why: `${why} (${code})`,
    fix,
    details: { code },
    cause: error,
  });
}

/** The error for an aborted signal: its own reason when that is one of ours. */
export function interruptedBy(signal: AbortSignal): TagflowError {
  if (isTagflowError(signal.reason)) return signal.reason;
  return new TagflowError('interrupted', {
    what: 'interrupted before the layout was written',
    fix: 'run the command again',
    cause: signal.reason,
  });
}
