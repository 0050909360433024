// Fields outside the known forms: any file, any path, named in tagflow.yaml. What the field means is decided there; what
// it holds is kept: a whole reference stays one, a digest stays a digest, a bare tag gets the digest behind it. A field that
// holds anything else is not the field that was meant, and is refused.
import { type Scalar, isScalar } from 'yaml';
import { isDigest } from '../model/digest.ts';
import type { ConfiguredField, FieldStep } from '../model/pipeline.ts';
import { isTag } from '../model/reference.ts';
import { type VersionScheme, readVersion } from '../model/version.ts';
import { takesVersionAlone } from './chart-version.ts';
import { Embedded } from './embedded.ts';
import { formatFieldPath, locate } from './field-path.ts';
import type { Document, Site, Target } from './form.ts';
import { type NameIndex, hasPlaceholder, splitImage } from './image-name.ts';
import { refuseContent, refuseRegistry } from './refusals.ts';
import type { Source } from './source.ts';
import { type Change, joinChanges, unsafe } from './splice.ts';
import { type Sibling, type Siblings, nameBeside, setSibling, siblingsOf } from './beside.ts';
import { retarget } from './retarget.ts';
import { type Path, type Tree, describePath, isEmpty, textOf } from './tree.ts';
import type { ImageNames } from './values.ts';
import { referenceSite } from './reference-site.ts';

/** What stands at a configured path: its places, one for each document that has it, or why there is none. */
export type PlainKey = { readonly sites: readonly Site[] } | { readonly missing: string };

/** What the image of a configured field is called, and what its versions look like. */
export interface Meant {
  /** Whether text without tag and digest is a name of the image. */
  isName(name: string): boolean;
  /** Whether text, which may be a number, is a version of the image and can be nothing else. */
  isVersion(text: string): boolean;
  /** Its names. */
  readonly names: readonly string[];
  /** Whether tagflow.yaml names a field of the file by itself. */
  isConfigured(tree: Tree, path: Path): boolean;
}

/** What tagflow.yaml says of an image, for the fields that it configures. */
export function meantBy<T extends ImageNames>(
  image: T,
  index: NameIndex<T>,
  configured: readonly Pick<ConfiguredField, 'path'>[] = [],
): Meant {
  return {
    names: image.names,
    isName: (name) => index.find([name]).includes(image),
    isVersion: (text) => image.versions !== undefined && hasPatternFor(text, image.versions),
    isConfigured: (tree, path) =>
      configured.some((pin) => describePath(locate(tree, pin.path) ?? ['']) === describePath(path)),
  };
}

/** Whether a pattern of tagflow.yaml reads text. What semver reads (`3`, `1.5`) could as well be a count or a share. */
function hasPatternFor(text: string, scheme: VersionScheme): boolean {
  if (scheme.kind === 'list') return scheme.schemes.some((each) => hasPatternFor(text, each));
  return scheme.kind === 'pattern' && readVersion(text, scheme) !== undefined;
}

