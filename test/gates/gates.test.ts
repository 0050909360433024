// The gates, as pure functions from evidence to a decision with its reason.
import { describe, expect, test } from 'vitest';
import { type GateEvidence, judge } from '../../src/gates/gates.ts';
import { digestOf } from '../../src/model/digest.ts';
import { parseTag } from '../../src/model/reference.ts';
import { isRecordText } from '../../src/model/release-record.ts';
import type { Hold, ReleaseImage } from '../../src/model/release.ts';
import type { VersionScheme } from '../../src/model/version.ts';
import { FULL_RECORD, idOf } from '../support/records.ts';

const SEMVER: VersionScheme = { kind: 'semver' };

function image(name: string, version: string): ReleaseImage {
  return { name, repository: `r/${name}`, version: parseTag(version), digest: digestOf(version) };
}

function evidence(change: Partial<GateEvidence> & { readonly from?: string; readonly to?: string } = {}): GateEvidence {
  const { from = 'V4.0', to = 'V4.2', ...rest } = change;
  return {
    environment: 'prd',
    request: { kind: 'promote', environment: 'prd', versions: {} },
    current: { ...FULL_RECORD, images: [image('django', from)], held: [] },
    images: [image('django', to)],
    commit: idOf('1'),
    upstream: 'stg',
    schemes: new Map([['django', SEMVER]]),
    foreign: [],
    ...rest,
  };
}

/** What prd has, with one hold on it. */
function hold(change: Partial<Hold>): GateEvidence['current'] {
  return { ...FULL_RECORD, images: [image('django', 'V4.0')], held: [{ release: 2, images: [], ...change }] };
}

const asked = (flags: object): GateEvidence['request'] => ({
  kind: 'promote',
  environment: 'prd',
  versions: {},
  ...flags,
});
const codes = (given: GateEvidence): readonly string[] => judge(given).refusals.map(({ code }) => code);

test('every gate decides, in a fixed order, and says why', () => {
  expect(judge(evidence()).decisions).toEqual([
    { gate: 'downgrade', decision: 'pass', reason: 'no image gets older' },
    { gate: 'held', decision: 'pass', reason: 'nothing of it is held' },
    { gate: 'divergence', decision: 'pass', reason: 'stg has every commit of prd' },
  ]);
});

describe('downgrade', () => {
  test.each([
    ['V4.0', 'V4.2', []],
    ['V4.2', 'V4.2', []],
    ['V4.2', 'V4.0', ['downgrade']],
    ['V10.6', 'V10.11', []],
    ['V10.11', 'V10.6', ['downgrade']],
    ['V4.2', 'V4.2-rc.1', ['downgrade']],
    ['V4.2', 'v4.2.0', []],
  ])('from %s to %s', (from, to, expected) => {
    expect(codes(evidence({ from, to }))).toEqual(expected);
  });

  test('a first release is none', () => {
    expect(codes({ ...evidence({ to: 'V1.0' }), current: undefined })).toEqual([]);
  });

  test('a version that the scheme of today cannot read is none', () => {
    expect(codes(evidence({ from: 'main-7', to: 'V1.0' }))).toEqual([]);
  });

  test('each image is looked at, and each that gets older is named', () => {
    const given = evidence({
      current: { ...FULL_RECORD, images: [image('a', 'V2.0'), image('b', 'V4.0'), image('c', 'V6.0')], held: [] },
      images: [image('a', 'V1.0'), image('b', 'V5.0'), image('c', 'V5.0')],
      schemes: new Map(['a', 'b', 'c'].map((name) => [name, SEMVER])),
    });
    expect(judge(given).refusals[0]?.text).toMatchObject({
      what: 'prd would go back: a V2.0 -> V1.0, c V6.0 -> V5.0',
      details: {
        images: [
          { name: 'a', from: 'V2.0', to: 'V1.0' },
          { name: 'c', from: 'V6.0', to: 'V5.0' },
        ],
      },
    });
  });

  test('says who brought what runs', () => {
    expect(judge(evidence({ from: 'V4.2', to: 'V4.0' })).refusals[0]?.text).toMatchObject({
      why: `release 3 came ${FULL_RECORD.time} from ci #88, ${FULL_RECORD.job}`,
      fix: 'to go back on purpose: tagflow rollback prd --to V4.0 --reason "…" (or promote --allow-downgrade)',
    });
  });

  test('on request it is let through, and on the record', () => {
    const { decisions, refusals } = judge(
      evidence({ from: 'V4.2', to: 'V4.0', request: asked({ allowDowngrade: true }) }),
    );
    expect(refusals).toEqual([]);
    expect(decisions[0]).toMatchObject({ decision: 'overridden', reason: 'older on request: django V4.2 -> V4.0' });
  });
});

