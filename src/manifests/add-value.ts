// Adds a value that an environment's own file lacks, at a path of keys, below the mappings that are there.
import { isMap, isScalar } from 'yaml';
import type { Site, Target } from './form.ts';
import { scalarText } from './scalar-text.ts';
import { setKeys } from './set-key.ts';
import type { Source } from './source.ts';
import { type Change, unsafe } from './splice.ts';
import { type Path, type Tree, describePath } from './tree.ts';

/** A place that is not there yet: pinning it adds a tag with its digest. Undefined where the file has no room for one. */
export function missingSite(source: Source, path: Path): Site | undefined {
  const [tree, second] = source.trees;
  if (!tree || second || source.dotenv || path.some((step) => typeof step === 'number')) return undefined;
  return {
    document: 0,
    path,
    names: [],
    tag: undefined,
    digest: undefined,
    text: '',
    offset: 0,
    nodes: [],
    pin: ({ tag, digest }: Target): Change =>
      addValue(source, tree, path.map(String), [tag, digest].filter((part) => part !== undefined).join('@')),
  };
}

function addValue(source: Source, tree: Tree, path: readonly string[], value: string): Change {
  const { root } = tree;
  const [key = '', ...above] = path.toReversed();
  if (isMap(root)) {
    const place = { source, document: 0, tree, map: root, path: [] };
    return setKeys(place, above.toReversed(), new Map([[key, value]]));
  }
  if (root === undefined || (isScalar(root) && root.range?.[0] === root.range?.[1])) return fill(source, path, value);
  throw unsafe(source, 0, {
    what: `has no room for ${describePath(path)}`,
    why: 'a key is added to a mapping, and the file holds something else',
    fix: 'name another file or field under pins: in tagflow.yaml',
  });
}

/** The lines of a file of comments, or of nothing. */
function fill(source: Source, path: readonly string[], value: string): Change {
  const end = source.text.length;
  const gap = /(?:^|\n|\uFEFF)$/.test(source.text) ? '' : source.newline;
  const lines = path.map((key, index) => {
    const lead = `${'  '.repeat(index)}${scalarText(key)}:`;
    return index === path.length - 1 ? `${lead} ${scalarText(value)}` : lead;
  });
  return {
    splices: [{ start: end, end, text: `${gap}${lines.join(source.newline)}${source.newline}` }],
    intents: [
      { document: 0, path, value },
      { document: 0, path: [], value: undefined },
    ],
  };
}
