// Approvals in whole promotions, where releases are signed. What keys are worth is shown with the real ssh-keygen.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { approve, unapprove } from '../../../src/engine/journal/approvals.ts';
import { lock, unlock } from '../../../src/engine/journal/locks.ts';
import { promote } from '../../../src/engine/release/promote.ts';
import type { Outcome, Refused } from '../../../src/engine/release/outcome.ts';
import { type Bench, FIRST, createBench, SIGNED, twoImages, withPorts } from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';
import { type SshKeys, createSshKeys } from '../../support/keys.ts';
import type { Signing } from '../../../src/signing/signing.ts';
import { describeReal } from '../../support/real.ts';
import { wordSigning } from '../../support/word-signing.ts';

const PEOPLE = ['bot', 'ana', 'bo', 'cy'];
const PRD = { kind: 'promote', environment: 'prd', versions: {} } as const;
/** The release bot promotes. */
const BOT = { as: { actor: 'bot' } };
const DAY = 86_400_000;
const OFF = 'gates: { upstream: off }';

function config(within: string): string {
  return twoImages(
    `
  dev: {}
  stg: { from: dev, ${OFF} }
  prd:
    from: stg
    signedBy: [bot@example.org, ana@example.org]
    journalBy: { approve: [ana@example.org, bo@example.org, bot@example.org], unlock: [ana@example.org] }
    gates:
      upstream: off
      approvals: { count: 2, by: [ana@example.org, bo@example.org, bot@example.org]${within} }
`,
    SIGNED,
  );
}

function refusalsOf(outcome: Outcome): readonly string[] {
  expect(outcome).toMatchObject({ kind: 'refused' });
  return (outcome as Refused).refusals.map(({ gate, decision }) => `${gate}: ${decision}`);
}

/** dev and stg have a first release; prd has none. */
async function benchWith(signing: Signing, signers: string, within = ''): Promise<Bench> {
  const bench = createBench({ config: config(within), files: { signers }, signing });
  await bench.released('dev', FIRST);
  await bench.released('stg');
  return bench;
}

