// What later steps of a CI job read.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type CiFacts, annotateRun, writeCiFiles, writeFindings } from '../../src/cli/output/ci-files.ts';
import { auditFinding, diagnosisFindings } from '../../src/views/findings.ts';
import { finish } from '../../src/cli/release/finish.ts';
import type { Outcome } from '../../src/engine/release/outcome.ts';
import { parseTag } from '../../src/model/reference.ts';
import { withSession } from '../../src/cli/session/run-session.ts';
import { failureOf } from '../support/failure.ts';
import { FULL_RECORD, idOf } from '../support/records.ts';
import { captureIo } from '../support/io.ts';

const FACTS: CiFacts = {
  environment: 'prd',
  record: FULL_RECORD,
  commit: idOf('a'),
  changed: true,
  previous: undefined,
};
const [DJANGO, MARIADB] = FULL_RECORD.images;

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'tagflow-ci-'));
  onTestFinished(() => rm(made, { recursive: true }));
  return made;
}

async function write(env: Readonly<Record<string, string>>, facts: CiFacts): Promise<void> {
  const { io } = captureIo([], env);
  await withSession(io, { directory: '/', output: 'table', input: false, timeout: 60 }, async (session) => {
    await writeCiFiles(session.io, facts);
    return 0;
  });
}

test('a dotenv report: one image', async () => {
  const file = join(await folder(), 'tagflow.env');
  const record = { ...FULL_RECORD, images: [DJANGO!] };
  await write({ TAGFLOW_DOTENV: file }, { ...FACTS, record, previous: record });
  expect(await readFile(file, 'utf8')).toBe(`TAGFLOW_ENV=prd
TAGFLOW_VERSION=V4.0
TAGFLOW_DIGEST=${DJANGO?.digest}
TAGFLOW_COMMIT=${idOf('a')}
TAGFLOW_PREVIOUS=V4.0
TAGFLOW_CHANGED=true
`);
});

test('a dotenv report: a release that a pull request asks for', async () => {
  const file = join(await folder(), 'tagflow.env');
  const pullRequest = 'https://forge.example.org/acme/app/pull/7';
  await write({ TAGFLOW_DOTENV: file }, { ...FACTS, changed: false, pullRequest });
  expect(await readFile(file, 'utf8')).toMatch(
    /\nTAGFLOW_CHANGED=false\nTAGFLOW_PULL_REQUEST=https:\/\/forge\.example\.org\/acme\/app\/pull\/7\n$/,
  );
});

test('a dotenv report: several images, nothing changed; what stood there before is gone', async () => {
  const file = join(await folder(), 'tagflow.env');
  await writeFile(file, 'OLD=1\n');
  await write({ TAGFLOW_DOTENV: file }, { ...FACTS, changed: false });
  expect(await readFile(file, 'utf8')).toBe(`TAGFLOW_ENV=prd
TAGFLOW_VERSION=django=V4.0,mariadb=1.10
TAGFLOW_DIGEST=django=${DJANGO?.digest},mariadb=${MARIADB?.digest}
TAGFLOW_COMMIT=${idOf('a')}
TAGFLOW_PREVIOUS=
TAGFLOW_CHANGED=false
`);
});

describe('a dotenv report', () => {
  /** A release of that many images, with names of the longest kind. */
  function releaseOf(count: number): CiFacts['record'] {
    const images = Array.from({ length: count }, (_, index) => ({ ...DJANGO!, name: `${'a'.repeat(60)}${index}` }));
    return { ...FULL_RECORD, images };
  }

  test.each([1, 2, 30, 80, 1000])(
    'of %i images is below the 5 KiB that GitLab takes, and tells what it left out',
    async (count) => {
      const file = join(await folder(), 'tagflow.env');
      const record = releaseOf(count);
      await write({ TAGFLOW_DOTENV: file }, { ...FACTS, record, previous: record });
      const text = await readFile(file, 'utf8');
      expect(Buffer.byteLength(text)).toBeLessThan(5 * 1024);
      expect(text).toContain(`TAGFLOW_COMMIT=${idOf('a')}\n`);
      for (const name of ['TAGFLOW_VERSION', 'TAGFLOW_DIGEST', 'TAGFLOW_PREVIOUS']) {
        const isThere = new RegExp(`^${name}=`, 'm').test(text);
        expect(isThere || new RegExp(`^TAGFLOW_OMITTED=.*${name}`, 'm').test(text)).toBe(true);
      }
    },
  );

  test('can be sourced by a shell, whatever images and pull requests are called', async () => {
    const file = join(await folder(), 'tagflow.env');
    const names = ['a b', '$(touch hacked)', '`id`', "it's", 'x;y', 'x&y', 'ü'];
    const record = { ...FULL_RECORD, images: names.map((name) => ({ ...DJANGO!, name })) };
    await write({ TAGFLOW_DOTENV: file }, { ...FACTS, record, pullRequest: 'https://forge.example.org/a?b=1&c=2;id' });
    const { stdout, stderr } = await promisify(execFile)('sh', [
      '-euc',
      '. "$1"; printf %s "$TAGFLOW_VERSION"',
      'sh',
      file,
    ]);
    expect([stdout.split(',').length, stderr]).toEqual([names.length, '']);
    expect(decodeURIComponent(stdout)).toBe(names.map((name) => `${name}=V4.0`).join(','));
  });
});

