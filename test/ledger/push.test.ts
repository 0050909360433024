// Settling a push, against every order of answers a remote can give, with a clock that does not wait.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PushAttempt, type PushInFlight, pushBackoff, settlePush } from '../../src/ledger/push.ts';
import { TagflowError, isTagflowError } from '../../src/model/errors.ts';
import type { BranchName, ObjectId } from '../../src/model/object-id.ts';

const OLDER = 'd'.repeat(40) as ObjectId;
const OLD = 'a'.repeat(40) as ObjectId;
const OURS = 'b'.repeat(40) as ObjectId;
const THEIRS = 'c'.repeat(40) as ObjectId;
const DOWN = new TagflowError('remote-unavailable', { what: 'down' });
const STRANGER = new TagflowError('unauthorized', { what: 'who are you' });

const OPEN: PushAttempt = { kind: 'open', error: DOWN };
const REFUSED: PushAttempt = { kind: 'refused', reason: 'protected', final: false };
const LOCKED: PushAttempt = { ...REFUSED, lock: 'refs/heads/main.lock' };

/** Settles a push whose attempts and readings come from lists; the last of each repeats. */
async function settle(
  attempts: readonly PushAttempt[],
  heads: readonly (ObjectId | undefined | Error)[],
  more: {
    expected?: ObjectId | undefined;
    contains?: boolean;
    follows?: boolean;
    signal?: AbortSignal;
    /** How long each attempt takes. */
    sending?: number;
  } = {},
) {
  let now = 0;
  let sent = 0;
  let read = 0;
  let completed = 0;
  const push: PushInFlight = {
    branch: 'main' as BranchName,
    commit: OURS,
    expected: 'expected' in more ? more.expected : OLD,
    send: async () => {
      now += more.sending ?? 0;
      return attempts[Math.min(sent++, attempts.length - 1)]!;
    },
    complete: async () => {
      completed += 1;
    },
    head: async () => {
      const head = heads[Math.min(read++, heads.length - 1)];
      if (head instanceof Error) throw head;
      return head;
    },
    isIn: async () => more.contains === true,
    follows: async () => more.follows !== false,
  };
  const clock = {
    now: () => now,
    elapsed: () => now,
    sleep: async (milliseconds: number) => {
      now += milliseconds;
    },
  };
  const pacing = { clock, random: () => 0.5, settleMs: 10_000, hurriedMs: 1_000, signal: more.signal };
  try {
    const verdict = await settlePush(push, pacing);
    return { verdict, sent, completed, waited: now };
  } catch (error) {
    if (!isTagflowError(error)) throw error;
    const { code, message: what, why, details } = error;
    return { error: code, what, why, details, sent, completed, waited: now };
  }
}

