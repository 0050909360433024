// What differs between two versions of a file, by what it means to its readers: keys of ConfigMaps, variables of containers, replicas,
// resources, images. Order, comments, quotes and the position of named list elements say nothing.
import { isMap, isScalar, isSeq } from 'yaml';
import { capsFor } from './caps.ts';
import { decode, isSource, readSource, type Source } from './source.ts';
import { type Path, type Tree, type Value, describePath, textOf } from './tree.ts';
import { partOf } from './forms/words.ts';

/** What a setting is about. */
export type SettingSubject = 'image' | 'replicas' | 'resources' | 'env' | 'key' | 'object' | 'field';

/** A setting that differs. */
export interface SettingChange {
  /** The object, `Deployment web`; undefined in files that hold none. */
  readonly object: string | undefined;
  readonly subject: SettingSubject;
  /** Where in the object; for a `key` and an `env` its name. Empty for a whole object. */
  readonly field: string;
  /** Undefined: it is not there. Values of a Secret are `(hidden)`. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** Far more settings, or lines, than anybody reads; a file with more is compared as text alone. */
const MAX_SETTINGS = 20_000;

interface Setting {
  readonly object: string | undefined;
  readonly subject: SettingSubject;
  readonly field: string;
  readonly value: string;
  readonly isSecret: boolean;
}

/** The settings that differ; undefined where a version is not YAML, JSON or file of variables, or holds too much. */
export function settingChanges(
  path: string,
  before: Uint8Array | undefined,
  after: Uint8Array | undefined,
  maxBytes: number,
): readonly SettingChange[] | undefined {
  const [old, now] = [settingsIn(path, before, maxBytes), settingsIn(path, after, maxBytes)];
  if (!old || !now) return undefined;
  const [oldObjects, newObjects] = [objectsIn(old), objectsIn(now)];
  const whole = wholeObjects(oldObjects, newObjects);
  const skipped = new Set(whole.map(({ object }) => object));
  const single = [...new Set([...old.keys(), ...now.keys()])].flatMap((id): SettingChange[] => {
    const [was, is] = [old.get(id), now.get(id)];
    const setting = is ?? was;
    if (!setting || was?.value === is?.value || skipped.has(setting.object)) return [];
    const { object, subject, field } = setting;
    const { isSecret } = was ?? setting;
    const shown = (one: Setting | undefined): string | undefined => one && (isSecret ? '(hidden)' : one.value);
    return [{ object, subject, field, before: shown(was), after: shown(is) }];
  });
  return [...whole, ...single];
}

/** Whether a file holds a Secret of Kubernetes, whose values are not for other eyes. */
export function holdsSecret(path: string, content: Uint8Array | undefined, maxBytes: number): boolean {
  // Whatever the encoding of the key, a Secret says its kind in letters, or has an escape in it.
  const mayHold = content !== undefined && (holdsBytes(content, 'Secret') || holdsBytes(content, '\\'));
  const source = mayHold ? sourceOf(path, content, maxBytes) : undefined;
  return source !== undefined && source.trees.some((tree) => textOf(tree.get(tree.root, ['kind'])) === 'Secret');
}

function holdsBytes(content: Uint8Array, text: string): boolean {
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength).includes(text);
}

function hasManyLines(content: Uint8Array): boolean {
  let lines = 0;
  for (const byte of content) if (byte === 0x0a) lines += 1;
  return lines > MAX_SETTINGS;
}

function objectsIn(settings: ReadonlyMap<string, Setting>): ReadonlySet<string | undefined> {
  return new Set([...settings.values()].map(({ object }) => object));
}

/** Objects that only one version has. */
function wholeObjects(
  before: ReadonlySet<string | undefined>,
  after: ReadonlySet<string | undefined>,
): readonly SettingChange[] {
  const of = (
    object: string | undefined,
    [was, is]: readonly [string | undefined, string | undefined],
  ): SettingChange[] =>
    object === undefined ? [] : [{ object, subject: 'object', field: '', before: was, after: is }];
  return [
    ...[...before].filter((each) => !after.has(each)).flatMap((each) => of(each, ['there', undefined])),
    ...[...after].filter((each) => !before.has(each)).flatMap((each) => of(each, [undefined, 'there'])),
  ];
}

function settingsIn(
  path: string,
  content: Uint8Array | undefined,
  maxBytes: number,
): ReadonlyMap<string, Setting> | undefined {
  const settings = new Map<string, Setting>();
  if (content === undefined) return settings;
  if (hasManyLines(content)) return undefined;
  const source = sourceOf(path, content, maxBytes);
  if (!source || source.trees.some(({ root }) => isScalar(root) && textOf(root) !== '')) return undefined;
  const counts = new Map<string | undefined, number>();
  for (const [index, tree] of source.trees.entries()) {
    const { object, id } = objectOf(tree, index);
    const again = counts.get(id) ?? 0;
    counts.set(id, again + 1);
    const collector = new Collector(
      tree,
      object === undefined ? undefined : again === 0 ? object : `${object} (${again + 1})`,
      source.dotenv,
    );
    collector.visit(tree.root, []);
    for (const setting of collector.settings) settings.set(JSON.stringify([id, again, setting.field]), setting);
    if (settings.size > MAX_SETTINGS || collector.isFull) return undefined;
  }
  return settings;
}

