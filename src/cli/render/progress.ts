// What is going on, on a terminal, once it takes longer than a second; one line that clears itself.
import type { Terminal } from '../io.ts';

const PATIENCE = 1000;

/** A line that shows the newest step while a command runs. */
export interface Progress {
  update(text: string): void;
  /** Removes the line, so that something else can be written. */
  clear(): void;
  stop(): void;
}

/** Starts a progress line on a terminal; where there is none, or when quiet, it does nothing. */
export function startProgress(stream: Terminal, quiet: boolean): Progress {
  if (quiet || stream.isTTY !== true) return { update: () => undefined, clear: () => undefined, stop: () => undefined };
  let text = '';
  let patient = true;
  let shown = false;
  const draw = (): void => {
    if (patient || text === '') return;
    shown = true;
    stream.write(`\r\x1b[K… ${text.slice(0, Math.max(10, (stream.columns ?? 80) - 4))}`);
  };
  const clear = (): void => {
    if (shown) stream.write('\r\x1b[K');
    shown = false;
  };
  const timer = setTimeout(() => {
    patient = false;
    draw();
  }, PATIENCE).unref();
  return {
    update(next) {
      text = next;
      draw();
    },
    clear,
    stop() {
      clearTimeout(timer);
      clear();
    },
  };
}
