// index.json is edited as text: what an edit is not about keeps its bytes.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../../src/model/digest.ts';
import { parseTag, type Tag } from '../../../src/model/reference.ts';
import {
  digestOfTag,
  EMPTY_INDEX,
  parseIndex,
  tagsOf,
  withImage,
  withTag,
  withoutTag,
} from '../../../src/registry/layout/index-file.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../../support/sample-manifests.ts';
import type { RawDescriptor } from '../../support/layouts.ts';

const REF_NAME = 'org.opencontainers.image.ref.name';
const CONTAINERD_NAME = 'io.containerd.image.name';
const [A, B, C] = ['a', 'b', 'c'].map((text) => digestOf(text)) as [Digest, Digest, Digest];
const STAGING = parseTag('stg');

const image = (digest: Digest) => ({ mediaType: OCI_INDEX, digest, size: 7 });
const parse = (text: string) => parseIndex(text, 'layout');
const indexOf = (...descriptors: (string | RawDescriptor)[]) =>
  `{"schemaVersion":2,"manifests":[${descriptors.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join(',')}]}`;
const named = (digest: string, tag: string, more: Record<string, string> = {}): RawDescriptor => ({
  ...image(digest as Digest),
  annotations: { [REF_NAME]: tag, ...more },
});
const tagged = (text: string, digest: Digest, tag: Tag = STAGING) => withTag(parse(text), image(digest), tag);
const descriptors = (text: string) => (JSON.parse(text) as { manifests: RawDescriptor[] }).manifests;

