// The walk through a value that finds images by their shape: whole references, and fields that make up one image.
import { type YAMLMap, isMap, isScalar, isSeq } from 'yaml';
import type { Document, Site } from '../form.ts';
import { joinImage, splitImage } from '../image-name.ts';
import { referenceSite } from '../reference-site.ts';
import { type Entry, type Path, type Value, isEmpty, textOf } from '../tree.ts';
import { type FieldsPlace, type ImageFields, fieldsSite } from './fields.ts';
import { isPinnedReference, isReference, isTagText, isUnmistakable } from './reference.ts';
import {
  type NamePart,
  type NamePartKey,
  isAboutObjects,
  isArtifactKey,
  isImageKey,
  isOtherImage,
  isStructure,
  partOf,
} from './words.ts';

/** What a walk takes for an image. */
export interface WalkOptions {
  /**
   * Whether keys alone may name the component that a tag belongs to, and any key may hold a reference. So it is in values
   * files and maps of services; in objects of a cluster keys mean what their kind says.
   */
  readonly byKeys: boolean;
  /** Whether only keys that say image hold references: `byKeys` otherwise takes one under any key. */
  readonly imageKeys?: boolean;
  /** The component that values at the top belong to. */
  readonly label?: string | undefined;
  /** The key that the value stands under. */
  readonly key?: string;
}

/** Far more than a file within the caps has nodes; only aliases of aliases can exceed it. */
const MAX_STEPS = 200_000;

/** Every place below a value that names an image. */
export function walkValues(document: Document, value: Value | undefined, path: Path, options: WalkOptions): Site[] {
  const { byKeys, imageKeys = !byKeys, label, key = '' } = options;
  const walker = new Walker(document, byKeys, imageKeys);
  walker.visit(value, path, { labels: label === undefined ? [] : [label], image: isImageKey(key), key });
  return walker.sites;
}

/** An image with the fields that spell it. */
interface Group {
  readonly site: Site;
  readonly fields: ImageFields;
}

/** What stands around a value. */
interface Around {
  /** The components that it belongs to, the nearest first. */
  readonly labels: readonly string[];
  /** Whether a key around it says image. */
  readonly image: boolean;
  /** The key that it stands under. */
  readonly key: string;
  /** Whether it is an item of a list under that key. */
  readonly listed?: boolean;
}

interface NamePartEntry {
  readonly entry: Entry;
  readonly key: NamePartKey;
  readonly text: string;
}

/** A port under its number, as ingress-nginx passes it on to a service: `22: "gitlab/gitlab-shell:22"`. */
function isServicePort(key: string, text: string): boolean {
  return /^[0-9]{1,5}$/.test(key) && /:[0-9]{1,5}(?::[A-Z:]*)?$/.test(text);
}

class Walker {
  readonly sites: Site[] = [];
  readonly #document: Document;
  readonly #byKeys: boolean;
  readonly #imageKeys: boolean;
  #steps = 0;

  constructor(document: Document, byKeys: boolean, imageKeys: boolean) {
    this.#document = document;
    this.#byKeys = byKeys;
    this.#imageKeys = imageKeys;
  }