describe('settling a push', () => {
  const BESIDE: PushAttempt = { kind: 'beside-moved' };

  it('tells at once that the branch beside it moved, where nothing was sent', async () => {
    expect(await settle([BESIDE], [OLD])).toMatchObject({ verdict: { outcome: 'beside-moved' }, sent: 1 });
  });

  it('does not give up what was sent once because the branch beside it moved: that may still land', async () => {
    expect(await settle([OPEN, BESIDE], [OLD, OLD, OURS])).toMatchObject({ verdict: { outcome: 'landed' } });
    expect(await settle([OPEN, BESIDE], [OLD])).toMatchObject({ error: 'push-outcome-unknown' });
  });

  it('takes a lock that stays for a remote that cannot, not for one that denies', async () => {
    expect(await settle([LOCKED], [OLD])).toMatchObject({
      error: 'remote-unavailable',
      what: expect.stringContaining('keeps main locked'),
      details: { branch: 'main', lock: 'refs/heads/main.lock' },
      sent: 5,
    });
    expect(await settle([LOCKED, LOCKED, LOCKED, { kind: 'accepted' }], [OLD])).toMatchObject({
      verdict: { outcome: 'landed' },
    });
  });

  it('knows that a lock kept the branch as it was, even when there is no time for all attempts', async () => {
    const result = await settle([LOCKED], [OLD], { signal: AbortSignal.abort() });
    expect(result).toMatchObject({ error: 'remote-unavailable', details: { lock: 'refs/heads/main.lock' }, sent: 3 });
  });

  it('has its time from the first answer on: a push that takes long is tried again anyway', async () => {
    const result = await settle([OPEN, { kind: 'accepted' }], [OLD], { sending: 60_000 });
    expect(result).toMatchObject({ verdict: { outcome: 'landed' }, sent: 2 });
  });

  it('gives up a remote that drowns two attempts in words, and reads from the branch their outcome', async () => {
    const flood: PushAttempt = { ...OPEN, isFlood: true };
    expect(await settle([flood], [OLD])).toMatchObject({ error: 'push-outcome-unknown', sent: 2 });
    expect(await settle([flood], [OLD, OURS])).toMatchObject({ verdict: { outcome: 'landed' }, sent: 2 });
  });

  it('believes a remote that accepted', async () => {
    expect(await settle([{ kind: 'accepted' }], [])).toMatchObject({ verdict: { outcome: 'landed' }, sent: 1 });
  });

  it.each<[string, PushAttempt]>([
    ['the answer is open', OPEN],
    ['the remote claims to have refused it', REFUSED],
    ['Git saw another head', { kind: 'stale' }],
  ])('has landed when the branch shows the commit, though %s', async (_, attempt) => {
    expect(await settle([attempt], [OURS])).toMatchObject({ verdict: { outcome: 'landed' }, sent: 1 });
    expect(await settle([attempt], [THEIRS], { contains: true })).toMatchObject({ verdict: { outcome: 'landed' } });
  });

  it.each([[THEIRS], [undefined]])('is lost when the branch shows something else: %s', async (head) => {
    // Of a branch that is gone there is nothing to ask.
    const follows = head !== undefined;
    expect(await settle([OPEN], [head], { follows })).toMatchObject({ verdict: { outcome: 'lost', head } });
  });

  it.each<[string, PushAttempt]>([
    ['the answer is open', OPEN],
    ['the remote claims to have refused it', REFUSED],
  ])('is not lost on the word of a replica from before the planned head, when %s', async (_, attempt) => {
    expect(await settle([attempt, { kind: 'stale' }], [OLDER, OURS], { follows: false })).toMatchObject({
      verdict: { outcome: 'landed' },
      sent: 2,
    });
    expect(await settle([attempt, { kind: 'stale' }], [OLDER], { follows: false })).toMatchObject({
      error: 'push-outcome-unknown',
      why: expect.stringContaining('main reads as ddddddd, from before aaaaaaa'),
    });
  });

  it('is lost to a branch that was rewound, as long as nothing was sent', async () => {
    expect(await settle([{ kind: 'stale' }], [OLDER], { follows: false })).toMatchObject({
      verdict: { outcome: 'lost', head: OLDER },
      sent: 1,
    });
  });

  it('sends the same commit again while the branch has not moved', async () => {
    const { verdict, sent } = await settle([OPEN, OPEN, { kind: 'accepted' }], [OLD]);
    expect({ verdict, sent }).toEqual({ verdict: { outcome: 'landed' }, sent: 3 });
  });

  it('is denied after several refusals of a branch that stays where it is', async () => {
    expect(await settle([REFUSED], [OLD])).toMatchObject({
      verdict: { outcome: 'denied', reason: 'protected' },
      sent: 3,
    });
  });

  it('is denied the creation of a branch as well', async () => {
    const result = await settle([REFUSED], [undefined], { expected: undefined });
    expect(result).toMatchObject({ verdict: { outcome: 'denied' } });
  });

  it('does not take a refusal for final on a single look', async () => {
    const result = await settle([REFUSED, { kind: 'accepted' }], [OLD]);
    expect(result).toMatchObject({ verdict: { outcome: 'landed' }, sent: 2 });
  });

  it('stays unknown when the remote is gone after an open answer', async () => {
    expect(await settle([OPEN], [DOWN])).toMatchObject({
      error: 'push-outcome-unknown',
      what: expect.stringContaining(OURS),
      details: { branch: 'main', commit: OURS },
    });
  });

  it.each<[string, PushAttempt, string]>([
    [
      'the reason of the last failure',
      { kind: 'open', error: new TagflowError('remote-unavailable', { what: 'it failed', why: 'a wire was cut' }) },
      'a wire was cut',
    ],
    ['the last failure, where it has no reason', OPEN, 'down'],
    ['that the remote said nothing, where nothing failed', { kind: 'stale' }, 'the remote did not answer'],
  ])('an unknown outcome tells %s', async (_, attempt, why) => {
    const result = await settle([REFUSED, attempt], [OLD]);
    expect(result).toMatchObject({ error: 'push-outcome-unknown', why: expect.stringContaining(why) });
  });

  it('stays unknown when credentials run out after an open answer', async () => {
    expect(await settle([OPEN, { kind: 'unreached', error: STRANGER }], [STRANGER])).toMatchObject({
      error: 'push-outcome-unknown',
    });
  });

  it('is unauthorized at once when nothing was sent', async () => {
    const result = await settle([{ kind: 'unreached', error: STRANGER }], [STRANGER]);
    expect(result).toMatchObject({ error: 'unauthorized', sent: 1 });
    // Git saw another head, and then the branch could not be read.
    expect(await settle([{ kind: 'stale' }], [STRANGER])).toMatchObject({ error: 'unauthorized', sent: 1 });
  });

  it('does not go on over a defect', async () => {
    await expect(settle([OPEN, { kind: 'accepted' }], [new TypeError('no such thing')])).rejects.toThrow(TypeError);
    const internal = new TagflowError('internal', { what: 'this cannot be' });
    expect(await settle([OPEN, { kind: 'accepted' }], [internal])).toMatchObject({ error: 'internal', sent: 1 });
  });

  it('is remote-unavailable when nothing was ever sent', async () => {
    expect(await settle([{ kind: 'unreached', error: DOWN }], [DOWN])).toMatchObject({ error: 'remote-unavailable' });
  });

  it('is remote-unavailable when reading and writing contradict each other to the end', async () => {
    expect(await settle([{ kind: 'stale' }], [OLD])).toMatchObject({
      error: 'remote-unavailable',
      what: 'main was not pushed',
    });
  });

  it('brings what was missing before it sends again, and gives up when nothing helps', async () => {
    const incomplete: PushAttempt = { kind: 'incomplete', error: DOWN };
    const result = await settle([incomplete, { kind: 'accepted' }], [OLD]);
    expect(result).toMatchObject({ verdict: { outcome: 'landed' }, completed: 1 });
    expect(await settle([incomplete], [OLD])).toMatchObject({ error: 'remote-unavailable', completed: 4 });
  });

  it('hurries once interrupted, and still settles', async () => {
    const signal = AbortSignal.abort();
    expect(await settle([OPEN, { kind: 'accepted' }], [OLD], { signal })).toMatchObject({
      verdict: { outcome: 'landed' },
    });
    const { error, waited } = await settle([OPEN], [DOWN], { signal });
    expect(error).toBe('push-outcome-unknown');
    expect(waited).toBeLessThanOrEqual(1_000);
  });

  it('ends in time, and never calls an unread outcome a verdict, whatever the remote does', async () => {
    const attempt = fc.constantFrom<PushAttempt>(
      OPEN,
      REFUSED,
      { kind: 'stale' },
      { kind: 'unreached', error: DOWN },
      { kind: 'unreached', error: STRANGER },
    );
    const lists = [
      fc.array(attempt, { minLength: 1, maxLength: 6 }),
      fc.array(fc.constantFrom(OLD, DOWN), { minLength: 1 }),
    ];
    await fc.assert(
      fc.asyncProperty(lists[0]!, lists[1]!, async (attempts, heads) => {
        const result = await settle(attempts as PushAttempt[], heads as ObjectId[]);
        expect(result.waited).toBeLessThanOrEqual(10_000);
        // The branch never moved, so neither `landed` nor `lost` can be true.
        expect(['landed', 'lost']).not.toContain(result.verdict?.outcome);
      }),
    );
  });

  it('waits longer each time, with jitter, and never more than 4.5 seconds', () => {
    expect(pushBackoff(0, () => 0)).toBe(50);
    expect(pushBackoff(0, () => 0.999)).toBeCloseTo(150, 0);
    expect(pushBackoff(1, () => 0.5)).toBe(300);
    expect(pushBackoff(50, () => 0.5)).toBe(3_000);
  });
});
