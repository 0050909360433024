// The Git ledger keeps the contract over each transport, and with servers that lack what makes it quick.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { describeLedgerContract } from '../contract/ledger.ts';
import { gitLedgerRemote } from '../support/git-ledger.ts';
import { type GitRepository, createGitRepository, temporaryFolder } from '../support/git-repository.ts';
import { type GitHttpServer, startGitHttpServer } from '../support/git-server.ts';
import { describeReal } from '../support/real.ts';

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
    return gitLedgerRemote(made, made.folder);
  });

  describeLedgerContract(
    'git over http',
    async () => {
      const made = await repository();
      return gitLedgerRemote(made, `${http.url}/${made.name}`);
    },
    ['heads', 'reading', 'history', 'pushing'],
  );

  describeLedgerContract(
    'git over file, without filters',
    async () => {
      const made = await repository({ 'uploadpack.allowFilter': 'false' });
      return gitLedgerRemote(made, `file://${made.folder}`);
    },
    ['reading', 'history'],
  );
});
