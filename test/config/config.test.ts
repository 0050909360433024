import { beforeEach, describe, expect, it } from 'vitest';
import { CONFIG_FILE, parseConfig } from '../../src/config/config.ts';
import type { Problem } from '../../src/config/problems.ts';
import type { TagflowError } from '../../src/model/errors.ts';
import { DEFAULT_POLICY } from '../../src/model/gate-policy.ts';
import type { Pipeline } from '../../src/model/pipeline.ts';
import { cpuTime } from '../support/cpu.ts';
import { refusal } from '../support/failure.ts';
import { SHORT, WHOLE, WRONG } from './examples.ts';

/** The error that a configuration is refused with. */
function refused(text: string): TagflowError {
  const error = refusal(() => parseConfig(text));
  expect(error.code).toBe('config-invalid');
  return error;
}

function problemsOf(text: string): readonly Problem[] {
  return refused(text).details['problems'] as readonly Problem[];
}

const lines = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('\n');

describe('a configuration that is right', () => {
  let pipeline: Pipeline;
  beforeEach(() => {
    pipeline = parseConfig(WHOLE);
  });

  it('gives its trunk, hosts and limits', () => {
    expect(pipeline).toMatchObject({ trunk: 'main', maxFileBytes: 512 * 1024 });
    expect([...pipeline.plainHttpHosts]).toEqual(['registry.internal:5000']);
  });

  it('gives its images with parsed repositories', () => {
    expect([...pipeline.images.keys()]).toEqual(['django', 'mariadb', 'reports']);
    expect(pipeline.images.get('django')).toEqual({
      name: 'django',
      repository: {
        kind: 'remote',
        name: 'registry.example.com/acme/django',
        host: 'registry.example.com',
        path: 'acme/django',
      },
      versions: { kind: 'semver' },
      environments: undefined,
      tags: true,
      pin: undefined,
      names: ['django-image', 'acme/django'],
    });
    expect(pipeline.images.get('reports')).toMatchObject({
      repository: { kind: 'layout', directory: './registry/reports' },
      versions: { kind: 'pattern', order: 'numeric', pattern: /^main-(?<order>\d{14})-[0-9a-f]{7}$/u },
    });
  });

  it('gives an environment with all it says', () => {
    expect(pipeline.environments.get('prd')).toEqual({
      environment: 'prd',
      application: undefined,
      images: pipeline.images,
      releaseTag: 'prd',
      tags: true,
      carries: 'tree',
      gates: DEFAULT_POLICY,
      journalBy: new Map(),
      carry: [],
      confirm: false,
      name: 'prd',
      from: 'stg',
      branch: 'prd',
      tag: 'prd',
      scope: { folders: ['environments/prd'], files: [] },
      repositories: new Map([
        [
          'django',
          {
            kind: 'remote',
            name: 'registry.example.com/production/django',
            host: 'registry.example.com',
            path: 'production/django',
          },
        ],
      ]),
      keep: ['environments/prd/secrets/**'],
      pin: 'version+digest',
      pins: [{ image: 'django', file: 'image-tags/production/app', path: ['app', 'containers', 0, 'image.tag'] }],
      retain: 50,
      pullRequest: false,
      hotfix: 'upstream-first',
      signing: {
        method: 'ssh',
        signedBy: ['release-bot@example.com'],
        signedAfter: '49469f1ed6c0cdd1159dec22b013d3c1e42f617c',
      },
    });
  });

  it.each([
    ['ssh', '.tagflow/allowed_signers'],
    ['gpg', '.tagflow/signers.asc'],
  ])('asks for signatures only where it says so: %s, of those in %s', (method, signers) => {
    const signed = parseConfig(`${SHORT}signing: ${method}\n`);
    expect(signed.signing).toEqual({ method, signers, revoked: undefined });
    expect(signed.environments.get('dev')?.signing).toEqual({ method, signedBy: [], signedAfter: undefined });
    expect(parseConfig(SHORT)).not.toHaveProperty('signing');
    expect(parseConfig(SHORT).environments.get('dev')).not.toHaveProperty('signing');
  });

  it('reads fingerprints as people write them', () => {
    const fingerprint = '0123 4567 89ab cdef 0123  4567 89ab cdef 0123 4567';
    const { environments } = parseConfig(
      `${SHORT.replace('dev:', `dev: { signedBy: ['${fingerprint}'] }`)}signing: gpg\n`,
    );
    expect(environments.get('dev')?.signing?.signedBy).toEqual(['0123456789ABCDEF0123456789ABCDEF01234567']);
  });

  it('fills in defaults from the name of an environment', () => {
    const pipeline = parseConfig(SHORT);
    expect(pipeline.environments.get('dev')).toEqual({
      environment: 'dev',
      application: undefined,
      images: pipeline.images,
      releaseTag: 'dev',
      tags: true,
      carries: 'tree',
      gates: DEFAULT_POLICY,
      journalBy: new Map(),
      carry: [],
      confirm: false,
      name: 'dev',
      from: undefined,
      branch: 'dev',
      tag: 'dev',
      scope: { folders: ['environments/dev'], files: [] },
      repositories: new Map(),
      keep: [],
      pin: 'version+digest',
      pins: [],
      retain: 10,
      pullRequest: false,
      hotfix: 'upstream-first',
    });
  });

  it('keeps as many releases as it says at the top, where an environment says nothing itself', () => {
    expect([...pipeline.environments.values()].map(({ name, retain }) => [name, retain])).toEqual([
      ['dev', 25],
      ['stg', 25],
      ['prd', 50],
    ]);
  });

  it('leaves the trunk open, reads files up to 1 MiB and speaks TLS when nothing is said', () => {
    const { trunk, maxFileBytes, plainHttpHosts } = parseConfig(SHORT);
    expect({ trunk, maxFileBytes, hosts: plainHttpHosts.size }).toEqual({
      trunk: undefined,
      maxFileBytes: 1_048_576,
      hosts: 0,
    });
  });

  it('puts environments in flow order, otherwise as written', () => {
    const text = SHORT.replace(
      '  dev:\n',
      '  prd: { from: stg }\n  qa: { from: dev }\n  stg: { from: dev }\n  dev:\n  lab:\n',
    );
    expect([...parseConfig(text).environments.keys()]).toEqual(['dev', 'lab', 'qa', 'stg', 'prd']);
  });

  it('reads an alphabetical pattern, and a pin by digest alone', () => {
    const versions = "versions: { pattern: '^(?<order>[a-z]+)[0-9]$', order: alphabetical }";
    const text = SHORT.replace(' }', () => `, ${versions} }`).replace('  dev:\n', '  dev: { pin: digest }\n');
    const { images, environments } = parseConfig(text);
    expect(images.get('django')?.versions).toMatchObject({ kind: 'pattern', order: 'alphabetical' });
    expect(environments.get('dev')?.pin).toBe('digest');
  });

  it.each([
    ['1024', 1024],
    ['1KiB', 1024],
    ['0.5MiB', 524_288],
    ['16 MiB', 16_777_216],
  ])('reads the size %s', (size, bytes) => {
    expect(parseConfig(`${SHORT}maxFileSize: ${size}\n`).maxFileBytes).toBe(bytes);
  });

  it.each([
    ['an alias of a list', 'plainHttp: &hosts [a.example.com]\nmaxFileSize: 2KiB\n'],
    ['a byte order mark', ''],
    ['an environment named as a method of objects', '  constructor: {}\n'],
  ])('may hold %s', (title, rest) => {
    expect(() => parseConfig(`${title.startsWith('a byte') ? '\uFEFF' : ''}${SHORT}${rest}`)).not.toThrow();
  });

  it.each([
    [
      'a tag twice, in two registries',
      '{ tag: live }',
      '{ tag: live, repositories: { django: other.example.com/django } }',
    ],
    [
      'a tag ending in a number, in another registry',
      '{}',
      '{ tag: dev-7, repositories: { django: other.example.com/django } }',
    ],
    ['sibling folders with a common beginning', '{ path: e/prd }', '{ path: e/prd-eu }'],
    ['sibling branches with a common beginning', '{ branch: env/a }', '{ branch: env/ab }'],
  ])('may have %s', (_, first, second) => {
    expect(() => parseConfig(SHORT.replace('  dev:\n', `  dev: ${first}\n  prd: ${second}\n`))).not.toThrow();
  });
});

