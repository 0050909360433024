// The images, built with buildah and run: as a user without rights, without a shell in the one and with one in the other,
// equal digests from equal inputs, and a bill of materials that travels along.
import { execFile, spawnSync } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERSION } from '../../src/cli/process/version.ts';
import { IS_FULL, findProgram } from '../support/real.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const missing = ['buildah', 'busybox', 'ssh'].filter((program) => !findProgram(program));
if (process.getuid?.() !== 0) missing.push('the rights of root');
else if (spawnSync('unshare', ['--mount', 'true']).status !== 0) missing.push('the right to mount');

it.runIf(missing.length > 0 && process.env['TAGFLOW_REQUIRE_IMAGE'] === '1')('the image can be built', () => {
  throw new Error(`missing: ${missing.join(', ')}; TAGFLOW_REQUIRE_IMAGE=1 forbids to skip`);
});

// It takes a minute.
const isPlayed = IS_FULL || process.env['TAGFLOW_REQUIRE_IMAGE'] === '1';
const skipped = isPlayed ? missing.map((name) => `missing: ${name}`) : ['slow, played with TAGFLOW_REQUIRE_REAL=1'];

describe.skipIf(skipped.length > 0)(`the image${skipped.length > 0 ? ` (skipped, ${skipped.join(', ')})` : ''}`, () => {
  let folder = '';
  const layout = (): string => join(folder, 'oci');

  beforeAll(async () => {
    // Names of images are in lower case, and buildah makes one of this folder's.
    folder = join(tmpdir(), `tagflow-image-test-${process.pid}`);
    await mkdir(folder);
    await run(process.execPath, ['.ci/build.ts'], { cwd: root });
    await run(process.execPath, ['.ci/binary.ts', '--arch', process.arch, '--out', folder], { cwd: root });
    await buildInto('oci');
    for (const suffix of ['', '-debug']) {
      await buildah('from', '--name', `work${suffix}`, `oci:${layout()}:${VERSION}${suffix}`);
    }
  }, 300_000);

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  async function buildInto(name: string): Promise<void> {
    const binary = join(folder, `tagflow-linux-${process.arch}`);
    await run(process.execPath, ['.ci/image.ts', '--out', join(folder, name), '--binary', binary], { cwd: root });
  }

  function buildah(...words: readonly string[]): Promise<{ stdout: string; stderr: string }> {
    const storage = ['--storage-driver', 'vfs', '--root', join(folder, 'storage'), '--runroot', join(folder, 'run')];
    return run('buildah', [...storage, ...words]);
  }

  function inside(container: 'work' | 'work-debug', ...words: readonly string[]): Promise<{ stdout: string }> {
    return buildah('run', '--isolation', 'chroot', container, '--', ...words);
  }

  async function readLayout(name: string): Promise<string> {
    return readFile(join(folder, name, 'index.json'), 'utf8');
  }

  async function blob(digest: string): Promise<Readonly<Record<string, never>>> {
    return JSON.parse(await readFile(join(layout(), 'blobs', digest.replace(':', '/')), 'utf8'));
  }

  async function manifests(): Promise<readonly { digest: string; document: Readonly<Record<string, never>> }[]> {
    const { manifests: entries } = JSON.parse(await readLayout('oci')) as {
      manifests: readonly { digest: string }[];
    };
    return Promise.all(entries.map(async ({ digest }) => ({ digest, document: await blob(digest) })));
  }

  it('runs tagflow and Git without a shell, as a user without rights', async () => {
    expect((await inside('work', 'tagflow', '--version')).stdout.trim()).toBe(VERSION);
    expect((await inside('work', 'git', '--version')).stdout).toMatch(/^git version 2/);
    await expect(inside('work', '/bin/sh', '-c', 'true')).rejects.toThrow(/sh/);
    const [release] = await manifests();
    const config = await blob(release?.document['config']?.['digest'] ?? '');
    expect(config['config']?.['User']).toBe('65532:65532');
  });

  it('has the transports of Git', async () => {
    await expect(inside('work', 'git', 'ls-remote', 'https://127.0.0.1:1/shop.git')).rejects.toThrow(
      /Failed to connect to 127\.0\.0\.1/,
    );
    await expect(inside('work', 'ssh', '-V')).resolves.toBeDefined();
  });

  it('plays the demo in the variant with a shell', async () => {
    const { stdout } = await inside('work-debug', 'sh', '-c', 'id -u && tagflow demo shop && tagflow -C shop status');
    expect(stdout).toMatch(/^65532\n[^]*rollback prd[^]*ENV +IMAGE/);
  }, 120_000);

  it('has the same digests when it is built again', async () => {
    await buildInto('again');
    expect(await readLayout('again')).toBe(await readLayout('oci'));
  }, 120_000);

  it('says what it is in annotations', async () => {
    const [release] = await manifests();
    expect(release?.document['annotations']).toMatchObject({
      'org.opencontainers.image.title': 'tagflow',
      'org.opencontainers.image.version': VERSION,
      'org.opencontainers.image.licenses': 'Apache-2.0',
    });
  });

  it('takes its bill of materials along when tagflow copies and tags it', async () => {
    const [release] = await manifests();
    const binary = join(folder, `tagflow-linux-${process.arch}`);
    await run(binary, ['tag', `oci:${layout()}:${VERSION}`, `oci:${join(folder, 'copy')}:${VERSION}`]);
    const copied = JSON.parse(await readLayout('copy')) as { manifests: readonly { digest: string }[] };
    expect(copied.manifests).toContainEqual(expect.objectContaining({ digest: release?.digest }));
    const about = (await manifests()).find(({ document }) => document['subject']?.['digest'] === release?.digest);
    expect(about?.document['artifactType']).toBe('application/vnd.cyclonedx+json');
    expect(copied.manifests).toContainEqual(expect.objectContaining({ digest: about?.digest }));
    const layers = about?.document['layers'] as unknown as readonly { digest: string }[];
    expect(await blob(layers[0]?.digest ?? '')).toMatchObject({ bomFormat: 'CycloneDX' });
  });
});
