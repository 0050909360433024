// tagflow as one file, on a machine without Node: the whole demo, and the pages of errors.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERSION } from '../../src/cli/process/version.ts';
import { IS_FULL } from '../support/real.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

const CAN_BUILD = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);

describe.skipIf(!IS_FULL || !CAN_BUILD)(
  IS_FULL ? 'the single executable' : 'the single executable (skipped: slow, played with TAGFLOW_REQUIRE_REAL=1)',
  () => {
    let folder = '';
    let binary = '';
    /** A PATH with Git and nothing else. */
    const env = (): Record<string, string> => ({ PATH: join(folder, 'bin'), HOME: folder });

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'tagflow-sea-'));
      await run(process.execPath, ['.ci/binary.ts', '--arch', process.arch, '--out', folder], { cwd: root });
      binary = join(folder, `tagflow-linux-${process.arch}`);
      const { stdout: git } = await run('sh', ['-c', 'command -v git']);
      await run('mkdir', [join(folder, 'bin')]);
      await symlink(git.trim(), join(folder, 'bin/git'));
    }, 180_000);

    afterAll(async () => {
      await rm(folder, { recursive: true, force: true });
    });

    it('says its version', async () => {
      expect((await run(binary, ['--version'], { env: env() })).stdout.trim()).toBe(VERSION);
    });

    it('plays the whole demo where there is no Node', async () => {
      const { stdout } = await run(binary, ['demo', 'sandbox'], { cwd: folder, env: env() });
      expect(stdout).toMatch(/django V4\.2[^]*rollback/);
      const status = await run(binary, ['-C', 'sandbox', 'status', '-o', 'json'], { cwd: folder, env: env() });
      expect(JSON.parse(status.stdout)).toMatchObject({ schemaVersion: 1 });
    });
  },
);
