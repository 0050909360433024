// Kustomize itself is the judge: what it renders from a pinned overlay is the pin.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { pinImages } from '../../src/manifests/manifests.ts';
import { describeReal } from '../support/real.ts';
import { D, REPOSITORY, deployment, file, options, pinOf } from './support.ts';

describeReal('kubectl kustomize', ['kubectl'], () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tagflow-kustomize-'));
  });
  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  /** The images that an overlay renders after pinning; `base/` is given to pinning as read-only. */
  function render(
    overlay: string,
    base: string,
    more: Record<string, string> = {},
    style = options.style,
    version = 'V4.2',
  ): string[] {
    const files = Object.entries({ 'environments/dev/kustomization.yaml': overlay, ...more }).map(([path, text]) =>
      file(path, text),
    );
    const bases = [file('base/web.yaml', base), file('base/kustomization.yaml', 'resources: [web.yaml]\n')];
    const pin = pinOf({ version });
    const { edits } = pinImages(files, [pin], { ...options, bases, style });
    const written = [...files, ...bases, ...edits];
    for (const { path, content } of written) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), content);
    }
    const out = execFileSync('kubectl', ['kustomize', join(root, 'environments/dev')], { encoding: 'utf8' });
    return [...out.matchAll(/image: (.*)/g)].map(([, image]) => image ?? '');
  }

  const OVERLAY = 'resources:\n- ../../base\n';
  it.each([
    ['an entry with a tag', `${OVERLAY}images:\n- name: django\n  newTag: V4.0\n`, ' django:V1'],
    ['an entry with newName', `${OVERLAY}images:\n- name: app\n  newName: ${REPOSITORY}\n  newTag: V4.0\n`, ' app:V1'],
    ['an entry without a tag', `${OVERLAY}images: [{name: django}]\n`, ' django'],
    ['an added list', OVERLAY, ' django:V1'],
    ['an added entry', `${OVERLAY}images:\n  - name: redis\n    newTag: "7"\n`, ' django:V1'],
    ['an added entry for the repository', OVERLAY, ` ${REPOSITORY}:V1`],
    ['an added entry in JSON', '{"resources": ["../../base"]}', ' django'],
    ['an entry that stands beside its twin', `${OVERLAY}images:\n- name: ${REPOSITORY}\n`, ' django'],
  ])('renders version and digest for %s', (_, overlay, image) => {
    expect(render(overlay, deployment(image))).toEqual([`${REPOSITORY}:V4.2@${D}`]);
  });

  it('renders the digest alone in that style', () => {
    const overlay = `${OVERLAY}images:\n- name: django\n  newTag: V4.0\n`;
    expect(render(overlay, deployment(' django:V1'), {}, 'digest')).toEqual([`${REPOSITORY}@${D}`]);
  });

  it.each(['1.10', '1e3', 'null', '0755'])('reads the tag %s as text', (version) => {
    const images = render(OVERLAY, deployment(' django:V1'), {}, options.style, version);
    expect(images).toEqual([`${REPOSITORY}:${version}@${D}`]);
  });

  it('renders workloads of the overlay and of its base with one pin', () => {
    const overlay = 'resources:\n- ../../base\n- own.yaml\nimages:\n- name: django\n  newTag: V4.0\n';
    const own = deployment(' django:V4.0').replace('name: web\nspec', 'name: own\nspec');
    expect(render(overlay, deployment(' django:V1'), { 'environments/dev/own.yaml': own })).toEqual(
      Array.from({ length: 2 }, () => `${REPOSITORY}:V4.2@${D}`),
    );
  });
});
