// Pins images in files: every field that means one of them, or else a new entry in the folder's kustomization.
import { TagflowError } from '../model/errors.ts';
import { missingSite } from './add-value.ts';
import { formatFieldPath } from './field-path.ts';
import type { Site, Target } from './form.ts';
import { NameIndex } from './image-name.ts';
import { KUSTOMIZATION_NAMES, entryFields, imageEntries } from './kustomize.ts';
import { type Addition, addEntries } from './kustomize-add.ts';
import { type WantedEntries, entriesWanted } from './kustomize/plan-entries.ts';
import { meantBy, plainKey } from './plain-key.ts';
import { findSites } from './forms.ts';
import { Reader } from './reader.ts';
import { SharedValues } from './shared-values.ts';
import { type Source, lineOf } from './source.ts';
import { type Change, applySplices, joinChanges, unsafe } from './splice.ts';
import { describePath } from './tree.ts';
import type { AlsoField, PinStyle } from '../model/pipeline.ts';
import { alsoText, setField } from './also.ts';
import { annotate } from './annotate.ts';
import type { ManifestFile, Pin, PinOptions, PinResult, PinnedField } from './values.ts';
import { verifyEdit } from './verify.ts';

/** A place that means a pin's image. */
interface Match {
  readonly pin: Pin;
  readonly site: Site;
  readonly style: PinStyle;
}

/**
 * Pins every field that means one of the images, and adds entries to the folder's kustomization for images that no field
 * names. The same files and pins give the same bytes; pinning what is pinned already gives no edits.
 * Throws `pin-not-found`, `manifest-invalid`, `manifest-unsafe-edit`, and `config-invalid` where a field means two images.
 */
export function pinImages(files: readonly ManifestFile[], pins: readonly Pin[], options: PinOptions): PinResult {
  const index = new NameIndex(pins);
  const configured = options.configured.filter(({ image }) => pins.some((pin) => pin.image === image));
  const reader = new Reader(index, configured, options.maxBytes);
  const shared = new SharedValues([...files, ...(options.bases ?? [])], reader.caps);
  const found: [Source, Match[]][] = [];
  for (const file of files) {
    const source = reader.open(file, shared);
    if (source) found.push([source, matchesIn(source, pins, index, { ...options, configured }, shared)]);
  }
  refuseMissing(configured, files, found);
  const { additions, unnamed } = planAdditions(files, pins, options, reader, index, found);
  const added = new Map(additions.map((each) => [each.source, each]));
  const matched = new Set(found.map(([source]) => source));
  const matchless = additions.flatMap(({ source }) => (matched.has(source) ? [] : [[source, []] as const]));
  const fields = alsoFields(configured, pins, options);
  const results = [...found, ...matchless].map(([source, matches]) =>
    pinSource(source, matches, added.get(source), { ...options, also: fields.get(source.path) ?? [] }, reader),
  );
  return {
    edits: results.flatMap(({ edits }) => edits),
    fields: results.flatMap(({ fields }) => fields),
    unnamed: unnamed.map(({ image }) => image),
    warnings: results.flatMap(({ warnings }) => warnings),
  };
}

/** What a pin asks of a place. */
function targetOf(pin: Pin, style: PinStyle): Target {
  const name = pin.repository.kind === 'remote' ? pin.repository.name : undefined;
  const { version, digest, targetTag } = pin;
  switch (style) {
    case 'version+digest':
      return { name, tag: version, digest };
    case 'digest':
      return { name, tag: undefined, digest };
    case 'version':
      return { name, tag: version, digest: undefined };
    case 'target':
      return { name, tag: targetTag, digest: undefined };
    case 'target+digest':
      return { name, tag: targetTag, digest };
  }
}

