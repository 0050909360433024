// OCI image layouts for tests: a directory of its own, a clock that runs, and a look at the bytes behind the adapter.
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../src/model/effects.ts';
import { parseRepository, type Repository } from '../../src/model/reference.ts';

/** The clock of the machine. */
export const machineClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep: (milliseconds, signal) => sleep(milliseconds, undefined, signal && { signal }),
};

/** A clock ahead of the files' times by `milliseconds`, so that what was just left behind looks old. */
export function clockAhead(milliseconds: number): Clock {
  return { ...machineClock, now: () => Date.now() + milliseconds };
}

/** A clock whose waits are over at once. */
export const hurriedClock: Clock = { ...machineClock, sleep: () => Promise.resolve() };

/** A folder that is removed at the end of the block. */
export interface TemporaryFolder extends Disposable {
  readonly path: string;
}

/** A fresh folder. Not in /dev/shm: fsync and rename shall be those of a disk. */
export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), 'tagflow-layout-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** The repository of a directory. */
export function layoutRepository(directory: string): Repository {
  return parseRepository(`oci:${directory}`);
}

/** A descriptor as index.json has it. */
export interface RawDescriptor {
  readonly mediaType?: string;
  readonly digest?: string;
  readonly size?: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** The descriptors of index.json. */
export function descriptorsOf(directory: string): RawDescriptor[] {
  return (JSON.parse(indexText(directory)) as { manifests: RawDescriptor[] }).manifests;
}

/** The text of index.json. */
export function indexText(directory: string): string {
  return readFileSync(join(directory, 'index.json'), 'utf8');
}

/** Changes with every replacement of index.json, also by the same bytes. */
export function indexGeneration(directory: string): string {
  const { ino, mtimeNs, ctimeNs } = statSync(join(directory, 'index.json'), { bigint: true });
  return `${ino}/${mtimeNs}/${ctimeNs}`;
}
