// One file of a corpus: what names an image in it, what the forms make of that, and whether each pin is exact.
import { findFormed, type FoundSite } from '../../src/manifests/forms.ts';
import { capsFor } from '../../src/manifests/caps.ts';
import { type ManifestFile, type Pin, type PinOptions, pinImages } from '../../src/manifests/manifests.ts';
import { ParsedFiles } from '../../src/manifests/parsed-files.ts';
import { holdsManifests } from '../../src/manifests/reader.ts';
import { type Source, decode, isSource, lineAt } from '../../src/manifests/source.ts';
import { isTagflowError } from '../../src/model/errors.ts';
import { digestOf } from '../../src/model/digest.ts';
import { parseRepository, parseTag } from '../../src/model/reference.ts';
import { canonicalName } from '../../src/manifests/image-name.ts';
import { faultOf } from './exact.ts';
import { type NamingPlace, scan } from './scan.ts';

/** What happened to the places of a file. */
export interface Judgement {
  /** Places that the independent scan found, and how many of them a form knows. */
  readonly places: number;
  readonly recognised: number;
  /** Places of forms, by form. */
  readonly forms: Readonly<Record<string, number>>;
  readonly exact: number;
  /** Refused places, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Edits that changed anything else, failed in another way, or were not the same when made again. */
  readonly wrong: readonly string[];
  /** Places that no form knows. */
  readonly missed: readonly string[];
}

const VERSION = 'v9.8.7-corpus.1';
const DIGEST = digestOf('corpus');
const MAX_BYTES = 1024 * 1024;
/** Larger than any file that people write: not even looked at. */
const HUGE = 16 * 1024 * 1024;

/** Judges a file. Throws for nothing that is in it. */
export function judge(path: string, content: Uint8Array): Judgement {
  const text = content.length > HUGE || content.subarray(0, 8192).includes(0) ? undefined : decode(content);
  if (text === undefined) return { ...NOTHING };
  const large = content.length > MAX_BYTES;
  const parsed = new ParsedFiles();
  const source = large ? undefined : parsed.read({ path, content }, text, capsFor(MAX_BYTES));
  const readable = source && isSource(source) && holdsManifests(path, source) ? source : undefined;
  const sites = readable ? findFormed(readable) : [];
  const places = large && !/image/i.test(text) ? [] : scan(path, text);
  const missed = readable ? withoutSite(places, sites, readable) : places;
  const found = pinEach({ path, content }, text, sites, parsed);
  const forms: Record<string, number> = {};
  for (const { form } of sites) forms[form] = (forms[form] ?? 0) + 1;
  return {
    places: places.length,
    recognised: places.length - missed.length,
    forms,
    exact: found.exact,
    refused: found.refused,
    wrong: found.wrong,
    missed: missed.map(({ line, rule, text }) => `${path}:${line} [${rule}] ${text}`),
  };
}

/** What happened to each place of a file when it was pinned. */
export function pinEach(
  file: ManifestFile,
  text: string,
  sites: readonly FoundSite[],
  parsed = new ParsedFiles(),
): Pinned {
  const outcome = new Outcome(file, text, parsed);
  outcome.pinAll(groupsOf(sites));
  return outcome;
}

/** How many places were pinned, which were refused, and what was wrong. */
export type Pinned = Pick<Judgement, 'exact' | 'refused' | 'wrong'>;

const NOTHING: Judgement = { places: 0, recognised: 0, forms: {}, exact: 0, refused: {}, wrong: [], missed: [] };

/** Places of the scan that no place of a form stands for. */
function withoutSite(places: readonly NamingPlace[], sites: readonly FoundSite[], source: Source): NamingPlace[] {
  const free = new Set(sites);
  return places.filter((place) => {
    const match = [...free].find(({ site }) => {
      const inside = site.offset >= 0 ? [site.offset] : [];
      const lines = [...inside, ...site.nodes.map((node) => node.range?.[0] ?? 0)].map((offset) =>
        lineAt(source, offset),
      );
      return (
        lines.includes(place.line) ||
        (place.lastLine > place.line && lines.some((line) => line >= place.line && line <= place.lastLine))
      );
    });
    if (match) free.delete(match);
    return !match;
  });
}