/** The places of a configured path in a file. */
export function plainKey(source: Source, configured: readonly FieldStep[], meant: Meant): PlainKey {
  const paths = source.trees.map((tree) => locate(tree, configured));
  const values = source.trees.map((tree, document) => paths[document] && tree.get(tree.root, paths[document]));
  const sites = source.trees.flatMap((tree, document) => {
    const value = values[document];
    const path = paths[document];
    if (value === undefined)
      return sitesInText({ source, index: document, tree, root: tree.root, path: [] }, configured, meant);
    if (!isScalar(value) || !path) return [];
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
  const written = formatFieldPath(configured);
  return { missing: other ? `${written} does not hold a single value` : `the file has no ${written}` };
}

/** The places of a path that continues in a text of YAML: `spec.source.helm.values.image.tag`. */
function sitesInText(outer: Document, configured: readonly FieldStep[], meant: Meant): readonly Site[] {
  const { tree } = outer;
  for (let length = configured.length - 1; length > 0; length -= 1) {
    const path = locate(tree, configured.slice(0, length));
    const value = path && tree.get(tree.root, path);
    if (value === undefined || !path) continue;
    const text = Embedded.read(outer, path, value);
    const inner = text && plainKey(text.document.source, configured.slice(length), meant);
    return inner && 'sites' in inner ? inner.sites.map((site) => text.site(site)) : [];
  }
  return [];
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
    const site = referenceSite({ source, index: document }, path, value);
    if (site) return site;
  }
  const siblings = siblingsOf(field.tree, path);
  const name = nameBeside(siblings);
  const [tag, digest] = content.kind === 'tag' ? [content.tag, content.digest] : [undefined, undefined];
  const others = [siblings.registry, siblings.repository, siblings.tag, siblings.digest].flatMap((each) =>
    each && each.node !== value ? [each.node] : [],
  );
  const versionAlone = takesVersionAlone(field.tree, path);
  return {
    document,
    path,
    names: name !== undefined && meant.isName(name) ? [name] : [],
    tag: tag ?? (siblings.digest?.node === value ? siblings.tag?.text : undefined),
    digest: digest ?? (siblings.digest && siblings.digest.text !== '' ? siblings.digest.text : undefined),
    text,
    offset,
    versionAlone,
    nodes: [value, ...others],
    pin(asked: Target): Change {
      const target = versionAlone ? withoutDigest(field, asked) : asked;
      if (content.kind === 'other' && !hasPlaceholder(text)) throw refuseContent(source, offset, path, content.what);
      const digestAlone = isDigest(text) || siblings.digest?.node === value;
      const wanted = siblings.digest && !digestAlone ? (target.tag ?? '') : wantedOf(target, digestAlone);
      const own = setSibling(source, document, { path, node: value, text }, wanted);
      return joinChanges([
        ...retargetBeside(field, siblings, target, meant),
        own,
        ...setOthers(field, siblings, target, meant),
      ]);
    },
  };
}

/** What a field is asked that takes a version alone. */
function withoutDigest({ source, path, value }: Field, target: Target): Target {
  if (target.tag !== undefined) return { ...target, digest: undefined };
  throw unsafe(source, value.range?.[0] ?? 0, {
    what: `${describePath(path)} is a version, and the pin style writes a digest alone`,
    why: 'the field does not take a digest',
    fix: 'choose pin: version for this field',
  });
}

/** Tag and digest beside the field, where tagflow.yaml does not configure them by themselves. */
function setOthers(
  { source, tree, document, value }: Field,
  { tag, digest }: Siblings,
  target: Target,
  meant: Meant,
): Change[] {
  const set = (sibling: Sibling | undefined, wanted: string | undefined): Change[] =>
    sibling === undefined || wanted === undefined || sibling.node === value || meant.isConfigured(tree, sibling.path)
      ? []
      : [setSibling(source, document, sibling, wanted)];
  return digest === undefined ? [] : [...set(tag, target.tag ?? ''), ...set(digest, target.digest ?? '')];
}

/** The repository that the environment runs the image from, written where another one of the image stands. */
function retargetBeside(field: Field, siblings: Siblings, target: Target, meant: Meant): Change[] {
  const { source, document } = field;
  const { registry, repository } = siblings;
  const name = nameBeside(siblings);
  if (name === undefined || !repository || target.name === undefined) return [];
  const offset = repository.node.range?.[0] ?? 0;
  if (!meant.isName(name)) {
    // the registry may be set elsewhere: then the path alone has to be that of every repository of the image
    const registries = meant.names.filter((known) => known.endsWith(`/${name}`));
    if (registries.length === 1 && registries[0] === target.name) return [];
    throw registries.length > 0
      ? refuseRegistry(source, offset, repository.path, target.name)
      : refuseContent(source, offset, repository.path, `${quote(name)}, which is another image`);
  }
  if (retarget(name, target) === name) return [];
  const slash = target.name.indexOf('/');
  if (!registry || registry.text === '') return [setSibling(source, document, repository, target.name)];
  return [
    setSibling(source, document, registry, target.name.slice(0, slash)),
    setSibling(source, document, repository, target.name.slice(slash + 1)),
  ];
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
    return hasWrittenTag(text, name) ? { kind: 'reference' } : other(`${quote(text)}, which is not a whole reference`);
  }
  if (/[/:]/.test(beforeDigest) || isImageKey(path)) return other(`${quote(text)}, which is another image`);
  if (!isTag(beforeDigest) || more !== undefined || (digest !== undefined && !isDigest(digest))) {
    return other(`${quote(text)}, which is not a tag`);
  }
  if (digest === undefined && !mayBeTag(field, meant))
    return other(`${quote(text)}, which is not a version of the image`);
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
