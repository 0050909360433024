// What a run tells on stderr while it goes on.
import type { Notice } from '../../model/effects.ts';
import { plain } from '../../model/text.ts';
import type { GlobalOptions } from '../globals.ts';
import type { Terminal } from '../io.ts';
import { painter } from './paint.ts';
import type { Progress } from './progress.ts';

/** Shows a notice: with `-q` warnings alone; a step of the work in the line of progress, and with `-v` as a line of its own. */
export function showNotice(
  stderr: Terminal,
  { quiet, verbose }: Pick<GlobalOptions, 'quiet' | 'verbose'>,
  progress: Progress,
  notice: Notice,
): void {
  const { level, text } = notice;
  if (quiet && level !== 'warning') return;
  if (level === 'progress') {
    progress.update(notice);
    // What counts bytes says so too often for lines of its own.
    if (!verbose || notice.bytes) return;
  }
  progress.clear();
  const mark = level === 'warning' ? painter(stderr)('yellow', 'warning: ') : '';
  stderr.write(`${mark}${plain(text)}\n`);
}
