// Retention among many actors: promotions, rollbacks and applies of one environment that keeps two releases, in an order that
// fast-check chooses. Whatever the order, no image is lost, no tag names another release's image, and a last apply leaves
// exactly the tags that are to be kept.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { apply } from '../../src/engine/release/apply.ts';
import { history } from '../../src/engine/read/history.ts';
import { isTagflowError } from '../../src/model/errors.ts';
import { retained } from '../../src/model/retention.ts';
import { type Bench, FIRST, createBench, repositoryOf } from '../support/engine.ts';

type Action = 'V4.2' | 'V4.3' | 'V3.2' | 'rollback' | 'apply';
const ACTIONS: readonly Action[] = ['V4.2', 'V4.3', 'V3.2', 'rollback', 'apply'];

async function act(bench: Bench, actor: string, what: Action): Promise<void> {
  try {
    if (what === 'apply') await apply(bench.context({ actor }), ['prd']);
    else if (what === 'rollback') await bench.rollback('prd', { as: { actor } });
    else {
      const how = { overrides: ['downgrade', 'held'], as: { actor } };
      await bench.promote('prd', { django: what, mariadb: FIRST.mariadb }, how);
    }
  } catch (error) {
    // Losing a race, or finding nothing to go back to: the tags are the others'.
    if (!isTagflowError(error)) throw error;
  }
}

async function problems(bench: Bench): Promise<readonly string[]> {
  const { releases } = await history(bench.context(), { environment: 'prd', limit: 100 });
  const records = releases.map(({ record }) => record);
  const { kept } = retained(records, 2);
  const images = ['django', 'mariadb'].flatMap((name) => {
    const tags = new Map<string, string>(bench.registry.tagsOf(repositoryOf(name)));
    return records.flatMap(({ sequence, images: of }) => {
      const digest = of.find((image) => image.name === name)?.digest;
      const tagged = tags.get(`prd-${sequence}`);
      return [
        ...(tagged === undefined || tagged === digest ? [] : [`${name}:prd-${sequence} names another image`]),
        ...(tagged !== undefined && !kept.has(sequence) ? [`${name}:prd-${sequence} was left behind`] : []),
        ...(digest && bench.registry.read(repositoryOf(name), digest)
          ? []
          : [`${name} of release ${sequence} is lost`]),
      ];
    });
  });
  const [head] = records;
  const unkept = [...(head ? [head.sequence] : [])].filter(
    (sequence) => bench.aliases('django')[`prd-${sequence}`] === undefined,
  );
  return [...images, ...unkept.map((sequence) => `the release that runs, ${sequence}, has no tag`)];
}

// Forty runs of several commands each: a busy machine takes longer than a test usually may.
test(
  'in any order: nothing in use is lost, and a last apply leaves the tags that are to be kept and no other',
  { timeout: 120_000 },
  async () => {
    expect.assertions(40);
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.constantFrom(...ACTIONS), { minLength: 3, maxLength: 4 }),
        async (scheduler, actions) => {
          let on = false;
          const turn = async (label: string): Promise<void> => {
            if (on) await scheduler.schedule(Promise.resolve(), label);
          };
          const bench = createBench({
            settings: { prd: 'retain: 2' },
            registry: { pause: ({ method, tag }, step) => turn(`${method} ${tag} ${step}`) },
          });
          bench.remote.faults.before = (step, actor) => turn(`${actor} ${step}`);
          await bench.through(FIRST);
          await bench.released('prd', { django: 'V4.2' });
          on = true;
          await scheduler.waitFor(Promise.all(actions.map(async (what, index) => act(bench, `actor-${index}`, what))));
          on = false;
          await apply(bench.context(), ['prd']);
          expect(await problems(bench)).toEqual([]);
        },
      ),
      { numRuns: 40 },
    );
  },
);
