// The entries that kustomizations get: one for every name by which what they build on means an image, and one for an image that
// nothing names.
import { TagflowError } from '../model/errors.ts';
import type { NameIndex } from './image-name.ts';
import { KUSTOMIZATION_NAMES, entryFields, imageEntries } from './kustomize.ts';
import { type Addition, addEntries } from './kustomize-add.ts';
import { type EntriesPlan, type WantedEntries, entriesWanted } from './kustomize/plan-entries.ts';
import type { Match } from './matches.ts';
import type { Reader } from './reader.ts';
import type { Source } from './source.ts';
import { unsafe } from './splice.ts';
import { isTold, targetOf } from './target.ts';
import type { ManifestFile, Pin, PinOptions } from './values.ts';

/** Entries that a kustomization gets. */
export interface Additions {
  readonly source: Source;
  readonly pins: readonly Pin[];
  readonly addition: Addition;
}

/** The entries that a folder's kustomizations get. */
export interface AdditionsPlan {
  readonly additions: readonly Additions[];
  /** Images that nothing names. */
  readonly unnamed: readonly Pin[];
  /** Pod templates that no annotation reaches though their tag moves. */
  readonly warnings: readonly string[];
}

/** What was read and found before. */
interface Found {
  readonly files: readonly ManifestFile[];
  readonly pins: readonly Pin[];
  readonly index: NameIndex<Pin>;
  readonly matches: readonly (readonly [Source, readonly Match[]])[];
  /** Pins that stand in files of text. */
  readonly elsewhere: ReadonlySet<Pin>;
}

/**
 * The entries that kustomizations lack: one for every name by which what they build on means an image; and for an image
 * that nothing names, one in the folder's own kustomization. And what entries cannot do for a moving tag.
 */
export function planAdditions(found: Found, options: PinOptions, reader: Reader): AdditionsPlan {
  const { files, pins, index, matches, elsewhere } = found;
  const root = rootKustomization(files, options.folder);
  const opened = new Map(matches.map(([source]) => [source.path, source]));
  const pinned = matches.flatMap(([source, some]) => some.map(({ site }) => ({ source, site })));
  const { bases } = options;
  const plan =
    bases === undefined ? undefined : entriesWanted({ files, bases, opened, pinned, index, caps: reader.caps });
  const wanted: WantedEntries[] = [...(plan?.wanted ?? [])];
  const named = new Set([
    ...elsewhere,
    ...matches.flatMap(([, some]) => some.map(({ pin }) => pin)),
    ...wanted.flatMap(({ entries }) => entries.map(({ pin }) => pin)),
  ]);
  const unnamed = pins.filter((pin) => !named.has(pin));
  if (unnamed.length > 0) {
    if (!root) throw nowhere(unnamed, files, options.folder);
    addUnnamed(wanted, unnamed, opened.get(root.path) ?? reader.openAlways(root));
  }
  const additions = wanted.map(({ source, entries }) => ({
    source,
    pins: entries.map(({ pin }) => pin),
    addition: addEntries(
      source,
      entries.map(({ pin, name }) => entryFields(name, targetOf(pin, pin.style ?? options.style))),
    ),
  }));
  return { additions, unnamed, warnings: unnoticed(plan?.outOfReach ?? [], options) };
}

/** What says that a deploy will not notice a moving tag in a Pod template of a kind that kustomize does not know. */
function unnoticed(outOfReach: EntriesPlan['outOfReach'], options: PinOptions): readonly string[] {
  return outOfReach.flatMap(({ path, element, pin }) => {
    if ((pin.style ?? options.style) !== 'target' || isTold(pin, options)) return [];
    const [kind] = element.object.split('/');
    return [
      `${element.path}:${element.line} names ${pin.image} in a ${kind}, and commonAnnotations of ${path} do not reach its Pod template: a deploy will not notice that the tag ${pin.targetTag ?? ''} moved. Patch the template with an annotation, and name it under also: in tagflow.yaml`,
    ];
  });
}

/** Puts entries for images that nothing names behind those that the kustomization gets anyway. */
function addUnnamed(wanted: WantedEntries[], unnamed: readonly Pin[], source: Source): void {
  const entries = unnamed.map((pin) => ({ pin, name: nameToAdd(pin) }));
  for (const { pin, name } of entries) refuseTwin(source, pin, name);
  const known = wanted.find((each) => each.source.path === source.path);
  if (known) known.entries.push(...entries);
  else wanted.push({ source, entries });
}

/** Refuses a second entry for a name that a first one makes another image of. */
function refuseTwin(source: Source, pin: Pin, name: string): void {
  const twin = source.trees.flatMap(imageEntries).find((entry) => entry.name === name);
  if (!twin) return;
  throw unsafe(source, twin.offset, {
    what: `images[${twin.index}] makes ${twin.run} of ${name}, and that is not one of the names of ${pin.image}`,
    why: 'a second entry for the same name would have no effect, and nothing else names the image',
    fix: `list ${twin.run} under the names of ${pin.image} in tagflow.yaml if it is that image; otherwise list the name by which the manifests call it`,
  });
}

/** What an entry for an image calls it, where nothing shows how it is spelled. */
function nameToAdd(pin: Pin): string {
  return pin.names.find((name) => !name.startsWith('oci:')) ?? pin.image;
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

function nowhere(pins: readonly Pin[], files: readonly ManifestFile[], folder: string): TagflowError {
  const images = pins.map(({ image }) => image);
  const names = [...new Set(pins.flatMap((pin) => pin.names))];
  const few = files.slice(0, 3).map(({ path }) => path);
  const own = few.length === 0 ? 'its files' : [...few, ...(files.length > few.length ? ['…'] : [])].join(', ');
  const byHand = "name the field's file and path under pins: in tagflow.yaml";
  return new TagflowError('pin-not-found', {
    what: `nothing in ${folder === '' ? own : folder} names ${images.join(', ')}`,
    why: `none of its ${files.length} files has an image field for ${names.join(', ')}, and there is no kustomization to add one to`,
    fix: folder === '' ? byHand : `add ${folder}/kustomization.yaml, or ${byHand}`,
    details: { images, folder },
  });
}
