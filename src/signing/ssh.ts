// Signatures of OpenSSH: `ssh-keygen -Y sign` and `-Y verify`, in a namespace for each purpose (PROTOCOL.sshsig); those of
// commits in the namespace `git`, as Git makes and reads them (gitformat-signature(5)). Decisions come from exit codes. Verifying uses the ssh-keygen of PATH and nothing
// that a repository's configuration names: that could say "good" to everything.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Instant } from '../model/effects.ts';
import type { Trust } from '../model/pipeline.ts';
import { plain } from '../model/text.ts';
import { type Ended, type ProgramOptions, inFolder, runSigner } from './program.ts';
import { countingSigners, patternSigners } from './signers.ts';
import type { SignatureClaim, SignaturePurpose, SignatureVerdict } from './signing.ts';

const NAMESPACES: Readonly<Record<SignaturePurpose, string>> = {
  commit: 'git',
  release: 'tagflow-release',
  journal: 'tagflow-journal',
};

/** A key: the file it is in (private, or public with the private one in an agent), or its public half alone. */
export type SshKey = { readonly file: string } | { readonly publicKey: string };

/** Signs with a key; as the program ended. `secret`: the content of a private key, given in place of a key. */
export async function signWithSsh(
  program: string,
  key: SshKey | { readonly secret: Buffer },
  { payload, purpose }: Pick<SignatureClaim, 'payload' | 'purpose'>,
  options: ProgramOptions,
): Promise<Ended> {
  const sign = async (file: string, more: readonly string[] = []): Promise<Ended> =>
    runSigner(program, ['-Y', 'sign', '-n', NAMESPACES[purpose], '-f', file, ...more], payload, options);
  if ('file' in key) return sign(key.file);
  return inFolder(async (folder) => {
    const file = join(folder, 'key');
    if ('publicKey' in key) {
      await writeFile(file, `${key.publicKey}\n`);
      return sign(file, ['-U']);
    }
    // ssh-keygen refuses files that others can read, as those of CI variables are, and keys without a final line end.
    await writeFile(file, Buffer.concat([key.secret, Buffer.from('\n')]), { mode: 0o600 });
    return sign(file);
  });
}

/** Judges a signature. */
export async function verifyWithSsh(
  { payload, purpose, signature, at, trust }: SignatureClaim,
  options: ProgramOptions,
): Promise<SignatureVerdict> {
  return inFolder(async (folder) => {
    const [signers, revoked, armour] = ['signers', 'revoked', 'signature'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(signers, countingSigners(trust));
    await writeFile(armour, signature);
    if (trust.revoked) await writeFile(revoked, trust.revoked);
    const common = ['-f', signers, '-s', armour, `-Overify-time=${timestamp(at)}`];
    const verify = async (principal: string): Promise<boolean> => {
      const more = ['-I', principal, '-n', NAMESPACES[purpose], ...(trust.revoked ? ['-r', revoked] : [])];
      const { exitCode } = await runSigner('ssh-keygen', ['-Y', 'verify', ...common, ...more], payload, options);
      return exitCode === 0;
    };
    for (const principal of trust.signedBy) if (await verify(principal)) return { signer: principal };
    // Whose key it would be: one principal a line, that is what it prints.
    const found = await runSigner('ssh-keygen', ['-Y', 'find-principals', ...common], new Uint8Array(), options);
    const owners = found.exitCode === 0 ? found.stdout.toString().split('\n').filter(Boolean) : [];
    if (owners.length === 0) {
      const [pattern] = patternSigners(trust);
      const passedOver =
        pattern === undefined ? '' : `; keys of patterns, such as ${plain(pattern, 80)}, do not count beside signedBy`;
      return {
        problem: `its signature was made with a key that ${trust.file} did not list as valid at that time${passedOver}`,
      };
    }
    const names = plain(owners.join(', '), 200);
    const good = await firstOf(owners, verify);
    if (good === undefined) return { problem: `its signature, made with a key of ${names}, is not valid` };
    return trust.signedBy.length === 0
      ? { signer: good }
      : { problem: `it is signed by ${names}, who may not release it` };
  });
}

/** The principals who may sign but are not in the signers file. */
export async function unlistedWithSsh(trust: Trust, options: ProgramOptions): Promise<readonly string[]> {
  return inFolder(async (folder) => {
    const file = join(folder, 'signers');
    await writeFile(file, countingSigners(trust));
    const missing: string[] = [];
    for (const principal of trust.signedBy) {
      const args = ['-Y', 'match-principals', '-I', principal, '-f', file];
      if ((await runSigner('ssh-keygen', args, new Uint8Array(), options)).exitCode !== 0) missing.push(principal);
    }
    return missing;
  });
}

async function firstOf<T>(items: readonly T[], holds: (item: T) => Promise<boolean>): Promise<T | undefined> {
  for (const item of items) if (await holds(item)) return item;
  return undefined;
}

/** `YYYYMMDDHHMMSS`, which ssh-keygen reads in its time zone. */
function timestamp(at: Instant): string {
  return new Date(at)
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replace(/\D/g, '');
}