/** The places of a file that mean a pin; what tagflow.yaml configures comes before what a form finds. */
function matchesIn(
  source: Source,
  pins: readonly Pin[],
  index: NameIndex<Pin>,
  { configured, style }: PinOptions,
  shared: SharedValues,
): Match[] {
  const matches: Match[] = [];
  const here = configured.filter(({ file }) => file === source.path);
  for (const { image, path, pin: field } of here) {
    const pin = pins.find((candidate) => candidate.image === image);
    if (!pin) continue;
    const at = plainKey(source, path, meantBy(pin, index, here));
    if ('missing' in at) {
      const inherited = shared.inherited(source, path);
      const added = inherited && missingSite(source, inherited);
      if (!added) throw noField(image, source.path, at.missing);
      matches.push({ pin, site: added, style: field ?? pin.style ?? style });
      continue;
    }
    const [site, second] = at.sites;
    if (second) {
      throw unsafe(
        source,
        second.offset,
        `has ${formatFieldPath(path)} in another document as well`,
        'tagflow.yaml does not say which document of the file is meant',
        'keep the field in one document of the file',
      );
    }
    if (site) matches.push({ pin, site, style: field ?? pin.style ?? style });
  }
  const claimed = new Map(matches.flatMap((match) => match.site.nodes.map((node) => [node, match] as const)));
  for (const site of findSites(source).map((each) => shared.named(source, each))) {
    const [pin, other] = index.meant(site);
    const claim = site.nodes.flatMap((node) => claimed.get(node) ?? [])[0];
    // the same value by another way, an alias: it changes too, which is right where it means the same image
    if (claim && (claim.pin !== pin || keyOf(claim.site) === keyOf(site))) continue;
    if (pin && other) throw twoImages(source, site, [pin, other]);
    if (pin) matches.push({ pin, site, style: pin.style ?? style });
  }
  return matches;
}

/** Entries that a kustomization gets. */
interface Additions {
  readonly source: Source;
  readonly pins: readonly Pin[];
  readonly addition: Addition;
}

/**
 * The entries that kustomizations lack: one for every name by which what they build on means an image; and for an image
 * that nothing names, one in the folder's own kustomization.
 */
function planAdditions(
  files: readonly ManifestFile[],
  pins: readonly Pin[],
  options: PinOptions,
  reader: Reader,
  index: NameIndex<Pin>,
  found: readonly (readonly [Source, readonly Match[]])[],
): { readonly additions: readonly Additions[]; readonly unnamed: readonly Pin[] } {
  const root = rootKustomization(files, options.folder);
  const opened = new Map(found.map(([source]) => [source.path, source]));
  const named = new Set(found.flatMap(([, matches]) => matches.map(({ pin }) => pin)));
  const pinned = found.flatMap(([source, matches]) => matches.map(({ site }) => ({ source, site })));
  const { bases } = options;
  const wanted: WantedEntries[] =
    bases === undefined ? [] : [...entriesWanted({ files, bases, opened, pinned, index, caps: reader.caps })];
  for (const { pin } of wanted.flatMap(({ entries }) => entries)) named.add(pin);
  const unnamed = pins.filter((pin) => !named.has(pin));
  if (unnamed.length > 0) {
    if (!root) throw nowhere(unnamed, files, options.folder);
    const entries = unnamed.map((pin) => ({ pin, name: nameToAdd(pin) }));
    const source = opened.get(root.path) ?? reader.openAlways(root);
    for (const { pin, name } of entries) refuseTwin(source, pin, name);
    const known = wanted.find((each) => each.source.path === root.path);
    if (known) known.entries.push(...entries);
    else wanted.push({ source, entries });
  }
  const additions = wanted.map(({ source, entries }) => ({
    source,
    pins: entries.map(({ pin }) => pin),
    addition: addEntries(
      source,
      entries.map(({ pin, name }) => entryFields(name, targetOf(pin, pin.style ?? options.style))),
    ),
  }));
  return { additions, unnamed };
}

