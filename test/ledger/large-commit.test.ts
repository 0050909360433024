// A commit of many files: what is made is stored as one pack, and not as thousands of files.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BranchName } from '../../src/model/object-id.ts';
import { openGitLedger } from '../support/git-ledger.ts';
import { createGitRepository, temporaryFolder } from '../support/git-repository.ts';
import { describeReal } from '../support/real.ts';

describeReal('a commit of many files', ['git'], () => {
  let root = '';
  beforeAll(async () => {
    root = await temporaryFolder('large-commit');
  });
  afterAll(async () => rm(root, { recursive: true, force: true }));

  it.each([
    ['few', 20],
    ['many', 300],
  ])('is pushed with the content of each: %s', async (name, count) => {
    const repository = await createGitRepository({ folder: join(root, `${name}.git`) });
    const head = await repository.commit('main', { 'a.yaml': 'one\n' });
    const work = join(root, `work-${name}`);
    const ledger = await openGitLedger({ url: repository.folder, workFolder: work });
    await ledger.fetch([head]);
    // on both sides of each size that zlib knows a window for
    const sizes = [0, 1, 255, 256, 511, 512, 1023, 4095, 4096, 32_767, 32_768, 70_000];
    const texts = Array.from({ length: count }, (_, index) => `${index} `.repeat((sizes[index % 12] ?? 0) / 2 + 1));
    const edits = texts.map((text, index) => ({
      kind: 'write' as const,
      path: `team-${index}/a.yaml`,
      content: Buffer.from(text),
    }));
    const draft = { base: head, parents: [head], edits, message: 'm', author: 'A <a@b>', time: 0 };
    const id = await ledger.writeCommit(draft);
    const loose = (await readdir(work, { recursive: true })).filter((path) => /objects\/[0-9a-f]{2}\//.test(path));
    expect(loose.length > 0).toBe(count === 20);
    await ledger.push('main' as BranchName, id, head);
    await ledger.close();
    await repository.git(['fsck', '--strict', '--no-dangling']);
    for (const index of [0, 3, 7, 11, count - 1]) {
      expect(await repository.git(['show', `main:team-${index}/a.yaml`])).toBe(texts[index]);
    }
  });
});
