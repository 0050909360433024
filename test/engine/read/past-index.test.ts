// What is known about the past changes no answer: each question is asked of a world without an index, and again with one that is
// fresh, stale, lost, damaged, forged, somebody else's, or written by several jobs.
import { describe, expect, test } from 'vitest';
import { check } from '../../../src/engine/audit/check.ts';
import type { Context } from '../../../src/engine/context.ts';
import { history, readEverything, releasesAt, show } from '../../../src/engine/read/history.ts';
import { where } from '../../../src/engine/read/where.ts';
import { rollback } from '../../../src/engine/release/rollback.ts';
import { status } from '../../../src/engine/status.ts';
import { createIndexedLedger } from '../../../src/ledger/past/indexed.ts';
import { PastIndex } from '../../../src/ledger/past/past-index.ts';
import type { PastStore } from '../../../src/ledger/past/past-store.ts';
import type { ObjectId } from '../../../src/model/object-id.ts';
import { type Bench, DJANGO, FIRST, createBench, recordOf, SIGNED, twoImages } from '../../support/engine.ts';
import { type MemoryStore, createMemoryStore, flipped } from '../../support/memory-store.ts';
import { wordSigning } from '../../support/word-signing.ts';

const KEY = Buffer.from('the key of this machine');
const URL = 'https://git.example.org/shop.git';

/** When the second release of prd ran. */
const MOMENT = Date.parse('2026-01-01T00:06:30Z');

type Question = readonly [string, (context: Context) => Promise<unknown>];

const QUESTIONS: readonly Question[] = [
  ['history', async (context) => history(context, { limit: 20 })],
  ['the newest of a history', async (context) => history(context, { environment: 'prd', limit: 1 })],
  ['a history since ever', async (context) => history(context, { environment: 'prd', limit: 99, since: 0 })],
  ['show', async (context) => show(context, 'prd', { now: true })],
  ['show --release', async (context) => show(context, 'prd', { release: 1 })],
  ['show --at', async (context) => show(context, 'prd', { at: MOMENT })],
  ['what ran everywhere', async (context) => releasesAt(context, MOMENT)],
  ['where by version', async (context) => where(context, 'django@V4.0')],
  ['where by digest', async (context) => where(context, 'mariadb@V10.6')],
  ['status', async (context) => status(context)],
  ['check', async (context) => check(context, { environments: [], registry: true })],
  ['everything', async (context) => (await readEverything(context, [])).pasts],
  [
    'the target of a rollback',
    async (context) => rollback(context, { kind: 'rollback', environment: 'prd' }, { dryRun: true }),
  ],
];

