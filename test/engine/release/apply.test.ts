// Apply: target tags become equal to the branches' heads, in an order that is safe to stop anywhere.
import { describe, expect, test } from 'vitest';
import { TagflowError } from '../../../src/model/errors.ts';
import { apply } from '../../../src/engine/release/apply.ts';
import { applyHead, requireComplete } from '../../../src/engine/release/put-tags.ts';
import type { TagStatus } from '../../../src/engine/release/outcome.ts';
import type { BranchName } from '../../../src/model/object-id.ts';
import { parseTag } from '../../../src/model/reference.ts';
import {
  type Bench,
  type BenchOptions,
  FIRST,
  MARIADB,
  createBench,
  recordOf,
  repositoryOf,
  withPorts,
} from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';
import { refusal } from '../../support/failure.ts';
import { readSnapshot } from '../../../src/engine/read/snapshot.ts';

async function running(options?: BenchOptions): Promise<Bench> {
  const bench = createBench(options);
  await bench.through(FIRST);
  return bench;
}

/** Statuses as `django:dev moved`. */
function statuses(tags: readonly TagStatus[]): readonly string[] {
  return tags.map(({ image, tag, status }) => `${image}:${tag} ${status}`);
}

/** Puts a tag on a seeded image, as somebody with a registry client would. */
async function retag(bench: Bench, image: string, version: string, tag: string): Promise<void> {
  await bench.registry.tag(repositoryOf(image), bench.digest(image, version), parseTag(tag));
}

describe('what apply does', () => {
  test('puts tags that drifted back, and says what they named', async () => {
    const bench = await running();
    await retag(bench, 'django', 'V4.2', 'prd');
    const [applied] = await apply(bench.context(), ['prd']);
    expect(statuses(applied!.tags)).toEqual([
      'django:prd-1 right',
      'mariadb:prd-1 right',
      'django:prd moved',
      'mariadb:prd right',
    ]);
    expect(applied?.tags[2]?.previous).toBe(bench.digest('django', 'V4.2'));
    expect(bench.tagged('django', 'prd')).toBe('V4.0');
  });

  test('a second time writes nothing', async () => {
    const bench = await running();
    const writes = bench.registry.writes.length;
    const applied = await apply(bench.context(), []);
    expect(applied.flatMap(({ tags }) => tags).every(({ status }) => status === 'right')).toBe(true);
    expect(bench.registry.writes).toHaveLength(writes);
  });

  test('every environment that has a branch, when none is named', async () => {
    const bench = await running();
    bench.remote.branches.delete('stg' as BranchName);
    const applied = await apply(bench.context(), []);
    expect(applied.map(({ environment }) => environment)).toEqual(['dev', 'prd']);
  });

  test('an environment without a release has no tags', async () => {
    const bench = createBench();
    expect(await apply(bench.context(), ['dev'])).toMatchObject([{ environment: 'dev', record: undefined, tags: [] }]);
  });

  test.each([
    ['qa', 'environment-not-found'],
    ['stg', 'branch-not-found'],
  ])('%s: %s', async (name, code) => {
    const bench = await running();
    bench.remote.branches.delete('stg' as BranchName);
    expect(await failureOf(apply(bench.context(), [name]))).toMatchObject({ code });
  });

  test('completes what a killed promotion left: committed, no tag put', async () => {
    const bench = await running();
    bench.registry.arm({ kind: 'before', error: new Error('killed') }, 1, ({ method }) => method === 'tag');
    await expect(bench.promote('prd', { django: 'V4.2' })).rejects.toThrow('killed');
    expect(bench.tagged('django', 'prd')).toBe('V4.0');
    await apply(bench.context(), ['prd']);
    expect(bench.aliases('django')).toMatchObject({ prd: 'V4.2', 'prd-2': 'V4.2' });
  });

  test('an unreadable record of one environment does not keep the others from repair', async () => {
    const bench = await running();
    bench.remote.commit('dev', { [recordOf('dev')]: 'broken' });
    await retag(bench, 'django', 'V4.2', 'prd');
    const applied = await apply(bench.context(), []);
    expect(applied.map(({ environment, problem }) => [environment, problem?.code])).toEqual([
      ['dev', 'record-invalid'],
      ['stg', undefined],
      ['prd', undefined],
    ]);
    expect(applied[0]).toMatchObject({ head: bench.head('dev'), record: undefined, tags: [] });
    expect(bench.tagged('django', 'prd')).toBe('V4.0');
  });

  test.each([
    ['an interrupt', (bench: Bench) => bench.interruption()],
    ['a defect', () => new TypeError('no such thing')],
  ])('%s ends it, for all environments', async (_, errorOf) => {
    const bench = await running();
    await retag(bench, 'django', 'V4.2', 'prd');
    const error = errorOf(bench);
    bench.registry.arm({ kind: 'before', error }, 1, ({ tag }) => tag === 'dev-2');
    await expect(apply(bench.context(), [])).rejects.toBe(error);
    expect(bench.tagged('django', 'prd')).toBe('V4.2');
  });

  test('a registry that fails for one environment does not keep the others from repair', async () => {
    const bench = await running();
    await retag(bench, 'django', 'V4.2', 'prd');
    bench.registry.arm({ kind: 'before' }, 1, ({ tag }) => tag === 'dev-2');
    const applied = await apply(bench.context(), []);
    expect(applied.map(({ environment, problem }) => [environment, problem?.code])).toEqual([
      ['dev', 'registry-unavailable'],
      ['stg', undefined],
      ['prd', undefined],
    ]);
    expect(bench.tagged('django', 'prd')).toBe('V4.0');
  });
});

