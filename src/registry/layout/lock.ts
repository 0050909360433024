// One writer at a time in an OCI image layout, across processes and hosts that share the directory.
// The lock is a folder `.tagflow.lock` in the layout: made atomically, kept fresh while held, and taken over when its holder
// died. skopeo and umoci do not know it; store.ts says what that means.
import { lstat, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TagflowError } from '../../model/errors.ts';
import type { Clock, Random } from '../../model/effects.ts';
import { codeOf, interruptedBy, storageFailure } from './errors.ts';

/** The world a layout needs. */
export interface LayoutEffects {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal | undefined;
}

/** A lock that is held. */
export interface HeldLock {
  /** Throws `storage-failed` when the lock was lost: this process slept too long, and another took it over. */
  assertHeld(): Promise<void>;
}

/** Runs actions one at a time for each directory. */
export interface LayoutLock {
  /** Throws `storage-failed` when the lock cannot be had within about 30 s, and `interrupted`. */
  hold<T>(directory: string, action: (lock: HeldLock) => Promise<T>): Promise<T>;
}

/** A lock not freshened for this long belongs to a dead process. A write takes milliseconds; holders freshen every 2 s. */
const STALE_MS = 10_000;
const FRESHEN_MS = 2_000;
const LONGEST_WAIT_MS = 30_000;
/**
 * proper-lockfile takes a stale lock over by itself, but waiters that judge at once remove each other's fresh locks
 * (measured: eight waiters on a dead lock lost an update in 6 of 25 rounds). So the library is made to believe that nothing is ever stale, and
 * `recover` below does it, one process at a time.
 */
const NEVER_MS = Number.MAX_SAFE_INTEGER;

/** A lock for the layouts of one registry. Within the process callers queue in order; no polling among them. */
export function createLayoutLock(effects: LayoutEffects): LayoutLock {
  const queues = new Map<string, Promise<unknown>>();

  return {
    async hold(directory, action) {
      const before = queues.get(directory) ?? Promise.resolve();
      const run = before.then(async () => {
        const { lock, release } = await acquire(directory, effects);
        try {
          return await action(lock);
        } finally {
          await release();
        }
      });
      const done = run.then(
        () => undefined,
        () => undefined,
      );
      queues.set(directory, done);
      try {
        return await run;
      } finally {
        if (queues.get(directory) === done) queues.delete(directory);
      }
    },
  };
}

async function acquire(directory: string, effects: LayoutEffects) {
  const path = join(directory, '.tagflow.lock');
  let waited = 0;
  let pause = 5;
  for (;;) {
    if (effects.signal?.aborted) throw interruptedBy(effects.signal);
    const held = await tryAcquire(directory, path);
    if (held !== undefined) return held;
    await recover(directory, path, effects.clock);
    if (waited >= LONGEST_WAIT_MS) {
      throw new TagflowError('storage-failed', {
        what: `oci:${directory} stayed locked for ${Math.round(waited / 1000)} s`,
        why: `another process holds ${path}`,
        fix: 'run the command again when it is done; if no process uses the layout, remove that directory',
      });
    }
    const milliseconds = pause * (0.5 + effects.random());
    await sleep(milliseconds, effects);
    waited += milliseconds;
    pause = Math.min(pause * 2, 200);
  }
}

/** The lock, when it is free now. */
async function tryAcquire(directory: string, path: string) {
  let lost = false;
  const unlock = await lockUnlessLocked(directory, path, {
    stale: NEVER_MS,
    update: FRESHEN_MS,
    onCompromised: () => void (lost = true),
  });
  if (!unlock) return undefined;
  const identity = await identityOf(path);
  const isHeld = async () => !lost && identity !== undefined && (await identityOf(path)) === identity;
  const lock: HeldLock = {
    async assertHeld() {
      if (await isHeld()) return;
      throw new TagflowError('storage-failed', {
        what: `the lock on oci:${directory} was lost, so nothing was written`,
        why: `this process was suspended for more than ${STALE_MS / 1000} s, and another process took over ${path}`,
        fix: 'try again',
      });
    },
  };
  // A lock that was lost is somebody else's now: unlocking would remove theirs.
  const release = async () => {
    if (await isHeld()) await unlock().catch(() => undefined);
  };
  return { lock, release };
}

/** Locks a path, and resolves to what unlocks it; undefined where it is locked. Throws `storage-failed`. */
async function lockUnlessLocked(
  directory: string,
  path: string,
  options: { readonly stale: number; readonly update?: number; readonly onCompromised: () => void },
): Promise<(() => Promise<void>) | undefined> {
  // Loaded on the first write: it brings handlers for signals and process exit, which readers can do without.
  const { lock } = await import('proper-lockfile');
  try {
    return await lock(path, { lockfilePath: path, realpath: false, ...options });
  } catch (error) {
    if (codeOf(error) === 'ELOCKED') return undefined;
    throw storageFailure(error, `oci:${directory} cannot be locked for writing`);
  }
}

/** Removes a lock whose holder died. Only one process at a time gets as far as looking. */
async function recover(directory: string, path: string, clock: Clock): Promise<void> {
  if (!(await isStale(path, clock))) return;
  const guard = { stale: STALE_MS, onCompromised: () => undefined };
  const release = await lockUnlessLocked(directory, `${path}.recovery`, guard);
  if (!release) return;
  try {
    if (await isStale(path, clock)) await rmdir(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw storageFailure(error, `the stale lock ${path} cannot be removed`);
  } finally {
    await release().catch(() => undefined);
  }
}

async function isStale(path: string, clock: Clock): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found !== undefined && clock.now() - found.mtimeMs > STALE_MS;
}

/** Tells one lock folder from another of the same name; numbers of files are used again, so the time of birth counts too. */
async function identityOf(path: string): Promise<string | undefined> {
  const found = await lstat(path, { bigint: true }).catch(() => undefined);
  return found && `${found.ino}/${found.birthtimeNs}`;
}

async function sleep(milliseconds: number, { clock, signal }: LayoutEffects): Promise<void> {
  try {
    await clock.sleep(milliseconds, signal);
  } catch (error) {
    if (signal?.aborted) throw interruptedBy(signal);
    throw error;
  }
}
