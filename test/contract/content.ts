// The contract of the abilities to be copied from and into (ContentSource and ContentTarget of
// src/registry/registry.ts): one suite, run over the in-memory fake and over every adapter.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../src/model/digest.ts';
import { TagflowError } from '../../src/model/errors.ts';
import { parseRepository, type Repository } from '../../src/model/reference.ts';
import type { BlobDescriptor, ContentStore, Manifest } from '../../src/registry/registry.ts';
import {
  contentOf,
  OCI_MANIFEST,
  type SampleManifest,
  sampleIndex,
  sampleSingle,
} from '../support/sample-manifests.ts';

/** A store under test. */
export interface ContentPlace {
  readonly store: ContentStore;
  /** Does not exist yet; comes into being with the first thing put. */
  readonly repository: Repository;
  /** Ends what `setup` started. */
  close?(): Promise<void> | void;
}

const ELSEWHERE = parseRepository('elsewhere.example.org/acme/app');

/** Bytes in chunks of an odd length, as a network may cut them. */
async function* inChunks(bytes: Uint8Array, length = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

/** All bytes of a stream. */
export async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/** A manifest about another: an artifact as ORAS and cosign make them. */
export function referrerOf(subject: Digest, name: string): SampleManifest {
  const config = contentOf('application/vnd.oci.empty.v1+json', '{}');
  const layer = contentOf('application/octet-stream', `${name} of ${subject}`);
  const describe = (content: typeof config) => ({
    mediaType: content.mediaType,
    digest: content.digest,
    size: content.bytes.length,
  });
  const manifest = contentOf(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: `application/vnd.example.${name}`,
    config: describe(config),
    layers: [describe(layer)],
    subject: { mediaType: OCI_MANIFEST, digest: subject, size: 1 },
  });
  return { ...manifest, blobs: [config, layer], manifests: [] };
}

/** Declares the suite. `setup` gives a fresh store each time it is called. */
export function contentContract(name: string, setup: () => Promise<ContentPlace>): void {
  describe(`${name} can be copied from and into`, () => {
    let place: ContentPlace;
    // Other bytes for each test: to some registries a blob of any of their repositories is one of this.
    let number = 0;
    let bytes: Buffer;
    let blob: BlobDescriptor;
    beforeEach(async () => {
      place = await setup();
      number += 1;
      bytes = Buffer.from(`layer ${String(number).padStart(2)}`.repeat(5000));
      blob = { digest: digestOf(bytes), size: bytes.length };
    });
    afterEach(async () => {
      await place.close?.();
    });

    const putBlob = async (content: Uint8Array, open = async () => inChunks(content)) =>
      place.store.putBlob(place.repository, { digest: digestOf(content), size: content.length }, open, ELSEWHERE);
    const openBlob = async () => place.store.openBlob(place.repository, blob);
    const put = async (sample: SampleManifest) => {
      for (const each of sample.blobs) await putBlob(each.bytes);
      for (const each of [...sample.manifests, sample]) {
        await place.store.putManifest(place.repository, { ...each, size: each.bytes.length } satisfies Manifest);
      }
      return sample.digest;
    };

    it('has nothing before anything is put', async () => {
      const { store, repository } = place;
      expect(await store.hasBlob(repository, blob)).toBe(false);
      expect(await store.openBlob(repository, blob)).toBeUndefined();
      expect(await store.hasManifest(repository, blob.digest)).toBe(false);
      expect(await store.readManifest(repository, blob.digest)).toBeUndefined();
      expect(await store.referrers(repository, blob.digest)).toEqual([]);
    });

    it('gives a blob back byte for byte, and takes it a second time', async () => {
      await putBlob(bytes);
      await putBlob(bytes);
      expect(await place.store.hasBlob(place.repository, blob)).toBe(true);
      expect(await bytesOf((await openBlob())!)).toEqual(bytes);
    });

    it('takes an empty blob', async () => {
      const empty = Buffer.alloc(0);
      await putBlob(empty);
      const chunks = await place.store.openBlob(place.repository, { digest: digestOf(empty), size: 0 });
      expect(await bytesOf(chunks!)).toEqual(empty);
    });

    it('lets a blob be left before its end', async () => {
      await putBlob(bytes);
      for await (const chunk of (await openBlob())!) {
        expect(bytes.subarray(0, chunk.length)).toEqual(Buffer.from(chunk));
        break;
      }
      expect(await bytesOf((await openBlob())!)).toEqual(bytes);
    });

    it.each<[string, () => Uint8Array]>([
      ['other bytes of the same length', () => Buffer.from(bytes.toString().toUpperCase())],
      ['a byte less', () => bytes.subarray(1)],
      ['a byte more', () => Buffer.concat([bytes, Buffer.from('!')])],
      ['nothing', () => Buffer.alloc(0)],
    ])('keeps nothing of a blob when %s comes for it', async (_case, wrong) => {
      const { store, repository } = place;
      const putting = store.putBlob(repository, blob, async () => inChunks(wrong()), ELSEWHERE);
      await expect(putting).rejects.toMatchObject({ code: 'digest-mismatch' });
      expect(await store.hasBlob(repository, blob)).toBe(false);
    });

    it('keeps nothing of a blob whose source ends in an error, and hands the error on', async () => {
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield bytes.subarray(0, 10_000);
        throw new TagflowError('forbidden', { what: 'the source is closed' });
      }
      await expect(putBlob(bytes, async () => broken())).rejects.toMatchObject({ code: 'forbidden' });
      expect(await place.store.hasBlob(place.repository, blob)).toBe(false);
    });

    it('hands the error on of a source that cannot be opened', async () => {
      const gone = new TagflowError('digest-not-found', { what: 'it is gone' });
      await expect(putBlob(bytes, () => Promise.reject(gone))).rejects.toMatchObject({ code: 'digest-not-found' });
      expect(await place.store.hasBlob(place.repository, blob)).toBe(false);
    });

    it.each([
      ['an image', sampleSingle],
      ['an index', sampleIndex],
    ])('gives the manifest of %s back byte for byte under its digest', async (_form, make) => {
      const sample = make();
      await put(sample);
      await put(sample);
      const { store, repository } = place;
      expect(await store.hasManifest(repository, sample.digest)).toBe(true);
      const read = await store.readManifest(repository, sample.digest);
      expect({ ...read, bytes: Buffer.from(read!.bytes) }).toEqual({
        mediaType: sample.mediaType,
        digest: sample.digest,
        size: sample.bytes.length,
        bytes: Buffer.from(sample.bytes),
      });
      expect(await store.resolve(repository, sample.digest)).toMatchObject({ digest: sample.digest });
      expect(await store.listTags(repository)).toEqual([]);
    });

    it('lists what is about a manifest, each once, put one after the other or at once', async () => {
      const { store, repository } = place;
      const subject = await put(sampleSingle());
      const about = ['signature', 'sbom', 'attestation'].map((kind) => referrerOf(subject, kind));
      await put(about[0]!);
      await Promise.all(about.slice(1).map(put));
      await put(about[0]!);
      const listed = await store.referrers(repository, subject);
      expect(listed.map(({ digest }) => digest).sort()).toEqual(about.map(({ digest }) => digest).sort());
      expect(listed.find(({ digest }) => digest === about[0]!.digest)).toEqual({
        mediaType: OCI_MANIFEST,
        digest: about[0]!.digest,
        size: about[0]!.bytes.length,
      });
      expect(await store.referrers(repository, about[0]!.digest)).toEqual([]);
    });
  });
}
