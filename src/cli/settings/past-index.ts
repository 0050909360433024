// Where what is known about the past is kept between runs, and the key that seals it. The folder may be shared, or come out of the
// cache of a CI system; the key is never in it, so content that somebody puts there is not trusted.
import { writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { FolderStore, readKeptFile } from '../../ledger/past/folder-store.ts';
import { PastIndex } from '../../ledger/past/past-index.ts';
import { type FolderHost, ownFolder } from '../process/own-folder.ts';
import { VERSION } from '../process/version.ts';

/** Bytes of a key. */
const KEY = 32;

/** Returns the index of a repository's past; undefined where the user wants none, or where no folder is the user's own. */
export function openPastIndex(host: FolderHost, url: string): PastIndex | undefined {
  if (host.env['TAGFLOW_INDEX'] === 'off') return undefined;
  const folder = ownFolder(host, 'cache', ['past']);
  const key = folder && keyOf(host);
  // Another version may read the same objects differently.
  return folder !== undefined && key ? new PastIndex(new FolderStore(folder), key, `${VERSION} ${url}`) : undefined;
}

/** The key that was given, or else the user's own on this machine, made where it lacks. */
function keyOf(host: FolderHost): Uint8Array | undefined {
  const given = host.env['TAGFLOW_INDEX_KEY'];
  if (given) return Buffer.from(given);
  const folder = ownFolder(host, 'state');
  if (folder === undefined) return undefined;
  const file = join(folder, 'index-key');
  return read(file) ?? make(file) ?? read(file);
}

function read(file: string): Uint8Array | undefined {
  const key = readKeptFile(file);
  return key?.length === KEY ? key : undefined;
}

/** Makes a key; undefined where another process was quicker, or it cannot be written. */
function make(file: string): Uint8Array | undefined {
  try {
    const key = randomBytes(KEY);
    writeFileSync(file, key, { flag: 'wx', mode: 0o600 });
    return key;
  } catch {
    return undefined;
  }
}
