// What a person and a log get of the command line, by the options that promise it: filters of the past, CSV, plans of rollbacks,
// the newest version, and the log as a stream of events.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CLI_ENVIRONMENT } from '../support/cli.ts';
import { run } from '../support/io.ts';
import { type TestPipeline, describeReleased } from '../support/pipeline.ts';

const { original, fork } = describeReleased();
/** One that tests change, each in an environment of its own. */
let changed: TestPipeline;
beforeAll(async () => {
  changed = await fork();
});

/** Runs a command line in this process, in the folder of a pipeline. */
async function ran(
  { folder, env }: TestPipeline,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
) {
  const ended = await run(args, { ...CLI_ENVIRONMENT, ...env, ...more }, folder);
  expect(ended).toMatchObject({ exit: 0 });
  return ended;
}

const lines = async (...args: readonly string[]): Promise<readonly string[]> =>
  (await ran(original(), args)).stdout.trim().split('\n');

describe('the past', () => {
  it('is listed with what each release changed', async () => {
    expect((await lines('history', 'dev'))[1]).toMatch(/django V4\.0 → V4\.2/);
  });

  it('is filtered by who released', async () => {
    expect((await lines('history', 'dev', '--by', 'ana')).length).toBeGreaterThan(1);
    expect(await lines('history', 'dev', '--by', 'nobody')).toEqual(['no release']);
  });

  it('is filtered by when: until a day, the day included', async () => {
    const [, row = ''] = await lines('history', 'dev', '-o', 'csv');
    const day = /\d{4}-\d\d-\d\d/.exec(row)?.[0] ?? '';
    expect((await lines('history', 'dev', '--until', day)).length).toBeGreaterThan(1);
    expect(await lines('history', 'dev', '--until', '2001-01-01')).toEqual(['no release']);
  });

  it('is written as CSV, a release a row', async () => {
    const [head = '', ...rows] = await lines('history', 'dev', '-o', 'csv');
    expect(head).toBe('release,environment,since,until,action,changed,images,actor,on_behalf_of,signer,commit,reason');
    expect(rows.map((row) => row.split(',')[0])).toEqual(['2', '1']);
  });

  it('of what runs is written as CSV with exact values in every row', async () => {
    const [head, ...rows] = await lines('status', '-o', 'csv');
    expect(head).toBe('environment,release,image,version,digest,since,actor,branch,registry,live,live_found');
    expect(rows[1]).toMatch(/^dev,2,mariadb,V10\.6,sha256:[0-9a-f]{64},\d{4}-\d\d-\d\dT[\d:]+Z,[^,]+,right,right,,$/);
    const [headThen, first] = await lines('status', '--at', '2001-01-01', '-o', 'csv');
    expect([headThen, first]).toEqual(['environment,release,image,version,digest,since,actor', 'dev,,,,,,']);
  });

  it('says of an image where it is, who brought it there, and why', async () => {
    const [head = '', ...rows] = await lines('where', 'django@V4.2');
    expect(head).toMatch(/ENV .* BY +WHY/);
    expect(rows.some((row) => /^dev .*ana/.test(row))).toBe(true);
  });

  it('of an image where it is is written as CSV with exact values', async () => {
    const [head, row] = await lines('where', 'django@V4.2', '-o', 'csv');
    expect(head).toBe(
      'environment,image,version,digest,from,until,first_release,last_release,actor,on_behalf_of,reason',
    );
    expect(row).toMatch(/^dev,django,V4\.2,sha256:[0-9a-f]{64},\d{4}-\d\d-\d\dT[\d:]+Z,,2,2,ana,/);
  });

  it('is shown as it was', async () => {
    expect((await lines('status', '--at', '2001-01-01')).join('\n')).not.toContain('V4.');
    expect((await lines('status', '--at', '0s')).join('\n')).toContain('V4.2');
  });
});

describe('versions', () => {
  it('are listed newest first, with where each runs', async () => {
    const [, ...rows] = await lines('versions', 'django');
    const named = rows.map((row) => row.split(/\s+/)[0]);
    expect(named).toEqual(named.toSorted((a = '', b = '') => b.localeCompare(a, 'en', { numeric: true })));
    expect(rows.find((row) => row.startsWith('V4.2'))).toMatch(/dev/);
  });

  it('have a newest one, which a promotion takes by that word', async () => {
    const [newest] = (await lines('versions', 'mariadb'))[1]!.split(/\s+/);
    const plan = JSON.parse((await lines('promote', 'dev', 'mariadb=newest', '--dry-run', '-o', 'json')).join('\n'));
    expect(plan.plan.images.find((image: { name: string }) => image.name === 'mariadb').version).toBe(newest);
  });
});

describe('a rollback', () => {
  it('is planned in one run, and done in another one exactly so', async () => {
    const reason = ['--reason', 'INC-7'];
    const asked = await ran(changed, ['rollback', 'dev', ...reason, '--plan-out', 'plan.json']);
    // Without -v no step is said.
    expect(asked.stderr).not.toMatch(/gate/);
    expect(await readFile(join(changed.folder, 'plan.json'), 'utf8')).toContain('V4.0');
    expect((await ran(changed, ['rollback', 'dev', '--plan', 'plan.json'])).stdout).toMatch(/V4\.2 → V4\.0/);
    const [, row] = (await ran(changed, ['history', 'dev'])).stdout.split('\n');
    expect(row).toMatch(/rollback to #1.*INC-7/);
  });
});

describe('the log', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/reference/log.md'), 'utf8');

  it('is one object a line, with the steps and facts that its page documents, and the version of the form', async () => {
    const { stderr } = await ran(changed, ['promote', 'stg', 'django=V4.2'], { TAGFLOW_LOG: 'json' });
    const entries = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const steps = new Set(entries.map(({ step }) => step));
    for (const step of ['planned', 'gate', 'committed', 'tagged', 'applied']) expect(steps).toContain(step);
    const first = ['schemaVersion', 'time', 'step', 'environment', 'application', 'release', 'durationMs', 'message'];
    for (const entry of entries) {
      expect(Object.keys(entry).slice(0, first.length)).toEqual(first);
      expect(entry['schemaVersion']).toBe(1);
      expect(page).toMatch(new RegExp(`^\\|.*\`${String(entry['step'])}\`.*\\|$`, 'm'));
      for (const fact of Object.keys(entry).slice(first.length)) expect(page).toContain(`\`${fact}\``);
    }
  });

  it('says the same steps to people with -v', async () => {
    expect((await ran(changed, ['promote', 'prd', 'django=V4.2', '-v'])).stderr).toMatch(/gate.*\n[^]*committed/);
  });
});
