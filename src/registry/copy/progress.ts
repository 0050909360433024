// How far a copy is, for people: `copying django V4.2: 12 of 80 MiB`.
import type { Notify } from '../../model/effects.ts';

/** The progress of one copy. */
export interface CopyProgress {
  /** More bytes are to be sent. */
  expect(bytes: number): void;
  /** The same chunks, counted as they pass; what a try counted that is not read to its end is taken back. */
  count(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
}

const MIB = 1024 * 1024;

/** Starts to tell; a notice for each MiB at most. */
export function startCopyProgress(label: string, notify: Notify): CopyProgress {
  let total = 0;
  let sent = 0;
  let told = '';
  const tell = (): void => {
    const unit = total >= MIB ? MIB : 1024;
    const amount = (bytes: number): number => Math.ceil(bytes / unit);
    const text = `copying ${label}: ${amount(sent)} of ${amount(total)} ${unit === MIB ? 'MiB' : 'KiB'}`;
    if (text !== told) notify({ level: 'progress', text });
    told = text;
  };
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
  };
}
