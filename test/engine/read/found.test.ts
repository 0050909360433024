// The past before tagflow: what ordinary commits changed of the pins, as the history has it.
import { beforeEach, describe, expect, it } from 'vitest';
import type { Reading } from '../../../src/engine/context.ts';
import { PastIndex } from '../../../src/ledger/past/past-index.ts';
import { importReleases } from '../../../src/engine/release/import.ts';
import { type FoundFilter, foundChanges, foundSpans } from '../../../src/engine/read/found-changes.ts';
import { isPinOf } from '../../../src/engine/read/where.ts';
import { type MemoryStore, createMemoryStore } from '../../support/memory-store.ts';
import { type Bench, DJANGO, MARIADB, createBench } from '../../support/engine.ts';

const CONFIG = `version: 1
layout: folders
images: { web: { repository: ${DJANGO} }, db: { repository: ${MARIADB} } }
environments: { dev: { path: env/dev }, prd: { path: env/prd, from: dev } }
`;
const PRD = 'env/prd/kustomization.yaml';
const overlay = (web: string, db = 'V10.3'): string =>
  `images:\n  - name: ${DJANGO}\n    newTag: ${web}\n  - name: ${MARIADB}\n    newTag: ${db}\n`;

let bench: Bench;
beforeEach(() => {
  bench = createBench({
    config: CONFIG,
    files: { [PRD]: overlay('V3.2'), 'env/dev/kustomization.yaml': overlay('V4.2') },
  });
});

const found = async (filter: Partial<FoundFilter> = {}) =>
  foundChanges(bench.context(), { words: ['prd'], limit: 20, ...filter });
const said = async (filter: Partial<FoundFilter> = {}): Promise<readonly string[]> =>
  (await found(filter)).map(({ images }) =>
    images.map(({ name, from, to, kind }) => `${name} ${from ?? '–'} → ${to ?? '–'} ${kind}`).join(', '),
  );
const byHand = (text: string, message = 'bump\n'): unknown => bench.remote.commit('main', { [PRD]: text }, { message });

describe('what ordinary commits pinned', () => {
  it('has its span, which a release ends as well', async () => {
    byHand(overlay('V4.0'));
    await importReleases(bench.context(), { words: [] });
    await bench.released('prd', { web: 'V4.2' });
    byHand(overlay('V4.3'));
    const spans = (await foundSpans(bench.context(), ['prd'])).filter(({ image }) => image === 'web');
    expect(spans.map(({ version, until }) => [version, until !== undefined])).toEqual([
      ['V4.3', false],
      ['V4.0', true],
      ['V3.2', true],
    ]);
    // The release ended it, and not the commit after the release.
    expect(spans[1]?.until).not.toBe(spans[0]?.from);
    expect(spans.filter((span) => isPinOf(span, 'web@V4.0'))).toHaveLength(1);
    expect(spans.filter((span) => isPinOf(span, 'db@V4.0'))).toEqual([]);
  });
});