/** Places that mean one image. */
interface Group {
  readonly names: readonly string[];
  readonly image: string;
  readonly sites: readonly FoundSite[];
}

function groupsOf(sites: readonly FoundSite[]): readonly Group[] {
  const groups = Map.groupBy(sites, ({ site }) =>
    JSON.stringify([site.names[0] && canonicalName(site.names[0]), site.names.length > 0 ? '' : site.labels?.[0]]),
  );
  return [...groups.values()].map((sites) => {
    const { names, labels = [] } = sites[0]?.site ?? { names: [] };
    return { names: names.slice(0, 1), image: names.length > 0 ? '' : (labels[0] ?? ''), sites };
  });
}

/** Pins images of a file in memory, one after the other, each in the file as it is. */
class Outcome implements Pinned {
  exact = 0;
  readonly refused: Record<string, number> = {};
  readonly wrong: string[] = [];
  readonly #file: ManifestFile;
  readonly #text: string;
  readonly #options: PinOptions;

  constructor(file: ManifestFile, text: string, parsed: ParsedFiles) {
    this.#file = file;
    this.#text = text;
    this.#options = { ...OPTIONS, parsed };
  }

  /** Pins all at once, which costs one reading; where that is not exact, one after the other, to tell which is at fault. */
  pinAll(groups: readonly Group[]): void {
    if (groups.length === 0) return;
    if (groups.length > 1 && this.#tried(groups) === undefined) {
      for (const { sites } of groups) this.exact += sites.length;
      return;
    }
    for (const group of groups) {
      const fault = this.#tried([group]);
      if (fault === undefined) this.exact += group.sites.length;
      else if (fault.refused) this.#refuse(fault.why, group.sites.length);
      else this.wrong.push(`${this.#file.path}: ${group.names[0] ?? group.image}: ${fault.why}`);
    }
  }

  /** Why pinning did not end as it should; undefined where every place is pinned and nothing else differs. */
  #tried(groups: readonly Group[]): { readonly refused: boolean; readonly why: string } | undefined {
    const pins = groups.map((group, index) => pinFor(group, index));
    if (pins.some((pin) => pin === undefined)) return { refused: true, why: 'its name is not a repository' };
    const known = pins.filter((pin) => pin !== undefined);
    try {
      const { edits, fields } = pinImages([this.#file], known, this.#options);
      const edit = edits[0];
      if (!edit) return { refused: false, why: 'no edit' };
      const why = faultOf(this.#text, decode(edit.content) ?? '', { version: VERSION, digest: DIGEST });
      if (why !== undefined) return { refused: false, why };
      const again = pinImages([edit], known, this.#options);
      if (again.edits.length > 0) return { refused: false, why: 'pinned again, it changes again' };
      const count = groups.reduce((total, { sites }) => total + sites.length, 0);
      return fields.length < count
        ? { refused: false, why: `${fields.length} of ${count} places are pinned` }
        : undefined;
    } catch (error) {
      if (!isTagflowError(error)) return { refused: false, why: `crash: ${String(error)}` };
      return { refused: true, why: `${error.code}: ${error.why ?? ''}`.replace(/"[^"]*"|\S*[\w-]+(?:\.|\[)\S*/g, '…') };
    }
  }

  #refuse(reason: string, count: number): void {
    this.refused[reason] = (this.refused[reason] ?? 0) + count;
  }
}

const OPTIONS = { style: 'version+digest', folder: 'no/folder', configured: [], maxBytes: MAX_BYTES } as const;

/** A pin that means the places of a group and, where it can be told, no others. */
function pinFor({ names, image }: Group, index: number): Pin | undefined {
  try {
    const [name = 'corpus.example.com/none'] = names;
    const repository = parseRepository(names.length > 0 ? canonicalName(name) : name);
    const all = names.length > 0 ? [...names, canonicalName(name)] : [image];
    const key = names.length > 0 ? `corpus-image-${index}` : image;
    return { image: key, names: all, repository, version: parseTag(VERSION), digest: DIGEST };
  } catch (error) {
    if (isTagflowError(error)) return undefined;
    throw error;
  }
}
