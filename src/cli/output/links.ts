// Links that a terminal can open (OSC 8), where it is known to understand them.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Io, Terminal } from '../process/io.ts';

/** Terminals that understand OSC 8, by TERM_PROGRAM and by TERM. */
const PROGRAMS = new Set(['iTerm.app', 'WezTerm', 'vscode', 'ghostty', 'Hyper', 'rio', 'Tabby']);
const TERMS = new Set(['xterm-kitty', 'alacritty', 'foot', 'contour', 'xterm-ghostty']);
/** The first version of the library under GNOME Terminal and its kin that has no fault with them. */
const VTE = 5000;

/** Whether a stream is a terminal that shows links. FORCE_HYPERLINK decides where it is set: `0` is no. */
export function showsLinks(stream: Terminal, env: Io['env']): boolean {
  const forced = env['FORCE_HYPERLINK'];
  if (forced !== undefined) return forced !== '0';
  if (stream.isTTY !== true || env['TERM'] === 'dumb' || env['CI'] !== undefined) return false;
  return (
    PROGRAMS.has(env['TERM_PROGRAM'] ?? '') ||
    TERMS.has(env['TERM'] ?? '') ||
    Number(env['VTE_VERSION'] ?? 0) >= VTE ||
    env['WT_SESSION'] !== undefined ||
    env['KONSOLE_VERSION'] !== undefined
  );
}

/** Text as a link. */
export function link(url: string, text: string): string {
  return `\x1b]8;;${url}\x1b\\${text}\x1b]8;;\x1b\\`;
}

/** The address of a page that travels with tagflow, `docs/errors/held.md`; undefined in the single executable. */
export function pageUrl(page: string): string | undefined {
  if (!import.meta.url?.startsWith('file:')) return undefined;
  let folder = dirname(fileURLToPath(import.meta.url));
  for (let depth = 0; depth < 5; depth += 1) {
    const file = join(folder, page);
    if (existsSync(file)) return pathToFileURL(file).href;
    folder = dirname(folder);
  }
  return undefined;
}
