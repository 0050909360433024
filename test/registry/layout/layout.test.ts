// The layout adapter: the port's contract, and what only a directory can get wrong.
import { override } from '../../support/override.ts';
import { mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Digest, digestHex, digestOf, isDigest } from '../../../src/model/digest.ts';
import { TagflowError } from '../../../src/model/errors.ts';
import { parseTag, type Repository } from '../../../src/model/reference.ts';
import { createLayoutRegistry } from '../../../src/registry/layout/layout.ts';
import { createLayoutWriter } from '../../../src/registry/layout/writer.ts';
import type { Registry } from '../../../src/registry/registry.ts';
import { registryContract } from '../../contract/registry.ts';
import {
  descriptorsOf,
  hurriedClock,
  indexGeneration,
  indexText,
  layoutRepository,
  machineClock,
  type RawDescriptor,
  type TemporaryFolder,
  temporaryFolder,
} from '../../support/layouts.ts';
import {
  contentOf,
  OCI_INDEX,
  OCI_MANIFEST,
  type SampleManifest,
  sampleSingle,
} from '../../support/sample-manifests.ts';

const clock = machineClock;
const REF_NAME = 'org.opencontainers.image.ref.name';
const V1 = parseTag('V1.0');
const STAGING = parseTag('stg');

async function publish(directory: string, manifest: SampleManifest, tag?: string): Promise<Digest> {
  const writer = createLayoutWriter({ clock });
  await writer.createLayout(directory);
  for (const { bytes } of [...manifest.blobs, ...manifest.manifests]) await writer.writeBlob(directory, bytes);
  return writer.publish(directory, manifest.bytes, manifest.mediaType, tag === undefined ? undefined : parseTag(tag));
}

/** A manifest filled up with white space. */
function padded(length: number): SampleManifest {
  const single = sampleSingle();
  const bytes = new Uint8Array(length).fill(0x20);
  bytes.set(single.bytes);
  return { ...single, bytes, digest: digestOf(bytes) };
}

function blobPath(directory: string, digest: string): string {
  return join(directory, 'blobs', ...digest.split(':'));
}

registryContract('an OCI layout', async () => {
  const folder = temporaryFolder();
  const directory = join(folder.path, 'django');
  const registry = createLayoutRegistry({ baseDirectory: folder.path, clock });
  let writes = 0;
  const counted = override<Registry>(registry, {
    async tag(...call) {
      const before = await indexGenerationOr(directory);
      try {
        return await registry.tag(...call);
      } finally {
        if ((await indexGenerationOr(directory)) !== before) writes += 1;
      }
    },
  });
  return {
    registry: counted,
    repository: layoutRepository('django'),
    publish: async (manifest, tag) => void (await publish(directory, manifest, tag)),
    read: async (at) => {
      const digest = isDigest(at)
        ? at
        : descriptorsOf(directory).find((each) => each.annotations?.[REF_NAME] === at)?.digest;
      return digest === undefined ? undefined : new Uint8Array(readFileSync(blobPath(directory, digest)));
    },
    writes: () => writes,
    close: async () => folder[Symbol.dispose](),
  };
});

async function indexGenerationOr(directory: string): Promise<string | undefined> {
  try {
    return indexGeneration(directory);
  } catch {
    return undefined;
  }
}

