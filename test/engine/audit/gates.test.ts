// Reviews on the forge as a gate: it waits at the pull request, is judged there, and what was merged anyway is found.
import { beforeEach, describe, expect, test } from 'vitest';
import { type CheckRequest, check } from '../../../src/engine/audit/check.ts';
import { judgeProposals } from '../../../src/engine/audit/proposals.ts';
import { hold, lift } from '../../../src/engine/journal/holds.ts';
import { lock, unlock } from '../../../src/engine/journal/locks.ts';
import type { Proposed } from '../../../src/engine/release/outcome.ts';
import { TagflowError } from '../../../src/model/errors.ts';
import type { ObjectId } from '../../../src/model/object-id.ts';
import { type Bench, FIRST, configOf, createBench } from '../../support/engine.ts';

const RULES = 'pullRequest: true\n    gates: { approvals: { forge: 2 } }';

describe('reviews on the forge', () => {
  let bench: Bench;
  let proposed: Proposed;

  async function propose(how: Parameters<Bench['promote']>[2] = {}): Promise<Proposed> {
    const outcome = await bench.promote('prd', {}, how);
    if (outcome.kind !== 'proposed') throw new Error(`expected a pull request: ${JSON.stringify(outcome)}`);
    return outcome;
  }
  async function findings(request: Partial<CheckRequest> = {}): Promise<readonly string[]> {
    const found = await check(bench.context(), { environments: ['prd'], registry: false, ...request });
    return found.findings.map(({ rule, problem }) => `${rule}: ${problem}`);
  }
  const judged = async (): Promise<readonly string[]> => findings({ branch: proposed.pullRequest.branch });
  const status = async (commit: ObjectId = proposed.commit) =>
    (await bench.forge.statuses(commit)).map(({ name, state, description }) => [name, state, description]);
  const review = (by: string, verdict: 'approved' | 'objected' | 'withdrawn' = 'approved'): void =>
    bench.forge.review(proposed.pullRequest.number, { by, verdict });

  beforeEach(async () => {
    bench = createBench({ settings: { prd: RULES } });
    await bench.released('dev', FIRST);
    await bench.released('stg');
    proposed = await propose({ as: { actor: 'ana' } });
  });

  test('are waited for, which does not keep the pull request from being opened', () => {
    expect(proposed.plan.gates).toContainEqual({
      gate: 'approvals',
      decision: 'wait',
      reason: 'prd needs 2 approvals of this release on the forge, and has 0',
    });
  });

  test('are judged at the pull request, and the forge is reported', async () => {
    const wait = 'approvals: wait: prd needs 2 approvals of this release on the forge, and has';
    expect(await judged()).toEqual([
      'gates: it may not be merged now: approvals: prd needs 2 approvals of this release on the forge, and has 0: approved by nobody',
    ]);
    expect(await status()).toEqual([['tagflow/gates', 'pending', `${wait} 0`]]);
    review('bo');
    expect(await judged()).toEqual([expect.stringContaining('and has 1: approved by bo')]);
    review('cy');
    expect(await judged()).toEqual([]);
    expect(await status()).toEqual([['tagflow/gates', 'success', 'all gates pass']]);
  });

  test.each(['ana', 'ANA', 'opener', 'ana@example.org'])(
    'of the one who releases, opened or committed do not count: %s',
    async (own) => {
      review('bo');
      review(own);
      expect(await judged()).toEqual([expect.stringContaining('and has 1')]);
    },
  );

  test('one person counts once, and one who took it back does not', async () => {
    review('bo');
    review('bo');
    expect(await judged()).toEqual([expect.stringContaining('and has 1')]);
    review('cy');
    review('cy', 'withdrawn');
    expect(await judged()).toEqual([expect.stringContaining('and has 1')]);
  });

  test('a lock closes the pull request at once, and asks only about the line that it is on', async () => {
    review('bo');
    review('cy');
    expect(await judged()).toEqual([]);
    const stop = { rollbacks: false, until: undefined, reason: 'INC-9' };
    await judgeProposals(bench.context(), await lock(bench.context(), { ...stop, words: ['dev'] }));
    expect(await status()).toEqual([['tagflow/gates', 'success', 'all gates pass']]);
    await judgeProposals(bench.context(), await lock(bench.context(), { ...stop, words: ['prd'] }));
    expect(await status()).toEqual([
      ['tagflow/gates', 'failure', expect.stringMatching(/^lock: refuse: prd is locked by ana/)],
    ]);
  });

  test('a lock where nothing is released by pull request asks no remote again', async () => {
    const plain = createBench();
    const written = await lock(plain.context(), {
      rollbacks: false,
      until: undefined,
      reason: 'INC-9',
      words: ['prd'],
    });
    const nothing = new Proxy(plain.context().ledger, {
      get: (_, method) => () => Promise.reject(new Error(`${String(method)} was asked`)),
    });
    await judgeProposals({ ...plain.context(), ledger: nothing }, written);
    expect(plain.notices).toEqual([]);
  });

  test('a forge that does not hear of a lock is a warning, and the lock stands', async () => {
    const stop = { rollbacks: false, until: undefined, reason: 'INC-9' };
    const entries = await lock(bench.context(), { ...stop, words: ['prd'] });
    bench.forge.arm({ kind: 'before' }, 1, ({ method }) => method === 'report');
    await judgeProposals(bench.context(), entries);
    expect(bench.notices.join('\n')).toContain('the status tagflow/gates was not set');
  });

  test('a run that a signal stops after the lock was written ends well, and says what it left', async () => {
    const stop = { rollbacks: false, until: undefined, reason: 'INC-9' };
    const entries = await lock(bench.context(), { ...stop, words: ['prd'] });
    const stopped = async (): Promise<never> => Promise.reject(new TagflowError('interrupted', { what: 'stopped' }));
    await judgeProposals({ ...bench.context(), ledger: { ...bench.context().ledger, heads: stopped } }, entries);
    expect(bench.notices.join('\n')).toContain('pull requests were not judged again, and may still be merged: stopped');
  });

  test('an objection refuses, until it is answered', async () => {
    review('bo');
    review('cy');
    review('dee', 'objected');
    expect(await judged()).toEqual([
      expect.stringMatching(
        /^gates: it may not be merged now: approvals: dee requested changes to this release of prd/,
      ),
    ]);
    expect(await status()).toMatchObject([['tagflow/gates', 'failure', expect.anything()]]);
    review('dee', 'withdrawn');
    expect(await judged()).toEqual([]);
  });

  test('the other gates are judged again as well', async () => {
    review('bo');
    review('cy');
    await lock(bench.context(), { words: ['prd'], rollbacks: false, until: undefined, reason: 'INC-1' });
    expect(await judged()).toEqual([expect.stringMatching(/^gates: it may not be merged now: lock: prd is locked/)]);
  });

  test('what was merged with enough of them is not a finding', async () => {
    review('bo');
    review('cy');
    await bench.forge.merge(proposed.pullRequest.number);
    expect(await findings()).toEqual([]);
  });

  test('what was merged anyway is one', async () => {
    review('bo');
    await bench.forge.merge(proposed.pullRequest.number);
    expect(await findings()).toEqual([
      'gates: it was merged anyway: approvals: prd needs 2 approvals of this release on the forge, and has 1: approved by bo',
    ]);
  });

  test('one from before the rule is not a finding', async () => {
    bench = createBench({ settings: { prd: 'pullRequest: true' } });
    await bench.released('dev', FIRST);
    await bench.released('stg');
    proposed = await propose();
    await bench.forge.merge(proposed.pullRequest.number);
    bench.remote.commit('main', { 'tagflow.yaml': configOf({ prd: RULES }) });
    expect(await findings()).toEqual([]);
  });

  test('an override is on the record, and counts at the pull request', async () => {
    bench = createBench({ settings: { prd: RULES } });
    await bench.released('dev', FIRST);
    await bench.released('stg');
    const overridden = await propose({ overrides: ['approvals'], reason: 'INC-412' });
    expect(overridden.plan.gates).toContainEqual(
      expect.objectContaining({ gate: 'approvals', decision: 'overridden' }),
    );
    proposed = overridden;
    expect(await judged()).toEqual([]);
  });

  test('a forge that does not answer leaves it unknown, and is not a pass', async () => {
    bench.forge.arm({ kind: 'before' }, 1, ({ method }) => method === 'reviews');
    expect(await judged()).toEqual([expect.stringContaining('approvals: cannot tell whether gate approvals passes')]);
    review('bo');
    await bench.forge.merge(proposed.pullRequest.number);
    bench.forge.arm({ kind: 'before' }, 1, ({ method }) => method === 'reviews');
    const found = await check(bench.context(), { environments: ['prd'], registry: false });
    expect(found.environments[0]?.unchecked).toMatchObject({ code: 'forge-unavailable' });
  });

  test('a status that cannot be set is reported, and the verdict stands', async () => {
    bench.forge.arm({ kind: 'before' }, 1, ({ method }) => method === 'report');
    expect(await judged()).toHaveLength(1);
    expect(bench.notices.join('\n')).toMatch(/the status tagflow\/gates was not set/);
  });
});

