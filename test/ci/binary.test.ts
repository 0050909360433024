// tagflow as one file, on a machine without Node: the whole demo, and the pages of errors.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { VERSION } from '../../src/cli/process/version.ts';
import { createLayoutPipeline } from '../support/pipeline.ts';
import { IS_FULL, findProgram } from '../support/real.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

const CAN_BUILD = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);

/** The libraries of arm64, as Debian's libstdc++6-arm64-cross installs them. */
const ARM_LIBRARIES = '/usr/aarch64-linux-gnu';
const EMULATOR = findProgram('qemu-aarch64-static');
const CAN_EMULATE =
  process.arch === 'x64' && EMULATOR !== undefined && existsSync(join(ARM_LIBRARIES, 'lib/libstdc++.so.6'));
const MUST_EMULATE = process.env['TAGFLOW_REQUIRE_ARM64'] === '1';

it.runIf(MUST_EMULATE && !CAN_EMULATE)('the executable for arm64 can be run', () => {
  throw new Error('missing: qemu-user-static, libstdc++6-arm64-cross; TAGFLOW_REQUIRE_ARM64=1 forbids to skip');
});

// Without Git: qemu-user loses programs that are started from several threads. docs/internals/release.md plays the demo.
describe.skipIf(!MUST_EMULATE || !CAN_EMULATE)(
  MUST_EMULATE && CAN_EMULATE
    ? 'the single executable for arm64, in an emulator'
    : 'the single executable for arm64 (skipped: slow, played with TAGFLOW_REQUIRE_ARM64=1)',
  () => {
    it('starts, has its pages, and tags an image on disk', { timeout: 300_000 }, async () => {
      const pipeline = await createLayoutPipeline();
      onTestFinished(() => pipeline.remove());
      const { folder, images } = pipeline;
      await run(process.execPath, ['.ci/binary.ts', '--arch', 'arm64', '--out', folder], { cwd: root });
      const binary = join(folder, 'tagflow-linux-arm64');
      const tagflow = (...words: readonly string[]): Promise<{ stdout: string }> =>
        run(EMULATOR ?? '', ['-L', ARM_LIBRARIES, binary, ...words], { cwd: folder });
      expect((await tagflow('--version')).stdout.trim()).toBe(VERSION);
      expect((await tagflow('explain', 'held')).stdout).toMatch(/^What to do$/m);
      await tagflow('tag', 'oci:registry/django:V4.2', 'stable');
      const tags = await images.tags();
      expect(tags['django:stable']).toBe(tags['django:V4.2']);
    });
  },
);

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