describe('a layout', () => {
  let folder: TemporaryFolder;
  let directory: string;
  let repository: Repository;
  let registry: Registry;
  beforeEach(() => {
    folder = temporaryFolder();
    directory = join(folder.path, 'django');
    repository = layoutRepository(directory);
    registry = createLayoutRegistry({ baseDirectory: folder.path, clock });
  });
  afterEach(() => folder[Symbol.dispose]());

  const rewriteIndex = (change: (manifests: RawDescriptor[]) => unknown[]) => {
    const index = JSON.parse(indexText(directory)) as { manifests: RawDescriptor[] };
    writeFileSync(join(directory, 'index.json'), JSON.stringify({ ...index, manifests: change(index.manifests) }));
  };

  const spoil = (name: string, text: string | Uint8Array) => writeFileSync(join(directory, name), text);
  const index = (text: string) => () => spoil('index.json', text);
  /** Moves a part of the layout away, and puts something else in its place. */
  const exchange = (name: string, put: (path: string) => void) => () => {
    renameSync(join(directory, name), join(folder.path, 'moved'));
    put(join(directory, name));
  };
  const link = (path: string) => symlinkSync(join(folder.path, 'moved'), path);

  it('is found by a relative directory under the base directory', async () => {
    const digest = await publish(directory, sampleSingle(), 'V1.0');
    expect(await registry.peek(layoutRepository('./django'), V1)).toBe(digest);
  });

  it('may be reached through a symbolic link', async () => {
    const digest = await publish(directory, sampleSingle(), 'V1.0');
    symlinkSync(directory, join(folder.path, 'linked'));
    expect(await registry.tag(layoutRepository('linked'), digest, STAGING)).toMatchObject({ changed: true });
    expect(await registry.peek(repository, STAGING)).toBe(digest);
  });

  it('refuses a repository that is not a layout as a defect', async () => {
    const remote = { kind: 'remote', name: 'r.example.com/a', host: 'r.example.com', path: 'a' } as const;
    await expect(registry.peek(remote, V1)).rejects.toMatchObject({ code: 'internal' });
  });

  describe('that is broken', () => {
    it.each<[string, () => void, RegExp]>([
      ['has no oci-layout', exchange('oci-layout', () => undefined), /oci-layout is missing/],
      ['has no index.json', exchange('index.json', () => undefined), /index\.json is missing/],
      ['has rubbish in oci-layout', () => spoil('oci-layout', 'rubbish'), /oci-layout is not JSON/],
      ['has null in oci-layout', () => spoil('oci-layout', 'null'), /imageLayoutVersion .* missing/],
      [
        'is of another version',
        () => spoil('oci-layout', '{"imageLayoutVersion":"2.0.0"}'),
        /"2\.0\.0", not "1\.0\.0"/,
      ],
      ['has rubbish in index.json', index('{"schemaVersion":2,"manif'), /index\.json is not JSON/],
      ['has an empty index.json', index(''), /index\.json is not JSON/],
      ['has an index.json that is not UTF-8', () => spoil('index.json', Buffer.from([0x22, 0xff, 0x22])), /not UTF-8/],
      ['has a list for index.json', index('[]'), /not a JSON object/],
      ['has another schema', index('{"schemaVersion":1,"manifests":[]}'), /schemaVersion .* 1, not 2/],
      [
        'calls its index a manifest',
        index(`{"schemaVersion":2,"mediaType":"${OCI_MANIFEST}","manifests":[]}`),
        /mediaType/,
      ],
      ['has no list of manifests', index('{"schemaVersion":2}'), /has no "manifests"/],
      ['has a text for a list', index('{"schemaVersion":2,"manifests":"[]"}'), /is not a list/],
      ['has two lists', index('{"schemaVersion":2,"manifests":[],"manifests":[]}'), /"manifests" and "manifests"/],
      [
        'has a second list for Go',
        index('{"schemaVersion":2,"manifests":[],"Manifests":[]}'),
        /"manifests" and "Manifests"/,
      ],
      ['has a link for index.json', exchange('index.json', link), /index\.json is a symbolic link/],
      ['has a link for oci-layout', exchange('oci-layout', link), /oci-layout is a symbolic link/],
      ['has a folder for index.json', exchange('index.json', (path) => mkdirSync(path)), /index\.json is not a file/],
    ])('is refused when it %s', async (_what, damage, why) => {
      const digest = await publish(directory, sampleSingle(), 'V1.0');
      damage();
      const registry = createLayoutRegistry({ baseDirectory: folder.path, clock: hurriedClock });
      const expected = {
        code: 'layout-invalid',
        message: expect.stringContaining(`oci:${directory}`),
        why: expect.stringMatching(why),
      };
      await expect(registry.peek(repository, V1)).rejects.toMatchObject(expected);
      await expect(registry.resolve(repository, digest)).rejects.toMatchObject(expected);
      await expect(registry.listTags(repository)).rejects.toMatchObject(expected);
      await expect(registry.tag(repository, digest, STAGING)).rejects.toMatchObject(expected);
    });

    it.each([
      ['blobs', 'blobs'],
      ['blobs/sha256', 'blobs/sha256'],
    ])('is refused when %s is a link', async (_what, name) => {
      const digest = await publish(directory, sampleSingle(), 'V1.0');
      exchange(name, link)();
      await expect(registry.resolve(repository, V1)).rejects.toMatchObject({
        code: 'layout-invalid',
        why: expect.stringMatching(/is a symbolic link$/),
      });
      await expect(registry.tag(repository, digest, STAGING)).rejects.toMatchObject({ code: 'layout-invalid' });
    });

    it('is refused when a blob is a link, even to the right bytes', async () => {
      const digest = await publish(directory, sampleSingle(), 'V1.0');
      exchange(`blobs/sha256/${digestHex(digest)}`, link)();
      await expect(registry.resolve(repository, V1)).rejects.toMatchObject({ code: 'layout-invalid' });
    });

    it('is refused when it is a file', async () => {
      writeFileSync(directory, '');
      await expect(registry.peek(repository, V1)).rejects.toMatchObject({
        code: 'layout-invalid',
        why: 'it is not a directory',
      });
    });

    it('is refused when the blob of a tag is gone, and the image is not there', async () => {
      const digest = await publish(directory, sampleSingle(), 'V1.0');
      exchange(`blobs/sha256/${digestHex(digest)}`, () => undefined)();
      await expect(registry.resolve(repository, V1)).rejects.toMatchObject({
        code: 'layout-invalid',
        why: expect.stringContaining(digest),
      });
      expect(await registry.resolve(repository, digest)).toBeUndefined();
      await expect(registry.tag(repository, digest, STAGING)).rejects.toMatchObject({ code: 'digest-not-found' });
    });

    it.each([
      'sha256:../../../../etc/passwd',
      `sha256:${'A'.repeat(64)}`,
      'sha256:',
      '../../oci-layout',
      `md5:${'0'.repeat(32)}`,
    ])('is refused when a tag has the digest %s', async (digest) => {
      const good = await publish(directory, sampleSingle(), 'V1.0');
      rewriteIndex(([first]) => [{ ...first, digest }]);
      await expect(registry.resolve(repository, V1)).rejects.toMatchObject({
        code: 'layout-invalid',
        why: expect.stringContaining(JSON.stringify(digest)),
      });
      await expect(registry.tag(repository, good, V1)).rejects.toMatchObject({ code: 'layout-invalid' });
    });

    it('is refused when two images have one tag, naming both', async () => {
      const first = await publish(directory, sampleSingle('V1.0'), 'stg');
      const second = await publish(directory, sampleSingle('V2.0'));
      rewriteIndex((manifests) => manifests.map((each) => ({ ...each, annotations: { [REF_NAME]: 'stg' } })));
      const expected = {
        code: 'layout-invalid',
        why: expect.stringMatching(`${first}.*${second}`),
        details: { tag: 'stg', digests: [first, second] },
      };
      await expect(registry.peek(repository, STAGING)).rejects.toMatchObject(expected);
      await expect(registry.resolve(repository, STAGING)).rejects.toMatchObject(expected);
      await expect(registry.tag(repository, first, STAGING)).rejects.toMatchObject(expected);
      expect(await registry.resolve(repository, second)).toMatchObject({ digest: second });
    });

    it('is not harmed by the refusal', async () => {
      const digest = await publish(directory, sampleSingle(), 'V1.0');
      rewriteIndex((manifests) => [
        ...manifests,
        { ...manifests[0], digest: 'sha256:..', annotations: { [REF_NAME]: 'stg' } },
      ]);
      const before = indexText(directory);
      await expect(registry.tag(repository, digest, STAGING)).rejects.toMatchObject({ code: 'layout-invalid' });
      expect(indexText(directory)).toBe(before);
    });
  });

  describe('with bytes that are not what they are called', () => {
    it('is refused when a blob does not hash to its name', async () => {
      const digest = await publish(directory, sampleSingle('V1.0'), 'V1.0');
      writeFileSync(blobPath(directory, digest), sampleSingle('V2.0').bytes);
      const expected = { code: 'digest-mismatch', details: { expected: digest, actual: sampleSingle('V2.0').digest } };
      await expect(registry.resolve(repository, V1)).rejects.toMatchObject(expected);
      await expect(registry.resolve(repository, digest)).rejects.toMatchObject(expected);
      await expect(registry.tag(repository, digest, STAGING)).rejects.toMatchObject(expected);
      expect(await registry.peek(repository, STAGING)).toBeUndefined();
    });

    const { config, layers } = JSON.parse(new TextDecoder().decode(sampleSingle().bytes)) as {
      config: object;
      layers: object[];
    };
    it.each<[string, string, object | string]>([
      ['an index that calls itself a manifest', OCI_INDEX, { mediaType: OCI_MANIFEST, manifests: [] }],
      ['a body with manifests and layers', OCI_INDEX, { manifests: [], layers }],
      ['a manifest with manifests', OCI_MANIFEST, { config, layers, manifests: [] }],
      ['an index with a configuration', OCI_INDEX, { manifests: [], config }],
      ['an index without manifests', OCI_INDEX, { config, layers }],
      ['a manifest without layers', OCI_MANIFEST, { config }],
      ['a body that is a list', OCI_MANIFEST, '[]'],
      ['a body that is not JSON', OCI_MANIFEST, 'rubbish'],
    ])('is refused when it has %s', async (_what, mediaType, body) => {
      await publish(directory, sampleSingle(), 'V1.0');
      const content = contentOf(mediaType, typeof body === 'string' ? body : { schemaVersion: 2, ...body });
      writeFileSync(blobPath(directory, content.digest), content.bytes);
      rewriteIndex((manifests) => [
        ...manifests,
        { mediaType, digest: content.digest, size: content.bytes.length, annotations: { [REF_NAME]: 'odd' } },
      ]);
      const before = indexText(directory);
      await expect(registry.resolve(repository, parseTag('odd'))).rejects.toMatchObject({
        code: 'media-type-conflict',
      });
      await expect(registry.tag(repository, content.digest, STAGING)).rejects.toMatchObject({
        code: 'media-type-conflict',
      });
      expect(indexText(directory)).toBe(before);
    });

    it.each([
      ['4 MiB', 4 * 1024 * 1024, undefined],
      ['a limit of its own', 1000, 1000],
    ])('holds a manifest of exactly %s, and none that is larger', async (_what, size, maxManifestBytes) => {
      const registry = createLayoutRegistry({
        baseDirectory: folder.path,
        clock,
        ...(maxManifestBytes && { maxManifestBytes }),
      });
      const fits = await publish(directory, padded(size), 'fits');
      const large = await publish(directory, padded(size + 1), 'large');
      expect(await registry.resolve(repository, parseTag('fits'))).toMatchObject({ digest: fits, size });
      const expected = { code: 'manifest-too-large', details: { digest: large, size: size + 1, limit: size } };
      await expect(registry.resolve(repository, parseTag('large'))).rejects.toMatchObject(expected);
      await expect(registry.tag(repository, large, STAGING)).rejects.toMatchObject(expected);
    });
  });

  it('holds images under their sha512 digest as well', async () => {
    await publish(directory, sampleSingle('V1.0'), 'V1.0');
    const { bytes, mediaType } = sampleSingle('V2.0');
    const digest = digestOf(bytes, 'sha512');
    mkdirSync(join(directory, 'blobs', 'sha512'));
    writeFileSync(blobPath(directory, digest), bytes);
    expect(await registry.tag(repository, digest, STAGING)).toEqual({ changed: true, previous: undefined });
    expect(await registry.resolve(repository, STAGING)).toEqual({ mediaType, digest, size: bytes.length });
  });

  it('reads an index that is written in place at that moment', async () => {
    const digest = await publish(directory, sampleSingle(), 'V1.0');
    const whole = indexText(directory);
    writeFileSync(join(directory, 'index.json'), whole.slice(0, 40));
    let sleeps = 0;
    const patient = createLayoutRegistry({
      baseDirectory: folder.path,
      clock: {
        now: () => 0,
        elapsed: () => 0,
        sleep: async () => {
          sleeps += 1;
          if (sleeps === 2) writeFileSync(join(directory, 'index.json'), whole);
        },
      },
    });
    expect(await patient.peek(repository, V1)).toBe(digest);
    expect(sleeps).toBe(2);
  });

  describe('when the run is interrupted', () => {
    it('begins nothing', async () => {
      const digest = await publish(directory, sampleSingle(), 'V1.0');
      const stopped = createLayoutRegistry({ baseDirectory: folder.path, clock, signal: AbortSignal.abort() });
      await expect(stopped.tag(repository, digest, STAGING)).rejects.toMatchObject({ code: 'interrupted' });
      await expect(stopped.peek(repository, V1)).rejects.toMatchObject({ code: 'interrupted' });
      expect(await registry.peek(repository, STAGING)).toBeUndefined();
    });

    it('stops waiting for the lock, for the reason given', async () => {
      const digest = await publish(directory, sampleSingle(), 'V1.0');
      mkdirSync(join(directory, '.tagflow.lock'));
      const stop = new AbortController();
      const reason = new TagflowError('interrupted', { what: 'stopped by SIGINT' });
      const waiting = createLayoutRegistry({
        baseDirectory: folder.path,
        signal: stop.signal,
        clock: {
          now: () => 0,
          elapsed: () => 0,
          sleep: async (_milliseconds, signal) => {
            stop.abort(reason);
            signal?.throwIfAborted();
          },
        },
      });
      await expect(waiting.tag(repository, digest, STAGING)).rejects.toBe(reason);
    });
  });

  it('leaves no file behind but the layout', async () => {
    const digest = await publish(directory, sampleSingle(), 'V1.0');
    await registry.tag(repository, digest, STAGING);
    expect(readdirSync(directory).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
  });
});
