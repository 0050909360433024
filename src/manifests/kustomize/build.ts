// A kustomization's build, followed for the names of images alone: resources, components, patches, `images:`,
// replacements, transformers, in kustomize's order. Kustomize compares names letter by letter, so an `images:` entry for
// another spelling of the same image has no effect, silently; and what comes after the entries cannot be pinned by one.
import { isScalar, isSeq } from 'yaml';
import { findSites } from '../forms.ts';
import type { NameIndex, NamedImage } from '../image-name.ts';
import { imageEntries } from '../kustomize.ts';
import { type Source, lineAt } from '../source.ts';
import { type Path, type Tree, type Value, describePath, startOf, textOf } from '../tree.ts';
import { type Element, Elements, elementOf } from './elements.ts';
import { imageFields, objectKey } from './fields.ts';
import { fieldSpecs, matchesSpec } from './field-specs.ts';
import { type PatchReference, type KustomizeReference, type References, referencesOf } from './references.ts';
import { type Replacement, effectsOf, replacementsIn } from './replacements.ts';
import type { Sources } from './sources.ts';

/** Facts about the files, before a build is followed. */
export interface BuildInput {
  readonly sources: Sources;
  /** The files that pins are written to. */
  readonly own: ReadonlySet<string>;
  /** The nodes in them that are pinned where they stand. */
  readonly pinned: ReadonlySet<Value>;
  /** `PATH:LINE` of the places that are pinned in texts of kustomizations. */
  readonly lines: ReadonlySet<string>;
  readonly index: NameIndex<NamedImage>;
}

/** What a build comes to. */
export interface Built {
  /** Names that an entry of this kustomization has to be added for. */
  readonly missing: readonly Element[];
  /** Names in places that no entry can change. */
  readonly fixed: readonly Element[];
  /** Names that come after its entries. */
  readonly late: readonly Element[];
  /** Everything that it renders. */
  readonly rendered: Elements;
  /** The kustomizations that it takes in. */
  readonly takes: ReadonlySet<string>;
}

/** More kustomizations inside one another than anybody writes. */
const MAX_STEPS = 100_000;

export class Builds {
  readonly #input: BuildInput;
  readonly #built = new Map<string, Built>();
  readonly #written = new Map<string, readonly Element[]>();
  readonly #references = new Map<Source, References>();
  #steps = 0;

  constructor(input: BuildInput) {
    this.#input = input;
  }

  /** The build of a kustomization that is built by itself, or taken in as a resource. */
  of(kustomization: Source): Built {
    return this.#of(kustomization, new Set());
  }

