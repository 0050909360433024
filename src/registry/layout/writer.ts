// Publishes images into OCI image layouts: for `tagflow demo`, and for anybody who fills a layout without skopeo.
// Safe to repeat, and beside other writers; see store.ts.
import { resolve as absolute } from 'node:path';
import { type Digest, digestOf } from '../../model/digest.ts';
import type { Clock, Random } from '../../model/effects.ts';
import { TagflowError } from '../../model/errors.ts';
import type { Tag } from '../../model/reference.ts';
import { digestOfTag, withImage, withTag } from './index-file.ts';
import { LayoutStore } from './store.ts';
import { manifestMediaType } from '../image/manifest-type.ts';
import type { SampleImage } from './sample-image.ts';

/** Writes layouts by directory; relative ones are against the working directory. Every method may throw `storage-failed`. */
export interface LayoutWriter {
  /** Makes the directory an empty layout; one that exists stays as it is. Throws `layout-invalid` for a broken one. */
  createLayout(directory: string): Promise<void>;
  /** Stores a layer, a configuration or a child manifest, and gives its digest. */
  writeBlob(directory: string, bytes: Uint8Array): Promise<Digest>;
  /**
   * Stores a manifest, lists it in index.json, and moves the tag to it when one is given. Write its blobs and
   * children first. Throws `media-type-conflict`, `layout-invalid`.
   */
  publish(directory: string, manifest: Uint8Array, mediaType: string, tag?: Tag): Promise<Digest>;
  /** Creates the layout when there is none and publishes an image of sample-image.ts whole. */
  publishImage(directory: string, image: SampleImage, tag?: Tag): Promise<Digest>;
}

/** What a writer works with. */
interface WriterOptions {
  readonly clock: Clock;
  readonly random?: Random;
  /** Ends waiting for the lock: `interrupted`. */
  readonly signal?: AbortSignal;
}

/** Returns a writer. */
export function createLayoutWriter(options: WriterOptions): LayoutWriter {
  return new StoreWriter(options);
}

class StoreWriter implements LayoutWriter {
  readonly #store: LayoutStore;

  constructor({ clock, random = () => 0.5, signal }: WriterOptions) {
    this.#store = new LayoutStore({ clock, random, signal });
  }

  async createLayout(directory: string): Promise<void> {
    await this.#store.create(absolute(directory));
  }

  async writeBlob(directory: string, bytes: Uint8Array): Promise<Digest> {
    await this.#store.writeBlobs(absolute(directory), [bytes]);
    return digestOf(bytes);
  }

  async publish(directory: string, manifest: Uint8Array, mediaType: string, tag?: Tag): Promise<Digest> {
    const root = absolute(directory);
    manifestMediaType(manifest, mediaType, 'the manifest to publish');
    if ((await this.#store.readIndex(root)) === undefined) {
      throw new TagflowError('layout-invalid', {
        what: `oci:${directory} does not exist`,
        fix: 'create the layout first',
      });
    }
    await this.#store.writeBlobs(root, [manifest]);
    const digest = digestOf(manifest);
    const image = { mediaType, digest, size: manifest.length };
    await this.#store.editIndex(root, (index) => {
      if (tag === undefined) return withImage(index, image);
      return digestOfTag(index, tag) === digest ? undefined : withTag(index, image, tag);
    });
    return digest;
  }

  async publishImage(directory: string, image: SampleImage, tag?: Tag): Promise<Digest> {
    await this.createLayout(directory);
    const below = [...image.blobs, ...image.manifests];
    await this.#store.writeBlobs(
      absolute(directory),
      below.map(({ bytes }) => bytes),
    );
    return this.publish(directory, image.bytes, image.mediaType, tag);
  }
}
