// The contract of the Registry port (src/registry/registry.ts): one suite, run over the in-memory fake and over every
// adapter. What it asserts is what the engine may rely on; what only one adapter can show stays in that adapter's tests.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../src/model/digest.ts';
import { isTagflowError } from '../../src/model/errors.ts';
import { parseTag, type Repository, type Tag } from '../../src/model/reference.ts';
import type { AbleRegistry, Registry } from '../../src/registry/registry.ts';
import { failureOf } from '../support/failure.ts';
import { sampleIndex, type SampleManifest, SAMPLES, sampleSingle } from '../support/sample-manifests.ts';

/** A registry under test, with a way behind its back: publishing and reading never go through the adapter. */
export interface RegistryPlace {
  readonly registry: AbleRegistry;
  /** Holds nothing yet; comes into being when something is published. */
  readonly repository: Repository;
  /** Puts a manifest, its blobs and its children into the repository, and a tag on it when one is given. */
  publish(manifest: SampleManifest, tag?: Tag): Promise<void>;
  /** The raw bytes the repository holds at a tag or digest; undefined when it holds none. */
  read(at: Tag | Digest): Promise<Uint8Array | undefined>;
  /** How often the registry under test has changed the repository so far. Leave out only where nothing can count it. */
  writes?(): number | Promise<number>;
  /** What happens to an image's last tag where tags can be removed, or that they cannot. Default: it is removed. */
  readonly removal?: 'removed' | 'last' | 'unsupported';
  /** Whether an image stays when its only tag moves away from it. Default: it does. */
  readonly keepsUntagged?: boolean;
  /** Ends what `setup` started. */
  close?(): Promise<void>;
}

const V1 = parseTag('V1.0');
const V2 = parseTag('V2.0');
const STAGING = parseTag('stg');
const NOWHERE = digestOf('no such manifest');