describe('putting a tag into index.json', () => {
  it.each([
    ['an empty list', EMPTY_INDEX],
    ['null, as Go writes an empty list', '{"schemaVersion":2,"manifests":null}'],
    ['an empty list with white space', '{ "manifests" : [ \n ] , "schemaVersion" : 2 }'],
  ])('begins with %s', (_what, text) => {
    expect(descriptors(tagged(text, A))).toEqual([named(A, 'stg')]);
  });

  it('keeps every other byte: unknown fields, odd numbers, order, white space', () => {
    const foreign =
      '{"mediaType":"application/xml", "size" : 1e3,"digest":"sha256:x","x":[1.0,12345678901234567890,{"]":"\\"}"}]}';
    const text = `\n{"zeta":1.50,"manifests" :[ ${foreign} ,\n  ${JSON.stringify(image(A))} ], "schemaVersion":2,"alpha":"\\u0041"}\n`;
    const added = tagged(text, A);
    expect(added).toBe(text.replace(' ]', `,\n  ${JSON.stringify(named(A, 'stg'))} ]`));
  });

  it('moves it in its place', () => {
    const text = indexOf(named(A, 'V1'), named(A, 'stg'), named(B, 'V2'));
    expect(tagged(text, B)).toBe(indexOf(named(A, 'V1'), named(B, 'stg'), named(B, 'V2')));
  });

  it('keeps the untagged descriptor of the image beside the new one', () => {
    expect(descriptors(tagged(indexOf(image(A)), A))).toEqual([image(A), named(A, 'stg')]);
  });

  it('keeps the image it leaves, when that has no other descriptor', () => {
    const text = indexOf(named(A, 'stg'), image(B));
    expect(descriptors(tagged(text, B))).toEqual([named(B, 'stg'), image(B), image(A)]);
  });

  it('does not keep it twice', () => {
    const there = tagged(indexOf(named(A, 'stg'), image(B)), B);
    const andBack = tagged(there, A);
    expect(descriptors(andBack)).toEqual([named(A, 'stg'), image(B), image(A)]);
  });

  it('takes platform, annotations and unknown fields from the image it moves to, and not from the one it leaves', () => {
    const old = {
      ...named(A, 'stg', { created: 'then' }),
      platform: { os: 'linux', architecture: 's390x' },
      data: 'b2xk',
    };
    const source = {
      ...named(B, 'V2', { created: 'now' }),
      platform: { os: 'linux', architecture: 'arm64' },
      extra: 1,
    };
    const [moved] = descriptors(tagged(indexOf(old, source), B));
    expect(moved).toEqual({
      ...image(B),
      platform: { os: 'linux', architecture: 'arm64' },
      extra: 1,
      annotations: { created: 'now', [REF_NAME]: 'stg' },
    });
  });

  it('prefers the fields of the descriptor the image was published with, which has no tag', () => {
    const text = indexOf({ ...named(A, 'V1'), from: 'tagged' }, { ...image(A), from: 'published' });
    expect(descriptors(tagged(text, A))[2]).toEqual({ ...named(A, 'stg'), from: 'published' });
  });

  it('leaves the full name that containerd gave with the tag it was given to', () => {
    const text = indexOf(
      named(A, 'stg', { [CONTAINERD_NAME]: 'r.example.com/django:stg' }),
      named(B, 'V2', { [CONTAINERD_NAME]: 'r.example.com/django:V2' }),
    );
    expect(descriptors(tagged(text, B))).toEqual([
      named(B, 'stg', { [CONTAINERD_NAME]: 'r.example.com/django:stg' }),
      named(B, 'V2', { [CONTAINERD_NAME]: 'r.example.com/django:V2' }),
      image(A),
    ]);
  });

  it('folds descriptors that say the same twice into one', () => {
    const text = indexOf(named(A, 'stg'), named(C, 'V3'), named(A, 'stg'), named(A, 'stg'));
    expect(tagsOf(parse(text))).toEqual(['stg', 'V3']);
    expect(descriptors(tagged(text, B))).toEqual([named(B, 'stg'), named(C, 'V3'), image(A)]);
    expect(descriptors(tagged(text, A))).toEqual([named(A, 'stg'), named(C, 'V3')]);
  });

  it('looks past descriptors of other media types that bear the same name, as skopeo does', () => {
    const sbom = { mediaType: 'application/spdx+json', digest: C, size: 1, annotations: { [REF_NAME]: 'stg' } };
    const text = indexOf(sbom);
    expect(digestOfTag(parse(text), STAGING)).toBeUndefined();
    expect(descriptors(tagged(text, A))).toEqual([sbom, named(A, 'stg')]);
  });

  it('writes the right size and media type over wrong ones', () => {
    const wrong = { ...image(A), mediaType: OCI_MANIFEST, size: 1 };
    expect(descriptors(tagged(indexOf(wrong), A))[1]).toEqual(named(A, 'stg'));
  });
});

describe('taking a tag out of index.json', () => {
  const [V1, V2] = [named(A, 'V1'), named(B, 'V2')];
  const stg = named(A, 'stg');
  const removed = (...list: RawDescriptor[]) => withoutTag(parse(indexOf(...list)), STAGING);

  it.each([
    ['the first', [stg, V1, V2], [V1, V2]],
    ['one in the middle', [V1, stg, V2], [V1, V2]],
    ['the last', [V2, V1, stg], [V2, V1]],
    ['one that appears twice in front', [stg, stg, V1], [V1]],
    ['one that appears twice around another', [stg, V1, stg], [V1]],
    ['one that appears twice, with nothing else of its image', [stg, V2, stg], [image(A), V2]],
    ['the only one of its image', [V2, stg], [V2, image(A)]],
    ['the only one of the list', [stg], [image(A)]],
  ])('removes %s', (_where, before, after) => {
    expect(removed(...before)).toBe(indexOf(...after));
  });

  it('keeps platform, annotations and unknown fields of the image', () => {
    const full = { ...named(A, 'stg', { created: 'then' }), platform: { os: 'linux', architecture: 'arm64' } };
    expect(descriptors(removed(full) ?? '')).toEqual([
      { ...image(A), platform: full.platform, annotations: { created: 'then' } },
    ]);
  });

  it('has nothing to do without it', () => {
    expect(removed(V1, V2)).toBeUndefined();
  });

  it('keeps every other byte', () => {
    const text = `{"schemaVersion":2,"manifests" :[ ${JSON.stringify(stg)} ,\n  ${JSON.stringify(V1)}\n], "alpha":1.50}`;
    expect(withoutTag(parse(text), STAGING)).toBe(
      `{"schemaVersion":2,"manifests" :[ ${JSON.stringify(V1)}\n], "alpha":1.50}`,
    );
  });
});

