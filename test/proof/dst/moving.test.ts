// A release whose tags came late is deployed again, whatever was killed between its commit and its tags. The rules that are taken
// away are found in dst.test.ts.
import { beforeAll, expect, test } from 'vitest';
import { sampled } from '../../support/real.ts';
import { movingStart, simulateMoving } from './moving.ts';
import type { Start } from './start.ts';

const SEEDS = sampled(
  Array.from({ length: 120 }, (_, index) => index + 1),
  4,
);

let start: Start;
beforeAll(async () => {
  start = await movingStart();
});

test('no Pod is left on the image before, whenever it was synced', async () => {
  let again = 0;
  for (const seed of SEEDS) {
    const verdict = await simulateMoving(seed, start);
    expect({ seed, violations: verdict.violations }).toEqual({ seed, violations: [] });
    again += verdict.again;
  }
  expect(again).toBeGreaterThan(SEEDS.length / 30);
}, 400_000);