/** What a question comes to, an error included, with nothing that differs between two runs. */
async function answer(context: Context, ask: Question[1]): Promise<string> {
  const spell = (_: string, value: unknown): unknown =>
    value instanceof Map ? [...value] : value instanceof Set ? [...value] : value;
  try {
    return JSON.stringify(await ask(context), spell);
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message} ${JSON.stringify(error)}`;
  }
}

/** Asks everything, each in a process of its own; with a store, over an index in it. */
async function answers(
  bench: Bench,
  store?: PastStore,
  key = KEY,
  questions = QUESTIONS,
): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const [name, ask] of questions) {
    const context = bench.context();
    const keeper = store && new PastIndex(store, key, URL, 1);
    const ledger = keeper ? createIndexedLedger(context.ledger, keeper) : context.ledger;
    found[name] = await answer({ ...context, ledger, ...(keeper && { keeper }) }, ask);
    await ledger.close();
  }
  return found;
}

/** Three environments with some releases, one of them rolled back. */
async function world(): Promise<Bench> {
  const bench = createBench();
  await bench.through(FIRST);
  await bench.through({ django: 'V4.2' });
  await bench.rollback('prd', { reason: 'it was slow' });
  return bench;
}

/** What may happen after an index was made. */
const LATER: readonly (readonly [string, (bench: Bench) => Promise<unknown>])[] = [
  ['nothing', async () => undefined],
  ['a release', async (bench) => bench.released('dev', { django: 'V4.3' })],
  ['a release everywhere', async (bench) => bench.through({ django: 'V4.3' })],
  [
    'commits by hand',
    async (bench) => {
      bench.remote.commit('prd', { 'notes.txt': 'x' });
      bench.remote.commit('main', { 'notes.txt': 'y' });
    },
  ],
  ['a record that a hand wrote', async (bench) => bench.remote.commit('prd', { [recordOf('prd')]: 'schema: 2\n' })],
  ['a record that is gone', async (bench) => bench.remote.commit('prd', { [recordOf('prd')]: undefined })],
  [
    'an old commit merged with the head',
    async (bench) => {
      const head = bench.head('prd');
      const old = bench.remote.history('prd')[2]!.id;
      bench.remote.commit('prd', {}, { parents: [old, head] });
    },
  ],
  [
    'a merge that brings another line’s releases',
    async (bench) => bench.remote.commit('dev', {}, { parents: [bench.head('dev'), bench.head('prd')] }),
  ],
  ['a branch put back', async (bench) => bench.remote.branches.set('prd' as never, bench.remote.history('prd')[1]!.id)],
  [
    'an environment that left',
    async (bench) => {
      const text = bench.remote.file('main', 'tagflow.yaml')!;
      bench.remote.commit('main', { 'tagflow.yaml': text.replace(/^ {2}prd:[^]*?(?=^\S|$(?![^]))/m, '') });
    },
  ],
];

test.each(LATER)('after %s every answer is the one without an index, with a stale one', async (_, happen) => {
  const bench = await world();
  const store = createMemoryStore();
  await answers(bench, store);
  await happen(bench);
  const bare = await answers(bench);
  expect(await answers(bench, store)).toEqual(bare);
});

describe('rules that change what the past is', () => {
  const configure = (bench: Bench, change: (text: string) => string, parents?: readonly ObjectId[]): void => {
    const text = bench.remote.file('main', 'tagflow.yaml')!;
    bench.remote.commit('main', { 'tagflow.yaml': change(text) }, parents ? { parents } : {});
  };
  const moveDjango = (text: string): string => text.replaceAll(DJANGO, 'registry.example.org/moved/django');
  const signed = async (): Promise<Bench> => {
    const config = twoImages(
      `
  dev: {}
  stg: { from: dev, signedBy: [ana, bot] }
  prd: { from: stg, signedBy: [ana] }
`,
      SIGNED,
    );
    const files = { signers: 'ana\nbot\n' };
    const bench = createBench({ config, files, signing: wordSigning('ana') });
    await bench.through(FIRST);
    await bench.through({ django: 'V4.2' });
    return bench;
  };
  const changes: readonly (readonly [string, () => Promise<Bench>, (bench: Bench) => unknown])[] = [
    ['an image that has another repository', world, (bench) => configure(bench, moveDjango)],
    [
      'a trunk that no longer has the rules that releases were planned with',
      async () => {
        const bench = await world();
        configure(bench, moveDjango);
        return bench;
      },
      (bench) => configure(bench, (text) => text, []),
    ],
    ['nothing', signed, () => undefined],
    ['a release', signed, async (bench) => bench.through({ django: 'V4.3' })],
    ['a signer who left', signed, (bench) => configure(bench, (text) => text.replace('[ana, bot]', '[bot]'))],
    ['a signers file without one', signed, (bench) => bench.remote.commit('main', { signers: 'bot\n' })],
  ];

  test.each(changes)('after %s every answer is the one without an index', async (_, make, happen) => {
    const bench = await make();
    const store = createMemoryStore();
    await answers(bench, store);
    await happen(bench);
    const bare = await answers(bench);
    expect(await answers(bench, store)).toEqual(bare);
    // And once more with what that made of it.
    expect(await answers(bench, store)).toEqual(bare);
  });
});

describe('a long past is continued from what was kept', () => {
  const ASKED = QUESTIONS.filter(([name]) => /^where|everything/.test(name));
  const long = async (): Promise<Bench> => {
    const bench = createBench();
    await bench.released('dev', FIRST);
    for (let patch = 0; patch < 13; patch += 1) {
      bench.publish('django', `V5.${patch}`);
      await bench.released('dev', { django: `V5.${patch}` });
    }
    bench.publish('django', 'V6.0');
    return bench;
  };
  const commitAt = (bench: Bench, place: number): ObjectId => bench.remote.history('dev')[place]!.id;
  const events: readonly (readonly [string, (bench: Bench) => unknown])[] = [
    ['a release', async (bench) => bench.released('dev', { django: 'V6.0' })],
    [
      'a release above a record that a hand wrote',
      async (bench) => {
        bench.remote.commit('dev', { [recordOf('dev')]: 'schema: 2\n' });
        await bench.rollback('dev', { reason: 'a hand wrote it' });
      },
    ],
    [
      'a merge that hides the releases that were read last',
      (bench) => bench.remote.commit('dev', {}, { parents: [commitAt(bench, 3), bench.head('dev')] }),
    ],
    [
      'a release above such a merge',
      async (bench) => {
        bench.remote.commit('dev', {}, { parents: [commitAt(bench, 3), bench.head('dev')] });
        await bench.rollback('dev', { reason: 'a merge hid it', to: '#14' }).catch(() => undefined);
      },
    ],
    [
      'a merge that has a release aside',
      async (bench) => {
        const aside = await releasedAside(bench);
        bench.remote.commit('dev', {}, { parents: [bench.head('dev'), aside] });
      },
    ],
    ['a branch put back', (bench) => bench.remote.branches.set('dev' as never, commitAt(bench, 2))],
  ];
  /** The commit of a release of the branch that was taken off it. */
  const releasedAside = async (bench: Bench): Promise<ObjectId> => {
    const head = bench.head('dev');
    await bench.released('dev', { django: 'V6.0' });
    const aside = bench.head('dev');
    bench.remote.branches.set('dev' as never, head);
    return aside;
  };

  test('that relies on old rules of the trunk, under releases that do not', async () => {
    const bench = createBench();
    await bench.released('dev', FIRST);
    const text = bench.remote.file('main', 'tagflow.yaml')!;
    bench.remote.commit('main', { 'tagflow.yaml': text.replace(/^ {2}mariadb:[^]*?(?=^ {0,2}\S)/m, '') });
    const releaseAll = async (major: number, many: number): Promise<void> => {
      for (let patch = 0; patch < many; patch += 1) {
        bench.publish('django', `V${major}.${patch}`);
        await bench.released('dev', { django: `V${major}.${patch}` });
      }
    };
    await releaseAll(5, 11);
    const store = createMemoryStore();
    await answers(bench, store, KEY, ASKED);
    await releaseAll(6, 9);
    await answers(bench, store, KEY, ASKED);
    // The trunk as it is, without its history.
    bench.remote.commit('main', { 'tagflow.yaml': bench.remote.file('main', 'tagflow.yaml') }, { parents: [] });
    const bare = await answers(bench, undefined, KEY, ASKED);
    expect(await answers(bench, store, KEY, ASKED)).toEqual(bare);
  });

  test.each(events)('after %s', async (_, happen) => {
    const bench = await long();
    const store = createMemoryStore();
    await answers(bench, store, KEY, ASKED);
    await happen(bench);
    const bare = await answers(bench, undefined, KEY, ASKED);
    expect(await answers(bench, store, KEY, ASKED)).toEqual(bare);
    expect(await answers(bench, store, KEY, ASKED)).toEqual(bare);
  });
});

test('a whole past that is kept is not read again', async () => {
  const bench = await world();
  const store = createMemoryStore();
  await answers(bench, store);
  const readBy = async (question: string): Promise<number> => {
    const context = bench.context();
    let read = 0;
    const keeper = new PastIndex(store, KEY, URL, 1);
    const indexed = createIndexedLedger(context.ledger, keeper);
    const ledger = {
      ...indexed,
      readFiles: async (...asked: Parameters<typeof indexed.readFiles>) => {
        if (asked[1].some((path) => path.startsWith('.tagflow/'))) read += 1;
        return indexed.readFiles(...asked);
      },
      walk: async (...asked: Parameters<typeof indexed.walk>) => {
        if (asked[1].some((path) => path.startsWith('.tagflow/'))) read += 1;
        return indexed.walk(...asked);
      },
    };
    await answer({ ...context, ledger, keeper }, QUESTIONS.find(([name]) => name === question)![1]);
    await ledger.close();
    return read;
  };
  expect(await readBy('where by version')).toBe(0);
});

describe('every answer is the one without an index when it', () => {
  const damages: readonly (readonly [
    string,
    (files: MemoryStore['files']) => Iterable<readonly [string, Uint8Array]>,
  ])[] = [
    ['is as it was', (files) => files],
    ['lost a part', (files) => [...files].slice(1)],
    ['was cut', (files) => [...files].map(([name, content]) => [name, content.subarray(0, content.length / 2)])],
    ['is empty', (files) => [...files.keys()].map((name) => [name, new Uint8Array()])],
    [
      'has a bit flipped in each part',
      (files) => [...files].map(([name, content], at) => [name, flipped(content, 7919 * at)]),
    ],
    [
      'has parts under the names of others',
      (files) => [...files.keys()].map((name, at) => [name, [...files.values()].at(at - 1)!]),
    ],
  ];

  test.each(damages)('%s', async (_, damage) => {
    const bench = await world();
    const store = createMemoryStore();
    await answers(bench, store);
    await bench.released('dev', { django: 'V4.3' });
    const bare = await answers(bench);
    const damaged = createMemoryStore(new Map(damage(store.files)));
    expect(await answers(bench, damaged)).toEqual(bare);
    // And once more with what that made of it.
    expect(await answers(bench, damaged)).toEqual(bare);
  });
});

test('somebody who does not have the key puts nothing into an answer', async () => {
  const [bench, other] = [await world(), await world()];
  other.remote.commit('prd', { [recordOf('prd')]: 'forged\n' });
  const store = createMemoryStore();
  await answers(other, store, Buffer.from('another key'));
  const forged = new Map(store.files);
  expect(await answers(bench, store)).toEqual(await answers(bench));
  expect([...store.files].some(([name, content]) => forged.get(name) !== content)).toBe(true);
});

test('the index of another repository under the same name is of no use, and does no harm', async () => {
  const [bench, other] = [await world(), createBench()];
  await other.through({ django: 'V3.2', mariadb: 'V10.3' });
  const store = createMemoryStore();
  await answers(other, store);
  expect(await answers(bench, store)).toEqual(await answers(bench));
});

test('jobs that read and write side by side give the answers of one', async () => {
  const bench = await world();
  const store = createMemoryStore();
  const bare = await answers(bench);
  const found = await Promise.all(Array.from({ length: 2 }, async () => answers(bench, store)));
  expect(found).toEqual([bare, bare]);
});

test('a past that is known is not fetched, nor is it after a release', async () => {
  const bench = await world();
  const store = createMemoryStore();
  await answers(bench, store);
  await bench.released('dev', { django: 'V4.3' });
  const context = bench.context();
  let whole = 0;
  const deepen = context.ledger.deepen.bind(context.ledger);
  Object.assign(context.ledger, {
    deepen: async (heads: Parameters<typeof deepen>[0]) => {
      whole += 1;
      return deepen(heads);
    },
  });
  const ledger = createIndexedLedger(context.ledger, new PastIndex(store, KEY, URL));
  for (const [name, ask] of QUESTIONS) if (/^where|since ever|everything/.test(name)) await ask({ ...context, ledger });
  expect(whole).toBe(0);
});
