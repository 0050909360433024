// Fields beside a pin that change in the same commit: what tagflow.yaml lists under `also:`. What a field holds is kept in its form;
// a key that is missing is added, with the mappings around it.
import { isMap, isScalar } from 'yaml';
import type { AlsoField } from '../model/pipeline.ts';
import { formatFieldPath, locate } from './field-path.ts';
import { refusePlaceholder } from './refusals.ts';
import { isAmbiguous } from './scalar-text.ts';
import { setKeys } from './set-key.ts';
import type { Source } from './source.ts';
import { type Change, replaceScalar, unsafe } from './splice.ts';
import { hasPlaceholder } from './image-name.ts';
import { type Path, type Tree, describePath, startOf, textOf } from './tree.ts';
import { ANNOTATION, annotationValue } from './deploy-mark.ts';
import type { Pin, ReleaseValues } from './values.ts';

/** The text of a field for a release. */
export function alsoText({ path, value }: AlsoField, pin: Pin, values: ReleaseValues): string {
  const { version } = pin;
  const key = path.at(-1);
  const isMark = typeof key === 'string' && key.startsWith(ANNOTATION);
  const digest = isMark ? annotationValue(pin) : pin.digest;
  const known = new Map<string, string>([
    ['version', version],
    ['digest', digest],
    ['release', String(values.release)],
    ['time', values.time],
  ]);
  return value.replaceAll(/\{([a-z]+)\}/g, (whole, word: string) => known.get(word) ?? whole);
}

/** The edit that makes a field hold a text. Throws `manifest-unsafe-edit` where a block, a list or a mapping stands there. */
export function setField(source: Source, field: AlsoField, text: string): Change {
  const document = documentOf(source, field.path);
  const tree = source.trees[document];
  if (!tree) return { splices: [], intents: [] };
  const path = locate(tree, field.path);
  if (!path) throw noPlace(source, 0, field.path);
  const value = tree.get(tree.root, path);
  if (value === undefined) return addField({ source, document, tree }, path, text);
  const offset = startOf(value) ?? 0;
  const intents = [{ document, path, value: text }];
  if (!isScalar(value) || value.type === 'BLOCK_LITERAL' || value.type === 'BLOCK_FOLDED') {
    throw unsafe(source, offset, {
      what: `${describePath(path)} holds more than one value`,
      why: 'a field under also: is a single value, and what is there now would be lost',
      fix: 'correct file and path under also: in tagflow.yaml',
    });
  }
  const before = textOf(value) ?? '';
  if (before === text) return { splices: [], intents };
  if (hasPlaceholder(before)) throw refusePlaceholder(source, offset, path, before);
  // a switch or a number that is written as one stays one: readers would take "true" in quotes for text
  const plain = value.type === 'PLAIN' && isAmbiguous(before) && isAmbiguous(text) && text !== '';
  const [start = 0, end = start] = value.range ?? [];
  return { splices: [plain ? { start, end, text } : replaceScalar(source, value, text)], intents };
}

function addField(
  { source, document, tree }: { readonly source: Source; readonly document: number; readonly tree: Tree },
  path: Path,
  text: string,
): Change {
  const depth = path.findLastIndex((step) => typeof step === 'number') + 1;
  const above = path.slice(0, depth);
  const steps = path.slice(depth).map(String);
  const map = tree.get(tree.root, above);
  const key = steps.pop();
  if (!isMap(map) || key === undefined) throw noPlace(source, startOf(map) ?? 0, path);
  return setKeys({ source, document, tree, map, path: above }, steps, new Map([[key, text]]));
}

function noPlace(source: Source, offset: number, path: AlsoField['path']): Error {
  return unsafe(source, offset, {
    what: `has no place for ${formatFieldPath(path)}`,
    why: 'a missing key is added to a mapping, and the file has no mapping at this place',
    fix: 'correct file and path under also: in tagflow.yaml',
  });
}

/** The document that has the field, or else the first that is a mapping. */
function documentOf({ trees }: Source, path: AlsoField['path']): number {
  const having = trees.findIndex((tree) => {
    const at = locate(tree, path);
    return at !== undefined && tree.get(tree.root, at) !== undefined;
  });
  return having >= 0
    ? having
    : Math.max(
        0,
        trees.findIndex(({ root }) => isMap(root)),
      );
}
