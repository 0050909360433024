// Git ledgers over test repositories.
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type GitLedgerOptions, createGitLedger } from '../../src/ledger/git.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import type { Clock } from '../../src/model/effects.ts';
import type { LedgerRemote } from '../contract/ledger.ts';
import type { GitRepository } from './git-repository.ts';

/** The clock of this machine. */
const REAL_CLOCK: Clock = {
  now: Date.now,
  elapsed: () => performance.now(),
  sleep: async (milliseconds, signal) => {
    await sleep(milliseconds, undefined, { ...(signal && { signal }) });
  },
};

/** A Git ledger with everything real but chance, which picks the shortest waits, and the environment of this process. */
export async function openGitLedger(
  options: Pick<GitLedgerOptions, 'url' | 'workFolder'> & Partial<GitLedgerOptions>,
): Promise<Ledger> {
  return createGitLedger({ clock: REAL_CLOCK, random: () => 0, env: process.env, ...options });
}

/** A hook that protects one branch. */
const PROTECT = 'while read old new ref; do case $ref in refs/heads/$P) echo "$ref is protected"; exit 1;; esac; done';

/** A repository as the contract of a ledger wants it, reached at a URL. The work folder goes with it. */
export function gitLedgerRemote(
  repository: GitRepository,
  url: string,
  env: Record<string, string> = {},
): LedgerRemote {
  const workFolder = `${repository.folder}.work`;
  return {
    ...repository,
    open: async () => openGitLedger({ url, workFolder, env: { ...process.env, ...env } }),
    protect: async (branch) => repository.hook('pre-receive', `P='${branch}'; ${PROTECT}`),
    close: async () => {
      await repository.remove();
      await rm(workFolder, { recursive: true, force: true });
    },
  };
}
