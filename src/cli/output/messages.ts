// What a run reports on stderr while it runs.
import type { Progress } from '../../model/effects.ts';
import { plain } from '../../model/text.ts';
import { logLine } from '../../views/log.ts';
import { formatLine } from '../../views/text.ts';
import { type TextLine, styled } from '../../views/view.ts';
import { machineClock } from '../../compose/clock.ts';
import type { GlobalOptions } from '../arguments/globals.ts';
import type { Terminal } from '../process/io.ts';
import { painter } from './colours.ts';
import type { ProgressLine } from './progress.ts';

/**
 * Shows a notice: with `-q` warnings alone; what happens now in the line of progress; with `-v` that and each step in lines of their
 * own. With `--log json` each is a line of JSON, but for bytes, which come too often.
 */
export function showProgress(
  stderr: Terminal,
  { quiet, verbose, log }: Pick<GlobalOptions, 'quiet' | 'verbose' | 'log'>,
  progress: ProgressLine,
  notice: Progress,
): void {
  const { level, text, bytes } = notice;
  if (quiet && level !== 'warning') return;
  if (log === 'json') {
    if (!bytes) stderr.write(logLine(notice, machineClock.now()));
    return;
  }
  if (level === 'progress') {
    if (!verbose || !notice.waits) progress.update(notice);
    // What counts bytes says so too often for lines of its own.
    if (!verbose || bytes) return;
  }
  if (level === 'step' && !verbose) return;
  progress.clear();
  const line: TextLine = level === 'warning' ? [styled('yellow', 'warning: '), plain(text)] : plain(text);
  const width = stderr.isTTY === true ? stderr.columns : undefined;
  stderr.write(`${formatLine(line, painter(stderr), width)}\n`);
}
