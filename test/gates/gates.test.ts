// The gates, as pure functions from evidence to a decision with its reason.
import { describe, expect, test } from 'vitest';
import { advise, fixText } from '../../src/model/advice.ts';
import {
  type Evidence,
  type Gathered,
  type Judgement,
  type OverrideRequest,
  type PastRelease,
  type Subject,
  evidenceFor,
  judge as judgeGates,
  promotionGates,
} from '../../src/gates/gates.ts';
import { DEFAULT_POLICY } from '../../src/model/gate-policy.ts';
import { digestOf } from '../../src/model/digest.ts';
import { TagflowError } from '../../src/model/errors.ts';
import { parseTag } from '../../src/model/reference.ts';
import { isRecordText } from '../../src/model/release-record.ts';
import type { Hold, ReleaseImage } from '../../src/model/release.ts';
import type { VersionScheme } from '../../src/model/version.ts';
import { FULL_RECORD, idOf } from '../support/records.ts';

const SEMVER: VersionScheme = { kind: 'semver' };

function image(name: string, version: string): ReleaseImage {
  return { name, repository: `r/${name}`, version: parseTag(version), digest: digestOf(version) };
}

interface Given extends Subject, Partial<Evidence> {
  readonly overrides?: readonly string[];
}

function evidence(change: Partial<Given> & { readonly from?: string; readonly to?: string } = {}): Given {
  const { from = 'V4.0', to = 'V4.2', ...rest } = change;
  return {
    action: 'promote',
    environment: 'prd',
    reason: undefined,
    policy: DEFAULT_POLICY,
    current: { ...FULL_RECORD, images: [image('django', from)], held: [] },
    images: [image('django', to)],
    commit: idOf('1'),
    from: undefined,
    skipped: [],
    hotfix: 'upstream-first',
    isNamed: false,
    upstream: 'stg',
    schemes: new Map([['django', SEMVER]]),
    locks: [],
    journalHolds: [],
    unmerged: [],
    unconfirmed: { versions: [], past: [] },
    ...rest,
  };
}

const PERSON: OverrideRequest = { gates: [], by: 'ana', why: 'INC-1', isSigned: false };

/** Has every gate judge what is given, and no more than it needs. */
async function judge(given: Given, request: Partial<OverrideRequest> = {}): Promise<Judgement> {
  const gates = await promotionGates(given);
  const gathered: Gathered = Object.fromEntries(
    [...evidenceFor(gates)].flatMap((name) => (given[name] === undefined ? [] : [[name, { value: given[name] }]])),
  );
  return judgeGates(gates, given, gathered, { ...PERSON, gates: given.overrides ?? [], ...request });
}

/** What prd has, with one hold on it. */
function hold(change: Partial<Hold>): Subject['current'] {
  return { ...FULL_RECORD, images: [image('django', 'V4.0')], held: [{ release: 2, images: [], ...change }] };
}

const codes = async (given: Given): Promise<readonly string[]> => (await judge(given)).refusals.map(({ code }) => code);

