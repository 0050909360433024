// The gates of promotions that wait, beside the status: what refuses, what waits and until when, and what lets through.
import { expect, test } from 'vitest';
import { gatesOfWaiting } from '../../../src/engine/release/waiting-gates.ts';
import { lock } from '../../../src/engine/journal/locks.ts';
import { status } from '../../../src/engine/status.ts';
import { formatText } from '../../../src/views/text.ts';
import { statusView } from '../../../src/views/status.ts';
import { type Bench, FIRST, createBench } from '../../support/engine.ts';

const DAY = 86_400_000;

async function linesOf(bench: Bench): Promise<readonly string[]> {
  const states = await status(bench.context());
  const gates = await gatesOfWaiting(bench.context(), states);
  const text = formatText(statusView(states, bench.clock.now(), { live: false, gates }));
  return text.split('\n').filter((line) => line.startsWith('gates of '));
}

test('a gate that waits says from when it would pass, and one that refuses says why', async () => {
  const bench = createBench({ settings: { prd: 'gates: { soak: 1d }' } });
  await bench.released('dev', FIRST);
  await bench.released('stg');
  await bench.released('stg', { django: 'V4.2' }, { overrides: ['upstream'], reason: 'INC-1' });
  expect(await linesOf(bench)).toEqual([
    expect.stringMatching(/^gates of stg: downgrade: refuse: stg would go back: /),
    expect.stringMatching(
      /^gates of prd: soak: wait until 2026-01-02 .*: stg has to run django V4\.2, mariadb V10\.6 for 1 d/,
    ),
  ]);
  await lock(bench.context({ actor: 'bo' }), { words: ['prd'], rollbacks: false, until: undefined, reason: 'INC-9' });
  expect(await linesOf(bench)).toContain('gates of prd: lock: refuse: prd is locked by bo: INC-9');
});

test('nothing is said where nothing waits, and that all pass where they do', async () => {
  const bench = createBench({ settings: { prd: 'gates: { soak: 1d }' } });
  await bench.released('dev', FIRST);
  await bench.released('stg');
  bench.clock.advance(2 * DAY);
  expect(await linesOf(bench)).toEqual(['gates of prd: all let the promotion through']);
  await bench.released('prd');
  const head = bench.head('prd');
  expect(await linesOf(bench)).toEqual([]);
  expect(bench.head('prd')).toBe(head);
});
