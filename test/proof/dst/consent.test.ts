// Consent under concurrency: whatever order approvals, their ends, overrides and releases come in.
import { beforeAll, expect, test } from 'vitest';
import { sampled } from '../../support/real.ts';
import { CONSENT_BREAKS, consentStart, simulateConsent } from './consent.ts';
import type { Start } from './start.ts';

const SEEDS = sampled(
  Array.from({ length: 400 }, (_, index) => index + 1),
  20,
);

let start: Start;
beforeAll(async () => {
  start = await consentStart();
});

test('a release that landed had its consent at that moment', async () => {
  const seen = { approved: 0, overridden: 0 };
  for (const seed of SEEDS) {
    const { violations, approved, overridden } = await simulateConsent(seed, start);
    expect({ seed, violations }).toEqual({ seed, violations: [] });
    seen.approved += approved;
    seen.overridden += overridden;
  }
  expect(seen.approved).toBeGreaterThan(SEEDS.length / 20);
  // Overrides are rare: a few schedules may have none.
  expect(seen.overridden).toBeGreaterThanOrEqual(SEEDS.length >= 400 ? 1 : 0);
}, 400_000);

/** Schedules that find a missing rule, looked at first: what the engine asks may move them. */
const FINDING = [37, 24, 100, 126, 83, 25, 123];

test.each(Object.entries(CONSENT_BREAKS))(
  'without the rule that %s, one is found',
  async (_, broken) => {
    let found = 0;
    for (const seed of [...FINDING, ...Array.from({ length: 1_000 }, (__, index) => index + 1)]) {
      if (found === 0) found = (await simulateConsent(seed, start, broken)).violations.length;
    }
    expect(found).toBeGreaterThan(0);
  },
  400_000,
);
