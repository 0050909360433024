// Version tags and their order. Versions are tags that a scheme can read; other tags of a repository are not versions.
import { TagflowError } from './errors.ts';
import { type Tag, isTag } from './reference.ts';

/**
 * How an image's version tags are read and ordered.
 * `semver`: `vX`, `VX.Y`, `X.Y.Z`, with an optional pre-release (semver.org, clause 11, for precedence).
 * `pattern`: an anchored regular expression with a group `order`, compared as a number or as text.
 * `unordered`: every tag is a version, and none is newer than another: commit ids.
 * `list`: schemes that are tried in order; versions that different ones read have no order.
 */
export type VersionScheme =
  | { readonly kind: 'semver' }
  | { readonly kind: 'pattern'; readonly pattern: RegExp; readonly order: 'numeric' | 'alphabetical' }
  | { readonly kind: 'unordered' }
  | { readonly kind: 'list'; readonly schemes: readonly Exclude<VersionScheme, { kind: 'list' }>[] };

/** A version tag that its scheme could read. */
export interface Version {
  /** The tag as it stands in the registry, `V4.2`. */
  readonly tag: Tag;
  readonly key: VersionKey;
  /** Which scheme of a list read it, counted from 0. */
  readonly rank?: number;
}

/** A whole number of any length; a plain one where that is exact, as lists of tags are long. */
type Count = number | bigint;

type VersionKey =
  | {
      readonly kind: 'semver';
      readonly numbers: readonly [Count, Count, Count];
      readonly preRelease: readonly string[];
    }
  | { readonly kind: 'pattern'; readonly value: bigint | string }
  | { readonly kind: 'unordered' };

const SEMVER = /^[vV]?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/;

/** The version a tag spells under a scheme, or undefined when the tag is not a version. */
export function readVersion(tag: string, scheme: VersionScheme): Version | undefined {
  if (scheme.kind === 'semver') {
    const match = SEMVER.exec(tag);
    if (!match || !isTag(tag)) return undefined;
    const [, major = '0', minor = '0', patch = '0', preRelease] = match;
    const numbers = [countOf(major), countOf(minor), countOf(patch)] as const;
    return { tag, key: { kind: 'semver', numbers, preRelease: preRelease?.split('.') ?? [] } };
  }
  if (!isTag(tag)) return undefined;
  if (scheme.kind === 'unordered') return { tag, key: { kind: 'unordered' } };
  if (scheme.kind === 'list') return readListed(tag, scheme.schemes);
  // A pattern with the flag g or y would otherwise go on from where its last match ended.
  scheme.pattern.lastIndex = 0;
  const value = scheme.pattern.exec(tag)?.groups?.['order'];
  if (value === undefined) return undefined;
  if (scheme.order === 'alphabetical') return { tag, key: { kind: 'pattern', value } };
  return /^[0-9]+$/.test(value) ? { tag, key: { kind: 'pattern', value: BigInt(value) } } : undefined;
}

function readListed(tag: Tag, schemes: readonly VersionScheme[]): Version | undefined {
  for (const [rank, scheme] of schemes.entries()) {
    const version = readVersion(tag, scheme);
    if (version) return { ...version, rank };
  }
  return undefined;
}

/** The version a tag spells. Throws `version-invalid` when the scheme cannot read it. */
export function parseVersion(tag: string, scheme: VersionScheme, image: string): Version {
  const version = readVersion(tag, scheme);
  if (version) return version;
  throw new TagflowError('version-invalid', {
    what: `${JSON.stringify(tag)} is not a version of ${image}`,
    why: `versions of this image ${describeScheme(scheme)}`,
    fix: `use a version tag${tag === 'latest' ? ` (${image}=newest promotes the newest version)` : ''}; if your versions look different, describe them under images.${image}.versions in tagflow.yaml`,
  });
}

function describeScheme(scheme: VersionScheme): string {
  switch (scheme.kind) {
    case 'semver':
      return 'look like 4, v1.2, V1.2, 1.2.3 or 1.2.3-rc.1';
    case 'pattern':
      return `match ${scheme.pattern.source}`;
    case 'unordered':
      return 'are tags: letters, digits and . _ -, at most 128';
    case 'list':
      return scheme.schemes.map(describeScheme).join(', or ');
  }
}

/** Whether one of two versions of an image can be newer than the other. */
export function areOrdered(a: Version, b: Version): boolean {
  return a.rank === b.rank && a.key.kind === b.key.kind && a.key.kind !== 'unordered';
}

/**
 * Order of two versions of one scheme: negative when `a` is older, 0 when neither is newer, positive when `a` is newer.
 * V3.2 < V4.0 < V4.2, V10.6 < V10.11, 1.0-rc.2 < 1.0-rc.10 < 1.0. `v1.0`, `V1.0` and `1.0.0` are the same version.
 * Versions without an order between them are in that of the list that read them, otherwise in none.
 */
export function compareVersions(a: Version, b: Version): number {
  if (a.rank !== b.rank) return (b.rank ?? 0) - (a.rank ?? 0);
  const left = a.key;
  const right = b.key;
  if (left.kind === 'semver' && right.kind === 'semver') {
    for (const [index, number] of left.numbers.entries()) {
      const order = compare(number, right.numbers[index] ?? 0);
      if (order !== 0) return order;
    }
    return comparePreRelease(left.preRelease, right.preRelease);
  }
  if (left.kind === 'pattern' && right.kind === 'pattern') return compare(left.value, right.value);
  return compare(left.kind, right.kind);
}

/** The newest of the versions among tags, pre-releases only when nothing else is there; undefined when none is one. */
export function newestVersion(tags: Iterable<string>, scheme: VersionScheme): Version | undefined {
  let newest: Version | undefined;
  for (const tag of tags) {
    const version = readVersion(tag, scheme);
    if (version && (!newest || isBetter(version, newest))) newest = version;
  }
  return newest;
}

function isBetter(candidate: Version, best: Version): boolean {
  if (isPreRelease(candidate) !== isPreRelease(best)) return isPreRelease(best);
  const order = compareVersions(candidate, best);
  // Two tags of one version: the choice must not depend on the order a registry lists them in.
  return order === 0 ? candidate.tag < best.tag : order > 0;
}

function isPreRelease(version: Version): boolean {
  return version.key.kind === 'semver' && version.key.preRelease.length > 0;
}

function comparePreRelease(a: readonly string[], b: readonly string[]): number {
  // A release is newer than every pre-release of it.
  if (a.length === 0 || b.length === 0) return compare(Number(a.length === 0), Number(b.length === 0));
  for (const [index, left] of a.entries()) {
    const right = b[index];
    if (right === undefined) return 1;
    const order = compareIdentifiers(left, right);
    if (order !== 0) return order;
  }
  return a.length < b.length ? -1 : 0;
}

function compareIdentifiers(a: string, b: string): number {
  const numericA = /^[0-9]+$/.test(a);
  const numericB = /^[0-9]+$/.test(b);
  if (numericA && numericB) return compare(BigInt(a), BigInt(b));
  if (numericA !== numericB) return numericA ? -1 : 1;
  return compare(a, b);
}

function countOf(digits: string): Count {
  return digits.length <= 15 ? Number(digits) : BigInt(digits);
}

function compare<T extends bigint | number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
