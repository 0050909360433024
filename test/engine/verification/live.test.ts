// What runs beside what was released: branch, registry and live, and waiting for it.
import { beforeEach, describe, expect, test } from 'vitest';
import { liveDifference, liveStatus, status } from '../../../src/engine/status.ts';
import { waitUntilLive } from '../../../src/engine/verification/wait-live.ts';
import { TagflowError } from '../../../src/model/errors.ts';
import { parseTag } from '../../../src/model/reference.ts';
import type { Sighting } from '../../../src/verify/verify.ts';
import { isLiveDifferent, liveDifferenceView } from '../../../src/views/live.ts';
import { statusView, isDrifting } from '../../../src/views/status.ts';
import { formatText } from '../../../src/views/text.ts';
import { formatCsv } from '../../../src/views/csv.ts';
import { type Bench, FIRST, createBench, repositoryOf, withPorts } from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';
import { type ScriptedVerifier, createScriptedVerifier } from '../../support/verifier.ts';

const LIVE = `live:
      - { http: { url: 'http://127.0.0.1:1/django', json: version, image: django } }
      - { kubernetes: { namespace: shop, workload: statefulset/mariadb } }`;

const runs = (image: string, ...what: readonly string[]): Sighting => ({ said: 'runs', image, what });

describe('live', () => {
  let bench: Bench;
  let verifier: ScriptedVerifier;
  let seen: readonly Sighting[];

  beforeEach(async () => {
    bench = createBench({ settings: { prd: LIVE } });
    await bench.through(FIRST);
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    await bench.released('prd');
    seen = [runs('django', 'V4.2'), runs('mariadb', bench.digest('mariadb', 'V10.6'))];
    verifier = createScriptedVerifier(undefined, ({ kind }) =>
      seen.filter((one) => !('image' in one) || (one.image === 'django') === (kind === 'http')),
    );
  });

  const context = (signal?: AbortSignal) => withPorts(bench.context(signal && { signal }), { outside: { verifier } });
  async function shown(): Promise<string> {
    return formatText(statusView(await liveStatus(context(), 'prd'), bench.clock.now(), { live: true }));
  }

  test('nothing is asked without --live', async () => {
    const states = await status(context(), 'prd');
    expect(verifier.asked).toEqual([]);
    expect(statusView(states, 0).data).toMatchObject({ environments: [{ images: [{ live: null }, { live: null }] }] });
    expect(formatText(statusView(states, 0))).not.toContain('LIVE');
  });

  test('what runs is what was released: a version by one source, a digest by another', async () => {
    const states = await liveStatus(context(), 'prd');
    expect(states[0]?.images.map(({ live }) => live)).toEqual([{ state: 'right' }, { state: 'right' }]);
    expect(isDrifting(states)).toBe(false);
    expect(verifier.open$.count).toBe(0);
    expect(await shown()).toMatch(/REGISTRY +LIVE\n.*✓ in sync +✓ live$/m);
  });

  test('an environment without sources has no live column', async () => {
    const [state] = await liveStatus(context(), 'stg');
    expect(state?.images.map(({ live }) => live?.state)).toEqual(['unwatched', 'unwatched']);
    expect(verifier.asked).toEqual([]);
  });

  test('the release before still runs: the deploy has not arrived', async () => {
    seen = [runs('django', 'V4.0'), ...seen.slice(1)];
    const states = await liveStatus(context(), 'prd');
    expect(states[0]?.images[0]?.live).toEqual({
      state: 'drift',
      found: 'V4.0',
      release: 1,
      isMixed: false,
      why: 'V4.0 runs',
    });
    expect(isDrifting(states)).toBe(true);
    expect(await shown()).toMatch(
      /^live: prd runs django V4\.0, the record says V4\.2: release 1 had it, so release 2 has not arrived {3}fix: look at what deploys prd/m,
    );
  });

  test('a version that was never released was deployed around tagflow', async () => {
    seen = [runs('django', 'V9.9'), ...seen.slice(1)];
    expect(await shown()).toMatch(
      /no release of prd had it, so it was deployed around tagflow {3}fix: deploy prd again/,
    );
  });

  test('what runs is what a moved tag names: the deploy follows the tag', async () => {
    const other = bench.digest('mariadb', 'V10.11');
    await bench.registry.tag(repositoryOf('mariadb'), other, parseTag('prd'));
    seen = [runs('django', 'V4.2'), runs('mariadb', other)];
    expect(await shown()).toMatch(/so the deploy follows the tag {3}fix: apply prd, then restart what runs/);
  });

  test('what runs is what edited manifests pin', async () => {
    const path = 'environments/prd/kustomization.yaml';
    const other = bench.digest('mariadb', 'V10.11');
    const text = bench.remote.file('prd', path) ?? '';
    bench.remote.commit('prd', { [path]: text.replaceAll(bench.digest('mariadb', 'V10.6'), other) });
    seen = [runs('django', 'V4.2'), runs('mariadb', other)];
    expect(await shown()).toMatch(/that is what the manifests of prd pin {3}fix: promote prd, or roll back prd/);
  });

  test('what runs is right while the tag is not, which is said as well', async () => {
    await bench.registry.tag(repositoryOf('django'), bench.digest('django', 'V4.0'), parseTag('prd'));
    expect(await shown()).toMatch(/^live: prd runs django V4\.2 as recorded, though the tag differs/m);
  });

  test.each<[string, Sighting[], RegExp]>([
    [
      'several run side by side',
      [runs('django', 'V4.0', 'V4.2')],
      /^live: prd runs django V4\.0, .*: several versions run, so a rollout is under way or stuck/m,
    ],
    ['nothing runs', [runs('django')], /^live: django V4\.2 of prd is not live: nothing runs/m],
    [
      'the deploy failed',
      [{ said: 'undeployed', seen: 'kustomization/shop: failure: no quota' }],
      /not live: kustomization\/shop: failure: no quota/,
    ],
    [
      'nobody answers',
      [{ said: 'nothing', image: 'django', seen: 'it hangs' }],
      /^unknown: what runs of django in prd: it hangs/m,
    ],
  ])('%s', async (_, found, expected) => {
    seen = [...found, runs('mariadb', 'V10.6')];
    expect(await shown()).toMatch(expected);
    expect(isDrifting(await liveStatus(context(), 'prd'))).toBe(true);
  });

  test('a source that fails leaves the images unknown of which no other speaks', async () => {
    verifier = createScriptedVerifier(undefined, ({ kind }) => {
      if (kind === 'http') return [runs('django', 'V4.2')];
      throw new TagflowError('forge-unavailable', { what: 'the forge did not answer', why: 'status 502' });
    });
    const [state] = await liveStatus(context(), 'prd');
    expect(state?.images.map(({ live }) => live)).toEqual([
      { state: 'right' },
      { state: 'unknown', why: 'the forge did not answer: status 502' },
    ]);
  });

  test('diff --live: one environment and what runs there', async () => {
    seen = [runs('django', 'V4.0'), ...seen.slice(1)];
    const state = await liveDifference(context(), 'prd');
    expect(isLiveDifferent(state)).toBe(true);
    const view = liveDifferenceView(state);
    expect(view.data).toMatchObject({
      environment: 'prd',
      release: 2,
      images: [
        { image: 'django', version: 'V4.2', live: { state: 'drift', found: 'V4.0', release: 1 } },
        { image: 'mariadb', live: { state: 'right', found: null, release: null, isMixed: false, why: null } },
      ],
    });
    expect(formatCsv(view)).toContain('django,V4.2');
    expect(await failureOf(liveDifference(context(), 'stg'))).toMatchObject({ code: 'usage' });
  });

  describe('waiting', () => {
    test('asks once a second until the release runs', async () => {
      const looks = [runs('django', 'V4.0'), runs('django'), runs('django', 'V4.0', 'V4.2'), runs('django', 'V4.2')];
      verifier = createScriptedVerifier(undefined, ({ kind }) =>
        kind === 'http' ? [looks.length > 1 ? looks.shift()! : looks[0]!] : [runs('mariadb', 'V10.6')],
      );
      expect(await waitUntilLive(context(), 'prd', { timeoutMs: 60_000 })).toMatchObject({
        isLive: true,
        waitedMs: 3000,
        record: { sequence: 2 },
      });
      expect(bench.notices.filter((text) => text.startsWith('waiting until release 2 of prd is live'))).toHaveLength(3);
    });

    test('ends when its time is over, and the release stands', async () => {
      seen = [runs('django', 'V4.0'), ...seen.slice(1)];
      expect(await waitUntilLive(context(), 'prd', { timeoutMs: 10_000 })).toMatchObject({ isLive: false });
      expect(bench.record('prd').sequence).toBe(2);
      expect(verifier.open$.count).toBe(0);
    });

    test('nobody’s answer is not live', async () => {
      seen = [];
      expect(await waitUntilLive(context(), 'prd', { timeoutMs: 5000 })).toMatchObject({ isLive: false });
    });

    test('a release that came meanwhile is not waited for', async () => {
      const commit = bench.head('prd');
      seen = [runs('django', 'V4.0'), ...seen.slice(1)];
      let isFirst = true;
      verifier = createScriptedVerifier(undefined, async () => {
        if (isFirst) {
          isFirst = false;
          await bench.rollback('prd');
        }
        return seen;
      });
      expect(await failureOf(waitUntilLive(context(), 'prd', { timeoutMs: 5000, commit }))).toMatchObject({
        code: 'superseded',
        why: expect.stringContaining('release 3'),
      });
      expect(await failureOf(waitUntilLive(context(), 'prd', { timeoutMs: 5000, commit }))).toMatchObject({
        code: 'superseded',
      });
    });

    test('a stop ends it', async () => {
      const stop = new AbortController();
      verifier = createScriptedVerifier(undefined, () => {
        stop.abort(bench.interruption());
        return [];
      });
      expect(await failureOf(waitUntilLive(context(stop.signal), 'prd', { timeoutMs: 60_000 }))).toMatchObject({
        code: 'interrupted',
      });
      expect(verifier.open$.count).toBe(0);
    });

    test('without a source, or without a release, nothing has to be waited for', async () => {
      expect(await failureOf(waitUntilLive(context(), 'stg', { timeoutMs: 1 }))).toMatchObject({ code: 'usage' });
      const fresh = createBench({ settings: { prd: LIVE } });
      expect(
        await failureOf(waitUntilLive(withPorts(fresh.context(), { outside: { verifier } }), 'prd', { timeoutMs: 1 })),
      ).toMatchObject({
        code: 'release-not-found',
      });
    });
  });
});
