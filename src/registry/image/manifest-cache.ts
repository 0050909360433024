// Manifests that were read and hashed in this run, so that a tag after a resolve needs no second read. Content under a
// digest never changes, so nothing in here can be stale; it is bounded, oldest out first.
import type { Descriptor } from '../registry.ts';

/** A manifest's bytes and what they are. */
export interface CachedManifest extends Descriptor {
  readonly bytes: Buffer;
}

/** Manifests by repository and digest. */
export interface ManifestCache {
  get(repository: string, digest: string): CachedManifest | undefined;
  set(repository: string, manifest: CachedManifest): void;
}

/** Manifests are small; how many bytes there may be is what bounds them. */
const MOST_MANIFESTS = 8_192;

/** An empty cache that holds at most `mostBytes`. */
export function createManifestCache(mostBytes: number): ManifestCache {
  const manifests = new Map<string, CachedManifest>();
  let bytes = 0;
  const remove = (key: string, manifest: CachedManifest): void => {
    manifests.delete(key);
    bytes -= manifest.size;
  };
  return {
    get: (repository, digest) => manifests.get(`${repository}@${digest}`),
    set(repository, manifest) {
      const key = `${repository}@${manifest.digest}`;
      if (manifests.has(key) || manifest.size > mostBytes) return;
      manifests.set(key, manifest);
      bytes += manifest.size;
      for (const [oldest, old] of manifests) {
        if (bytes <= mostBytes && manifests.size <= MOST_MANIFESTS) return;
        remove(oldest, old);
      }
    },
  };
}
