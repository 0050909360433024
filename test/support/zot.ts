// zot (https://zotregistry.dev), a registry that is built on OCI layouts and has the referrers API, on a free loopback port.
// Where the program `zot` is on PATH: no package has it, and `.ci/run` cannot build it.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endProcess, whenLogged } from './process.ts';
import { findProgram } from './real.ts';

/** A zot that runs. */
export interface Zot {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Ends the process and removes its files. */
  stop(): Promise<void>;
}

/** Starts `zot serve` and waits until it listens. Guard the suite with `describeReal(…, ['zot'], …)`. */
export async function startZot(): Promise<Zot> {
  const program = findProgram('zot');
  if (!program) throw new Error('zot is not installed');
  const root = mkdtempSync(join(tmpdir(), 'tagflow-zot-'));
  const config = join(root, 'config.json');
  writeFileSync(
    config,
    JSON.stringify({
      distSpecVersion: '1.1.1',
      storage: { rootDirectory: join(root, 'images') },
      // Docker's media types are taken only where it is asked to.
      http: { address: '127.0.0.1', port: '0', compat: ['docker2s2'] },
      log: { level: 'info' },
    }),
  );
  const child = spawn(program, ['serve', config], { stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = async (): Promise<void> => {
    await endProcess(child);
    rmSync(root, { recursive: true, force: true });
  };
  try {
    return { host: `127.0.0.1:${await portOf(child)}`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The port it chose: it writes it to its log, and answers soon after. */
async function portOf(child: ChildProcess): Promise<string> {
  const port = await whenLogged(child, 'zot', /kernel chosen port","port":([0-9]+)/);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { status } = await fetch(`http://127.0.0.1:${port}/v2/`);
      if (status === 200) return port;
      throw new Error(`zot answered ${status}`);
    } catch (error) {
      if (attempt === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
