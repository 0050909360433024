// How much of a long past is read: as far back as the question goes, and what is read is the same however much that is.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { check } from '../../../src/engine/audit/check.ts';
import type { Context } from '../../../src/engine/context.ts';
import { history, releasesAt, show } from '../../../src/engine/read/history.ts';
import { where } from '../../../src/engine/read/where.ts';
import type { Ledger } from '../../../src/ledger/ledger.ts';
import { createBench } from '../../support/engine.ts';
import { openGitLedger } from '../../support/git-ledger.ts';
import { type GitRepository, createGitRepository, temporaryFolder } from '../../support/git-repository.ts';
import { FIRST_RELEASE, fillLargeLedger, largeLedgerDigest } from '../../support/large-ledger.ts';

const RELEASES = 1_200;
let folder: string;
let long: GitRepository;
let wide: GitRepository;

beforeAll(async () => {
  folder = await temporaryFolder('large');
  long = await createGitRepository({ folder: join(folder, 'long.git') });
  wide = await createGitRepository({ folder: join(folder, 'wide.git') });
  await fillLargeLedger(long, { environments: 2, releases: RELEASES });
  await fillLargeLedger(wide, { environments: 2, applications: 3, releases: 4, trunk: 20 });
});

afterAll(async () => {
  await long.remove();
});

/** Runs a use case in a process of its own, and tells whether it asked for a whole history. */
async function run<T>(
  { folder: remote }: GitRepository,
  work: (context: Context) => Promise<T>,
): Promise<{ readonly value: T; readonly whole: boolean }> {
  const ledger = await openGitLedger({ url: `file://${remote}`, workFolder: join(folder, 'work') });
  let whole = false;
  const watched: Ledger = {
    ...ledger,
    deepen: async (heads) => {
      whole = true;
      return ledger.deepen(heads);
    },
  };
  try {
    return { value: await work({ ...createBench().context(), ledger: watched }), whole };
  } finally {
    await ledger.close();
  }
}

const minute = (sequence: number): number => FIRST_RELEASE + 60_000 * sequence;

test('a generated ledger is one that check finds nothing in', async () => {
  for (const repository of [long, wide]) {
    const environments = repository === long ? ['e1'] : [];
    const { value } = await run(repository, async (context) => check(context, { environments, registry: true }));
    expect(value.findings).toEqual([]);
    expect(value.environments.map(({ releases }) => releases)).toEqual(
      repository === long ? [RELEASES] : [4, 4, 4, 4, 4, 4],
    );
  }
});

describe('what is new is read without the rest', () => {
  test.each([
    ['the release that runs', { now: true }, RELEASES],
    ['one of the newest, by its number', { release: RELEASES - 20 }, RELEASES - 20],
    ['one of the newest, by a moment', { at: minute(RELEASES - 200) + 1 }, RELEASES - 200],
  ] as const)('%s', async (_, when, sequence) => {
    const { value, whole } = await run(long, async (context) => show(context, 'e1', when));
    expect([value.record.sequence, value.before?.sequence, whole]).toEqual([sequence, sequence - 1, false]);
    expect(value.until).toBe(sequence === RELEASES ? undefined : minute(sequence + 1));
  });

  test('the newest of a history', async () => {
    const { value, whole } = await run(long, async (context) => history(context, { environment: 'e1', limit: 20 }));
    expect([value.releases.length, value.releases[0]?.record.sequence, whole]).toEqual([20, RELEASES, false]);
  });

  test('what ran everywhere at a moment that is not long ago', async () => {
    const { value, whole } = await run(long, async (context) => releasesAt(context, minute(RELEASES - 10)));
    expect(value.map(({ release }) => release?.record.sequence)).toEqual([RELEASES - 10, RELEASES - 10]);
    expect(whole).toBe(false);
  });
});

describe('what is old is found anyway', () => {
  test.each([
    ['the first release', { release: 1 }, 1],
    ['what ran long ago', { at: minute(7) }, 7],
  ] as const)('%s', async (_, when, sequence) => {
    const { value } = await run(long, async (context) => show(context, 'e2', when));
    expect([value.record.sequence, value.before?.sequence]).toEqual([
      sequence,
      sequence === 1 ? undefined : sequence - 1,
    ]);
  });

  test('where an image was', async () => {
    const digest = largeLedgerDigest('e2', 5);
    const { value } = await run(long, async (context) => where(context, digest));
    expect(value.map(({ environment, releases }) => [environment, ...releases])).toEqual([['e2', 5, 5]]);
  });

  test('a moment before all of them', async () => {
    await expect(run(long, async (context) => show(context, 'e1', { at: minute(0) }))).rejects.toThrow(
      /nothing ran in e1/,
    );
  });
});
