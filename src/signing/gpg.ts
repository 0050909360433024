// Signatures of OpenPGP: `gpg --detach-sign` and `--verify`. Decisions come from the exit code and the status lines that
// GnuPG writes for programs (doc/DETAILS), never from words. Verifying uses a home of its own that holds the signers' keys and
// no other, no agent and no network: the user's keyring and web of trust have no say.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Trust } from '../model/pipeline.ts';
import { plain } from '../model/text.ts';
import { type Ended, type ProgramOptions, inFolder, runSigner } from './program.ts';
import type { SignatureClaim, SignatureVerdict } from './signing.ts';

const BATCH = ['--batch', '--no-tty', '--no-options', '--status-fd', '2'];

/** Status lines that mean that a signature, or its key, does not count. */
const BAD = ['BADSIG', 'ERRSIG', 'EXPSIG', 'EXPKEYSIG', 'REVKEYSIG', 'NO_PUBKEY', 'FAILURE', 'UNEXPECTED'];
/** Hash algorithms that are broken: MD5, SHA-1, RIPE-MD/160 (RFC 9580, 9.5). */
const WEAK_HASHES: ReadonlySet<string> = new Set(['1', '2', '3']);

/** Signs with a key of the user's keyring, or with an exported secret key; as the program ended. */
export async function signWithGpg(
  program: string,
  key: { readonly id: string } | { readonly secret: Buffer },
  payload: Uint8Array,
  options: ProgramOptions,
): Promise<Ended> {
  const sign = ['--status-fd', '2', '--armor', '--detach-sign'];
  if ('id' in key) return checkCreated(await runSigner(program, [...sign, '--local-user', key.id], payload, options));
  return inFolder(async (folder) => {
    const inHome = { ...options, variables: { GNUPGHOME: folder } };
    try {
      const imported = await runSigner(program, [...BATCH, '--import'], key.secret, inHome);
      if (imported.exitCode !== 0) return imported;
      return checkCreated(await runSigner(program, [...BATCH, ...sign.slice(2)], payload, inHome));
    } finally {
      // The agent that gpg started for this home would outlive it, with the key in its memory.
      await runSigner('gpgconf', ['--kill', 'all'], new Uint8Array(), inHome);
    }
  });
}

/** Judges a signature. */
export async function verifyWithGpg(
  { payload, signature, at, trust }: SignatureClaim,
  options: ProgramOptions,
): Promise<SignatureVerdict> {
  return inFolder(async (folder) => {
    const [keyring, armour] = [join(folder, 'signers.gpg'), join(folder, 'signature.asc')];
    await writeFile(keyring, binaryKeys(trust.signers));
    await writeFile(armour, signature);
    const keys = ['--no-default-keyring', '--keyring', keyring, '--trust-model', 'always', '--no-auto-key-retrieve'];
    // The signer's clock and ours differ slightly; the question is whether the key was valid at the signer's time.
    const time = ['--faked-system-time', `${Math.floor(at / 1000)}!`, '--ignore-time-conflict'];
    const args = [...BATCH, '--no-autostart', '--disable-dirmngr', ...keys, ...time, '--verify', armour, '-'];
    const inHome = { ...options, variables: { GNUPGHOME: folder } };
    const { exitCode, stderr } = await runSigner('gpg', args, payload, inHome);
    const status = statusLines(stderr);
    const of = (keyword: string): readonly (readonly string[])[] => status.filter(([name]) => name === keyword);
    const bad = BAD.find((keyword) => of(keyword).length > 0);
    const [valid, ...others] = of('VALIDSIG');
    if (bad !== undefined)
      return { problem: `its signature was not valid at that time by the keys in ${trust.file} (${bad})` };
    if (exitCode !== 0 || !valid || others.length > 0 || of('GOODSIG').length !== 1) {
      return { problem: `its signature was made with a key that ${trust.file} does not list` };
    }
    const [, key = '', , , , , , , hash = '', , primary = key] = valid;
    if (WEAK_HASHES.has(hash)) return { problem: 'its signature uses a broken hash algorithm' };
    if (trust.signedBy.length === 0 || trust.signedBy.includes(primary)) return { signer: primary };
    return { problem: `it is signed by ${plain(primary, 64)}, who may not release it` };
  });
}

/** The fingerprints that may sign and are of no primary key in the signers file. */
export async function unlistedWithGpg(
  { signers, signedBy }: Trust,
  options: ProgramOptions,
): Promise<readonly string[]> {
  return inFolder(async (folder) => {
    const args = [...BATCH, '--no-autostart', '--with-colons', '--show-keys'];
    const inHome = { ...options, variables: { GNUPGHOME: folder } };
    const { stdout } = await runSigner('gpg', args, binaryKeys(signers), inHome);
    // doc/DETAILS: the record `fpr` that follows `pub` has a primary key's fingerprint in its tenth field.
    const primaries = new Set(
      [...stdout.toString().matchAll(/^pub:.*\nfpr:(?:[^:]*:){8}([0-9A-F]+):/gm)].map(([, found]) => found),
    );
    return signedBy.filter((fingerprint) => !primaries.has(fingerprint));
  });
}

function checkCreated(ended: Ended): Ended {
  const created = statusLines(ended.stderr).some(([name]) => name === 'SIG_CREATED');
  return created ? ended : { ...ended, exitCode: ended.exitCode === 0 ? 1 : ended.exitCode };
}

/** Status lines, as words; gpg's words for people, beside them, are no status. */
function statusLines(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('[GNUPG:] '))
    .map((line) => line.trimEnd().split(' ').slice(1));
}

/** Keys as a keyring has them: armour (RFC 9580, 6.2) taken off, several blocks joined. */
function binaryKeys(keys: Uint8Array): Buffer {
  const text = Buffer.from(keys).toString('latin1');
  const blocks = [
    ...text.matchAll(/^-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n([\s\S]*?)^-----END PGP PUBLIC KEY BLOCK-----/gm),
  ];
  if (blocks.length === 0) return Buffer.from(keys);
  return Buffer.concat(
    blocks.map(([, block = '']) => {
      const body = block.replaceAll('\r', '').replace(/^(?:[^\n]+\n)*\n/, '');
      const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('='));
      return Buffer.from(lines.join(''), 'base64');
    }),
  );
}
