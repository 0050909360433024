// Failures: one form, one table of exit codes, and no text that steers a terminal.
import { describe, expect, test } from 'vitest';
import { finish } from '../../src/cli/release/finish.ts';
import { FORMATS, type GlobalOptions } from '../../src/cli/arguments/globals.ts';
import { printFailures, renderFailure } from '../../src/cli/output/failure.ts';
import { failureOf } from '../../src/views/failure.ts';
import { withSession } from '../../src/cli/session/run-session.ts';
import { ERRORS, EXIT, type ErrorCode, TagflowError } from '../../src/model/errors.ts';
import { DJANGO, FIRST, createBench } from '../support/engine.ts';
import { captureIo } from '../support/io.ts';

const HOSTILE = 'a\u001b[31mb\u0007c\u009b2Jd\u202ee\u2066f';
const RAW = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

function options(output: GlobalOptions['output'] = 'table'): GlobalOptions {
  return { directory: '/', output, input: false, timeout: 60 };
}

test('the exit codes are those of the reference', () => {
  expect(EXIT).toEqual({
    ok: 0,
    defect: 1,
    usage: 2,
    refused: 3,
    notFound: 4,
    superseded: 5,
    denied: 6,
    unavailable: 7,
    incomplete: 8,
    verification: 9,
    difference: 10,
    unwell: 11,
    interrupted: 130,
    terminated: 143,
  });
});

test.each<[number, readonly ErrorCode[]]>([
  [1, ['internal']],
  [
    2,
    [
      'usage',
      'config-missing',
      'config-invalid',
      'version-invalid',
      'plan-invalid',
      'manifest-invalid',
      'pin-not-found',
    ],
  ],
  [3, ['downgrade', 'held', 'divergence', 'record-invalid', 'branch-rewound', 'tag-immutable', 'release-tag-taken']],
  [
    4,
    [
      'environment-not-found',
      'image-not-found',
      'version-not-found',
      'digest-not-found',
      'branch-not-found',
      'release-not-found',
    ],
  ],
  [5, ['superseded', 'race-lost', 'plan-stale', 'tag-moved']],
  [6, ['unauthorized', 'forbidden', 'push-denied']],
  [7, ['registry-unavailable', 'remote-unavailable', 'push-outcome-unknown']],
  [8, ['tags-incomplete']],
  [130, ['interrupted']],
])('exit %i', (exit, codes) => {
  expect(codes.filter((code) => new TagflowError(code, { what: 'x' }).exit !== exit)).toEqual([]);
});

test('a retry is promised where it can help alone', () => {
  const codes = Object.entries(ERRORS).flatMap(([code, { retryable }]) => (retryable ? [code] : []));
  const exits = new Set(codes.map((code) => ERRORS[code as ErrorCode].exit));
  // 3: gates that wait. 9: a verification that no server answered.
  expect([...exits].sort((a, b) => a - b)).toEqual([3, 5, 7, 8, 9, 130]);
  // The same file stays stale, however often it is tried.
  expect(codes).not.toContain('plan-stale');
});

describe('the form', () => {
  const error = new TagflowError('downgrade', {
    what: 'prd would go back',
    why: 'v4.2 reached prd\nfrom pipeline 8812',
    fix: 'promote stg first',
    details: { images: [] },
  });

  test('what, why, fix, where to read on, and the exit code', () => {
    const { io, stderr, stdout } = captureIo([]);
    expect(renderFailure(io, options(), error)).toBe(3);
    expect(stderr()).toBe(`✗ refused: prd would go back
  why   v4.2 reached prd
        from pipeline 8812
  fix   promote stg first
  docs  docs/errors/downgrade.md                                    exit 3
`);
    expect(stdout()).toBe('');
  });

  test('as JSON on stdout', () => {
    const { io, stderr, stdout } = captureIo([]);
    renderFailure(io, options('json'), error);
    expect(JSON.parse(stdout())).toEqual({
      schemaVersion: 1,
      error: {
        code: 'downgrade',
        exit: 3,
        retryable: false,
        what: 'prd would go back',
        why: error.why,
        fix: error.fix,
        details: { images: [] },
      },
    });
    expect(stderr()).toBe('');
  });

  test('several refusals, as JSON, are all there', () => {
    const { io, stdout } = captureIo([]);
    printFailures(io, options('json'), [failureOf(error), failureOf(new TagflowError('held', { what: 'h' }))]);
    const { error: first, errors } = JSON.parse(stdout()) as { error: object; errors: object[] };
    expect(errors).toHaveLength(2);
    expect(errors[0]).toEqual(first);
  });

  test('in a workflow of GitHub a failure is an annotation of one line, whatever its text', () => {
    const { io, stdout, stderr } = captureIo([], { GITHUB_ACTIONS: 'true' });
    const hostile = new TagflowError('held', { what: '100 %\n::set-output name=a::b', fix: 'wait' });
    printFailures(io, options('json'), [failureOf(hostile)]);
    expect(stderr()).toMatch(/^::error title=tagflow held::100 %25[^\n]*%0Afix: wait\n$/);
    expect(() => JSON.parse(stdout())).not.toThrow();
  });

  test('an interruption ends with the code of its signal', () => {
    expect(failureOf(new TagflowError('interrupted', { what: 'x', details: { exit: 143 } })).exit).toBe(143);
  });

  test('anything else that is thrown is a defect, told with its stack', () => {
    const { io, stderr } = captureIo([]);
    expect(renderFailure(io, options(), new TypeError('boom'))).toBe(1);
    expect(stderr()).toContain('a defect in tagflow: boom');
    expect(stderr()).toContain('TypeError: boom');
  });

  test('with -v the causes are reported', () => {
    const { io, stderr } = captureIo([]);
    const cause = new Error('ECONNRESET');
    renderFailure(io, { ...options(), verbose: true }, new TagflowError('remote-unavailable', { what: 'x', cause }));
    expect(stderr()).toContain('ECONNRESET');
  });
});