/** Refuses a second entry for a name that a first one makes another image of. */
function refuseTwin(source: Source, pin: Pin, name: string): void {
  const twin = source.trees.flatMap(imageEntries).find((entry) => entry.name === name);
  if (!twin) return;
  throw unsafe(
    source,
    twin.offset,
    `images[${twin.index}] makes ${twin.run} of ${name}, and that is none of the names of ${pin.image}`,
    'a second entry for the same name would have no effect, and nothing else names the image',
    `list ${twin.run} under the names of ${pin.image} in tagflow.yaml if it is that image; otherwise list the name by which the manifests call it`,
  );
}

/** What an entry for an image calls it, where nothing shows how it is spelled. */
function nameToAdd(pin: Pin): string {
  return pin.names.find((name) => !name.startsWith('oci:')) ?? pin.image;
}

function pinSource(
  source: Source,
  matches: readonly Match[],
  additions: Additions | undefined,
  options: PinOptions & { readonly also: readonly WantedField[] },
  reader: Reader,
): Omit<PinResult, 'unnamed'> {
  const addition = additions?.addition;
  const changes: Change[] = matches.map(({ pin, site, style }) => site.pin(targetOf(pin, style)));
  const change = joinChanges(addition ? [...changes, addition.change] : changes);
  const isPlain = options.also.length === 0 && matches.every(({ style }) => style !== 'target');
  if (options.comparing === true && isPlain && !addition) {
    const text = applySplices(source, change.splices);
    const edits = text === source.text ? [] : [{ path: source.path, content: new TextEncoder().encode(text) }];
    return { edits, fields: [], warnings: [] };
  }
  const pinned = edited(source, change, reader);
  const added = additions?.pins.filter((pin) => (pin.style ?? options.style) === 'target') ?? [];
  const told = (pin: Pin): boolean =>
    options.configured.some(
      ({ image, also }) => image === pin.image && also?.some(({ value }) => value.includes('{digest}')),
    );
  const moving = matches
    .filter(({ style }) => style === 'target')
    .map(({ pin, site }) => ({ pin, site, told: told(pin) }));
  const { change: annotations, warnings } = annotate(pinned, moving, added);
  const annotated = edited(pinned, annotations, reader);
  const after = options.also.reduce(
    (source, { field, text }) => edited(source, setField(source, field, text), reader),
    annotated,
  );
  const { text } = after;
  const fields = fieldsOf(after, source.path, matches);
  const edits = text === source.text ? [] : [{ path: source.path, content: new TextEncoder().encode(text) }];
  if (!additions || !addition) return { edits, fields, warnings };
  const sites = new Map(findSites(after).map((site) => [keyOf(site), site]));
  const addedFields = addition.paths.flatMap((path, index): PinnedField[] => {
    const site = sites.get(keyOf({ document: addition.document, path }));
    const pin = additions.pins[index];
    return site && pin ? [fieldOf(after, pin, site, undefined)] : [];
  });
  return { edits, fields: [...fields, ...addedFields], warnings };
}

/** A field under `also:`, and what it shall hold. */
interface WantedField {
  readonly field: AlsoField;
  readonly text: string;
}

/** The fields beside pins, by file. */
function alsoFields(
  configured: PinOptions['configured'],
  pins: readonly Pin[],
  { values }: PinOptions,
): ReadonlyMap<string, readonly WantedField[]> {
  if (!values) return new Map();
  const wanted = configured.flatMap(({ image, also = [] }) => {
    const pin = pins.find((candidate) => candidate.image === image);
    return pin ? also.map((field) => ({ field, text: alsoText(field, pin, values) })) : [];
  });
  return Map.groupBy(wanted, ({ field }) => field.file);
}

/** The source after a change, parsed and verified. */
function edited(source: Source, { splices, intents }: Change, reader: Reader): Source {
  const text = applySplices(source, splices);
  return text === source.text ? source : verifyEdit(source, text, intents, reader.caps);
}

