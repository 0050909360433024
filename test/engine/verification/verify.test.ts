// Verification in the engine: results in the journal, what follows on a failure, and what must never follow.
import { beforeEach, describe, expect, test } from 'vitest';
import { lift } from '../../../src/engine/journal/holds.ts';
import { listJournal } from '../../../src/engine/journal/list.ts';
import { lock } from '../../../src/engine/journal/locks.ts';
import { type Verified, verify } from '../../../src/engine/verification/verify.ts';
import type { BranchName } from '../../../src/model/object-id.ts';
import type { Answer, VerifyTarget } from '../../../src/verify/verify.ts';
import { type Bench, FIRST, createBench, withPorts } from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';
import { type ScriptedVerifier, createScriptedVerifier } from '../../support/verifier.ts';

const YES: Answer = { said: 'yes', seen: 'fine' };
const NO: Answer = { said: 'no', seen: 'it says V4.0' };
const NOTHING: Answer = { said: 'nothing', seen: 'nobody answers' };
const JOURNAL = 'tagflow-journal' as BranchName;

function settings(onFailure: string, more = ''): string {
  return `gates: { upstream: off }
    ${more}
    verify:
      timeout: 10s
      onFailure: ${onFailure}
      steps:
        - { name: version, http: 'http://127.0.0.1:1/version', expect: { contains: '{version:django}' } }
        - { name: smoke, command: [smoke.sh] }`;
}

