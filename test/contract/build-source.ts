// The contract of reading where an image was built from: one suite, run over the in-memory fake and over every adapter.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/model/digest.ts';
import type { ToldSource } from '../../src/model/build-source.ts';
import { createBuildSourceReader } from '../../src/registry/image/build-source.ts';
import { attestationOf, imageFrom, indexFrom, provenanceOf } from '../support/build-sources.ts';
import { type SampleManifest, contentOf, sampleSingle } from '../support/sample-manifests.ts';
import type { ContentPlace } from './content.ts';

const URL = 'https://git.example.org/acme/web';
const [A, B] = ['a'.repeat(40), 'b'.repeat(40)];
const WORDS = { source: URL, revision: A };
const OTHER = { source: URL, revision: B };
const from = (told: string, commit = A) => ({ kind: 'told', source: { url: URL, commit, told } });
const untold = (why: string) => ({ kind: 'untold', why });

const plainImage = imageFrom('plain', {});
const told = imageFrom('one', { annotations: WORDS });
const labelled = imageFrom('two', { labels: WORDS });

type Row = readonly [what: string, image: SampleManifest, answer: object];

const ROWS: readonly Row[] = [
  ['annotations of a manifest', told, from('annotation')],
  ['annotations of an index', indexFrom([plainImage], { annotations: WORDS }), from('annotation')],
  ['labels of an image', labelled, from('label')],
  ['labels of the platforms of an index', indexFrom([labelled, imageFrom('three', { labels: WORDS })]), from('label')],
  ['annotations before labels', imageFrom('both', { annotations: WORDS, labels: OTHER }), from('annotation')],
  [
    'labels where annotations are not whole',
    imageFrom('part', { annotations: { source: URL }, labels: WORDS }),
    from('label'),
  ],
  ['nothing', plainImage, untold('the image does not say where it was built from')],
  ['an image of another builder', sampleSingle(), untold('the image does not say where it was built from')],
  [
    'a repository without a commit',
    imageFrom('four', { labels: { source: URL } }),
    untold('its labels name no commit'),
  ],
  [
    'a commit without a repository',
    imageFrom('five', { labels: { revision: A } }),
    untold('its labels name no repository'),
  ],
  [
    'a commit that is not whole',
    imageFrom('six', { labels: { source: URL, revision: 'v1.2-dirty\u001b[31m' } }),
    untold(String.raw`its labels name "v1.2-dirty\\x1b[31m", which is not a full commit id`),
  ],
  [
    'a text that is not an address',
    imageFrom('seven', { labels: { source: 'javascript:alert(1)', revision: A } }),
    untold('its labels name "javascript:alert(1)", which is not a repository URL'),
  ],
  [
    'values that are no texts',
    imageFrom('eight', { labels: { source: { a: 1 }, revision: [] } }),
    untold('its labels name no repository'),
  ],
  [
    'platforms that do not agree',
    indexFrom([labelled, imageFrom('nine', { labels: OTHER })]),
    untold('its platforms name different sources'),
  ],
  [
    'provenance that BuildKit attached',
    indexFrom([plainImage], { attestations: [attestationOf(provenanceOf(plainImage.digest, WORDS))] }),
    from('provenance'),
  ],
  [
    'provenance about another image',
    indexFrom([plainImage], { attestations: [attestationOf(provenanceOf(digestOf('other'), WORDS))] }),
    untold('the image does not say where it was built from'),
  ],
  [
    'provenance that says the same as labels',
    indexFrom([labelled], { attestations: [attestationOf(provenanceOf(labelled.digest, WORDS))] }),
    from('label'),
  ],
  [
    'provenance that contradicts labels',
    indexFrom([labelled], { attestations: [attestationOf(provenanceOf(labelled.digest, OTHER))] }),
    untold('its labels and its provenance name different sources'),
  ],
];

/** Declares the suite. `setup` gives a fresh store; one serves them all, for no two rows have an image in common. */
export function buildSourceContract(name: string, setup: () => Promise<ContentPlace>): void {
  describe(`${name} says where images were built from`, () => {
    let place: ContentPlace;
    beforeAll(async () => {
      place = await setup();
    });
    afterAll(async () => {
      await place.close?.();
    });

    const put = async (sample: SampleManifest): Promise<void> => {
      const { store, repository } = place;
      for (const { digest, bytes } of sample.blobs) {
        const open = async () =>
          (async function* () {
            yield bytes;
          })();
        await store.putBlob(repository, { digest, size: bytes.length }, open, repository);
      }
      for (const each of [...sample.manifests, sample]) {
        await store.putManifest(repository, { ...each, size: each.bytes.length });
      }
    };
    const read = async ({ digest }: { readonly digest: SampleManifest['digest'] }): Promise<ToldSource> =>
      createBuildSourceReader(() => place.store)(place.repository, digest);

    it.each(ROWS)('by %s', async (_what, image, answer) => {
      await put(image);
      expect(await read(image)).toEqual(answer);
    });

    it.each(['v1', 'envelope'] as const)('by provenance about an image, in the form %s', async (how) => {
      const image = imageFrom(how, {});
      await put(image);
      const statement = provenanceOf(image.digest, WORDS, how);
      const mediaType = how === 'v1' ? 'application/vnd.in-toto+json' : 'application/vnd.dsse.envelope.v1+json';
      await put(attestationOf(statement, { subject: image.digest, mediaType }));
      expect(await read(image)).toEqual(from('provenance'));
    });

    it('and that an image is gone', async () => {
      expect(await read(contentOf('x', 'gone'))).toEqual(untold('the registry no longer has the image'));
    });

    it('and reads no configuration that is larger than one should be', async () => {
      const labels = { ...WORDS, filling: 'x'.repeat(1 << 20) };
      const large = imageFrom('x'.repeat(1 << 20), { labels });
      await put(large);
      expect(await read(large)).toEqual(untold('the image does not say where it was built from'));
    });
  });
}
