// Case 25: which hosts are Artifact Registry's and which only look like one; and where a repository is there.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRepository, parseTag } from '../../../src/model/reference.ts';
import { digestOf } from '../../../src/model/digest.ts';
import { digestOfVersion, placeOf, tagName, tagOf, versionName } from '../../../src/registry/gar/place.ts';
import { parseGarHost } from '../../../src/registry/hosts.ts';
import { refusal } from '../../support/failure.ts';
import { GAR_LOOK_ALIKES } from '../../support/gar.ts';

describe('a host of Artifact Registry', () => {
  it.each([
    ['europe-west1-docker.pkg.dev', 'europe-west1', undefined],
    ['northamerica-northeast2-docker.pkg.dev', 'northamerica-northeast2', undefined],
    ['europe-west12-docker.pkg.dev', 'europe-west12', undefined],
    ['us-docker.pkg.dev', 'us', undefined],
    ['europe-docker.pkg.dev', 'europe', undefined],
    ['asia-docker.pkg.dev', 'asia', undefined],
    ['gcr.io', 'us', 'gcr.io'],
    ['us.gcr.io', 'us', 'us.gcr.io'],
    ['eu.gcr.io', 'europe', 'eu.gcr.io'],
    ['asia.gcr.io', 'asia', 'asia.gcr.io'],
  ])('%s tells its location', (host, location, repository) => {
    expect(parseGarHost(host)).toEqual({ location, repository });
  });

  it('may be written in capitals: host names are compared in lower case', () => {
    const repository = parseRepository('US-Docker.PKG.dev/acme/images/app');
    expect(repository.kind === 'remote' && parseGarHost(repository.host)).toMatchObject({ location: 'us' });
  });
});

describe('case 25: a look-alike is not a host of Artifact Registry', () => {
  it.each([
    ...GAR_LOOK_ALIKES,
    'docker.pkg.dev',
    '-docker.pkg.dev',
    'us-npm.pkg.dev',
    'us-docker.pkg.dev\n',
    'US-docker.pkg.dev',
    'us.docker.pkg.dev',
    'us-central1-evil-docker.pkg.dev',
    'europe-west100-docker.pkg.dev',
    'us-docker.pkg.dev.',
    'a.us-docker.pkg.dev',
    'africa.gcr.io',
    'eu.gcr.io.',
    'gcr.iox',
    'k8s.gcr.io',
    'europe-wеst1-docker.pkg.dev',
    '127.0.0.1:5000',
    'constructor',
  ])('%j', (host) => {
    expect(parseGarHost(host)).toBeUndefined();
  });
});

describe('the place of a repository', () => {
  const packageOf = (name: string): string => placeOf(parseRepository(name)).packageName;

  it.each([
    [
      'europe-west1-docker.pkg.dev/acme-prod/images/django',
      'projects/acme-prod/locations/europe-west1/repositories/images/packages/django',
    ],
    [
      'us-docker.pkg.dev/acme-prod/images/web/front/django',
      'projects/acme-prod/locations/us/repositories/images/packages/web%2Ffront%2Fdjango',
    ],
    [
      'us-docker.pkg.dev/example.com/acme/images/web/django',
      'projects/example.com:acme/locations/us/repositories/images/packages/web%2Fdjango',
    ],
    ['gcr.io/acme-prod/django', 'projects/acme-prod/locations/us/repositories/gcr.io/packages/django'],
    [
      'asia.gcr.io/example.com/acme/web/django',
      'projects/example.com:acme/locations/asia/repositories/asia.gcr.io/packages/web%2Fdjango',
    ],
  ])('%s is %s', (name, expected) => {
    expect(packageOf(name)).toBe(expected);
  });

  it.each([
    ['us-docker.pkg.dev/acme-prod', /us-docker\.pkg\.dev\/PROJECT\/REPOSITORY\/IMAGE/],
    ['us-docker.pkg.dev/acme-prod/images', /us-docker\.pkg\.dev\/PROJECT\/REPOSITORY\/IMAGE/],
    ['us-docker.pkg.dev/example.com/acme/images', /example\.com\/PROJECT/],
    ['gcr.io/acme-prod', /gcr\.io\/PROJECT\/IMAGE/],
    ['gcr.io/example.com/acme', /gcr\.io\/PROJECT\/IMAGE/],
  ])('%s names no image, and the fix says what one looks like', (name, fix) => {
    const error = refusal(() => packageOf(name));
    expect(error).toMatchObject({ code: 'reference-invalid', fix: expect.stringMatching(fix) });
  });
});

describe('the names of resources', () => {
  const part = fc.stringMatching(/^[a-z0-9]{1,6}(?:[._-][a-z0-9]{1,6}){0,2}$/);
  const project = fc.stringMatching(/^[a-z][a-z0-9-]{4,8}[a-z0-9]$/);
  const place = fc
    .tuple(project, project, fc.array(part, { minLength: 1, maxLength: 4 }))
    .map(([first, repository, image]) => ['us-docker.pkg.dev', first, repository, ...image].join('/'))
    .filter((name) => !/--/.test(name));

  it('tell every two packages apart, and have one slash for each of their parts', () => {
    fc.assert(
      fc.property(place, place, (one, other) => {
        const [a, b] = [one, other].map((name) => placeOf(parseRepository(name)).packageName);
        expect(a === b).toBe(one === other);
        expect(a).toMatch(/^projects\/[^/]+\/locations\/us\/repositories\/[^/]+\/packages\/[^/]+$/);
      }),
    );
  });

  it('give back the tag and the digest that they were made of', () => {
    fc.assert(
      fc.property(place, fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/), (name, text) => {
        const at = placeOf(parseRepository(name));
        const digest = digestOf(text);
        expect(tagOf(tagName(at, parseTag(text)))).toBe(text);
        expect(digestOfVersion(versionName(at, digest))).toBe(digest);
      }),
    );
  });

  it.each(['', 'stg', '/tags/', 'x/tags/a/b', 'x/tags/%', 'x/tags/%zz', 'x/tags/a%2Fb', 'x/tag/stg'])(
    '%j is the name of no tag',
    (name) => {
      expect(tagOf(name)).toBeUndefined();
    },
  );
});
