// Any sequence of tag operations on a layout does what it does to a map, whatever else the layout holds.
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Digest } from '../../../src/model/digest.ts';
import { isTagflowError } from '../../../src/model/errors.ts';
import { parseTag, type Repository, type Tag } from '../../../src/model/reference.ts';
import { createLayoutRegistry } from '../../../src/registry/layout/layout.ts';
import { createLayoutWriter } from '../../../src/registry/layout/writer.ts';
import type { Registry, TagResult } from '../../../src/registry/registry.ts';
import { descriptorsOf, indexText, layoutRepository, machineClock, temporaryFolder } from '../../support/layouts.ts';
import { createMemoryRegistry } from '../../support/memory-registry.ts';
import { sampleDockerList, sampleIndex, sampleSingle } from '../../support/sample-manifests.ts';

const IMAGES = [sampleIndex('V1.0'), sampleSingle('V2.0'), sampleDockerList('V3.0')];
const FOREIGN = [
  '{ "mediaType": "application/xml", "digest": "sha256:x", "size": 1.0, "big": 12345678901234567890 }',
  '{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:0","annotations":{"org.opencontainers.image.ref.name":"docker.io/library/a:b"}}',
  '[ 1e2, "\\u0041" ]',
];

interface Step {
  readonly tag: Tag;
  readonly image: number;
  readonly rewrite: boolean;
  /** Which image is expected; -1: none; undefined: no expectation. */
  readonly expected: number | undefined;
}

const step: fc.Arbitrary<Step> = fc.record({
  tag: fc.constantFrom('dev', 'stg', 'prd').map((text) => parseTag(text)),
  image: fc.nat(IMAGES.length),
  rewrite: fc.boolean(),
  expected: fc.option(fc.integer({ min: -1, max: IMAGES.length - 1 }), { nil: undefined }),
});

/** The digest of an image; of one that no repository holds, when the number is beyond them. */
const digestOf = (image: number): Digest => (IMAGES[image] ?? sampleSingle('V9.9')).digest;

/** What a step came to, in a form that can be compared. */
async function outcome(registry: Registry, repository: Repository, each: Step): Promise<TagResult | [string, unknown]> {
  const expected =
    each.expected === undefined ? undefined : { digest: each.expected < 0 ? undefined : digestOf(each.expected) };
  try {
    const options = { rewrite: each.rewrite, ...(expected && { expected }) };
    return await registry.tag(repository, digestOf(each.image), each.tag, options);
  } catch (error) {
    if (!isTagflowError(error, 'tag-moved', 'digest-not-found')) throw error;
    return [error.code, error.details];
  }
}

it('a layout and the registry in memory answer any sequence of tags alike, and the layout keeps every foreign byte', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.shuffledSubarray(FOREIGN), async (steps, foreign) => {
      using folder = temporaryFolder();
      const repository = layoutRepository(folder.path);
      const memory = createMemoryRegistry();
      const writer = createLayoutWriter({ clock: machineClock });
      await writer.createLayout(folder.path);
      const list = foreign.map((text) => `\n  ${text}`).join(',');
      writeFileSync(join(folder.path, 'index.json'), `{ "schemaVersion": 2,\n "manifests": [${list}], "n": 1.0 }\n`);
      for (const image of IMAGES) {
        await writer.publishImage(folder.path, image);
        memory.publish(repository, image);
      }

      const registry = createLayoutRegistry({ baseDirectory: folder.path, clock: machineClock });
      for (const each of steps) {
        expect(await outcome(registry, repository, each)).toEqual(await outcome(memory, repository, each));
      }

      expect(new Set(await registry.listTags(repository))).toEqual(new Set(await memory.listTags(repository)));
      for (const tag of await memory.listTags(repository)) {
        expect(await registry.resolve(repository, tag)).toEqual(await memory.resolve(repository, tag));
      }
      expect(indexText(folder.path).startsWith(`{ "schemaVersion": 2,\n "manifests": [${list}`)).toBe(true);
      expect(indexText(folder.path).endsWith('], "n": 1.0 }\n')).toBe(true);
      expect(descriptorsOf(folder.path).filter(({ annotations }) => annotations === undefined)).toHaveLength(
        IMAGES.length + foreign.filter((text) => !text.includes('annotations')).length,
      );
      expect(readdirSync(folder.path).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
    }),
    { numRuns: 20 },
  );
});