describe('reading index.json', () => {
  it.each([
    ['a full name', 'docker.io/library/django:stg'],
    ['text that is not a tag', '-stg'],
    ['an empty name', ''],
  ])('does not take %s for a tag', (_what, name) => {
    expect(tagsOf(parse(indexOf(named(A, name))))).toEqual([]);
  });

  it.each(['1', '"x"', 'null', '[]', '{}', '{"mediaType":1,"digest":2}', '{"annotations":[]}', '{"annotations":null}'])(
    'passes over the element %s',
    (element) => {
      expect(parse(indexOf(element, named(A, 'stg'))).images).toHaveLength(1);
    },
  );

  it('is not thrown by a hundred thousand nested brackets', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    const text = `{"schemaVersion":2,"x":${deep},"manifests":[${deep}]}`;
    expect(tagged(text, A)).toContain(`${deep},${JSON.stringify(named(A, 'stg'))}]`);
  });

  it('is quick for ten thousand tags', () => {
    const text = indexOf(...Array.from({ length: 10_000 }, (_, at) => named(A, `stg-${at}`)));
    expect(tagsOf(parse(tagged(text, A)))).toHaveLength(10_001);
  });
});

it('lists an image without a tag once', () => {
  const text = withImage(parse(EMPTY_INDEX), image(A)) ?? '';
  expect(descriptors(text)).toEqual([image(A)]);
  expect(withImage(parse(text), image(A))).toBeUndefined();
});

describe('any sequence of tags, into any index.json', () => {
  const space = fc.stringMatching(/^[ \n\t]{0,3}$/);
  const foreign = fc
    .record({ mediaType: fc.constantFrom('application/xml', 'text/plain'), more: fc.jsonValue(), digest: fc.string() })
    .map((fields) => JSON.stringify(fields));
  const step = fc.record({ tag: fc.constantFrom('dev', 'stg', 'prd', '__proto__'), digest: fc.constantFrom(A, B, C) });

  it('equals a map, and keeps foreign descriptors in their bytes and order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(space, foreign, space)), fc.jsonValue(), fc.array(step), (others, extra, steps) => {
        const list = others.map(([before, text, after]) => before + text + after).join(',');
        let text = `{"schemaVersion":2,"extra":${JSON.stringify(extra)},"manifests":[${list}],"end":1.0}`;
        const model = new Map<string, Digest>();
        const seen = new Set<Digest>();
        for (const { tag, digest } of steps) {
          text = withTag(parse(text), image(digest), parseTag(tag));
          model.set(tag, digest);
          seen.add(digest);
        }
        const index = parse(text);
        expect(new Map(tagsOf(index).map((tag) => [tag, digestOfTag(index, tag)]))).toEqual(model);
        // No image that ever had a tag is lost, and no descriptor appears twice.
        expect(new Set(index.images.map(({ digest }) => digest))).toEqual(seen);
        const lines = index.images.map(({ digest, tag }) => `${digest} ${tag}`);
        expect(new Set(lines).size).toBe(lines.length);
        // The head with all foreign bytes, and the tail, are what they were.
        expect(text.startsWith(`{"schemaVersion":2,"extra":${JSON.stringify(extra)},"manifests":[`)).toBe(true);
        expect(text.endsWith(',"end":1.0}')).toBe(true);
        const kept = index.elements.map(({ start, end }) => text.slice(start, end));
        expect(kept.slice(0, others.length)).toEqual(others.map(([, bytes]) => bytes));
      }),
      { numRuns: 300 },
    );
  });
});