describe('changes of pins in ordinary commits', () => {
  it('are listed newest first, from the first commit on, each with what it changed', async () => {
    byHand(overlay('V4.0'));
    byHand(overlay('V4.0', 'V10.6'));
    expect(await said()).toEqual([
      'db V10.3 → V10.6 change',
      'web V3.2 → V4.0 change',
      'web – → V3.2 change, db – → V10.3 change',
    ]);
  });

  it('say where one goes back, and where one goes to an older version', async () => {
    byHand(overlay('V4.2'));
    byHand(overlay('V3.2'));
    byHand(overlay('V4.2'));
    byHand(overlay('V4.0'));
    expect((await said()).slice(0, 3)).toEqual([
      'web V4.2 → V4.0 downgrade',
      'web V3.2 → V4.2 return',
      'web V4.2 → V3.2 return',
    ]);
  });

  it('are not the releases that tagflow makes, and go on after them', async () => {
    byHand(overlay('V4.0'));
    await importReleases(bench.context(), { words: [] });
    await bench.released('prd', { web: 'V4.2' });
    byHand(overlay('V4.3'));
    expect((await said()).slice(0, 2)).toEqual(['web V4.2 → V4.3 change', 'web V3.2 → V4.0 change']);
  });

  it('leave out commits that change other files, and other environments', async () => {
    bench.remote.commit('main', { 'env/dev/kustomization.yaml': overlay('V4.3'), 'env/prd/note.txt': 'x\n' });
    expect(await said()).toHaveLength(1);
    expect(await said({ words: ['dev'] })).toHaveLength(2);
  });

  it('pass over a commit in which the file cannot be read', async () => {
    byHand(`${overlay('V4.0')}  - broken: [\n`);
    byHand(overlay('V4.2'));
    expect((await said())[0]).toBe('web V3.2 → V4.2 change');
  });

  it('are bounded: the oldest that is read only says what was pinned', async () => {
    for (const version of ['V4.0', 'V4.2', 'V4.3', 'V4.0', 'V4.2', 'V4.3', 'V4.0', 'V4.2']) byHand(overlay(version));
    expect(await said({ limit: 1 })).toEqual(['web V4.0 → V4.2 change']);
  });

  it('can be of one image', async () => {
    byHand(overlay('V4.0'));
    byHand(overlay('V4.0', 'V10.6'));
    expect(await said({ image: 'db', limit: 1 })).toEqual(['db V10.3 → V10.6 change']);
  });
});

describe('a long past', () => {
  const SIZES = { first: 2, most: 4 };
  /** Another run: it has what was kept, and nothing else. */
  const run = (files: MemoryStore): { context: Reading; stretches: () => number } => {
    const keeper = new PastIndex(files, Buffer.from('key'), 'here');
    const context = { ...bench.context(), keeper };
    let count = 0;
    const { ledger } = context;
    const inner = ledger.stretch.bind(ledger);
    ledger.stretch = async (...ask) => {
      count += 1;
      if (count > allowed) throw new Error('killed');
      return inner(...ask);
    };
    return { context, stretches: () => count };
  };
  let allowed: number;
  const words = ['prd'];
  const all = async ({ context }: ReturnType<typeof run>): Promise<unknown> =>
    foundChanges(context, { words, limit: 1_000 }, SIZES);

  beforeEach(() => {
    allowed = Infinity;
    for (let at = 0; at < 24; at += 1) {
      bench.remote.commit('main', { note: `${at}\n` });
      byHand(overlay(['V4.0', 'V4.2', 'V4.3'][at % 3] ?? '', at % 5 === 0 ? 'V10.6' : 'V10.3'));
    }
  });

  it('that is killed on the way continues where it was, and says the same in the end', async () => {
    const whole = run(createMemoryStore());
    const expected = await all(whole);
    expect(expected).toEqual(await found({ limit: 1_000 }));
    const store = createMemoryStore();
    let stretches = 0;
    let said: unknown;
    while (said === undefined) {
      allowed = 3;
      const next = run(store);
      said = await all(next).catch(({ message }: Error) => (message === 'killed' ? undefined : message));
      stretches += Math.min(allowed, next.stretches());
    }
    expect(said).toEqual(expected);
    // What one run read the next one did not read again: of growing stretches each run begins with a short one.
    expect(stretches).toBeLessThanOrEqual(whole.stretches() + 10);
  });

  it('is read once: the next run reads what came since', async () => {
    const store = createMemoryStore();
    await all(run(store));
    const again = run(store);
    expect(await all(again)).toEqual(await found({ limit: 1_000 }));
    expect(again.stretches()).toBe(0);
    byHand(overlay('V4.2', 'V10.6'));
    const later = run(store);
    expect(await all(later)).toEqual(await found({ limit: 1_000 }));
    expect(later.stretches()).toBe(1);
  });

  it('is the same for every size of stretches, and as far as it is read', async () => {
    for (const limit of [1, 3, 7]) {
      const said = await found({ limit });
      for (const first of [1, 2, 3, 5]) {
        expect(await foundChanges(bench.context(), { words, limit }, { first, most: first * 2 })).toEqual(said);
      }
    }
  });
});
