// Colours, where the stream is a terminal and NO_COLOR does not forbid them.
import { styleText } from 'node:util';
import type { Paint } from '../../views/table.ts';
import type { Terminal } from '../process/io.ts';

/** The painter for a stream: colours for terminals only, as NO_COLOR and FORCE_COLOR (no-color.org) say. */
export function painter(stream: Terminal): Paint {
  return (style, text) => styleText(style, text, { stream, validateStream: true });
}
