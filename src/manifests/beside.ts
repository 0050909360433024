// What stands beside a tag or a digest and belongs to the same image: `{registry, repository, tag, digest}`, also as
// `imageRepository` beside `imageTag`, or `web_repository` beside `web_tag`.
import { type Scalar, isMap, isScalar } from 'yaml';
import { joinName } from './image-name.ts';
import { setValue } from './set-value.ts';
import type { Source } from './source.ts';
import type { Change } from './splice.ts';
import { type Path, type Tree, isEmpty, textOf } from './tree.ts';

/** A field beside another one. */
export interface Sibling {
  readonly path: Path;
  readonly node: Scalar;
  readonly text: string;
}

/** The fields of one image. */
export interface Siblings {
  readonly registry?: Sibling;
  readonly repository?: Sibling;
  readonly tag?: Sibling;
  readonly digest?: Sibling;
}

/** Words that a key may end in, by what such a field holds. */
const ENDINGS: readonly (readonly [keyof Siblings, readonly string[]])[] = [
  ['registry', ['registry']],
  ['repository', ['repository', 'repo']],
  ['tag', ['tag', 'version']],
  ['digest', ['digest']],
];

/** The fields of the image whose tag or digest stands at a path, that field included; nothing where its key says neither. */
export function siblingsOf(tree: Tree, path: Path): Siblings {
  const above = path.slice(0, -1);
  const map = tree.get(tree.root, above);
  const own = fold(String(path.at(-1)));
  const ending = ['tag', 'version', 'digest'].find((word) => own.endsWith(word));
  if (!isMap(map) || ending === undefined) return {};
  const stem = own.slice(0, -ending.length);
  const found: { -readonly [K in keyof Siblings]: Sibling } = {};
  for (const [key, { pair }] of tree.entries(map)) {
    const node = tree.follow(pair.value);
    const [part] = ENDINGS.find(([, words]) => words.some((word) => fold(key) === stem + word)) ?? [];
    if (part === undefined || !isScalar(node) || (found[part] && key !== path.at(-1))) continue;
    found[part] = { path: [...above, key], node, text: isEmpty(node) ? '' : (textOf(node) ?? '').trim() };
  }
  return found;
}

/** The name that the fields spell; undefined where they spell none, or another tool completes it. */
export function nameBeside({ registry, repository }: Siblings): string | undefined {
  return repository && joinName(registry?.text ?? '', repository.text);
}

/** The edit that makes a field beside hold a value. Throws what `setValue` throws. */
export function setSibling(source: Source, document: number, { path, node }: Sibling, value: string): Change {
  return setValue({ source, index: document }, path, node, value);
}

/** Letters and digits alone, in lower case: `imageTag` and `image_tag` are one key. */
function fold(key: string): string {
  return key.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}
