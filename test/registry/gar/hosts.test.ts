// Case 25: which hosts are Artifact Registry's and which only look like one; and where a repository is there.
import { describe, expect, it } from 'vitest';
import { isTagflowError } from '../../../src/model/errors.ts';
import { parseRepository } from '../../../src/model/reference.ts';
import { placeOf } from '../../../src/registry/gar/place.ts';
import { parseGarHost } from '../../../src/registry/hosts.ts';
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

describe('case 25: a look-alike is no host of Artifact Registry', () => {
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
    const error = errorOf(() => packageOf(name));
    expect(error).toMatchObject({ code: 'reference-invalid', fix: expect.stringMatching(fix) });
  });
});

function errorOf(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    if (isTagflowError(error)) return error;
    throw error;
  }
}
