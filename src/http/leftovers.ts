// Folders of runs that were killed, with Git's objects or a copied key in them: anybody who comes next removes them. A folder's name says which process made it, so that
// nothing has to be read, and there is no moment at which a folder of a live run looks like one of a dead run.
// Any number of jobs may share the parent folder, in containers too: of a process that cannot be seen from here (another
// machine, another process namespace) a folder goes only when it is a week old.
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

const PREFIX = /^tagflow-(?:git|key|run)-/;
const NAME = /^tagflow-(?:git|key|run)-(?<where>[0-9a-f]{8})-(?<pid>[1-9][0-9]*)-(?<start>[0-9]+)-/;
/** Older than any run, in milliseconds. */
const FORSAKEN = 7 * 24 * 3600 * 1000;

/** What the name of a folder of this process begins with; `mkdtemp` adds the rest. `kind`: what is in it. */
export function folderPrefix(kind: 'git' | 'key' | 'run', pid = process.pid): string {
  return `tagflow-${kind}-${place()}-${pid}-${startOf(pid) ?? 0}-`;
}

/**
 * Removes folders of dead runs below a folder; what cannot be removed stays. `now`: the time of the file system, as a
 * file made there a moment ago has it, in milliseconds. Never throws.
 */
export async function sweepLeftovers(parent: string, now: number): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  await Promise.all(
    names
      .filter((name) => PREFIX.test(name))
      .map(async (name) => {
        const folder = join(parent, name);
        // Whatever goes wrong here, another run's folder or another user's, is not a concern of this run.
        if (await isLeftover(folder, name, now).catch(() => false)) {
          await rm(folder, { recursive: true, force: true }).catch(() => undefined);
        }
      }),
  );
}

async function isLeftover(folder: string, name: string, now: number): Promise<boolean> {
  const stats = await lstat(folder);
  // In a folder for everybody, somebody else may have put anything there under such a name.
  if (!stats.isDirectory() || (process.getuid !== undefined && stats.uid !== process.getuid())) return false;
  const { where, pid, start } = NAME.exec(name)?.groups ?? {};
  if (where === place()) return !isRunning(Number(pid), start ?? '');
  return now - stats.mtimeMs > FORSAKEN;
}

/** Whether that very process runs: a process id is given again to another one, with another start. */
function isRunning(pid: number, start: string): boolean {
  const found = startOf(pid);
  if (found !== undefined) return found === start;
  if (process.platform === 'linux') return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

/** When a process started, in ticks since the machine did (proc(5), stat, field 22); undefined for one that is gone. */
function startOf(pid: number): string | undefined {
  const stat = read(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  // The second field, the program's name, may hold blanks and parentheses.
  const [state, ...rest] = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  return state === undefined || /^[ZXx]$/.test(state) ? undefined : rest[18];
}

/** Where process ids mean the same as here: this start of this machine, this process namespace. */
function place(): string {
  const parts = [
    read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1')) ?? hostname(),
    read(() => readlinkSync('/proc/self/ns/pid')) ?? '',
  ];
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 8);
}

function read(action: () => string): string | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
