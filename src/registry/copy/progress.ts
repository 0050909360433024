// How far copies are, for people: `copying django V4.2, mariadb V10.6: 12 of 80 MiB`. Copies that run at once are reported
// together, since they share one line and one connection.
import type { ReportProgress } from '../../model/effects.ts';

/** The progress of all copies of a run. */
export interface CopyReporter {
  /** A copy begins. */
  start(label: string): CopyProgress;
}

/** The progress of one copy. */
export interface CopyProgress {
  /** More bytes are to be sent. */
  expect(bytes: number): void;
  /** The same chunks, counted as they pass; what a try counted that is not read to its end is taken back. */
  count(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** The copy has ended, well or not. */
  end(): void;
}

const MIB = 1024 * 1024;
/** More names than this are a number. */
const MOST_NAMES = 3;

/** Starts to tell; a notice for each MiB at most, none while nothing has to be sent. */
export function createCopyProgress(notify: ReportProgress): CopyReporter {
  const running = new Map<symbol, string>();
  let total = 0;
  let sent = 0;
  let told = '';
  const tell = (): void => {
    const unit = total >= MIB ? MIB : 1024;
    const amount = (bytes: number): number => Math.ceil(bytes / unit);
    const names = [...new Set(running.values())];
    const what = names.length > MOST_NAMES ? `${names.length} images` : names.join(', ');
    const text = `copying ${what}: ${amount(sent)} of ${amount(total)} ${unit === MIB ? 'MiB' : 'KiB'}`;
    if (text !== told) notify({ level: 'progress', text, bytes: { done: sent, total } });
    told = text;
  };
  return {
    start(label) {
      const key = Symbol(label);
      // What ended stays counted while others run, or the bar would jump back.
      if (running.size === 0) total = sent = 0;
      running.set(key, label);
      return {
        expect(bytes) {
          total += bytes;
        },
        async *count(chunks) {
          let counted = 0;
          let whole = false;
          try {
            for await (const chunk of chunks) {
              counted += chunk.length;
              sent += chunk.length;
              tell();
              yield chunk;
            }
            whole = true;
          } finally {
            if (!whole) sent -= counted;
          }
        },
        end: () => void running.delete(key),
      };
    },
  };
}
