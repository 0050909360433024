// Keys for tests, made by the real ssh-keygen and gpg, in a folder of their own.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSigning } from '../../src/signing/keys.ts';
import type { Signing } from '../../src/signing/signing.ts';
import { CLEAN_ENVIRONMENT, run, temporaryFolder } from './git-repository.ts';

/** Keys by the names of their owners. */
export interface Keys {
  readonly folder: string;
  /** The public key as allowed-signers files have it, or armoured. */
  publicKey(owner: string): Promise<string>;
  /** Signs as tagflow does, with the key of an owner. */
  signing(owner: string): Signing;
  /** Signs in any way: an armoured signature. */
  sign(owner: string, payload: string, namespace?: string): Promise<string>;
  remove(): Promise<void>;
}

/** Keys of OpenSSH by the names of their owners. */
export interface SshKeys extends Keys {
  /** A file of allowed signers: each owner as `OWNER@example.org`. */
  signersFile(owners: readonly string[]): Promise<string>;
}

/** Makes keys of OpenSSH. */
export async function createSshKeys(owners: readonly string[]): Promise<SshKeys> {
  const folder = await temporaryFolder('ssh-keys');
  for (const owner of owners) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', owner, '-f', join(folder, owner)]);
  }
  const publicKey = async (owner: string): Promise<string> =>
    (await readFile(join(folder, `${owner}.pub`), 'utf8')).split(' ').slice(0, 2).join(' ');
  return {
    folder,
    publicKey,
    async signersFile(names) {
      const lines = await Promise.all(names.map(async (name) => `${name}@example.org ${await publicKey(name)}\n`));
      return lines.join('');
    },
    signing: (owner) => signingWith({ key: join(folder, owner) }),
    sign: async (owner, payload, namespace = 'tagflow-release') =>
      run('ssh-keygen', ['-Y', 'sign', '-n', namespace, '-f', join(folder, owner)], {
        input: Buffer.from(payload, 'latin1'),
      }),
    remove: async () => rm(folder, { recursive: true, force: true }),
  };
}

/** Keys of OpenPGP, each in a home of its own. `expired`: owners whose keys were made in 2024 and expired after a year. */
export async function createGpgKeys(
  owners: readonly string[],
  expired: readonly string[] = [],
): Promise<Keys & { fingerprint(owner: string): string; revoked(owner: string): Promise<string> }> {
  // A socket of the agent is in it: its path has to be short.
  const folder = await temporaryFolder('gpg');
  const fingerprints = new Map<string, string>();
  const inHome = async (owner: string, args: readonly string[], input?: string | Uint8Array): Promise<string> => {
    const env = { ...CLEAN_ENVIRONMENT, GNUPGHOME: join(folder, owner) };
    return run('gpg', ['--batch', '--no-tty', '--pinentry-mode', 'loopback', '--passphrase', '', ...args], {
      env,
      ...(input !== undefined && { input }),
    });
  };
  for (const owner of owners) {
    await run('mkdir', ['-m', '700', join(folder, owner)]);
    const old = expired.includes(owner);
    const time = old ? ['--faked-system-time', '20240101T000000'] : ['--faked-system-time', '20250101T000000'];
    await inHome(owner, [
      ...time,
      '--quick-generate-key',
      `${owner} <${owner}@example.org>`,
      'ed25519',
      'sign',
      old ? '365d' : 'never',
    ]);
    const listing = await inHome(owner, ['--with-colons', '--list-keys']);
    fingerprints.set(owner, /^fpr:+([0-9A-F]{40}):/m.exec(listing)?.[1] ?? '');
    await writeFile(join(folder, `${owner}.secret`), await inHome(owner, ['--armor', '--export-secret-keys']));
  }
  return {
    folder,
    fingerprint: (owner) => fingerprints.get(owner) ?? '',
    publicKey: async (owner) => inHome(owner, ['--armor', '--export']),
    async revoked(owner) {
      // gpg writes a revocation with each key; a colon keeps it from being used by accident.
      const file = join(folder, owner, 'openpgp-revocs.d', `${fingerprints.get(owner)}.rev`);
      const revocation = (await readFile(file, 'utf8')).replace(':-----BEGIN', '-----BEGIN');
      const home = join(folder, `${owner}-revoked`);
      await run('mkdir', ['-m', '700', home]);
      const env = { ...CLEAN_ENVIRONMENT, GNUPGHOME: home };
      await run('gpg', ['--batch', '--import'], { env, input: await inHome(owner, ['--armor', '--export']) });
      await run('gpg', ['--batch', '--import'], { env, input: revocation });
      return run('gpg', ['--batch', '--armor', '--export'], { env });
    },
    signing: (owner) => signingWith({ key: join(folder, `${owner}.secret`) }),
    sign: async (owner, payload, options) =>
      inHome(
        owner,
        // A namespace is nothing that gpg knows.
        [...(options?.startsWith('--') === true ? options.split(' ') : []), '--armor', '--detach-sign'],
        Buffer.from(payload, 'latin1'),
      ),
    async remove() {
      for (const owner of owners) {
        await run('gpgconf', ['--kill', 'all'], { env: { ...CLEAN_ENVIRONMENT, GNUPGHOME: join(folder, owner) } });
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Signing with options like those of the command line. */
function signingWith(options: Partial<Parameters<typeof createSigning>[0]>): Signing {
  return createSigning({
    env: CLEAN_ENVIRONMENT,
    timeoutMs: 60_000,
    directory: '/',
    key: undefined,
    gitKey: undefined,
    sshProgram: undefined,
    gpgProgram: undefined,
    ...options,
  });
}
