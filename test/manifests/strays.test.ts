// Places that name an image and that no pin changes.
import { describe, expect, it } from 'vitest';
import { findStrays, readPins } from '../../src/manifests/manifests.ts';
import { D, KUSTOMIZATION, REPOSITORY, WORKLOAD, deployment, file, options, pinOf } from './support.ts';

function strays(path: string, text: string): readonly string[] {
  const files = [file(path, text)];
  const pins = readPins(files, [pinOf()], options);
  return findStrays(files, [pinOf()], pins).map(({ line, text: written }) => `${line} ${written}`);
}

describe('a stray', () => {
  it.each([
    ['an argument', `args: [--image=${REPOSITORY}:V1.0]\n`, [`1 ${REPOSITORY}:V1.0`]],
    ['a template', `image: {{ x }}\nargs: [--image=${REPOSITORY}@${D}]\n`, [`2 ${REPOSITORY}@${D}`]],
    ['text in a block', `data:\n  run: |\n    docker run ${REPOSITORY}:V1.0 -- x\n`, [`3 ${REPOSITORY}:V1.0`]],
    [
      'a version in a custom resource',
      `apiVersion: acme/v1\nkind: App\nspec:\n  image: ${REPOSITORY}\n  size: 1\n  version: V1.0\n`,
      [`4 ${REPOSITORY} with version V1.0`],
    ],
    [
      'another spelling of the host',
      'args: [--image=Registry.Example.com/acme/django:V1]\n',
      ['1 Registry.Example.com/acme/django:V1'],
    ],
  ])('is %s that names the repository with a tag or a digest', (_, text, found) => {
    expect(strays('environments/dev/x.yaml', text)).toEqual(found);
  });

  it.each([
    ['a pin', WORKLOAD, deployment(` ${REPOSITORY}:V4.0`)],
    ['a comment', 'a.yaml', `a: b # was ${REPOSITORY}:V1.0\n# ${REPOSITORY}:V1.0\n`],
    ['a repository with its version, which is a pin', 'a.yaml', `- name: ${REPOSITORY}\n  version: V1.0\n`],
    ['the version of another mapping', 'a.yaml', `image: ${REPOSITORY}\nchart:\n  version: V1.0\n`],
    ['the repository alone', 'a.yaml', `repository: ${REPOSITORY}\n`],
    ['a longer path', 'a.yaml', `image: ${REPOSITORY}/web:V1\n`],
    ['a key, which is a common word', 'a.yaml', 'framework: django:V1\n'],
    ['an inline patch, which an entry pins', KUSTOMIZATION, `patches: [{patch: "- value: ${REPOSITORY}:V1"}]\n`],
  ])('is not %s', (_, path, text) => {
    expect(strays(path, text)).toEqual([]);
  });

  it('is listed five times at most', () => {
    expect(strays('a.yaml', `- ${REPOSITORY}:V1\n`.repeat(50))).toHaveLength(5);
  });
});
