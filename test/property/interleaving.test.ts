// Many actors at once: promotions, rollbacks and applies over one remote and one registry, every talk with either of them
// held back and let go in an order that fast-check chooses. Whatever the order, the protocol's promises hold.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { apply } from '../../src/engine/apply.ts';
import { history } from '../../src/engine/history.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { promote } from '../../src/engine/promote.ts';
import { rollback } from '../../src/engine/rollback.ts';
import { type ErrorCode, isTagflowError } from '../../src/model/errors.ts';
import type { ObjectId } from '../../src/model/object-id.ts';
import type { ReleaseRecord } from '../../src/model/release.ts';
import { type Bench, FIRST, createBench, repositoryOf } from '../support/engine.ts';

type Action =
  | { readonly kind: 'promote'; readonly versions: Readonly<Record<string, string>> }
  | { readonly kind: 'rollback' }
  | { readonly kind: 'apply' };

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    kind: fc.constant('promote' as const),
    versions: fc.constantFrom(
      { django: 'V4.2' },
      { django: 'V4.3' },
      { mariadb: 'V10.11' },
      { django: 'V4.3', mariadb: 'V10.11' },
    ),
  }),
  fc.constant({ kind: 'rollback' as const }),
  fc.constant({ kind: 'apply' as const }),
);

/** How an actor's work may end when others get in between; any other error is a defect. */
const ALLOWED = new Set<ErrorCode>([
  'superseded',
  'race-lost',
  'release-not-found',
  'tags-incomplete',
  'registry-unavailable',
]);

interface Ended {
  readonly commit?: ObjectId;
  readonly error?: ErrorCode;
}

async function act(bench: Bench, actor: string, what: Action): Promise<Ended> {
  const context = bench.context({ actor });
  try {
    if (what.kind === 'apply') {
      await apply(context, ['prd']);
      return {};
    }
    const outcome: Outcome =
      what.kind === 'promote'
        ? await promote(context, {
            kind: 'promote',
            environment: 'prd',
            versions: what.versions,
            allowDowngrade: true,
            unhold: true,
          })
        : await rollback(context, { kind: 'rollback', environment: 'prd' });
    return outcome.kind === 'released' ? { commit: outcome.commit } : {};
  } catch (error) {
    if (isTagflowError(error)) return { error: error.code };
    throw error;
  }
}

/** A bench on whose remote and registry every step waits for its turn, once `begin` was called. */
async function scheduled(scheduler: fc.Scheduler): Promise<{ bench: Bench; begin: () => void; end: () => void }> {
  let on = false;
  const turn = async (label: string): Promise<void> => {
    if (on) await scheduler.schedule(Promise.resolve(), label);
  };
  const bench = createBench({ registry: { pause: ({ method, tag }, step) => turn(`${method} ${tag} ${step}`) } });
  bench.remote.faults.before = (step, actor) => turn(`${actor} ${step}`);
  await bench.through(FIRST);
  await bench.released('prd', { django: 'V4.2' });
  return { bench, begin: () => void (on = true), end: () => void (on = false) };
}

/** What of the promises does not hold, once every actor has ended and one last apply has run. */
async function broken(bench: Bench, ended: readonly Ended[], landedBefore: number): Promise<readonly string[]> {
  const landed = bench.remote.landed.slice(landedBefore);
  const line = bench.remote.history('prd').map(({ id }) => id);
  // Without faults no last apply is needed: whoever wrote a tag looked at the head again afterwards.
  const early = wrongTags(bench, bench.record('prd'), true);
  const [applied] = await apply(bench.context(), ['prd']);
  const { releases, unverified } = await history(bench.context(), { environment: 'prd', limit: 100 });
  const perRelease = bench.registry.writes
    .filter(({ tag }) => /-\d+$/.test(tag))
    .map(({ repository, tag }) => `${repository}:${tag}`);
  return [
    ...early.map((tag) => `${tag}, before the last apply`),
    ...ended.flatMap(({ error }) => (error && !ALLOWED.has(error) ? [`an actor ended with ${error}`] : [])),
    ...ended.flatMap(({ commit }) => (commit && !line.includes(commit) ? [`${commit} was acknowledged and lost`] : [])),
    // Each push that moved the branch stands on the one before: one winner for each head.
    ...landed.flatMap(({ commit, expected }, index) => {
      const at = landed.length - 1 - index;
      return line[at] === commit && line[at + 1] === expected ? [] : [`${commit} is not in its place on the branch`];
    }),
    ...unverified.map(({ problem }) => problem),
    ...releases.flatMap(({ record }, index) =>
      record.sequence === releases.length - index ? [] : ['a sequence is off'],
    ),
    ...(applied?.tags ?? []).flatMap(({ tag, error }) => (error ? [`${tag}: ${error.message}`] : [])),
    ...perRelease.filter((tag, index) => perRelease.indexOf(tag) !== index).map((tag) => `${tag} was written twice`),
    ...releases.flatMap(({ record }, index) => wrongTags(bench, record, index === 0)),
  ];
}

/** Tags that name something else than a release says: its own wherever they were put, the target tag if it runs now. */
function wrongTags(bench: Bench, { images, sequence }: ReleaseRecord, runs: boolean): readonly string[] {
  return images.flatMap(({ name, digest }) => {
    const tags = new Map<string, string>(bench.registry.tagsOf(repositoryOf(name)));
    const own = tags.get(`prd-${sequence}`);
    return [
      ...(own === undefined || own === digest ? [] : [`${name}:prd-${sequence} names another image`]),
      ...(!runs || tags.get('prd') === digest ? [] : [`${name}:prd is not what runs`]),
    ];
  });
}

test('two or three actors in any order: one winner for each head, nothing acknowledged is lost, aliases become right', async () => {
  expect.assertions(25);
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(action, { minLength: 2, maxLength: 3 }), async (scheduler, actions) => {
      const { bench, begin, end } = await scheduled(scheduler);
      const before = bench.remote.landed.length;
      begin();
      const ended = await scheduler.waitFor(
        Promise.all(actions.map(async (what, index) => act(bench, `actor-${index}`, what))),
      );
      end();
      expect(await broken(bench, ended, before)).toEqual([]);
    }),
    { numRuns: 25 },
  );
});
