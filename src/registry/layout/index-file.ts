// The index.json of an OCI image layout: read as JSON, edited as text. Descriptors that an edit is not about keep
// their bytes, their order and the fields nobody here knows. Pure. OCI image-spec v1.1: image-layout.md, descriptor.md.
import { type Digest, isDigest } from '../../model/digest.ts';
import { TagflowError } from '../../model/errors.ts';
import { isTag, type Tag } from '../../model/reference.ts';
import { IMAGE_MEDIA_TYPES } from '../image/manifest-type.ts';
import type { Descriptor } from '../registry.ts';

const REF_NAME = 'org.opencontainers.image.ref.name';
/** The full name containerd knows an image by: says "django:stg" again, so it stays with its tag and is never copied. */
const CONTAINERD_NAME = 'io.containerd.image.name';

interface Span {
  readonly start: number;
  readonly end: number;
}

/** A descriptor of index.json that names an image. Others (any other media type) are kept and never looked at. */
export interface IndexEntry {
  readonly mediaType: string;
  /** As written: only a digest when `isDigest` says so. */
  readonly digest: string;
  /** The bare tag in `org.opencontainers.image.ref.name`; undefined without one, and for full names. */
  readonly tag: Tag | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly span: Span;
}

/** An index.json, parsed. */
export interface LayoutIndex {
  /** For errors. */
  readonly directory: string;
  readonly text: string;
  /** The value of `manifests`, brackets included. */
  readonly list: Span;
  /** Every element of `manifests`, foreign ones included. */
  readonly elements: readonly Span[];
  readonly images: readonly IndexEntry[];
}

/** An index.json without descriptors. */
export const EMPTY_INDEX = '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}';

/** Reads index.json. Throws a SyntaxError for text that is not JSON (it may be half written), `layout-invalid` for other JSON. */
export function parseIndex(text: string, directory: string): LayoutIndex {
  const root: unknown = JSON.parse(text);
  if (!isObject(root)) throw invalid(directory, 'index.json is not a JSON object');
  if (root['schemaVersion'] !== 2) {
    throw invalid(directory, `schemaVersion in index.json is ${JSON.stringify(root['schemaVersion'])}, not 2`);
  }
  const type = root['mediaType'];
  if (type !== undefined && type !== '' && type !== IMAGE_MEDIA_TYPES[0]) {
    throw invalid(directory, `mediaType in index.json is ${JSON.stringify(type)}, not ${IMAGE_MEDIA_TYPES[0]}`);
  }
  // Go ignores the case of keys, and parsers disagree on which of two equal keys counts: one list, spelled right.
  const lists = membersOf(text, skipSpace(text, 0)).filter(({ key }) => key.toLowerCase() === 'manifests');
  const [list] = lists;
  if (list === undefined) throw invalid(directory, 'index.json has no "manifests"');
  if (lists.length > 1 || list.key !== 'manifests') {
    throw invalid(directory, `index.json has ${lists.map(({ key }) => JSON.stringify(key)).join(' and ')}`);
  }
  // Go writes an empty list as null.
  const elements = text[list.start] === '[' ? elementsOf(text, list.start) : [];
  if (text[list.start] !== '[' && text.slice(list.start, list.end) !== 'null') {
    throw invalid(directory, '"manifests" in index.json is not a list');
  }
  return { directory, text, list, elements, images: elements.flatMap((span) => readEntry(text, span)) };
}

/** The digest a tag names; undefined without such a tag. Throws `layout-invalid` when two descriptors disagree. */
export function digestOfTag(index: LayoutIndex, tag: Tag): Digest | undefined {
  const entry = entryOfTag(index, tag);
  return entry && (entry.digest as Digest);
}