describe('other gates, of what was merged', () => {
  const FROZEN = "{ from: '2026-02-01T00:00', until: '2026-03-01T00:00', zone: UTC, reason: audit }";
  const POLICY = `pullRequest: true\n    gates: { freezes: [${FROZEN}] }`;

  /** What is merged, and how: an older release of upstream, a status that passes. */
  interface Merging {
    readonly policy?: string;
    readonly after?: (bench: Bench) => Promise<unknown>;
    readonly upstream?: Readonly<Record<string, string>>;
    readonly passing?: string;
    /** How long it waits before it is proposed, in milliseconds. */
    readonly waits?: number;
  }

  async function proposeAnyway(bench: Bench): Promise<Proposed> {
    const outcome = await bench.promote('prd');
    if (outcome.kind !== 'proposed') throw new Error(`expected a pull request: ${JSON.stringify(outcome)}`);
    return outcome;
  }

  async function merged(
    between: (bench: Bench, proposed: ObjectId) => unknown,
    { policy = POLICY, after, upstream, passing, waits = 0 }: Merging = {},
  ): Promise<readonly string[]> {
    const bench = createBench({ settings: { prd: policy } });
    for (const versions of upstream ? [upstream, FIRST] : [FIRST]) {
      await bench.released('dev', versions);
      await bench.released('stg');
    }
    if (passing !== undefined)
      bench.forge.reportStatus(bench.head('stg'), { name: passing, state: 'success', description: '' });
    bench.clock.advance(waits);
    const outcome = await proposeAnyway(bench);
    await between(bench, outcome.commit);
    await bench.forge.merge(outcome.pullRequest.number, 'merge', { at: bench.clock.now() });
    bench.clock.advance(864e5);
    await after?.(bench);
    bench.clock.advance(864e5);
    const { findings } = await check(bench.context(), { environments: ['prd'], registry: false });
    return findings.map(({ rule, problem }) => `${rule}: ${problem}`);
  }
  const locked = async (bench: Bench): Promise<unknown> =>
    lock(bench.context({ actor: 'bo' }), { words: ['prd'], rollbacks: false, until: undefined, reason: 'INC-9' });
  const unlocked = async (bench: Bench): Promise<unknown> => unlock(bench.context(), ['prd'], undefined);
  const UNDER_A_LOCK = ['gates: it was merged anyway: lock: prd was locked by bo: INC-9'];

  test('a lock at that moment is a finding, whatever became of it later', async () => {
    expect(await merged(locked)).toEqual(UNDER_A_LOCK);
    expect(await merged(locked, { after: unlocked })).toEqual(UNDER_A_LOCK);
    const forAnHour = async (bench: Bench): Promise<unknown> => {
      const until = bench.clock.now() + 36e5;
      return lock(bench.context({ actor: 'bo' }), { words: ['prd'], rollbacks: false, until, reason: 'INC-9' });
    };
    expect(await merged(forAnHour)).toEqual(UNDER_A_LOCK);
  });

  test('a lock that came later is not', async () => {
    expect(await merged(async () => undefined, { after: locked })).toEqual([]);
  });

  test('a lock that was taken off before is not', async () => {
    const found = await merged(async (bench) => {
      await locked(bench);
      bench.clock.advance(60_000);
      await unlock(bench.context(), ['prd'], undefined);
      bench.clock.advance(60_000);
    });
    expect(found).toEqual([]);
  });

  const held = async (bench: Bench): Promise<unknown> => {
    const image = `django@${FIRST.django}`;
    return hold(bench.context({ actor: 'bo' }), { image, environments: [], until: undefined, reason: 'CVE' });
  };
  const lifted = async (bench: Bench): Promise<unknown> =>
    lift(bench.context(), `django@${FIRST.django}`, [], undefined);

  test('an image that was on hold at that moment is a finding, whatever became of the hold', async () => {
    const onHold = [
      expect.stringMatching(
        /^gates: it was merged anyway: held: django V4\.0 is on hold for prd: bo put it on hold: CVE/,
      ),
    ];
    expect(await merged(held)).toEqual(onHold);
    expect(await merged(held, { after: lifted })).toEqual(onHold);
    expect(await merged(async () => undefined, { after: held })).toEqual([]);
  });

  test('what upstream did not run any more at that moment is a finding, where it has to soak', async () => {
    const policy = 'pullRequest: true\n    gates: { soak: 1d, upstream: off }';
    const soaking = { policy, upstream: { django: 'V3.2', mariadb: 'V10.3' }, waits: 864e5 };
    const back = async (bench: Bench): Promise<unknown> => bench.rollback('stg');
    expect(await merged(async () => undefined, { ...soaking, after: back })).toEqual([]);
    expect(await merged(back, soaking)).toEqual([
      expect.stringMatching(/^gates: it was merged anyway: soak: stg does not run django V4\.0.* now/),
    ]);
  });

  test('what upstream had rolled back by then is a finding', async () => {
    const back = async (bench: Bench): Promise<unknown> => bench.rollback('stg');
    const found = await merged(back, { upstream: { django: 'V3.2', mariadb: 'V10.3' } });
    expect(found).toEqual([expect.stringMatching(/^gates: it was merged anyway: upstream: /)]);
    expect(
      await merged(async () => undefined, { upstream: { django: 'V3.2', mariadb: 'V10.3' }, after: back }),
    ).toEqual([]);
  });

  test('a status of the gates that had not passed is a finding, where what they asked has no past', async () => {
    const policy = 'pullRequest: true\n    gates: { status: [ci/e2e] }';
    const told = (state: 'success' | 'pending' | 'failure') => async (bench: Bench, proposed: ObjectId) =>
      bench.forge.reportStatus(proposed, { name: 'tagflow/gates', state, description: '' });
    const asked = { policy, passing: 'ci/e2e' };
    expect(await merged(told('success'), asked)).toEqual([]);
    expect(await merged(told('failure'), asked)).toEqual([
      'gates: it was merged anyway: the status tagflow/gates was failure',
    ]);
    expect(await merged(async () => undefined, asked)).toEqual([]);
  });

  test('a freeze at that moment is a finding, and one that is over is not', async () => {
    expect(await merged(async ({ clock }) => clock.advance(40 * 864e5))).toEqual([
      'gates: it was merged anyway: freezes: prd was frozen: audit',
    ]);
    expect(await merged(async ({ clock }) => clock.advance(70 * 864e5))).toEqual([]);
  });

  test('a window that was not open is a finding', async () => {
    const policy = "pullRequest: true\n    gates: { windows: [{ days: [thu], hours: '00:00-12:00', zone: UTC }] }";
    expect(await merged(async () => undefined, { policy })).toEqual([]);
    expect(await merged(async ({ clock }) => clock.advance(864e5), { policy })).toEqual([
      'gates: it was merged anyway: windows: no window of prd was open',
    ]);
  });
});
