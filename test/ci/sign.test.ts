// The signature under the checksums of a release: made by the job that makes the files, and verified as docs/release.md says.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { describeReal } from '../support/real.ts';

const SCRIPT = join(import.meta.dirname, '../../.ci/sign.sh');

describeReal('the signature of a release', ['ssh-keygen', 'bash'], () => {
  /** A folder with checksums and a key. */
  function release() {
    const folder = mkdtempSync(join(tmpdir(), 'tagflow-sign-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const at = (name: string): string => join(folder, name);
    writeFileSync(at('SHA256SUMS'), 'abc  tagflow-0.1.0.tgz\n');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'tagflow', '-f', at('key')]);
    return at;
  }
  function sign(file: string, env: Readonly<Record<string, string>>) {
    return spawnSync('bash', [SCRIPT, file], { env: { PATH: process.env['PATH'], ...env }, encoding: 'utf8' });
  }
  /** Whether the checksums are signed by the key, as a reader of the page asks. */
  function isSigned(at: (name: string) => string): boolean {
    writeFileSync(at('signers'), `release ${readFileSync(at('key.pub'), 'utf8')}`);
    const words = ['-Y', 'verify', '-f', at('signers'), '-I', 'release', '-n', 'tagflow-release'];
    const options = { input: readFileSync(at('SHA256SUMS')) };
    return spawnSync('ssh-keygen', [...words, '-s', at('SHA256SUMS.sig')], options).status === 0;
  }

  it('is made with the key of the project, and stands for these checksums alone', () => {
    const at = release();
    expect(sign(at('SHA256SUMS'), { RELEASE_SIGNING_KEY: at('key'), CI_COMMIT_TAG: 'v0.1.0' }).status).toBe(0);
    expect(isSigned(at)).toBe(true);
    writeFileSync(at('SHA256SUMS'), 'abd  tagflow-0.1.0.tgz\n');
    expect(isSigned(at)).toBe(false);
  });

  it('is tried with a key of its own where nothing is released', () => {
    const at = release();
    expect(sign(at('SHA256SUMS'), {}).status).toBe(0);
    expect(existsSync(at('SHA256SUMS.sig'))).toBe(true);
    expect(isSigned(at)).toBe(false);
  });

  it('is asked for where a tag is released', () => {
    const at = release();
    const { status, stderr } = sign(at('SHA256SUMS'), { CI_COMMIT_TAG: 'v0.1.0' });
    expect([status, stderr]).toEqual([1, expect.stringContaining('RELEASE_SIGNING_KEY is not set')]);
    expect(existsSync(at('SHA256SUMS.sig'))).toBe(false);
  });
});
