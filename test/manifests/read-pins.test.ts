// Reading: what fields say about images we know, and which images there are at all.
import { describe, expect, it } from 'vitest';
import { findImages, readPins } from '../../src/manifests/manifests.ts';
import { D, KUSTOMIZATION, OLD, REPOSITORY, WORKLOAD, deployment, file, options, pinOf } from './support.ts';

const KUSTOMIZED = `images:\n- name: django\n  newName: ${REPOSITORY}\n  newTag: 1.10 # as it stands\n- name: redis\n  digest: ${OLD}\n`;

describe('readPins', () => {
  it('tells what each field says, in order of files and of appearance', () => {
    const files = [file(KUSTOMIZATION, KUSTOMIZED), file(WORKLOAD, deployment(` "django@${D}"`))];
    expect(readPins(files, [pinOf(), { image: 'redis', names: ['redis'] }], options)).toEqual([
      {
        image: 'django',
        path: KUSTOMIZATION,
        line: 2,
        field: 'images[0]',
        name: REPOSITORY,
        tag: '1.10',
        digest: undefined,
      },
      { image: 'redis', path: KUSTOMIZATION, line: 5, field: 'images[1]', name: 'redis', tag: undefined, digest: OLD },
      {
        image: 'django',
        path: WORKLOAD,
        line: 10,
        field: 'spec.template.spec.containers[0].image',
        name: 'django',
        tag: undefined,
        digest: D,
      },
    ]);
  });

  it('tells nothing where no field means the images', () => {
    expect(readPins([file(KUSTOMIZATION, KUSTOMIZED)], [{ image: 'web', names: ['web'] }], options)).toEqual([]);
  });

  it('tells what is there where a pin would be refused', () => {
    const text = 'images:\n- name: django\n  newTag: ${TAG} # {"$imagepolicy": "a:b:tag"}\n';
    expect(readPins([file(KUSTOMIZATION, text)], [pinOf()], options)[0]?.tag).toBe('${TAG}');
  });

  it('tells a field once where the configuration names it too', () => {
    const path = ['spec', 'template', 'spec', 'containers', 0, 'image'];
    const configured = [{ image: 'django', file: WORKLOAD, path }];
    expect(readPins([file(WORKLOAD, deployment(' django:V4.0'))], [pinOf()], { ...options, configured })).toHaveLength(
      1,
    );
  });

  it('leaves out configured files and fields that are not there', () => {
    const configured = [
      { image: 'django', file: 'nowhere', path: ['tag'] },
      { image: 'django', file: 'tags', path: ['tag'] },
    ];
    expect(readPins([file('tags', 'a: b\n')], [pinOf()], { ...options, configured })).toEqual([]);
  });
});

describe('findImages', () => {
  it('finds every image, whatever it is', () => {
    const files = [
      file(KUSTOMIZATION, KUSTOMIZED),
      file('a/pod.json', '{"kind":"Pod","spec":{"containers":[{"image":"ghcr.io/acme/web:1.10"}]}}'),
      file('values.yaml', 'image: nginx\n'),
      file('release.yaml', `images:\n- name: django\n  repository: ${REPOSITORY}\n`),
    ];
    expect(findImages(files)).toEqual([
      {
        path: KUSTOMIZATION,
        line: 2,
        field: 'images[0]',
        form: 'kustomize',
        name: REPOSITORY,
        replaces: 'django',
        tag: '1.10',
        digest: undefined,
      },
      {
        path: KUSTOMIZATION,
        line: 5,
        field: 'images[1]',
        form: 'kustomize',
        name: 'redis',
        tag: undefined,
        digest: OLD,
      },
      {
        path: 'a/pod.json',
        line: 1,
        field: 'spec.containers[0].image',
        form: 'object',
        name: 'ghcr.io/acme/web',
        tag: '1.10',
        digest: undefined,
      },
    ]);
  });

  it('leaves out files that are too large', () => {
    expect(findImages([file(KUSTOMIZATION, KUSTOMIZED)], { maxBytes: 10 })).toEqual([]);
  });
});
