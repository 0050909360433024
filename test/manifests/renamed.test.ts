// A form is chosen by what a file holds. A file under another name is pinned like before, but for what its own tool reads by name:
// a kustomization, the values of a chart beside each other, a file whose name is the component.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findImages } from '../../src/manifests/manifests.ts';
import { STYLE_ROWS } from './style-rows.ts';
import { file, folder, pinOf, pinned } from './support.ts';

const OTHER_NAMES = ['web', 'x.txt', 'a/b.yml', 'settings.conf', 'production', 'one.two.three', 'README.md'];
const BY_NAME = new Set(['kustomize', 'configured']);

it.each(STYLE_ROWS.filter(({ form }) => !BY_NAME.has(form)))(
  '$form, $place: the same bytes under any name',
  ({ path, text }) => {
    const usual = pinned(path, text, pinOf());
    expect(usual).not.toBe(text);
    for (const name of OTHER_NAMES) expect([name, pinned(`${folder}/${name}`, text, pinOf())]).toEqual([name, usual]);
  },
);

const CORPUS = join(import.meta.dirname, '../fixtures/manifests');

it('the real files under test/fixtures name the same images under another name', () => {
  const paths = readdirSync(CORPUS, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/^kustomization\.ya?ml$|^Kustomization$/.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name));
  let named = 0;
  for (const path of paths) {
    const content = readFileSync(path);
    const places = (name: string): readonly string[] =>
      findImages([file(name, content)]).map(
        ({ line, field, form, name: image, tag, digest }) => `${line} ${form} ${field} ${image} ${tag} ${digest}`,
      );
    const usual = places(path.slice(CORPUS.length + 1));
    named += usual.length;
    // one that is called as manifests are, and one that is not
    for (const other of ['renamed.yaml', 'renamed']) expect([path, other, places(other)]).toEqual([path, other, usual]);
  }
  expect(named).toBeGreaterThan(100);
});
