// A developer who may push to dev alone, or who runs a server, and wants to stop everybody. Every command ends within 5 s of
// processor time and 256 MB, its children's time included, says what it did not read, and serves the other environments.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, MAIN, runCli, succeeded } from '../support/cli.ts';
import { HOSTILE } from '../support/hostile-content.ts';
import { type Meter, createMeter } from '../support/measured.ts';
import { type TestPipeline, describeReleased, releaseOf } from '../support/pipeline.ts';
import { describeReal, describeSlow, sampled } from '../support/real.ts';

/** Run from its source, the program has Node's stripper of types and its own text in memory as well. */
const STRIPPER = MAIN.endsWith('.ts') ? 48 : 0;
const MOST = { seconds: 5, megabytes: 256 + STRIPPER } as const;
const { fork } = describeReleased();

let meter: Meter;
beforeAll(async () => {
  meter = await createMeter(MOST);
});

/** Runs within the bounds, and asserts that they were kept. */
async function bounded(
  pipeline: TestPipeline,
  args: readonly string[],
  megabytes: number = MOST.megabytes,
): Promise<CliResult> {
  const { result, cost } = await meter.run(async (options) => pipeline.tagflow(args, options));
  const isKept = cost.seconds < MOST.seconds && cost.megabytes < megabytes;
  expect(isKept ? '' : `${args.join(' ')}: ${cost.seconds} s, ${cost.megabytes} MB\n${result.stderr}`).toBe('');
  expect(result.stderr).not.toContain('internal');
  return result;
}

describeReal('what somebody puts on dev', ['git', 'sh'], () => {
  // Each takes ten seconds.
  describe.each(sampled(HOSTILE, 20))('$name', ({ plant, megabytes }) => {
    let pipeline: TestPipeline;
    beforeAll(async () => {
      pipeline = await fork();
      await plant(pipeline);
    }, 120_000);

    it('leaves prd as it is', { timeout: 120_000 }, async () => {
      expect(succeeded(await bounded(pipeline, ['status'], megabytes))).toMatch(/^prd +django +V4\.0 .*✓.*✓/m);
      for (const command of ['history', 'check', 'apply'])
        succeeded(await bounded(pipeline, [command, 'prd'], megabytes));
    });

    it('is answered for within bounds', { timeout: 120_000 }, async () => {
      for (const args of [['history'], ['check'], ['apply', '--all'], ['promote', 'stg', '--dry-run']]) {
        expect([0, 2, 3, 7]).toContain((await bounded(pipeline, args, megabytes)).exit);
      }
      for (const args of [
        ['promote', 'dev', 'django=V4.2', '--dry-run'],
        ['rollback', 'dev', '--dry-run'],
      ]) {
        expect([0, 2, 3, 4, 7]).toContain((await bounded(pipeline, args, megabytes)).exit);
      }
    });
  });
});

/** The commands that the corpus above does not run on every content. */
const OTHERS: readonly (readonly string[])[] = [
  ['show', 'dev'],
  ['show', 'dev', '--at', '0s'],
  ['diff', 'dev', 'prd'],
  ['where', 'django@V4.2'],
  ['doctor'],
  ['metrics'],
  ['journal'],
  ['history', '--found', '--limit', '50'],
  ['status', '--gates'],
  ['init', '--import', '--dry-run'],
  ['report', 'page'],
  ['audit', 'export', 'evidence'],
  ['lock', 'prd', '--reason', 'x'],
  ['hold', 'django@V4.2', '--reason', 'x'],
];

describeSlow('what somebody puts on dev, and every other command', ['git', 'sh'], () => {
  // Each content meets two of the commands, and each command two contents at least.
  const pairs = HOSTILE.map(({ name, plant, megabytes }, index) => ({
    name,
    plant,
    megabytes,
    commands: [0, 7].map((step) => OTHERS[(index * 3 + step) % OTHERS.length] ?? []),
  }));
  it.each(pairs)('$name', { timeout: 240_000 }, async ({ plant, megabytes, commands }) => {
    const pipeline = await fork();
    await plant(pipeline);
    for (const args of commands) {
      const { exit } = await bounded(pipeline, args, megabytes);
      expect([0, 2, 3, 4, 5, 7, 11]).toContain(exit);
    }
  });

  it('leaves no command out', () => {
    expect(new Set(pairs.flatMap(({ commands }) => commands)).size).toBe(OTHERS.length);
  });
});