/** What the places say after the edit. */
function fieldsOf(after: Source, path: string, matches: readonly Match[]): PinnedField[] {
  const sites = new Map(findSites(after).map((site) => [keyOf(site), site]));
  return matches.map(({ pin, site }) => {
    const known = sites.get(keyOf(site));
    if (known && isFormed(known) && isFormed(site)) return fieldOf(after, pin, known, site.text);
    const at = plainKey(after, site.path, meantBy(pin, new NameIndex([pin])));
    const plain = 'sites' in at ? at.sites.find(({ document }) => document === site.document) : undefined;
    if (!plain)
      throw new TagflowError('internal', { what: `${path}: ${describePath(site.path)} is gone after pinning` });
    return fieldOf(after, pin, plain, site.text);
  });
}

/** Whether a form found the place: one that tagflow.yaml configures may hold a tag alone. */
function isFormed(site: Site): boolean {
  return site.names.length > 0 || site.labels !== undefined;
}

function fieldOf(after: Source, pin: Pin, site: Site, before: string | undefined): PinnedField {
  return {
    image: pin.image,
    path: after.path,
    line: lineOf(after, site.offset),
    field: describePath(site.path),
    before,
    after: site.text,
  };
}

function keyOf(site: Pick<Site, 'document' | 'path'>): string {
  return JSON.stringify([site.document, ...site.path]);
}

/** The kustomization directly in a folder. Throws `manifest-invalid` when there are several, as kustomize does. */
function rootKustomization(files: readonly ManifestFile[], folder: string): ManifestFile | undefined {
  const prefix = folder === '' || folder === '.' ? '' : `${folder.replace(/\/+$/, '')}/`;
  const roots = files.filter(({ path }) => KUSTOMIZATION_NAMES.some((name) => path === prefix + name));
  if (roots.length <= 1) return roots[0];
  throw new TagflowError('manifest-invalid', {
    what: `${folder} has several kustomizations: ${roots.map(({ path }) => path).join(', ')}`,
    why: 'kustomize accepts one of these names in a folder',
    fix: 'keep one of them',
  });
}

function refuseMissing(
  configured: PinOptions['configured'],
  files: readonly ManifestFile[],
  found: readonly (readonly [Source, unknown])[],
): void {
  for (const { image, file } of configured) {
    if (found.some(([source]) => source.path === file)) continue;
    if (!files.some(({ path }) => path === file)) throw noField(image, file, 'there is no such file');
  }
  for (const { image, also = [] } of configured) {
    const missing = also.find((field) => !files.some(({ path }) => path === field.file));
    if (missing) throw noField(image, missing.file, 'there is no such file');
  }
}

function noField(image: string, file: string, why: string): TagflowError {
  return new TagflowError('pin-not-found', {
    what: `${image} cannot be pinned in ${file}`,
    why,
    fix: 'correct file and path under pins: in tagflow.yaml, or add the field with an empty value',
    details: { image, file },
  });
}

function nowhere(pins: readonly Pin[], files: readonly ManifestFile[], folder: string): TagflowError {
  const images = pins.map(({ image }) => image);
  const names = [...new Set(pins.flatMap((pin) => pin.names))];
  return new TagflowError('pin-not-found', {
    what: `nothing in ${folder} names ${images.join(', ')}`,
    why: `none of its ${files.length} files has an image field for ${names.join(', ')}, and there is no kustomization to add one to`,
    fix: `add ${folder}/kustomization.yaml, or name the field's file and path under pins: in tagflow.yaml`,
    details: { images, folder },
  });
}

function twoImages(source: Source, site: Site, pins: readonly Pin[]): TagflowError {
  const images = pins.map(({ image }) => image);
  return new TagflowError('config-invalid', {
    what: `${source.path}:${lineOf(source, site.offset)} ${site.text} means two images: ${images.join(', ')}`,
    why: 'tagflow.yaml gives both of them a name that stands here',
    fix: `give ${images.join(' and ')} names and repositories of their own`,
    details: { path: source.path, images },
  });
}