/** The descriptor a tag names; undefined without such a tag. Throws `layout-invalid` as `digestOfTag` does. */
export function entryOfTag(index: LayoutIndex, tag: Tag): IndexEntry | undefined {
  const entries = index.images.filter((entry) => entry.tag === tag);
  const [first] = entries;
  if (first === undefined) return undefined;
  if (!isDigest(first.digest)) {
    throw invalid(index.directory, `the descriptor of the tag ${tag} has the digest ${JSON.stringify(first.digest)}`);
  }
  const other = entries.find(({ digest }) => digest !== first.digest);
  if (other === undefined) return first;
  throw new TagflowError('layout-invalid', {
    what: `oci:${index.directory} has two images with the tag ${tag}`,
    why: `index.json assigns it to ${first.digest} and to ${JSON.stringify(other.digest)}`,
    fix: `remove the annotation ${REF_NAME} from the wrong one, or remove both with umoci rm and tag again`,
    details: { tag, digests: entries.map(({ digest }) => digest) },
  });
}

/** Every tag, once, in the order of index.json. */
export function tagsOf(index: LayoutIndex): Tag[] {
  return [...new Set(index.images.flatMap(({ tag }) => (tag === undefined ? [] : [tag])))];
}

/**
 * The text of index.json with the tag on the image, one descriptor for the tag. The image's fields (platform, annotations,
 * unknown ones) come from the descriptor it has already, which stays. The image that the tag leaves keeps a descriptor
 * without a tag when it has no other, as skopeo does: else it would be garbage to `umoci gc`, and a rollback lost.
 */
export function withTag(index: LayoutIndex, image: Descriptor, tag: Tag): string {
  const [current, ...repeated] = index.images.filter((entry) => entry.tag === tag);
  const others = index.images.filter((entry) => entry.tag !== tag);
  const known = others.filter(({ digest }) => digest === image.digest);
  const source =
    current?.digest === image.digest ? current : (known.find((entry) => entry.tag === undefined) ?? known[0]);
  const kept = current === undefined ? {} : pick(annotationsOf(current.fields), CONTAINERD_NAME);
  const descriptor = describe(source?.fields ?? {}, image, { ...kept, [REF_NAME]: tag });
  if (current === undefined) return appended(index.text, index, descriptor);

  const abandoned = current.digest !== image.digest && !others.some(({ digest }) => digest === current.digest);
  const text = abandoned ? appended(index.text, index, describe(current.fields, current, {})) : index.text;
  // From the end, so that the spans in front stay true.
  const withoutRepeated = repeated.toReversed().reduce((result, { span }) => removed(result, index, span), text);
  return withoutRepeated.slice(0, current.span.start) + descriptor + withoutRepeated.slice(current.span.end);
}

/**
 * The text of index.json without the tag; undefined when it has none of that name. An image that has no other descriptor
 * keeps one without a tag, as in `withTag`.
 */
export function withoutTag(index: LayoutIndex, tag: Tag): string | undefined {
  const [first, ...repeated] = index.images.filter((entry) => entry.tag === tag);
  if (first === undefined) return undefined;
  const isOnly = !index.images.some((entry) => entry.tag !== tag && entry.digest === first.digest);
  // From the end, so that the spans in front stay true.
  const text = repeated.toReversed().reduce((result, { span }) => removed(result, index, span), index.text);
  if (!isOnly) return removed(text, index, first.span);
  return text.slice(0, first.span.start) + describe(first.fields, first, {}) + text.slice(first.span.end);
}

/**
 * The text of index.json with the image in it; undefined when it is there already, under whatever tag. `fields` are
 * further ones of its descriptor.
 */
export function withImage(
  index: LayoutIndex,
  image: Descriptor,
  fields: Readonly<Record<string, unknown>> = {},
): string | undefined {
  if (index.images.some(({ digest }) => digest === image.digest)) return undefined;
  return appended(index.text, index, describe(fields, image, {}));
}

/** The error for a directory that is not an OCI image layout, or a broken one. */
export function invalid(directory: string, why: string, cause?: unknown): TagflowError {
  return new TagflowError('layout-invalid', {
    what: `oci:${directory} is not a readable OCI image layout`,
    why,
    fix: 'use the directory that contains oci-layout, index.json and blobs, or create a new layout with skopeo copy',
    cause,
  });
}

