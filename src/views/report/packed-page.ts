// The data of a page as it travels: each image once, and older releases apart from the rest where there are many. Pure, since
// the command packs and the page unpacks.
import type { PageChanges, PageData, PageImage, PageLine, PageRelease } from './page-types.ts';

/** A release whose images are places in a list. */
interface PackedRelease extends Omit<PageRelease, 'images'> {
  readonly images: readonly number[];
}

interface PackedLine extends Omit<PageLine, 'releases'> {
  readonly releases: readonly PackedRelease[];
}

/** The data of a page that stands in it. */
export interface PackedPage extends Omit<PageData, 'lines'> {
  readonly images: readonly PageImage[];
  readonly lines: readonly PackedLine[];
  /** How many releases stand in the file beside the page. */
  readonly older: number;
  /** Tells the file that was written with this page from others of its name; null without one. */
  readonly mark: string | null;
}

/** What stands in the file beside a page. */
export interface PackedOlder {
  readonly mark: string;
  readonly images: readonly PageImage[];
  /** Of each line, in the order of the page's lines, the releases that go on the end. */
  readonly lines: readonly (readonly PackedRelease[])[];
  /** By commit: what releases that stand in the page changed. */
  readonly changes: Readonly<Record<string, PageChanges>>;
}

/** A page, and the file beside it where there is one. */
export interface PagePair {
  readonly page: PackedPage;
  readonly older: PackedOlder | undefined;
}

/** Packs all of a page. */
export function packPage(data: PageData): PackedPage {
  return splitPage(data, Number.POSITIVE_INFINITY, '').page;
}

/** Packs a page of which `newest` releases of each line stay in it, without what they changed. `mark` names what is split off. */
export function splitPage(data: PageData, newest: number, mark: string): PagePair {
  const [pool, rest] = [new ImagePool(), new ImagePool()];
  const changes: [string, PageChanges][] = [];
  const isSplit = Number.isFinite(newest);
  const stays = (release: PageRelease): PackedRelease => {
    if (!isSplit || !release.changes) return pool.pack(release);
    changes.push([release.commit, release.changes]);
    return pool.pack({ ...release, changes: null });
  };
  const lines = data.lines.map((line) => ({ ...line, releases: line.releases.slice(0, newest).map(stays) }));
  const beside = data.lines.map(({ releases }) =>
    isSplit ? releases.slice(newest).map((release) => rest.pack(release)) : [],
  );
  return {
    page: {
      ...data,
      lines,
      images: pool.images,
      older: beside.reduce((sum, releases) => sum + releases.length, 0),
      mark: isSplit ? mark : null,
    },
    older: isSplit ? { mark, images: rest.images, lines: beside, changes: Object.fromEntries(changes) } : undefined,
  };
}

/** The data of a page as views read it; older releases are missing in it until `withOlder` adds them. */
export function unpackPage({ images, lines, ...rest }: PackedPage): PageData {
  const { older, mark, ...data } = rest;
  void [older, mark];
  return { ...data, lines: lines.map((line) => ({ ...line, releases: unpacked(line.releases, images) })) };
}

/** Adds what stands beside a page. Throws where it belongs to another page. */
export function withOlder(data: PageData, { mark }: Pick<PackedPage, 'mark'>, older: PackedOlder): PageData {
  if (older.mark !== mark) throw new Error('it was written with another page');
  const known = (release: PageRelease): PageRelease => {
    const changes = older.changes[release.commit];
    return changes ? { ...release, changes } : release;
  };
  return {
    ...data,
    lines: data.lines.map((line, index) => ({
      ...line,
      releases: [...line.releases.map(known), ...unpacked(older.lines[index] ?? [], older.images)],
    })),
  };
}

function unpacked(releases: readonly PackedRelease[], images: readonly PageImage[]): readonly PageRelease[] {
  return releases.map((release) => ({ ...release, images: release.images.flatMap((at) => images[at] ?? []) }));
}

class ImagePool {
  readonly images: PageImage[] = [];
  readonly #places = new Map<string, number>();

  pack({ images, ...release }: PageRelease): PackedRelease {
    return { ...release, images: images.map((image) => this.#placeOf(image)) };
  }

  #placeOf(image: PageImage): number {
    const key = JSON.stringify([image.name, image.repository, image.version, image.digest]);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    this.#places.set(key, this.images.push(image) - 1);
    return this.images.length - 1;
  }
}
