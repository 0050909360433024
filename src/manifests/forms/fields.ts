// An image in fields of its own: `{registry, repository, tag, digest}` and every flat spelling of these.
import { type Pair, type YAMLMap, isScalar } from 'yaml';
import type { TagflowError } from '../../model/errors.ts';
import type { Document, Site, Target } from '../form.ts';
import { joinImage, joinName } from '../image-name.ts';
import { retarget } from '../retarget.ts';
import { setValue } from '../set-value.ts';
import { type Change, insertPair, unsafe } from '../splice.ts';
import { type Entry, type Path, type Value, describePath, isEmpty, textOf } from '../tree.ts';

/** A field of an image; `at` is the path of its mapping where that is another one. */
export type Field = Entry & { readonly at?: Path };

/** The fields that make up one image. */
export interface ImageFields {
  readonly registry?: Field | undefined;
  readonly repository?: Field | undefined;
  /** What follows the repository in a name that is written in two parts: `{repository: example.com/acme, name: web}`. */
  readonly name?: Field | undefined;
  readonly tag?: Field | undefined;
  readonly digest?: Field | undefined;
}

/** Where the fields stand. */
export interface FieldsPlace {
  readonly document: Document;
  readonly path: Path;
  readonly map: YAMLMap;
  /** The components that the place belongs to, for fields without a repository. */
  readonly labels: readonly string[];
  /** Whether the tag is a word that could as well be another setting. */
  readonly isWord?: boolean;
  /** Whether a `tag` may be added beside a repository that has none: only where all readers of the form know that key. */
  readonly addTag: boolean;
  /** The name, where it stands in no field of these. */
  readonly name?: string | undefined;
  /** Whether the tag says once more what another place says, which also has the name and is pinned with it. */
  readonly isCopy?: boolean;
  /** Whether the tag's field takes a tag and nothing behind it; then `digest` says what happens to the digest. */
  readonly tagAlone?: { readonly digest: 'added' | 'left out' };
}

/** The place of an image in fields of its own; undefined where they name nothing. */
export function fieldsSite(place: FieldsPlace, fields: ImageFields): Site | undefined {
  return new Fields(place, fields).site();
}

class Fields {
  readonly #place: FieldsPlace;
  readonly #fields: ImageFields;

  constructor(place: FieldsPlace, fields: ImageFields) {
    this.#place = place;
    this.#fields = fields;
  }

