// Looking at a layout, and removing tags from one that two processes write: what the contract does not show.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseTag } from '../../../src/model/reference.ts';
import { createLayoutRegistry } from '../../../src/registry/layout/layout.ts';
import { buildImage } from '../../../src/registry/layout/sample-image.ts';
import { createLayoutWriter } from '../../../src/registry/layout/writer.ts';
import { layoutRepository, machineClock, type TemporaryFolder, temporaryFolder } from '../../support/layouts.ts';

const clock = machineClock;
const APP = layoutRepository('app');
const IMAGE = buildImage({ name: 'app', version: 'V1' });

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => {
  folder[Symbol.dispose]();
});
const registry = () => createLayoutRegistry({ baseDirectory: folder.path, clock });
const publish = async (...tags: readonly string[]) => {
  await createLayoutWriter({ clock }).publishImage(join(folder.path, 'app'), IMAGE, parseTag('V1'));
  for (const tag of tags) await registry().tag(APP, IMAGE.digest, parseTag(tag));
};

it('a directory that is not there is no repository, and is not made', async () => {
  expect(await registry().inspect(APP, undefined)).toEqual({
    exists: 'no',
    pull: { granted: 'unknown', how: 'the directory does not exist' },
    push: { granted: 'unknown', how: 'the directory does not exist' },
  });
  expect(readdirSync(folder.path)).toEqual([]);
});

it('one that is there may be read, written and cleaned, and its tags may move', async () => {
  await publish();
  const before = readdirSync(join(folder.path, 'app'));
  expect(await registry().inspect(APP, undefined)).toMatchObject({
    exists: 'yes',
    pull: { granted: 'yes' },
    push: { granted: 'yes', how: 'the directory is writable' },
    removeTag: { granted: 'yes' },
    tagRule: { tags: 'mutable', except: [] },
  });
  expect(readdirSync(join(folder.path, 'app'))).toEqual(before);
});

it('many removals and writes by registries of their own lose nothing of each other', async () => {
  const names = Array.from({ length: 8 }, (_, at) => parseTag(`dev-${at + 1}`));
  await publish(...names);
  const put = names.map((_, at) => parseTag(`prd-${at + 1}`));
  await Promise.all([
    ...names.map(async (tag) => registry().removeTag(APP, tag, IMAGE.digest)),
    ...put.map(async (tag) => registry().tag(APP, IMAGE.digest, tag)),
  ]);
  expect((await registry().listTags(APP)).toSorted()).toEqual(['V1', ...put].toSorted());
});

it('a removal that has nothing to do writes nothing', async () => {
  await publish();
  const text = readFileSync(join(folder.path, 'app/index.json'), 'utf8');
  expect(await registry().removeTag(APP, parseTag('dev-1'), IMAGE.digest)).toEqual({ outcome: 'absent' });
  expect(await registry().removeTag(layoutRepository('none'), parseTag('V1'), IMAGE.digest)).toEqual({
    outcome: 'absent',
  });
  expect(readFileSync(join(folder.path, 'app/index.json'), 'utf8')).toBe(text);
});
