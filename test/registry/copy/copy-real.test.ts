// Copies between real registries and layouts, judged by programs that share no code with tagflow; in a process of its own
// where memory or sudden death is the question.
import { execFile, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../../src/model/digest.ts';
import { parseRepository, parseTag } from '../../../src/model/reference.ts';
import { createLayoutRegistry } from '../../../src/registry/layout/layout.ts';
import type { CopySummary } from '../../../src/registry/registry.ts';
import { type DockerRegistry, startDockerRegistry } from '../../support/docker-registry.ts';
import { pushImage } from '../../support/images.ts';
import { largeLayout } from '../../support/large-layout.ts';
import { machineClock, temporaryFolder } from '../../support/layouts.ts';
import { createOciUnderTest, repositoryAt } from '../../support/oci.ts';
import { describeReal, describeSlow } from '../../support/real.ts';
import { pushManifest, sampleIndex } from '../../support/sample-manifests.ts';
import { startZot } from '../../support/zot.ts';
import { referrerOf } from '../../contract/content.ts';

const CHILD = join(import.meta.dirname, '../../support/copy-child.ts');
const V1 = parseTag('V1.0');
const PLATFORMS = ['linux/amd64', 'linux/arm64/v8'];

const execute = promisify(execFile);

/** Copies in a process of its own. */
async function copy(from: string, to: string, digest: Digest): Promise<{ summary: CopySummary; grownMiB: number }> {
  const { stdout } = await execute(process.execPath, [CHILD, from, to, digest]);
  return JSON.parse(stdout) as { summary: CopySummary; grownMiB: number };
}

/** Copies in a process of its own that is killed half way. */
async function copyHalf(from: string, to: string, digest: Digest): Promise<void> {
  const child = spawn(process.execPath, [CHILD, from, to, digest, 'half'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('close', (_code, signal) => resolve(signal)));
  child.stdout.once('data', () => child.kill('SIGKILL'));
  expect(await ended).toBe('SIGKILL');
}

const skopeo = async (...args: string[]): Promise<Buffer> =>
  (await execute('skopeo', args, { encoding: 'buffer' })).stdout;

describeSlow('copies between real registries', ['docker-registry', 'skopeo', 'umoci'], () => {
  const folder = temporaryFolder();
  let dev: DockerRegistry;
  let prd: DockerRegistry;
  beforeAll(async () => {
    [dev, prd] = await Promise.all([startDockerRegistry(), startDockerRegistry()]);
  });
  afterAll(async () => {
    await Promise.all([dev.stop(), prd.stop()]);
    folder[Symbol.dispose]();
  });

  /** Everything of an image, as skopeo finds it. */
  const copiedOut = async (reference: string, name: string, ...flags: string[]): Promise<string[]> => {
    const target = join(folder.path, name);
    await skopeo('copy', '--all', '--preserve-digests', ...flags, reference, `dir:${target}`);
    return readdirSync(target).sort();
  };

  describe.each(['oci', 'docker'] as const)('an image of many platforms, with the media types of %s', (flavour) => {
    it('is the same for skopeo wherever it was copied to', async () => {
      const path = `acme/${flavour}`;
      const image = await pushImage(dev.host, path, V1, { platforms: PLATFORMS, flavour });
      const layout = `oci:${join(folder.path, flavour)}`;
      await copy(`${dev.host}/${path}`, `${prd.host}/${path}`, image.digest);
      await copy(`${prd.host}/${path}`, layout, image.digest);
      await copy(layout, `${prd.host}/again/${path}`, image.digest);
      const run = createOciUnderTest().registry;
      for (const place of [path, `again/${path}`]) await run.tag(repositoryAt(prd, place), image.digest, V1);
      run.close();
      const expected = await copiedOut(`docker://${dev.host}/${path}:V1.0`, `${flavour}-a`, '--src-tls-verify=false');
      for (const [number, place] of [path, `again/${path}`].entries()) {
        const reference = `docker://${prd.host}/${place}:V1.0`;
        expect(digestOf(await skopeo('inspect', '--raw', '--tls-verify=false', reference))).toBe(image.digest);
        expect(await copiedOut(reference, `${flavour}-${number}`, '--src-tls-verify=false')).toEqual(expected);
      }
    });
  });

  it('a layout that was copied into is one for skopeo and umoci, and nothing of it is garbage', async () => {
    const image = await pushImage(dev.host, 'acme/layout', V1, { platforms: PLATFORMS });
    const directory = join(folder.path, 'layout');
    await copy(`${dev.host}/acme/layout`, `oci:${directory}`, image.digest);
    const layout = createLayoutRegistry({ baseDirectory: '/', clock: machineClock });
    await layout.tag(parseRepository(`oci:${directory}`), image.digest, V1);
    expect((await execute('umoci', ['ls', '--layout', directory])).stdout.trim()).toBe('V1.0');
    await execute('umoci', ['gc', '--layout', directory]);
    expect(digestOf(await skopeo('inspect', '--raw', `oci:${directory}:V1.0`))).toBe(image.digest);
    expect(await copiedOut(`oci:${directory}:V1.0`, 'layout-out')).toHaveLength(8);
    expect(readdirSync(directory).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
  });

  it('a layer of any size passes in little memory, in every direction', async () => {
    // TAGFLOW_TEST_LAYER_MIB=2048 for a layer as large as they come.
    const size = Number(process.env['TAGFLOW_TEST_LAYER_MIB'] ?? 512);
    const directory = join(folder.path, 'large');
    const digest = largeLayout(directory, [size]);
    const grown: number[] = [];
    for (const [from, to] of [
      [`oci:${directory}`, `${dev.host}/acme/large`],
      [`${dev.host}/acme/large`, `${prd.host}/acme/large`],
      [`${prd.host}/acme/large`, `oci:${directory}-back`],
    ] as const) {
      const { summary, grownMiB } = await copy(from, to, digest);
      expect(summary).toMatchObject({ manifests: 1, blobsSent: 2 });
      expect(summary.bytes).toBeGreaterThan(size * 1024 * 1024);
      grown.push(grownMiB);
    }
    if (process.env['TAGFLOW_TEST_LAYER_MIB']) console.log(`${size} MiB: memory grew by ${grown.join(', ')} MiB`);
    // About 80 MiB at any size. How much garbage waits for its collection depends on the machine: 154 MiB have been seen.
    expect(Math.max(...grown)).toBeLessThan(size / 2);
  }, 300_000);

  it('case 31: a copy that was killed half way continues where it ended, and showed nothing meanwhile', async () => {
    const directory = join(folder.path, 'killed');
    const digest = largeLayout(directory, [4, 4, 4, 4, 4, 4, 4, 4]);
    const target = repositoryAt(prd, 'acme/killed');
    const run = createOciUnderTest().registry;
    const before = await pushImage(prd.host, 'acme/killed', 'prd');
    await copyHalf(`oci:${directory}`, target.name, digest);
    expect(await run.resolve(target, digest)).toBeUndefined();
    expect(await run.listTags(target)).toEqual(['prd']);
    const { summary } = await copy(`oci:${directory}`, target.name, digest);
    // Of nine blobs some arrived, and some were on their way.
    expect(summary.blobsPresent).toBeGreaterThan(0);
    expect(summary.blobsSent).toBeGreaterThan(0);
    expect(summary.blobsPresent + summary.blobsSent).toBe(9);
    expect(await run.listTags(target)).toEqual(['prd']);
    expect(await run.peek(target, parseTag('prd'))).toBe(before.digest);
    run.close();
    const reference = `docker://${target.name}@${digest}`;
    expect(digestOf(await skopeo('inspect', '--raw', '--tls-verify=false', reference))).toBe(digest);
  });
});

describeReal(
  'what is about an image, between registries with and without the referrers API',
  ['docker-registry', 'zot'],
  () => {
    let places: Readonly<Record<'without' | 'with', { readonly host: string; stop(): Promise<void> }>>;
    beforeAll(async () => {
      const [without, having] = await Promise.all([startDockerRegistry(), startZot()]);
      places = { without, with: having };
    });
    afterAll(async () => {
      await Promise.all([places.without.stop(), places.with.stop()]);
    });

    it.each([
      ['without', 'with'],
      ['with', 'without'],
      ['with', 'with'],
    ] as const)('travels from one %s it to one %s it', async (from, to) => {
      const [source, target] = [places[from], places[to]];
      const path = `acme/signed-${from}-${to}`;
      const image = sampleIndex();
      await pushManifest(`http://${source.host}/v2/${path}`, image, V1);
      const { registry } = createOciUnderTest();
      const signature = referrerOf(image.digest, 'signature');
      const sbom = referrerOf(image.manifests[0]!.digest, 'sbom');
      for (const { blobs, ...manifest } of [signature, sbom]) {
        for (const { digest, bytes } of blobs) {
          const open = async () => Readable.from([bytes]);
          await registry.putBlob(
            repositoryAt(source, path),
            { digest, size: bytes.length },
            open,
            repositoryAt(source),
          );
        }
        await registry.putManifest(repositoryAt(source, path), { ...manifest, size: manifest.bytes.length });
      }
      const copied = repositoryAt(target, `prd/${path}`);
      const { summary } = await copy(`${source.host}/${path}`, copied.name, image.digest);
      expect(summary).toMatchObject({ manifests: 5 });
      const listed = async (subject: Digest) => (await registry.referrers(copied, subject)).map(({ digest }) => digest);
      expect(await listed(image.digest)).toEqual([signature.digest]);
      expect(await listed(image.manifests[0]!.digest)).toEqual([sbom.digest]);
      const { summary: again } = await copy(`${source.host}/${path}`, copied.name, image.digest);
      expect(again).toMatchObject({ manifests: 0, blobsSent: 0 });
      registry.close();
    });
  },
  { optional: true },
);
