// What a run costs, as the operating system counts it: the processor time of the process and of all that it started
// (getrusage(2), by the shell's `times`), and the most memory that it had. Git's own memory has an upper bound (setrlimit(2)).
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CliOptions, CliResult } from './cli.ts';
import { temporaryFolder } from './git-repository.ts';
import { findProgram } from './real.ts';

/** What a run cost. */
export interface Cost {
  readonly seconds: number;
  readonly megabytes: number;
}

/** Runs measured, and the bounds of what they may start. */
export interface Meter {
  run(work: (options: CliOptions) => Promise<CliResult>): Promise<{ readonly result: CliResult; readonly cost: Cost }>;
}

/** Makes a meter: a process of a run gets no more than that many seconds, and Git no more than that much memory. */
export async function createMeter(most: Cost): Promise<Meter> {
  const folder = await temporaryFolder('meter');
  const [times, peak, bin] = [join(folder, 'times'), join(folder, 'peak'), join(folder, 'git')];
  const hook = join(folder, 'peak.mjs');
  await writeFile(
    hook,
    `import { writeFileSync } from 'node:fs';
     process.on('exit', () => writeFileSync(${JSON.stringify(peak)}, String(process.resourceUsage().maxRSS)));\n`,
  );
  await writeFile(bin, `#!/bin/sh\nulimit -d ${most.megabytes * 1024} 2>/dev/null\nexec ${findProgram('git')} "$@"\n`);
  await chmod(bin, 0o755);
  const script = `ulimit -t ${most.seconds}; "$@"; code=$?; times > ${times}; exit $code`;
  const options: CliOptions = {
    under: ['sh', '-c', script, 'sh'],
    env: { PATH: `${folder}:${process.env['PATH']}`, NODE_OPTIONS: `--import ${hook}` },
  };
  return {
    async run(work) {
      await writeFile(peak, '0');
      const result = await work(options);
      const children = (await readFile(times, 'utf8')).trim().split('\n')[1] ?? '';
      const parts = [...children.matchAll(/([0-9]+)m([0-9.]+)s/g)];
      const seconds = parts.reduce((sum, [, minutes, rest]) => sum + 60 * Number(minutes) + Number(rest), 0);
      return { result, cost: { seconds, megabytes: Number(await readFile(peak, 'utf8')) / 1024 } };
    },
  };
}