describe('held', () => {
  const bad = [{ name: 'django', version: parseTag('V4.2'), digest: digestOf('V4.2') }];

  test.each<[string, Partial<Hold>, readonly string[]]>([
    ['the held digest', { images: bad }, ['held']],
    ['another digest under the held version', { images: bad.map((one) => ({ ...one, digest: digestOf('x') })) }, []],
    ['the held digest as another image', { images: bad.map((one) => ({ ...one, name: 'other' })) }, []],
    ['the held configuration', { commit: idOf('1') }, ['held']],
    ['other configuration', { commit: idOf('2') }, []],
  ])('%s', (_, change, expected) => {
    expect(codes(evidence({ current: hold(change) }))).toEqual(expected);
  });

  test('names what is held, from where, and why', () => {
    const { refusals } = judge(evidence({ current: hold({ images: bad, reason: 'INC-412' }) }));
    expect(refusals[0]?.text).toMatchObject({
      what: 'django V4.2 is held from prd',
      why: 'release 2 was rolled back: INC-412',
      fix: 'to put it back all the same: tagflow promote prd --unhold',
    });
  });

  test('names the release whose configuration is held, and gives the hold itself to programs', () => {
    const current = hold({ commit: idOf('1') });
    expect(judge(evidence({ current })).refusals[0]?.text).toMatchObject({
      what: 'the configuration of release 2 is held from prd',
      why: 'release 2 was rolled back',
      details: { holds: current?.held },
    });
  });

  test('is lifted on request, and that is on the record', () => {
    const { decisions } = judge(evidence({ current: hold({ images: bad }), request: asked({ unhold: true }) }));
    expect(decisions[1]).toEqual({
      gate: 'held',
      decision: 'overridden',
      reason: 'hold of release 2 lifted: django V4.2',
    });
  });
});

describe('divergence', () => {
  const foreign = Array.from({ length: 7 }, (_, index) => ({
    id: idOf(String(index + 1)),
    subject: `fix ${index + 1}`,
    author: 'a',
    time: 0,
  }));

  test('names the commits, and how to land them', () => {
    const { refusals } = judge(evidence({ foreign: foreign.slice(0, 1) }));
    expect(refusals[0]?.text).toMatchObject({
      what: 'prd has 1 commit that stg lacks and that would be lost',
      why: '1111111 fix 1',
    });
    expect(refusals[0]?.text.fix).toContain('git cherry-pick 1111111');
  });

  test('shows five of many, and has all in the details', () => {
    const { refusals } = judge(evidence({ foreign }));
    expect(refusals[0]?.text.what).toContain('7 commits');
    expect(refusals[0]?.text.why).toMatch(/5555555 fix 5 and 2 more$/);
    expect(refusals[0]?.text.fix).toContain('git cherry-pick 7777777 6666666 5555555 4444444 3333333 … on');
    expect(refusals[0]?.text.details).toEqual({ commits: foreign });
  });

  test('leaves nothing out when there are five', () => {
    const { refusals } = judge(evidence({ foreign: foreign.slice(0, 5) }));
    expect(refusals[0]?.text.why).toMatch(/5555555 fix 5$/);
    expect(refusals[0]?.text.fix).toContain('2222222 1111111 on');
  });

  test('has them picked oldest first, as each may need the one before', () => {
    const { refusals } = judge(evidence({ foreign: foreign.slice(0, 3) }));
    expect(refusals[0]?.text.fix).toContain('git cherry-pick 3333333 2222222 1111111 on');
  });

  test('on request they are given up, and that is on the record', () => {
    const { decisions } = judge(evidence({ foreign, request: asked({ discardDivergence: true }) }));
    expect(decisions[2]?.decision).toBe('overridden');
    expect(decisions[2]?.reason).toContain('discarded on request: 1111111 fix 1');
  });
});

test('no reason is longer than a record can hold, however many images there are', () => {
  const names = Array.from({ length: 300 }, (_, index) => `image-${index}`);
  const held = [
    { release: 2, images: names.map((name) => ({ name, version: parseTag('V1.0'), digest: digestOf('V1.0') })) },
  ];
  const given = evidence({
    current: { ...FULL_RECORD, images: names.map((name) => image(name, 'V2.0')), held },
    images: names.map((name) => image(name, 'V1.0')),
    schemes: new Map(names.map((name) => [name, SEMVER])),
    request: asked({ allowDowngrade: true, unhold: true, discardDivergence: true }),
  });
  expect(judge(given).decisions.filter(({ reason }) => !isRecordText(reason))).toEqual([]);
});