/** Declares the suite. `setup` gives a fresh, empty repository each time it is called. */
export function registryContract(name: string, setup: () => Promise<RegistryPlace>): void {
  describe(`${name} keeps the contract of a registry`, () => {
    let place: RegistryPlace;
    beforeEach(async () => {
      place = await setup();
    });
    afterEach(async () => {
      await place.close?.();
    });

    const resolve = (at: Tag | Digest) => place.registry.resolve(place.repository, at);
    const peek = (tag: Tag) => place.registry.peek(place.repository, tag);
    const tag = (digest: Digest, name: Tag, options?: Parameters<Registry['tag']>[3]) =>
      place.registry.tag(place.repository, digest, name, options);
    const publish = async (manifest: SampleManifest, name?: Tag) => {
      await place.publish(manifest, name);
      return manifest.digest;
    };
    const writesDuring = async (action: () => Promise<unknown>) => {
      const before = await place.writes?.();
      await action();
      const after = await place.writes?.();
      return before === undefined || after === undefined ? undefined : after - before;
    };

    describe.each(SAMPLES)('with %s', (_form, make) => {
      it('resolves its version tag to the digest, media type and size of its bytes', async () => {
        const manifest = make();
        await publish(manifest, V1);
        expect(await resolve(V1)).toEqual({
          mediaType: manifest.mediaType,
          digest: manifest.digest,
          size: manifest.bytes.length,
        });
      });

      it('resolves its digest to the same as its tag', async () => {
        const digest = await publish(make(), V1);
        expect(await resolve(digest)).toEqual(await resolve(V1));
      });

      it('cases 1, 2 and 3: tags it with its bytes and its media type unchanged, whatever white space, with or without mediaType', async () => {
        const manifest = make();
        const digest = await publish(manifest, V1);
        expect(await tag(digest, STAGING)).toEqual({ changed: true, previous: undefined });
        expect(await place.read(STAGING)).toEqual(manifest.bytes);
        expect(await resolve(STAGING)).toEqual(await resolve(V1));
      });

      it('gives the digest of a tag to a peek', async () => {
        const digest = await publish(make(), V1);
        expect(await peek(V1)).toBe(digest);
      });
    });

    describe('what is not there', () => {
      it('is undefined for a tag nobody published', async () => {
        await publish(sampleSingle(), V1);
        expect(await resolve(STAGING)).toBeUndefined();
        expect(await peek(STAGING)).toBeUndefined();
      });

      it('is undefined for a digest nobody published', async () => {
        await publish(sampleSingle(), V1);
        expect(await resolve(NOWHERE)).toBeUndefined();
      });

      it('case 38: is not found under its sha512 digest, or found under that one, never under the other', async () => {
        const manifest = sampleSingle();
        await publish(manifest, V1);
        const sha512 = digestOf(manifest.bytes, 'sha512');
        const found = await resolve(sha512).catch((error: unknown) => {
          if (isTagflowError(error)) return undefined;
          throw error;
        });
        expect([undefined, sha512]).toContain(found?.digest);
      });

      it('is undefined, and an empty list, in a repository nobody published to', async () => {
        expect(await resolve(V1)).toBeUndefined();
        expect(await resolve(NOWHERE)).toBeUndefined();
        expect(await peek(V1)).toBeUndefined();
        expect(await place.registry.listTags(place.repository)).toEqual([]);
      });

      it('case 41: cannot be tagged, and the tag stays as it is', async () => {
        const digest = await publish(sampleSingle(), STAGING);
        const error = await failureOf(tag(NOWHERE, STAGING));
        expect(error.code).toBe('digest-not-found');
        expect(error.message).toContain(NOWHERE);
        expect(await peek(STAGING)).toBe(digest);
      });

      it('cannot be tagged in a repository nobody published to', async () => {
        expect(await failureOf(tag(NOWHERE, STAGING))).toMatchObject({ code: 'digest-not-found' });
      });

      it('cannot be tagged by naming a layer or a configuration', async () => {
        const manifest = sampleSingle();
        await publish(manifest, V1);
        for (const blob of manifest.blobs) {
          expect(await failureOf(tag(blob.digest, STAGING))).toMatchObject({ code: 'digest-not-found' });
        }
        expect(await peek(STAGING)).toBeUndefined();
      });
    });

    describe('moving a tag', () => {
      it('names the image the tag left', async () => {
        const first = await publish(sampleIndex('V1.0'), V1);
        const second = await publish(sampleIndex('V2.0'), V2);
        await tag(first, STAGING);
        expect(await tag(second, STAGING)).toEqual({ changed: true, previous: first });
        expect(await resolve(STAGING)).toMatchObject({ digest: second });
      });

      it('leaves every other tag alone', async () => {
        const first = await publish(sampleIndex('V1.0'), V1);
        const second = await publish(sampleIndex('V2.0'), V2);
        await tag(first, STAGING);
        await tag(second, STAGING);
        expect(await peek(V1)).toBe(first);
        expect(await peek(V2)).toBe(second);
      });

      it('keeps the image it left, so that a rollback finds it', async () => {
        const first = await publish(sampleSingle('V1.0'), STAGING);
        // Where only a tag keeps an image, that of its release does: it is put before the target tag moves.
        if (place.keepsUntagged === false) await tag(first, parseTag('stg-1'));
        const second = await publish(sampleSingle('V2.0'), V2);
        await tag(second, STAGING);
        expect(await resolve(first)).toMatchObject({ digest: first });
        expect(await tag(first, STAGING)).toEqual({ changed: true, previous: second });
        expect(await place.read(STAGING)).toEqual(sampleSingle('V1.0').bytes);
      });

      it('crosses from a manifest to an index and back', async () => {
        const single = await publish(sampleSingle('V1.0'), V1);
        const index = await publish(sampleIndex('V2.0'), V2);
        for (const digest of [single, index, single]) {
          await tag(digest, STAGING);
          expect(await resolve(STAGING)).toEqual(await resolve(digest));
        }
      });

      it('leaves the manifests of an index within reach', async () => {
        const index = sampleIndex();
        await publish(index, V1);
        await tag(index.digest, STAGING);
        for (const child of index.manifests) {
          expect(await resolve(child.digest)).toMatchObject({ digest: child.digest, mediaType: child.mediaType });
        }
      });

      it('case 13: is done by the digest, though the version’s tag names another image by now', async () => {
        const planned = await publish(sampleIndex('V1.0'), V1);
        // So that it stays where an image without a tag is lost at once.
        await tag(planned, V2);
        await publish(sampleIndex('V2.0'), V1);
        await tag(planned, STAGING);
        expect(await peek(STAGING)).toBe(planned);
        expect(await place.read(STAGING)).toEqual(sampleIndex('V1.0').bytes);
      });

      it('can name one platform of an index', async () => {
        const index = sampleIndex();
        await publish(index, V1);
        const child = index.manifests[1]!;
        expect(await tag(child.digest, STAGING)).toEqual({ changed: true, previous: undefined });
        expect(await resolve(STAGING)).toMatchObject({ digest: child.digest });
        expect(await peek(V1)).toBe(index.digest);
      });
    });

    describe('repeating a tag', () => {
      it('case 9: writes nothing when the tag is right already, and says that nothing changed', async () => {
        const digest = await publish(sampleIndex(), V1);
        await tag(digest, STAGING);
        const writes = await writesDuring(async () => {
          expect(await tag(digest, STAGING)).toEqual({ changed: false, previous: digest });
        });
        expect(writes ?? 0).toBe(0);
      });

      it('writes anyway when asked to rewrite', async () => {
        const digest = await publish(sampleIndex(), V1);
        await tag(digest, STAGING);
        const writes = await writesDuring(async () => {
          expect(await tag(digest, STAGING, { rewrite: true })).toEqual({ changed: true, previous: digest });
        });
        expect(writes ?? 1).toBe(1);
        expect(await peek(STAGING)).toBe(digest);
      });

      it('puts one tag once into the list', async () => {
        const digest = await publish(sampleSingle(), V1);
        await tag(digest, STAGING);
        await tag(digest, STAGING, { rewrite: true });
        expect(sorted(await place.registry.listTags(place.repository))).toEqual(['V1.0', 'stg']);
      });
    });

    describe('with an expectation', () => {
      it('moves a tag that names what was expected', async () => {
        const first = await publish(sampleSingle('V1.0'), STAGING);
        const second = await publish(sampleSingle('V2.0'), V2);
        const result = await tag(second, STAGING, { expected: { digest: first } });
        expect(result).toEqual({ changed: true, previous: first });
      });

      it('creates a tag that was expected to be absent', async () => {
        const digest = await publish(sampleSingle(), V1);
        const result = await tag(digest, STAGING, { expected: { digest: undefined } });
        expect(result).toEqual({ changed: true, previous: undefined });
      });

      it.each([
        ['another image', (_first: Digest) => sampleSingle('V3.0').digest],
        ['no image', () => undefined],
      ])('case 14: stops, shows both and writes nothing when %s was expected', async (_what, expectation) => {
        const first = await publish(sampleSingle('V1.0'), STAGING);
        const second = await publish(sampleSingle('V2.0'), V2);
        const expected = expectation(first);
        const writes = await writesDuring(async () => {
          const error = await failureOf(tag(second, STAGING, { expected: { digest: expected } }));
          expect(error.code).toBe('tag-moved');
          expect(error.details).toMatchObject({ expected: expected ?? null, actual: first });
        });
        expect(writes ?? 0).toBe(0);
        expect(await peek(STAGING)).toBe(first);
      });

      it('stops when the tag is gone that was expected', async () => {
        const first = await publish(sampleSingle('V1.0'), V1);
        const error = await failureOf(tag(first, STAGING, { expected: { digest: first } }));
        expect(error.code).toBe('tag-moved');
        expect(error.details).toMatchObject({ expected: first, actual: null });
        expect(await peek(STAGING)).toBeUndefined();
      });

      it('case 15: is content with a tag that is right already, so that a repeat after a lost answer succeeds', async () => {
        const digest = await publish(sampleSingle(), V1);
        await tag(digest, STAGING, { expected: { digest: undefined } });
        const again = await tag(digest, STAGING, { expected: { digest: undefined } });
        expect(again).toEqual({ changed: false, previous: digest });
      });
    });

    describe('names of tags', () => {
      it.each([
        ['128 characters', `v${'0'.repeat(127)}`],
        ['one character', '_'],
        ['every kind of character', 'Release_1.2-rc.3'],
        ['the look of a digest', `sha256-${'a'.repeat(64)}`],
        ['the name of a property of every object', '__proto__'],
      ])('case 39: may have %s', async (_what, text) => {
        const digest = await publish(sampleSingle(), V1);
        const name = parseTag(text);
        await tag(digest, name);
        expect(await resolve(name)).toMatchObject({ digest });
        expect(await place.registry.listTags(place.repository)).toContain(name);
      });

      it('tell upper from lower case', async () => {
        const first = await publish(sampleSingle('V1.0'), V1);
        const second = await publish(sampleSingle('V2.0'), V2);
        await tag(first, parseTag('stg'));
        await tag(second, parseTag('STG'));
        expect(await peek(parseTag('stg'))).toBe(first);
        expect(await peek(parseTag('STG'))).toBe(second);
      });
    });

    describe('the list of tags', () => {
      it('has every tag, published or put, once', async () => {
        const digest = await publish(sampleIndex(), V1);
        await publish(sampleSingle('V2.0'), V2);
        const names = Array.from({ length: 25 }, (_, at) => parseTag(`stg-${at + 1}`));
        for (const name of names) await tag(digest, name);
        expect(sorted(await place.registry.listTags(place.repository))).toEqual(sorted([...names, V1, V2]));
      });

      it('has no entry for manifests without a tag', async () => {
        await publish(sampleSingle('V2.0'));
        await publish(sampleIndex(), V1);
        expect(await place.registry.listTags(place.repository)).toEqual([V1]);
      });
    });

    describe('removing a tag', () => {
      const removeTag = async (name: Tag, expected: Digest) =>
        place.registry.removeTag?.(place.repository, name, expected) ?? { outcome: 'unsupported' };

      it('takes it away, and leaves the image and its other tags', async () => {
        const manifest = sampleIndex();
        const digest = await publish(manifest, V1);
        await tag(digest, STAGING);
        const { outcome } = await removeTag(STAGING, digest);
        expect(outcome).toBe(place.removal === 'unsupported' ? 'unsupported' : 'removed');
        expect(await peek(STAGING)).toBe(outcome === 'removed' ? undefined : digest);
        expect(await peek(V1)).toBe(digest);
        expect(await place.read(digest)).toEqual(manifest.bytes);
        expect(sorted(await place.registry.listTags(place.repository))).toEqual(
          outcome === 'removed' ? [V1] : [V1, STAGING],
        );
      });

      it('leaves the image without its last tag, or that tag', async () => {
        const digest = await publish(sampleSingle('V2.0'), STAGING);
        const { outcome } = await removeTag(STAGING, digest);
        expect(outcome).toBe(place.removal ?? 'removed');
        expect(await resolve(digest)).toMatchObject({ digest });
        expect(await peek(STAGING)).toBe(outcome === 'removed' ? undefined : digest);
      });

      it('leaves one alone that names another image', async () => {
        const first = await publish(sampleSingle('V1.0'), V1);
        const second = await publish(sampleSingle('V2.0'), V2);
        await tag(second, STAGING);
        const removal = await removeTag(STAGING, first);
        const possible = place.removal === 'unsupported' ? ['moved', 'unsupported'] : ['moved'];
        expect(possible).toContain(removal.outcome);
        expect('actual' in removal ? removal.actual : second).toBe(second);
        expect(await peek(STAGING)).toBe(second);
      });

      it('may be repeated, and asked for one that never was', async () => {
        const digest = await publish(sampleSingle(), V1);
        await tag(digest, STAGING);
        await removeTag(STAGING, digest);
        const absent = place.removal === 'unsupported' ? 'unsupported' : 'absent';
        expect((await removeTag(STAGING, digest)).outcome).toBe(absent);
        expect(await peek(V1)).toBe(digest);
      });

      it('lets it be put again', async () => {
        const first = await publish(sampleSingle('V1.0'), V1);
        const second = await publish(sampleSingle('V2.0'), V2);
        await tag(first, STAGING);
        await removeTag(STAGING, first);
        await tag(second, STAGING);
        expect(await peek(STAGING)).toBe(second);
      });

      it('keeps an image of which two tags are removed at once', async () => {
        const digest = await publish(sampleSingle(), V1);
        const names = ['prd-1', 'prd-2', 'prd-3'].map(parseTag);
        for (const name of names) await tag(digest, name);
        await Promise.all([V1, ...names].map((name) => removeTag(name, digest)));
        expect(await resolve(digest)).toMatchObject({ digest });
      });
    });

    describe('looking at a repository', () => {
      it('sees that it is there and what may be done in it, and changes nothing', async () => {
        const digest = await publish(sampleSingle(), V1);
        const writes = await writesDuring(async () => {
          const facts = await place.registry.inspect?.(place.repository, digest);
          expect(facts?.exists ?? 'yes').toBe('yes');
          expect(facts?.pull.granted ?? 'yes').toBe('yes');
          expect(facts?.push.granted ?? 'yes').toBe('yes');
        });
        expect(writes ?? 0).toBe(0);
        expect(await place.registry.listTags(place.repository)).toEqual([V1]);
        expect(await resolve(digest)).toMatchObject({ digest });
      });

      it('does not see one that nobody published to, and makes none', async () => {
        const facts = await place.registry.inspect?.(place.repository, undefined);
        expect(['no', 'unknown', undefined]).toContain(facts?.exists);
        expect(await place.registry.listTags(place.repository)).toEqual([]);
      });

      it('lists images with their tags, where the registry tells their times', async () => {
        const digest = await publish(sampleSingle('V1.0'), V1);
        await tag(digest, STAGING);
        await publish(sampleSingle('V2.0'));
        const images = await place.registry.listImages?.(place.repository);
        const found = images?.find((image) => image.digest === digest);
        expect(sorted(found?.tags ?? [V1, STAGING])).toEqual([V1, STAGING]);
        expect(found?.pushedAt ?? 1).toBeGreaterThan(0);
        expect(images?.length ?? 2).toBeGreaterThanOrEqual(2);
      });
    });

    it('loses no tag when many are put at once', async () => {
      const digest = await publish(sampleIndex(), V1);
      const names = Array.from({ length: 12 }, (_, at) => parseTag(`prd-${at + 1}`));
      await Promise.all(names.map((name) => tag(digest, name)));
      expect(sorted(await place.registry.listTags(place.repository))).toEqual(sorted([...names, V1]));
      for (const name of names) expect(await peek(name)).toBe(digest);
    });

    it('leaves a tag whole when two writers move it at once', async () => {
      const first = await publish(sampleSingle('V1.0'), V1);
      const second = await publish(sampleSingle('V2.0'), V2);
      await Promise.all([tag(first, STAGING), tag(second, STAGING)]);
      expect([first, second]).toContain((await resolve(STAGING))?.digest);
    });
  });
}

function sorted(tags: readonly Tag[]): Tag[] {
  return [...tags].sort();
}
