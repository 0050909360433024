// Work folders that killed runs left: which are removed, and which never are.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { folderPrefix, sweepLeftovers } from '../../src/http/leftovers.ts';
import { endProcessesIn } from '../../src/ledger/processes.ts';
import { createRepository } from '../../src/ledger/repository.ts';
import { temporaryFolder } from '../support/git-repository.ts';

const DAY = 24 * 3600 * 1000;
const roots: string[] = [];
let parent = '';

beforeEach(async () => {
  parent = await temporaryFolder('leftovers');
  roots.push(parent);
});

afterAll(async () => {
  for (const root of roots) await rm(root, { recursive: true, force: true });
});

/** A folder as a run leaves it, with an object of Git in it. */
async function leave(prefix: string): Promise<string> {
  const folder = await mkdtemp(join(parent, prefix));
  await mkdir(join(folder, 'objects'));
  await writeFile(join(folder, 'objects/a'), 'x', { mode: 0o444 });
  return folder;
}

/** The prefix of a process that ran here and has ended. */
function ofDeadProcess(): string {
  const { pid } = spawnSync('true');
  return folderPrefix('git').replace(`-${process.pid}-`, `-${pid}-`);
}

/** The prefix of a process in another container. */
const elsewhere = (): string => folderPrefix('git').replace(/git-[0-9a-f]{8}-/, 'git-00000000-');

async function kept(now = Date.now()): Promise<number> {
  await sweepLeftovers(parent, now);
  return (await readdir(parent)).length;
}

describe('the folder', () => {
  it('of a process that ended is removed', async () => {
    await leave(ofDeadProcess());
    expect(await kept()).toBe(0);
  });

  it('with a copied key in it goes the same way', async () => {
    await leave(ofDeadProcess().replace('-git-', '-key-'));
    await leave(folderPrefix('key'));
    expect(await kept()).toBe(1);
  });

  it('of a live process stays, however old it is', async () => {
    const folder = await leave(folderPrefix('git'));
    await utimes(folder, 0, 0);
    expect(await kept()).toBe(1);
  });

  it.skipIf(process.platform !== 'linux')('of a process whose number another one has by now is removed', async () => {
    await leave(folderPrefix('git').replace(/-[0-9]+-$/, '-1-'));
    expect(await kept()).toBe(0);
  });

  it.skipIf(process.platform !== 'linux')('of another live process stays, and goes when that was killed', async () => {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    await once(child, 'spawn');
    await leave(folderPrefix('git', child.pid));
    expect(await kept()).toBe(1);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await kept()).toBe(0);
  });

  it.each([
    ['of a container that cannot be seen', elsewhere],
    ['of an earlier version, which did not say whose it is', () => 'tagflow-git-'],
  ])('%s stays for a week', async (_, prefix) => {
    await leave(prefix());
    expect(await kept(Date.now() + 6 * DAY)).toBe(1);
    expect(await kept(Date.now() + 8 * DAY)).toBe(0);
  });

  it('of anything else is left alone, and so are files and links of that name', async () => {
    const precious = await leave('precious-');
    const name = `${ofDeadProcess()}AAAAAA`;
    await symlink(precious, join(parent, name));
    await writeFile(join(parent, `${ofDeadProcess()}BBBBBB`), '');
    expect(await kept(Date.now() + 8 * DAY)).toBe(3);
    expect(await readdir(precious)).toEqual(['objects']);
  });

  it.skipIf(process.getuid?.() !== 0)('of another user is left alone', async () => {
    const folder = await leave(ofDeadProcess());
    spawnSync('chown', ['-R', '65534', folder]);
    expect(await kept(Date.now() + 8 * DAY)).toBe(1);
  });
});

it('a run that begins removes what dead runs left, and works on meanwhile', async () => {
  await leave(ofDeadProcess());
  await leave(elsewhere());
  const repository = await createRepository(parent);
  await repository.probe();
  await repository.remove();
  expect((await readdir(parent)).map((name) => name.startsWith(elsewhere()))).toEqual([true]);
});

it.skipIf(process.platform !== 'linux')('ends what works in a folder, and nothing beside it', async () => {
  const [inside, beside] = [await leave('inside-'), await leave('beside-')];
  const link = join(parent, 'link');
  await symlink(inside, link);
  const [child, other] = [inside, beside].map((cwd) => spawn('sleep', ['60'], { cwd, stdio: 'ignore' }));
  await Promise.all([once(child!, 'spawn'), once(other!, 'spawn')]);
  const ended = once(child!, 'exit');
  endProcessesIn(link);
  expect((await ended)[1]).toBe('SIGKILL');
  expect(other!.exitCode).toBeNull();
  other!.kill('SIGKILL');
  await once(other!, 'exit');
});
