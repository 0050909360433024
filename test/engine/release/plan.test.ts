// Planning changes nothing. The types say so: it is given ports that have no method for it. Here every such method throws, and
// a dry run comes to the very plan that a run then does.
import { expect, test } from 'vitest';
import type { Context, PlanningPorts, RegistryFinder } from '../../../src/engine/context.ts';
import type { Outcome } from '../../../src/engine/release/outcome.ts';
import { promote } from '../../../src/engine/release/promote.ts';
import { rollback } from '../../../src/engine/release/rollback.ts';
import type { LedgerWriter } from '../../../src/ledger/ledger.ts';
import type { ReleaseRequest } from '../../../src/model/plan.ts';
import type { AbleRegistry, RegistryReader } from '../../../src/registry/registry.ts';
import { type Bench, type BenchOptions, FIRST, createBench, repositoryOf, withPorts } from '../../support/engine.ts';

type None<T> = [T] extends [never] ? true : T;

test('what planning is given has no method that writes', () => {
  // These lines do not compile where a port of planning has such a method.
  const ledger: None<Extract<keyof PlanningPorts['ledger'], keyof LedgerWriter>> = true;
  type RegistryWriter = Exclude<keyof AbleRegistry, keyof RegistryReader>;
  const registry: None<Extract<keyof ReturnType<RegistryFinder['registryOf']>, RegistryWriter>> = true;
  type ForgeReader = Awaited<ReturnType<NonNullable<PlanningPorts['outside']['forgeOf']>>>;
  const forge: None<Extract<keyof ForgeReader, 'open' | 'close'>> = true;
  const others: None<Extract<keyof PlanningPorts, 'copyImage'>> = true;
  expect([ledger, registry, forge, others]).toEqual([true, true, true, true]);
});

/** A port on which the methods named throw, and all others work. */
function without<T extends object>(port: T, methods: readonly string[]): T {
  return new Proxy(port, {
    get(target, name) {
      if (methods.includes(String(name))) return () => expect.fail(`planning called ${String(name)}`);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** The ports of a process that cannot write anything anywhere. */
function withoutWrites(context: Context): Context {
  return withPorts(context, {
    ledger: without(context.ledger, ['writeCommit', 'push']),
    registries: {
      registryOf: (repository) => without(context.registries.registryOf(repository), ['tag', 'removeTag']),
      copyImage: async () => expect.fail('planning copied an image'),
    },
    outside: { forgeOf: async () => expect.fail('planning asked the forge') },
  });
}

const run = async (context: Context, request: ReleaseRequest, dryRun: boolean): Promise<Outcome> =>
  request.kind === 'promote' ? promote(context, request, { dryRun }) : rollback(context, request, { dryRun });

const RELEASED = async (bench: Bench): Promise<void> => bench.through(FIRST);
const TWICE = async (bench: Bench): Promise<void> => {
  await RELEASED(bench);
  await bench.through({ django: 'V4.2' });
};
const promotion = (environment: string, versions = {}): ReleaseRequest => ({ kind: 'promote', environment, versions });

test.each<[string, ReleaseRequest, Outcome['kind'], ((bench: Bench) => Promise<void>)?, BenchOptions?]>([
  ['a first promotion', promotion('dev', FIRST), 'planned'],
  [
    'a promotion of what is upstream',
    promotion('stg'),
    'planned',
    async (bench) => void (await bench.released('dev', FIRST)),
  ],
  [
    'one that copies',
    promotion('prd', { django: 'V4.2' }),
    'planned',
    RELEASED,
    { settings: { prd: 'repositories: { django: prd.example.org/django }' } },
  ],
  ['one that a gate refuses', promotion('prd', { django: 'V3.2' }), 'refused', RELEASED],
  [
    'one of what is there, a tag of it missing',
    promotion('prd'),
    'unchanged',
    async (bench) => {
      await RELEASED(bench);
      await bench.registry.removeTag?.(repositoryOf('django'), 'prd' as never, bench.digest('django', 'V4.0'));
    },
  ],
  ['a rollback', { kind: 'rollback', environment: 'prd' }, 'planned', TWICE],
  ['a rollback of images alone', { kind: 'rollback', environment: 'prd', imagesOnly: true }, 'planned', TWICE],
])('%s is planned without a write, and then done as planned', async (_, request, kind, prepare, options) => {
  const bench = createBench(options);
  await prepare?.(bench);
  const planned = await run(withoutWrites(bench.context()), request, true);
  expect(planned.kind).toBe(kind);
  const done = await run(bench.context(), request, false);
  expect(done).toMatchObject(planned.kind === 'planned' ? { kind: 'released', plan: planned.plan } : { kind });
});

test('where releases go by pull request planning asks the forge for nothing', async () => {
  const bench = createBench({ settings: { prd: 'pullRequest: true' } });
  await bench.released('dev', FIRST);
  await bench.released('stg');
  const planned = await run(withoutWrites(bench.context()), promotion('prd'), true);
  const done = await run(bench.context(), promotion('prd'), false);
  expect(planned).toMatchObject({ kind: 'planned', plan: { environment: 'prd' } });
  expect(done).toMatchObject({ kind: 'proposed', plan: planned.kind === 'planned' && planned.plan });
});