  visit(value: Value | undefined, path: Path, around: Around): void {
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) return;
    if (isMap(value)) this.#map(value, path, around);
    else if (isSeq(value))
      this.#list(
        value.items.map((item) => this.#document.tree.follow(item)),
        path,
        around,
      );
  }

  #map(map: YAMLMap, path: Path, around: Around): void {
    const entries = this.#document.tree.entries(map);
    const named = this.#name(entries, around);
    const taken = this.#fields(map, entries, path, named);
    for (const [key, entry] of entries) {
      if (taken.has(key) || isAboutObjects(key)) continue;
      const value = this.#document.tree.follow(entry.pair.value);
      if (!isScalar(value)) this.visit(value, [...path, key], inside(key, named));
      else if (this.#isReference(key, value, named)) this.#add([...path, key], value);
      else if (this.#isTag(key, value, named)) this.#tagged(map, path, entry);
    }
  }

  #list(items: readonly (Value | undefined)[], path: Path, around: Around): void {
    for (const [index, item] of items.entries()) {
      const at = [...path, index];
      if (isScalar(item)) this.#listed(item, at, around);
      else this.visit(item, at, { ...around, listed: true });
    }
  }

  /** A scalar in a list: a reference where the list is one of images, or one of choices for an image: `image: {options: […]}`. */
  #listed(item: Value, path: Path, around: Around): void {
    const text = textOf(item)?.trim() ?? '';
    if (isOtherImage(around.key)) return;
    const isChoice = this.#byKeys && around.image && isUnmistakable(text);
    if (isChoice || (isImageKey(around.key) && isPinnedReference(text))) this.#add(path, item);
  }

  /** Whether a scalar under a key is a whole reference. */
  #isReference(key: string, value: Value, around: Around): boolean {
    const text = loosely(textOf(value)?.trim() ?? '');
    if (isOtherImage(key)) return false;
    if (partOf(key)?.part === 'image') {
      return isPinnedReference(text) || (this.#mayBeBare(around) && text !== '');
    }
    if (/^(?:value|default)$/.test(key) && around.key === IMAGE_VARIABLE) return isUnmistakable(text);
    // an image that is mounted as a volume
    if (key === 'reference' && around.key === 'image') return isPinnedReference(text);
    if (isServicePort(key, text)) return false;
    return (!this.#imageKeys || isImageKey(key) || isArtifactKey(key)) && isUnmistakable(text);
  }

  /** Whether `image` may hold a name without a tag: in a container, and among values only where a list says that it holds containers. */
  #mayBeBare(around: Around): boolean {
    return isContainer(around) && (!this.#byKeys || around.listed === true);
  }

  /** Whether a scalar under a key is the tag of the service that the key names. */
  #isTag(key: string, value: Value, around: Around): boolean {
    const text = textOf(value)?.trim() ?? '';
    return this.#byKeys && isTagsKey(around.key) && !isStructure(key) && text !== '' && isTagText(text);
  }

  /** A tag in a map of services to tags. */
  #tagged(map: YAMLMap, path: Path, entry: Entry): void {
    const isWord = !isVersionText(textOf(this.#document.tree.follow(entry.pair.value)) ?? '');
    const place = { document: this.#document, path, map, labels: [entry.key], addTag: false, isWord };
    const site = fieldsSite(place, { tag: entry });
    if (site) this.sites.push(site);
  }

  /** The images that a mapping spells in fields; returns the keys that are theirs. */
  #fields(map: YAMLMap, entries: ReadonlyMap<string, Entry>, path: Path, around: Around): ReadonlySet<string> {
    const taken = new Set<string>();
    const groups = [...this.groups(map, entries, path, around), ...this.#versioned(map, entries, path, around)];
    for (const { site, fields } of groups) {
      this.sites.push(site);
      for (const entry of entriesOf(fields)) taken.add(entry.key);
    }
    return taken;
  }

  /** The images that a mapping spells in fields. */
  groups(map: YAMLMap, entries: ReadonlyMap<string, Entry>, path: Path, around: Around): readonly Group[] {
    return [...this.#components(entries)].flatMap(([component, parts]) => {
      const labels = component === '' ? around.labels : [component];
      const place = { document: this.#document, path, map, labels };
      const fields = this.#together(parts, component, entries, around);
      if (!fields) return this.#copies(place, parts, parts.find(isWholeImage));
      const addTag = isPlainImage(around, fields.repository?.key);
      const isWord = !fields.repository && !parts.some((part) => isTold(part, around));
      const site = fieldsSite({ ...place, addTag, isWord }, fields);
      if (!site) return [];
      const main = parts.find(({ entry }) => entry === fields.tag);
      return [{ site, fields }, ...(main ? this.#copies(place, parts, { ...main, name: site.names[0] }) : [])];
    });
  }

  /** A repository beside `version`, where no field of the mapping is called a tag: `{image: example.com/acme/web, version: V4.0}`. */
  #versioned(map: YAMLMap, entries: ReadonlyMap<string, Entry>, path: Path, around: Around): readonly Group[] {
    const tag = this.#byKeys ? entries.get('version') : undefined;
    const version = tag && textOf(this.#document.tree.follow(tag.pair.value))?.trim();
    if (!tag || !version || !isTagText(loosely(version)) || hasTag(entries)) return [];
    const isName = (entry: Entry): boolean => {
      const text = textOf(this.#document.tree.follow(entry.pair.value))?.trim() ?? '';
      return text.includes('/') && isReference(text) && !isPinnedReference(text);
    };
    const repository = ['repository', 'image', 'name'].flatMap((key) => entries.get(key) ?? []).find(isName);
    if (!repository) return [];
    const fields = { registry: repository.key === 'name' ? undefined : entries.get('registry'), repository, tag };
    // a package of a language has a name with a slash and a version as well
    const isWord = !isImageKey(repository.key) && !around.image;
    const place = { document: this.#document, path, map, labels: around.labels, addTag: false, isWord };
    const site = fieldsSite(place, fields);
    return site ? [{ site, fields }] : [];
  }

  /**
   * Further tags of a component that say what its image says: `web_tag: V1` beside `web_image: acme/web:V1`, or beside
   * `webImageTag: V1`. One that stayed behind would be the tag that somebody reads.
   */
  #copies(
    place: Pick<FieldsPlace, 'document' | 'path' | 'map' | 'labels'>,
    parts: readonly NamePartEntry[],
    of: (NamePartEntry & { readonly name?: string | undefined }) | undefined,
  ): readonly Group[] {
    if (!of || !this.#byKeys) return [];
    const whole = of.key.part === 'image' ? splitImage(of.text) : undefined;
    const name = whole?.name ?? of.name;
    const said = whole ? joinImage('', whole.tag, whole.digest).slice(1) : of.text;
    return parts.flatMap((part) => {
      if (part.key.part !== 'tag' || part.entry === of.entry || part.text === '' || part.text !== said) return [];
      const fields = { tag: part.entry };
      const site = fieldsSite({ ...place, addTag: false, ...(name !== undefined && { name, isCopy: true }) }, fields);
      return site ? [{ site, fields }] : [];
    });
  }

  /** A mapping's fields that hold parts of images, by component. */
  #components(entries: ReadonlyMap<string, Entry>): ReadonlyMap<string, readonly NamePartEntry[]> {
    const components = new Map<string, NamePartEntry[]>();
    for (const [name, entry] of entries) {
      const key = partOf(name);
      const value = key ? this.#document.tree.follow(entry.pair.value) : undefined;
      if (!key || !isScalar(value)) continue;
      const part = { entry, key, text: isEmpty(value) ? '' : (textOf(value) ?? '').trim() };
      components.set(key.component, [...(components.get(key.component) ?? []), part]);
    }
    return components;
  }

  /** The fields of one component that make up one image; undefined where they do not. */
  #together(
    parts: readonly NamePartEntry[],
    component: string,
    entries: ReadonlyMap<string, Entry>,
    around: Around,
  ): ImageFields | undefined {
    const one = (part: NamePart): NamePartEntry | undefined => {
      const all = parts.filter(({ key }) => key.part === part);
      return all.length > 1 ? (all.find(({ key }) => key.image) ?? all[0]) : all[0];
    };
    const [tag, digest, registry] = [one('tag'), one('digest'), one('registry')];
    if (tag && !isTagText(loosely(tag.text))) return undefined;
    const image = one('image');
    // an empty one is filled in where the tag is read
    const written = [one('repository'), image].find((part) => part && part.text !== '');
    const repository = written === image && image && isPinnedReference(image.text) ? undefined : written;
    const named = image === repository ? undefined : image?.entry;
    const fields = { registry: registry?.entry, repository: repository?.entry, tag: tag?.entry, digest: digest?.entry };
    const name = component === '' ? this.#plainName(entries, isImageKey(around.key)) : undefined;
    if (!tag && !digest) {
      return this.#byKeys &&
        !(component === '' && entries.has('version')) &&
        isPlainImage(around, repository?.entry.key)
        ? { ...fields, name: named ?? name }
        : undefined;
    }
    if (repository) return { ...fields, name: named ?? name };
    if (image) return undefined;
    if (name) return { ...fields, repository: name };
    const says = (part: NamePartEntry | undefined): boolean =>
      part !== undefined && (part.text !== '' || isTold(part, around));
    return this.#byKeys && !registry && (says(tag) || says(digest)) ? fields : undefined;
  }

  /** A `name` that is a repository: one with a path anywhere, and any in a mapping whose key says image. */
  #plainName(entries: ReadonlyMap<string, Entry>, isImage: boolean): Entry | undefined {
    const entry = entries.get('name');
    const text = textOf(this.#document.tree.follow(entry?.pair.value));
    const isName = isImage && /^[a-z0-9][a-z0-9._/-]*$/.test(text ?? '');
    const isPath = text?.includes('/') === true && isReference(text) && !isPinnedReference(text);
    return isName || isPath ? entry : undefined;
  }

  /** What stands around a mapping, with the name that it gives itself. */
  #name(entries: ReadonlyMap<string, Entry>, around: Around): Around {
    const name = textOf(this.#document.tree.follow(entries.get('name')?.pair.value))?.trim();
    if (name === undefined || name === '') return around;
    const isNamed = (isImageKey(name) || isArtifactKey(name)) && !isOtherImage(name);
    if ((entries.has('value') || entries.has('default')) && isNamed) return { ...around, key: IMAGE_VARIABLE };
    return { ...around, labels: [name, ...around.labels].slice(0, 2) };
  }

  #add(path: Path, value: Value): void {
    const site = referenceSite(this.#document, path, value);
    if (site) this.sites.push(site);
  }
}

/** Whether a mapping has a field for the tag or the digest of its own image. */
function hasTag(entries: ReadonlyMap<string, Entry>): boolean {
  return [...entries.keys()].some((key) => {
    const part = partOf(key);
    return part?.component === '' && (part.part === 'tag' || part.part === 'digest');
  });
}

/** Whether a field holds a whole reference. */
function isWholeImage({ key, text }: NamePartEntry): boolean {
  return key.part === 'image' && isPinnedReference(text);
}

/** Whether a mapping is `image: {repository: …}`, whose readers know `tag` and `digest` as well. */
function isPlainImage({ key, listed }: Around, repository: string | undefined): boolean {
  return repository === 'repository' && isImageKey(key) && listed !== true;
}

/** Whether a tag or a digest without a repository is one of an image: a key says so, or it looks like a version. */
function isTold({ key, text }: NamePartEntry, around: Around): boolean {
  return key.image || around.image || isVersionText(text);
}

/** Whether a mapping is a container: its `image` is a reference even without a tag. */
function isContainer({ key, listed }: Around): boolean {
  return listed === true
    ? /(?:containers|sidecars|steps)$/i.test(key)
    : /(?:container|script|sidecar|step)$/i.test(key);
}

function entriesOf({ registry, repository, name, tag, digest }: ImageFields): readonly Entry[] {
  return [registry, repository, name, tag, digest].filter((entry) => entry !== undefined);
}

/** Stands for the key of a list item `{name: WEB_IMAGE, value: …}`. */
const IMAGE_VARIABLE = '\u0000image variable';

function inside(key: string, around: Around): Around {
  const image = around.image || isImageKey(key);
  if (!isStructure(key)) return { labels: [key], image, key };
  return { labels: isImageKey(key) ? around.labels : [key, ...around.labels].slice(0, 3), image, key };
}

/** Whether a mapping under this key has a tag for each service. */
function isTagsKey(key: string): boolean {
  return /(?:^|[-_.a-z])(?:tags|images|image[-_]?versions)$/i.test(key);
}

/** Whether text looks like a version: it has a digit. */
function isVersionText(text: string): boolean {
  return /[0-9]/.test(text);
}

/** Text with placeholders as words, so that a reference with one in it is still seen, and refused at its place. */
function loosely(text: string): string {
  return text.replace(/\$?\{\{?[^{}]*\}?\}|\$\([^()]*\)|\$[A-Za-z_][A-Za-z0-9_]*|<%.*?%>|^ENC\[[^\]]*\]$/g, 'x');
}
