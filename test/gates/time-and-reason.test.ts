// The gates windows, freezes and reason: their verdicts, the moment from which they would pass, and their words.
import { describe, expect, test } from 'vitest';
import { passesFrom } from '../../src/gates/gates.ts';
import { DAYS, type GatePolicy } from '../../src/model/gate-policy.ts';
import { decision, judged, promotion } from './subjects.ts';

const OFFICE: GatePolicy['windows'] = [{ days: DAYS, start: '09:00', end: '16:00', zone: 'UTC' }];
const YEAR_END: GatePolicy['freezes'] = [
  { kind: 'range', from: '2026-12-20T00:00:00', until: '2027-01-02T00:00:00', zone: 'UTC', reason: 'year end' },
];
const at = (text: string): { clock: number } => ({ clock: Date.parse(text) });

describe('windows', () => {
  test('pass inside, and say until when', async () => {
    expect(await decision('windows', promotion({ windows: OFFICE }), at('2026-11-30T12:00Z'))).toMatchObject({
      decision: 'pass',
      reason: 'a window is open until 2026-11-30T16:00:00.000Z',
    });
  });

  test('wait outside, until the next one opens', async () => {
    expect(await decision('windows', promotion({ windows: OFFICE }), at('2026-11-30T16:00Z'))).toMatchObject({
      decision: 'wait',
      until: '2026-12-01T09:00:00.000Z',
    });
  });

  test('refuse where none ever opens', async () => {
    const never = promotion({ windows: [{ ...OFFICE[0]!, days: [] }] });
    expect(await decision('windows', never)).toMatchObject({ decision: 'refuse' });
  });
});

describe('freezes', () => {
  test('pass outside', async () => {
    expect(await decision('freezes', promotion({ freezes: YEAR_END }))).toMatchObject({ decision: 'pass' });
  });

  test('wait inside, until the end, and say why', async () => {
    const { refusals } = await judged(promotion({ freezes: YEAR_END }), at('2026-12-24T18:00Z'));
    expect(refusals).toMatchObject([
      { gate: 'freezes', decision: 'wait', until: Date.parse('2027-01-02T00:00Z'), text: { why: 'year end' } },
    ]);
  });

  test('refuse where no end is known', async () => {
    const freezes: GatePolicy['freezes'] = [{ kind: 'cron', cron: '0 * * * *', durationMs: 7_200_000, zone: 'UTC' }];
    expect(await decision('freezes', promotion({ freezes }))).toMatchObject({ decision: 'refuse' });
  });

  test('refuse on the word of the caller, whatever the calendar says', async () => {
    const { refusals } = await judged(promotion({ freezes: YEAR_END }), { deployFreeze: 'true' });
    expect(refusals).toMatchObject([
      { gate: 'freezes', decision: 'refuse', text: { details: { source: 'CI_DEPLOY_FREEZE' } } },
    ]);
  });

  test('are not asked where the environment has none, whatever the caller says', async () => {
    expect(await decision('freezes', promotion({}), { deployFreeze: 'true' })).toBeUndefined();
  });
});

describe('reason', () => {
  test.each<[string | undefined, string]>([
    ['INC-412 checkout', 'pass'],
    ['because', 'refuse'],
    [undefined, 'refuse'],
  ])('%s', async (reason, expected) => {
    expect(await decision('reason', promotion({ reason: /^[A-Z]+-[0-9]+/u }, { reason }))).toMatchObject({
      decision: expected,
    });
  });
});

describe('the moment from which all would pass', () => {
  const closed = promotion({ windows: OFFICE, freezes: YEAR_END });

  test('is the latest of those that wait', async () => {
    const { refusals } = await judged(closed, at('2026-12-31T20:00Z'));
    expect(passesFrom(refusals)).toBe(Date.parse('2027-01-02T00:00Z'));
  });

  test('is not known when something else refuses as well', async () => {
    const { refusals } = await judged(
      { ...closed, policy: { ...closed.policy, reason: /^INC/u } },
      at('2026-12-31T20:00Z'),
    );
    expect(passesFrom(refusals)).toBeUndefined();
  });

  test('is not known when nothing refuses', async () => {
    expect(passesFrom([])).toBeUndefined();
  });
});