describe('text from outside cannot steer a terminal', () => {
  test.each(FORMATS)('in a failure, -o %s', (output) => {
    const { io, stderr, stdout } = captureIo([]);
    const cause = new Error(HOSTILE);
    const error = new TagflowError('divergence', {
      what: HOSTILE,
      why: HOSTILE,
      fix: HOSTILE,
      details: { x: HOSTILE },
      cause,
    });
    renderFailure(io, { ...options(output), verbose: true }, error);
    expect(stdout() + stderr()).not.toMatch(RAW);
  });

  test('JSON says what the text was', () => {
    const { io, stdout } = captureIo([]);
    renderFailure(io, options('json'), new TagflowError('divergence', { what: HOSTILE }));
    expect(JSON.parse(stdout())).toMatchObject({ error: { what: HOSTILE } });
  });

  // Only measurements are written as OpenMetrics.
  const documents = FORMATS.filter((format) => format !== 'openmetrics');

  test.each(documents)('in a plan, -o %s', async (output) => {
    const bench = createBench();
    const planned = await bench.promote('dev', FIRST, { run: { dryRun: true } });
    if (planned.kind !== 'planned') throw new Error('a plan');
    const { io, stdout, stderr } = captureIo([]);
    const plan = {
      ...planned.plan,
      configurationChanges: [HOSTILE],
      fields: planned.plan.fields.map((field) => ({ ...field, path: HOSTILE })),
    };
    await withSession(io, options(output), async (session) => finish(session, { kind: 'planned', plan }));
    expect(stdout() + stderr()).not.toMatch(RAW);
    expect(stdout()).not.toBe('');
  });

  test.each(documents)('in a release, -o %s', async (output) => {
    const bench = createBench();
    const released = await bench.released('dev', FIRST);
    const { io, stdout, stderr } = captureIo([]);
    const plan = { ...released.plan, configurationChanges: [HOSTILE] };
    const exit = await withSession(io, options(output), async (session) => finish(session, { ...released, plan }));
    expect(exit).toBe(0);
    expect(stdout() + stderr()).not.toMatch(RAW);
    expect(stdout()).toContain(bench.head('dev').slice(0, 7));
  });
});

