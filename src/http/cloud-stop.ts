// How a call of a cloud's own client hears that tagflow was asked to stop.
import { interrupted } from './http.ts';

/** A stop as one call hears it. */
export interface Stop {
  /** To be handed to the call. */
  readonly signal: AbortSignal;
  /** Rejects with `interrupted` when `signal` aborts. */
  readonly aborted: Promise<never>;
  /** Forgets the timer and the listener: the call is over. */
  dispose(): void;
}

/**
 * Makes one try of a call. Once `signal` fires a read is cut off at once; a write, which `write` names, when it has not been
 * answered `stopGraceMs` later. Throws `interrupted` then, and what the try throws.
 */
export async function untilStopped<T>(
  { signal, stopGraceMs }: { readonly signal?: AbortSignal | undefined; readonly stopGraceMs: number },
  write: string | undefined,
  makeTry: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = abortAfterStop(signal, write === undefined ? 0 : stopGraceMs);
  try {
    return await makeTry(stop.signal);
  } catch (error) {
    throw stop.signal.aborted ? interrupted(write) : error;
  } finally {
    stop.dispose();
  }
}

/** Aborts `graceMs` after `signal` does: at once for what may be cut off, later for a write whose answer is wanted. */
export function abortAfterStop(signal: AbortSignal | undefined, graceMs: number): Stop {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    if (graceMs === 0) controller.abort();
    else timer = setTimeout(() => controller.abort(), graceMs);
  };
  const aborted = new Promise<never>((_resolve, reject) => {
    controller.signal.addEventListener('abort', () => reject(interrupted()), { once: true });
  });
  // Nobody may be waiting for it.
  aborted.catch(() => undefined);
  if (signal?.aborted) stop();
  else signal?.addEventListener('abort', stop, { once: true });
  return {
    signal: controller.signal,
    aborted,
    dispose() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    },
  };
}
