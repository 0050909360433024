// Deploying again: where manifests follow a moving tag and the tag came late, the Pod template has to change once more. Once for
// each window, never for tags that were right, and never twice.
import { describe, expect, it } from 'vitest';
import type { Context } from '../../../src/engine/context.ts';
import { check } from '../../../src/engine/audit/check.ts';
import { apply } from '../../../src/engine/release/apply.ts';
import { readSnapshot } from '../../../src/engine/read/snapshot.ts';
import { parseTag } from '../../../src/model/reference.ts';
import { type Bench, FIRST, createBench, repositoryOf, withPorts } from '../../support/engine.ts';

const OVERLAY = 'environments/prd/kustomization.yaml';
const TARGET = { settings: { prd: 'pin: target' } };
const MINUTE = 60_000;

/** prd ran V4.0 and has V4.2 committed; the tags of that were not put. */
async function cutOff(options: Parameters<typeof createBench>[0] = TARGET): Promise<Bench> {
  const bench = createBench(options);
  await bench.through(FIRST);
  for (const environment of ['dev', 'stg'])
    await bench.released(environment, environment === 'dev' ? { django: 'V4.2' } : {});
  const restore = bench.registry.tag.bind(bench.registry);
  bench.registry.tag = async () => Promise.reject(bench.down());
  await bench.promote('prd').catch(() => undefined);
  bench.registry.tag = restore;
  expect([bench.record('prd').sequence, bench.tagged('django', 'prd')]).toEqual([2, 'V4.0']);
  return bench;
}

function annotation(bench: Bench): string | undefined {
  const text = new TextDecoder().decode(bench.remote.filesOf(bench.head('prd')).get(OVERLAY));
  return /digest[.]django: (\S+)/.exec(text)?.[1];
}