test('GitHub’s files are added to: from which version to which, why, who, the gates and the job', async () => {
  const made = await folder();
  const [output, summary] = [join(made, 'output'), join(made, 'summary')];
  await writeFile(output, 'before=1\n');
  await writeFile(summary, '# Before\n');
  const previous = { ...FULL_RECORD, images: [{ ...DJANGO!, version: parseTag('V4.2') }] };
  await write({ GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary }, { ...FACTS, previous });
  expect(await readFile(output, 'utf8')).toMatch(/^before=1\nTAGFLOW_ENV=prd\n/);
  expect(await readFile(summary, 'utf8')).toBe(`# Before
| Environment | Image | Version | Digest | Commit | By |
|---|---|---|---|---|---|
| prd | django | V4.2 → V4.0 | ${DJANGO?.digest.slice(7, 19)} | aaaaaaa | ci #88 |
| prd | mariadb | 1.10 | ${MARIADB?.digest.slice(7, 19)} | aaaaaaa | ci #88 |

- **why** INC-412: checkout "500s" # again
- **who** ana
- **job** https://gitlab.example.org/shop/-/jobs/88
- **gates changed** by Ana &lt;ana@example.com> in ${idOf('8')}, 2026-03-13 09:00Z
- **gate downgrade** overridden: older on request: django V4.2 -> V4.0 (by ana: no)
- **gate soak** wait: 3 h of 24 h

`);
});

test('GitHub’s summary says what refused a release', async () => {
  const summary = join(await folder(), 'summary');
  const { io } = captureIo([], { GITHUB_STEP_SUMMARY: summary });
  const refusal = { code: 'held', text: { what: 'django V4.2 is held', why: 'a | b', fix: 'wait' } } as const;
  await withSession(io, { directory: '/', output: 'table', input: false, timeout: 60 }, (session) =>
    finish(session, { kind: 'refused', refusals: [refusal] } as unknown as Outcome),
  );
  expect(await readFile(summary, 'utf8')).toContain(String.raw`| held | django V4.2 is held | a \| b | wait |`);
});

test('nothing is written where no place is named', async () => {
  await expect(write({ TAGFLOW_DOTENV: '' }, FACTS)).resolves.toBeUndefined();
});

test('a place that cannot be written is reported, and that the release is done', async () => {
  const file = join(await folder(), 'absent', 'tagflow.env');
  const error = await failureOf(write({ TAGFLOW_DOTENV: file }, FACTS));
  expect(error).toMatchObject({ code: 'storage-failed' });
  expect(error.message).toContain('the release itself is done');
});

describe('what a check found', () => {
  const finding = {
    rule: 'content',
    environment: 'prd/shop',
    branch: 'prd',
    commit: idOf('b'),
    author: 'eve',
    time: 0,
    problem: 'a line %0A::error::x\nmore',
  } as const;

  test('is a code quality report of GitLab, with a fingerprint that stays', async () => {
    const file = join(await folder(), 'quality.json');
    const { io } = captureIo([], { TAGFLOW_CODE_QUALITY: file });
    const write = async (found: Parameters<typeof writeFindings>[1]) => {
      await writeFindings({ io, say: () => undefined }, found, 'Found by');
      return JSON.parse(await readFile(file, 'utf8')) as readonly { readonly fingerprint: string }[];
    };
    const first = await write([auditFinding(finding)]);
    expect(first).toEqual([
      {
        description: 'prd/shop: bbbbbbb on prd, by eve: a line %0A::error::x\\x0amore',
        check_name: 'tagflow-check-content',
        fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
        severity: 'major',
        location: { path: '.tagflow/releases/shop/prd.yaml', lines: { begin: 1 } },
      },
    ]);
    const again = await write([auditFinding({ ...finding, problem: 'in other words' })]);
    expect(again[0]?.fingerprint).toBe(first[0]?.fingerprint);
    const other = await write([auditFinding({ ...finding, commit: idOf('c') })]);
    expect(other[0]?.fingerprint).not.toBe(first[0]?.fingerprint);
    expect(await write([])).toEqual([]);
  });

  test('is an annotation of GitHub that nothing in it can leave', () => {
    const { io, stderr } = captureIo([], { GITHUB_ACTIONS: 'true' });
    annotateRun(io, [
      auditFinding(finding),
      ...diagnosisFindings([
        { severity: 'warning', check: 'tags', subject: 'prd', what: 'x', fix: 'y' },
        { severity: 'ok', check: 'tags', subject: 'prd', what: 'fine' },
      ]),
    ]);
    expect(stderr().trim().split('\n')).toEqual([
      '::error title=tagflow check-content::prd/shop: bbbbbbb on prd, by eve: a line %250A::error::x\\x0amore',
      '::warning title=tagflow doctor-tags::prd: x%0Afix: y',
    ]);
  });
});
