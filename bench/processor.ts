// Whole programs by the processor time that they and all the programs they start take: a machine that does other things as well
// changes it less than the time that passes.
import { run } from '../test/support/git-repository.ts';

/** The shell runs the program, then says what its children took. */
const SCRIPT = '"$@" > /dev/null || exit; times';

/** What a program is run with. */
interface RunOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Runs a program, and returns milliseconds of processor time. */
export async function processorTime(command: readonly string[], options: RunOptions): Promise<number> {
  const said = await run('sh', ['-c', SCRIPT, 'sh', ...command], options);
  const [children = ''] = said.trim().split('\n').slice(-1);
  const parts = [...children.matchAll(/(\d+)m([\d.]+)s/g)];
  return parts.reduce((sum, [, minutes, seconds]) => sum + 60_000 * Number(minutes) + 1_000 * Number(seconds), 0);
}