describe('a release whose tags come late', () => {
  it('is deployed again by apply, with the same images and a template that differs', async () => {
    const bench = await cutOff();
    const digest = bench.digest('django', 'V4.2');
    expect(annotation(bench)).toBe(digest);
    bench.clock.advance(10 * MINUTE);
    const [applied] = await apply(bench.context(), ['prd']);
    expect(applied).toMatchObject({ problem: undefined, record: { sequence: 3 } });
    expect(bench.record('prd')).toMatchObject({ sequence: 3, action: 'promote', images: [{ digest }, {}] });
    expect(bench.record('prd').reason).toContain('release 2');
    expect(annotation(bench)).toBe(`${digest}+3`);
    expect([bench.tagged('django', 'prd'), bench.tagged('django', 'prd-3')]).toEqual(['V4.2', 'V4.2']);
    expect((await check(bench.context(), { environments: [], registry: true })).findings).toEqual([]);
  });

  it.each(['prd', 'prd-2'])(
    'by the very run that made it, is deployed again by that: %s took minutes',
    async (slow) => {
      const bench = createBench(TARGET);
      await bench.through(FIRST);
      for (const environment of ['dev', 'stg'])
        await bench.released(environment, environment === 'dev' ? { django: 'V4.2' } : {});
      const tag = bench.registry.tag.bind(bench.registry);
      bench.registry.tag = async (...[repository, digest, name]) => {
        if (name === parseTag(slow) && bench.record('prd').sequence === 2) await bench.clock.sleep(2 * MINUTE);
        return tag(repository, digest, name);
      };
      expect(await bench.promote('prd')).toMatchObject({ kind: 'released', record: { sequence: 3 } });
      expect(annotation(bench)).toBe(`${bench.digest('django', 'V4.2')}+3`);
      expect([bench.tagged('django', 'prd'), bench.record('prd').sequence]).toEqual(['V4.2', 3]);
    },
  );

  it('is deployed again by the same promotion that is run once more', async () => {
    const bench = await cutOff();
    bench.clock.advance(10 * MINUTE);
    expect(await bench.promote('prd')).toMatchObject({ kind: 'released', record: { sequence: 3 } });
    expect(annotation(bench)).toBe(`${bench.digest('django', 'V4.2')}+3`);
    expect(await bench.promote('prd')).toMatchObject({ kind: 'unchanged' });
  });

  it('is deployed again where the release before was cut off as well', async () => {
    const bench = await cutOff();
    for (const environment of ['dev', 'stg'])
      await bench.released(environment, environment === 'dev' ? { django: 'V4.3' } : {});
    const tag = bench.registry.tag.bind(bench.registry);
    // its own tag, and then nothing
    bench.registry.tag = async (...[repository, digest, name]) =>
      name === parseTag('prd-3') ? tag(repository, digest, name) : Promise.reject(bench.down());
    await bench.promote('prd').catch(() => undefined);
    bench.registry.tag = tag;
    expect([bench.record('prd').sequence, bench.tagged('django', 'prd')]).toEqual([3, 'V4.0']);
    bench.clock.advance(10 * MINUTE);
    await apply(bench.context(), ['prd']);
    expect(annotation(bench)).toBe(`${bench.digest('django', 'V4.3')}+4`);
    expect(bench.tagged('django', 'prd')).toBe('V4.3');
  });

  it('is deployed again after its tags where a failure of the moment kept that from coming before', async () => {
    const bench = await cutOff();
    bench.clock.advance(10 * MINUTE);
    const context = bench.context();
    const { ledger } = context;
    let failures = 1;
    const fetch = ledger.heads.bind(ledger);
    let asked = 0;
    ledger.heads = async () => {
      asked += 1;
      if (asked > 1 && failures > 0) {
        failures -= 1;
        throw bench.down();
      }
      return fetch();
    };
    await apply(context, ['prd']);
    expect([failures, annotation(bench), bench.tagged('django', 'prd')]).toEqual([
      0,
      `${bench.digest('django', 'V4.2')}+3`,
      'V4.2',
    ]);
  });

  it('is deployed again once, however often apply and promote run', async () => {
    const bench = await cutOff();
    bench.clock.advance(10 * MINUTE);
    for (let run = 0; run < 3; run += 1) await apply(bench.context(), ['prd']);
    expect(await bench.promote('prd')).toMatchObject({ kind: 'unchanged' });
    expect(await bench.promote('prd', {}, { run: { dryRun: true } })).toMatchObject({ kind: 'unchanged' });
    expect(bench.record('prd').sequence).toBe(3);
  });

  it('is deployed again once by two runs side by side', async () => {
    const bench = await cutOff();
    bench.clock.advance(10 * MINUTE);
    await Promise.all([apply(bench.context(), ['prd']), apply(bench.context({ actor: 'other' }), ['prd'])]);
    expect([bench.record('prd').sequence, annotation(bench)]).toEqual([3, `${bench.digest('django', 'V4.2')}+3`]);
  });

  it('has a plain annotation again with the next digest, and its own one after a rollback', async () => {
    const bench = await cutOff();
    bench.clock.advance(10 * MINUTE);
    await apply(bench.context(), ['prd']);
    for (const environment of ['dev', 'stg', 'prd'])
      await bench.released(environment, environment === 'dev' ? { django: 'V4.3' } : {});
    expect(annotation(bench)).toBe(bench.digest('django', 'V4.3'));
    await bench.rollback('prd');
    expect(annotation(bench)).toMatch(new RegExp(`^${bench.digest('django', 'V4.2')}`));
  });

  it.each([
    ['soon after the commit', TARGET, 0],
    ['where manifests name the digest as well', { settings: { prd: 'pin: target+digest' } }, 10 * MINUTE],
    ['where manifests name the version', {}, 10 * MINUTE],
  ])('is not deployed again %s', async (_, options, pause) => {
    const bench = await cutOff(options);
    bench.clock.advance(pause);
    await apply(bench.context(), ['prd']);
    expect([bench.record('prd').sequence, bench.tagged('django', 'prd')]).toEqual([2, 'V4.2']);
  });

  it('is not deployed again where hands changed the branch since, and that is not a failure', async () => {
    const bench = await cutOff();
    bench.clock.advance(10 * MINUTE);
    bench.remote.commit('prd', { 'environments/prd/settings.yaml': 'a: 1\n' });
    const [applied] = await apply(bench.context(), ['prd']);
    expect([applied?.problem, bench.record('prd').sequence]).toEqual([undefined, 2]);
  });

  it('is not deployed again where a gate refuses, and that is said', async () => {
    const bench = await cutOff();
    bench.clock.advance(10 * MINUTE);
    const text = new TextDecoder().decode(bench.remote.filesOf(bench.head('main')).get('tagflow.yaml'));
    const gated = text.replace(/upstream: off \}(?=\s+pin: target)/, 'upstream: off, reason: "^INC-" }');
    bench.remote.commit('main', { 'tagflow.yaml': gated });
    await apply(bench.context(), ['prd']);
    expect([bench.record('prd').sequence, bench.tagged('django', 'prd')]).toEqual([2, 'V4.2']);
    expect(bench.notices.at(-1)).toContain('prd is not deployed again, although its tags were put late: ');
  });
});

/** While somebody puts the tag of V4.2, V4.3 is released to prd, with its tags; then that registry call takes a while. */
function overtakeOnce(bench: Bench, pause: number): void {
  const tag = bench.registry.tag.bind(bench.registry);
  let isFirst = true;
  bench.registry.tag = async (...[repository, digest, name]) => {
    if (isFirst && name === parseTag('prd') && digest === bench.digest('django', 'V4.2')) {
      isFirst = false;
      for (const environment of ['dev', 'stg', 'prd'])
        await bench.released(environment, environment === 'dev' ? { django: 'V4.3' } : {});
      await bench.clock.sleep(pause);
    }
    return tag(repository, digest, name);
  };
}

