// Evidence that is handed over: the same commits give the same bytes, and git, cmp, sha256sum and ssh-keygen verify them alone.
import { appendFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { succeeded } from '../support/cli.ts';
import { run } from '../support/git-repository.ts';
import { type Keys, createGpgKeys, createSshKeys } from '../support/keys.ts';
import {
  type TestPipeline,
  createLayoutPipeline,
  exampleFiles,
  firstReleases,
  forkPipeline,
} from '../support/pipeline.ts';
import { describeReal } from '../support/real.ts';
import { sarifProblems } from '../support/sarif.ts';

/** A table of evidence, by column. The tests' own values hold neither quotes nor line breaks that matter. */
async function tableOf(file: string): Promise<readonly Readonly<Record<string, string>>[]> {
  const [head = '', ...rows] = (await readFile(file, 'utf8')).trimEnd().split('\n');
  const cells = (row: string): readonly string[] =>
    [...row.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const names = cells(head);
  return rows.map((row) => Object.fromEntries(cells(row).map((cell, index) => [names[index] ?? '', cell])));
}

/** The commands of the README of evidence, in their order. */
async function commandsOf(folder: string): Promise<readonly string[]> {
  const readMe = await readFile(join(folder, 'README.md'), 'utf8');
  return [...readMe.matchAll(/^```sh\n([^]*?)\n```$/gm)].map(([, command = '']) => command);
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

  it('is the same in another clone, in another time zone, for another user', async () => {
    const clone = join(pipeline.folder, 'another-clone');
    await run('git', ['clone', '-q', pipeline.repository.folder, clone]);
    const home = join(pipeline.folder, 'another-home');
    await mkdir(home);
    await writeFile(
      join(home, '.gitconfig'),
      '[user]\n\tname = Bo\n\temail = bo@example.org\n[core]\n\tautocrlf = true\n',
    );
    const env = {
      TZ: 'Pacific/Auckland',
      LC_ALL: 'C',
      HOME: home,
      USER: 'bo',
      TAGFLOW_ACTOR: 'bo',
      TAGFLOW_REPO: `file://${pipeline.repository.folder}`,
    };
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

  it('is verified by the commands of its README, as they stand there, and what was changed is named', async () => {
    const [sums, records, branches] = await commandsOf(inFolder('first'));
    const count = (await tableOf(inFolder('first', 'releases.csv'))).length;
    const shell = async (command: string | undefined, folder: string): Promise<string> =>
      run('sh', ['-c', `${command?.replaceAll('REPOSITORY', pipeline.repository.folder)} 2>&1 || true`], {
        cwd: inFolder(folder),
      });
    expect(await shell(sums, 'first')).toBe('all files are as they were written\n');
    expect(await shell(records, 'first')).toBe(`looked at ${count} records\n`);
    const looked = await shell(branches, 'first');
    expect(looked.trimEnd().split('\n')).toEqual([
      'looked at 4 commits of dev',
      'looked at 1 commits of stg',
      'looked at 1 commits of prd',
    ]);

    await run('cp', ['-r', inFolder('first'), inFolder('forged')]);
    const list = await readFile(inFolder('forged', 'RECORDS'), 'utf8');
    await appendFile(inFolder('forged', 'records/dev/000002.yaml'), ' ');
    await writeFile(
      inFolder('forged', 'RECORDS'),
      list.replace(/(prd\/000001.yaml) [0-9a-f]+/, `$1 ${'0'.repeat(40)}`),
    );
    expect(await shell(records, 'forged')).toMatch(
      /differs: records\/dev\/000002\.yaml[^]*differs: records\/prd\/000001\.yaml/,
    );
    expect(await shell(branches, 'forged')).toContain('not on the branch: records/prd/000001.yaml');
    expect(await shell(sums, 'forged')).toMatch(/RECORDS: FAILED[^]*000002\.yaml: FAILED/);
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
    expect(sarifProblems(sarif)).toEqual([]);
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

  it('is verified by ssh-keygen as the README says, and a changed record and a revoked key are not', async () => {
    const folder = join(pipeline.folder, 'signed');
    const signatures = (await commandsOf(folder)).find((command) => command.includes('ssh-keygen')) ?? '';
    const shell = async (): Promise<string> => run('sh', ['-c', `{ ${signatures}\n} 2>/dev/null`], { cwd: folder });
    expect(await shell()).toBe('looked at 1 signatures\n');

    const record = join(folder, 'records/dev/000001.yaml');
    const text = await readFile(record, 'utf8');
    await writeFile(record, text.replace('V4.0', 'V4.9'));
    expect(await shell()).toMatch(/^not signed by ana@example\.org: records\/dev\/000001\.yaml$/m);

    await writeFile(record, text);
    await writeFile(join(folder, 'signers/dev/revoked'), await keys.publicKey('ana'));
    expect(await shell()).toMatch(/^not signed by ana@example\.org: records\/dev\/000001\.yaml$/m);
  });
});

describeReal('evidence of releases that OpenPGP signs', ['gpg'], () => {
  it('is verified by gpg as the README says, and a changed record is not', async () => {
    const keys = await createGpgKeys(['ana']);
    const pipeline = await createLayoutPipeline();
    try {
      const config = (await exampleFiles())['tagflow.yaml'] ?? '';
      await pipeline.repository.commit('main', {
        'tagflow.yaml': `${config}signing: gpg\nsigners: signers.asc\n`,
        'signers.asc': await keys.publicKey('ana'),
      });
      for (const branch of ['dev', 'stg', 'prd']) {
        await pipeline.repository.move(branch, await pipeline.repository.head('main'));
      }
      const env = { TAGFLOW_SIGNING_KEY: join(keys.folder, 'ana.secret') };
      succeeded(await pipeline.tagflow(['promote', 'dev', 'django=V4.0', 'mariadb=V10.6'], { env }));
      succeeded(await pipeline.tagflow(['audit', 'export', 'signed']));
      const folder = join(pipeline.folder, 'signed');
      const commands = await commandsOf(folder);
      expect(commands.some((command) => command.includes('ssh-keygen'))).toBe(false);
      const signatures = commands.find((command) => command.includes('gpg')) ?? '';
      const shell = async (): Promise<string> => run('sh', ['-c', `{ ${signatures}\n} 2>/dev/null`], { cwd: folder });
      expect(await shell()).toBe('looked at 1 signatures\n');
      await appendFile(join(folder, 'records/dev/000001.yaml'), ' ');
      expect(await shell()).toBe('not signed: records/dev/000001.yaml\nlooked at 1 signatures\n');
    } finally {
      await pipeline.remove();
      await keys.remove();
    }
  }, 120_000);
});