describe('the order of writes', () => {
  test.each([
    ['apply', async (bench: Bench) => apply(bench.context(), ['dev'])],
    ['a promotion', async (bench: Bench) => bench.promote('dev', { django: 'V4.3' })],
  ])('%s removes no tag of an older release before its own are verified', async (_, run) => {
    const bench = createBench();
    for (const django of ['V3.2', 'V4.0', 'V4.2']) await bench.released('dev', { ...FIRST, django });
    bench.remote.commit('main', {
      'tagflow.yaml': (bench.remote.file('main', 'tagflow.yaml') ?? '').replace('dev:\n', 'dev:\n    retain: 1\n'),
    });
    bench.registry.arm({ kind: 'before' }, 1, ({ method, tag }) => method === 'tag' && tag === 'dev');
    await run(bench);
    expect(bench.aliases('django')).toMatchObject({ 'dev-1': 'V3.2', 'dev-2': 'V4.0', 'dev-3': 'V4.2' });
    await apply(bench.context(), ['dev']);
    expect(bench.aliases('django')).not.toHaveProperty('dev-1');
  });

  test('per-release tags for all images before any target tag', async () => {
    const bench = createBench();
    await bench.released('dev', FIRST);
    expect(bench.registry.writes.map(({ tag }) => tag)).toEqual(['dev-1', 'dev-1', 'dev', 'dev']);
  });

  test('an image whose per-release tag failed gets no target tag', async () => {
    const bench = await running();
    bench.registry.arm(
      { kind: 'before' },
      1,
      ({ method, tag, repository }) => method === 'tag' && tag === 'prd-2' && repository.endsWith('django'),
    );
    const { tags } = await bench.released('prd', { django: 'V4.2', mariadb: 'V10.11' });
    expect(statuses(tags)).toEqual(['django:prd-2 failed', 'mariadb:prd-2 moved', 'mariadb:prd moved']);
    expect(tags[0]?.error?.code).toBe('registry-unavailable');
    expect(bench.tagged('django', 'prd')).toBe('V4.0');
  });

  test('a write whose answer was lost is reported as not verified, and the next apply finds it right', async () => {
    const bench = await running();
    bench.registry.arm({ kind: 'after' }, 1, ({ method, tag }) => method === 'tag' && tag === 'prd');
    const { tags } = await bench.released('prd', { django: 'V4.2' });
    expect(statuses(tags).filter((one) => one.endsWith('failed'))).toEqual(['django:prd failed']);
    const [applied] = await apply(bench.context(), ['prd']);
    expect(statuses(applied!.tags).some((one) => one.endsWith('failed'))).toBe(false);
  });

  test('an old write that lands late is repaired by the next apply', async () => {
    const bench = await running();
    bench.registry.arm(
      { kind: 'late' },
      1,
      ({ method, tag, repository }) => method === 'tag' && tag === 'prd' && repository.endsWith('django'),
    );
    await bench.released('prd', { django: 'V4.2' });
    await bench.released('prd', { django: 'V4.3' });
    bench.registry.landLate();
    expect(bench.tagged('django', 'prd')).toBe('V4.2');
    await apply(bench.context(), ['prd']);
    expect(bench.tagged('django', 'prd')).toBe('V4.3');
  });

  /** From now on `times` readings of a tag of django show what it named before. */
  function lag({ registry }: Bench, wanted: string, times: number): void {
    for (let nth = 1; nth <= times; nth += 1) {
      registry.arm(
        { kind: 'stale' },
        nth,
        ({ method, tag, repository }) => method === 'peek' && tag === wanted && repository.endsWith('django'),
      );
    }
  }

  test.each([
    ['prd', 1, [500]],
    ['prd', 3, [500, 1000, 2000]],
    // The first of them is read before the commit.
    ['prd-2', 2, [500]],
  ])('a read-back of %s that shows what was before is made again: %i stale, after pauses of %j ms', async (...row) => {
    const [tag, times, pauses] = row;
    const bench = await running();
    const before = bench.clock.sleeps.length;
    lag(bench, tag, times);
    const { tags } = await bench.released('prd', { django: 'V4.2' });
    expect(statuses(tags)).toEqual([
      'django:prd-2 moved',
      'mariadb:prd-2 moved',
      'django:prd moved',
      'mariadb:prd right',
    ]);
    expect(bench.clock.sleeps.slice(before)).toEqual(pauses);
  });

  test('a read-back that shows what nobody had put before is trusted at once', async () => {
    const bench = await running();
    await retag(bench, 'django', 'V4.2', 'prd');
    const context = bench.context();
    const registryOf: typeof context.registries.registryOf = (repository) => ({
      ...context.registries.registryOf(repository),
      peek: async (_, tag) => (tag === 'prd' ? bench.digest('django', 'V4.3') : undefined),
    });
    const before = bench.clock.sleeps.length;
    const [applied] = await apply(withPorts(context, { registries: { registryOf } }), ['prd']);
    expect(statuses(applied!.tags)).toContain('django:prd failed');
    expect(bench.clock.sleeps.slice(before)).toEqual([]);
  });

  test('a read-back that shows another image is not success', async () => {
    const bench = await running();
    lag(bench, 'prd', 4);
    const { tags } = await bench.released('prd', { django: 'V4.2' });
    const failed = tags.find(({ status }) => status === 'failed');
    expect(failed).toMatchObject({
      image: 'django',
      tag: 'prd',
      error: { code: 'registry-answer-invalid', message: expect.stringContaining('django:prd reads as') },
    });
  });

  test('a per-release tag that names another image stays, and its image gets no target tag', async () => {
    const bench = await running();
    await retag(bench, 'django', 'V4.3', 'prd-1');
    const [applied] = await apply(bench.context(), ['prd']);
    expect(applied?.tags[0]).toMatchObject({
      status: 'failed',
      error: {
        code: 'release-tag-taken',
        message: expect.stringContaining('django:prd-1 already points to another image'),
      },
    });
    expect(bench.tagged('django', 'prd-1')).toBe('V4.3');
  });

  test('a target tag that the registry made immutable is reported by its name', async () => {
    const bench = await running();
    bench.registry.makeImmutable(repositoryOf('django'), parseTag('prd'));
    const { tags } = await bench.released('prd', { django: 'V4.2' });
    expect(tags.find(({ status }) => status === 'failed')?.error?.code).toBe('tag-immutable');
  });
});

