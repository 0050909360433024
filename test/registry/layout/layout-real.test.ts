// The judges of a layout: skopeo and umoci read what tagflow writes, and tagflow keeps what they write.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/model/digest.ts';
import { parseTag } from '../../../src/model/reference.ts';
import { createLayoutRegistry } from '../../../src/registry/layout/layout.ts';
import { createLayoutWriter } from '../../../src/registry/layout/writer.ts';
import { buildImage } from '../../../src/registry/layout/sample-image.ts';
import {
  layoutRepository,
  machineClock as clock,
  type TemporaryFolder,
  temporaryFolder,
} from '../../support/layouts.ts';
import { describeReal } from '../../support/real.ts';
import { sampleOddlySpaced, type SampleManifest, sampleIndex, sampleSingle } from '../../support/sample-manifests.ts';

const run = promisify(execFile);
const V1 = parseTag('V1.0');
const V2 = parseTag('V2.0');
const STAGING = parseTag('stg');

let folder: TemporaryFolder;
let directory: string;
beforeEach(() => {
  folder = temporaryFolder();
  directory = join(folder.path, 'django');
});
afterEach(() => folder[Symbol.dispose]());

const repository = layoutRepository('django');
const registry = () => createLayoutRegistry({ baseDirectory: folder.path, clock });

async function publish(manifest: SampleManifest, tag?: typeof V1) {
  const writer = createLayoutWriter({ clock });
  await writer.publishImage(directory, manifest, tag);
  return manifest.digest;
}

async function skopeo(...argv: string[]): Promise<Buffer> {
  const { stdout } = await run('skopeo', ['--insecure-policy', ...argv], { encoding: 'buffer' });
  return stdout;
}

async function umoci(...argv: string[]): Promise<string> {
  return (await run('umoci', argv)).stdout;
}

async function umociTags(): Promise<string[]> {
  return (await umoci('ls', '--layout', directory)).trim().split('\n').sort();
}

/** The digest of the one layer of a manifest. */
function layerOf(manifest: SampleManifest): string | undefined {
  return (JSON.parse(new TextDecoder().decode(manifest.bytes)) as { layers: { digest: string }[] }).layers[0]?.digest;
}

/** The digest of the manifest that skopeo reads at a tag. */
async function skopeoDigest(tag: string): Promise<string> {
  return digestOf(await skopeo('inspect', '--raw', `oci:${directory}:${tag}`));
}

describeReal('a layout, as skopeo reads it', ['skopeo'], () => {
  it.each([
    ['an index', sampleIndex],
    ['a manifest', sampleSingle],
    ['a manifest with odd white space', sampleOddlySpaced],
  ])('has our tags on %s, in the same bytes', async (_what, make) => {
    const first = await publish(make('V1.0'), V1);
    const second = await publish(make('V2.0'), V2);
    await registry().tag(repository, first, STAGING);
    expect(await skopeoDigest('stg')).toBe(first);
    await registry().tag(repository, second, STAGING);
    expect(await skopeoDigest('stg')).toBe(second);
    expect(await skopeoDigest('V1.0')).toBe(first);
  });

  it('can be copied from, whole, by our tag', async () => {
    const digest = await publish(buildImage({ name: 'django', version: 'V1.0' }), V1);
    await registry().tag(repository, digest, STAGING);
    await skopeo('copy', '--quiet', '--all', `oci:${directory}:stg`, `oci:${join(folder.path, 'copy')}:stg`);
    expect(await registry().resolve(layoutRepository('copy'), STAGING)).toMatchObject({ digest });
  });

  it('shows the platform and labels of an image that was tagged', async () => {
    const digest = await publish(buildImage({ name: 'django', version: 'V1.0' }), V1);
    await registry().tag(repository, digest, STAGING);
    const shown = await skopeo('inspect', '--override-arch', 'arm64', '--override-os', 'linux', `oci:${directory}:stg`);
    expect(JSON.parse(shown.toString())).toMatchObject({
      Architecture: 'arm64',
      Labels: { 'org.opencontainers.image.version': 'V1.0' },
    });
  });

  it('keeps our tags when skopeo copies into it, and its tags when we write', async () => {
    const first = await publish(sampleIndex('V1.0'), V1);
    await registry().tag(repository, first, STAGING);
    const other = join(folder.path, 'other');
    const image = sampleIndex('V3.0');
    await createLayoutWriter({ clock }).publishImage(other, image, parseTag('V3.0'));

    await skopeo('copy', '--quiet', '--all', `oci:${other}:V3.0`, `oci:${directory}:V3.0`);
    expect(await registry().peek(repository, STAGING)).toBe(first);
    expect(await registry().resolve(repository, parseTag('V3.0'))).toMatchObject({ digest: image.digest });

    await registry().tag(repository, image.digest, STAGING);
    expect(await skopeoDigest('V3.0')).toBe(image.digest);
    expect(await skopeoDigest('stg')).toBe(image.digest);
    expect(await skopeoDigest('V1.0')).toBe(first);
    expect(await registry().listTags(repository)).toEqual(['V1.0', 'stg', 'V3.0']);
  });

  it('gives up a tag to skopeo and takes it back', async () => {
    const first = await publish(sampleSingle('V1.0'), V1);
    const second = await publish(sampleSingle('V2.0'), V2);
    await registry().tag(repository, first, STAGING);
    await skopeo('copy', '--quiet', `oci:${directory}:V2.0`, `oci:${directory}:stg`);
    expect(await registry().peek(repository, STAGING)).toBe(second);
    expect(await registry().tag(repository, first, STAGING)).toEqual({ changed: true, previous: second });
    expect(await skopeoDigest('stg')).toBe(first);
  });
});

