// Work that takes turns.
import { expect, test } from 'vitest';
import { createTurns } from '../../src/http/turns.ts';

test('work for one key runs one after the other, in its order; other keys go on beside', async () => {
  const inTurn = createTurns();
  const log: string[] = [];
  const first = Promise.withResolvers<void>();
  const work = (name: string, ends: Promise<void>) => async () => {
    log.push(`${name} begins`);
    await ends;
    log.push(`${name} ends`);
    return name;
  };
  const results = [inTurn('a', work('a1', first.promise)), inTurn('a', work('a2', Promise.resolve()))];
  await inTurn('b', work('b1', Promise.resolve()));
  expect(log).toEqual(['a1 begins', 'b1 begins', 'b1 ends']);
  first.resolve();
  expect(await Promise.all(results)).toEqual(['a1', 'a2']);
  expect(log.slice(3)).toEqual(['a1 ends', 'a2 begins', 'a2 ends']);
});

test('a failure is its own work’s alone', async () => {
  const inTurn = createTurns();
  const failed = inTurn('a', async () => Promise.reject(new Error('no')));
  const next = inTurn('a', async () => 'done');
  await expect(failed).rejects.toThrow('no');
  expect(await next).toBe('done');
});
