// Where what is known about the past is kept: a folder and its fake keep one contract, and what is not sealed is not trusted.
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPastIndex } from '../../src/cli/settings/past-index.ts';
import { FolderStore } from '../../src/ledger/past/folder-store.ts';
import type { PastStore } from '../../src/ledger/past/past-store.ts';
import { seal, unseal } from '../../src/ledger/past/seal.ts';
import { run, temporaryFolder } from '../support/git-repository.ts';
import { createMemoryStore, flipped } from '../support/memory-store.ts';

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder('past');
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const stores: readonly (readonly [string, () => PastStore])[] = [
  ['a folder', () => new FolderStore(folder)],
  ['memory', createMemoryStore],
];

describe.each(stores)('a store in %s', (_, open) => {
  it('gives back what it was given last, under each name', async () => {
    const store = open();
    await store.write('a', Buffer.from('one'));
    await store.write('b', Buffer.from('two'));
    await store.write('a', Buffer.from('three'));
    expect(Buffer.from((await store.read('a')) ?? []).toString()).toBe('three');
    expect(Buffer.from((await store.read('b')) ?? []).toString()).toBe('two');
    expect(await store.read('c')).toBeUndefined();
  });

  it('shows a reader whole contents, however many write', async () => {
    const store = open();
    const contents = ['x', 'y', 'z'].map((letter) => Buffer.alloc(100_000, letter));
    await Promise.all(contents.map(async (content) => store.write('a', content)));
    const read = Buffer.from((await store.read('a')) ?? []);
    expect(contents.some((content) => content.equals(read))).toBe(true);
  });
});

describe('a folder', () => {
  it('keeps nothing where it is gone, and says nothing of it', async () => {
    const store = new FolderStore(join(folder, 'gone'));
    await store.write('a', Buffer.from('one'));
    expect(await store.read('a')).toBeUndefined();
  });

  it('keeps the newest files where there is no place for all, and leaves nothing half written', async () => {
    const store = new FolderStore(folder, 250);
    for (const name of ['a', 'b', 'c']) await store.write(name, Buffer.alloc(100));
    expect(await readdir(folder)).toHaveLength(2);
    expect(await store.read('c')).toHaveLength(100);
  });
});

describe('a seal', () => {
  const key = Buffer.from('key');
  const sealed = seal(key, 'name', Buffer.from('content'));

  it('lets through what was sealed', () => {
    expect(Buffer.from(unseal(key, 'name', sealed) ?? []).toString()).toBe('content');
  });

  it('lets nothing through in which any one bit is another', () => {
    const passed = Array.from({ length: 8 * sealed.length }, (_, bit) => unseal(key, 'name', flipped(sealed, bit)));
    expect(passed.filter((content) => content !== undefined)).toEqual([]);
  });

  it('lets nothing through that is cut, longer, of another name or of another key', () => {
    const cut = Array.from({ length: sealed.length }, (_, length) => unseal(key, 'name', sealed.subarray(0, length)));
    const longer = unseal(key, 'name', Buffer.concat([sealed, Buffer.alloc(1)]));
    const others = [unseal(key, 'nam', sealed), unseal(Buffer.from('yek'), 'name', sealed)];
    expect([...cut, longer, ...others].filter((content) => content !== undefined)).toEqual([]);
  });
});

describe('where it is kept', () => {
  const open = (env: Record<string, string>): boolean =>
    openPastIndex({ env, uid: process.getuid?.() }, 'https://git.example.org/a.git') !== undefined;

  it('is a folder of the user, and the key is not in it', async () => {
    expect(open({ HOME: folder })).toBe(true);
    expect(await readdir(join(folder, '.cache/tagflow/past'))).toEqual([]);
    expect(await readdir(join(folder, '.local/state/tagflow'))).toEqual(['index-key']);
  });

  it('is nowhere where the user says so, or no folder is the user’s alone', async () => {
    expect(open({ HOME: folder, TAGFLOW_INDEX: 'off' })).toBe(false);
    expect(open({ HOME: join(folder, 'missing') })).toBe(false);
    await mkdir(join(folder, '.cache/tagflow/past'), { recursive: true, mode: 0o755 });
    expect(open({ HOME: folder })).toBe(false);
  });

  it('takes a key that is given, and no damaged one', async () => {
    await mkdir(join(folder, '.local/state/tagflow'), { recursive: true, mode: 0o700 });
    await writeFile(join(folder, '.local/state/tagflow/index-key'), 'short');
    expect(open({ HOME: folder })).toBe(false);
    expect(open({ HOME: folder, TAGFLOW_INDEX_KEY: 'a key from the secrets of the CI system' })).toBe(true);
  });
});

describe.skipIf(process.platform === 'win32')('a folder that an archive of a cache made', () => {
  it('holds nothing under a pipe or a link, and nobody waits for it', async () => {
    await run('mkfifo', [join(folder, 'pipe')]);
    await writeFile(join(folder, 'file'), 'x');
    await symlink(join(folder, 'file'), join(folder, 'link'));
    const store = new FolderStore(folder);
    expect([await store.read('pipe'), await store.read('link')]).toEqual([undefined, undefined]);
    await store.write('pipe', Buffer.from('kept'));
    expect(Buffer.from((await store.read('pipe')) ?? []).toString()).toBe('kept');
  });
});
