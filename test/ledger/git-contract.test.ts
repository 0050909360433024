// The Git ledger keeps the contract over each transport, and with servers that lack what makes it quick.
import { setTimeout as sleep } from 'node:timers/promises';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { createGitLedger } from '../../src/ledger/git.ts';
import { type LedgerRemote, describeLedgerContract } from '../contract/ledger.ts';
import { type GitRepository, createGitRepository, temporaryFolder } from '../support/git-repository.ts';
import { type GitHttpServer, type SshServer, startGitHttpServer, startSshServer } from '../support/git-server.ts';
import { describeReal } from '../support/real.ts';

/** A hook that protects one branch. */
const PROTECT = 'while read old new ref; do case $ref in refs/heads/$P) echo "$ref is protected"; exit 1;; esac; done';

function remoteAt(repository: GitRepository, url: string, env: Record<string, string> = {}): LedgerRemote {
  const workFolder = `${repository.folder}.work`;
  return {
    ...repository,
    open: async () =>
      createGitLedger({
        url,
        workFolder,
        clock: { now: Date.now, sleep: async (milliseconds) => sleep(milliseconds) },
        random: Math.random,
        env: { ...process.env, ...env },
      }),
    protect: async (branch) => repository.hook('pre-receive', `P='${branch}'; ${PROTECT}`),
    close: async () => {
      await repository.remove();
      await rm(workFolder, { recursive: true, force: true });
    },
  };
}

describeReal('git', ['git'], () => {
  let root = '';
  let count = 0;
  let http: GitHttpServer;

  beforeAll(async () => {
    root = await temporaryFolder('root');
    http = await startGitHttpServer({ root });
  });
  afterAll(async () => {
    await http.close();
    await rm(root, { recursive: true, force: true });
  });

  const repository = async (config: Record<string, string> = {}): Promise<GitRepository & { name: string }> => {
    count += 1;
    const name = `${count}.git`;
    return { ...(await createGitRepository({ folder: join(root, name), config })), name };
  };

  describeLedgerContract('git over file', async () => {
    const made = await repository();
    return remoteAt(made, made.folder);
  });

  describeLedgerContract('git over http', async () => {
    const made = await repository();
    return remoteAt(made, `${http.url}/${made.name}`);
  });

  describeLedgerContract('git over file, without filters', async () => {
    const made = await repository({ 'uploadpack.allowFilter': 'false' });
    return remoteAt(made, `file://${made.folder}`);
  });
});

describeReal('git over ssh', ['git', 'sshd', 'ssh', 'ssh-keygen'], () => {
  let first: SshServer;
  let second: SshServer;

  beforeAll(async () => {
    [first, second] = await Promise.all([startSshServer({ protocolV2: false }), startSshServer()]);
  });
  afterAll(async () => {
    await Promise.all([first.close(), second.close()]);
  });

  // The first protocol gives objects by id only if they are what a branch points to.
  describeLedgerContract('git over ssh, protocol version 0', async () => {
    const made = await createGitRepository();
    return remoteAt(made, first.url + made.folder, { GIT_SSH_COMMAND: first.command });
  });

  describeLedgerContract('git over ssh', async () => {
    const made = await createGitRepository();
    return remoteAt(made, second.url + made.folder, { GIT_SSH_COMMAND: second.command });
  });
});
