// The places of a file that mean the pins: what tagflow.yaml configures comes before what a form finds.
import { TagflowError } from '../model/errors.ts';
import type { ConfiguredField, ConfiguredPin, PinStyle } from '../model/pipeline.ts';
import { formatFieldPath } from './field-path.ts';
import type { Site } from './form.ts';
import { findSites } from './forms.ts';
import type { NameIndex } from './image-name.ts';
import { meantBy, plainKey } from './plain-key.ts';
import type { SharedValues } from './shared-values.ts';
import { type Source, lineAt } from './source.ts';
import { unsafe } from './splice.ts';
import type { ManifestFile, Pin } from './values.ts';

/** A place that means a pin's image. */
export interface Match {
  readonly pin: Pin;
  readonly site: Site;
  readonly style: PinStyle;
}

/** What is looked for in files. */
export interface Wanted {
  readonly pins: readonly Pin[];
  readonly index: NameIndex<Pin>;
  /** The fields that tagflow.yaml names. */
  readonly configured: readonly ConfiguredField[];
  /** The style of pins that have none of their own. */
  readonly style: PinStyle;
}

/** The places of a file that mean a pin. Throws `pin-not-found`, `manifest-unsafe-edit`, `config-invalid`. */
export function matchesIn(source: Source, wanted: Wanted, shared: SharedValues): readonly Match[] {
  const here = wanted.configured.filter(({ file }) => file === source.path);
  const matches: Match[] = here.flatMap((field) =>
    configuredMatch(source, field, { ...wanted, configured: here }, shared),
  );
  const claimed = new Map(matches.flatMap((match) => match.site.nodes.map((node) => [node, match] as const)));
  for (const site of findSites(source).map((each) => shared.named(source, each))) {
    const [pin, other] = wanted.index.meant(site);
    // a place in a text is read twice, and has other nodes each time
    const claim =
      site.nodes.flatMap((node) => claimed.get(node) ?? [])[0] ??
      matches.find((match) => keyOf(match.site) === keyOf(site));
    if (claim && site.ownDigest === true && claim.pin === pin) matches[matches.indexOf(claim)] = { ...claim, site };
    // the same value by another way, an alias: it changes too, which is right where it means the same image
    if (claim && (claim.pin !== pin || keyOf(claim.site) === keyOf(site))) continue;
    if (pin && other) throw twoImages(source, site, [pin, other]);
    if (pin) matches.push({ pin, site, style: pin.style ?? wanted.style });
  }
  return matches;
}

/** The place that tagflow.yaml names, in the one document that has it, or where the values inherit it. */
function configuredMatch(
  source: Source,
  { image, path, pin: own }: ConfiguredField,
  { pins, index, configured, style: usual }: Wanted,
  shared: SharedValues,
): readonly Match[] {
  const pin = pins.find((candidate) => candidate.image === image);
  if (!pin) return [];
  const style = own ?? pin.style ?? usual;
  const meant = meantBy(pin, index, configured);
  const isName = meant.isName.bind(meant);
  const at = plainKey(source, path, meant);
  if ('missing' in at) {
    const inherited = shared.inherited(source, path);
    const added = inherited && shared.missing(source, inherited, isName);
    if (!added) throw noField(image, source.path, at.missing);
    return [{ pin, site: added, style }];
  }
  const [site, second] = at.sites;
  if (second) {
    throw unsafe(source, second.offset, {
      what: `has ${formatFieldPath(path)} in another document as well`,
      why: 'tagflow.yaml does not say which document of the file is meant',
      fix: 'keep the field in one document of the file',
    });
  }
  return site ? [{ pin, site: shared.completed(source, site, isName), style }] : [];
}

/** One text for each place of a file. */
export function keyOf(site: Pick<Site, 'document' | 'path'>): string {
  return JSON.stringify([site.document, ...site.path]);
}

/** Refuses pins that tagflow.yaml configures in a file that is not there, or holds nothing to pin. */
export function refuseMissing(
  configured: readonly ConfiguredPin[],
  files: readonly ManifestFile[],
  read: ReadonlySet<string>,
): void {
  for (const { image, file } of configured) {
    if (read.has(file)) continue;
    if (!files.some(({ path }) => path === file)) throw noField(image, file, 'there is no such file');
  }
  for (const { image, also = [] } of configured) {
    const missing = also.find((field) => !files.some(({ path }) => path === field.file));
    if (missing) throw noField(image, missing.file, 'there is no such file');
  }
}

/** What says that a place under `pins:` is not there. */
export function noField(image: string, file: string, why: string): TagflowError {
  return new TagflowError('pin-not-found', {
    what: `${image} cannot be pinned in ${file}`,
    why,
    fix: 'correct file and path under pins: in tagflow.yaml, or add the field with an empty value',
    details: { image, file },
  });
}

function twoImages(source: Source, site: Site, pins: readonly Pin[]): TagflowError {
  const images = pins.map(({ image }) => image);
  return new TagflowError('config-invalid', {
    what: `${source.path}:${lineAt(source, site.offset)} ${site.text} means two images: ${images.join(', ')}`,
    why: 'tagflow.yaml gives both of them a name that stands here',
    fix: `give ${images.join(' and ')} names and repositories of their own`,
    details: { path: source.path, images },
  });
}
