// Signatures with the user's key: which key that is, and both methods behind the one port.
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { TagflowError } from '../model/errors.ts';
import type { SigningMethod } from '../model/pipeline.ts';
import { plain } from '../model/text.ts';
import { signWithGpg, unlistedWithGpg, verifyWithGpg } from './gpg.ts';
import type { Ended, ProgramOptions } from './program.ts';
import type { SignatureClaim, SignaturePurpose, SignatureVerdict, Signing } from './signing.ts';
import { signWithSsh, unlistedWithSsh, verifyWithSsh } from './ssh.ts';

/** What signing is made from: decisions of the user, from variables and from Git's configuration. */
export interface SigningOptions extends ProgramOptions {
  /** Relative paths of keys are relative to it. */
  readonly directory: string;
  /** TAGFLOW_SIGNING_KEY: the file of a private key; with gpg of an exported secret key, or a key's id. */
  readonly key: string | undefined;
  /** `user.signingKey` of Git. */
  readonly gitKey: string | undefined;
  /** `gpg.ssh.program` and `gpg.program` of Git: for signing alone. */
  readonly sshProgram: string | undefined;
  readonly gpgProgram: string | undefined;
}

/** Signing with the user's key. No process is started, and no key is read, before it is asked for. */
export function createSigning(options: SigningOptions): Signing {
  // A command looks at the same release several times, and each look is a process.
  const verdicts = new Map<string, Promise<SignatureVerdict>>();
  return {
    async sign(method, payload, purpose) {
      const ended = await (method === 'ssh' ? signSsh(options, payload, purpose) : signGpg(options, payload));
      const text = ended.stdout.toString();
      if (ended.exitCode === 0 && text.startsWith('-----BEGIN ')) return text;
      throw new TagflowError('credentials-invalid', {
        what: `the release cannot be signed: ${method === 'ssh' ? 'ssh-keygen' : 'gpg'} made no signature with ${keyName(options)}`,
        why: plain(
          ended.stderr
            .replace(/^\[GNUPG:\].*\n?/gm, '')
            .trim()
            .replaceAll('\n', '; ') || 'it gave no reason',
          400,
        ),
        fix: 'name a key that can be used here: git config user.signingKey, or TAGFLOW_SIGNING_KEY',
      });
    },
    async verify(claim) {
      const key = keyOf(claim);
      const verify = claim.trust.method === 'ssh' ? verifyWithSsh : verifyWithGpg;
      const verdict = verdicts.get(key) ?? verify(claim, options);
      verdicts.set(key, verdict);
      return verdict;
    },
    unlisted: async (trust) => (trust.method === 'ssh' ? unlistedWithSsh : unlistedWithGpg)(trust, options),
  };
}

/** Everything that a verdict follows from. */
function keyOf({ payload, purpose, signature, at, trust }: SignatureClaim): string {
  const { method, signers, revoked, signedBy } = trust;
  const hash = createHash('sha256');
  const words = [method, purpose, signature, String(Math.floor(at / 1000)), ...signedBy];
  for (const part of [payload, signers, revoked ?? '', ...words]) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex');
}

async function signSsh(options: SigningOptions, payload: Uint8Array, purpose: SignaturePurpose): Promise<Ended> {
  const { key, gitKey, directory, env, sshProgram = 'ssh-keygen' } = options;
  const signed = { payload, purpose };
  if (key) {
    const file = resolve(directory, key);
    const secret = await readKey(file);
    return signWithSsh(sshProgram, (await isUsable(file, secret)) ? { file } : { secret }, signed, options);
  }
  if (!gitKey) throw noKey('ssh');
  // As Git reads it: a key written out, or the path of one.
  const literal =
    /^(?:key::)?((?:ssh|ecdsa|sk-ssh|sk-ecdsa)-.*)$/s.exec(gitKey)?.[1] ?? /^key::(.*)$/s.exec(gitKey)?.[1];
  if (literal !== undefined) return signWithSsh(sshProgram, { publicKey: literal }, signed, options);
  const file = gitKey.startsWith('~/') ? join(env['HOME'] ?? '', gitKey.slice(2)) : resolve(directory, gitKey);
  return signWithSsh(sshProgram, { file }, signed, options);
}

async function signGpg(options: SigningOptions, payload: Uint8Array): Promise<Ended> {
  const { key, gitKey, directory, gpgProgram = 'gpg' } = options;
  const file = key && resolve(directory, key);
  if (file && (await isFile(file))) return signWithGpg(gpgProgram, { secret: await readKey(file) }, payload, options);
  const id = key || gitKey;
  if (!id) throw noKey('gpg');
  return signWithGpg(gpgProgram, { id }, payload, options);
}

function keyName({ key, gitKey }: SigningOptions): string {
  return key ? 'the key of TAGFLOW_SIGNING_KEY' : `user.signingKey ${plain(gitKey ?? '', 80)}`;
}

async function readKey(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new TagflowError('credentials-invalid', {
      what: 'cannot read the key that TAGFLOW_SIGNING_KEY names',
      why: cause instanceof Error ? cause.message : String(cause),
      fix: 'set TAGFLOW_SIGNING_KEY to the file that holds the private key (in GitLab CI: a variable of the type file)',
      cause,
    });
  }
}

/** Whether ssh-keygen takes a private key as it is: readable by its owner only, with a last line end. */
async function isUsable(file: string, secret: Buffer): Promise<boolean> {
  return ((await stat(file)).mode & 0o077) === 0 && secret.at(-1) === 0x0a;
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

function noKey(method: SigningMethod): TagflowError {
  return new TagflowError('credentials-invalid', {
    what: 'no signing key is configured',
    why: `tagflow.yaml says signing: ${method}, and neither TAGFLOW_SIGNING_KEY nor user.signingKey of Git is set`,
    fix:
      method === 'ssh'
        ? 'git config user.signingKey ~/.ssh/id_ed25519.pub; in CI name the file of a private key: TAGFLOW_SIGNING_KEY'
        : 'git config user.signingKey FINGERPRINT; in CI name the file of an exported secret key: TAGFLOW_SIGNING_KEY',
  });
}
