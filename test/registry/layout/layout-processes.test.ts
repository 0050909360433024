// Many writers, and writers that die, on one layout: real processes, a real disk.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../../src/model/digest.ts';
import type { Clock } from '../../../src/model/effects.ts';
import { parseTag, type Repository } from '../../../src/model/reference.ts';
import { createLayoutRegistry } from '../../../src/registry/layout/layout.ts';
import { createLayoutWriter } from '../../../src/registry/layout/writer.ts';
import { EMPTY_INDEX, withTag } from '../../../src/registry/layout/index-file.ts';
import { createLayoutLock } from '../../../src/registry/layout/lock.ts';
import { LayoutStore } from '../../../src/registry/layout/store.ts';
import { buildImage } from '../../../src/registry/layout/sample-image.ts';
import {
  clockAhead,
  hurriedClock,
  indexText,
  layoutRepository,
  machineClock,
  type TemporaryFolder,
  temporaryFolder,
} from '../../support/layouts.ts';

const CHILD = join(import.meta.dirname, '../../support/layout-child.ts');
const STAGING = parseTag('stg');

let folder: TemporaryFolder;
let directory: string;
let repository: Repository;
let first: Digest;
let second: Digest;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = temporaryFolder();
  directory = join(folder.path, 'django');
  repository = layoutRepository(directory);
  const writer = createLayoutWriter({ clock: machineClock });
  first = await writer.publishImage(directory, buildImage({ name: 'django', version: 'V1.0' }), parseTag('V1.0'));
  second = await writer.publishImage(directory, buildImage({ name: 'django', version: 'V2.0' }), parseTag('V2.0'));
});
afterEach(async () => {
  for (const child of children.splice(0)) await killed(child);
  folder[Symbol.dispose]();
});

const registryWith = (clock: Clock = machineClock) => createLayoutRegistry({ baseDirectory: folder.path, clock });
const newLock = () => createLayoutLock({ clock: machineClock, random: Math.random, signal: undefined });
const newStore = () => new LayoutStore({ clock: machineClock, random: Math.random, signal: undefined });
const lockPath = () => join(directory, '.tagflow.lock');

