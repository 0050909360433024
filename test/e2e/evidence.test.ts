// Evidence that is handed over: the same commits give the same bytes, and git, cmp, sha256sum and ssh-keygen verify them alone.
import { appendFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { succeeded } from '../support/cli.ts';
import { run } from '../support/git-repository.ts';
import { type Keys, createSshKeys } from '../support/keys.ts';
import {
  type TestPipeline,
  createLayoutPipeline,
  exampleFiles,
  firstReleases,
  forkPipeline,
} from '../support/pipeline.ts';
import { describeReal } from '../support/real.ts';

/** A table of evidence, by column. The tests' own values hold neither quotes nor line breaks that matter. */
async function tableOf(file: string): Promise<readonly Readonly<Record<string, string>>[]> {
  const [head = '', ...rows] = (await readFile(file, 'utf8')).trimEnd().split('\n');
  const cells = (row: string): readonly string[] =>
    [...row.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const names = cells(head);
  return rows.map((row) => Object.fromEntries(cells(row).map((cell, index) => [names[index] ?? '', cell])));
}

describe('evidence', () => {
  let pipeline: TestPipeline;
  const inFolder = (...path: readonly string[]): string => join(pipeline.folder, ...path);
  beforeAll(async () => {
    pipeline = await firstReleases(await createLayoutPipeline());
    succeeded(await pipeline.tagflow(['promote', 'dev', 'mariadb=V10.11', '--reason', 'SHOP-9, "new" index']));
    succeeded(await pipeline.tagflow(['rollback', 'dev', '--reason', 'INC-412']));
    succeeded(await pipeline.tagflow(['audit', 'export', 'first']));
  }, 120_000);
  afterAll(async () => pipeline.remove());

  it('is the same, byte for byte, when it is exported again', async () => {
    succeeded(await pipeline.tagflow(['audit', 'export', 'again']));
    await run('diff', ['-r', inFolder('first'), inFolder('again')]);
  });

  it('is the same in another clone, in another time zone', async () => {
    const clone = join(pipeline.folder, 'another-clone');
    await run('git', ['clone', '-q', pipeline.repository.folder, clone]);
    const env = { TZ: 'Pacific/Auckland', LC_ALL: 'C', TAGFLOW_REPO: `file://${pipeline.repository.folder}` };
    succeeded(await pipeline.tagflow(['-C', clone, 'audit', 'export', 'elsewhere'], { env }));
    await run('diff', ['-r', inFolder('first'), join(clone, 'elsewhere')]);
  });

  it('tells of each file that was changed', async () => {
    const listed = (await readFile(inFolder('first', 'SHA256SUMS'), 'utf8')).trimEnd().split('\n');
    await run('cp', ['-r', inFolder('first'), inFolder('tampered')]);
    for (const line of listed) await appendFile(inFolder('tampered', line.slice(66)), ' ');
    const failed = await run('sh', ['-c', 'sha256sum --check SHA256SUMS 2>/dev/null || true'], {
      cwd: inFolder('tampered'),
    });
    expect(failed.match(/: FAILED$/gm)).toHaveLength(listed.length);
  });

  it('is verified by the commands of its README, as they stand there', async () => {
    const readMe = await readFile(inFolder('first', 'README.md'), 'utf8');
    const commands = [...readMe.matchAll(/^```sh\n([^]*?)\n```$/gm)].map(([, command = '']) => command);
    const [sums = '', show = '', log = ''] = commands;
    const [row] = (await tableOf(inFolder('first', 'releases.csv'))).slice(-1);
    const { commit = '', path = '', record = '', line = '' } = row ?? {};
    const heads = await tableOf(inFolder('first', 'heads.csv'));
    const head = heads.find((one) => one['line'] === line)?.['head'] ?? '';
    const filled = (command: string): string =>
      command
        .replaceAll('HEAD-OF-THE-BRANCH', head)
        .replaceAll('EVIDENCE/RECORD', inFolder('first', record))
        .replaceAll('COMMIT', commit)
        .replaceAll('PATH', path);
    expect(await run('sh', ['-c', sums], { cwd: inFolder('first') })).not.toContain('FAILED');
    const { folder } = pipeline.repository;
    expect(await run('sh', ['-c', filled(show)], { cwd: folder })).toBe('');
    expect(await run('sh', ['-c', filled(log)], { cwd: folder })).toMatch(new RegExp(`^${commit} .*T.*$`, 'm'));
  });

  it('has a checksum for each of its other files', async () => {
    expect(await run('sha256sum', ['--check', 'SHA256SUMS'], { cwd: inFolder('first') })).not.toContain('FAILED');
    const listed = (await readFile(inFolder('first', 'SHA256SUMS'), 'utf8')).trimEnd().split('\n');
    const entries = await readdir(inFolder('first'), { recursive: true, withFileTypes: true });
    expect(listed).toHaveLength(entries.filter((entry) => entry.isFile()).length - 1);
    await appendFile(inFolder('again', 'records/dev/000001.yaml'), '\n');
    await expect(run('sha256sum', ['--check', 'SHA256SUMS'], { cwd: inFolder('again') })).rejects.toThrow(/sha256sum/);
  });

  it('has the record of each release as its commit has it', async () => {
    const releases = await tableOf(inFolder('first', 'releases.csv'));
    expect(releases.map(({ line, release, action }) => `${line} ${release} ${action}`)).toEqual(
      expect.arrayContaining(['dev 1 promote', 'prd 1 promote']),
    );
    for (const { commit = '', path = '', record = '' } of releases) {
      expect(await pipeline.repository.git(['show', `${commit}:${path}`])).toBe(
        await readFile(inFolder('first', record), 'utf8'),
      );
    }
    const reasons = releases.map(({ reason = '' }) => reason);
    expect(reasons).toEqual(expect.arrayContaining(['SHOP-9, ""new"" index', 'INC-412']));
  });

  it('says which image each release had, and for how long', async () => {
    const images = await tableOf(inFolder('first', 'images.csv'));
    const mariadb = images.filter(({ line, image }) => line === 'dev' && image === 'mariadb').slice(-2);
    expect(mariadb.map(({ version, until }) => [version, until !== ''])).toEqual([
      ['V10.11', true],
      [expect.not.stringMatching(/^V10\.11$/), false],
    ]);
    expect(mariadb.map(({ digest }) => digest)).toEqual([
      expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    ]);
  });

  it('lists what breaks a rule, as SARIF too', async () => {
    const changed = await forkPipeline(pipeline);
    await changed.repository.commit('prd', { 'by-hand.yaml': 'a: 1\n' }, { message: 'by hand\n' });
    succeeded(await changed.tagflow(['audit', 'export', 'found']));
    const sarif = JSON.parse(await readFile(join(changed.folder, 'found/findings.sarif'), 'utf8')) as {
      readonly version: string;
      readonly runs: readonly { readonly results: readonly { readonly ruleId: string }[] }[];
    };
    expect(sarif.version).toBe('2.1.0');
    expect(sarif.runs[0]?.results.map(({ ruleId }) => ruleId)).toEqual(['foreign']);
    expect(await tableOf(join(changed.folder, 'found/findings.csv'))).toMatchObject([{ line: 'prd', rule: 'foreign' }]);
    await changed.remove();
  });

  it('is not mixed with what is there already', async () => {
    await mkdir(inFolder('full'));
    await writeFile(inFolder('full', 'notes.txt'), 'mine');
    const result = await pipeline.tagflow(['audit', 'export', 'full']);
    expect(result).toFail({
      code: 'storage-failed',
      what: /cannot write evidence/,
      why: /not empty/,
      fix: /does not exist/,
    });
    expect(await readdir(inFolder('full'))).toEqual(['notes.txt']);
  });
});

describeReal('evidence of signed releases', ['ssh-keygen'], () => {
  let keys: Keys;
  let pipeline: TestPipeline;
  beforeAll(async () => {
    keys = await createSshKeys(['ana']);
    pipeline = await createLayoutPipeline();
    const config = (await exampleFiles())['tagflow.yaml'] ?? '';
    await pipeline.repository.commit('main', {
      'tagflow.yaml': `${config}signing: ssh\n`,
      '.tagflow/allowed_signers': `ana@example.org ${await keys.publicKey('ana')}\n`,
    });
    for (const branch of ['dev', 'stg', 'prd']) {
      await pipeline.repository.move(branch, await pipeline.repository.head('main'));
    }
    const env = { TAGFLOW_SIGNING_KEY: join(keys.folder, 'ana') };
    succeeded(await pipeline.tagflow(['promote', 'dev', 'django=V4.0', 'mariadb=V10.6'], { env }));
    succeeded(await pipeline.tagflow(['audit', 'export', 'signed']));
  }, 120_000);
  afterAll(async () => {
    await pipeline.remove();
    await keys.remove();
  });

  it('is verified by ssh-keygen as the README says, and a changed record is not', async () => {
    const folder = join(pipeline.folder, 'signed');
    expect(await readFile(join(folder, 'README.md'), 'utf8')).toContain('ssh-keygen -Y verify -f signers/LINE/allowed');
    const [release] = await tableOf(join(folder, 'releases.csv'));
    const { line = '', signer = '', since = '', record = '' } = release ?? {};
    const verify = async (input: string): Promise<string> => {
      const at = since.replaceAll(/[-:]/g, '').replace('T', '');
      const args = ['-Y', 'verify', '-f', `signers/${line}/allowed`, '-I', signer, '-n', 'tagflow-release'];
      return run('ssh-keygen', [...args, '-O', `verify-time=${at}`, '-s', `${record}.sig`], { cwd: folder, input });
    };
    const text = await readFile(join(folder, record), 'utf8');
    expect(await verify(text)).toMatch(/^Good "tagflow-release" signature for ana@example\.org/);
    await expect(verify(text.replace('V4.0', 'V4.9'))).rejects.toThrow(/ssh-keygen/);
  });
});
