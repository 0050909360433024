// The signature of a commit object: where it stands, what it is of, and what is not a signature.
import { describe, expect, it } from 'vitest';
import { type HashAlgorithm, formatCommit, signatureOf, withSignature } from '../../src/ledger/object.ts';
import type { ObjectId } from '../../src/model/object-id.ts';
import { createGitRepository } from '../support/git-repository.ts';
import { describeReal } from '../support/real.ts';

const ARMOUR = '-----BEGIN SSH SIGNATURE-----\nU1NI\n\nc2ln\n-----END SSH SIGNATURE-----\n';
const commit = formatCommit({
  tree: 'a'.repeat(40) as ObjectId,
  parents: ['b'.repeat(40) as ObjectId],
  author: 'Ann Lee <ann@example.org>',
  time: 1_750_000_000_000,
  message: 'subject\n\ngpgsig in the message is not one\n',
});
const text = Buffer.from(commit).toString();
const parse = (content: string, algorithm: HashAlgorithm = 'sha1') => signatureOf(Buffer.from(content), algorithm);

describe('the signature of a commit', () => {
  it.each(['sha1', 'sha256'] as const)('is of the commit without it (%s)', (algorithm) => {
    const signed = withSignature(commit, ARMOUR, algorithm);
    expect(signatureOf(signed, algorithm)).toEqual({ payload: Buffer.from(commit), signature: ARMOUR });
  });

  it.each([
    ['none', text, 'it is not signed'],
    ['none but in the message', text.replace('subject', 'gpgsig -----BEGIN'), 'it is not signed'],
    ['two', text.replace('\n\n', `\ngpgsig a\n b\ngpgsig c\n d\n\n`), 'it has more than one signature'],
    ['one for each hash', text.replace('\n\n', `\ngpgsig a\ngpgsig-sha256 b\n\n`), 'it has more than one signature'],
    ['one for the other hash', text.replace('\n\n', `\ngpgsig-sha256 b\n\n`), 'its signature is not under gpgsig'],
    ['one in another spelling', text.replace('\n\n', `\nGpgSig b\n\n`), 'its signature is not under gpgsig'],
    ['one with nothing behind it', text.replace('\n\n', `\ngpgsig\n\n`), 'its signature is not under gpgsig'],
    ['one of a tag that was merged', text.replace('\n\n', `\nmergetag object c\n gpgsig x\n\n`), 'it is not signed'],
  ])('%s', (_, content, problem) => {
    expect(parse(content)).toEqual({ problem });
  });

  it('keeps every other byte of what it is of', () => {
    const latin = Buffer.concat([Buffer.from(text), Buffer.from([0xe9, 0x80, 0x0a])]);
    expect(signatureOf(withSignature(latin, ARMOUR, 'sha1'), 'sha1')).toMatchObject({ payload: latin });
  });
});

describeReal('the signature of a commit, as Git reads it', ['git'], () => {
  it.each(['sha1', 'sha256'] as const)('is the one that was put in (%s)', async (algorithm) => {
    const repository = await createGitRepository({ algorithm });
    try {
      const head = await repository.commit('main', { x: 'x' });
      const content = Buffer.from(await repository.git(['cat-file', 'commit', head]));
      const signed = withSignature(content, ARMOUR, algorithm);
      const id = (await repository.git(['hash-object', '-t', 'commit', '-w', '--stdin'], signed)).trim();
      await repository.git(['fsck', '--strict', '--no-dangling']);
      // Git takes the same lines out of it as we do: signed again by Git's own hands it would be the same.
      expect((await repository.git(['log', '-1', '--format=%H %B', id])).trim()).toBe(`${id} seed`);
    } finally {
      await repository.remove();
    }
  });
});
