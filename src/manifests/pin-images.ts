// Pins images in files: every field that means one of them, or else a new entry in the folder's kustomization.
import { TagflowError } from '../model/errors.ts';
import type { AlsoField, ConfiguredPin } from '../model/pipeline.ts';
import { type Additions, planAdditions } from './additions.ts';
import { alsoText, setField } from './also.ts';
import { annotate } from './annotate.ts';
import type { Site } from './form.ts';
import { findSites } from './forms.ts';
import { NameIndex } from './image-name.ts';
import { type Match, keyOf, matchesIn, refuseMissing } from './matches.ts';
import { meantBy, plainKey } from './plain-key.ts';
import { Reader } from './reader.ts';
import { SharedValues } from './shared-values.ts';
import { refuseSealed } from './refusals.ts';
import { type Source, lineAt } from './source.ts';
import { type Change, applySplices, joinChanges } from './splice.ts';
import { isTold, targetOf } from './target.ts';
import { isField, isText, pinTexts } from './text-pins.ts';
import { describePath } from './tree.ts';
import type { ManifestFile, Pin, PinOptions, PinResult, PinnedField } from './values.ts';
import { verifyEdit } from './verify.ts';

/**
 * Pins every field that means one of the images, and adds entries to the folder's kustomization for images that no field
 * names. The same files and pins give the same bytes; pinning what is pinned already gives no edits.
 * Throws `pin-not-found`, `manifest-invalid`, `manifest-unsafe-edit`, and `config-invalid` where a field means two images.
 */
export function pinImages(files: readonly ManifestFile[], pins: readonly Pin[], options: PinOptions): PinResult {
  const index = new NameIndex(pins);
  const configured = options.configured.filter(({ image }) => pins.some((pin) => pin.image === image));
  const reader = new Reader(index, configured, options);
  const shared = new SharedValues([...files, ...(options.bases ?? [])], reader.caps, reader.parsed);
  const wanted = { pins, index, configured: configured.filter(isField), style: options.style };
  const found = files.flatMap((file): (readonly [Source, readonly Match[]])[] => {
    const source = reader.open(file, shared);
    return source ? [[source, matchesIn(source, wanted, shared)]] : [];
  });
  const texts = pinTexts(files, configured.filter(isText), { pins, index, options });
  const read = new Set([...found.map(([source]) => source.path), ...texts.files]);
  refuseMissing(configured, files, read);
  const inFiles = { files, pins, index, matches: found, elsewhere: texts.pins };
  const { additions, unnamed, warnings } = planAdditions(inFiles, options, reader);
  const results = [...pinSources(found, additions, alsoFields(configured, pins, options), { options, reader }), texts];
  return {
    edits: results.flatMap(({ edits }) => edits),
    fields: results.flatMap(({ fields }) => fields),
    unnamed: unnamed.map(({ image }) => image),
    warnings: [...results.flatMap((each) => each.warnings), ...warnings],
  };
}

/** How files are pinned. */
interface Pinning {
  readonly options: PinOptions;
  readonly reader: Reader;
}

/** What is pinned in one file. */
interface FilePins {
  readonly source: Source;
  readonly matches: readonly Match[];
  readonly additions: Additions | undefined;
  readonly also: readonly WantedField[];
}

type FileResult = Omit<PinResult, 'unnamed'>;

/** Pins the files that were found, and those that get entries alone. */
function pinSources(
  found: readonly (readonly [Source, readonly Match[]])[],
  additions: readonly Additions[],
  fields: ReadonlyMap<string, readonly WantedField[]>,
  pinning: Pinning,
): readonly FileResult[] {
  const added = new Map(additions.map((each) => [each.source, each]));
  const matched = new Set(found.map(([source]) => source));
  const matchless = additions.flatMap(({ source }) => (matched.has(source) ? [] : [[source, []] as const]));
  return [...found, ...matchless].map(([source, matches]) => {
    const also = fields.get(source.path) ?? [];
    return pinSource({ source, matches, additions: added.get(source), also }, pinning);
  });
}

function pinSource(file: FilePins, pinning: Pinning): FileResult {
  const { source, matches, additions, also } = file;
  const { options, reader } = pinning;
  const changes: Change[] = matches.map(({ pin, site, style }) => site.pin(targetOf(pin, style)));
  const change = joinChanges(additions ? [...changes, additions.addition.change] : changes);
  const isPlain = also.length === 0 && matches.every(({ style }) => style !== 'target');
  if (options.comparing === true && isPlain && !additions) {
    const text = applySplices(source, change.splices);
    return { edits: editOf(source, text), fields: [], warnings: [] };
  }
  const pinned = edited(source, change, reader);
  const { change: annotations, warnings } = annotate(pinned, movingIn(file, options), newlyMoving(file, options));
  const annotated = edited(pinned, annotations, reader);
  const after = also.reduce(
    (source, { field, text }) => edited(source, setField(source, field, text), reader),
    annotated,
  );
  const sites = new Map(findSites(after).map((site) => [keyOf(site), site]));
  const fields = [...fieldsOf(after, sites, matches), ...(additions ? addedFields(after, sites, additions) : [])];
  return { edits: editOf(source, after.text), fields, warnings };
}

function editOf({ path, text }: Source, after: string): PinResult['edits'] {
  return text === after ? [] : [{ path, content: new TextEncoder().encode(after) }];
}

/** The fields of a file that name a moving tag alone. */
function movingIn({ matches }: FilePins, options: PinOptions): Parameters<typeof annotate>[1] {
  return matches
    .filter(({ style }) => style === 'target')
    .map(({ pin, site }) => ({ pin, site, told: isTold(pin, options) }));
}

/** The images whose entries are new and name a moving tag alone. */
function newlyMoving({ additions }: FilePins, options: PinOptions): readonly Pin[] {
  return additions?.pins.filter((pin) => (pin.style ?? options.style) === 'target') ?? [];
}

/** A field under `also:`, and what it shall hold. */
interface WantedField {
  readonly field: AlsoField;
  readonly text: string;
}

/** The fields beside pins, by file. */
function alsoFields(
  configured: readonly ConfiguredPin[],
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
  if (text === source.text) return source;
  refuseSealed(source);
  return verifyEdit(source, text, intents, reader.caps);
}

type Sites = ReadonlyMap<string, Site>;

/** What the places say after the edit. */
function fieldsOf(after: Source, sites: Sites, matches: readonly Match[]): readonly PinnedField[] {
  return matches.map(({ pin, site }) => {
    const known = sites.get(keyOf(site));
    if (known && isFormed(known) && isFormed(site)) return fieldOf(after, pin, known, site.text);
    const at = plainKey(after, site.path, meantBy(pin, new NameIndex([pin])));
    const plain = 'sites' in at ? at.sites.find(({ document }) => document === site.document) : undefined;
    if (!plain)
      throw new TagflowError('internal', { what: `${after.path}: ${describePath(site.path)} is gone after pinning` });
    return fieldOf(after, pin, plain, site.text);
  });
}

/** What the entries say that were added. */
function addedFields(after: Source, sites: Sites, { addition, pins }: Additions): readonly PinnedField[] {
  return addition.paths.flatMap((path, index): PinnedField[] => {
    const site = sites.get(keyOf({ document: addition.document, path }));
    const pin = pins[index];
    return site && pin ? [fieldOf(after, pin, site, undefined)] : [];
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
    line: lineAt(after, site.offset),
    field: describePath(site.path),
    before,
    after: site.text,
  };
}
