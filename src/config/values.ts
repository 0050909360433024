// The values of tagflow.yaml, one by one: each text is parsed into the type that it stands for, and what a parser refuses is
// reported where it stands. Values of a wrong type were reported by the structural check and are passed over.
import { attemptNow } from '../model/attempt.ts';
import { sentenceOf } from '../model/errors.ts';
import { FILE_SIZE } from '../model/file-size.ts';
import { nearest } from '../model/nearest.ts';
import { type BranchName, type ObjectId, isBranchName, isObjectId } from '../model/object-id.ts';
import { PIN_STYLES, type PinStyle, type SigningMethod } from '../model/pipeline.ts';
import { type Repository, type Tag, parseReference, parseRepository, parseTag } from '../model/reference.ts';
import type { VersionScheme } from '../model/version.ts';
import type { ConfigDocument } from './document.ts';
import type { Template, PlainValues } from './unchecked.ts';
import { type Parsed, parsePath } from './paths.ts';
import { type ConfigPath, escaped, quote } from './problems.ts';
import { MAX_NAME, MAX_TARGET_TAG, NAME, PRINCIPAL, RETAIN } from './schema.ts';
import { placeholdersIn } from './template.ts';
import { parseVersionPattern } from './version-pattern.ts';

const NAME_PATTERN = new RegExp(NAME);
const PRINCIPAL_PATTERN = new RegExp(PRINCIPAL);
const FINGERPRINT = /^(?:[0-9A-F]{40}|[0-9A-F]{64})$/;

/** Parses single values of a document, and reports those that are wrong. */
export class ValueReader {
  readonly #document: ConfigDocument;

  constructor(document: ConfigDocument) {
    this.#document = document;
  }

  name(name: string, path: ConfigPath, kind: string, shown = name): boolean {
    if (name.length > MAX_NAME) {
      this.report(path, `the name ${quote(name)} has ${name.length} characters`, `use at most ${MAX_NAME}`, 'key');
      return false;
    }
    if (NAME_PATTERN.test(name)) return true;
    const lower = name.toLowerCase();
    const better = NAME_PATTERN.test(lower)
      ? `write ${lower}`
      : 'use lower-case letters and digits, joined by . _ or -';
    this.report(path, `${quote(shown)} is not a name for an ${kind}`, better, 'key');
    return false;
  }

