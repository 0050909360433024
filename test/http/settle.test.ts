// Writing until the outcome is known, over every order of lost answers.
import { expect, test } from 'vitest';
import { TagflowError } from '../../src/model/errors.ts';
import { TransportFailure } from '../../src/http/transport.ts';
import { writeUntilKnown } from '../../src/http/settle.ts';

const WHERE = 'registry.example/app:prd';
const LOST = new TransportFailure(true, { what: 'no answer', why: 'the connection was closed' });
const HOPELESS = new TransportFailure(false, { what: 'no such host' });
const REFUSED = new TagflowError('forbidden', { what: 'not you' });

/** Writes; tries and readings end as the lists say, the last of each again and again. */
async function write(tries: readonly (string | Error)[], readings: readonly (string | Error)[], most = 6) {
  const waits: number[] = [];
  const attempts: number[] = [];
  let reads = 0;
  const take = (list: readonly (string | Error)[], index: number): string => {
    const next = list[Math.min(index, list.length - 1)] ?? '';
    if (next instanceof Error) throw next;
    return next;
  };
  const outcome = await writeUntilKnown<string, string>({
    where: WHERE,
    put: async (attempt) => {
      attempts.push(attempt);
      const answer = take(tries, attempt - 1);
      return answer === 'contended' ? LOST : answer;
    },
    read: async () => take(readings, (reads += 1) - 1),
    outcomeOf: (state) => (state === 'new' ? 'landed' : undefined),
    wait: async (attempt, last) => {
      waits.push(attempt);
      if (attempt >= most) throw last;
    },
  }).catch((error: unknown) => error);
  return { outcome, attempts: attempts.length, waits, reads };
}

test.each([
  ['an answer is trusted', ['written'], [], { outcome: 'written', attempts: 1, waits: [], reads: 0 }],
  ['a lost answer is read', [LOST], ['new'], { outcome: 'landed', attempts: 1, waits: [], reads: 1 }],
  [
    'what did not take effect is written again',
    [LOST, 'written'],
    ['old'],
    { outcome: 'written', attempts: 2, waits: [1] },
  ],
  [
    'what landed late is not written a third time',
    [LOST],
    ['old', 'new'],
    { outcome: 'landed', attempts: 2, waits: [1] },
  ],
  ['a race is tried again without a look', ['contended', 'written'], [], { outcome: 'written', attempts: 2, reads: 0 }],
  ['who never gets through is reported the last failure', [LOST], ['old'], { outcome: LOST, attempts: 6, reads: 6 }],
  ['a refusal is final', [REFUSED], ['new'], { outcome: REFUSED, attempts: 1, waits: [], reads: 0 }],
  ['what cannot get better is final', [HOPELESS], ['new'], { outcome: HOPELESS, attempts: 1, reads: 0 }],
  ['a refusal to read is reported', [LOST], [REFUSED], { outcome: REFUSED, attempts: 1, waits: [] }],
])('%s', async (_, tries, readings, expected) => {
  expect(await write(tries, readings)).toMatchObject(expected);
});

test('what can be neither written nor read is not guessed, nor tried again', async () => {
  const { outcome, attempts } = await write([LOST], [HOPELESS]);
  expect(attempts).toBe(1);
  expect(outcome).toMatchObject({
    code: 'registry-unavailable',
    transient: false,
    message: 'no answer',
    why: `the connection was closed; it is unknown whether ${WHERE} was written`,
    cause: HOPELESS,
  });
});
