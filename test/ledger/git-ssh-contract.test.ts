// The Git ledger keeps the contract over ssh, in both versions of Git's protocol.
import { afterAll, beforeAll } from 'vitest';
import { describeLedgerContract } from '../contract/ledger.ts';
import { gitLedgerRemote } from '../support/git-ledger.ts';
import { createGitRepository } from '../support/git-repository.ts';
import { type SshServer, startSshServer } from '../support/git-server.ts';
import { describeReal } from '../support/real.ts';

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
    return gitLedgerRemote(made, first.url + made.folder, { GIT_SSH_COMMAND: first.command });
  });

  describeLedgerContract('git over ssh', async () => {
    const made = await createGitRepository();
    return gitLedgerRemote(made, second.url + made.folder, { GIT_SSH_COMMAND: second.command });
  });
});