describe('verification', () => {
  let bench: Bench;
  let answers: readonly Answer[];
  let verifier: ScriptedVerifier;
  let meanwhile: (() => Promise<unknown>) | undefined;

  function build(onFailure: string, more = ''): Bench {
    const made = createBench({ settings: { dev: settings(onFailure, more) } });
    answers = [YES];
    meanwhile = undefined;
    verifier = createScriptedVerifier(async () => {
      const [next, ...others] = answers;
      if (others.length > 0) answers = others;
      const work = meanwhile;
      meanwhile = undefined;
      await work?.();
      return next ?? YES;
    });
    return made;
  }
  const look = async (options: Partial<Parameters<typeof verify>[2]> = {}): Promise<Verified> =>
    verify(withPorts(bench.context(), { outside: { verifier } }), 'dev', { wait: true, ...options });
  const results = async (): Promise<readonly string[]> =>
    (await listJournal(bench.context(), 'dev', 50))
      .map(({ kind, result }) => [kind, result].filter(Boolean).join(' '))
      .toSorted();
  const versions = (): string =>
    bench
      .record('dev')
      .images.map(({ version }) => version)
      .join(' ');

  beforeEach(async () => {
    bench = build('rollback');
    await bench.released('dev', FIRST);
    await bench.released('dev', { django: 'V4.2' });
  });

  test('passes when every step does, and the journal has the result', async () => {
    expect(await look()).toMatchObject({ result: 'passed', isOld: false, followUp: undefined });
    expect(verifier.asked).toEqual(['version', 'smoke']);
    expect(await results()).toEqual(['verify passed']);
    expect(verifier.open$.count).toBe(0);
    expect(bench.steps.at(-1)).toMatchObject({ name: 'verified', release: 2, facts: { result: 'passed' } });
  });

  test('asks again until the answer is yes', async () => {
    answers = [NO, NOTHING, NO, YES];
    expect(await look()).toMatchObject({ result: 'passed' });
    expect(verifier.asked).toEqual(['version', 'version', 'version', 'version', 'smoke']);
  });

  test('a no until the end is a failure, and the release before is restored', async () => {
    answers = [NO];
    const found = await look();
    expect(found).toMatchObject({ result: 'failed', followUp: { kind: 'rollback', outcome: { kind: 'released' } } });
    expect(found.steps).toEqual([
      { name: 'version', result: 'failed', seen: 'it says V4.0' },
      { name: 'smoke', result: 'inconclusive', seen: 'not asked, as version did not pass' },
    ]);
    expect(versions()).toBe('V4.0 V10.6');
    expect(bench.record('dev')).toMatchObject({ action: 'rollback', sequence: 3, held: [{ release: 2 }] });
    expect(bench.record('dev').reason).toBe(
      `verification ${found.entry?.id} of release 2 failed: version: it says V4.0`,
    );
  });

  test('no answer at the end is not a failure: nothing is rolled back, and the next run asks again', async () => {
    answers = [NO, NOTHING];
    expect(await look()).toMatchObject({ result: 'inconclusive', followUp: undefined });
    expect(bench.record('dev').sequence).toBe(2);
    answers = [YES];
    expect(await look()).toMatchObject({ result: 'passed', isOld: false });
    expect(await results()).toEqual(['verify inconclusive', 'verify passed']);
  });

  test('one look without --wait writes down a pass and nothing else', async () => {
    answers = [NO];
    expect(await look({ wait: false })).toMatchObject({ result: 'inconclusive', entry: undefined });
    expect(bench.remote.branches.has(JOURNAL)).toBe(false);
    answers = [YES];
    expect(await look({ wait: false })).toMatchObject({ result: 'passed' });
  });

  test('a result that is there is not asked for again, unless --again', async () => {
    await look();
    verifier.asked.length = 0;
    expect(await look()).toMatchObject({ result: 'passed', isOld: true });
    expect(verifier.asked).toEqual([]);
    answers = [NO];
    expect(await look({ again: true })).toMatchObject({ result: 'failed', isOld: false });
  });

  test('never two rollbacks for one failure', async () => {
    answers = [NO];
    await look();
    const head = bench.head('dev');
    // The next run looks at the release that is there now: a rollback, which is never rolled back by itself.
    expect(await look()).toMatchObject({
      result: 'failed',
      followUp: { kind: 'none', why: 'the release is a rollback itself' },
    });
    expect(bench.head('dev')).toBe(head);
  });

  test('never a rollback of somebody’s newer release', async () => {
    answers = [NO];
    meanwhile = async () => bench.released('dev', { django: 'V4.3' });
    expect((await failureOf(look())).code).toBe('superseded');
    expect(versions()).toBe('V4.3 V10.6');
    expect(bench.remote.branches.has(JOURNAL)).toBe(false);
  });

  test('a release that arrives between the result and the rollback stays', async () => {
    answers = [NO];
    const context = withPorts(bench.context(), { outside: { verifier } });
    const push = context.ledger.push.bind(context.ledger);
    const ledger = Object.assign(context.ledger, {
      push: async (...move: Parameters<typeof push>) => {
        const verdict = await push(...move);
        if (move[0] === JOURNAL) await bench.released('dev', { django: 'V4.3' });
        return verdict;
      },
    });
    const found = await verify({ ...context, ledger }, 'dev', { wait: true });
    expect(found).toMatchObject({ result: 'failed', followUp: { kind: 'none' } });
    expect(versions()).toBe('V4.3 V10.6');
  });

  test('a rollback that loses the race is not repeated', async () => {
    answers = [NO];
    const context = withPorts(bench.context(), { outside: { verifier } });
    const push = context.ledger.push.bind(context.ledger);
    const ledger = Object.assign(context.ledger, {
      push: async (...move: Parameters<typeof push>) => {
        if (move[0] === 'dev') await bench.released('dev', { django: 'V4.3' });
        return push(...move);
      },
    });
    const found = await verify({ ...context, ledger }, 'dev', { wait: true });
    expect(found).toMatchObject({ result: 'failed', followUp: { kind: 'none', error: { code: 'superseded' } } });
    expect(versions()).toBe('V4.3 V10.6');
  });

  test('a run that died after the result is finished by the next one, without asking', async () => {
    answers = [NO];
    const context = withPorts(bench.context(), { outside: { verifier } });
    const push = context.ledger.push.bind(context.ledger);
    const ledger = Object.assign(context.ledger, {
      push: async (...move: Parameters<typeof push>) => {
        if (move[0] === 'dev') throw new Error('killed');
        return push(...move);
      },
    });
    await expect(verify({ ...context, ledger }, 'dev', { wait: true })).rejects.toThrow('killed');
    verifier.asked.length = 0;
    expect(await look()).toMatchObject({ isOld: true, followUp: { kind: 'rollback', outcome: { kind: 'released' } } });
    expect(verifier.asked).toEqual([]);
    expect(versions()).toBe('V4.0 V10.6');
  });

  test('a rollback whose tags a dead run did not put is finished by the next one', async () => {
    answers = [NO];
    const context = withPorts(bench.context(), { outside: { verifier } });
    const {
      registries: { registryOf },
    } = context;
    const dead = { ...registryOf(undefined as never), tag: async () => Promise.reject(new Error('killed')) };
    await expect(
      verify(withPorts(context, { registries: { registryOf: () => dead } }), 'dev', { wait: true }),
    ).rejects.toThrow('killed');
    expect(bench.record('dev').sequence).toBe(3);
    expect(bench.tagged('django', 'dev')).toBe('V4.2');
    await look();
    expect(bench.tagged('django', 'dev')).toBe('V4.0');
    expect(bench.record('dev').sequence).toBe(3);
  });

  test('lock --rollbacks stops the rollback, and the next run makes it when the lock is off', async () => {
    answers = [NO];
    const request = { words: ['dev'], rollbacks: true, reason: 'hands off' };
    await lock(bench.context(), { ...request, until: bench.clock.now() + 3_600_000 });
    expect(await look()).toMatchObject({ followUp: { kind: 'rollback', outcome: { kind: 'refused' } } });
    expect(bench.record('dev').sequence).toBe(2);
    bench.clock.advance(3_600_000);
    expect(await look()).toMatchObject({ followUp: { kind: 'rollback', outcome: { kind: 'released' } } });
  });

  test('never to a release that somebody put on hold', async () => {
    bench = build('rollback');
    await bench.released('dev', FIRST);
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('dev', { django: 'V4.3' });
    const { hold } = await import('../../../src/engine/journal/holds.ts');
    await hold(bench.context(), { image: 'django@V4.2', environments: ['dev'], until: undefined, reason: 'leaks' });
    answers = [NO];
    await look();
    expect(versions()).toBe('V4.0 V10.6');
  });

  test('the first release has nothing to go back to: the result stands, and the exit says so', async () => {
    bench = build('rollback');
    await bench.released('dev', FIRST);
    answers = [NO];
    expect(await look()).toMatchObject({
      result: 'failed',
      followUp: { kind: 'none', error: { code: 'release-not-found' } },
    });
  });

  test('a stop while a step is asked leaves branch, tags and journal as they were', async () => {
    const stop = new AbortController();
    answers = [NO];
    meanwhile = async () => stop.abort(bench.interruption());
    const head = bench.head('dev');
    const context = withPorts(bench.context({ signal: stop.signal }), { outside: { verifier } });
    expect((await failureOf(verify(context, 'dev', { wait: true }))).code).toBe('interrupted');
    expect(bench.head('dev')).toBe(head);
    expect(bench.remote.branches.has(JOURNAL)).toBe(false);
    expect(verifier.open$.count).toBe(0);
  });

  test('report writes the result down and does nothing else', async () => {
    bench = build('report');
    await bench.released('dev', FIRST);
    await bench.released('dev', { django: 'V4.2' });
    answers = [NO];
    expect(await look()).toMatchObject({ result: 'failed', followUp: { kind: 'none' } });
    expect(bench.record('dev').sequence).toBe(2);
    expect(await results()).toEqual(['verify failed']);
  });

  test('hold puts what the release changed on hold, and runs that come later do it once', async () => {
    bench = build('hold');
    await bench.released('dev', FIRST);
    await bench.released('dev', { django: 'V4.2' });
    answers = [NO];
    expect(await look()).toMatchObject({
      followUp: { kind: 'held', holds: [{ image: { name: 'django', version: 'V4.2' } }] },
    });
    await look();
    expect(await results()).toEqual(['hold', 'verify failed']);
    expect(bench.record('dev').sequence).toBe(2);
  });

  test('hold leaves alone what the release did not change, while a lock stops rollbacks as well', async () => {
    bench = build('hold');
    await bench.released('dev', FIRST);
    await bench.released('dev', { django: 'V4.2' });
    await lock(bench.context(), { words: ['dev'], rollbacks: true, until: undefined, reason: 'hands off' });
    answers = [NO];
    const { followUp } = await look();
    expect(followUp?.kind === 'held' && followUp.holds.map(({ image }) => image?.name)).toEqual(['django']);
  });

  test('a hold that somebody lifted is not put again', async () => {
    bench = build('hold');
    await bench.released('dev', FIRST);
    await bench.released('dev', { django: 'V4.2' });
    answers = [NO];
    await look();
    await lift(bench.context(), 'django@V4.2', ['dev'], 'it was the load balancer');
    expect(await look()).toMatchObject({ followUp: { kind: 'none' } });
    expect(await results()).toEqual(['hold', 'lift', 'verify failed']);
  });

  test('by pull request: the hold is in the journal at once, and the rollback waits to be merged', async () => {
    bench = build('rollback', 'pullRequest: true');
    const merged = async (versionsAsked: Readonly<Record<string, string>>): Promise<void> => {
      await bench.promote('dev', versionsAsked);
      await bench.forge.merge(bench.forge.pullRequests.at(-1)!.number);
    };
    await merged(FIRST);
    await merged({ django: 'V4.2' });
    answers = [NO];
    expect(await look()).toMatchObject({ followUp: { kind: 'rollback', outcome: { kind: 'proposed', isOld: false } } });
    expect(await results()).toEqual(['hold', 'verify failed']);
    expect(versions()).toBe('V4.2 V10.6');
    // The next run finds the same pull request.
    expect(await look()).toMatchObject({ followUp: { kind: 'rollback', outcome: { kind: 'proposed', isOld: true } } });
    expect(bench.forge.pullRequests.filter(({ state }) => state === 'open')).toHaveLength(1);
    await bench.forge.merge(bench.forge.pullRequests.at(-1)!.number);
    expect(versions()).toBe('V4.0 V10.6');
  });

  test('an environment without verify says how to get one', async () => {
    expect(
      await failureOf(verify(withPorts(bench.context(), { outside: { verifier } }), 'stg', { wait: true })),
    ).toMatchObject({
      code: 'usage',
      fix: 'write down what is to be looked at: see docs/how-to/verify-a-deploy.md',
    });
  });

  test('what is asked knows the release, and the programs of the trunk', async () => {
    const seen: VerifyTarget[] = [];
    const files: string[] = [];
    verifier = createScriptedVerifier(async (_, target) => {
      seen.push(target);
      for await (const { path } of target.files()) files.push(path);
      return YES;
    });
    await look();
    expect(seen[0]).toMatchObject({ environment: 'dev', release: { sequence: 2, commit: bench.head('dev') } });
    expect(files).toContain('tagflow.yaml');
  });

  test('with --config nothing is trusted', async () => {
    let distrust: string | undefined;
    verifier = createScriptedVerifier((_, target) => {
      distrust = target.distrust;
      return YES;
    });
    const text = new TextDecoder().decode(
      (
        await bench
          .context()
          .ledger.heads()
          .then(async ({ branches }) => {
            const { ledger } = bench.context();
            const main = branches.get('main' as BranchName)!;
            await ledger.fetch([main]);
            return ledger.readFiles(main, ['tagflow.yaml']);
          })
      ).get('tagflow.yaml'),
    );
    const config = { file: 'mine.yaml', text };
    await verify(withPorts(bench.context({ config }), { outside: { verifier } }), 'dev', { wait: true });
    expect(distrust).toBe('the configuration is a file of the caller, and not that of the trunk');
  });
});