describe('approvals of signed releases', () => {
  const mail = (name: string): string => `${name}@example.org`;
  let bench: Bench;

  const build = async (within = ''): Promise<Bench> =>
    benchWith(wordSigning(mail('bot')), PEOPLE.map(mail).join('\n'), within);
  const as = (name: string) => bench.context({ actor: name, signing: wordSigning(mail(name)) });

  beforeEach(async () => {
    bench = await build();
  });

  test('the person for whom a job releases does not count', async () => {
    await approve(as('ana'), PRD);
    await approve(as('bo'), PRD);
    const job = as('bot');
    const forAna = withPorts(job, { settings: { who: { ...job.settings.who, onBehalfOf: 'Ana@example.org' } } });
    expect(refusalsOf(await promote(forAna, PRD))).toEqual(['approvals: wait']);
    await bench.released('prd', {}, BOT);
  });

  test('an approval is of a plan that waits for it, and the plan is done exactly', async () => {
    const waiting = (await bench.promote('prd', {}, { ...BOT, run: { dryRun: true } })) as Refused;
    const plan = waiting.plan!;
    await approve(as('ana'), PRD, { plan });
    await approve(as('bo'), PRD, { plan });
    const other = { ...plan, sequence: 7 };
    expect((await failureOf(approve(as('ana'), PRD, { plan: other }))).code).toBe('plan-invalid');
    await bench.released('prd', {}, { ...BOT, run: { plan } });
    expect((await failureOf(approve(as('ana'), PRD, { plan }))).code).toBe('plan-stale');
  });

  test('somebody who was added to the approvers counts once those before approved a release', async () => {
    await approve(as('ana'), PRD);
    await approve(as('bo'), PRD);
    await bench.released('prd', {}, BOT);
    const text = bench.remote.file('main', 'tagflow.yaml') ?? '';
    bench.remote.commit('main', {
      'tagflow.yaml': text.replaceAll('bo@example.org, bot', 'bo@example.org, cy@example.org, bot'),
    });
    const next = async (django: string): Promise<void> => {
      await bench.released('dev', { django });
      await bench.released('stg');
      await approve(as('ana'), PRD);
      await approve(as('cy'), PRD);
    };
    await next('V4.2');
    expect(refusalsOf(await bench.promote('prd', {}, BOT))).toEqual(['approvals: wait']);
    await approve(as('bo'), PRD);
    await bench.released('prd', {}, BOT);
    await next('V4.3');
    await bench.released('prd', {}, BOT);
  });

  test('somebody who was added together with the environment’s new name does not count either', async () => {
    await approve(as('ana'), PRD);
    await approve(as('bo'), PRD);
    await bench.released('prd', {}, BOT);
    const text = bench.remote.file('main', 'tagflow.yaml') ?? '';
    bench.remote.commit('main', {
      'tagflow.yaml': text
        .replace('  prd:\n', '  live:\n    branch: prd\n    path: environments/prd\n')
        .replace('version: 1', 'version: 1\nrenamed: { environments: { prd: live } }')
        .replaceAll('bo@example.org, bot', 'bo@example.org, cy@example.org, bot'),
    });
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    await approve(as('ana'), { ...PRD, environment: 'live' });
    await approve(as('cy'), { ...PRD, environment: 'live' });
    expect(refusalsOf(await bench.promote('live', {}, BOT))).toEqual(['approvals: wait']);
  });

  test('two people let one release through: after a rollback they are asked again', async () => {
    for (const name of ['ana', 'bo']) await approve(as(name), PRD);
    await bench.released('prd', {}, BOT);
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    for (const name of ['ana', 'bo']) await approve(as(name), PRD);
    await bench.released('prd', {}, BOT);
    await bench.rollback('prd', { as: { actor: 'bot' }, reason: 'INC-1' });
    const again = { ...BOT, overrides: ['held'], reason: 'INC-2' };
    expect(refusalsOf(await bench.promote('prd', {}, again))).toEqual(['approvals: wait']);
    bench.clock.advance(1000);
    for (const name of ['ana', 'bo']) await approve(as(name), { ...PRD, ...again });
    await bench.released('prd', {}, again);
  });

  test('the one who releases does not count, and it is said who does not and who still may', async () => {
    await approve(as('ana'), PRD);
    await approve(as('bot'), PRD);
    const outcome = await bench.promote('prd', {}, BOT);
    expect(refusalsOf(outcome)).toEqual(['approvals: wait']);
    expect((outcome as Refused).refusals[0]?.text.why).toBe(
      'approved by ana@example.org; may still approve: bo@example.org; bot@example.org does not count: makes this release',
    );
  });

  test('where those who are left are too few, the way out is another releaser', async () => {
    const acting = { ...as('bot').settings.who, onBehalfOf: mail('ana') };
    const outcome = await promote({ ...as('bot'), settings: { ...as('bot').settings, who: acting } }, PRD);
    expect((outcome as Refused).refusals[0]?.text.fix).toContain('let somebody release who is not an approver');
  });

  test('somebody who may not approve is refused before anything is written', async () => {
    expect((await failureOf(approve(as('cy'), PRD))).code).toBe('signature-invalid');
  });

  test('another release needs approvals of its own', async () => {
    await approve(as('ana'), PRD);
    await approve(as('bo'), PRD);
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    expect(refusalsOf(await bench.promote('prd', {}, BOT))).toEqual(['approvals: wait']);
  });

  test('an approval that was taken back does not count', async () => {
    const { entry } = await approve(as('ana'), PRD);
    await approve(as('bo'), PRD);
    expect((await failureOf(unapprove(as('ana'), 'the one of Bo'))).why).toBe('an id is twelve hexadecimal digits');
    await unapprove(as('ana'), entry.id.toUpperCase());
    expect(refusalsOf(await bench.promote('prd', {}, BOT))).toEqual(['approvals: wait']);
  });

  test('an approval expires, whatever its own clock said', async () => {
    bench = await build(', within: 1d');
    await approve(as('bo'), PRD);
    const ahead = as('ana');
    await approve({ ...ahead, clock: { ...ahead.clock, now: () => ahead.clock.now() + 30 * DAY } }, PRD);
    expect(refusalsOf(await bench.promote('prd', {}, BOT))).toEqual(['approvals: wait']);
    await approve(ahead, PRD);
    bench.clock.advance(DAY);
    expect(refusalsOf(await bench.promote('prd', {}, BOT))).toEqual(['approvals: wait']);
  });

  test('a lock is taken off by those alone who may', async () => {
    await lock(as('ana'), { words: ['prd'], rollbacks: false, until: undefined, reason: 'INC-9' });
    expect((await failureOf(unlock(as('bot'), ['prd'], undefined))).code).toBe('signature-invalid');
    await unlock(as('ana'), ['prd'], undefined);
    expect(refusalsOf(await bench.promote('prd', {}, BOT))).toEqual(['approvals: wait']);
  });
});