function start(...argv: string[]): ChildProcess {
  const child = spawn(process.execPath, [CHILD, ...argv], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return child;
}

/** An index.json to which another program has added a descriptor. */
function withForeign(text: string, number: number): string {
  return text.replace('"manifests":[', `"manifests":[{"foreign":${number}},`);
}

function tagsOfWriter(writer: number): string[] {
  return Array.from({ length: 10 }, (_, at) => `writer-${writer}-${at}`);
}

async function ready(child: ChildProcess): Promise<void> {
  await once(child.stdout!, 'data');
}

async function ended(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = '';
  child.stdout!.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child, 'close');
  return { code: child.exitCode, output };
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

describe('many writers on one layout', () => {
  it('lose no tag to one another, in four processes', async () => {
    const writers = [0, 1, 2, 3].map((writer) =>
      start('tag', directory, writer % 2 ? first : second, ...tagsOfWriter(writer)),
    );
    expect(await Promise.all(writers.map((child) => ended(child)))).toEqual(
      writers.map(() => ({ code: 0, output: '' })),
    );
    const listed = await registryWith().listTags(repository);
    expect([...listed].sort()).toEqual(
      [...[0, 1, 2, 3].flatMap((writer) => tagsOfWriter(writer)), 'V1.0', 'V2.0'].sort(),
    );
  });

  it('lose no tag to one another, in two registries of one process', async () => {
    const registries = [registryWith(), registryWith()];
    const tags = Array.from({ length: 30 }, (_, at) => parseTag(`t-${at}`));
    await Promise.all(tags.map((tag, at) => registries[at % 2]!.tag(repository, first, tag)));
    expect([...(await registryWith().listTags(repository))].sort()).toEqual([...tags, 'V1.0', 'V2.0'].sort());
  });

  it('have one winner, when all expect the same', async () => {
    const registries = Array.from({ length: 6 }, () => registryWith());
    const outcomes = await Promise.allSettled(
      registries.map((registry, at) =>
        registry.tag(repository, at % 2 ? first : second, STAGING, { expected: { digest: undefined } }),
      ),
    );
    const wrote = outcomes.filter(
      ({ status, ...rest }) => status === 'fulfilled' && JSON.stringify(rest).includes('true'),
    );
    expect(wrote).toHaveLength(1);
    const lost = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    expect(lost).toEqual(lost.map(() => expect.objectContaining({ code: 'tag-moved' }) as unknown));
    expect(lost).toHaveLength(3);
  });

  it('build upon what a program without our lock wrote between their reading and their writing', async () => {
    const store = newStore();
    let readings = 0;
    await store.editIndex(directory, (index) => {
      readings += 1;
      if (readings <= 2) writeFileSync(join(directory, 'index.json'), withForeign(index.text, readings));
      return withTag(index, { mediaType: 'application/vnd.oci.image.index.v1+json', digest: first, size: 1 }, STAGING);
    });
    expect(readings).toBe(3);
    expect(indexText(directory)).toContain('"foreign":1');
    expect(indexText(directory)).toContain('"foreign":2');
    expect(await registryWith().peek(repository, STAGING)).toBe(first);
  });

  it('give up on a program that never stops writing', async () => {
    const store = newStore();
    let readings = 0;
    const edited = store.editIndex(directory, (index) => {
      readings += 1;
      writeFileSync(join(directory, 'index.json'), withForeign(index.text, readings));
      return index.text;
    });
    await expect(edited).rejects.toMatchObject({
      code: 'storage-failed',
      message: expect.stringContaining('kept changing') as unknown,
    });
    expect(indexText(directory)).toContain(`"foreign":${readings}`);
  });
});

describe('a writer that is killed', () => {
  it('leaves the layout whole, whenever it happens', async () => {
    for (const wait of [0, 3, 7, 12, 18]) {
      const child = start('spin', directory, first, second);
      await ready(child);
      await machineClock.sleep(wait);
      await killed(child);
      const registry = registryWith();
      expect([first, second]).toContain((await registry.resolve(repository, parseTag('spin')))?.digest);
      expect(await registry.peek(repository, parseTag('V1.0'))).toBe(first);
      // The next writer, eleven seconds later by its clock, takes over a lock that may be left.
      expect(await registryWith(clockAhead(12_000)).tag(repository, first, STAGING, { rewrite: true })).toMatchObject({
        changed: true,
      });
      expect(readdirSync(directory).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
    }
  });

  it('leaves a lock that the next writer takes over when it is stale', async () => {
    const child = start('hold', directory);
    await ready(child);
    await killed(child);
    expect(existsSync(lockPath())).toBe(true);
    const registry = registryWith(clockAhead(12_000));
    expect(await registry.tag(repository, first, STAGING)).toEqual({ changed: true, previous: undefined });
    expect(existsSync(lockPath())).toBe(false);
  });

  it.each([
    ['tags', () => registryWith().tag(repository, first, STAGING)],
    ['publishes', () => createLayoutWriter({ clock: machineClock }).writeBlob(directory, Buffer.from('blob'))],
  ])('leaves a temporary file that the next writer removes when it %s', async (_what, write) => {
    writeFileSync(join(directory, '.tagflow-00000000-0000-0000-0000-000000000000.tmp'), 'half');
    await write();
    expect(readdirSync(directory).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
  });

  it('is waited for by many, of which one at a time takes its place', async () => {
    for (let round = 0; round < 3; round += 1) {
      mkdirSync(lockPath());
      utimesSync(lockPath(), 0, 0);
      let inside = 0;
      let most = 0;
      const enter = async () => {
        inside += 1;
        most = Math.max(most, inside);
        // Long enough for a waiter that judged the dead lock a moment ago to strike.
        await machineClock.sleep(4);
        inside -= 1;
      };
      const locks = Array.from({ length: 16 }, () => newLock());
      await Promise.all(locks.map((lock) => lock.hold(directory, enter)));
      expect(most).toBe(1);
    }
  });
});

describe('a lock', () => {
  let looks = 0;

  it('that is held and fresh is waited for, and then given up, saying where it is', async () => {
    mkdirSync(lockPath());
    let waited = 0;
    const clock: Clock = {
      now: () => Date.now(),
      elapsed: () => performance.now(),
      sleep: async (milliseconds) => void (waited += milliseconds),
    };
    await expect(registryWith(clock).tag(repository, first, STAGING)).rejects.toMatchObject({
      code: 'storage-failed',
      message: expect.stringMatching(/stayed locked for 30 s$/) as unknown,
      why: `another process holds ${lockPath()}`,
      fix: expect.stringContaining('remove that directory') as unknown,
    });
    expect(waited).toBeGreaterThanOrEqual(30_000);
    expect(waited).toBeLessThan(31_000);
    expect(await registryWith().peek(repository, STAGING)).toBeUndefined();
  });

  it.each([
    ['the clock here does not say is stale', () => 0],
    ['was fresh again at the second look', () => (looks++ === 0 ? Date.now() + 12_000 : 0)],
  ])('that %s is taken over by nobody', async (_what, now) => {
    mkdirSync(lockPath());
    utimesSync(lockPath(), 0, 0);
    const { ino } = lstatSync(lockPath());
    looks = 0;
    const clock: Clock = { now, elapsed: () => 0, sleep: () => Promise.resolve() };
    await expect(registryWith(clock).tag(repository, first, STAGING)).rejects.toMatchObject({ code: 'storage-failed' });
    expect(lstatSync(lockPath())).toMatchObject({ ino });
  });

  it('that is held does not hinder readers, nor a tag that is right', async () => {
    mkdirSync(lockPath());
    const registry = registryWith(hurriedClock);
    expect(await registry.resolve(repository, first)).toMatchObject({ digest: first });
    expect(await registry.tag(repository, first, parseTag('V1.0'))).toEqual({ changed: false, previous: first });
  });

  it('that another took over keeps its former holder from writing, and is left to the other', async () => {
    const lock = newLock();
    await lock.hold(directory, async (held) => {
      await held.assertHeld();
      rmdirSync(lockPath());
      mkdirSync(lockPath());
      await expect(held.assertHeld()).rejects.toMatchObject({
        code: 'storage-failed',
        message: expect.stringContaining('was lost') as unknown,
      });
    });
    expect(lstatSync(lockPath()).isDirectory()).toBe(true);
  });

  it('that another took over between reading and writing leaves the index alone', async () => {
    const before = indexText(directory);
    const edited = newStore().editIndex(directory, (index) => {
      rmdirSync(lockPath());
      mkdirSync(lockPath());
      return withForeign(index.text, 1);
    });
    await expect(edited).rejects.toMatchObject({ code: 'storage-failed' });
    expect(indexText(directory)).toBe(before);
    expect(readdirSync(directory).sort()).toEqual(['.tagflow.lock', 'blobs', 'index.json', 'oci-layout']);
  });

  it('that is a file, and old, is left to the person it belongs to', async () => {
    writeFileSync(lockPath(), 'mine');
    const failed = registryWith(clockAhead(12_000)).tag(repository, first, STAGING);
    await expect(failed).rejects.toMatchObject({
      code: 'storage-failed',
      message: expect.stringContaining(lockPath()) as unknown,
    });
  });

  it('is released when the action fails', async () => {
    const lock = newLock();
    await expect(lock.hold(directory, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(existsSync(lockPath())).toBe(false);
    expect(await lock.hold(directory, () => Promise.resolve('yes'))).toBe('yes');
  });
});

describe('a disk that refuses', () => {
  it('a write leaves the layout as it was', async () => {
    const before = indexText(directory);
    // Files of at most 0 blocks: every write fails with EFBIG, as on a full disk with ENOSPC.
    const child = spawn('/bin/sh', [
      '-c',
      `trap '' XFSZ; ulimit -f 0; exec "$@"`,
      'sh',
      process.execPath,
      CHILD,
      'tag',
      directory,
      first,
      'stg',
    ]);
    children.push(child);
    const { code, output } = await ended(child);
    expect(output).toMatch(/^storage-failed: the file would exceed the file size limit \(EFBIG\)/);
    expect(code).toBe(1);
    expect(indexText(directory)).toBe(before);
    expect(readdirSync(directory).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
  });

  it('this user says so, and names the permission', async () => {
    await unprivileged([directory], 0o555, async () => {
      await expect(registryWith().tag(repository, first, STAGING)).rejects.toMatchObject({
        code: 'storage-failed',
        message: expect.stringContaining(directory) as unknown,
        why: 'permission denied (EACCES)',
        fix: 'give this user write access to the directory',
      });
      expect(await registryWith().tag(repository, first, parseTag('V1.0'))).toMatchObject({ changed: false });
    });
  });

  it('this user a look at a file is not a layout for this user', async () => {
    await unprivileged([join(directory, 'index.json')], 0o000, async () => {
      await expect(registryWith().peek(repository, STAGING)).rejects.toMatchObject({
        code: 'layout-invalid',
        why: expect.stringMatching(/index\.json cannot be read \(EACCES\)$/) as unknown,
      });
    });
  });
});

it.each([0o600, 0o666])('replaces index.json with the permissions it had, %o', async (mode) => {
  chmodSync(join(directory, 'index.json'), mode);
  await registryWith().tag(repository, first, STAGING);
  expect(statSync(join(directory, 'index.json')).mode & 0o777).toBe(mode);
});

describe('a layout being published into', () => {
  it('is created once by many at a time, and keeps what all publish', async () => {
    const fresh = join(folder.path, 'new/below/mariadb');
    const versions = ['V10.3', 'V10.6', 'V10.11'];
    const digests = await Promise.all(
      versions.map((version) =>
        createLayoutWriter({ clock: machineClock }).publishImage(
          fresh,
          buildImage({ name: 'mariadb', version }),
          parseTag(version),
        ),
      ),
    );
    const registry = registryWith();
    for (const [at, version] of versions.entries()) {
      expect(await registry.resolve(layoutRepository(fresh), parseTag(version))).toMatchObject({ digest: digests[at] });
    }
  });

  it('changes in no byte when the same is published again', async () => {
    const before = indexText(directory);
    const writer = createLayoutWriter({ clock: machineClock });
    await writer.publishImage(directory, buildImage({ name: 'django', version: 'V1.0' }), parseTag('V1.0'));
    await writer.publishImage(directory, buildImage({ name: 'django', version: 'V1.0' }));
    expect(indexText(directory)).toBe(before);
  });

  it('is an empty layout at first, which another may have been before', async () => {
    const fresh = join(folder.path, 'empty');
    const writer = createLayoutWriter({ clock: machineClock });
    await writer.createLayout(fresh);
    expect(indexText(fresh)).toBe(EMPTY_INDEX);
    await writer.createLayout(directory);
    expect(await registryWith().peek(repository, parseTag('V1.0'))).toBe(first);
  });

  it('must exist, and gets no manifest under a wrong media type', async () => {
    const writer = createLayoutWriter({ clock: machineClock });
    const { bytes, mediaType, manifests } = buildImage({ name: 'x', version: '1' });
    await expect(writer.publish(join(folder.path, 'none'), bytes, mediaType)).rejects.toMatchObject({
      code: 'layout-invalid',
    });
    await expect(writer.publish(directory, bytes, manifests[0]!.mediaType)).rejects.toMatchObject({
      code: 'media-type-conflict',
    });
  });

  it('gets nothing once the run is interrupted', async () => {
    const writer = createLayoutWriter({ clock: machineClock, signal: AbortSignal.abort() });
    const before = readdirSync(join(directory, 'blobs/sha256'));
    await expect(writer.writeBlob(directory, Buffer.from('late'))).rejects.toMatchObject({ code: 'interrupted' });
    expect(readdirSync(join(directory, 'blobs/sha256'))).toEqual(before);
  });

  it('heals a blob that does not hash to its name', async () => {
    const image = buildImage({ name: 'django', version: 'V1.0' });
    writeFileSync(join(directory, 'blobs/sha256', image.digest.slice(7)), 'damaged');
    await createLayoutWriter({ clock: machineClock }).publishImage(directory, image);
    expect(await registryWith().resolve(repository, image.digest)).toMatchObject({ digest: digestOf(image.bytes) });
  });
});

/** Runs an action as a user whom permissions bind: root is bound by none. */
async function unprivileged(paths: readonly string[], mode: number, action: () => Promise<void>): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  chmodSync(folder.path, 0o755);
  for (const path of paths) chmodSync(path, mode);
  if (isRoot) process.seteuid?.(65_534);
  try {
    await action();
  } finally {
    if (isRoot) process.seteuid?.(0);
    for (const path of paths) chmodSync(path, 0o755);
  }
}
