// The sample images are what they say, in every byte; the digests hold on any machine.
import { execFileSync } from 'node:child_process';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/model/digest.ts';
import { manifestMediaType } from '../../../src/registry/image/manifest-type.ts';
import { buildImage, type Content } from '../../../src/registry/layout/sample-image.ts';

interface Reference {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}
const jsonOf = (content: Content): unknown => JSON.parse(new TextDecoder().decode(content.bytes));

describe('a sample image', () => {
  const image = buildImage({ name: 'django', version: 'V4.2' });
  const everything = [image, ...image.manifests, ...image.blobs];

  it('has the same digest on every machine and day', () => {
    expect(image.digest).toBe('sha256:f72080aa13460954fe95670f8e78173c81b68b282b5a5f840652556ae647479c');
  });

  it('names every part by the digest of its bytes', () => {
    for (const { digest, bytes } of everything) expect(digest).toBe(digestOf(bytes));
  });

  it('refers to parts that are there, with their size and media type', () => {
    const { manifests } = jsonOf(image) as { manifests: Reference[] };
    const below = image.manifests.flatMap((manifest) => {
      const { config, layers } = jsonOf(manifest) as { config: Reference; layers: Reference[] };
      return [config, ...layers];
    });
    for (const { digest, size, mediaType } of [...manifests, ...below]) {
      const part = everything.find((each) => each.digest === digest);
      expect(part).toMatchObject({ mediaType, bytes: { length: size } });
    }
    expect(manifests.length + below.length).toBe(everything.length - 1);
  });

  it('is of the media types its bodies give', () => {
    for (const each of [image, ...image.manifests]) {
      expect(manifestMediaType(each.bytes, undefined, 'it')).toBe(each.mediaType);
    }
  });

  it('has layers that unpack to the tar their configuration names, with the file that names the image', () => {
    for (const [at, platform] of ['linux/amd64', 'linux/arm64'].entries()) {
      const [config, layer] = image.blobs.slice(at * 2);
      const archive = gunzipSync(layer!.bytes);
      expect(jsonOf(config!)).toMatchObject({ rootfs: { type: 'layers', diff_ids: [digestOf(archive)] } });
      const read = execFileSync('tar', ['-xOf', '-', 'etc/release'], { input: archive, encoding: 'utf8' });
      expect(read).toBe(`name=django\nversion=V4.2\nplatform=${platform}\n`);
    }
  });

  it('differs in every digest from another version, and from another name', () => {
    for (const other of [
      buildImage({ name: 'django', version: 'V4.1' }),
      buildImage({ name: 'app', version: 'V4.2' }),
    ]) {
      const digests = new Set([other, ...other.manifests, ...other.blobs].map(({ digest }) => digest));
      expect(everything.filter(({ digest }) => digests.has(digest))).toEqual([]);
    }
  });

  it('has the platforms asked for', () => {
    const one = buildImage({ name: 'django', version: 'V4.2', platforms: ['linux/s390x'] });
    expect(jsonOf(one)).toMatchObject({ manifests: [{ platform: { os: 'linux', architecture: 's390x' } }] });
  });
});
