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

/** Starts to report: a notice for each MiB at most, none while nothing has to be sent. */
export function createCopyProgress(notify: ReportProgress): CopyReporter {
  return new CopyTally(notify);
}

class CopyTally implements CopyReporter {
  readonly #notify: ReportProgress;
  readonly #running = new Map<symbol, string>();
  #total = 0;
  #sent = 0;
  #told = '';

  constructor(notify: ReportProgress) {
    this.#notify = notify;
  }

  start(label: string): CopyProgress {
    const key = Symbol(label);
    // What ended stays counted while others run, or the bar would jump back.
    if (this.#running.size === 0) this.#total = this.#sent = 0;
    this.#running.set(key, label);
    return {
      expect: (bytes) => void (this.#total += bytes),
      count: (chunks) => this.#count(chunks),
      end: () => void this.#running.delete(key),
    };
  }

  async *#count(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let counted = 0;
    let whole = false;
    try {
      for await (const chunk of chunks) {
        counted += chunk.length;
        this.#sent += chunk.length;
        this.#tell();
        yield chunk;
      }
      whole = true;
    } finally {
      if (!whole) this.#sent -= counted;
    }
  }

  #tell(): void {
    const unit = this.#total >= MIB ? MIB : 1024;
    const amount = (bytes: number): number => Math.ceil(bytes / unit);
    const names = [...new Set(this.#running.values())];
    const what = names.length > MOST_NAMES ? `${names.length} images` : names.join(', ');
    const text = `copying ${what}: ${amount(this.#sent)} of ${amount(this.#total)} ${unit === MIB ? 'MiB' : 'KiB'}`;
    const bytes = { done: this.#sent, total: this.#total };
    if (text !== this.#told) this.#notify({ level: 'progress', text, bytes });
    this.#told = text;
  }
}