describeReal('what somebody puts on the trunk', ['git', 'sh'], () => {
  it('a tagflow.yaml of 60 MB is refused by its size, and not read', { timeout: 60_000 }, async () => {
    const pipeline = await fork();
    const text = await pipeline.repository.git(['show', 'main:tagflow.yaml']);
    await pipeline.repository.commit('main', { 'tagflow.yaml': `${text}# ${'x'.repeat(60e6)}\n` });
    const result = await bounded(pipeline, ['promote', 'stg', '--dry-run']);
    expect(result).toFail({ code: 'config-invalid', why: /larger than 256 KiB/ });
  });
});

describeReal('a server that talks without end', ['git', 'sh', 'head', 'fold'], () => {
  const FLOOD = 'head -c 20000000 /dev/zero | tr "\\0" "x" | fold -w 200 >&2';

  it('does not make a defect of a push that it accepted', async () => {
    const pipeline = await fork();
    await pipeline.repository.hook('post-receive', FLOOD);
    succeeded(await bounded(pipeline, ['promote', 'stg']));
    expect((await releaseOf(pipeline, 'stg')).sequence).toBe(2);
  });

  it('is quoted in its first and last words when it refuses', async () => {
    const pipeline = await fork();
    await pipeline.repository.hook('pre-receive', `echo "first word" >&2; ${FLOOD}; exit 1`);
    const result = await bounded(pipeline, ['promote', 'stg']);
    expect(result).toFail({ code: 'push-denied', why: /first word/ });
    expect(result.stderr.length).toBeLessThan(5_000);
  });

  it('is left when its output is larger than the limit, and the branch shows the outcome of the push', async () => {
    const endless = 'head -c 600000000 /dev/zero | tr "\\0" "x" | fold -w 200 >&2';
    const accepting = await fork();
    await accepting.repository.hook('post-receive', endless);
    succeeded(await bounded(accepting, ['promote', 'stg']));
    const refusing = await fork();
    await refusing.repository.hook('pre-receive', `echo "first word" >&2; ${endless}; exit 1`);
    const result = await bounded(refusing, ['promote', 'stg']);
    expect(result).toFail({ code: 'push-outcome-unknown', why: /more than 32 MB, and begins: first word/ });
    expect((await releaseOf(refusing, 'stg')).sequence).toBe(1);
  });

  it('is left when its list of branches does not end', async () => {
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' });
      const packet = (text: string): string => (Buffer.byteLength(text) + 4).toString(16).padStart(4, '0') + text;
      const id = 'a'.repeat(40);
      response.write(
        `${packet('# service=git-upload-pack\n')}0000${packet(`${id} HEAD\0symref=HEAD:refs/heads/main\n`)}`,
      );
      const goOn = (from: number): void => {
        const lines = Array.from({ length: 2000 }, (__, index) =>
          packet(`${id} refs/heads/${'x'.repeat(150)}${from + index}\n`),
        );
        if (response.destroyed) return;
        if (response.write(lines.join(''))) setImmediate(goOn, from + 2000);
        else response.once('drain', () => goOn(from + 2000));
      };
      goOn(0);
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a/b.git`;
    try {
      for (const args of [['status'], ['apply', '--all'], ['promote', 'stg']]) {
        const { result, cost } = await meter.run(async (options) =>
          runCli(['--repo', url, ...args], { ...options, env: { ...options.env, TAGFLOW_MAX_LISTING_MB: '8' } }),
        );
        expect(result).toFail({ code: 'remote-unavailable', why: /longer than 8 MB/, fix: /TAGFLOW_MAX_LISTING_MB/ });
        expect(cost.seconds).toBeLessThan(MOST.seconds);
        expect(cost.megabytes).toBeLessThan(MOST.megabytes);
      }
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
