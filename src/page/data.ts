// Where the page gets its data from: from itself, or from the server that it came from.
import { joinSpans } from '../model/spans.ts';
import { changesOf } from '../views/changes.ts';
import type { PackedOlder, PackedPage } from '../views/report/packed-page.ts';
import type { PageData, PageLine, PageRelease } from '../views/report/page-types.ts';

/** A moment at which something ran. */
export interface LineStanding {
  readonly line: PageLine;
  readonly release: PageRelease | undefined;
}

/** A span of time during which a line ran an image. */
export interface ImageSpan {
  readonly line: PageLine;
  readonly name: string;
  readonly version: string;
  readonly digest: string;
  readonly from: number;
  readonly until: number | undefined;
  readonly releases: readonly [number, number];
}

/** Reads the data that is in the page; undefined where it has none, and a server is to be asked. */
export async function embeddedPage(): Promise<PackedPage | undefined> {
  const packed = document.querySelector('#data')?.textContent;
  return packed === null || packed === undefined ? undefined : ((await unzipped(packed)) as PackedPage);
}

/** Asks the server. */
export async function servedPage(): Promise<PackedPage> {
  const response = await fetch('data.json', { cache: 'no-store' });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as PackedPage;
}

/** How long the file beside the page may take, in milliseconds. */
const PATIENCE = 60_000;
/** How long its data may take to come once it is loaded. */
const GRACE = 5_000;

/**
 * Reads the file beside the page. It comes in a frame of its own, since a page from a disk may fetch nothing; the frame may run its
 * script and nothing else.
 */
export async function olderReleases(mark: string): Promise<PackedOlder> {
  const frame = document.createElement('iframe');
  frame.setAttribute('sandbox', 'allow-scripts');
  frame.hidden = true;
  frame.title = 'older releases';
  try {
    const packed = await new Promise<string>((resolve, reject) => {
      addEventListener('message', ({ source, data }: MessageEvent<unknown>) => {
        if (source === frame.contentWindow && typeof data === 'string') resolve(data);
      });
      const absent = new Error('older-releases.html is not beside this page, or belongs to another one');
      frame.addEventListener('load', () => setTimeout(() => reject(absent), GRACE));
      setTimeout(() => reject(new Error('older-releases.html took too long')), PATIENCE);
      frame.src = `older-releases.html#${mark}`;
      document.body.append(frame);
    });
    return (await unzipped(packed)) as PackedOlder;
  } finally {
    frame.remove();
  }
}

async function unzipped(packed: string): Promise<unknown> {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).json();
}

/** When the next release of the line came; undefined for the one that runs. */
export function endOf(line: PageLine, index: number): number | undefined {
  return line.releases[index - 1]?.since;
}

/** What each line ran at a moment. */
export function standingsAt({ lines }: PageData, at: number): readonly LineStanding[] {
  return lines.map((line) => ({ line, release: line.releases.find(({ since }) => since <= at) }));
}

/** Where a digest, its first digits, or a version is and was. */
export function imageSpansOf({ lines }: PageData, find: string): readonly ImageSpan[] {
  const wanted = find.trim().replace(/^sha(?:256|512):/, '');
  const [name, version] = wanted.includes('@') ? wanted.split('@', 2) : [undefined, wanted];
  const matches = (image: PageRelease['images'][number]): boolean =>
    (name === undefined || image.name === name) &&
    (image.version === version || (wanted.length > 6 && image.digest.replace(/^\w+:/, '').startsWith(wanted)));
  return wanted === '' ? [] : lines.flatMap((line) => spansIn(line, matches));
}

function spansIn(line: PageLine, matches: (image: PageRelease['images'][number]) => boolean): readonly ImageSpan[] {
  const joined = joinSpans(line.releases, ({ images }) => images.filter(matches));
  return joined.map(({ image: { name, version, digest }, first, last }) => ({
    line,
    name,
    version,
    digest,
    from: first.since,
    until: endOf(line, line.releases.indexOf(last)),
    releases: [first.number, last.number],
  }));
}

/** What a release changed against the one before it: `django V4.0 → V4.2`. */
export function changesIn({ releases }: PageLine, index: number): string {
  const [release, before] = [releases[index], releases[index + 1]];
  return release ? changesOf(release, before) : '';
}

/** A line and the words by which commands name it: `prd shop`. */
export function wordsOf({ environment, application }: PageLine): string {
  return application === null ? environment : `${environment} ${application}`;
}
