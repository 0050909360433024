// Git's object formats: how blobs, trees and commits are spelled and named. Pure: bytes in, values out.
// gitformat-pack(5), gitformat-signature(5), git-hash-object(1), git-commit-tree(1), and Documentation/technical/hash-function-transition.
import { createHash } from 'node:crypto';
import { TagflowError } from '../model/errors.ts';
import { type ObjectId, isObjectId, parseObjectId } from '../model/object-id.ts';
import type { Commit, CommitSignature, TreeEntry } from './ledger.ts';

/** In bytes. No file system has longer names: 255 bytes or 255 units of UTF-16, which are up to 765 bytes. */
const LONGEST_NAME = 1024;

/** The hash a repository names its objects with. */
export type HashAlgorithm = 'sha1' | 'sha256';

/** The kinds of object that are made here. */
export type ObjectType = 'blob' | 'tree' | 'commit';

/** An object that is to be stored. */
export interface NewObject {
  readonly id: ObjectId;
  readonly type: ObjectType;
  readonly content: Uint8Array;
}

/** One entry of one tree object. `name` has no `/`; bytes that are not UTF-8 are kept, see `decodeName`. */
export interface TreeItem {
  readonly name: string;
  readonly mode: TreeEntry['mode'] | '40000';
  readonly id: ObjectId;
}

/** What a commit object is made of, before it has an id. */
export type CommitContent = Omit<Commit, 'id'>;

/** The hash of the repository that an object id comes from. */
export function algorithmOf(id: ObjectId): HashAlgorithm {
  return id.length === 64 ? 'sha256' : 'sha1';
}

/** The object that content makes, under its id. */
export function makeObject(type: ObjectType, content: Uint8Array, algorithm: HashAlgorithm): NewObject {
  const hash = createHash(algorithm).update(`${type} ${content.length}\0`).update(content).digest('hex');
  return { id: parseObjectId(hash), type, content };
}

/**
 * The entries of a tree object, in its order. Throws `tree-unsafe` for names that would escape a work tree or hide
 * files in it: `..`, `.`, `.git` in any spelling a file system takes for it, names with `/`, and doubled names.
 */
export function parseTree(content: Uint8Array, algorithm: HashAlgorithm): readonly TreeItem[] {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const idLength = algorithm === 'sha1' ? 20 : 32;
  const items: TreeItem[] = [];
  const seen = new Set<string>();
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const end = bytes.indexOf(0, space);
    if (space < 0 || end < 0 || end + 1 + idLength > bytes.length) throw unsafeTree('a tree object is cut short');
    if (end - space > LONGEST_NAME) throw unsafeTree(`a tree has a name of ${end - space - 1} bytes`);
    const name = decodeName(bytes.subarray(space + 1, end));
    const reason = hostileName(name);
    if (reason !== undefined) throw unsafeTree(`a tree has the entry ${JSON.stringify(name)}`, reason);
    if (seen.has(name)) throw unsafeTree(`a tree has two entries ${JSON.stringify(name)}`);
    seen.add(name);
    const id = bytes.toString('hex', end + 1, end + 1 + idLength);
    items.push({ name, mode: parseMode(bytes.toString('latin1', at, space)), id: parseObjectId(id) });
    at = end + 1 + idLength;
  }
  return items;
}

/** The tree object of entries, sorted as Git sorts them: by bytes, folders as if they ended in `/`. */
export function formatTree(items: Iterable<TreeItem>): Uint8Array {
  const rows = [...items].map((item) => {
    const name = encodeName(item.name);
    return { item, name, key: item.mode === '40000' ? Buffer.concat([name, Buffer.from('/')]) : name };
  });
  rows.sort((a, b) => Buffer.compare(a.key, b.key));
  return Buffer.concat(
    rows.flatMap(({ item, name }) => [
      Buffer.from(`${item.mode} `),
      name,
      Buffer.from([0]),
      Buffer.from(item.id, 'hex'),
    ]),
  );
}

/**
 * The commit that a commit object spells. Its parents are those that Git reads: the lines right below `tree`. Throws
 * `tree-unsafe` where a line elsewhere looks like one of these. Damaged other headers give an empty author or time 0, as
 * `git log` shows them.
 */
