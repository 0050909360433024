// A process of its own that works on a layout, for tests of concurrency and sudden death. Run by `runChild`.
//   tag DIRECTORY DIGEST TAG…     puts each tag on the image, one after the other
//   spin DIRECTORY DIGEST…        moves the tag "spin" from image to image until it is killed; says "ready" after the first
//   hold DIRECTORY                takes the lock, says "ready", and keeps it until it is killed
import { dirname } from 'node:path';
import { parseDigest } from '../../src/model/digest.ts';
import { isTagflowError } from '../../src/model/errors.ts';
import { parseTag } from '../../src/model/reference.ts';
import { createLayoutRegistry } from '../../src/registry/layout/layout.ts';
import { createLayoutLock } from '../../src/registry/layout/lock.ts';
import { layoutRepository, machineClock as clock } from './layouts.ts';

const [, , action, directory = '', ...rest] = process.argv;
const registry = createLayoutRegistry({ baseDirectory: dirname(directory), clock });
const repository = layoutRepository(directory);

async function tag(): Promise<void> {
  const [digest = '', ...tags] = rest;
  for (const name of tags) await registry.tag(repository, parseDigest(digest), parseTag(name));
}

async function spin(): Promise<never> {
  for (let round = 0; ; round += 1) {
    await registry.tag(repository, parseDigest(rest[round % rest.length] ?? ''), parseTag('spin'));
    if (round === 0) console.log('ready');
  }
}

async function hold(): Promise<void> {
  await createLayoutLock({ clock, random: Math.random, signal: undefined }).hold(directory, async () => {
    console.log('ready');
    await new Promise((resolve) => {
      setTimeout(resolve, 600_000);
    });
  });
}

// proper-lockfile (by signal-exit) ends the process at this signal unless somebody listens; a write over the limit
// for files then never gets to answer EFBIG.
process.on('SIGXFSZ', () => undefined);

const actions: Readonly<Record<string, () => Promise<void>>> = { tag, spin, hold };
try {
  await actions[action ?? '']?.();
} catch (error) {
  console.log(isTagflowError(error) ? `${error.code}: ${error.why}` : String(error));
  process.exitCode = 1;
}
