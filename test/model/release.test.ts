// Releases: when two are the same, what a rollback holds, and which holds stand in the way.
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/model/digest.ts';
import { parseTag } from '../../src/model/reference.ts';
import { type Hold, type ReleaseImage, blockingHolds, holdFor, sameImages } from '../../src/model/release.ts';
import { FULL_RECORD, idOf } from '../support/records.ts';

/** An image `django` or `mariadb`, whose digest follows from its version. */
function image(name: string, version: string): ReleaseImage {
  return { name, repository: `r/${name}`, version: parseTag(version), digest: digestOf(`${name} ${version}`) };
}

const [V1, V2] = [image('django', 'V1'), image('django', 'V2')];
const [M1, M2] = [image('mariadb', 'V1'), image('mariadb', 'V2')];

describe('two sets of images are the same release', () => {
  it.each([
    ['when they are', [V1, M1], [V1, M1], true],
    ['in any order', [V1, M1], [M1, V1], true],
    ['whatever the version is called', [V1], [{ ...V1, version: parseTag('latest') }], true],
    ['not when one has another digest', [V1, M1], [V1, M2], false],
    ['not when one has more', [V1], [V1, M1], false],
    ['not when one has fewer', [V1, M1], [V1], false],
    ['not when the same digest is another image', [V1], [{ ...V1, name: 'web' }], false],
  ])('%s', (_, a, b, expected) => {
    expect(sameImages(a, b)).toBe(expected);
  });
});

describe('the hold on a release that is left', () => {
  const left = { ...FULL_RECORD, sequence: 7, images: [V2, M1] };

  it('is on the images that change, with their digests', () => {
    expect(holdFor(left, [V1, M1], undefined)).toStrictEqual({
      release: 7,
      images: [{ name: 'django', version: V2.version, digest: V2.digest }],
    });
  });

  it('is on an image that the release before did not have', () => {
    expect(holdFor(left, [V2], undefined).images.map(({ name }) => name)).toEqual(['mariadb']);
  });

  it('is on the configuration when no image changes', () => {
    expect(holdFor(left, [M1, V2], undefined)).toEqual({ release: 7, images: [], commit: left.source.commit });
  });

  it('says why, when somebody did', () => {
    expect(holdFor(left, [V1, M1], 'INC-412').reason).toBe('INC-412');
  });
});

describe('a hold stands in the way', () => {
  const onBoth: Hold = { release: 7, images: [V2, M2] };
  const onConfiguration: Hold = { release: 6, images: [], commit: idOf('6') };
  const releases = (images: readonly ReleaseImage[], commit: string): readonly number[] =>
    blockingHolds([onBoth, onConfiguration], images, idOf(commit)).map(({ release }) => release);

  it.each([
    ['of a held image', [V2, M1], '1', [7]],
    ['of a held image beside another one', [V1, M2], '1', [7]],
    ['of the held configuration, with any images', [V1, M1], '6', [6]],
    ['of both', [V2, M2], '6', [7, 6]],
    ['not of other images and configuration', [V1, M1], '1', []],
    ['not of another image with a held digest', [{ ...V2, name: 'web' }], '1', []],
  ])('%s', (_, images, commit, expected) => {
    expect(releases(images, commit)).toEqual(expected);
  });
});