describe('how a promotion ends', () => {
  test('tags that are not verified: exit 8, and what to type', async () => {
    const bench = createBench();
    bench.registry.arm({ kind: 'before' }, 1, ({ method }) => method === 'tag');
    const released = await bench.released('dev', FIRST);
    const { io, stdout, stderr } = captureIo([]);
    const exit = await withSession(io, options(), async (session) => finish(session, released));
    expect(exit).toBe(8);
    expect(stdout()).toContain('committed');
    expect(stderr()).toContain('tagflow apply dev');
  });

  /** A release of which the per-release tag of django could not be put. */
  async function half() {
    const bench = createBench();
    bench.registry.arm({ kind: 'before' }, 1, ({ method, repository }) => method === 'tag' && repository === DJANGO);
    return bench.released('dev', FIRST);
  }

  test.each([
    ['released', async () => half()],
    [
      'unchanged',
      async () => {
        const { record, commit, tags } = await half();
        return { kind: 'unchanged', environment: 'dev', head: commit, record, tags } as const;
      },
    ],
  ])('tags that are not verified are reported for each image: %s', async (_, outcome) => {
    const { io, stdout } = captureIo([]);
    const exit = await withSession(io, options(), async (session) => finish(session, await outcome()));
    expect(exit).toBe(8);
    expect(stdout()).toMatch(
      /not every tag is verified:\nIMAGE +TAG +DIGEST +STATE\ndjango +dev-1 +[0-9a-f]{12} +failed\ndjango +dev +[0-9a-f]{12} +not tried\nmariadb +dev-1 +[0-9a-f]{12} +moved\nmariadb +dev +[0-9a-f]{12} +moved\n/,
    );
    expect(stdout()).not.toContain('✓ tagged');
  });

  test.each(FORMATS)('a file of CI that cannot be written hides nothing, -o %s', async (output) => {
    const { io, stdout, stderr } = captureIo([], { TAGFLOW_DOTENV: '/dev/null/dotenv' });
    const outcome = await half();
    const exit = await withSession(io, options(output), async (session) => finish(session, outcome));
    expect(exit).toBe(8);
    expect(stderr()).toContain('cannot write /dev/null/dotenv; the release itself is done');
    const told = `${stdout()}${stderr()}`;
    // Data tells of the tags itself, and is one document.
    expect(told).toMatch(output === 'json' ? /^\{\n[^]*\n\}\n✗ unavailable/ : /not verified\n[^]*exit 8[^]*exit 7/);
  });

  test('a file of CI that cannot be written after a whole release is exit 7', async () => {
    const { io } = captureIo([], { GITHUB_OUTPUT: '/dev/null/output' });
    const released = await createBench().released('dev', FIRST);
    expect(await withSession(io, options(), async (session) => finish(session, released))).toBe(7);
  });

  test.each([
    [{ django: 'V4.2' }, 'django V4.2 is now held from dev'],
    [{ django: 'V4.2', mariadb: 'V10.11' }, 'django V4.2, mariadb V10.11 are now held from dev'],
  ])('what a rollback holds: %j', async (versions, told) => {
    const bench = createBench();
    await bench.released('dev', FIRST);
    await bench.released('dev', versions);
    const { io, stdout } = captureIo([]);
    const outcome = await bench.rollback('dev');
    await withSession(io, options(), async (session) => finish(session, outcome));
    expect(stdout()).toContain(told);
  });

  test('as JSON there is one document, with the failed tag in it', async () => {
    const bench = createBench();
    bench.registry.arm({ kind: 'before' }, 1, ({ method }) => method === 'tag');
    const released = await bench.released('dev', FIRST);
    const { io, stdout } = captureIo([]);
    const exit = await withSession(io, options('json'), async (session) => finish(session, released));
    expect(exit).toBe(8);
    expect(JSON.parse(stdout())).toMatchObject({
      schemaVersion: 1,
      outcome: 'released',
      tags: expect.arrayContaining([expect.objectContaining({ status: 'failed' })]),
    });
  });

  /** Pull requests 1 and 2 of prd's first release: the second closed the first. */
  async function asked() {
    const bench = createBench({ settings: { prd: 'pullRequest: true' } });
    await bench.released('dev', FIRST);
    await bench.released('stg');
    await bench.promote('prd');
    return bench.promote('prd', { django: 'V4.2' });
  }

  test('a release that a pull request asks for: exit 0, and where to merge it', async () => {
    const { io, stdout, stderr } = captureIo([]);
    const outcome = await asked();
    expect(await withSession(io, options(), async (session) => finish(session, outcome))).toBe(0);
    expect(stdout()).toMatch(
      /✓ opened: pull request 2 onto prd, from tagflow\/prd-1-[0-9a-f]{12} at [0-9a-f]{7}\n {2}https:\/\/forge\.example\.org\/acme\/app\/pull\/2\n {2}closed pull request 1, which it replaces\n/,
    );
    expect(stderr()).toContain('next: merge pull request 2, then: tagflow apply prd');
  });

  test('a release that a pull request asks for, as JSON', async () => {
    const { io, stdout } = captureIo([]);
    const outcome = await asked();
    await withSession(io, options('json'), async (session) => finish(session, outcome));
    expect(JSON.parse(stdout())).toMatchObject({
      outcome: 'proposed',
      environment: 'prd',
      release: 1,
      pullRequest: { number: 2, url: 'https://forge.example.org/acme/app/pull/2', opened: true },
      closed: [{ number: 1, url: 'https://forge.example.org/acme/app/pull/1' }],
    });
  });

  test('a refusal: exit 3', async () => {
    const bench = createBench();
    await bench.released('dev', FIRST);
    const refused = await bench.promote('dev', { django: 'V3.2' });
    const { io, stderr } = captureIo([]);
    expect(await withSession(io, options(), async (session) => finish(session, refused))).toBe(3);
    expect(stderr()).toContain('✗ refused: dev would go back: django V4.0 -> V3.2');
  });

  test('the same again: exit 0, and the repaired tags are named', async () => {
    const bench = createBench();
    await bench.released('dev', FIRST);
    const { io, stdout } = captureIo([]);
    expect(await withSession(io, options(), async (session) => finish(session, await bench.promote('dev')))).toBe(0);
    expect(stdout()).toBe('✓ dev has django V4.0, mariadb V10.6 already (release 1)\n');
  });
});