test('every gate decides, in a fixed order, and says why', async () => {
  expect((await judge(evidence())).decisions).toEqual([
    { gate: 'lock', decision: 'pass', reason: 'nobody locked it' },
    { gate: 'downgrade', decision: 'pass', reason: 'no image gets older' },
    { gate: 'held', decision: 'pass', reason: 'no image in this release is on hold' },
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
  ])('from %s to %s', async (from, to, expected) => {
    expect(await codes(evidence({ from, to }))).toEqual(expected);
  });

  test('a first release is not one', async () => {
    expect(await codes({ ...evidence({ to: 'V1.0' }), current: undefined })).toEqual([]);
  });

  describe('of versions that have no order', () => {
    const release = (sequence: number, version: string): PastRelease => ({
      sequence,
      commit: idOf(String(sequence)),
      images: [image('django', version)],
      source: idOf('d'),
      recorded: 0,
      committed: 0,
    });

    test.each<[string, string, readonly string[], readonly string[]]>([
      ['main-7', 'V1.0', ['main-7'], []],
      ['main-7', 'main-6', ['main-7', 'main-6'], ['downgrade']],
      ['main-6', 'main-7', ['main-6', 'main-7', 'main-6'], []],
      ['main-7', 'main-7', ['main-7'], []],
    ])('from %s to %s, after %j', async (from, to, ran, expected) => {
      const past = ran.map((version, index) => release(ran.length - index, version));
      expect(await codes(evidence({ from, to, past }))).toEqual(expected);
    });

    test('passes and says by what it compared', async () => {
      const past = [release(1, 'main-7')];
      expect((await judge(evidence({ from: 'main-7', to: 'main-8', past }))).decisions[1]?.reason).toBe(
        'no image gets older; by past releases, as versions of django have no order',
      );
    });

    test('a newer version that only a record claims is not a pass where the image denies it, or ran here before', async () => {
      const claim = { name: 'django', version: 'V4.2', digest: digestOf('V4.2'), why: 'no tag', isContradicted: false };
      const versions = [{ ...claim, isDenied: false }];
      const { decisions, refusals } = await judge(
        evidence({ unconfirmed: { versions: [{ ...claim, isDenied: true }], past: [] } }),
      );
      expect(decisions[1]).toMatchObject({ gate: 'downgrade', decision: 'unknown' });
      expect(refusals[0]?.text).toMatchObject({
        what: expect.stringContaining('django V4.2'),
        why: 'django: no tag',
      });
      const past = [release(2, 'V4.0'), release(1, 'V4.2')];
      expect(await codes(evidence({ unconfirmed: { versions, past } }))).toEqual(['downgrade']);
      // Pushed again since: it passes, and says so.
      const passed = await judge(evidence({ unconfirmed: { versions, past: [release(1, 'V4.0')] } }));
      expect(passed.decisions[1]).toMatchObject({ decision: 'pass', reason: expect.stringContaining('does not say') });
      // The same version says nothing of which is newer, and of no version is it asked that gets older.
      expect(await codes(evidence({ from: 'V4.2', unconfirmed: { versions, past } }))).toEqual([]);
      expect([...evidenceFor(await promotionGates(evidence({ to: 'V3.2' })))]).not.toContain('unconfirmed');
    });

    test('asks for past releases, which other versions do not', async () => {
      expect([...evidenceFor(await promotionGates(evidence({ from: 'main-7', to: 'main-8' })))]).toContain('past');
      expect([...evidenceFor(await promotionGates(evidence()))]).not.toContain('past');
    });
  });

  test('each image is looked at, and each that gets older is named', async () => {
    const given = evidence({
      current: { ...FULL_RECORD, images: [image('a', 'V2.0'), image('b', 'V4.0'), image('c', 'V6.0')], held: [] },
      images: [image('a', 'V1.0'), image('b', 'V5.0'), image('c', 'V5.0')],
      schemes: new Map(['a', 'b', 'c'].map((name) => [name, SEMVER])),
    });
    expect((await judge(given)).refusals[0]?.text).toMatchObject({
      what: 'prd would go back: a V2.0 -> V1.0, c V6.0 -> V5.0',
      details: {
        images: [
          { name: 'a', from: 'V2.0', to: 'V1.0' },
          { name: 'c', from: 'V6.0', to: 'V5.0' },
        ],
      },
    });
  });

  test('says who brought what runs', async () => {
    expect((await judge(evidence({ from: 'V4.2', to: 'V4.0' }))).refusals[0]?.text).toMatchObject({
      why: `release 3 was made at ${FULL_RECORD.time} by ci #88, ${FULL_RECORD.job}`,
      fix: advise`to go back anyway: ${{ act: 'rollback', line: 'prd', to: 'V4.0', withReason: true }} (or promote with ${{ act: 'allow', gate: 'downgrade' }})`,
    });
  });

  test('on request it is let through, and on the record', async () => {
    const { decisions, refusals } = await judge(evidence({ from: 'V4.2', to: 'V4.0', overrides: ['downgrade'] }));
    expect(refusals).toEqual([]);
    expect(decisions[1]).toEqual({
      gate: 'downgrade',
      decision: 'overridden',
      reason: `prd would go back: django V4.2 -> V4.0: release 3 was made at ${FULL_RECORD.time} by ci #88, ${FULL_RECORD.job}`,
      by: 'ana',
      why: 'INC-1',
    });
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
  ])('%s', async (_, change, expected) => {
    expect(await codes(evidence({ current: hold(change) }))).toEqual(expected);
  });

  test('names what is held, from where, and why', async () => {
    const { refusals } = await judge(evidence({ current: hold({ images: bad, reason: 'INC-412' }) }));
    expect(refusals[0]?.text).toMatchObject({
      what: 'django V4.2 is on hold for prd',
      why: 'release 2 was rolled back: INC-412',
      fix: advise`to put it back anyway: ${{ act: 'promote', line: 'prd', despite: 'held' }}`,
    });
  });

  test('names the release whose configuration is held, and gives the hold itself to programs', async () => {
    const current = hold({ commit: idOf('1') });
    expect((await judge(evidence({ current }))).refusals[0]?.text).toMatchObject({
      what: 'the configuration of release 2 is on hold for prd',
      why: 'release 2 was rolled back',
      details: { holds: current?.held },
    });
  });

  test('is lifted on request, and that is on the record', async () => {
    const { decisions } = await judge(evidence({ current: hold({ images: bad }), overrides: ['held'] }));
    expect(decisions[2]).toEqual({
      gate: 'held',
      decision: 'overridden',
      reason: 'django V4.2 is on hold for prd: release 2 was rolled back',
      by: 'ana',
      why: 'INC-1',
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

  test('names the commits, and how to land them', async () => {
    const { refusals } = await judge(evidence({ unmerged: foreign.slice(0, 1) }));
    expect(refusals[0]?.text).toMatchObject({
      what: 'prd has 1 commit that stg lacks and that would be lost',
      why: '1111111 fix 1',
    });
    expect(fixText(refusals[0]?.text.fix)).toContain('git cherry-pick 1111111');
  });

  test('shows five of many, and has all in the details', async () => {
    const { refusals } = await judge(evidence({ unmerged: foreign }));
    expect(refusals[0]?.text.what).toContain('7 commits');
    expect(refusals[0]?.text.why).toMatch(/5555555 fix 5 and 2 more$/);
    expect(fixText(refusals[0]?.text.fix)).toContain('git cherry-pick 7777777 6666666 5555555 4444444 3333333 … on');
    expect(refusals[0]?.text.details).toEqual({ commits: foreign });
  });

  test('leaves nothing out when there are five', async () => {
    const { refusals } = await judge(evidence({ unmerged: foreign.slice(0, 5) }));
    expect(refusals[0]?.text.why).toMatch(/5555555 fix 5$/);
    expect(fixText(refusals[0]?.text.fix)).toContain('2222222 1111111 on');
  });

  test('has them picked oldest first, as each may need the one before', async () => {
    const { refusals } = await judge(evidence({ unmerged: foreign.slice(0, 3) }));
    expect(fixText(refusals[0]?.text.fix)).toContain('git cherry-pick 3333333 2222222 1111111 on');
  });

  test('on request they are given up, and that is on the record', async () => {
    const { decisions } = await judge(evidence({ unmerged: foreign, overrides: ['divergence'] }));
    expect(decisions[3]?.decision).toBe('overridden');
    expect(decisions[3]?.reason).toContain('would be lost: 1111111 fix 1');
  });
});

test('no reason is longer than a record can hold, however many images there are', async () => {
  const names = Array.from({ length: 300 }, (_, index) => `image-${index}`);
  const held = [
    { release: 2, images: names.map((name) => ({ name, version: parseTag('V1.0'), digest: digestOf('V1.0') })) },
  ];
  const given = evidence({
    current: { ...FULL_RECORD, images: names.map((name) => image(name, 'V2.0')), held },
    images: names.map((name) => image(name, 'V1.0')),
    schemes: new Map(names.map((name) => [name, SEMVER])),
    overrides: ['downgrade', 'held', 'divergence'],
  });
  expect((await judge(given)).decisions.filter(({ reason }) => !isRecordText(reason))).toEqual([]);
});

const QUIET: Gathered = {
  unconfirmed: { value: { versions: [], past: [] } },
  locks: { value: [] },
  journalHolds: { value: [] },
};

describe('evidence that could not be had', () => {
  const problem = new TagflowError('forge-unavailable', { what: 'the forge does not answer', why: 'HTTP 502' });

  test('is unknown, never a pass, and says why', async () => {
    const gates = await promotionGates(evidence());
    const { decisions, refusals } = judgeGates(gates, evidence(), { ...QUIET, unmerged: { problem } }, PERSON);
    expect(decisions[3]).toEqual({
      gate: 'divergence',
      decision: 'unknown',
      reason: 'cannot tell whether gate divergence passes',
    });
    expect(refusals).toMatchObject([
      {
        gate: 'divergence',
        code: 'gate-unknown',
        text: { why: 'the forge does not answer: HTTP 502', details: { cause: 'forge-unavailable' } },
      },
    ]);
  });

  test('is unknown when nobody gathered it', async () => {
    expect(judgeGates(await promotionGates(evidence()), evidence(), QUIET, PERSON).refusals).toMatchObject([
      { gate: 'divergence', decision: 'unknown' },
    ]);
  });

  test('may be overridden like a refusal', async () => {
    const request = { ...PERSON, gates: ['divergence'] };
    const { refusals } = judgeGates(
      await promotionGates(evidence()),
      evidence(),
      { ...QUIET, unmerged: { problem } },
      request,
    );
    expect(refusals).toEqual([]);
  });
});

describe('an override', () => {
  const older = evidence({ from: 'V4.2', to: 'V4.0', overrides: ['downgrade'] });
  const named = (gate: string, ...people: readonly string[]): Partial<Given> => ({
    policy: { ...DEFAULT_POLICY, overrides: new Map([[gate, people]]) },
  });

  test('of a gate that passes has no effect and is not recorded', async () => {
    expect(
      (await judge(evidence({ overrides: ['downgrade', 'held'] }))).decisions.map(({ decision }) => decision),
    ).toEqual(['pass', 'pass', 'pass', 'pass']);
  });

  test('of one gate leaves the others as they are', async () => {
    expect((await judge({ ...older, overrides: ['held'] })).refusals).toMatchObject([{ gate: 'downgrade' }]);
  });

  test.each<[string, Given, Partial<OverrideRequest>, boolean]>([
    ['anybody, where releases are not signed', older, {}, true],
    ['anybody who may release, where the rules name nobody', older, { isSigned: true, signer: 'ana' }, true],
    ['a person who is named', { ...older, ...named('downgrade', 'ana') }, { isSigned: true, signer: 'ana' }, true],
    ['another than is named', { ...older, ...named('downgrade', 'bo') }, { isSigned: true, signer: 'ana' }, false],
    ['nobody, where the list is empty', { ...older, ...named('downgrade') }, { isSigned: true, signer: 'ana' }, false],
    ['somebody whose key counts for nothing', { ...older, ...named('downgrade', 'ana') }, { isSigned: true }, false],
    ['a person who is named, though nothing is signed', { ...older, ...named('downgrade', 'bo') }, {}, true],
  ])('by %s', async (_, given, request, expected) => {
    expect((await judge(given, request)).refusals.length === 0).toBe(expected);
  });

  test('without the right says who has it', async () => {
    const { refusals } = await judge({ ...older, ...named('downgrade', 'bo') }, { isSigned: true, signer: 'ana' });
    expect(refusals[0]?.text.why).toMatch(/ana may not override downgrade: overrides\.downgrade names bo$/);
  });
});
