// A real Prometheus (the Debian package) on a free loopback port, which scrapes one exporter.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endProcess, whenLogged } from './process.ts';
import { findProgram } from './real.ts';

/** A Prometheus that runs. */
export interface Prometheus {
  readonly origin: string;
  /** Ends the process and removes its files. */
  stop(): Promise<void>;
}

/** Starts Prometheus. Guard the suite with `describeReal(…, ['prometheus'], …)`. `exporter`: `http://127.0.0.1:PORT`. */
export async function startPrometheus(exporter: string): Promise<Prometheus> {
  const program = findProgram('prometheus');
  if (!program) throw new Error('prometheus is not installed');
  const folder = await mkdtemp(join(tmpdir(), 'tagflow-prometheus-'));
  const config = join(folder, 'prometheus.yml');
  const targets = [{ targets: [new URL(exporter).host] }];
  // JSON is YAML.
  await writeFile(
    config,
    JSON.stringify({
      global: { scrape_interval: '100ms', scrape_timeout: '100ms' },
      scrape_configs: [{ job_name: 'shop', static_configs: targets }],
    }),
  );
  const options = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    '--web.listen-address=127.0.0.1:0',
  ];
  const child = spawn(program, options, { stdio: ['ignore', 'ignore', 'pipe'], env: {} });
  const stop = async (): Promise<void> => {
    await endProcess(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    // It chooses a free port itself and writes it to its log.
    return { origin: `http://${await whenLogged(child, 'prometheus', /address=(127\.0\.0\.1:[1-9][0-9]*)/)}`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
