// What a file holds decides: under any other name the same bytes come of it. Only names count by which a file's own reader finds it:
// a kustomization, values of a chart, and a file that is called as its one component is.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { capsFor } from '../../src/manifests/caps.ts';
import { findFormed } from '../../src/manifests/forms.ts';
import { isKustomization } from '../../src/manifests/kustomize.ts';
import { type ManifestFile, type Pin, pinImages } from '../../src/manifests/manifests.ts';
import { decode, isSource, readSource } from '../../src/manifests/source.ts';
import { digestOf } from '../../src/model/digest.ts';
import { isTagflowError } from '../../src/model/errors.ts';
import { parseRepository, parseTag } from '../../src/model/reference.ts';
import { canonicalName } from '../../src/manifests/image-name.ts';

const FIXTURES = new URL('../fixtures/manifests', import.meta.url).pathname;
const MAX = 1024 * 1024;
const KUSTOMIZATION = 'folder/kustomization.yaml';
/** Names of every kind that teams give to files. */
const NAMES = [
  'folder/x1',
  'folder/deep/er/x2.yaml',
  'x3.yml',
  'X4.YAML',
  'x5.json',
  'x6.conf',
  'folder.d/x7.txt',
  '.x8',
  'x 9.yaml',
  'x10.env',
];

const files = readdirSync(FIXTURES, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name !== 'SOURCES.md')
  .map((entry) => join(entry.parentPath, entry.name))
  .sort()
  .map((path) => ({ path: path.slice(FIXTURES.length + 1), content: readFileSync(path) }));

/** A pin for every image that a file names, or whose component its keys name. */
function pinsFor(file: ManifestFile): readonly Pin[] {
  const text = decode(file.content);
  const source = text === undefined ? undefined : readSource(file.path, text, capsFor(MAX));
  if (!source || !isSource(source)) return [];
  const names = new Map<string, string>();
  for (const { site } of findFormed(source)) {
    const name = site.names[0];
    if (name !== undefined && /^[a-z0-9./:_-]+$/.test(name)) names.set(canonicalName(name), name);
  }
  return [...names].flatMap(([canonical, name], index) => {
    try {
      const repository = parseRepository(canonical);
      return [
        {
          image: `image-${index}`,
          names: [name, canonical],
          repository,
          version: parseTag('v9'),
          digest: digestOf('v9'),
        },
      ];
    } catch {
      return [];
    }
  });
}

/** What pinning a file makes of it, or why it is refused. Places are named without the file. */
function outcome(path: string, content: Uint8Array, pins: readonly Pin[]): unknown {
  const file = { path, content };
  const empty = { path: KUSTOMIZATION, content: new TextEncoder().encode('resources: []\n') };
  try {
    const { edits, fields } = pinImages(path === KUSTOMIZATION ? [file] : [empty, file], pins, {
      style: 'version+digest',
      folder: 'folder',
      configured: [],
      maxBytes: MAX,
    });
    const edit = edits.find((each) => each.path === path);
    const own = fields
      .filter((each) => each.path === path)
      .map(({ line, field, before, after }) => ({ line, field, before, after }));
    return { text: decode(edit?.content ?? content), fields: own };
  } catch (error) {
    if (!isTagflowError(error)) throw error;
    return { code: error.code, what: error.message.replaceAll(path, 'FILE') };
  }
}

/** What a name says to the reader of such a file: it is not to be taken from it. */
function isReadByName({ path }: ManifestFile): boolean {
  return isKustomization(path) || /(?:^|[-._/])values[-._]/i.test(path);
}

describe('a manifest under another name', () => {
  it.each(files.filter((file) => !isReadByName(file)).map((file) => [file.path, file] as const))(
    '%s comes to the same bytes',
    (_, file) => {
      const pins = pinsFor(file);
      const original = outcome('folder/y', file.content, pins);
      const isJson = /\.json$/i.test(file.path);
      for (const path of NAMES) {
        // what is written into a file that is called JSON has to stay JSON
        if (!isJson && path.endsWith('.json')) continue;
        expect([path, outcome(path, file.content, pins)]).toEqual([path, original]);
      }
    },
  );

  it('of the corpus has places enough to say something', () => {
    expect(files.flatMap((file) => pinsFor(file)).length).toBeGreaterThan(80);
  });
});