describe('a head that moves on meanwhile', () => {
  test('has its own tags put, written again even where they read as right', async () => {
    const bench = await running();
    let once = true;
    bench.remote.faults.before = async (step, actor) => {
      if (step !== 'head' || actor !== 'slow' || !once) return;
      once = false;
      await bench.released('prd', { django: 'V4.3' }, { as: { actor: 'quick' } });
    };
    const before = bench.registry.writes.length;
    const { tags, record } = await bench.released('prd', { django: 'V4.2' }, { as: { actor: 'slow' } });
    expect(record.sequence).toBe(2);
    expect(bench.notices).toContain('prd moved on to release 3: applying that');
    expect(statuses(tags)).toEqual([
      'django:prd-3 right',
      'mariadb:prd-3 right',
      'django:prd moved',
      'mariadb:prd moved',
    ]);
    const aliases = bench.registry.writes
      .slice(before)
      .filter(({ tag, repository }) => tag === 'prd' && repository.endsWith('django'));
    expect(aliases).toHaveLength(3);
    expect(bench.aliases('django')).toMatchObject({ prd: 'V4.3', 'prd-2': 'V4.2', 'prd-3': 'V4.3' });
  });

  test('by a commit that is not a release leaves the tags as they are', async () => {
    const bench = await running();
    bench.remote.faults.before = (step) => {
      if (step === 'head' && bench.remote.history('prd').length < 4) bench.remote.commit('prd', { note: 'x' });
    };
    const { tags } = await bench.released('prd', { django: 'V4.2' });
    expect(tags.map(({ tag }) => tag)).toEqual(['prd-2', 'prd-2', 'prd', 'prd']);
    // Only django moved, and only once: nothing was written again.
    expect(bench.registry.writes.filter(({ tag }) => tag === 'prd')).toHaveLength(3);
  });

  test('backwards is refused: no tag follows a branch that was rewound', async () => {
    const bench = await running();
    const before = bench.head('prd');
    await bench.through({ django: 'V4.2' });
    bench.remote.branches.set('prd' as BranchName, before);
    const applied = await apply(bench.context(), []);
    expect(applied.map(({ environment, problem }) => [environment, problem?.code])).toEqual([
      ['dev', undefined],
      ['stg', undefined],
      ['prd', 'branch-rewound'],
    ]);
    expect(applied[2]?.problem?.message).toBe('the registry has prd-2, and prd has no release 2');
    expect(bench.tagged('django', 'prd')).toBe('V4.2');
  });

  test.each(['prd', 'prd at the same number'])('and back is not followed: %s', async (how) => {
    const bench = await running();
    const before = bench.head('prd');
    const first = bench.remote.file('prd', recordOf('prd')) ?? '';
    let rewound = false;
    bench.remote.faults.before = (step) => {
      if (step !== 'head' || rewound) return;
      rewound = true;
      bench.remote.branches.set('prd' as BranchName, before);
      if (how === 'prd') return;
      // Made again: another release has the number that this one was given.
      const other = first
        .replace('sequence: 1\n', 'sequence: 2\n')
        .replace(/base: .*\n/, `base: ${before}\nprevious: 1\n`);
      bench.remote.commit('prd', { [recordOf('prd')]: other });
    };
    const error = await failureOf(bench.promote('prd', { django: 'V4.2' }));
    expect(error).toMatchObject({ code: 'tags-incomplete', exit: 8, cause: { code: 'branch-rewound' } });
    expect(error.why).toContain('does not contain release 2 of prd');
    expect(bench.tagged('django', 'prd')).toBe('V4.2');
  });

  test('two releases further has the tags of the newest put', async () => {
    const bench = await running();
    let once = true;
    bench.remote.faults.before = async (step, actor) => {
      if (step !== 'head' || actor !== 'slow' || !once) return;
      once = false;
      await bench.released('prd', { django: 'V4.3' }, { as: { actor: 'quick' } });
      await bench.released('prd', { mariadb: 'V10.11' }, { as: { actor: 'quick' } });
    };
    await bench.released('prd', { django: 'V4.2' }, { as: { actor: 'slow' } });
    expect(bench.aliases('django')).toMatchObject({ prd: 'V4.3', 'prd-4': 'V4.3' });
  });

  test('while it is looked at is not a rewinding: the newer release is applied', async () => {
    let promoteNow: (() => Promise<unknown>) | undefined;
    const bench = await running({
      registry: {
        async pause({ method }) {
          if (method !== 'peek' || !promoteNow) return;
          const [now] = [promoteNow, (promoteNow = undefined)];
          await now();
        },
      },
    });
    promoteNow = () => bench.released('prd', { django: 'V4.2' });
    const [writes, pauses] = [bench.registry.writes.length, bench.clock.sleeps.length];
    const [applied] = await apply(bench.context(), ['prd']);
    expect(applied?.problem).toBeUndefined();
    expect(bench.aliases('django')).toMatchObject({ prd: 'V4.2', 'prd-2': 'V4.2' });
    // The tags went straight to the newer release, and nobody waited for a replica.
    const digests = bench.registry.writes.slice(writes).map(({ digest }) => digest);
    expect(digests).not.toContain(bench.digest('django', 'V4.0'));
    expect(bench.clock.sleeps).toHaveLength(pauses);
  });

  test('while it is looked at, and is gone, has no tag put', async () => {
    const bench = await running();
    await retag(bench, 'django', 'V4.2', 'prd');
    // The next release's tag is there, so it came and went.
    await retag(bench, 'django', 'V4.2', 'prd-2');
    bench.remote.faults.before = (step) => {
      if (step === 'head') bench.remote.branches.delete('prd' as BranchName);
    };
    const [applied] = await apply(bench.context(), ['prd']);
    expect(applied?.problem).toMatchObject({
      code: 'branch-rewound',
      message: 'prd is gone, and release 1 of prd with it',
      details: { environment: 'prd', release: 1 },
    });
    expect(bench.tagged('django', 'prd')).toBe('V4.2');
  });

  test('and is gone, is not success', async () => {
    const bench = await running();
    bench.remote.faults.before = (step) => {
      if (step === 'head') bench.remote.branches.delete('prd' as BranchName);
    };
    const [applied] = await apply(bench.context(), ['prd']);
    expect(applied?.problem).toMatchObject({ code: 'branch-rewound', message: expect.stringContaining('prd is gone') });
  });

  /** Others release prd again at each look at its head, `times` times. */
  function busy(bench: Bench, times: number, also: (sequence: number) => Promise<void> = async () => undefined): void {
    const record = bench.remote.file('prd', recordOf('prd')) ?? '';
    let sequence = 1;
    bench.remote.faults.before = async (step) => {
      if (step !== 'head' || sequence > times) return;
      sequence += 1;
      const next = record
        .replace('sequence: 1\n', `sequence: ${sequence}\n`)
        .replace(/^base: .*\n/m, '')
        .replace(/^scope:/m, `previous:\n  sequence: ${sequence - 1}\n  commit: "${bench.head('prd')}"\nscope:`);
      bench.remote.commit('prd', { [recordOf('prd')]: next });
      await also(sequence);
    };
  }

  test('again and again while tags are put is given up, and says that apply finishes it', async () => {
    const bench = await running();
    busy(bench, 30);
    const [applied] = await apply(bench.context(), ['prd']);
    expect(applied?.problem).toMatchObject({ code: 'race-lost', fix: 'write its tags: apply prd' });
  });

  test('again and again before any tag is put is given up as well', async () => {
    const bench = await running();
    await retag(bench, 'django', 'V4.0', 'prd-2');
    busy(bench, 60, (sequence) => retag(bench, 'django', 'V4.0', `prd-${sequence + 1}`));
    const writes = bench.registry.writes.filter(({ tag }) => tag === 'prd').length;
    const [applied] = await apply(bench.context(), ['prd']);
    expect(applied?.problem).toMatchObject({ code: 'race-lost', fix: 'write its tags: apply prd' });
    expect(bench.registry.writes.filter(({ tag }) => tag === 'prd')).toHaveLength(writes);
  });
});

