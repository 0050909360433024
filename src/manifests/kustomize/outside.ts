// What a kustomization takes in that is not in its repository: kustomize would fetch it, or read it from this machine.
import { dirname, join } from 'node:path/posix';
import { capsFor } from '../caps.ts';
import { isKustomization } from '../kustomize.ts';
import { decode, isSource, readSource } from '../source.ts';
import { type Tree, type Value, textOf } from '../tree.ts';
import type { ManifestFile } from '../values.ts';

/** Fields whose items are paths, or mappings with a path (kubectl.docs.kubernetes.io/references/kustomize). */
const LISTS = [
  'resources',
  'bases',
  'components',
  'crds',
  'configurations',
  'generators',
  'transformers',
  'validators',
  'patches',
  'patchesStrategicMerge',
  'patchesJson6902',
  'replacements',
];
/** Fields of generators whose items are paths, `KEY=PATH` among them. */
const GENERATORS = ['configMapGenerator', 'secretGenerator'];

/**
 * What a kustomization names outside of the repository; and the addresses in a configuration of a plugin. None for other files.
 * A kustomization that cannot be read names nothing: kustomize cannot read it either.
 */
export function outsideReferences({ path, content }: ManifestFile, maxBytes: number): readonly string[] {
  const text = content.length <= maxBytes ? decode(content) : undefined;
  if (!isKustomization(path)) return text === undefined ? [] : addressesOfPlugin(text);
  const source = text === undefined ? undefined : readSource(path, text, capsFor(maxBytes));
  if (!source || !isSource(source)) return [];
  return source.trees.flatMap((tree) => pathsIn(tree)).filter((written) => isOutside(path, written));
}

/** Whether a kustomization is a component: it is taken in by others, and nothing by itself. */
export function isComponentFile({ path, content }: ManifestFile, maxBytes: number): boolean {
  const text = content.length <= maxBytes ? decode(content) : undefined;
  const source = text === undefined ? undefined : readSource(path, text, capsFor(maxBytes));
  if (!source || !isSource(source)) return false;
  return source.trees.some((tree) => textOf(tree.get(tree.root, ['kind'])) === 'Component');
}

/** A configuration of a built-in transformer or generator may name files by address. */
function addressesOfPlugin(text: string): readonly string[] {
  if (!/apiVersion["']?\s*:\s*["']?builtin\b/.test(text)) return [];
  return text.match(/\bhttps?:\/\/[^\s"']+/g) ?? [];
}

/** Every text of a kustomization that names a file or a folder. */
function pathsIn(tree: Tree): readonly string[] {
  const items = (path: readonly string[]): readonly Value[] =>
    tree.items(tree.get(tree.root, path)).flatMap((value) => value ?? []);
  const single = (value: Value | undefined): readonly string[] => [textOf(value)].flatMap((text) => text ?? []);
  const listed = LISTS.flatMap((field) => items([field])).flatMap((item) => [
    ...single(item),
    ...single(tree.get(item, ['path'])),
  ]);
  const generated = GENERATORS.flatMap((field) => items([field])).flatMap((generator) => [
    ...['files', 'envs'].flatMap((field) => tree.items(tree.get(generator, [field])).flatMap(single)),
    ...single(tree.get(generator, ['env'])),
  ]);
  return [
    ...listed.flatMap((text) => (/\n|^\s*[[{]/.test(text) ? addressesOfPlugin(text) : [text.trim()])),
    ...generated.map((text) => text.slice(text.indexOf('=') + 1).trim()),
    ...single(tree.get(tree.root, ['openapi', 'path'])),
  ];
}

/** Whether a written path leads out of the repository: an address, another repository, `../` beyond the root. */
function isOutside(path: string, written: string): boolean {
  if (written === '') return false;
  if (/:\/\/|^\/|^~|\?|^[^/]*@|^[\w.-]+:|^(?:github\.com|gitlab\.com|bitbucket\.org)\//i.test(written)) return true;
  const at = join(dirname(path), written);
  return at === '..' || at.startsWith('../');
}