  branch(text: string, path: ConfigPath): BranchName | undefined {
    if (isBranchName(text)) return text;
    const short = text.replace(/^refs\/heads\//, '');
    const fix =
      short !== text && isBranchName(short) ? `write ${short}` : 'see git check-ref-format --help for the rules';
    return this.report(path, `${quote(text)} is not a branch name`, fix);
  }

  targetTag(text: string, path: ConfigPath): Tag | undefined {
    if (text.length > MAX_TARGET_TAG) {
      const what = `the tag ${quote(text)} has ${text.length} characters, and there must be room for -<sequence>`;
      return this.report(path, what, `use at most ${MAX_TARGET_TAG}`);
    }
    return this.attempt(() => parseTag(text), path, 'use another tag');
  }

  repository(text: string, path: ConfigPath): Repository | undefined {
    const bare = withoutTag(text);
    if (bare !== undefined) {
      return this.report(
        path,
        `${quote(text)} is an image, not a repository`,
        `write ${bare}: versions come with promotions`,
      );
    }
    return this.attempt(() => parseRepository(text), path, 'write host/path, or oci:DIR');
  }

  host(text: string, path: ConfigPath): string | undefined {
    const fix = 'write host or host:port';
    if (text.includes('@')) return this.report(path, 'a host cannot contain a user name or password', fix);
    const scheme = /^https?:\/\//.exec(text)?.[0];
    if (scheme) {
      return this.report(path, `${quote(text)} is an address, not a host`, `write it without ${scheme}`);
    }
    const repository = text.includes('/') ? undefined : attemptNow(() => parseRepository(`${text}/x`)).value;
    if (repository?.kind === 'remote') return repository.host;
    return this.report(path, `${quote(text)} is not a registry host`, fix);
  }

  signer(text: string, path: ConfigPath, signing: SigningMethod | undefined): string | undefined {
    if (signing === 'gpg') {
      const fingerprint = text.replaceAll(' ', '').toUpperCase();
      if (FINGERPRINT.test(fingerprint)) return fingerprint;
      const fix = 'write all 40 or 64 digits that gpg --fingerprint shows; shorter ids can be made to collide';
      return this.report(path, `${quote(text)} is not a fingerprint`, fix);
    }
    if (PRINCIPAL_PATTERN.test(text)) return text;
    return this.report(
      path,
      `${quote(text)} is not a principal`,
      'write it exactly as in the signers file: ana@example.com',
    );
  }

  commit(text: string, path: ConfigPath): ObjectId | undefined {
    if (isObjectId(text)) return text;
    return this.report(
      path,
      `${quote(text)} is not a commit id`,
      'write all 40 or 64 digits: git rev-parse origin/BRANCH',
    );
  }

  manifestName(text: string, path: ConfigPath): string | undefined {
    if (!/^[A-Za-z0-9_][A-Za-z0-9._/:-]{0,254}$/.test(text)) {
      return this.report(path, `${quote(text)} is not an image name`, 'write the name as the manifest has it');
    }
    const slash = text.lastIndexOf('/');
    const colon = text.lastIndexOf(':');
    if (colon <= slash) return text;
    return this.report(path, `${quote(text)} has a tag`, `write ${text.slice(0, colon)}`);
  }

  path(text: string, path: ConfigPath): string | undefined {
    return this.parsed(parsePath(text), text, path, 'path');
  }

  versions(value: unknown, path: ConfigPath): VersionScheme | undefined {
    if (!Array.isArray(value)) return this.#scheme(value, path);
    if (value.length === 0) return this.report(path, 'the list of schemes is empty', 'write semver, or leave it out');
    const schemes = value.map((each, index) => this.#scheme(each, [...path, index]));
    const known = schemes.filter((scheme) => scheme !== undefined);
    return known.length < schemes.length ? undefined : { kind: 'list', schemes: known };
  }

  #scheme(value: unknown, path: ConfigPath): Exclude<VersionScheme, { kind: 'list' }> | undefined {
    if (value === undefined || value === 'semver') return { kind: 'semver' };
    if (value === 'unordered') return { kind: 'unordered' };
    const { pattern: source, order } = asValues(value);
    const pattern = this.text(source, [...path, 'pattern'], (text, at) =>
      this.parsed(parseVersionPattern(text), text, at, 'version pattern'),
    );
    return pattern && { kind: 'pattern', pattern, order: order === 'alphabetical' ? 'alphabetical' : 'numeric' };
  }

  /** A pin style; undefined where none, or none that is known, was written. */
  pinStyle(value: unknown): PinStyle | undefined {
    return PIN_STYLES.find((style) => style === value);
  }

  /** A text that may hold some placeholders. */
  template(text: string, at: ConfigPath, allowed: readonly string[]): Template | undefined {
    for (const name of placeholdersIn(text)) {
      if (allowed.includes(name)) continue;
      const meant = nearest(name, allowed);
      const fix = meant
        ? `did you mean {${meant}}?`
        : allowed.length === 0
          ? 'write the value itself'
          : `placeholders here: ${allowed.map((each) => `{${each}}`).join(', ')}`;
      return this.report(at, `{${name}} is not a placeholder here`, fix);
    }
    return { text, at };
  }

  retain(value: unknown, path: ConfigPath, usual: number): number {
    if (!Number.isInteger(value)) return usual;
    const count = value as number;
    if (count >= RETAIN.least && count <= RETAIN.most) return count;
    this.report(path, `${quote(value)} is out of range`, `write a number from ${RETAIN.least} to ${RETAIN.most}`);
    return usual;
  }

  fileSize(value: unknown): number {
    if (value === undefined) return FILE_SIZE.usual;
    const match = typeof value === 'string' ? /^([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(KiB|MiB)$/.exec(value) : undefined;
    if (typeof value === 'string' && !match) {
      this.report(['maxFileSize'], `${quote(value)} is not a size`, 'write bytes, or a number of KiB or MiB: 512KiB');
      return FILE_SIZE.usual;
    }
    const bytes = match ? Math.floor(Number(match[1]) * (match[2] === 'MiB' ? 1024 * 1024 : 1024)) : value;
    if (typeof bytes !== 'number') return FILE_SIZE.usual;
    if (bytes >= FILE_SIZE.least && bytes <= FILE_SIZE.most) return bytes;
    this.report(['maxFileSize'], `${quote(value)} is out of range`, 'write a size from 1KiB to 16MiB');
    return FILE_SIZE.usual;
  }

  text<T>(value: unknown, path: ConfigPath, parse: (text: string, path: ConfigPath) => T | undefined): T | undefined {
    return typeof value === 'string' ? parse(value, path) : undefined;
  }

  list<T>(value: unknown, path: ConfigPath, parse: (text: string, path: ConfigPath) => T | undefined): readonly T[] {
    const texts = asList(value);
    return texts.flatMap((text, index) => {
      if (texts.indexOf(text) !== index) {
        this.report([...path, index], `${quote(text)} is listed twice`, 'list it once');
        return [];
      }
      const parsed = this.text(text, [...path, index], parse);
      return parsed === undefined ? [] : [parsed];
    });
  }

  parsed<T>(result: Parsed<T>, text: string, path: ConfigPath, kind: string): T | undefined {
    if ('value' in result) return result.value;
    return this.report(path, `${quote(text)} is not a ${kind}: ${escaped(result.why)}`, escaped(result.fix));
  }

  attempt<T>(parse: () => T, path: ConfigPath, fix: string): T | undefined {
    const { value, problem } = attemptNow(parse);
    return problem ? this.report(path, escaped(sentenceOf(problem)), escaped(problem.fix ?? fix)) : value;
  }

  report(path: ConfigPath, what: string, fix: string, at: 'key' | 'value' = 'value'): undefined {
    this.#document.report(path, what, fix, at);
    return undefined;
  }
}

/** The repository of a text that names a tag or digest as well; undefined when it does not, or is not a reference. */
function withoutTag(text: string): string | undefined {
  if (text.startsWith('oci:') || !/[:@]/.test(text.slice(text.lastIndexOf('/') + 1))) return undefined;
  if (!text.includes('/')) return undefined;
  return attemptNow(() => parseReference(text)).value?.repository.name;
}

/** Whether a value is a map. */
export function isValues(value: unknown): value is PlainValues {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A map; an empty one for anything else. */
export function asValues(value: unknown): PlainValues {
  return isValues(value) ? value : {};
}

/** A list; an empty one for anything else. */
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
