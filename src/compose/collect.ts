// Gives memory back while large blobs pass. Each of their chunks is a small object to the engine, with its bytes outside of
// its heap, and the engine lets some 64 MiB of such garbage gather before it looks for it. With a layer of 2 GiB (`npm run
// bench -- copy`) the whole process had 153 MiB at the most without this file, and 150 are promised; with it 108, of which 85 are
// there before anything is copied. Nothing gentler does: what a socket reads is new memory for each chunk, so that smaller
// ones leave as many bytes behind (156 MiB); flags that size the engine's heap count only before it starts; and to free a
// chunk by hand is for who knows that nobody else holds it.
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