describe('a run that writes its tags over those of a newer release', () => {
  it.each(['promote', 'apply'])('deploys the newer release again: %s', async (kind) => {
    const bench = kind === 'apply' ? await cutOff() : createBench(TARGET);
    if (kind === 'promote') {
      await bench.through(FIRST);
      for (const environment of ['dev', 'stg'])
        await bench.released(environment, environment === 'dev' ? { django: 'V4.2' } : {});
    }
    overtakeOnce(bench, 2 * MINUTE);
    const outcome = kind === 'promote' ? [await bench.promote('prd')] : await apply(bench.context(), ['prd']);
    expect(outcome).toMatchObject([
      kind === 'promote' ? { kind: 'released', record: { sequence: 2 } } : { problem: undefined },
    ]);
    expect(bench.record('prd')).toMatchObject({ sequence: 4, images: [{ version: 'V4.3' }, {}] });
    expect(annotation(bench)).toBe(`${bench.digest('django', 'V4.3')}+4`);
    expect([bench.tagged('django', 'prd'), bench.tagged('django', 'prd-4')]).toEqual(['V4.3', 'V4.3']);
    expect((await check(bench.context(), { environments: [], registry: true })).findings).toEqual([]);
  });

  it.each([
    ['soon after it was committed', TARGET, 0],
    ['where manifests name the digest as well', { settings: { prd: 'pin: target+digest' } }, 2 * MINUTE],
  ])('releases nothing %s', async (_, options, pause) => {
    const bench = await cutOff(options);
    overtakeOnce(bench, pause);
    await apply(bench.context(), ['prd']);
    expect([bench.record('prd').sequence, bench.tagged('django', 'prd')]).toEqual([3, 'V4.3']);
  });
});

describe.each(['before', 'after', 'late', 'stale'] as const)('with a registry that fails %s an operation', (kind) => {
  it.each(Array.from({ length: 14 }, (_, index) => index + 1))(
    'number %i, no window gets two releases',
    async (nth) => {
      const bench = await cutOff();
      bench.clock.advance(10 * MINUTE);
      bench.registry.arm({ kind }, nth);
      const [first] = await apply(bench.context(), ['prd']).catch(() => []);
      await apply(bench.context(), ['prd']);
      await apply(bench.context(), ['prd']);
      const { sequence } = bench.record('prd');
      expect(sequence).toBeLessThanOrEqual(3);
      expect(bench.tagged('django', 'prd')).toBe('V4.2');
      // what apply says it made is there
      expect(sequence).toBeGreaterThanOrEqual(first?.record?.sequence ?? 0);
      expect((await check(bench.context(), { environments: [], registry: true })).findings).toEqual([]);
    },
  );
});

/** A process that is killed at its call number `nth` of a port: from there on nothing that it asks for happens. */
function killedAt(bench: Bench, nth: number): Context {
  let calls = 0;
  const mortal = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== 'function') return value;
        return (...args: readonly unknown[]): unknown => {
          calls += 1;
          if (calls >= nth) throw new Error('killed');
          return Reflect.apply(value, target, args);
        };
      },
    });
  const context = bench.context();
  return withPorts(context, {
    ledger: mortal(context.ledger),
    registries: { registryOf: () => mortal(bench.registry) },
  });
}

describe('an apply that is killed', () => {
  it.each(Array.from({ length: 90 }, (_, index) => index + 1))(
    'at call %i leaves no Pod on the old image',
    async (nth) => {
      const bench = await cutOff();
      bench.clock.advance(10 * MINUTE);
      await apply(killedAt(bench, nth), ['prd']).catch(() => undefined);
      for (let run = 0; run < 2; run += 1) {
        bench.clock.advance(10 * MINUTE);
        await apply(bench.context(), ['prd']);
      }
      expect(bench.tagged('django', 'prd')).toBe('V4.2');
      expect(annotation(bench)).toMatch(/[+][34]$/);
      expect((await check(bench.context(), { environments: [], registry: true })).findings).toEqual([]);
    },
  );
});

it('a registry that refuses tags for hours gets one release more, and no others', async () => {
  const bench = await cutOff();
  const restore = bench.registry.tag.bind(bench.registry);
  bench.registry.tag = async () => Promise.reject(bench.down());
  for (let run = 0; run < 5; run += 1) {
    bench.clock.advance(10 * MINUTE);
    await apply(bench.context(), ['prd']).catch(() => undefined);
  }
  expect(bench.record('prd').sequence).toBe(3);
  bench.registry.tag = restore;
  await apply(bench.context(), ['prd']);
  expect(annotation(bench)).toBe(`${bench.digest('django', 'V4.2')}+4`);
});

it('a tag that somebody moved is put back, and nothing is released', async () => {
  const bench = createBench(TARGET);
  await bench.through(FIRST);
  bench.clock.advance(10 * MINUTE);
  await bench.registry.tag(repositoryOf('django'), bench.digest('django', 'V4.3'), parseTag('prd'));
  await apply(bench.context(), ['prd']);
  expect([bench.record('prd').sequence, bench.tagged('django', 'prd')]).toEqual([1, 'V4.0']);
  expect((await readSnapshot(bench.context(), ['prd'])).branches.size).toBeGreaterThan(3);
});
