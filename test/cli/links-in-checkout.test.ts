// A checkout is content: a symbolic link that somebody committed chooses no file outside of it that a run reads or overwrites, though
// the caller names a file of that name, as the templates for CI do.
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  hasCheckoutFile,
  namedPath,
  readCheckoutFile,
  writeCheckoutText,
} from '../../src/cli/process/checkout-files.ts';
import { writeFindings } from '../../src/cli/output/ci-files.ts';
import { readPlan, savePlan } from '../../src/cli/release/plan-file.ts';
import type { Session } from '../../src/cli/session/session.ts';
import type { Plan } from '../../src/model/plan.ts';
import { failureOf } from '../support/failure.ts';
import { run as start } from '../support/git-repository.ts';
import { run } from '../support/io.ts';

const SECRET = 'root:x:0:0:a secret line';
let top: string;
let checkout: string;
let victim: string;
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'tagflow-links-'));
  [checkout, victim] = [join(top, 'checkout'), join(top, 'victim')];
  await mkdir(join(checkout, 'real'), { recursive: true });
  await writeFile(victim, SECRET);
  await symlink(victim, join(checkout, 'out'));
  await symlink(top, join(checkout, 'folder'));
  await symlink(join(top, 'none'), join(checkout, 'nowhere'));
  await symlink('real', join(checkout, 'inner'));
});
afterEach(async () => {
  const [text, names] = [await readFile(victim, 'utf8'), await readdir(top)];
  await rm(top, { recursive: true, force: true });
  if (text !== SECRET || names.length !== 2) throw new Error(`outside of the checkout: ${names.join(', ')}: ${text}`);
});

const LINKS = ['out', './out', 'folder/victim', 'folder/new', 'nowhere', 'real/../out'];

describe('a name that a link of the checkout leads out of it', () => {
  test.each(LINKS)('%s is refused', async (name) => {
    expect(await failureOf(namedPath(checkout, name))).toMatchObject({ code: 'tree-unsafe' });
  });

  test('is written by no report of CI', async () => {
    for (const name of LINKS) {
      const said: string[] = [];
      const session = {
        io: { env: { TAGFLOW_CODE_QUALITY: name }, cwd: checkout },
        say: (text: string) => said.push(text),
      };
      await writeFindings(session, [], 'Found by');
      expect(said.join()).toMatch(/cannot write .*symbolic link/);
    }
  });

  test('takes neither a plan nor gives one', async () => {
    const session = { options: { directory: checkout }, say: () => undefined } as unknown as Session;
    for (const name of LINKS) {
      expect(await failureOf(savePlan(session, name, {} as Plan))).toMatchObject({ code: 'tree-unsafe' });
      expect(await failureOf(readPlan(session, name))).toMatchObject({ code: 'tree-unsafe' });
    }
  });

  test.each([
    ['a configuration', ['--config', 'out', '--repo', '/nowhere.git', 'status']],
    ['a folder of evidence', ['--repo', '/nowhere.git', 'audit', 'export', 'folder/new']],
  ])('is not read or made for %s, and nothing of it is said', async (_, words) => {
    const { exit, stdout, stderr } = await run(words, { PATH: process.env['PATH'] }, checkout);
    expect(exit).not.toBe(0);
    expect(stderr).toMatch(/symbolic link/);
    expect(stdout + stderr).not.toContain('a secret line');
  });
});

test('names elsewhere, and links that stay within, are the caller’s own', async () => {
  expect(await namedPath(checkout, victim)).toBe(victim);
  expect(await namedPath(checkout, '../victim')).toBe(victim);
  expect(await namedPath(checkout, 'inner/plan.json')).toBe(join(checkout, 'inner/plan.json'));
  expect(await namedPath(checkout, 'new/plan.json')).toBe(join(checkout, 'new/plan.json'));
});

describe('what is not a regular file', () => {
  test.each(['pipe', 'real', 'inner'])('%s is neither found, read nor written', async (name) => {
    await start('mkfifo', [join(checkout, 'pipe')]);
    for (const use of [
      async () => hasCheckoutFile(checkout, name),
      async () => readCheckoutFile(checkout, name, 100),
      async () => writeCheckoutText(checkout, name, 'x'),
    ])
      expect(await failureOf(use())).toMatchObject({ code: 'tree-unsafe', why: 'it is not a regular file' });
  });
});