describe('after the commit has landed', () => {
  test.each([
    [
      'Git does not answer',
      /^the remote did not answer$/,
      (bench: Bench) => {
        bench.remote.faults.before = (step) => {
          if (step === 'head') throw bench.down();
        };
      },
    ],
    [
      'somebody breaks the record on top of it',
      /is not a valid release record: .+/,
      (bench: Bench) => {
        bench.remote.faults.before = (step) => {
          if (step === 'head') bench.remote.commit('prd', { [recordOf('prd')]: 'broken' });
        };
      },
    ],
  ])('%s: the release is reported as committed, and its tags as not verified', async (_, why, fault) => {
    const bench = await running();
    fault(bench);
    const error = await failureOf(bench.promote('prd', { django: 'V4.2' }));
    const commit = bench.remote.history('prd').find(({ message }) => message.includes('Tagflow-Release: 2'));
    expect(error).toMatchObject({
      code: 'tags-incomplete',
      exit: 8,
      why: expect.stringMatching(why),
      fix: expect.stringContaining('apply prd'),
      details: { environment: 'prd', commit: commit?.id, release: 2 },
    });
    expect(error.message).toContain('committed');
  });

  test('an interruption finishes the writes in flight and starts none', async () => {
    const finished: string[] = [];
    const bench = createBench({
      registry: {
        async pause({ method, tag, repository }, step) {
          if (method !== 'tag' || tag !== 'prd-1' || step !== 'write' || !repository.endsWith('mariadb')) return;
          await new Promise((resolve) => setTimeout(resolve, 20));
          finished.push(repository);
        },
      },
    });
    await bench.released('dev', FIRST);
    await bench.released('stg');
    // What the adapter of django's registry throws once the run is asked to stop, while mariadb's is writing.
    bench.registry.arm(
      { kind: 'before', error: bench.interruption() },
      1,
      ({ method, tag }) => method === 'tag' && tag === 'prd-1',
    );
    const error = await failureOf(bench.promote('prd'));
    expect(error.code).toBe('interrupted');
    expect(finished).toEqual([MARIADB]);
    expect(bench.aliases('mariadb')).not.toHaveProperty('prd');
  });

  test('a run that was told to stop puts no tag', async () => {
    const controller = new AbortController();
    const bench = await running();
    bench.remote.faults.push = () => {
      controller.abort(bench.interruption());
      return undefined;
    };
    const writes = bench.registry.writes.length;
    const work = bench.promote('prd', { django: 'V4.2' }, { as: { signal: controller.signal } });
    expect(await failureOf(work)).toMatchObject({ code: 'interrupted' });
    expect(bench.record('prd').sequence).toBe(2);
    expect(bench.registry.writes).toHaveLength(writes);
  });
});

