// What people and clocks get wrong about gates and the journal, through the real command line: a clear error or verdict each,
// branch and tags as before.
import { describe, expect, it } from 'vitest';
import { type ExpectedFailure, succeeded } from '../support/cli.ts';
import { sampled } from '../support/real.ts';
import { type TestPipeline, changesNothing, describeReleased } from '../support/pipeline.ts';

const { fork } = describeReleased();
const DAY = 86_400_000;

/** Sets the gates of stg on the trunk. */
async function gates(pipeline: TestPipeline, policy: string): Promise<void> {
  const config = (await pipeline.repository.file('main', 'tagflow.yaml')) ?? '';
  const at = config.indexOf('gates:', config.indexOf('  stg:'));
  const changed = `${config.slice(0, at)}gates: ${policy}${config.slice(config.indexOf('\n', at))}`;
  await pipeline.repository.commit('main', { 'tagflow.yaml': changed }, { message: 'gates\n' });
}

/** The environment of a process whose clock is off. */
function off(milliseconds: number): { readonly env: Readonly<Record<string, string>> } {
  const code = `const now=Date.now;Date.now=()=>now()+${milliseconds}`;
  return { env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` } };
}

/** Two local dates, that many days from now: a freeze from the one to the other holds, or does not. */
function local(days: number): string {
  return new Date(Date.now() + days * DAY).toISOString().slice(0, 16);
}

interface Case {
  readonly name: string;
  readonly policy: string;
  readonly failure: ExpectedFailure;
}

const POLICIES: readonly Case[] = [
  {
    name: 'a zone that does not exist',
    policy: "{ windows: [{ days: [mon], hours: '09:00-16:00', zone: Europe/Berlni }] }",
    failure: { code: 'config-invalid', why: /Europe\/Berlni/ },
  },
  {
    name: 'a window without days',
    policy: "{ windows: [{ days: [], hours: '09:00-16:00', zone: UTC }] }",
    failure: { code: 'config-invalid', why: /days/ },
  },
  {
    name: 'hours that no day has',
    policy: "{ windows: [{ days: [mon], hours: '25:00-26:00', zone: UTC }] }",
    failure: { code: 'config-invalid', why: /hours/ },
  },
  {
    name: 'no window at all',
    policy: '{ windows: [] }',
    failure: { code: 'config-invalid', why: /windows/ },
  },
  {
    name: 'a cron expression that never fires',
    policy: "{ freezes: [{ cron: '0 0 31 2 *', duration: 1h, zone: UTC }] }",
    failure: { code: 'config-invalid', why: /never/ },
  },
  {
    name: 'a cron expression with seconds',
    policy: "{ freezes: [{ cron: '0 0 18 * * fri', duration: 1h, zone: UTC }] }",
    failure: { code: 'config-invalid', why: /cron/ },
  },
  {
    name: 'a day that no calendar has',
    policy: "{ freezes: [{ from: '2026-02-30T00:00', until: '2026-03-01T00:00', zone: UTC }] }",
    failure: { code: 'config-invalid', why: /2026-02-30/ },
  },
  {
    name: 'a freeze that ends before it begins',
    policy: "{ freezes: [{ from: '2026-03-02T00:00', until: '2026-03-01T00:00', zone: UTC }] }",
    failure: { code: 'config-invalid', why: /until/ },
  },
  {
    name: 'approvals of more people than are named',
    policy: '{ approvals: { count: 2, by: [ana@example.com, Ana@Example.com] } }',
    failure: { code: 'config-invalid', why: /approvals/ },
  },
  {
    name: 'freezes that follow one another without end',
    policy: "{ upstream: off, freezes: [{ cron: '0 * * * *', duration: 1h, zone: UTC }] }",
    failure: { code: 'freezes', exit: 3, what: /no end is known/ },
  },
  {
    name: 'freezes that overlap: the last end counts',
    policy: `{ upstream: off, freezes: [{ from: '${local(-1)}', until: '${local(1)}', zone: UTC }, { from: '${local(0.5)}', until: '${local(5)}', zone: UTC }] }`,
    failure: { code: 'freezes', exit: 3, what: new RegExp(local(5)) },
  },
];

describe.concurrent('gates that are written down wrongly', () => {
  it.each(sampled(POLICIES, 3))('$name', async ({ policy, failure }) => {
    const pipeline = await fork();
    await gates(pipeline, policy);
    const result = await changesNothing(pipeline, async () => pipeline.tagflow(['promote', 'stg']));
    expect(result).toFail(failure);
  });
});

describe.concurrent('a clock that is wrong', () => {
  it.each([
    ['behind by a year: what dev runs came in the future, and counts from now', -365 * DAY, 3],
    ['ahead by two days: without signatures the clock of the one who promotes is trusted', 2 * DAY, 0],
  ])('%s', async (_, skew, exit) => {
    const pipeline = await fork();
    await gates(pipeline, '{ upstream: off, soak: 24h }');
    const args = ['promote', 'stg', '--dry-run'];
    const result = await changesNothing(pipeline, async () => pipeline.tagflow(args, off(skew)));
    expect(result.exit).toBe(exit);
    expect(result.stderr).toMatch(exit === 0 ? /^/ : /has for 0 s/);
  });

  it('a lock until a time that is over is refused', async () => {
    const pipeline = await fork();
    const args = ['lock', 'stg', '--until', local(-1) + 'Z', '--reason', 'INC-1'];
    const result = await changesNothing(pipeline, async () => pipeline.tagflow(args));
    expect(result).toFail({ code: 'usage', what: /is in the past/ });
  });
});

describe('the journal', () => {
  it('hold in some environments keeps it from those alone', async () => {
    const pipeline = await fork();
    succeeded(await pipeline.tagflow(['hold', 'django@V4.2', 'prd', '--reason', 'CVE']));
    succeeded(await pipeline.tagflow(['promote', 'stg']));
    const result = await changesNothing(pipeline, async () => pipeline.tagflow(['promote', 'prd']));
    expect(result).toFail({ code: 'held', exit: 3, why: /CVE/ });
  });

  it('that was removed lets nothing through', async () => {
    const pipeline = await fork();
    succeeded(await pipeline.tagflow(['lock', 'prd', '--reason', 'INC-1']));
    succeeded(await pipeline.tagflow(['promote', 'stg']));
    await pipeline.repository.git(['update-ref', '-d', 'refs/heads/tagflow-journal']);
    const result = await changesNothing(pipeline, async () => pipeline.tagflow(['promote', 'stg', 'django=V3.2']));
    expect(result).toFail({ code: 'gate-unknown', exit: 3, why: /lost entries/ });
  });

  it('that was rewound lets nothing through', async () => {
    const pipeline = await fork();
    succeeded(await pipeline.tagflow(['lock', 'prd', '--reason', 'INC-1']));
    succeeded(await pipeline.tagflow(['lock', 'prd', '--reason', 'INC-2']));
    succeeded(await pipeline.tagflow(['promote', 'stg']));
    await pipeline.repository.git(['update-ref', 'refs/heads/tagflow-journal', 'tagflow-journal~1']);
    const result = await changesNothing(pipeline, async () => pipeline.tagflow(['promote', 'stg', 'django=V3.2']));
    expect(result).toFail({ code: 'gate-unknown', exit: 3, why: /is gone or changed/ });
  });

  const ID = '0123456789ab';
  const PATH = `lock/stg/_/2026-11/20261101T000000000Z-${ID}.yaml`;
  it.each([
    ['a huge entry', PATH, `schema: 1\nkind: lock\nreason: ${'x'.repeat(200_000)}\n`],
    ['an entry that is not YAML', PATH, '{'],
    ['an entry with hostile text', PATH, 'schema: 1\nkind: lock\nactor: "\\e[2Jx"\n'],
    ['an entry with aliases without end', PATH, `a: &a [x]\n${'b: [*a, *a]\n'.repeat(500)}`],
    ['an entry that was moved from another environment', PATH, entryOf('prd')],
  ])('with %s is unknown, which is not a pass', async (_, path, text) => {
    const pipeline = await fork();
    succeeded(await pipeline.tagflow(['lock', 'prd', '--reason', 'INC-1']));
    await pipeline.repository.commit('tagflow-journal', { [path]: text }, { message: 'by hand\n' });
    const result = await changesNothing(pipeline, async () => pipeline.tagflow(['promote', 'stg']));
    expect(result).toFail({ code: 'gate-unknown', exit: 3, why: /not a valid entry/ });
    expect(result.stderr).not.toContain('\u001B[2J');
    const checked = await pipeline.tagflow(['check', 'stg', '--no-registry']);
    expect(checked.exit).toBe(3);
    expect(checked.stdout).toContain('journal');
  });

  function entryOf(environment: string): string {
    return `schema: 1\nkind: lock\nid: ${ID}\nenvironment: ${environment}\ntime: 2026-11-01T00:00:00.000Z\nactor: eve\nreason: x\n`;
  }

  it('with a foreign file continues, and check names the commits', async () => {
    const pipeline = await fork();
    succeeded(await pipeline.tagflow(['lock', 'prd', '--reason', 'INC-1']));
    await pipeline.repository.commit('tagflow-journal', { 'README.md': 'hello\n' }, { message: 'by hand\n' });
    succeeded(await pipeline.tagflow(['promote', 'stg']));
    const checked = await pipeline.tagflow(['check', 'stg', '--no-registry']);
    expect(checked.exit).toBe(3);
    expect(checked.stdout).toMatch(/README\.md is not a path of an entry/);
  });

  it('an entry that was edited by hand is named by check', async () => {
    const pipeline = await fork();
    succeeded(await pipeline.tagflow(['lock', 'prd', '--reason', 'INC-1']));
    const { repository } = pipeline;
    const [path = ''] = (await repository.git(['ls-tree', '-r', '--name-only', 'tagflow-journal'])).split('\n');
    const text = (await repository.file('tagflow-journal', path)) ?? '';
    await repository.commit('tagflow-journal', { [path]: text.replace('INC-1', 'INC-2') }, { message: 'by hand\n' });
    const checked = await pipeline.tagflow(['check', 'stg', '--no-registry']);
    expect(checked.exit).toBe(3);
    expect(checked.stdout).toContain(`it changes ${path}`);
  });
});

describe('a deploy freeze of GitLab', () => {
  it('stops a promotion where freezes are written down, and no rollback', async () => {
    const pipeline = await fork();
    succeeded(await pipeline.tagflow(['promote', 'stg']));
    await gates(
      pipeline,
      "{ upstream: off, freezes: [{ from: '2020-01-01T00:00', until: '2020-01-02T00:00', zone: UTC }] }",
    );
    const frozen = { env: { CI_DEPLOY_FREEZE: 'true' } };
    const result = await changesNothing(pipeline, async () =>
      pipeline.tagflow(['promote', 'stg', 'mariadb=V10.11'], frozen),
    );
    expect(result).toFail({ code: 'freezes', exit: 3, what: /CI_DEPLOY_FREEZE/ });
    succeeded(await pipeline.tagflow(['rollback', 'stg'], frozen));
  });
});
