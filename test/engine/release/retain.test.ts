// Retention: the per-release tags of the newest releases stay, older ones go where the registry can remove them.
import { digestOf } from '../../../src/model/digest.ts';
import { describe, expect, test } from 'vitest';
import { apply } from '../../../src/engine/release/apply.ts';
import { TagflowError } from '../../../src/model/errors.ts';
import { parseTag } from '../../../src/model/reference.ts';
import type { Signing } from '../../../src/signing/signing.ts';
import { failureOf } from '../../support/failure.ts';
import { EVIL, forge } from '../../support/forgeries.ts';
import type { Operation } from '../../support/memory-registry.ts';
import {
  type Bench,
  type BenchOptions,
  DJANGO,
  FIRST,
  createBench,
  recordOf,
  repositoryOf,
} from '../../support/engine.ts';

const TWO = { settings: { dev: 'retain: 2' } } satisfies BenchOptions;
const VERSIONS = ['V4.2', 'V4.3', 'V4.0', 'V3.2'];

/** A bench whose dev took `count` releases, each with another django. */
async function releases(count: number, options: BenchOptions = TWO): Promise<Bench> {
  const bench = createBench(options);
  await bench.released('dev', FIRST);
  for (let at = 1; at < count; at += 1) await next(bench, VERSIONS[(at - 1) % VERSIONS.length]!);
  return bench;
}

async function next(bench: Bench, django: string): Promise<void> {
  await bench.released('dev', { django }, { overrides: ['downgrade'] });
}

/** dev at release 5 with the tags of 1, 2 and 3 left behind by runs that were cut off. */
async function leftBehind(): Promise<Bench> {
  const bench = await releases(5, {});
  bench.remote.commit('main', {
    'tagflow.yaml': (bench.remote.file('main', 'tagflow.yaml') ?? '').replace('dev:\n', 'dev:\n    retain: 2\n'),
  });
  return bench;
}

/** The numbers of the per-release tags of dev that an image has. */
function numbers(bench: Bench, image = 'django'): readonly number[] {
  return Object.keys(bench.aliases(image))
    .flatMap((tag) => (tag.startsWith('dev-') ? [Number(tag.slice(4))] : []))
    .sort((a, b) => a - b);
}

/** The operations of the registry and the talks with the remote while something runs. */
async function asked(bench: Bench, work: () => Promise<unknown>): Promise<readonly string[]> {
  const before = bench.registry.operations.length;
  const talks: string[] = [];
  bench.remote.faults.before = (step) => void talks.push(step);
  await work();
  bench.remote.faults.before = undefined;
  const operations = bench.registry.operations.slice(before);
  return [...talks, ...operations.map(({ method, tag }) => `${method} ${tag ?? ''}`.trim())];
}

const isRemoval = ({ method }: Operation): boolean => method === 'removeTag';

