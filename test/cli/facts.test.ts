// What a run that is stopped knows of itself.
import { describe, expect, test } from 'vitest';
import { createFacts } from '../../src/cli/session/facts.ts';
import type { Ledger, PushVerdict } from '../../src/ledger/ledger.ts';
import { TagflowError } from '../../src/model/errors.ts';
import type { BranchName } from '../../src/model/object-id.ts';
import { idOf } from '../support/records.ts';

const COMMIT = idOf('c');
const DEV = 'dev' as BranchName;

const NOTHING = { fix: 'run the command again', details: { environment: 'dev', commit: null, landed: false } };
const LANDED = { fix: 'tagflow apply dev', details: { environment: 'dev', commit: COMMIT, landed: true } };
const UNKNOWN = {
  why: expect.stringMatching(/it is unknown whether it landed$/) as string,
  details: { environment: 'dev', commit: COMMIT, landed: null },
};

/** A ledger that can do nothing but push, and answers as it is reported. */
function pushing(answer: () => Promise<PushVerdict>): Ledger {
  return { push: answer } as unknown as Ledger;
}

function failing(code: 'push-outcome-unknown' | 'remote-unavailable'): () => Promise<PushVerdict> {
  return async () => {
    throw new TagflowError(code, { what: 'x' });
  };
}

describe('a run that makes a release', () => {
  test('has committed nothing before it pushes', () => {
    const facts = createFacts();
    facts.releases('dev');
    expect(facts.now(false)).toMatchObject({ ...NOTHING, why: 'no release of dev was committed' });
  });

  test.each<[string, () => Promise<PushVerdict>, object]>([
    ['landed', async () => ({ outcome: 'landed' }), LANDED],
    ['was lost to another', async () => ({ outcome: 'lost', head: idOf('d') }), NOTHING],
    ['was denied', async () => ({ outcome: 'denied', reason: 'no' }), NOTHING],
    ['never got there', failing('remote-unavailable'), NOTHING],
    ['was not answered', failing('push-outcome-unknown'), UNKNOWN],
  ])('knows that its push %s', async (_, answer, expected) => {
    const facts = createFacts();
    facts.releases('dev');
    await facts
      .watch(pushing(answer))
      .push(DEV, COMMIT, idOf('b'))
      .catch(() => undefined);
    expect(facts.now(false)).toMatchObject(expected);
  });

  test.each<[string, () => Promise<PushVerdict>, string]>([
    ['is', async () => ({ outcome: 'landed' }), 'is on'],
    ['may be', failing('push-outcome-unknown'), 'was on its way to'],
  ])(
    'that goes by a pull request knows that its branch %s there, and the environment as before',
    async (_, answer, how) => {
      const facts = createFacts();
      facts.releases('prd');
      const branch = 'tagflow/prd-2-0123456789ab' as BranchName;
      await facts
        .watch(pushing(answer))
        .push(branch, COMMIT, undefined)
        .catch(() => undefined);
      expect(facts.now(false)).toMatchObject({
        why: `commit ${COMMIT.slice(0, 7)} ${how} ${branch}; it is unknown whether a pull request asks for it; prd is as before`,
        fix: 'run the command again: it does what is left to do',
        details: { environment: 'prd', landed: false },
      });
    },
  );

  test('does not know the outcome of a push under way, and knows the last one best', async () => {
    const facts = createFacts();
    facts.releases('dev');
    const { promise, resolve } = Promise.withResolvers<PushVerdict>();
    const answers = [Promise.resolve<PushVerdict>({ outcome: 'lost', head: undefined }), promise];
    const ledger = facts.watch(pushing(async () => answers.shift()!));
    await ledger.push(DEV, idOf('a'), undefined);
    const second = ledger.push(DEV, COMMIT, undefined);
    expect(facts.now(false)).toMatchObject(UNKNOWN);
    resolve({ outcome: 'landed' });
    await second;
    expect(facts.now(false)).toMatchObject(LANDED);
  });
});

test.each([
  [false, /^nothing new was started; what was being written was finished$/],
  [true, /^what was being written may be done, or not$/],
])('a command that makes no release is just run again, broken off: %s', async (forced, why) => {
  const facts = createFacts();
  await facts.watch(pushing(async () => ({ outcome: 'landed' }))).push(DEV, COMMIT, undefined);
  expect(facts.now(forced)).toMatchObject({
    why: expect.stringMatching(why) as string,
    fix: expect.stringContaining('run the command again') as string,
    details: {},
  });
});