describeReal('keys that approve', ['ssh-keygen'], () => {
  let keys: SshKeys;
  let bench: Bench;

  beforeAll(async () => {
    keys = await createSshKeys([...PEOPLE, 'ana2']);
  });
  afterAll(async () => keys.remove());

  const as = (name: string) => bench.context({ actor: name, signing: keys.signing(name) });

  beforeEach(async () => {
    // Ana has a second key.
    const second = `ana@example.org ${await keys.publicKey('ana2')}\n`;
    bench = await benchWith(keys.signing('bot'), (await keys.signersFile(PEOPLE)) + second);
  });

  test('two people let a release through, and the record says who', async () => {
    expect(refusalsOf(await bench.promote('prd', {}, BOT))).toEqual(['approvals: wait']);
    const first = await approve(as('ana'), PRD);
    expect(refusalsOf(await bench.promote('prd', {}, BOT))).toEqual(['approvals: wait']);
    const second = await approve(as('bo'), PRD);
    const { record } = await bench.released('prd', {}, BOT);
    expect(record.gates.find(({ gate }) => gate === 'approvals')?.reason).toBe(
      `approved by ana@example.org, bo@example.org (entries ${first.entry.id}, ${second.entry.id})`,
    );
  });

  test('one person counts once, with two keys as well', async () => {
    await approve(as('ana'), PRD);
    await approve(as('ana2'), PRD);
    expect(refusalsOf(await bench.promote('prd', {}, BOT))).toEqual(['approvals: wait']);
  });

  test('one person counts once, with two addresses of one key as well', async () => {
    const lines = bench.remote.file('main', 'signers') ?? '';
    bench.remote.commit('main', { signers: `${lines}bo@example.org ${await keys.publicKey('ana')}\n` });
    await approve(as('ana'), PRD);
    bench.clock.advance(1000);
    await approve(as('ana'), PRD);
    expect(refusalsOf(await bench.promote('prd', {}, BOT))).toEqual(['approvals: wait']);
  });

  test('one person counts once, with a key of her own and one that stands under two names', async () => {
    const lines = bench.remote.file('main', 'signers') ?? '';
    const text = bench.remote.file('main', 'tagflow.yaml') ?? '';
    bench.remote.commit('main', {
      signers: `${lines}bo@example.org ${await keys.publicKey('ana2')}\n`,
      'tagflow.yaml': text.replaceAll('ana@example.org, bo@example.org', 'bo@example.org, ana@example.org'),
    });
    await approve(as('ana'), PRD);
    await approve(as('ana2'), PRD);
    expect(refusalsOf(await bench.promote('prd', {}, BOT))).toEqual(['approvals: wait']);
  });

  test('the one who releases does not count, by another name of the same key', async () => {
    const lines = bench.remote.file('main', 'signers') ?? '';
    bench.remote.commit('main', { signers: `${lines}bo@example.org ${await keys.publicKey('bot')}\n` });
    await approve(as('ana'), PRD);
    await approve(as('bot'), PRD);
    expect(refusalsOf(await bench.promote('prd', {}, BOT))).toEqual(['approvals: wait']);
  });

  test('an approval by a key that is no longer valid does not count', async () => {
    const lines = (bench.remote.file('main', 'signers') ?? '').trimEnd().split('\n');
    const until = 'valid-before="20260103"';
    const limited = lines.map((line) => line.replace(/^(bo@example\.org) /, `$1 ${until} `));
    bench.remote.commit('main', { signers: `${limited.join('\n')}\n` });
    await approve(as('ana'), PRD);
    await approve(as('bo'), PRD);
    bench.clock.advance(7 * 86_400_000);
    expect(refusalsOf(await bench.promote('prd', {}, BOT))).toEqual(['approvals: wait']);
  });
});
