// The programs this runs on, for `doctor`.
import { execFile } from 'node:child_process';
import { versions } from 'node:process';
import { promisify } from 'node:util';
import type { Machine } from '../engine/doctor/doctor.ts';

/** The versions of Node and of Git, as the command finds them. */
export async function readMachine(env: Readonly<Record<string, string | undefined>>): Promise<Machine> {
  return { node: versions.node, git: await gitVersion(env) };
}

async function gitVersion(env: Readonly<Record<string, string | undefined>>): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('git', ['--version'], { env: { ...env }, timeout: 10_000 });
    return /[0-9]+(?:\.[0-9]+)+/.exec(stdout)?.[0];
  } catch {
    return undefined;
  }
}
