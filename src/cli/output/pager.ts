// Long output at a terminal goes through the pager that the person has chosen.
import { spawn } from 'node:child_process';
import type { Io, Terminal } from '../process/io.ts';

/** `less` for those who have chosen none: it ends at once where the text fits, and shows colours. */
const DEFAULT = 'less';
const LESS = { LESS: 'FRX', LV: '-c' };

/** The pager's words for a text, where it is one for a pager: at a terminal, and longer than its height. */
export function pagerFor(stdout: Terminal, env: Io['env'], text: string): readonly string[] | undefined {
  const { isTTY, rows } = stdout;
  // A terminal without a size says 0.
  if (isTTY !== true || rows === undefined || rows === 0 || env['TERM'] === 'dumb') return undefined;
  if (text.split('\n').length <= rows) return undefined;
  const words = (env['TAGFLOW_PAGER'] ?? env['PAGER'] ?? DEFAULT).split(/\s+/).filter(Boolean);
  return words[0] === 'cat' ? undefined : words;
}

/** Shows a text in a pager, without a shell. Resolves to whether there was one; when the person leaves it, that is the end. */
export async function runPager(
  [program = DEFAULT, ...args]: readonly string[],
  text: string,
  env: Io['env'],
): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['pipe', 'inherit', 'inherit'], env: { ...LESS, ...env } });
    child.on('error', () => resolve(false));
    child.on('close', () => resolve(true));
    // Who leaves the pager early reads no more.
    child.stdin.on('error', () => undefined);
    child.stdin.end(text);
  });
}
