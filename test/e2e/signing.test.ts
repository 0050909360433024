// Signed releases by the program itself: keys as people and CI jobs give them, over real Git, which verifies them as well.
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { CliOptions } from '../support/cli.ts';
import { succeeded } from '../support/cli.ts';
import { CLEAN_ENVIRONMENT, run } from '../support/git-repository.ts';
import { type SshKeys, createSshKeys } from '../support/keys.ts';
import {
  type TestPipeline,
  changesNothing,
  createLayoutPipeline,
  exampleFiles,
  forkPipeline,
} from '../support/pipeline.ts';
import { describeReal } from '../support/real.ts';

describeReal('signed releases', ['ssh-keygen', 'ssh-agent', 'ssh-add', 'git'], () => {
  let keys: SshKeys;
  let original: TestPipeline;
  let pipeline: TestPipeline;
  const as = (owner: string): CliOptions => ({ env: { TAGFLOW_SIGNING_KEY: join(keys.folder, owner) } });
  const show = async (environment: string): Promise<unknown> => {
    const { exit, stdout } = await pipeline.tagflow(['show', environment, '-o', 'json']);
    return exit === 0 ? JSON.parse(stdout) : { exit };
  };

  beforeAll(async () => {
    keys = await createSshKeys(['ana', 'bot', 'eve']);
    original = await createLayoutPipeline();
    const config = (await exampleFiles())['tagflow.yaml']!;
    await original.repository.commit('main', {
      'tagflow.yaml': `${config.replace(/^ {2}prd:\n/m, '  prd:\n    signedBy: [bot@example.org]\n')}signing: ssh\n`,
      '.tagflow/allowed_signers': await keys.signersFile(['ana', 'bot']),
    });
    for (const branch of ['dev', 'stg', 'prd'])
      await original.repository.move(branch, await original.repository.head('main'));
    pipeline = original;
    succeeded(await pipeline.tagflow(['promote', 'dev', 'django=V4.0', 'mariadb=V10.6'], as('ana')));
    succeeded(await pipeline.tagflow(['promote', 'stg'], as('ana')));
    succeeded(await pipeline.tagflow(['promote', 'prd'], as('bot')));
    pipeline = await forkPipeline(original);
  });
  afterAll(async () => {
    await pipeline.remove();
    await original.remove();
    await keys.remove();
  });

  it('say who signed, and ssh-keygen verifies the same', async () => {
    expect(await show('prd')).toMatchObject({ sequence: 1, signer: 'bot@example.org' });
    expect(await show('dev')).toMatchObject({ sequence: 1, signer: 'ana@example.org' });
    expect(succeeded(await pipeline.tagflow(['show', 'prd']))).toMatch(/^signed by +bot@example\.org$/m);
    const signers = join(keys.folder, 'allowed');
    await writeFile(signers, await pipeline.repository.git(['show', 'main:.tagflow/allowed_signers']));
    const record = await pipeline.repository.git(['show', 'prd:.tagflow/releases/prd.yaml']);
    const signature = join(keys.folder, 'prd.yaml.sig');
    await writeFile(signature, await pipeline.repository.git(['show', 'prd:.tagflow/releases/prd.yaml.sig']));
    const verify = async (identity: string): Promise<string> =>
      run('ssh-keygen', ['-Y', 'verify', '-f', signers, '-I', identity, '-n', 'tagflow-release', '-s', signature], {
        input: record,
      });
    expect(await verify('bot@example.org')).toMatch(/^Good "tagflow-release" signature for bot@example\.org/);
    await expect(verify('ana@example.org')).rejects.toThrow(/ssh-keygen/);
    await pipeline.repository.git(['fsck', '--strict', '--no-dangling']);
  });

  it('a key that was copied for signing is gone after the next run, though the run was killed', async () => {
    const temporary = join(keys.folder, 'tmp');
    await mkdir(temporary);
    const [slow, config, readable] = ['slow', 'config', 'readable'].map((name) => join(keys.folder, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(slow, `#!/bin/sh\ntouch ${slow}.started\nexec sleep 30\n`, { mode: 0o755 });
    await writeFile(config, `[gpg "ssh"]\n\tprogram = ${slow}\n`);
    await cp(join(keys.folder, 'bot'), readable);
    await chmod(readable, 0o644);
    const env = { GIT_CONFIG_GLOBAL: config, TMPDIR: temporary, TAGFLOW_SIGNING_KEY: readable };
    const running = pipeline.start(['promote', 'dev', 'django=V4.2'], { env });
    await vi.waitUntil(() => existsSync(`${slow}.started`), { timeout: 20_000 });
    running.child.kill('SIGKILL');
    await running.done;
    const left = async (): Promise<readonly string[]> =>
      (await readdir(temporary)).filter((name) => name.startsWith('tagflow-'));
    expect(await left()).toHaveLength(1);
    succeeded(await pipeline.tagflow(['status'], { env: { TMPDIR: temporary } }));
    expect(await left()).toEqual([]);
  });

  it('check finds nothing', async () => {
    expect(succeeded(await pipeline.tagflow(['check']))).toMatch(/^nothing found in 3 commits of 3 environments$/m);
  });

  it.each([
    ['who may release another environment only', 'ana', /ana@example\.org, who may not release it/],
    [
      'whom nobody listed',
      'eve',
      /with a key that \.tagflow\/allowed_signers does not list|with a key that \.tagflow\/allowed_signers did not list/,
    ],
  ])('somebody %s changes nothing', async (_, owner, why) => {
    const args = ['promote', 'prd', 'django=V4.2'];
    const result = await changesNothing(pipeline, async () => pipeline.tagflow(args, as(owner)));
    expect(result).toFail({ code: 'signature-invalid', what: /nothing was changed/, why, fix: /signedBy/ });
  });

  it.each([
    ['no key at all', {}, /no signing key is configured/, /neither TAGFLOW_SIGNING_KEY nor user\.signingKey/],
    ['a key that is not there', { TAGFLOW_SIGNING_KEY: 'gone' }, /cannot read the key/, /ENOENT/],
    ['a file that is not a key', { TAGFLOW_SIGNING_KEY: 'repository.git/HEAD' }, /made no signature/, /./],
  ])('%s changes nothing', async (_, env, what, why) => {
    const result = await changesNothing(pipeline, async () =>
      pipeline.tagflow(['promote', 'dev', 'django=V4.2'], { env }),
    );
    expect(result).toFail({ code: 'credentials-invalid', what, why, fix: /TAGFLOW_SIGNING_KEY/ });
  });

  it('the key that Git signs with is taken: a path, or a key in an agent', async () => {
    const global = join(keys.folder, 'gitconfig');
    const env = { GIT_CONFIG_GLOBAL: global };
    await writeFile(global, `[user]\n\tsigningKey = ${join(keys.folder, 'ana.pub')}\n`);
    succeeded(await pipeline.tagflow(['promote', 'dev', 'django=V4.2'], { env }));
    expect(await show('dev')).toMatchObject({ sequence: 2, signer: 'ana@example.org' });

    const agent = await run('ssh-agent', ['-s']);
    const [, socket = ''] = /SSH_AUTH_SOCK=([^;]+)/.exec(agent) ?? [];
    const [, pid = ''] = /SSH_AGENT_PID=(\d+)/.exec(agent) ?? [];
    try {
      await run('ssh-add', ['-q', join(keys.folder, 'ana')], { env: { ...CLEAN_ENVIRONMENT, SSH_AUTH_SOCK: socket } });
      await writeFile(global, `[user]\n\tsigningKey = key::${await keys.publicKey('ana')}\n`);
      succeeded(
        await pipeline.tagflow(['promote', 'dev', 'mariadb=V10.11'], { env: { ...env, SSH_AUTH_SOCK: socket } }),
      );
      expect(await show('dev')).toMatchObject({ sequence: 3, signer: 'ana@example.org' });
    } finally {
      process.kill(Number(pid));
    }
  });

  it('a key file as CI systems write it, readable by all and without a last line end, is taken', async () => {
    const file = join(pipeline.folder, 'ci-key');
    await cp(join(keys.folder, 'bot'), file);
    await writeFile(file, (await run('cat', [join(keys.folder, 'bot')])).trimEnd());
    await chmod(file, 0o666);
    succeeded(await pipeline.tagflow(['promote', 'stg'], { env: { TAGFLOW_SIGNING_KEY: file } }));
    expect(await show('stg')).toMatchObject({ signer: 'bot@example.org' });
  });

  it('a record whose signature is of another release is unverified, and nothing continues from it', async () => {
    const { repository } = pipeline;
    const head = (await repository.head('prd'))!;
    const other = await repository.git(['show', 'dev:.tagflow/releases/dev.yaml.sig']);
    const file = '.tagflow/releases/prd.yaml.sig';
    await repository.commit('prd', { [file]: other }, { message: 'another signature' });
    // The release's own commit once more, on its own parents, with that signature beside the record.
    const parents = (await repository.git(['log', '-1', '--format=%P', head])).trim().split(' ');
    const person = ['-c', 'user.name=bob', '-c', 'user.email=bob@example.com'];
    const words = [...person, 'commit-tree', '-m', 'forged', ...parents.flatMap((id) => ['-p', id]), 'prd^{tree}'];
    const forged = (await repository.git(words)).trim();
    await repository.git(['update-ref', 'refs/heads/prd', forged]);

    const refused = await changesNothing(pipeline, async () => pipeline.tagflow(['promote', 'prd'], as('bot')));
    expect(refused).toFail({ code: 'signature-invalid', what: /prd/, fix: /tagflow rollback prd/ });
    const check = await pipeline.tagflow(['check', 'prd']);
    expect(check).toMatchObject({
      exit: 3,
      stdout: expect.stringMatching(new RegExp(`${forged.slice(0, 7)} .* signature `)),
    });
    expect(await pipeline.tagflow(['apply', 'prd'])).toMatchObject({ exit: 3 });
    await repository.git(['update-ref', 'refs/heads/prd', head]);
    expect(await show('prd')).toMatchObject({ signer: 'bot@example.org' });
  });
});