  /** `open` are the files on the way here: kustomize refuses a cycle, and this ends at one. */
  #of(kustomization: Source, open: ReadonlySet<string>): Built {
    const known = this.#built.get(kustomization.path);
    if (known) return known;
    const built = this.#build(kustomization, new Elements(), open);
    this.#built.set(kustomization.path, built);
    return built;
  }

  #build(kustomization: Source, incoming: Elements, around: ReadonlySet<string>): Built {
    const open = new Set([...around, kustomization.path]);
    const takes = new Set<string>();
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) return { missing: [], fixed: [], late: [], rendered: incoming, takes };
    const references = this.#referencesOf(kustomization);
    let elements = new Elements(incoming);
    for (const reference of references.resources) elements.addAll(this.#resource(reference, open, takes));
    for (const reference of references.components) {
      const component = reference.kind === 'path' ? this.#input.sources.kustomization(reference.path) : undefined;
      if (!component || open.has(component.path)) continue;
      takes.add(component.path);
      elements = this.#build(component, elements, open).rendered;
    }
    for (const patch of references.patches) elements.addAll(this.#patch(patch, kustomization));
    const { applied, missing } = this.#applyImages(kustomization, elements, references);
    const late = this.#late(kustomization, applied, references);
    const fixed = [...applied].filter(
      (element) => !element.pinned && element.reach !== 'entry' && this.#isOurs(element),
    );
    const rendered = new Elements(applied);
    rendered.addAll(late);
    return { missing, fixed, late, rendered, takes };
  }

  #referencesOf(kustomization: Source): References {
    const known = this.#references.get(kustomization);
    if (known) return known;
    const references = referencesOf(kustomization, this.#input.sources.caps);
    this.#references.set(kustomization, references);
    return references;
  }

  #resource(reference: KustomizeReference, open: ReadonlySet<string>, takes: Set<string>): Iterable<Element> {
    if (reference.kind === 'inline') return [];
    const kustomization = this.#input.sources.kustomization(reference.path);
    if (!kustomization) return this.#fieldsIn(reference.path);
    if (open.has(kustomization.path)) return [];
    takes.add(kustomization.path);
    return this.#of(kustomization, open).rendered;
  }

  /** The names in a file of objects or patches. */
  #fieldsIn(path: string): readonly Element[] {
    const known = this.#written.get(path);
    if (known) return known;
    const source = this.#input.sources.file(path);
    const elements = source ? this.#fieldsOf(source, path, 0, this.#input.own.has(path)) : [];
    this.#written.set(path, elements);
    return elements;
  }

  /** `own`: whether the forms pin what they find there. */
  #fieldsOf(source: Source, path: string, lines: number, own: boolean): readonly Element[] {
    const fields = imageFields(source);
    const { pinned, lines: pinnedLines } = this.#input;
    const elements = fields.map((field) => {
      const line = field.line + lines;
      return elementOf(field, path, line, pinned.has(field.node) || (lines > 0 && pinnedLines.has(`${path}:${line}`)));
    });
    if (own) return elements;
    const seen = new Set<Value>(fields.map(({ node }) => node));
    for (const site of findSites(source)) {
      const [name] = site.names;
      if (name === undefined || site.nodes.some((node) => seen.has(node))) continue;
      const tree = source.trees[site.document];
      elements.push({
        name,
        path,
        line: lineAt(source, site.offset) + lines,
        pinned: false,
        reach: 'field',
        container: undefined,
        object: tree ? objectKey(tree, tree.root) : '',
        field: site.path.join('/'),
      });
    }
    return elements;
  }

  #patch({ reference, target, tree }: PatchReference, kustomization: Source): readonly Element[] {
    const elements =
      reference.kind === 'path'
        ? this.#fieldsIn(reference.path)
        : this.#fieldsOf(reference.source, kustomization.path, reference.line - 1, false);
    const kind = textOf(tree.get(target, ['kind']));
    return elements.map((element) =>
      element.object === '/' || element.object === ''
        ? { ...element, object: `${kind ?? ''}/${textOf(tree.get(target, ['name'])) ?? ''}` }
        : element,
    );
  }

  /** The names after the kustomization's own entries, and those that it has no entry for. */
  #applyImages(
    kustomization: Source,
    elements: Elements,
    { configurations }: References,
  ): { readonly applied: Elements; readonly missing: readonly Element[] } {
    const own = this.#input.own.has(kustomization.path);
    const specs = configurations.flatMap((reference) =>
      reference.kind === 'path' ? fieldSpecs(this.#input.sources.whole(reference.path)) : [],
    );
    const byName = Map.groupBy(
      [...elements].map((element) => ({ element, reached: element.reach === 'entry' || matchesSpec(element, specs) })),
      ({ element, reached }) => (reached ? element.name : ''),
    );
    for (const entry of kustomization.trees.flatMap(imageEntries)) {
      const group = byName.get(entry.name);
      if (!group || entry.name === '') continue;
      const pins = own && this.#input.index.find([entry.run]).length > 0;
      const changed = group.map(({ element, reached }) => ({
        element: { ...element, name: entry.run, pinned: pins || (element.pinned && !entry.sets) },
        reached,
      }));
      byName.delete(entry.name);
      byName.set(entry.run, [...(byName.get(entry.run) ?? []), ...changed]);
    }
    const adds = own && !isComponent(kustomization);
    const missing: Element[] = [];
    const applied = new Elements();
    for (const { element, reached } of [...byName.values()].flat()) {
      const lacks = adds && reached && !element.pinned && this.#isOurs(element);
      if (lacks) missing.push(element);
      applied.add(lacks ? { ...element, pinned: true } : element);
    }
    return { applied, missing };
  }

  /** What comes after the entries: replacements, and transformers that name an image. */
  #late(kustomization: Source, applied: Elements, references: References): readonly Element[] {
    const { sources, index, pinned } = this.#input;
    const late: Element[] = [];
    const replacements = references.replacements.flatMap((reference): readonly Replacement[] =>
      replacementsIn(reference, kustomization, sources),
    );
    if (replacements.length > 0) {
      const objects = this.#objects(kustomization, new Set());
      late.push(...replacements.flatMap((each) => effectsOf(each, { objects, applied, index, pinned })));
    }
    for (const reference of references.transformers) {
      const files =
        reference.kind === 'inline'
          ? [reference.source]
          : [sources.file(reference.path) ?? sources.below(reference.path)].flat();
      const lines = reference.kind === 'inline' ? reference.line - 1 : 0;
      for (const source of files) late.push(...this.#mentions(source, lines));
    }
    return late.filter((element) => !element.pinned && this.#isOurs(element));
  }

  /** Every text in a transformer's configuration that names an image. */
  #mentions(source: Source, lines: number): readonly Element[] {
    return [...texts(source)].flatMap(({ text, offset, path }) => {
      const name = /^[^\s:@]+(?::[0-9]+\/[^\s:@]+)?/.exec(text)?.[0];
      if (name === undefined || this.#input.index.find([name]).length === 0) return [];
      if (!name.includes('/') && !/image|name$/i.test(describePath(path))) return [];
      const line = lineAt(source, offset) + lines;
      const place = { path: source.path, line, field: path.join('/') };
      return [{ ...place, name, pinned: false, reach: 'entry', container: undefined, object: '' }];
    });
  }

  /** The files of objects that a build takes in, for those who select objects. */
  #objects(kustomization: Source, seen: Set<string>): readonly Source[] {
    if (seen.has(kustomization.path)) return [];
    seen.add(kustomization.path);
    const { resources, components } = this.#referencesOf(kustomization);
    const below = [...resources, ...components].flatMap((reference): readonly Source[] => {
      if (reference.kind === 'inline') return [reference.source];
      const other = this.#input.sources.kustomization(reference.path);
      if (other) return this.#objects(other, seen);
      const file = this.#input.sources.whole(reference.path);
      return file ? [file] : [];
    });
    return [kustomization, ...below];
  }

  #isOurs({ name }: Element): boolean {
    return this.#input.index.find([name]).length > 0;
  }
}

/** Whether a kustomization is a component: it is built as a part of others alone. */
export function isComponent({ trees }: Source): boolean {
  return trees.some((tree) => textOf(tree.get(tree.root, ['kind'])) === 'Component');
}

/** Every text in a file. */
function* texts(source: Source): Generator<{ readonly text: string; readonly offset: number; readonly path: Path }> {
  for (const tree of source.trees) yield* textsBelow(tree, tree.root, [], new Set());
}

function* textsBelow(
  tree: Tree,
  value: Value | undefined,
  path: Path,
  seen: Set<Value>,
): Generator<{ readonly text: string; readonly offset: number; readonly path: Path }> {
  if (!value || seen.has(value)) return;
  seen.add(value);
  if (isScalar(value)) yield { text: textOf(value) ?? '', offset: startOf(value) ?? 0, path };
  else if (isSeq(value)) {
    for (const [index, item] of tree.items(value).entries()) yield* textsBelow(tree, item, [...path, index], seen);
  } else {
    for (const [key, { pair }] of tree.entries(value))
      yield* textsBelow(tree, tree.follow(pair.value), [...path, key], seen);
  }
}