test('tags that are not verified are an error of their own, with each tag in its details', async () => {
  const bench = await running();
  const snapshot = await readSnapshot(bench.context(), []);
  const environment = snapshot.environment('prd');
  bench.registry.arm({ kind: 'before' }, 1, ({ method, tag }) => method === 'tag' && tag === 'prd');
  const context = bench.context();
  await context.ledger.fetch([bench.head('prd')]);
  const { tags } = await applyHead(context, environment, { head: bench.head('prd'), record: bench.record('prd') });
  const error = refusal(() => {
    requireComplete('prd', bench.head('prd'), tags);
  });
  const { error: reason, ...failed } = tags[2]!;
  expect(error).toMatchObject({ code: 'tags-incomplete', exit: 8 });
  expect(error.details).toStrictEqual({
    environment: 'prd',
    commit: bench.head('prd'),
    tags: [tags[0], tags[1], { ...failed, error: reason?.message }, tags[3]],
  });
  expect(error.message).toBe('1 of 4 tags of prd are not verified');
  expect(error.why).toContain('django:prd: ');
  expect(() => {
    requireComplete('prd', bench.head('prd'), tags.toSpliced(2, 1));
  }).not.toThrow();
});

test.each([
  ['digest-not-found', /retrying alone will not help: push the image of django again, .*@sha256:.*; or roll back prd$/],
  ['tag-immutable', /retrying alone will not help: let prd move in the settings of .*, then: apply prd$/],
  ['forbidden', /retrying alone will not help: log in with the right to push to .*, then: apply prd$/],
  ['registry-unavailable', /; when the registry answers again: apply prd$/],
] as const)('a tag that could not be put, with %s, has a fix of its own', async (code, fix) => {
  const bench = await running();
  const environment = (await readSnapshot(bench.context(), [])).environment('prd');
  const error = new TagflowError(code, { what: 'refused' });
  bench.registry.arm({ kind: 'before', error }, 1, ({ method, tag }) => method === 'tag' && tag === 'prd');
  const context = bench.context();
  await context.ledger.fetch([bench.head('prd')]);
  const { tags } = await applyHead(context, environment, { head: bench.head('prd'), record: bench.record('prd') });
  const told = refusal(() => {
    requireComplete('prd', bench.head('prd'), tags);
  });
  expect(told.fix).toMatch(fix);
});