export function parseCommit(id: ObjectId, content: Uint8Array): Commit {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const gap = bytes.indexOf('\n\n');
  const [tree = '', ...head] = (gap < 0 ? bytes : bytes.subarray(0, gap)).toString('utf8').split('\n');
  const end = head.findIndex((line) => !line.startsWith('parent '));
  const [parents, rest] = end < 0 ? [head, []] : [head.slice(0, end), head.slice(end)];
  const ids = [tree.replace(/^tree /, ''), ...parents.map((line) => line.slice(7))];
  const wrong = !tree.startsWith('tree ') || rest.some((line) => /^(?:tree|parent)(?:\s|$)/.test(line));
  if (wrong || !ids.every((one) => isObjectId(one) && one.length === id.length)) throw unsafeCommit(id);
  const first = (key: string): string | undefined =>
    rest.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1);
  const author = /^(.*>) -?\d+ [+-]\d{4}$/.exec(first('author') ?? '')?.[1] ?? first('author') ?? '';
  const seconds = / (-?\d+) [+-]\d{4}$/.exec(first('committer') ?? '')?.[1];
  return {
    id,
    tree: parseObjectId(ids[0] ?? ''),
    parents: ids.slice(1).map(parseObjectId),
    author,
    time: timeOf(seconds),
    message: gap < 0 ? '' : decodeMessage(bytes.subarray(gap + 2), first('encoding')),
  };
}

function unsafeCommit(id: ObjectId): TagflowError {
  return new TagflowError('tree-unsafe', {
    what: `commit ${id} is not read`,
    why: 'its headers are not in the order in which Git writes them, so two readers could see other parents',
    fix: 'remove it from the branch; git fsck reports it as well',
  });
}

/** A moment that there is: what a commit says may be beyond any date. */
function timeOf(seconds: string | undefined): number {
  const time = Number(seconds ?? 0) * 1000;
  return Math.abs(time) <= 8.64e15 ? time : 0;
}

/**
 * The commit object of a draft, author and committer alike, in UTC. The message gets a final line end where it has none.
 * Throws `usage` for an author that is not `Name <address>` or a message with a NUL.
 */
export function formatCommit(commit: CommitContent): Uint8Array {
  const { tree, parents, author, time, message } = commit;
  if (!/^[^<>\x00-\x1f\x7f]+ <[^<>\x00-\x20\x7f]*>$/.test(author)) {
    throw new TagflowError('usage', {
      what: `${JSON.stringify(author)} cannot be the author of a commit`,
      why: 'an author is a name, a space and an address in angle brackets, with no control characters',
      fix: 'write it like: Ann Lee <ann@example.org>',
    });
  }
  if (message.includes('\0')) throw new TagflowError('usage', { what: 'a commit message cannot hold a NUL character' });
  const person = `${author} ${Math.floor(time / 1000)} +0000`;
  const lines = [
    `tree ${tree}`,
    ...parents.map((parent) => `parent ${parent}`),
    `author ${person}`,
    `committer ${person}`,
    '',
    message.endsWith('\n') ? message : `${message}\n`,
  ];
  return Buffer.from(lines.join('\n'));
}

/** The header that holds a commit's signature, by the hash of the repository. */
const SIGNATURE_HEADER: Readonly<Record<HashAlgorithm, string>> = { sha1: 'gpgsig', sha256: 'gpgsig-sha256' };

/** A commit object with a signature of it (armoured, several lines) put in, as the last of its headers. */
export function withSignature(content: Uint8Array, signature: string, algorithm: HashAlgorithm): Uint8Array {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const gap = bytes.indexOf('\n\n') + 1;
  const header = `${SIGNATURE_HEADER[algorithm]} ${signature.trimEnd().replaceAll('\n', '\n ')}\n`;
  return Buffer.concat([bytes.subarray(0, gap), Buffer.from(header, 'latin1'), bytes.subarray(gap)]);
}

