// The Git ledger keeps the contract over ssh, in both versions of Git's protocol.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeLedgerContract } from '../contract/ledger.ts';
import { gitLedgerRemote, openGitLedger } from '../support/git-ledger.ts';
import { createGitRepository } from '../support/git-repository.ts';
import { type SshServer, startSshServer } from '../support/git-server.ts';
import { describeSlow } from '../support/real.ts';

describeSlow('git over ssh', ['git', 'sshd', 'ssh', 'ssh-keygen'], () => {
  let first: SshServer;
  let second: SshServer;

  beforeAll(async () => {
    [first, second] = await Promise.all([startSshServer({ protocolV2: false }), startSshServer()]);
  });
  afterAll(async () => {
    await Promise.all([first.close(), second.close()]);
  });

  // The first protocol gives objects by id only if they are what a branch points to.
  describeLedgerContract(
    'git over ssh, protocol version 0',
    async () => {
      const made = await createGitRepository();
      return gitLedgerRemote(made, first.url + made.folder, { GIT_SSH_COMMAND: first.command });
    },
    ['reading', 'history', 'pushing'],
  );

  describeLedgerContract(
    'git over ssh',
    async () => {
      const made = await createGitRepository();
      return gitLedgerRemote(made, second.url + made.folder, { GIT_SSH_COMMAND: second.command });
    },
    ['heads', 'pushing'],
  );

  it('is unauthorized with a key that the server does not know', async () => {
    const made = await createGitRepository();
    const env = { ...process.env, GIT_SSH_COMMAND: second.strangerCommand };
    const ledger = await openGitLedger({ url: second.url + made.folder, workFolder: `${made.folder}.work`, env });
    await expect(ledger.heads()).rejects.toMatchObject({ code: 'unauthorized' });
    await ledger.close();
    await made.remove();
  });
});
