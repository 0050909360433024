// Gives memory back while large blobs pass. Each of their chunks is a small object to the engine, with its bytes outside of
// its heap: by itself it looks for such garbage so seldom that a copy would hold some 80 MiB of it.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Makes a collection of what has become garbage lately: a millisecond or so. Does nothing where the engine has no such thing. */
export function createCollector(): () => void {
  let collect: (() => void) | undefined;
  return () => {
    collect ??= prepare();
    collect();
  };
}

function prepare(): () => void {
  // Node hands it out in a new context only, once the flag is set.
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('globalThis.gc');
  return typeof gc === 'function' ? () => void gc({ type: 'minor' }) : () => undefined;
}