describeReal('a layout, as umoci reads it', ['umoci'], () => {
  it('lists our tags, and shows the image each is on', async () => {
    const [first, second] = [sampleSingle('V1.0'), sampleSingle('V2.0')];
    await publish(first, V1);
    await publish(second, V2);
    await registry().tag(repository, first.digest, STAGING);
    await registry().tag(repository, second.digest, STAGING);
    expect(await umociTags()).toEqual(['V1.0', 'V2.0', 'stg']);
    const history = JSON.parse(await umoci('stat', '--json', '--image', `${directory}:stg`)) as { history: object[] };
    expect(history.history).toMatchObject([{ layer: { digest: layerOf(second) } }]);
  });

  it('lists our tag on an index', async () => {
    await registry().tag(repository, await publish(sampleIndex(), V1), STAGING);
    expect(await umociTags()).toEqual(['V1.0', 'stg']);
  });

  it('keeps our tags when umoci tags, and its tags when we do', async () => {
    const digest = await publish(sampleSingle(), V1);
    await registry().tag(repository, digest, STAGING);
    await umoci('tag', '--image', `${directory}:stg`, 'theirs');
    expect(await registry().peek(repository, parseTag('theirs'))).toBe(digest);
    await registry().tag(repository, digest, parseTag('prd'));
    expect(await umociTags()).toEqual(['V1.0', 'prd', 'stg', 'theirs']);
  });

  it('keeps the image a tag left, for a rollback, when umoci collects garbage', async () => {
    const first = await publish(sampleSingle('V1.0'), STAGING);
    const second = await publish(sampleIndex('V2.0'), V2);
    await registry().tag(repository, second, STAGING);
    await umoci('gc', '--layout', directory);
    expect(await registry().tag(repository, first, STAGING)).toEqual({ changed: true, previous: second });
    for (const child of sampleIndex('V2.0').manifests) {
      expect(await registry().resolve(repository, child.digest)).toMatchObject({ digest: child.digest });
    }
  });
});

describe('a layout made by skopeo or umoci', () => {
  describeReal('and tagged by us', ['skopeo', 'umoci'], () => {
    it('goes back and forth among all three with one digest', async () => {
      const digest = await publish(sampleSingle(), V1);
      await skopeo('copy', '--quiet', `oci:${directory}:V1.0`, `oci:${directory}:by-skopeo`);
      await umoci('tag', '--image', `${directory}:by-skopeo`, 'by-umoci');
      await registry().tag(repository, digest, STAGING);
      await skopeo('copy', '--quiet', `oci:${directory}:stg`, `oci:${directory}:again`);
      for (const tag of ['V1.0', 'by-skopeo', 'by-umoci', 'stg', 'again']) {
        expect(await registry().peek(repository, parseTag(tag))).toBe(digest);
        expect(await skopeoDigest(tag)).toBe(digest);
      }
    });
  });
});