function describe(
  fields: Readonly<Record<string, unknown>>,
  image: { readonly mediaType: string; readonly digest: string; readonly size?: number },
  names: Readonly<Record<string, unknown>>,
): string {
  const { mediaType: _type, digest: _digest, size, annotations: _annotations, ...rest } = fields;
  const { [REF_NAME]: _name, [CONTAINERD_NAME]: _containerd, ...described } = annotationsOf(fields);
  const annotations = { ...described, ...names };
  return JSON.stringify({
    mediaType: image.mediaType,
    digest: image.digest,
    size: image.size ?? size,
    ...rest,
    ...(Object.keys(annotations).length > 0 && { annotations }),
  });
}

function readEntry(text: string, span: Span): IndexEntry[] {
  const fields: unknown = JSON.parse(text.slice(span.start, span.end));
  if (!isObject(fields)) return [];
  const { mediaType, digest } = fields;
  if (typeof mediaType !== 'string' || typeof digest !== 'string' || !IMAGE_MEDIA_TYPES.includes(mediaType)) return [];
  const name = annotationsOf(fields)[REF_NAME];
  const tag = typeof name === 'string' && isTag(name) ? name : undefined;
  return [{ mediaType, digest, tag, fields, span }];
}

function annotationsOf(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return isObject(fields['annotations']) ? fields['annotations'] : {};
}

function pick(record: Readonly<Record<string, unknown>>, key: string): Record<string, unknown> {
  return Object.hasOwn(record, key) ? { [key]: record[key] } : {};
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// ---- JSON as text. All of it works on text that JSON.parse has accepted, so it looks for ends and checks nothing.

/** Appends a descriptor to the list, in the white space that the list's last element has. */
function appended(text: string, index: LayoutIndex, descriptor: string): string {
  const last = index.elements.at(-1);
  if (last === undefined) return `${text.slice(0, index.list.start)}[${descriptor}]${text.slice(index.list.end)}`;
  const space = /\s*$/.exec(text.slice(index.list.start + 1, last.start))?.[0] ?? '';
  return `${text.slice(0, last.end)},${space}${descriptor}${text.slice(last.end)}`;
}

/** Removes an element with the comma in front of it, or behind it when it is the first; what is behind may be removed already. */
function removed(text: string, index: LayoutIndex, span: Span): string {
  const before = index.elements[index.elements.findIndex(({ start }) => start === span.start) - 1];
  if (before) return text.slice(0, before.end) + text.slice(span.end);
  const comma = skipSpace(text, span.end);
  const end = text[comma] === ',' ? skipSpace(text, comma + 1) : span.end;
  return text.slice(0, span.start) + text.slice(end);
}

function membersOf(text: string, open: number): (Span & { readonly key: string })[] {
  const members: (Span & { readonly key: string })[] = [];
  for (let at = skipSpace(text, open + 1); text[at] === '"' || text[at] === ','; at = skipSpace(text, at)) {
    if (text[at] === ',') at = skipSpace(text, at + 1);
    const keyEnd = skipString(text, at);
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = skipValue(text, start);
    members.push({ key: JSON.parse(text.slice(at, keyEnd)) as string, start, end });
    at = end;
  }
  return members;
}

function elementsOf(text: string, open: number): Span[] {
  const elements: Span[] = [];
  for (let at = skipSpace(text, open + 1); at < text.length && text[at] !== ']'; at = skipSpace(text, at)) {
    const start = text[at] === ',' ? skipSpace(text, at + 1) : at;
    at = skipValue(text, start);
    elements.push({ start, end: at });
  }
  return elements;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at += 1;
  return at;
}

function skipString(text: string, open: number): number {
  let at = open + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** The end of the value that starts here. Counts brackets instead of recursing: hostile nesting costs no stack. */
function skipValue(text: string, start: number): number {
  if (text[start] === '"') return skipString(text, start);
  if (text[start] !== '{' && text[start] !== '[') {
    let at = start;
    while (at < text.length && !/[\s,\]}]/.test(text[at] ?? '')) at += 1;
    return at;
  }
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') at = skipString(text, at) - 1;
    else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return text.length;
}
