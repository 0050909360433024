// How many requests run at once: as many as the host's answers allow.
import { expect, test } from 'vitest';
import { createHostGates } from '../../src/http/limiter.ts';
import { createInstantClock } from '../support/clock.ts';

const tooLate = (): Error => new Error('too late');

/** A gate, and work on it that ends when it is asked to. */
function underTest(concurrency: number, mostConcurrency?: number) {
  const clock = createInstantClock();
  const gate = createHostGates({ clock, concurrency, ...(mostConcurrency !== undefined && { mostConcurrency }) })(
    'host',
  );
  const open: (() => void)[] = [];
  const start = (count: number): readonly Promise<void>[] =>
    Array.from({ length: count }, async () =>
      gate.run(async () => new Promise<void>((resolve) => open.push(resolve)), Infinity, tooLate),
    );
  /** Ends what runs, and gives how many that were. */
  const round = async (): Promise<number> => {
    await new Promise((resolve) => setImmediate(resolve));
    const running = open.splice(0);
    for (const end of running) end();
    return running.length;
  };
  return { clock, gate, start, round };
}

test('one more runs after each round of answers, up to the limit', async () => {
  const { start, round } = underTest(2, 4);
  const all = Promise.all(start(40));
  const rounds: number[] = [];
  for (let turn = 0; turn < 6; turn += 1) rounds.push(await round());
  expect(rounds).toEqual([2, 3, 4, 4, 4, 4]);
  while ((await round()) > 0);
  await all;
});

test('a host that asks for a pause gets half as many requests, however many of them it refused', async () => {
  const { clock, gate, start, round } = underTest(8, 8);
  gate.pause(1_000);
  gate.pause(1_000);
  clock.advance(1_000);
  const all = Promise.all(start(12));
  expect(await round()).toBe(4);
  gate.pause(500);
  clock.advance(500);
  while ((await round()) > 0);
  await all;
});

test('one request runs at the least', async () => {
  const { clock, gate, start, round } = underTest(1, 32);
  gate.pause(10);
  clock.advance(10);
  const all = Promise.all(start(2));
  expect(await round()).toBe(1);
  while ((await round()) > 0);
  await all;
});
