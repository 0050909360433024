// Files that the caller names may be artifacts that others wrote: none is read beyond what is accepted.
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readOptionalFile, readTextFile } from '../../src/cli/process/files.ts';
import { readPlan } from '../../src/cli/release/plan-file.ts';
import type { Session } from '../../src/cli/session/session.ts';
import { failureOf } from '../support/failure.ts';

describe('a file that the caller names', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tagflow-files-'));
    await writeFile(join(folder, 'small'), 'text\n');
    // Sparse: it takes no room.
    await writeFile(join(folder, 'large'), '');
    await truncate(join(folder, 'large'), 2 ** 31);
  });
  afterAll(async () => rm(folder, { recursive: true, force: true }));

  it('is read whole where it is small', async () => {
    expect(await readTextFile(join(folder, 'small'), 5)).toBe('text\n');
    expect(await readOptionalFile(join(folder, 'small'))).toBe('text\n');
    expect(await readOptionalFile(join(folder, 'none'))).toBeUndefined();
  });

  it('is read up to what is accepted, and one byte more, where it is large', async () => {
    expect((await readTextFile(join(folder, 'large'), 10)).length).toBe(11);
    expect((await readOptionalFile(join(folder, 'large')))?.length).toBe(2 ** 20 + 1);
  });

  it('is refused as a plan where it is larger than any plan', async () => {
    const session = { options: { directory: folder } } as unknown as Session;
    const error = await failureOf(readPlan(session, 'large'));
    expect(error).toMatchObject({ code: 'plan-invalid', why: 'it is larger than 32 MB' });
  });
});
