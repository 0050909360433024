// Gate upstream: an environment takes what the one above it released.
import { describe, expect, test } from 'vitest';
import type { UpstreamEvidence } from '../../src/gates/gates.ts';
import { idOf } from '../support/records.ts';
import { decision, image, judged, past, promotion } from './subjects.ts';

/** What stg released, newest first: the newest one is the commit that is carried. */
function stg(change: Partial<UpstreamEvidence> = {}): UpstreamEvidence {
  const releases = [{ ...past(2, '2026-11-29T12:00Z', { django: 'V4.2' }), commit: idOf('c') }];
  return { environment: 'stg', releases, held: [], runs: new Set(['django', 'worker']), ...change };
}

const required = promotion({ upstream: 'require' });
const heldThere = [{ release: 2, images: [image('django', 'V4.2')] }];

describe('upstream', () => {
  test.each<[string, Partial<UpstreamEvidence>, Partial<typeof required>, string]>([
    ['what stg runs', {}, {}, 'pass'],
    [
      'what stg ran before',
      { releases: [past(3, '2026-11-30T00:00Z', { django: 'V4.3' }), ...stg().releases] },
      {},
      'pass',
    ],
    ['what stg never released', { releases: [past(1, '2026-11-29T12:00Z', { django: 'V4.0' })] }, {}, 'refuse'],
    [
      'a version that is another image in stg',
      {
        releases: [
          {
            ...past(2, '2026-11-29T12:00Z', {}),
            images: [{ ...image('django', 'V4.2'), digest: image('x', 'y').digest }],
          },
        ],
      },
      {},
      'refuse',
    ],
    ['what is on hold for stg', { held: heldThere }, {}, 'refuse'],
    ['an older hold of another version', { held: [{ release: 2, images: [image('django', 'V4.3')] }] }, {}, 'pass'],
    [
      'an image that stg does not run',
      { runs: new Set(['worker']), releases: [{ ...past(2, '2026-11-29T12:00Z', {}), commit: idOf('c') }] },
      {},
      'pass',
    ],
    [
      'an image that stays as it is',
      { releases: [{ ...past(2, '2026-11-29T12:00Z', {}), commit: idOf('c') }] },
      { images: [image('django', 'V4.0')] },
      'pass',
    ],
    ['what passes by a line that it usually comes through', {}, { skipped: ['uat'] }, 'refuse'],
    ['configuration that is not a release of stg', {}, { commit: idOf('9') }, 'refuse'],
    [
      'configuration that runs here already',
      {},
      {
        commit: idOf('9'),
        current: { ...required.current!, source: { branch: required.current!.source.branch, commit: idOf('9') } },
      },
      'pass',
    ],
    ['configuration that is on hold for stg', { held: [{ release: 2, images: [], commit: idOf('d') }] }, {}, 'refuse'],
  ])('%s', async (_, evidence, change, expected) => {
    const found = await decision('upstream', { ...required, ...change }, { upstreamReleases: stg(evidence) });
    expect(found?.decision).toBe(expected);
  });

  test('says each reason', async () => {
    const evidence = { upstreamReleases: stg({ releases: [] }) };
    const { refusals } = await judged(required, evidence);
    expect(refusals[0]?.text).toMatchObject({
      what: 'prd would take what stg did not release',
      why: 'no release of stg has django V4.2; commit ccccccc is not a release of stg',
    });
  });

  test('only warns where the policy says so', async () => {
    const warned = promotion({ upstream: 'warn' });
    expect(await decision('upstream', warned, { upstreamReleases: stg({ releases: [] }) })).toMatchObject({
      decision: 'pass',
      reason: expect.stringMatching(/^warning: no release of stg has django V4\.2/),
    });
  });

  test('is not asked where the policy turns it off, or of what comes from the trunk', async () => {
    expect(await decision('upstream', promotion({ upstream: 'off' }))).toBeUndefined();
    expect(await decision('upstream', promotion({ upstream: 'require' }, { from: undefined }))).toBeUndefined();
  });

  test('is overridden by name, which a hotfix needs', async () => {
    const { decisions, refusals } = await judged(
      required,
      { upstreamReleases: stg({ releases: [] }) },
      { gates: ['upstream'], why: 'hotfix INC-7' },
    );
    expect(refusals).toEqual([]);
    expect(decisions.at(-1)).toMatchObject({
      gate: 'upstream',
      decision: 'overridden',
      by: 'ana',
      why: 'hotfix INC-7',
    });
  });
});
