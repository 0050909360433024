// Programs that Git started and that outlive a Git which was ended: git-remote-http and send-pack go on talking to a server
// that does not answer, until their own time is up. Every process of a ledger works in the ledger's folder, and nothing else
// does: that is how they are found. Only where there is /proc; elsewhere they end by themselves, when their time is up.
import { readFileSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';

/** Ends every process but this one that works in a folder, or those of them with such a name, before it returns. */
export function endProcessesIn(folder: string, called?: RegExp): void {
  if (process.platform !== 'linux') return;
  // As the kernel reports it: without links.
  const place = realpathSync(folder);
  for (const name of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name) || Number(name) === process.pid) continue;
    try {
      if (readlinkSync(`/proc/${name}/cwd`) !== place) continue;
      if (called && !called.test(readFileSync(`/proc/${name}/comm`, 'latin1'))) continue;
      process.kill(Number(name), 'SIGKILL');
    } catch {
      // It ended meanwhile, or is somebody else's.
    }
  }
}