function sourceOf(path: string, content: Uint8Array, maxBytes: number): Source | undefined {
  const text = content.length <= maxBytes ? decode(content) : undefined;
  const read = text === undefined ? undefined : readSource(path, text, capsFor(maxBytes));
  return read && isSource(read) ? read : undefined;
}

/** An object by kind, namespace and name, wherever it stands in the file; other documents by their position. */
function objectOf(tree: Tree, index: number): { readonly object: string | undefined; readonly id: string } {
  const kind = textOf(tree.get(tree.root, ['kind']));
  const name = textOf(tree.get(tree.root, ['metadata', 'name']));
  if (kind === undefined || kind === 'Kustomization') return { object: undefined, id: String(index) };
  const namespace = textOf(tree.get(tree.root, ['metadata', 'namespace']));
  const object = [kind, [namespace, name].filter((part) => part !== undefined).join('/')].join(' ').trim();
  return { object, id: object };
}

/** Every single value below a document's root, with what it is about. */
class Collector {
  readonly settings: Setting[] = [];
  readonly #tree: Tree;
  readonly #object: string | undefined;
  readonly #variables: boolean;
  readonly #isSecret: boolean;

  constructor(tree: Tree, object: string | undefined, variables: boolean) {
    this.#tree = tree;
    this.#object = object;
    this.#variables = variables;
    this.#isSecret = textOf(tree.get(tree.root, ['kind'])) === 'Secret';
  }

  get isFull(): boolean {
    return this.settings.length > MAX_SETTINGS;
  }

  visit(value: Value | undefined, path: Path): void {
    if (this.isFull) return;
    if (isMap(value) && value.items.length > 0) {
      for (const [key, { pair }] of this.#tree.entries(value))
        this.visit(this.#tree.follow(pair.value), [...path, key]);
    } else if (isSeq(value) && value.items.length > 0) this.#list(this.#tree.items(value), path);
    else this.#add(path, isMap(value) ? '{}' : isSeq(value) ? '[]' : (textOf(value) ?? ''));
  }

  #list(items: readonly (Value | undefined)[], path: Path): void {
    const names = items.map((item) => textOf(this.#tree.get(item, ['name'])));
    const isNamed = names.every((name) => name !== undefined) && new Set(names).size === names.length;
    const pairs =
      String(path.at(-1)) === 'literals' ? items.map((item) => /^([^=]+)=(.*)$/s.exec(textOf(item) ?? '')) : [];
    for (const [index, item] of items.entries()) {
      const [, key, text] = pairs[index] ?? [];
      if (key !== undefined && text !== undefined) this.#add([...path, key], text);
      else this.visit(item, [...path, isNamed ? `\u0000${names[index]}` : index]);
    }
  }

  #add(path: Path, value: string): void {
    const secret = this.#isSecret && /^(?:data|stringData)$/.test(String(path[0]));
    const isSecret = secret || path[0] === 'secretGenerator';
    // the name of a list element is what it is recognised by, and stands in the path of its other fields
    if (path.at(-1) === 'name' && String(path.at(-2)).startsWith('\u0000')) return;
    this.settings.push({ object: this.#object, subject: this.#subject(path), field: fieldOf(path), value, isSecret });
  }

  #subject(path: Path): SettingSubject {
    const keys = path.map((step) => String(step).replace('\u0000', ''));
    const last = keys.at(-1) ?? '';
    const isConfig =
      /^(?:ConfigMap|Secret)\b/.test(this.#object ?? '') && /^(?:data|stringData|binaryData)$/.test(keys[0] ?? '');
    if (isConfig || this.#variables || keys.includes('literals')) return 'key';
    if (keys.includes('env') || keys.includes('environment') || keys.includes('envFrom')) return 'env';
    if (keys.includes('resources') && /^(?:limits|requests)$/.test(keys.at(-2) ?? '')) return 'resources';
    if (
      /^(?:replicas|replicaCount|minReplicas|maxReplicas|count)$/.test(last) &&
      (keys[0] === 'replicas' || last !== 'count')
    )
      return 'replicas';
    return partOf(last) || /^(?:newTag|newName)$/.test(last) ? 'image' : 'field';
  }
}

/** A path for people: elements of lists that have names are recognised by them, `containers[web].image`. */
function fieldOf(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'string' && step.startsWith('\u0000')) return `${text}[${step.slice(1)}]`;
    const next = describePath([step]);
    return text === '' || next.startsWith('[') ? text + next : `${text}.${next}`;
  }, '');
}
