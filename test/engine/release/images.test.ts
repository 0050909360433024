// The images of a release to be: what is said of one that is not there.
import { describe, expect, it } from 'vitest';
import { resolveImage } from '../../../src/engine/release/images.ts';
import { parseRepository, parseTag } from '../../../src/model/reference.ts';
import type { AbleRegistry } from '../../../src/registry/registry.ts';
import { failureOf } from '../../support/failure.ts';

const repository = parseRepository('registry.example.com/acme/app');

/** A registry that lists tags and has no image behind any of them. */
function listing(...tags: string[]): { registryOf: () => AbleRegistry } {
  const registry: Partial<AbleRegistry> = {
    resolve: async () => Promise.resolve(undefined),
    listTags: async () => Promise.resolve(tags.map(parseTag)),
  };
  return { registryOf: () => registry as AbleRegistry };
}

const wanted = {
  name: 'app',
  repository,
  origins: [repository],
  scheme: { kind: 'semver' as const },
  version: parseTag('V1.1'),
  digest: undefined,
};

describe('a version that cannot be resolved', () => {
  it('and that the registry lists is reported as what it is: a tag without an image', async () => {
    expect(await failureOf(resolveImage(listing('V1.0', 'V1.1'), wanted, undefined))).toMatchObject({
      code: 'version-not-found',
      message: 'registry.example.com/acme/app lists the version V1.1, but has no image for it',
      fix: expect.stringMatching(/^push V1\.1 again, or name another version/),
    });
  });

  it('and that differs from a listed one by its letters is corrected', async () => {
    const error = await failureOf(resolveImage(listing('V1.0', 'v1.1'), wanted, undefined));
    expect(error).toMatchObject({
      message: 'registry.example.com/acme/app has no version V1.1',
      fix: 'did you mean app=v1.1?',
    });
  });
});
