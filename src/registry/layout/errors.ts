// What the file system's errors mean to someone who uses an OCI image layout.
import { isTagflowError, TagflowError } from '../../model/errors.ts';

const REASONS: Readonly<Record<string, readonly [why: string, fix: string]>> = {
  ENOSPC: ['the disk is full', 'free up space, then run the command again'],
  EDQUOT: ['the disk quota is used up', 'free up space, then run the command again'],
  EFBIG: ['the file would exceed the file size limit', 'raise the limit (ulimit -f), then run the command again'],
  EACCES: ['permission denied', 'give this user write access to the directory'],
  EPERM: ['permission denied', 'give this user write access to the directory'],
  EROFS: ['the file system is read-only', 'mount it read-write, or use another directory'],
  EMFILE: ['this process has too many open files', 'raise the limit (ulimit -n), then run the command again'],
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
  const [why, fix] = REASONS[code] ?? [
    'the file system reported an error',
    'check the disk, then run the command again',
  ];
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