describe('a configuration that is wrong', () => {
  it.each(WRONG)('$title', ({ text, at, path, what, fix }) => {
    const problem = problemsOf(text).find((one) => one.path === path && one.what.includes(what));
    expect(problem && `${problem.line}:${problem.column}`).toBe(at);
    expect(problem?.fix).toContain(fix);
  });

  it.each(WRONG)('$title: nothing else is said to be wrong', ({ text }) => {
    expect(problemsOf(text).map((problem) => problem.what)).toHaveLength(1);
  });

  it('hears of all its mistakes at once, in the order of its lines', () => {
    const text = SHORT.replace('version: 1', 'version: 3')
      .replace('  dev:\n', '  dev: { tag: a/b, from: x }\n')
      .concat('zebra: 1\n');
    const lines = problemsOf(text).map(({ line, path }) => `${line} ${path}`);
    expect(lines).toEqual(['1 version', '5 environments.dev.tag', '5 environments.dev.from', '6 zebra']);
  });

  it('is reported as file, line, column, path and words', () => {
    const error = refused(SHORT.replace('  dev:\n', '  dev: { from: dve }\n'));
    expect(error.message).toBe('tagflow.yaml has a mistake');
    expect(error.why).toBe(
      'tagflow.yaml:5:16  environments.dev.from  there is no environment "dve"; did you mean dev?',
    );
    expect(error.exit).toBe(2);
  });

  it('is reported under the name of the file that was read', () => {
    expect(() => parseConfig('', 'other.yaml')).toThrow('other.yaml has a mistake');
    expect(CONFIG_FILE).toBe('tagflow.yaml');
  });

  it('shows at most 50 mistakes, and lists the rest in the details', () => {
    const error = refused(SHORT + Array.from({ length: 60 }, (_, index) => `key${index}: 1\n`).join(''));
    expect(error.why?.split('\n')).toHaveLength(51);
    expect(error.why).toMatch(/and 10 more$/);
    expect(error.details['problems']).toHaveLength(60);
  });

  it.each([
    ['a password in a repository', 'hunter2', '{ repository: "https://me:hunter2@r.example.com/a" }'],
    ['a password without a scheme', 'hunter2', '{ repository: "me:hunter2@r.example.com/a" }'],
    ['a password without a path', 'hunter2', '{ repository: "https://me:hunter2@r.example.com" }'],
  ])('never repeats %s', (_, secret, image) => {
    const error = refused(SHORT.replace(/\{ repository.*\}/, image));
    expect(JSON.stringify([error.message, error.why, error.fix, error.details])).not.toContain(secret);
  });

  it('never repeats a password before a plain HTTP host', () => {
    const error = refused(`${SHORT}plainHttp: ["http://me:hunter2@r.example.com", "me:hunter2@r.example.com"]\n`);
    expect(JSON.stringify([error.why, error.details])).not.toContain('hunter2');
  });

  it('is reported without a control character, whatever it holds', () => {
    const nasty = String.raw`"\e[2J\x9b\u202E\u2028\ud800"`;
    const error = refused(
      `${SHORT.replace('  dev:\n', `  dev: { from: ${nasty}, branch: ${nasty}, path: ${nasty}, tag: ${nasty}, keep: [${nasty}] }\n`)}${nasty}: 1\n`,
    );
    expect(JSON.stringify(error.details['problems'])).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028]/u);
    expect(error.why).not.toMatch(/[^\P{Cc}\n]|[\p{Cf}\p{Cs}\u2028]/u);
  });
});

