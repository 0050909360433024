// A result as text, in each output format. A format that is new is written in views/, and chosen here; its name goes into FORMATS
// (arguments/globals.ts).
import { formatCsv } from '../../views/csv.ts';
import { toJson, toYaml } from '../../views/data.ts';
import { formatMarkdown } from '../../views/markdown.ts';
import { formatText } from '../../views/text.ts';
import { type View, spokenParts } from '../../views/view.ts';
import type { GlobalOptions } from '../arguments/globals.ts';
import type { Terminal } from '../process/io.ts';
import { commandOf } from './act-commands.ts';
import { painter } from './colours.ts';

/** Returns a view in the format that was asked for; as a table, fitted to the terminal. */
export function formatResult(view: View, { output }: GlobalOptions, stdout: Terminal): string {
  const document = { schemaVersion: 1, ...view.data };
  if (output === 'json') return toJson(document, commandOf);
  if (output === 'yaml') return toYaml(document, commandOf);
  const parts = spokenParts(view.parts, commandOf);
  if (output === 'csv') return formatCsv({ ...view, parts });
  if (output === 'openmetrics') return view.openMetrics ?? '';
  if (output === 'md') return `${formatMarkdown({ parts })}\n`;
  const width = stdout.isTTY === true ? stdout.columns : undefined;
  return `${formatText({ parts }, { paint: painter(stdout), width })}\n`;
}
