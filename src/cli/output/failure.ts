// Where failures go: to stderr for people, to stdout as JSON with `-o json`.
import { toJson } from '../../views/data.ts';
import { type Failure, type Page, failureOf, failureShape, formatCauses, formatFailure } from '../../views/failure.ts';
import { failureLine } from '../../views/log.ts';
import { failureFinding } from '../../views/findings.ts';
import { annotateRun } from './ci-files.ts';
import { machineClock } from '../../compose/clock.ts';
import type { GlobalOptions } from '../arguments/globals.ts';
import { commandOf, withCommands } from './act-commands.ts';
import type { Io } from '../process/io.ts';
import { link, pageUrl, showsLinks } from './links.ts';
import { painter } from './colours.ts';

/** Writes an error in the one form. Returns the exit code. */
export function renderFailure(io: Io, options: Partial<GlobalOptions>, error: unknown): number {
  const failure = failureOf(error);
  printFailures(io, options, [failure]);
  const isTold = options.verbose === true || failure.code === 'internal';
  if (isTold && options.log !== 'json') io.stderr.write(formatCauses(error));
  return failure.exit;
}

/** Writes failures in the one form. */
export function printFailures(io: Io, options: Partial<GlobalOptions>, found: readonly Failure[]): void {
  if (found.length === 0) return;
  const failures = found.map(withCommands);
  annotateRun(io, failures.map(failureFinding));
  if (options.output === 'json') {
    const [first] = failures.map(failureShape);
    const more = failures.length > 1 ? { errors: failures.map(failureShape) } : {};
    io.stdout.write(toJson({ schemaVersion: 1, error: first, ...more }, commandOf));
    return;
  }
  if (options.log === 'json') {
    for (const failure of failures) io.stderr.write(failureLine(failure, machineClock.now()));
    return;
  }
  const paint = painter(io.stderr);
  const width = io.stderr.isTTY === true ? io.stderr.columns : undefined;
  const text = failures.map((failure) => formatFailure(failure, { paint, page: pageOf(io, failure), width }));
  io.stderr.write(text.join('\n'));
}

/** Where to read on: in a log the page's path; at a terminal the command that shows it, as a link where links are shown. */
function pageOf({ stderr, env }: Io, { code }: Failure): Page {
  const path = `docs/errors/${code}.md`;
  if (stderr.isTTY !== true) return { text: path };
  const url = showsLinks(stderr, env) ? pageUrl(path) : undefined;
  return { text: `tagflow explain ${code}`, ...(url !== undefined && { link: (text) => link(url, text) }) };
}
