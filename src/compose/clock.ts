// The machine's clock.
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../model/effects.ts';

/** Time and waiting as the machine has them. */
export const machineClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  async sleep(milliseconds, signal) {
    try {
      await delay(milliseconds, undefined, signal && { signal });
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    }
  },
};
