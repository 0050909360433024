// The signers file of OpenSSH, as far as roles depend on it: `principals [options] keytype key` (ssh-keygen(1), ALLOWED SIGNERS).
// Its principals are patterns. Where `signedBy` says who may release, a key for `*@example.org` would be a key of each of them.
import type { Trust } from '../model/pipeline.ts';
import { matchesWildcard } from '../model/wildcard.ts';

/** The principals of the signers file that stand for several, and so for nobody where `signedBy` names who may release. */
export function patternSigners({ method, signers, signedBy }: Trust): readonly string[] {
  if (method !== 'ssh' || signedBy.length === 0) return [];
  return [...new Set(linesOf(signers).flatMap((line) => (isPattern(line) ? [principalsOf(line)] : [])))];
}

/** The principals of lines whose `namespaces` leave out that of releases: their keys are for commits or other things. */
export function restrictedSigners({ method, signers }: Trust): readonly string[] {
  if (method !== 'ssh') return [];
  const restricted = linesOf(signers).filter((line) => {
    const namespaces = /(?:^|,)namespaces="([^"]*)"/i.exec(optionsOf(line))?.[1];
    return namespaces !== undefined && !namespaces.split(',').some((one) => matchesWildcard(one, 'tagflow-release'));
  });
  return [...new Set(restricted.map(principalsOf))];
}

/** The signers file that counts: without lines for patterns, where `signedBy` names who may release. */
export function countingSigners(trust: Trust): Uint8Array {
  if (trust.signedBy.length === 0) return trust.signers;
  const kept = linesOf(trust.signers).filter((line) => !isPattern(line));
  return Buffer.from(kept.join('\n'), 'latin1');
}

/**
 * Other principals for whom the signers file lists a key that it lists for a principal: one person under several names. Of OpenPGP a
 * principal is the key itself.
 */
export function sameKeyholders({ method, signers }: Trust, principal: string): readonly string[] {
  if (method !== 'ssh') return [];
  const listed = linesOf(signers).flatMap((line) => {
    const key = /\b((?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+)\s+([A-Za-z0-9+/=]+)/.exec(line)?.[2];
    const names = principalsOf(line).toLowerCase().split(',');
    return key === undefined ? [] : [{ key, names }];
  });
  const own = principal.toLowerCase();
  const keys = new Set(listed.flatMap(({ key, names }) => (names.includes(own) ? [key] : [])));
  const others = listed.flatMap(({ key, names }) => (keys.has(key) ? names : []));
  return [...new Set(others)].filter((name) => name !== own);
}

function isPattern(line: string): boolean {
  return /[*?!]/.test(principalsOf(line)) && !isAuthority(line);
}

/**
 * Whether the key is one of an authority. Its certificates name their owners themselves, so there a pattern only narrows. The
 * text in the quotes of another option does not count, and quotes that are escaped make no authority: they could hide it.
 */
function isAuthority(line: string): boolean {
  const options = optionsOf(line);
  return !options.includes('\\') && /(?:^|,)cert-authority(?:,|$)/i.test(options.replaceAll(/"[^"]*"/g, '""'));
}

function principalsOf(line: string): string {
  return /^\s*(?:"([^"]*)"|([^\s#]\S*))/.exec(line)?.slice(1).find(Boolean) ?? '';
}

/** The word after the principals, where it is not a type of key. */
function optionsOf(line: string): string {
  const rest = line.replace(/^\s*(?:"[^"]*"|\S+)\s+/, '');
  return /^(?:"[^"]*"|[^\s"])+/.exec(rest)?.[0] ?? '';
}

function linesOf(signers: Uint8Array): readonly string[] {
  return Buffer.from(signers).toString('latin1').split(/\r?\n/);
}
