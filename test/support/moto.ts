// moto's server (PyPI: moto[server]) on a free loopback port: an Amazon ECR made by others, for tests against something that
// does not share our reading of the documentation. Guard the suite with `describeReal(…, ['moto_server'], …)`.
import { spawn } from 'node:child_process';
import type { ECR } from '@aws-sdk/client-ecr';
import { endProcess, whenLogged } from './process.ts';
import { findProgram } from './real.ts';

/** A moto that runs. */
export interface MotoServer {
  readonly url: string;
  /** The AWS SDK's own client, to prepare and to look behind the adapter's back. */
  readonly client: ECR;
  stop(): Promise<void>;
}

/** Starts moto for one account and region, with keys that it does not check. */
export async function startMoto(region: string): Promise<MotoServer> {
  const program = findProgram('moto_server');
  if (program === undefined) throw new Error('moto_server is not installed');
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], PYTHONUNBUFFERED: '1' };
  const child = spawn(program, ['-H', '127.0.0.1', '-p', '0'], { stdio: ['ignore', 'pipe', 'pipe'], env });
  try {
    const url = await whenLogged(child, 'moto_server', /Running on (http:\/\/127\.0\.0\.1:[0-9]+)/);
    const { ECR } = await import('@aws-sdk/client-ecr');
    const credentials = { accessKeyId: 'testing', secretAccessKey: 'testing' };
    const client = new ECR({ region, endpoint: url, credentials, maxAttempts: 1 });
    return {
      url,
      client,
      async stop() {
        client.destroy();
        await endProcess(child, 3000);
      },
    };
  } catch (error) {
    await endProcess(child, 3000);
    throw error;
  }
}
