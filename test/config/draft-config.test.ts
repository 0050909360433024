import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import { draftConfig as draft } from '../../src/config/draft-config.ts';
import { recogniseLayout } from '../../src/config/recognise/layout.ts';

interface Found {
  readonly trunk?: string | undefined;
  readonly images: readonly string[];
  readonly folders: readonly string[];
}

/** Every image in every folder, or in a folder that is not an environment's; laid out as branches. */
function draftConfig({ trunk, images, folders }: Found): string {
  const paths = (folders.length > 0 ? folders : ['deploy']).map((folder) => `${folder}/app.yaml`);
  const seen = paths.flatMap((path) =>
    images.map((name) => ({ path, name, field: 'image', form: 'object', tag: undefined })),
  );
  const found = recogniseLayout({ paths, images: seen, branches: [], builds: new Map(), trunk });
  return draft({ ...found, layout: 'branches' }, trunk);
}

const FOUND = {
  trunk: 'main',
  images: [
    'registry.example.com/acme/django',
    'nginx',
    'registry.example.com/acme/mariadb',
    'registry.example.com/acme/django',
  ],
  folders: ['environments/production', 'environments/staging', 'environments/dev'],
};

describe('the first tagflow.yaml of a repository', () => {
  it('names each image that was found by its repository, once', () => {
    const { images } = parseConfig(draftConfig(FOUND));
    expect([...images.values()].map(({ name, repository }) => [name, repository.name])).toEqual([
      ['django', 'registry.example.com/acme/django'],
      ['mariadb', 'registry.example.com/acme/mariadb'],
    ]);
  });

  it('puts environments in the order their names suggest, each from the one before', () => {
    const { environments } = parseConfig(draftConfig(FOUND));
    expect([...environments.values()].map(({ name, from, scope }) => [name, from, ...scope.folders])).toEqual([
      ['dev', undefined, 'environments/dev'],
      ['staging', 'dev', 'environments/staging'],
      ['production', 'staging', 'environments/production'],
    ]);
  });

  it('mentions what was left out', () => {
    expect(draftConfig(FOUND)).toContain('# left out, as it has no registry host or no version: nginx');
  });

  it('holds dev, stg, prd and an example image when nothing was found', () => {
    const { trunk, images, environments } = parseConfig(draftConfig({ images: [], folders: [] }));
    expect([trunk, [...images.keys()], [...environments.keys()]]).toEqual([undefined, ['app'], ['dev', 'stg', 'prd']]);
  });

  it.each([
    ['two repositories of one last name', ['r.example.com/a/web', 'r.example.com/b/web'], ['web', 'b-web']],
    ['one repository written in two ways', ['r.example.com/web', 'r.example.com:443/web'], ['web']],
    ['a registry in a folder', ['oci:./registry/web'], ['web']],
  ])('tells apart %s', (_, images, names) => {
    expect([...parseConfig(draftConfig({ images, folders: [] })).images.keys()]).toEqual(names);
  });

  it.each([
    ['a folder around another', ['apps', 'apps/dev'], ['dev']],
    ['folders that differ only by case', ['e/Dev', 'E/dev'], ['dev']],
    ['a folder named as the trunk', ['env/main', 'env/dev'], ['dev', 'main']],
    ['a folder named as a version', ['env/1.0', 'env/dev'], ['dev', '1.0']],
    ['folders of one last name', ['a/dev', 'b/dev'], ['dev']],
    ['a folder outside the repository', ['../dev'], ['dev', 'stg', 'prd']],
    ['unknown names before production', ['env/prod', 'env/canary', 'env/dev'], ['dev', 'canary', 'prod']],
  ])('makes sense of %s', (_, folders, names) => {
    const { environments } = parseConfig(draftConfig({ trunk: 'main', images: [], folders }));
    expect([...environments.keys()]).toEqual(names);
  });

  it.each([
    ['main', ['env/main', 'env/dev'], ['dev', 'main-env']],
    ['Dev/trunk', ['e/dev', 'e/prd'], ['dev-env', 'prd']],
    ['dev', ['env/dev', 'env/dev-env'], ['dev-env-env', 'dev-env']],
  ])('gives no environment the branch of the trunk %s', (trunk, folders, branches) => {
    const { environments } = parseConfig(draftConfig({ trunk, images: [], folders }));
    expect([...environments.values()].map(({ branch }) => branch)).toEqual(branches);
  });

  it('is accepted, whatever was found', () => {
    const word = fc.oneof(
      fc.constantFrom(
        'dev',
        'dev-2',
        'dev-1',
        'Dev',
        'prd',
        'main',
        'head',
        '1.0',
        '2',
        'a.lock',
        'true',
        'null',
        '..',
        '.git',
        'tagflow.yaml',
        'env-dev-2',
        'base',
      ),
      fc.string({ unit: 'grapheme-ascii', maxLength: 6 }),
      fc.string({ unit: 'binary', maxLength: 4 }),
    );
    const path = fc.array(word, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
    const image = fc.oneof(
      path,
      fc
        .tuple(
          fc.constantFrom('r.example.com', 'localhost:5000', '[::1]:5000', 'docker.io'),
          fc.stringMatching(/^[a-z]{1,2}(?:\/[a-z0-9]{1,2}){0,2}$/),
        )
        .map((parts) => parts.join('/')),
      path.map((text) => `oci:${text}`),
    );
    const trunk = fc.option(
      fc.oneof(word, fc.constantFrom('main', 'dev/main', 'DEV', '2', 'env', 'env-2', 'dev-env/x')),
      { nil: undefined },
    );
    fc.assert(
      fc.property(
        trunk,
        fc.array(image, { maxLength: 8 }),
        fc.array(path, { maxLength: 8 }),
        (trunk, images, folders) => {
          expect(() => parseConfig(draftConfig({ trunk, images, folders }))).not.toThrow();
        },
      ),
      { numRuns: 300, examples: [[undefined, [], ['{a}/dev']]] },
    );
  });
});