describe('a configuration that means harm', () => {
  it.each([
    ['more than 256 KiB', `#${' '.repeat(256 * 1024)}\n${SHORT}`],
    ['lists in lists', `a: ${'['.repeat(200_000)}`],
    ['lists in lists, by dashes', '- '.repeat(100_000)],
    ['keys in keys', '? '.repeat(100_000)],
    ['a laugh in nine lines', lines(12, (n) => `a${n}: &a${n} [${`*a${n - 1},`.repeat(n === 0 ? 0 : 9)}1]`)],
    ['an alias 60,000 times', `a: &a [1, 2, 3]\nb: [${'*a,'.repeat(60_000)}]`],
    ['20,000 keys', lines(20_000, (n) => `k${n}: 1`)],
    ['60,000 documents', '---\n'.repeat(60_000)],
    ['60,000 errors', '\t:\n'.repeat(60_000)],
    ['slashes without end', SHORT.replace('registry.example.com', `oci:${'/'.repeat(200_000)}x`)],
    ['at signs without end', SHORT.replace('registry.example.com', '@'.repeat(200_000))],
    ['a host of dots', SHORT.replace('registry.example.com', 'a.'.repeat(100_000))],
    ['a path of dashes', SHORT.replace('acme/django', `${'a-'.repeat(100_000)}!`)],
  ])('%s: is refused soon', (_, text) => {
    // About 0.5 s at worst; a text that is not stopped takes minutes.
    expect(cpuTime(() => refused(text))).toBeLessThan(10_000);
  });
});

describe('a flow of very many environments', () => {
  const chain = (count: number, first: string): string =>
    `version: 1\nimages:\n  a: { repository: r.example.com/a }\nenvironments:\n${Array.from(
      { length: count },
      (_, index) => `  e${index}: ${index === 0 ? first : `{ from: e${index - 1} }`}`,
    ).join('\n')}\n`;

  it('is walked once, in a line and in a circle', () => {
    expect(cpuTime(() => parseConfig(chain(3000, '{}')))).toBeLessThan(3000);
    expect(cpuTime(() => refusal(() => parseConfig(chain(3000, '{ from: e2999 }'))))).toBeLessThan(3000);
  });

  it('names the circle that it leads into, from what is written first', () => {
    const text = `version: 1\nimages:\n  a: { repository: r.example.com/a }\nenvironments:\n  x: { from: c }\n  b: { from: c }\n  c: { from: d }\n  d: { from: b }\n`;
    expect(refusal(() => parseConfig(text)).why).toContain('b takes from c takes from d takes from b');
  });
});