/**
 * The signature of a commit object, and what it is to be a signature of: the object without it. One that has another
 * header beside it that might be taken for a signature has none: of two readers, each could believe in another.
 */
export function signatureOf(content: Uint8Array, algorithm: HashAlgorithm): CommitSignature {
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1');
  const gap = text.indexOf('\n\n');
  const headers = (gap < 0 ? text : text.slice(0, gap)).split(/\n(?! )/);
  const signatures = headers.filter((header) => header.toLowerCase().startsWith('gpgsig'));
  const [signature, ...others] = signatures;
  if (signature === undefined) return { problem: 'it is not signed' };
  if (others.length > 0) return { problem: 'it has more than one signature' };
  const name = `${SIGNATURE_HEADER[algorithm]} `;
  if (!signature.startsWith(name)) return { problem: `its signature is not under ${name.trim()}` };
  const payload = headers.filter((header) => header !== signature).join('\n') + (gap < 0 ? '' : text.slice(gap));
  return {
    payload: Buffer.from(payload, 'latin1'),
    signature: `${signature.slice(name.length).replaceAll('\n ', '\n').trimEnd()}\n`,
  };
}

/**
 * The text of a file name. Bytes that are not UTF-8 become lone surrogates U+DC80 to U+DCFF (as PEP 383 has it), so
 * that `encodeName` gives back the very same bytes.
 */
export function decodeName(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  if (!text.includes('\ufffd') || Buffer.from(text).equals(bytes)) return text;
  let name = '';
  for (let at = 0; at < bytes.length;) {
    const length = [1, 2, 3, 4].find((length) => isUtf8(bytes.subarray(at, at + length)));
    if (length === undefined) {
      name += String.fromCharCode(0xdc00 + (bytes[at] ?? 0));
      at += 1;
    } else {
      name += Buffer.from(bytes.subarray(at, at + length)).toString('utf8');
      at += length;
    }
  }
  return name;
}

/** The bytes of a file name: the inverse of `decodeName`. */
export function encodeName(name: string): Buffer {
  if (!/[\udc80-\udcff]/.test(name)) return Buffer.from(name);
  const parts: Buffer[] = [];
  for (const character of name) {
    const code = character.charCodeAt(0);
    const escaped = character.length === 1 && code >= 0xdc80 && code <= 0xdcff;
    parts.push(escaped ? Buffer.from([code - 0xdc00]) : Buffer.from(character));
  }
  return Buffer.concat(parts);
}

/** Why a name may not stand in a tree, or undefined when it may. The rules of verify_path() in Git's read-cache.c. */
export function hostileName(name: string): string | undefined {
  if (name === '' || name === '.' || name === '..') return 'it would lead out of its folder';
  if (name.includes('/') || name.includes('\0')) return 'a name in a tree has no slash and no NUL';
  // HFS+ ignores some characters, NTFS ignores trailing dots and spaces, streams, and knows GIT~1.
  const plain = name
    .replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '')
    .replace(/[\\:].*$/s, '')
    .replace(/[. ]+$/, '')
    .toLowerCase();
  return plain === '.git' || plain === 'git~1'
    ? 'it stands for the folder in which Git keeps its own files'
    : undefined;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function parseMode(text: string): TreeItem['mode'] {
  switch (text) {
    case '40000':
    case '040000':
      return '40000';
    case '100755':
    case '120000':
    case '160000':
      return text;
    default:
      // Early Git wrote other permission bits (100664); it reads them all as a plain file.
      if (/^100[0-7]{3}$/.test(text)) return Number.parseInt(text, 8) & 0o100 ? '100755' : '100644';
      throw unsafeTree(`a tree has an entry of mode ${JSON.stringify(text)}`);
  }
}

function decodeMessage(bytes: Buffer, encoding: string | undefined): string {
  if (encoding === undefined) return bytes.toString('utf8');
  try {
    return new TextDecoder(encoding).decode(bytes);
  } catch {
    return bytes.toString('utf8');
  }
}

function unsafeTree(what: string, why?: string): TagflowError {
  return new TagflowError('tree-unsafe', { what, why, fix: 'remove it from the branch, then run the command again' });
}
