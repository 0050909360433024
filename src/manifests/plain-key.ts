// Fields outside the known forms: any file, any path, named in tagflow.yaml. What the field means is decided there; what
// it holds is kept: a whole reference stays one, a digest stays a digest, a bare tag gets the digest behind it. A field that
// holds anything else is not the field that was meant, and is refused.
import { type Scalar, isScalar } from 'yaml';
import { isDigest } from '../model/digest.ts';
import { isTag } from '../model/reference.ts';
import { readVersion } from '../model/version.ts';
import type { Site, Target } from './form.ts';
import { type NameIndex, hasPlaceholder, splitImage } from './image-name.ts';
import { refuseContent, refuseFlux, refusePlaceholder } from './refusals.ts';
import type { Source } from './source.ts';
import { type Change, holds, isFluxSetter, replaceScalar } from './splice.ts';
import { type Path, type Tree, formatPath, isEmpty, textOf } from './tree.ts';
import type { ImageNames } from './values.ts';
import { referenceSite } from './workloads.ts';

/** What stands at a configured path: its places, one for each document that has it, or why there is none. */
export type PlainKey = { readonly sites: readonly Site[] } | { readonly missing: string };

/** What the image of a configured field is called, and what its versions look like. */
export interface Meant {
  /** Whether text without tag and digest is a name of the image. */
  isName(name: string): boolean;
  /** Whether text is a version of the image. */
  isVersion(text: string): boolean;
}

/** What tagflow.yaml says of an image, for the fields that it configures. */
export function meantBy<T extends ImageNames>(image: T, index: NameIndex<T>): Meant {
  return {
    isName: (name) => index.find([name]).includes(image),
    isVersion: (text) => image.versions !== undefined && readVersion(text, image.versions) !== undefined,
  };
}

/** The places of a configured path in a file. */
export function plainKey(source: Source, path: Path, meant: Meant): PlainKey {
  const values = source.trees.map((tree) => tree.get(tree.root, path));
  const sites = source.trees.flatMap((tree, document) => {
    const value = values[document];
    if (!isScalar(value)) return [];
    const field: Field = {
      source,
      tree,
      document,
      path,
      value,
      text: isEmpty(value) ? '' : (textOf(value) ?? '').trim(),
    };
    return siteOf(field, meant);
  });
  if (sites.length > 0) return { sites };
  const other = values.some((value) => value !== undefined);
  return { missing: other ? `${formatPath(path)} holds no single value` : `the file has no ${formatPath(path)}` };
}

interface Field {
  readonly source: Source;
  readonly tree: Tree;
  readonly document: number;
  readonly path: Path;
  readonly value: Scalar;
  readonly text: string;
}

function siteOf(field: Field, meant: Meant): Site {
  const { source, document, path, value, text } = field;
  const offset = value.range?.[0] ?? 0;
  const content = contentOf(field, meant);
  if (content.kind === 'reference') {
    const site = referenceSite(source, document, path, value);
    if (site) return site;
  }
  return {
    document,
    path,
    names: [],
    tag: content.kind === 'tag' ? content.tag : undefined,
    digest: content.kind === 'tag' ? content.digest : undefined,
    text,
    offset,
    nodes: [value],
    pin(target: Target): Change {
      const wanted = wantedOf(target, isDigest(text));
      const intents = [{ document, path, value: wanted }];
      if (holds(value, wanted)) return { splices: [], intents };
      if (hasPlaceholder(text)) throw refusePlaceholder(source, offset, path, text);
      if (isFluxSetter(source, value)) throw refuseFlux(source, offset, path);
      if (content.kind === 'other') throw refuseContent(source, offset, path, content.what);
      return { splices: [replaceScalar(source, value, wanted)], intents };
    },
  };
}

/** What a field of its own shall hold. One that held a digest takes the digest alone, and is emptied where the style has none. */
function wantedOf({ tag, digest }: Target, digestAlone: boolean): string {
  if (digestAlone || tag === undefined) return digest ?? '';
  return digest === undefined ? tag : `${tag}@${digest}`;
}

/** What a field holds: nothing, a tag or a digest or both; a reference to the image; or what no pin may replace. */
type Content =
  | { readonly kind: 'tag'; readonly tag: string | undefined; readonly digest: string | undefined }
  | { readonly kind: 'reference' }
  | { readonly kind: 'other'; readonly what: string };

function contentOf(field: Field, meant: Meant): Content {
  const { text, value, path } = field;
  if (text === '') return { kind: 'tag', tag: undefined, digest: undefined };
  if (value.type === 'BLOCK_LITERAL' || value.type === 'BLOCK_FOLDED') return other('a block of text');
  if (isDigest(text)) return { kind: 'tag', tag: undefined, digest: text };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return other(`the address ${quote(text)}`);
  const name = splitImage(text)?.name;
  const [beforeDigest = '', digest, more] = text.split('@');
  // `redis@sha256:…` could be a tag with its digest, as this room writes it; a name of the image decides
  if (name !== undefined && meant.isName(name)) {
    return hasWrittenTag(text, name) ? { kind: 'reference' } : other(`${quote(text)}, which is no whole reference`);
  }
  if (/[/:]/.test(beforeDigest) || isImageKey(path)) return other(`${quote(text)}, which is another image`);
  if (!isTag(beforeDigest) || more !== undefined || (digest !== undefined && !isDigest(digest))) {
    return other(`${quote(text)}, which is no tag`);
  }
  if (digest === undefined && !mayBeTag(field, meant)) return other(`${quote(text)}, which is no version of the image`);
  return { kind: 'tag', tag: beforeDigest, digest };
}

function other(what: string): Content {
  return { kind: 'other', what };
}

/** Whether what follows a name is nothing, a tag, a digest, or both. */
function hasWrittenTag(text: string, name: string): boolean {
  const { tag, digest } = splitImage(text) ?? {};
  return (tag === undefined || isTag(tag)) && (digest === undefined || isDigest(digest)) && text.startsWith(name);
}

/** A key that holds a name of an image, whatever stands there now. */
function isImageKey(path: Path): boolean {
  return /image$/i.test(String(path.at(-1)));
}

/** Last words of keys that hold a tag: a number there is one. */
const TAG_WORDS = new Set(['tag', 'tags', 'version', 'digest', 'sha', 'revision', 'rev', 'build', 'commit']);

/**
 * Whether text that has a tag's letters is one. `3` and `true` are tags by their letters, and far more often a count of
 * replicas and a switch: the key has to speak of a tag, or the image has to have such versions.
 */
function mayBeTag(field: Field, meant: Meant): boolean {
  const { text } = field;
  const number = Number.isFinite(Number(text.replaceAll('_', '')));
  const word = /^(?:true|false|yes|no|on|off|y|n)$/i.test(text);
  return (!number && !word) || meant.isVersion(text) || TAG_WORDS.has(lastWord(keyOf(field)));
}

/** The key that says what a field is; in a list of names and values, the name. */
function keyOf({ tree, path }: Field): string {
  const key = path.findLast((step) => typeof step === 'string');
  if (path.at(-1) !== 'value') return key ?? 'tag';
  return textOf(tree.get(tree.root, [...path.slice(0, -1), 'name'])) ?? 'value';
}

function lastWord(key: string): string {
  const words = key.split(/[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])/);
  return (words.findLast((word) => word !== '') ?? '').toLowerCase();
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text);
}
