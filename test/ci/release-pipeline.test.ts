// The jobs of .gitlab-ci.yml that a tag starts, played in a shell with programs that note their words: what is published, in which
// order, and what stops it. The steps before the tag are those of docs/internals/release.md.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { createProgram } from '../../src/cli/program.ts';
import { captureIo } from '../support/io.ts';

const root = join(import.meta.dirname, '../..');
interface Job {
  readonly stage: string;
  readonly script: readonly string[];
  readonly needs?: readonly string[];
  readonly rules?: readonly { readonly if: string }[];
}
const PIPELINE = parse(readFileSync(join(root, '.gitlab-ci.yml'), 'utf8')) as Readonly<Record<string, Job>>;
const FILES = ['tagflow-0.2.0.tgz', 'tagflow-linux-x64', 'sbom.cdx.json'];

/** A checkout with the files of a release in `release/`, as the job `package` leaves them. */
function checkout(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tagflow-release-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const name of ['release', 'programs', '.ci']) mkdirSync(join(folder, name));
  for (const name of FILES) writeFileSync(join(folder, 'release', name), `${name}\n`);
  const spy = (name: string): string =>
    `#!/bin/sh\nprintf '%s' '${name}' >>'${folder}/calls'\nprintf ' [%s]' "$@" >>'${folder}/calls'\necho >>'${folder}/calls'\n`;
  for (const name of ['npm', 'curl']) writeFileSync(join(folder, 'programs', name), spy(name), { mode: 0o755 });
  writeFileSync(join(folder, 'release/tagflow-linux-x64'), spy('tagflow'));
  writeFileSync(join(folder, 'package.json'), '{"version":"0.2.0","type":"module"}');
  cpSync(join(root, '.ci/changelog.ts'), join(folder, '.ci/changelog.ts'));
  const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
  writeFileSync(
    join(folder, 'CHANGELOG.md'),
    changelog.replace('## [Unreleased]', '## [Unreleased]\n\n## [0.2.0] - 2026-12-01'),
  );
  const sums = spawnSync('sh', ['-c', 'cd release && sha256sum -- * >SHA256SUMS'], { cwd: folder });
  expect(sums.status).toBe(0);
  return folder;
}

/** Plays a job for a tag: how it ended, and the commands that it gave. */
function play(name: string, folder: string, tag = 'v0.2.0') {
  const env = {
    PATH: `${join(folder, 'programs')}:${join(process.execPath, '..')}:${process.env['PATH']}`,
    CI_COMMIT_TAG: tag,
    CI_JOB_TOKEN: 'job-token',
    CI_API_V4_URL: 'https://gitlab.example.com/api/v4',
    CI_PROJECT_ID: '7',
    CI_REGISTRY_IMAGE: 'registry.example.com/acme/tagflow',
  };
  writeFileSync(join(folder, 'calls'), '');
  const script = (PIPELINE[name]?.script ?? []).join('\n');
  const { status, stderr } = spawnSync('sh', ['-euc', script], { cwd: folder, env, encoding: 'utf8' });
  const calls = readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n').filter(Boolean);
  return { status, stderr, calls };
}

describe('the release of a tag', () => {
  it('publishes the package with its provenance', () => {
    expect(play('npm', checkout())).toMatchObject({
      status: 0,
      calls: ['npm [publish] [--provenance] [--access] [public] [release/tagflow-0.2.0.tgz]'],
    });
  });

  it('publishes nothing under a tag that is not the version of package.json', () => {
    const { status, calls } = play('npm', checkout(), 'v0.3.0');
    expect([status === 0, calls]).toEqual([false, []]);
  });

  it('publishes nothing that was changed after its checksum was taken', () => {
    const folder = checkout();
    writeFileSync(join(folder, 'release/tagflow-0.2.0.tgz'), 'other');
    const { status, calls } = play('npm', folder);
    expect([status === 0, calls]).toEqual([false, []]);
  });

  it('copies and tags its images with its own executable, by commands that tagflow has', () => {
    const { status, calls } = play('image-release', checkout());
    const image = 'registry.example.com/acme/tagflow';
    expect([status, calls]).toEqual([
      0,
      [
        `tagflow [tag] [oci:dist/image:0.2.0] [${image}:0.2.0]`,
        `tagflow [tag] [oci:dist/image:0.2.0-debug] [${image}:0.2.0-debug]`,
        `tagflow [tag] [${image}:0.2.0] [latest]`,
      ],
    ]);
    const command = createProgram(captureIo([]).io).commands.find((each) => each.name() === 'tag');
    expect(command?.registeredArguments.map(({ variadic }) => variadic)).toEqual([false, true]);
  });

  it('uploads every file, then makes the release with the section of the changelog', () => {
    const folder = checkout();
    const { status, calls } = play('gitlab-release', folder);
    expect(status).toBe(0);
    const uploads = calls.slice(0, -1).map((call) => /tagflow\/v0\.2\.0\/([^\]]+)\]$/.exec(call)?.[1]);
    expect(new Set(uploads)).toEqual(new Set([...FILES, 'SHA256SUMS']));
    expect(calls.at(-1)).toMatch(
      /\[@description\.json\] \[https:\/\/gitlab\.example\.com\/api\/v4\/projects\/7\/releases\]/,
    );
    const description = JSON.parse(readFileSync(join(folder, 'description.json'), 'utf8')) as object;
    expect(description).toMatchObject({ tag_name: 'v0.2.0', description: expect.stringContaining('### Added') });
  });

  it('is not made without a section of the changelog', () => {
    const folder = checkout();
    writeFileSync(join(folder, 'CHANGELOG.md'), '# Changelog\n\n## [Unreleased]\n');
    const { status, calls } = play('gitlab-release', folder);
    expect([status === 0, calls.some((call) => call.includes('/releases]'))]).toEqual([false, false]);
  });

  it('waits for every test and for the files, and happens at tags of versions alone', () => {
    const jobs = ['npm', 'image-release', 'gitlab-release'].map((name) => PIPELINE[name]!);
    for (const { rules } of jobs) expect(rules).toEqual([{ if: String.raw`$CI_COMMIT_TAG =~ /^v\d+\.\d+\.\d+$/` }]);
    expect(PIPELINE['npm']?.needs).toEqual(expect.arrayContaining(['full', 'fresh-machine', 'package']));
    for (const name of ['image-release', 'gitlab-release'])
      expect(PIPELINE[name]?.needs).toEqual(expect.arrayContaining(['package', 'npm']));
  });

  it('was tried at each change before: the files are made, and npm is asked without publishing', () => {
    const { script, rules } = PIPELINE['package']!;
    expect(script).toContain('npm publish --dry-run "$(ls release/tagflow-*.tgz)"');
    expect(rules).toEqual([{ if: '$CI_PIPELINE_SOURCE != "schedule"' }]);
  });
});