describe('after a release', () => {
  test('the tags of the release that it pushes out are removed, of all images, and the images stay', async () => {
    const bench = await releases(3);
    expect(numbers(bench)).toEqual([2, 3]);
    expect(numbers(bench, 'mariadb')).toEqual([2, 3]);
    expect(bench.tagged('django', 'dev')).toBe('V4.3');
    expect(bench.registry.read(repositoryOf('django'), bench.digest('django', 'V4.0'))).toBeDefined();
    expect(bench.tagged('django', 'V4.0')).toBe('V4.0');
  });

  test('ten are kept when nothing is said', async () => {
    expect(numbers(await releases(11, {}))).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  test('those of other environments are left alone', async () => {
    const bench = createBench(TWO);
    await bench.through(FIRST);
    for (const django of ['V4.2', 'V4.3']) await next(bench, django);
    expect(Object.keys(bench.aliases('django')).sort()).toEqual([
      'dev',
      'dev-2',
      'dev-3',
      'prd',
      'prd-1',
      'stg',
      'stg-1',
    ]);
  });

  test('nothing more is read or asked while there is room', async () => {
    const bench = await releases(1);
    const steps = await asked(bench, async () => next(bench, 'V4.2'));
    expect(steps.filter((step) => /removeTag|listTags/.test(step))).toEqual([]);
  });

  test('one look at the newest records and one removal for each image is all it takes', async () => {
    const bench = await releases(2);
    const room = await releases(2, {});
    const without = await asked(room, async () => next(room, 'V4.3'));
    const steps = await asked(bench, async () => next(bench, 'V4.3'));
    expect(steps.toSorted()).toEqual([...without, 'deepen', 'removeTag dev-1', 'removeTag dev-1'].toSorted());
  });

  test('a rollback pushes out as well, and the release it goes back to has its tag', async () => {
    const bench = await releases(3);
    await bench.rollback('dev');
    expect(numbers(bench)).toEqual([3, 4]);
    expect(bench.tagged('django', 'dev-4')).toBe('V4.2');
  });

  test('the release that a rollback would go back to keeps its tag behind those that are held', async () => {
    const bench = await releases(3, { settings: { dev: 'retain: 3' } });
    await bench.rollback('dev');
    // 1: V4.0, 2: V4.2, 3: V4.3, which is held, and 4: V4.2 again. From there the way back leads to 1.
    expect(numbers(bench)).toEqual([1, 2, 3, 4]);
    await next(bench, 'V3.2');
    expect(numbers(bench)).toEqual([3, 4, 5]);
  });

  test('records that hands put back count for nothing', async () => {
    const bench = await releases(4, { settings: { dev: 'retain: 3' } });
    const text = (at: number): string => {
      const commit = bench.remote.history('dev')[at]!.id;
      return Buffer.from(bench.remote.filesOf(commit).get(recordOf('dev')) ?? []).toString();
    };
    const [newest, earlier] = [text(0), text(2)];
    bench.remote.commit('dev', { [recordOf('dev')]: earlier });
    bench.remote.commit('dev', { [recordOf('dev')]: newest });
    await bench.released('dev', { django: 'V3.2' }, { overrides: ['downgrade', 'divergence'] });
    expect(numbers(bench)).toEqual([3, 4, 5]);
  });

  test('a tag that somebody moved is left alone, with a warning', async () => {
    const bench = await releases(2);
    await bench.registry.tag(repositoryOf('django'), bench.digest('django', 'V4.3'), parseTag('dev-1'));
    await next(bench, 'V4.3');
    expect(bench.tagged('django', 'dev-1')).toBe('V4.3');
    expect(numbers(bench, 'mariadb')).toEqual([2, 3]);
    expect(bench.notices.filter((text) => text.includes('left alone'))).toHaveLength(1);
  });

  test('nothing is removed when a tag of the release could not be put', async () => {
    const bench = await releases(2);
    bench.registry.arm({ kind: 'before' }, 1, ({ method, tag }) => method === 'tag' && tag === 'dev');
    await next(bench, 'V4.3');
    expect(numbers(bench)).toEqual([1, 2, 3]);
  });
});

describe('what goes wrong with a removal', () => {
  test.each([
    ['a registry that does not answer', undefined, 1],
    ['rights that are missing', new TagflowError('forbidden', { what: 'no right to delete' }), 0],
    ['a stop', new TagflowError('interrupted', { what: 'stopped by SIGTERM' }), 0],
  ])('%s is not a failure of the promotion', async (_what, error, warnings) => {
    const bench = await releases(2);
    bench.registry.arm({ kind: 'before', ...(error && { error }) }, 1, isRemoval);
    await next(bench, 'V4.3');
    expect(bench.tagged('django', 'dev')).toBe('V4.3');
    expect(bench.notices.filter((text) => text.includes('were not removed'))).toHaveLength(warnings);
  });

  test('rights that are missing are reported once for a repository, which is not asked again', async () => {
    const bench = await leftBehind();
    const error = new TagflowError('forbidden', { what: 'no right to delete' });
    for (const image of ['django', 'mariadb']) {
      bench.registry.arm({ kind: 'before', error }, 1, (one) => isRemoval(one) && one.repository.endsWith(image));
    }
    await apply(bench.context(), ['dev']);
    expect(bench.registry.operations.filter(isRemoval)).toHaveLength(2);
    expect(bench.notices.filter((text) => text.includes('may not remove tags'))).toEqual([
      'dev: tags of old releases stay in registry.example.org/shop/django, registry.example.org/shop/mariadb: this identity may not remove tags (docs/reference/registries.md)',
    ]);
  });

  test('a remote that does not answer is not one either', async () => {
    const bench = await releases(2);
    bench.remote.faults.before = (step) => {
      if (step === 'deepen') throw bench.down();
    };
    await next(bench, 'V4.3');
    expect(bench.notices.at(-1)).toContain('the next apply or release tries again');
    expect(numbers(bench)).toEqual([1, 2, 3]);
  });

  test('a registry that removes no tags is asked once for each repository, and nobody is reported', async () => {
    const bench = await releases(3, { ...TWO, registry: { keepsTags: true } });
    expect(numbers(bench)).toEqual([1, 2, 3]);
    expect(bench.registry.operations.filter(isRemoval)).toHaveLength(2);
    expect(bench.notices.filter((text) => text.includes('remove'))).toEqual([]);
  });

  test('a defect is not hidden', async () => {
    const bench = await releases(2);
    bench.registry.arm({ kind: 'before', error: new TypeError('a slip') }, 1, isRemoval);
    await expect(next(bench, 'V4.3')).rejects.toThrow('a slip');
  });
});

describe('apply', () => {
  test('removes what runs that were cut off left behind', async () => {
    const bench = await leftBehind();
    await apply(bench.context(), ['dev']);
    expect(numbers(bench)).toEqual([4, 5]);
    expect(numbers(bench, 'mariadb')).toEqual([4, 5]);
    expect(bench.notices).toContain('dev: removed 6 tags, of releases no longer retained');
  });

  test('reads no past when nothing was left behind', async () => {
    const bench = await leftBehind();
    await apply(bench.context(), ['dev']);
    const steps = await asked(bench, async () => apply(bench.context(), ['dev']));
    expect(steps.filter((step) => /deepen|removeTag/.test(step))).toEqual([]);
  });

  test('lists no tags of an environment that has had no more releases than it keeps', async () => {
    const bench = await releases(2);
    const steps = await asked(bench, async () => apply(bench.context(), []));
    expect(steps.filter((step) => /listTags/.test(step))).toEqual([]);
  });

  test('leaves tags alone that only look like one of a release', async () => {
    const bench = await leftBehind();
    const digest = bench.digest('django', 'V3.2');
    for (const tag of ['dev-2', 'dev-007', 'dev-99', 'dev-x']) {
      bench.registry.untag(repositoryOf('django'), parseTag(tag));
      await bench.registry.tag(repositoryOf('django'), digest, parseTag(tag));
    }
    // 99 is of a release that is to come: a branch that was rewound is for promote and apply to find.
    bench.registry.untag(repositoryOf('django'), parseTag('dev-99'));
    await apply(bench.context(), ['dev']);
    expect(Object.keys(bench.aliases('django')).sort()).toEqual(['dev', 'dev-007', 'dev-2', 'dev-4', 'dev-5', 'dev-x']);
    expect(bench.notices.at(-1)).toContain('dev-2 names');
  });

  test('asks a repository that removes no tags once for all environments', async () => {
    const bench = createBench({ settings: { dev: 'retain: 1', stg: 'retain: 1' }, registry: { keepsTags: true } });
    for (const django of ['V3.2', 'V4.0', 'V4.2', 'V4.3']) {
      await bench.released('dev', { django, mariadb: 'V10.6' });
      await bench.released('stg');
    }
    const steps = await asked(bench, async () => apply(bench.context(), ['dev', 'stg']));
    expect(steps.filter((step) => step.startsWith('removeTag'))).toHaveLength(2);
  });

  test('touches nothing where hands put an earlier record back', async () => {
    const bench = await leftBehind();
    const commit = bench.remote.history('dev').find(({ message }) => message.includes('Tagflow-Release: 4'))!.id;
    const text = Buffer.from(bench.remote.filesOf(commit).get(recordOf('dev')) ?? []).toString();
    bench.remote.commit('dev', { [recordOf('dev')]: text });
    const [applied] = await apply(bench.context(), ['dev']);
    expect(applied?.problem?.code).toBe('record-invalid');
    expect(numbers(bench)).toEqual([1, 2, 3, 4, 5]);
  });

  test('continues with the other environments when one cannot be cleaned', async () => {
    const bench = await leftBehind();
    bench.registry.arm({ kind: 'before' }, 1, ({ method }) => method === 'listTags');
    const applied = await apply(bench.context(), []);
    expect(applied.map(({ environment, problem }) => [environment, problem])).toEqual([
      ['dev', undefined],
      ['stg', undefined],
      ['prd', undefined],
    ]);
    expect(bench.notices.filter((text) => text.includes('were not removed'))).toHaveLength(1);
  });
});

describe('where releases are signed', () => {
  const signatureOf = (payload: Uint8Array): string =>
    `-----BEGIN SSH SIGNATURE-----\n${digestOf(payload).slice(7)}\n-----END SSH SIGNATURE-----\n`;
  /** Whatever it signed is good, nothing else is. */
  const SIGNING: Signing = {
    sign: async (_, payload) => signatureOf(payload),
    verify: async ({ payload, signature }) =>
      signature === signatureOf(payload) ? { signer: 'bot' } : { problem: 'nobody signed it' },
    unlisted: async () => [],
  };

  test('records that nobody signed push no release out of the window', async () => {
    const config = `version: 1
signing: ssh
signers: signers
images: { django: { repository: ${DJANGO} } }
environments: { dev: {}, stg: { from: dev, retain: 2, gates: { upstream: off } }, prd: { from: stg, gates: { upstream: off } } }
`;
    const bench = createBench({ config, files: { signers: 'bot ssh-ed25519 AAAA\n' }, signing: SIGNING });
    for (const django of ['V3.2', 'V4.0', 'V4.2']) {
      await bench.released('dev', { django });
      await bench.released('stg');
    }
    bench.publish('django', EVIL);
    forge(bench);
    await bench.rollback('stg');
    await apply(bench.context(), ['stg']);
    const { sequence } = bench.record('stg');
    const tags = Object.keys(bench.aliases('django')).filter((tag) => tag.startsWith('stg-'));
    expect(tags.sort()).toEqual(['stg-2', 'stg-3', `stg-${sequence}`]);
  });
});

describe('a release whose per-release tag was removed', () => {
  test('is still rolled back to by its digest', async () => {
    const bench = await releases(3);
    const outcome = await bench.rollback('dev', { to: '#1' });
    expect(outcome.kind).toBe('released');
    expect(bench.tagged('django', 'dev')).toBe('V4.0');
    expect(bench.tagged('django', 'dev-4')).toBe('V4.0');
  });

  test('case 41: is refused before anything moves once its image is gone', async () => {
    const bench = await releases(3);
    const head = bench.head('dev');
    const tags = bench.aliases('django');
    bench.registry.remove(repositoryOf('django'), bench.digest('django', 'V4.0'));
    const error = await failureOf(bench.rollback('dev', { to: '#1' }));
    expect(error.code).toBe('digest-not-found');
    expect(bench.head('dev')).toBe(head);
    expect(bench.aliases('django')).toEqual(tags);
  });
});
