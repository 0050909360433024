// Reads what manifests say about images, without changing anything.
import { FILE_SIZE } from '../model/file-size.ts';
import type { ConfiguredField, ConfiguredText } from '../model/pipeline.ts';
import { capsFor } from './caps.ts';
import type { Site } from './form.ts';
import { NameIndex } from './image-name.ts';
import { keyOf } from './matches.ts';
import { meantBy, plainKey } from './plain-key.ts';
import { findFormed, findSites } from './forms.ts';
import { Reader, holdsManifests } from './reader.ts';
import { SharedValues } from './shared-values.ts';
import { decode, isSource, lineAt, readSource, type Source } from './source.ts';
import { isField, isText, readTextPin } from './text-pins.ts';
import { describePath } from './tree.ts';
import type { FoundImage, ImageNames, ManifestFile, ReadOptions, ReadPin } from './values.ts';

/**
 * What every field that means one of the images says now, in order of the files and of appearance. A configured field that
 * is not there is left out. Throws `manifest-invalid` for a file that names an image and cannot be read.
 */
export function readPins(
  files: readonly ManifestFile[],
  images: readonly ImageNames[],
  options: ReadOptions,
): readonly ReadPin[] {
  const index = new NameIndex(images);
  const configured = options.configured.filter(({ image }) => images.some((known) => known.image === image));
  const reader = new Reader(index, configured, options);
  const shared = new SharedValues([...files, ...(options.shared ?? [])], reader.caps, reader.parsed);
  const texts = Map.groupBy(configured.filter(isText), ({ file }) => file);
  return files.flatMap((file) => {
    const lines = texts.get(file.path);
    if (lines) return lines.flatMap((pin) => readLine(file, pin, options.maxBytes));
    const source = reader.open(file, shared);
    if (!source) return [];
    const here = configured.filter(isField).filter((pin) => pin.file === file.path);
    return saidIn(source, here, { images, index, shared }).map(({ image, site, style }) => ({
      image,
      ...placeOf(source, site),
      // a name in two parts may be read in two ways: the one that means the image is its name
      name: site.names.find((name) => index.find([name]).some((known) => known.image === image)) ?? site.names[0],
      tag: site.tag,
      digest: site.digest,
      style,
    }));
  });
}

/** The places of a file that mean an image: those that tagflow.yaml names, then those that a form finds. */
function saidIn(
  source: Source,
  configured: readonly ConfiguredField[],
  { images, index, shared }: { images: readonly ImageNames[]; index: NameIndex<ImageNames>; shared: SharedValues },
): readonly { readonly image: string; readonly site: Site; readonly style: ReadPin['style'] }[] {
  const styleOf = ({ versionAlone }: Site, style: ReadPin['style']): ReadPin['style'] =>
    versionAlone === true ? 'version' : style;
  const plain = configured.flatMap(({ image, path, pin }) => {
    const meant = images.find((known) => known.image === image);
    const at = meant && plainKey(source, path, meantBy(meant, index, configured));
    if (!at || !('sites' in at)) return [];
    return at.sites.slice(0, 1).map((site) => ({ image, site, style: styleOf(site, pin) }));
  });
  const claimed = new Set<unknown>(plain.flatMap(({ site }) => [...site.nodes, keyOf(site)]));
  const formed = findSites(source).flatMap((found) => {
    const site = shared.named(source, found);
    const image = [...site.nodes, keyOf(site)].some((each) => claimed.has(each))
      ? undefined
      : index.meant(site)[0]?.image;
    return image === undefined ? [] : [{ image, site, style: styleOf(site, undefined) }];
  });
  return [...plain, ...formed];
}

function readLine(file: ManifestFile, pin: ConfiguredText, maxBytes: number): readonly ReadPin[] {
  const read = readTextPin(file, pin, maxBytes);
  const field = read?.tag === undefined ? 'digest' : 'version';
  return read ? [{ image: pin.image, path: file.path, field, name: undefined, style: pin.pin, ...read }] : [];
}

/** Every field that names an image, whatever it names. Files that cannot be read are left out. */
export function findImages(
  files: readonly ManifestFile[],
  options: { readonly maxBytes: number } = { maxBytes: FILE_SIZE.usual },
): readonly FoundImage[] {
  const caps = capsFor(options.maxBytes);
  return files.flatMap(({ path, content }) => {
    const text = content.length <= caps.bytes ? decode(content) : undefined;
    const source = text === undefined ? undefined : readSource(path, text, caps);
    if (!source || !isSource(source) || !holdsManifests(path, source)) return [];
    return findFormed(source).map(({ form, site: { replaces, ...site } }) => ({
      ...placeOf(source, site),
      form,
      name: site.names[0],
      ...(replaces !== undefined && { replaces }),
      tag: site.tag,
      digest: site.digest,
    }));
  });
}

function placeOf(source: Source, site: Pick<Site, 'offset' | 'path'>): { path: string; line: number; field: string } {
  return { path: source.path, line: lineAt(source, site.offset), field: describePath(site.path) };
}
