// Adds a value that an environment's own file lacks, at a path of keys, below the mappings that are there.
import { isMap, isScalar } from 'yaml';
import type { Site, Target } from './form.ts';
import { type Leaves, blockLines, setKeys } from './set-key.ts';
import type { Source } from './source.ts';
import { type Change, unsafe } from './splice.ts';
import { type Path, type Tree, describePath } from './tree.ts';

/** A place that is not there yet: pinning it adds keys beside its last one. Undefined where the file has no room for one. */
export function missingSite(source: Source, path: Path, leavesOf: (target: Target) => Leaves): Site | undefined {
  const [tree, second] = source.trees;
  if (!tree || second || source.dotenv || path.some((step) => typeof step === 'number')) return undefined;
  const steps = path.slice(0, -1).map(String);
  return {
    document: 0,
    path,
    names: [],
    tag: undefined,
    digest: undefined,
    text: '',
    offset: 0,
    nodes: [],
    pin: (target: Target): Change => addValues(source, tree, steps, leavesOf(target)),
  };
}

function addValues(source: Source, tree: Tree, steps: readonly string[], leaves: Leaves): Change {
  const { root } = tree;
  if (isMap(root)) return setKeys({ source, document: 0, tree, map: root, path: [] }, steps, leaves);
  if (root === undefined || (isScalar(root) && root.range?.[0] === root.range?.[1])) return fill(source, steps, leaves);
  throw unsafe(source, 0, {
    what: `has no room for ${describePath([...steps, ...leaves.keys()])}`,
    why: 'a key is added to a mapping, and the file holds something else',
    fix: 'name another file or field under pins: in tagflow.yaml',
  });
}

/** The lines of a file of comments, or of nothing. */
function fill(source: Source, steps: readonly string[], leaves: Leaves): Change {
  const end = source.text.length;
  const gap = /(?:^|\n|\uFEFF)$/.test(source.text) ? '' : source.newline;
  const lines = blockLines('', steps, leaves);
  return {
    splices: [{ start: end, end, text: `${gap}${lines.join(source.newline)}${source.newline}` }],
    intents: [
      ...[...leaves].map(([key, value]) => ({ document: 0, path: [...steps, key], value })),
      { document: 0, path: [], value: undefined },
    ],
  };
}
