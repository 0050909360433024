// Who counts as a signer where `signedBy` names who may release: patterns for nobody, a certificate for its own owner. With the
// real ssh-keygen.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Trust } from '../../src/model/pipeline.ts';
import { restrictedSigners } from '../../src/signing/signers.ts';
import { type SignatureVerdict, patternSigners } from '../../src/signing/signing.ts';
import { run } from '../support/git-repository.ts';
import { type Keys, createSshKeys } from '../support/keys.ts';
import { describeReal } from '../support/real.ts';

const BOT = 'bot@example.org';

function trustIn(signers: string): Trust {
  return {
    method: 'ssh',
    file: 'signers',
    signers: Buffer.from(signers),
    signedBy: [BOT],
    signedAfter: undefined,
    revoked: undefined,
  };
}

describeReal('the signers file', ['ssh-keygen'], () => {
  let keys: Keys;
  let authority: string;
  beforeAll(async () => {
    keys = await createSshKeys(['ca', 'eve', 'bot', 'nobody']);
    authority = await keys.publicKey('ca');
    const certify = async (owner: string, ...principal: string[]): Promise<string> =>
      run('ssh-keygen', [
        '-q',
        '-s',
        join(keys.folder, 'ca'),
        '-I',
        owner,
        ...principal,
        join(keys.folder, `${owner}.pub`),
      ]);
    await certify('eve', '-n', 'eve@example.org');
    await certify('bot', '-n', BOT);
    await certify('nobody');
  });
  afterAll(async () => keys.remove());

  const judge = async (key: string, signers: string): Promise<SignatureVerdict> => {
    const payload = 'a release';
    const signature = await keys.sign(key, payload);
    return keys.signing('bot').verify({
      payload: Buffer.from(payload),
      purpose: 'release',
      signature,
      at: Date.UTC(2030, 0, 1),
      trust: trustIn(signers),
    });
  };

  test('a certificate counts for the owner that its authority names, though the line is for a pattern', async () => {
    const signers = `*@example.org cert-authority ${authority}\n`;
    expect(patternSigners(trustIn(signers))).toEqual([]);
    expect(await judge('bot-cert.pub', signers)).toEqual({ signer: BOT });
    expect(await judge('eve-cert.pub', signers)).toHaveProperty('problem');
    expect(await judge('nobody-cert.pub', signers)).toHaveProperty('problem');
  });

  test.each(['namespaces="git,cert-authority,tagflow-release"', 'namespaces="tagflow-release,cert-authority"'])(
    'the words cert-authority within the text of another option make no authority of a key: %s',
    async (option) => {
      const signers = `*@example.org ${option} ${await keys.publicKey('eve')}\n`;
      expect(await judge('eve', signers)).toHaveProperty('problem');
      expect(patternSigners(trustIn(signers))).toEqual(['*@example.org']);
    },
  );

  test('options whose quotes are escaped are no authority either', async () => {
    const signers = `*@example.org namespaces="tagflow-release,\\",cert-authority,\\"" ${await keys.publicKey('eve')}\n`;
    expect(patternSigners(trustIn(signers))).toEqual(['*@example.org']);
    expect(await judge('eve', signers)).toHaveProperty('problem');
  });

  test.each([
    ['namespaces="tagflow-release"', true],
    ['namespaces="git,tagflow-release"', true],
    ['namespaces="tagflow-*"', true],
    ['namespaces="*"', true],
    ['namespaces="git"', false],
    ['namespaces="tagflow-release-2"', false],
    ['namespaces="tagflow-*x"', false],
  ])('a line with %s is for releases, by ssh-keygen and by doctor: %s', async (options, isForReleases) => {
    const signers = `${BOT} ${options} ${await keys.publicKey('bot')}\n`;
    expect('signer' in (await judge('bot', signers))).toBe(isForReleases);
    expect(restrictedSigners(trustIn(signers))).toEqual(isForReleases ? [] : [BOT]);
  });
});
