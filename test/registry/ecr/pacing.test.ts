// Case 45: Amazon ECR takes 10 PutImage a second from an account in a region. The adapter keeps to it, in a clock of its own,
// against an emulator that throttles by the same clock.
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { parseTag } from '../../../src/model/reference.ts';
import { createPacer } from '../../../src/registry/ecr/pacer.ts';
import { createInstantClock } from '../../support/clock.ts';
import { createEcrUnderTest, ecrRepository, startEcr } from '../../support/ecr.ts';
import { failureOf } from '../../support/failure.ts';
import { sampleSingle } from '../../support/sample-manifests.ts';

const pace = (options: { readonly signal?: AbortSignal } = {}) => {
  // Its time moves on when those who may start have done so.
  let now = 0;
  const sleeps: number[] = [];
  const clock = {
    now: () => now,
    elapsed: () => now,
    async sleep(milliseconds: number, signal?: AbortSignal) {
      signal?.throwIfAborted();
      sleeps.push(milliseconds);
      await wait(0);
      now += milliseconds;
    },
  };
  const notes: string[] = [];
  const onLongQueue = (waiting: number, seconds: number): void => void notes.push(`${waiting} in ${seconds} s`);
  const pacer = createPacer({ clock, perSecond: 10, onLongQueue, ...options });
  const starts: number[] = [];
  const call = async (): Promise<void> => {
    await pacer.take();
    starts.push(clock.now());
  };
  const advance = (milliseconds: number): void => void (now += milliseconds);
  return {
    advance,
    sleeps,
    notes,
    starts,
    call,
    calls: async (count: number) => Promise.all(Array.from({ length: count }, call)),
  };
};

/** The most starts within any second. */
function mostInASecond(starts: readonly number[]): number {
  return Math.max(...starts.map((from) => starts.filter((at) => at >= from && at < from + 1000).length));
}

describe('case 45: the pace', () => {
  it('lets ten calls start at once', async () => {
    const { calls, sleeps, starts } = pace();
    await calls(10);
    expect(starts).toEqual(Array.from({ length: 10 }, () => 0));
    expect(sleeps).toEqual([]);
  });

  it.each([11, 40, 205])('has never more than ten of %i calls in a second, and wastes none', async (count) => {
    const { calls, starts } = pace();
    await calls(count);
    expect(starts).toHaveLength(count);
    expect(mostInASecond(starts)).toBe(10);
    expect(starts.at(-1)).toBeLessThanOrEqual((count / 10) * 1100);
  });

  it('is kept by calls one after the other too', async () => {
    const { call, starts } = pace();
    for (let at = 0; at < 25; at += 1) await call();
    expect(mostInASecond(starts)).toBe(10);
  });

  it('does not slow down calls that come slowly by themselves', async () => {
    const { advance, call, sleeps } = pace();
    for (let at = 0; at < 30; at += 1) {
      await call();
      advance(200);
    }
    expect(sleeps).toEqual([]);
  });

  it('is silent about a wait of moments', async () => {
    const { calls, notes } = pace();
    await calls(35);
    expect(notes).toEqual([]);
  });

  it('tells how long a long queue takes, once, and again only when it has doubled', async () => {
    const { calls, notes } = pace();
    await Promise.all([calls(60), calls(200)]);
    expect(notes).toEqual(['250 in 25 s']);
    await calls(60);
    expect(notes).toEqual(['250 in 25 s', '60 in 6 s']);
  });

  it('lets nobody wait in a run that was told to stop', async () => {
    const controller = new AbortController();
    const { calls, call, starts } = pace({ signal: controller.signal });
    await calls(10);
    controller.abort();
    expect(await failureOf(call())).toMatchObject({ code: 'interrupted' });
    expect(await failureOf(call())).toMatchObject({ code: 'interrupted' });
    expect(starts).toHaveLength(10);
  });
});

describe('case 45: many tags', () => {
  const image = sampleSingle();
  const names = Array.from({ length: 45 }, (_, at) => parseTag(`prd-${at + 1}`));
  const tagAll = async (putImagePerSecond?: number) => {
    const clock = createInstantClock();
    const server = await startEcr({ clock });
    server.publish('acme/app', image, 'V1.0');
    const options = { clock, ...(putImagePerSecond !== undefined && { putImagePerSecond }) };
    const { registry } = createEcrUnderTest(server.url, options);
    for (const name of names) await registry.tag(ecrRepository(), image.digest, name);
    await server.stop();
    expect(Object.keys(server.tags('acme/app'))).toHaveLength(46);
    return server.operations.filter((operation) => operation === 'PutImage').length;
  };

  it('are put without one being throttled', async () => {
    expect(await tagAll()).toBe(45);
  });

  it('are put anyway when the quota is lower than it was thought to be', async () => {
    expect(await tagAll(1000)).toBeGreaterThan(45);
  });

  it('at once: all are put, and a person learns how long it takes', async () => {
    const server = await startEcr();
    server.publish('acme/app', image, 'V1.0');
    const instant = createInstantClock();
    const many = Array.from({ length: 120 }, (_, at) => parseTag(`prd-${at + 1}`));
    // Time stands still until everybody has read the tag and waits for a turn to write it.
    const everybodyWaits = async (): Promise<void> => {
      while (server.operations.filter((operation) => operation === 'BatchGetImage').length <= many.length)
        await wait(5);
      await wait(100);
    };
    let waiting: Promise<void> | undefined;
    const clock = {
      ...instant,
      async sleep(milliseconds: number) {
        await (waiting ??= everybodyWaits());
        await instant.sleep(milliseconds);
      },
    };
    // Longer than an operation may take, were its turn not waited for on top.
    const options = { clock, concurrency: 200, operationTimeoutMs: 5000 };
    const { registry, notices } = createEcrUnderTest(server.url, options);
    await registry.resolve(ecrRepository(), image.digest);
    await Promise.all(many.map(async (name) => registry.tag(ecrRepository(), image.digest, name)));
    await server.stop();
    expect(Object.keys(server.tags('acme/app'))).toHaveLength(121);
    expect(notices[0]?.text).toBe('Amazon ECR in eu-west-1 accepts 10 tags per second: 100 are waiting, about 10 s');
  });
});