  site(): Site | undefined {
    const { document, labels, tagAlone, isWord = false } = this.#place;
    const names = this.#names();
    const shown = this.#fields.tag ?? this.#fields.digest ?? this.#fields.repository;
    if (!names || !shown || (names.length === 0 && labels.length === 0)) return undefined;
    const [tag, digest] = this.#pinned();
    const nodes = [this.#fields.tag, this.#fields.digest].flatMap((entry) => this.#value(entry) ?? []);
    return {
      document: document.index,
      path: this.#path(shown),
      names,
      labels: names.length === 0 ? labels : undefined,
      tag,
      digest,
      versionAlone: tagAlone?.digest === 'left out',
      ownDigest: tagAlone !== undefined,
      ...(isWord && { isWord }),
      text: joinImage(names[0] ?? '', tag, digest).replace(/^:/, ''),
      offset: this.#value(shown)?.range?.[0] ?? 0,
      nodes: nodes.length > 0 ? nodes : [this.#value(shown)].flatMap((node) => node ?? []),
      pin: (target) => this.#pin(names, target),
    };
  }

  /** The names that the fields may spell, the repository alone first; undefined where they spell none. */
  #names(): readonly string[] | undefined {
    const { repository, name, registry } = this.#fields;
    if (this.#place.name !== undefined) return [this.#place.name];
    if (!repository) return registry ? undefined : [];
    const written = this.#text(repository);
    const host = this.#text(registry);
    const last = this.#text(name);
    const whole = written === '' || /:\/\/|[\s$%<{]/.test(last) ? undefined : joinName(host, written);
    if (whole === undefined) return undefined;
    return last === '' ? [whole] : [whole, `${whole}/${last}`];
  }

  /** The tag and the digest as they stand. */
  #pinned(): readonly [string | undefined, string | undefined] {
    const text = this.#text(this.#fields.tag);
    const at = text.indexOf('@');
    const bare = /^sha(?:256|512):/.test(text);
    const tag = bare ? '' : at < 0 ? text : text.slice(0, at);
    const behind = bare ? text : at < 0 ? '' : text.slice(at + 1);
    const digest = this.#text(this.#fields.digest);
    return [tag === '' ? undefined : tag, [digest, behind].find((each) => each !== '')];
  }

  #pin(names: readonly string[], target: Target): Change {
    const { repository } = this.#fields;
    const changes: Change[] = [...this.#retarget(names, target)];
    if (repository && /[@:]/.test(lastComponent(this.#text(repository)))) throw this.#refuse(repository, ...INSIDE);
    changes.push(...this.#version(target));
    return { splices: changes.flatMap(({ splices }) => splices), intents: changes.flatMap(({ intents }) => intents) };
  }

  /** Tag and digest, each in its own field where there is one for it. */
  #version(target: Target): readonly Change[] {
    const { tag, digest, repository } = this.#fields;
    const { tagAlone } = this.#place;
    if (digest || tagAlone) {
      if (tag && target.tag === undefined && tagAlone?.digest === 'left out')
        throw this.#refuse(tag, ...NO_DIGEST_FIELD);
      if (!tag && digest && target.digest === undefined) return this.#tagInstead(digest, target.tag ?? '');
      return [
        // a style without a tag empties it: an old one would mislead
        ...(tag ? [this.#set(tag, target.tag ?? '')] : []),
        ...(digest ? [this.#set(digest, target.digest ?? '')] : []),
        ...(!digest && tag && target.digest !== undefined && tagAlone?.digest === 'added'
          ? [this.#add(tag, 'digest', target.digest)]
          : []),
      ];
    }
    if (tag) {
      if (target.tag === undefined) throw this.#refuse(tag, ...NO_DIGEST_FIELD);
      return [this.#set(tag, joined(target))];
    }
    if (!repository) return [];
    if (!this.#place.addTag || repository.inherited) throw this.#refuse(repository, ...NO_TAG_FIELD);
    return [
      target.tag === undefined
        ? this.#add(repository, 'digest', target.digest ?? '')
        : this.#add(repository, 'tag', joined(target)),
    ];
  }

  /** A tag in the place of a digest that stood alone: without both, the reader would take whichever image it has by default. */
  #tagInstead(digest: Field, tag: string): readonly Change[] {
    const { repository } = this.#fields;
    const { addTag, tagAlone } = this.#place;
    const after = repository ?? digest;
    if (tag === '' || after.inherited || !(addTag || tagAlone?.digest === 'added'))
      throw this.#refuse(digest, ...NO_TAG_BESIDE);
    return [this.#add(after, 'tag', tag), this.#set(digest, '')];
  }

  /** The name that the environment runs instead, written into registry and repository. */
  #retarget(names: readonly string[], target: Target): readonly Change[] {
    const [written] = names;
    const { registry, repository, name } = this.#fields;
    if (this.#place.isCopy === true) return [];
    if (written === undefined || (!repository && this.#place.name === undefined)) return [];
    if (names.some((each) => retarget(each, target) === each)) return [];
    const wanted = target.name ?? written;
    if (!repository) throw this.#refuse((this.#fields.tag ?? this.#fields.digest) as Field, ...NAMED_ELSEWHERE);
    if (name) throw this.#refuse(repository, ...TWO_PARTS);
    if (!registry || this.#text(registry) === '') return [this.#set(repository, wanted)];
    const slash = wanted.indexOf('/');
    return [this.#set(registry, wanted.slice(0, slash)), this.#set(repository, wanted.slice(slash + 1))];
  }

  /** A new field behind another one. */
  #add(after: Field, key: string, value: string): Change {
    const { document, map, path } = this.#place;
    return {
      splices: [insertPair(document.source, map, after.pair, { key, value })],
      intents: [{ document: document.index, path: [...path, key], value }],
    };
  }

  #set(field: Field, value: string): Change {
    const { document } = this.#place;
    const { source } = document;
    const node = this.#value(field);
    const at = this.#path(field);
    if (!isScalar(node))
      throw unsafe(source, offsetOf(field.pair), {
        what: `${describePath(at)} does not hold a single value`,
        why: 'a pin is one value',
        fix: 'write an empty value there, or name another field under pins: in tagflow.yaml',
      });
    return setValue(document, at, node, value);
  }

  #refuse(field: Field, what: string, why: string, fix: string): TagflowError {
    const { source } = this.#place.document;
    return unsafe(source, offsetOf(field.pair), { what: `${describePath(this.#path(field))} ${what}`, why, fix });
  }

  #path({ key, at = this.#place.path }: Field): Path {
    return [...at, key];
  }

  #text(entry: Entry | undefined): string {
    const value = this.#value(entry);
    return value === undefined || isEmpty(value) ? '' : (textOf(value) ?? '').trim();
  }

  #value(entry: Entry | undefined): Value | undefined {
    return this.#place.document.tree.follow(entry?.pair.value);
  }
}

const INSIDE = [
  'holds a tag or a digest beside the field for it',
  'a pin would stand in two fields that may disagree',
  'move the tag or digest out of the repository field',
] as const;
const NO_DIGEST_FIELD = [
  'is a tag, and the pin style writes a digest alone',
  'no field for a digest stands beside the tag, and a tag field cannot hold a digest alone',
  'add an empty digest: beside the tag, or choose pin: version+digest',
] as const;
const NO_TAG_FIELD = [
  'has no field for a tag beside it',
  'the tag may come from elsewhere',
  'add an empty tag: beside it, or name the field of the tag under pins: in tagflow.yaml',
] as const;
const NO_TAG_BESIDE = [
  'is a digest, and the pin style writes a tag alone',
  'no field for a tag stands beside it, and without both nothing says which image runs',
  'add an empty tag: beside it, or choose pin: version+digest',
] as const;
const TWO_PARTS = [
  'names the image in two parts',
  'the environment runs the image from another repository, and no rule says how its name is split',
  'write the whole name into the repository field',
] as const;
const NAMED_ELSEWHERE = [
  'belongs to an image that is named elsewhere in the object',
  'the environment runs the image from another repository, and the name would stay as it is',
  'write the repository of the environment there first',
] as const;

/** A tag, with the digest behind it where there is one. */
function joined({ tag, digest }: Target): string {
  return [tag, digest].filter((part) => part !== undefined).join('@');
}

function offsetOf(pair: Pair): number {
  return isScalar(pair.key) ? (pair.key.range?.[0] ?? 0) : 0;
}

function lastComponent(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}
