import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/model/digest.ts';
import { createManifestCache, type CachedManifest } from '../../../src/registry/image/manifest-cache.ts';

const manifest = (name: string, size = 10): CachedManifest => ({
  mediaType: 'application/vnd.oci.image.index.v1+json',
  digest: digestOf(name),
  size,
  bytes: Buffer.from(name),
});

describe('manifests that were read', () => {
  it('are found in their own repository only', () => {
    const cache = createManifestCache(100);
    cache.set('a.example/app', manifest('one'));
    expect(cache.get('a.example/app', digestOf('one'))).toMatchObject({ size: 10 });
    expect(cache.get('a.example/web', digestOf('one'))).toBeUndefined();
  });

  it('leave, the oldest first, when there are too many bytes', () => {
    const cache = createManifestCache(25);
    for (const name of ['one', 'two', 'three']) cache.set('r', manifest(name));
    expect(['one', 'two', 'three'].map((name) => cache.get('r', digestOf(name)) !== undefined)).toEqual([
      false,
      true,
      true,
    ]);
  });

  it('leave, the oldest first, when there are too many of them', () => {
    const cache = createManifestCache(1_000_000);
    for (let at = 0; at <= 8_192; at += 1) cache.set('r', manifest(`m${at}`));
    expect(cache.get('r', digestOf('m0'))).toBeUndefined();
    expect(cache.get('r', digestOf('m8192'))).toBeDefined();
  });

  it('are not kept when one alone is too large', () => {
    const cache = createManifestCache(25);
    cache.set('r', manifest('small'));
    cache.set('r', manifest('large', 26));
    expect(cache.get('r', digestOf('large'))).toBeUndefined();
    expect(cache.get('r', digestOf('small'))).toBeDefined();
  });

  it('count once, however often they are read', () => {
    const cache = createManifestCache(25);
    for (let at = 0; at < 10; at += 1) cache.set('r', manifest('one'));
    cache.set('r', manifest('two'));
    expect(cache.get('r', digestOf('one'))).toBeDefined();
  });
});
