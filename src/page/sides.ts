// What is compared: a line or a whole environment, by the number of a release or by a moment.
import type { PageData } from '../views/report/page-types.ts';
import { type LineStanding, standingsAt } from './data.ts';

/** One side of a comparison. */
export interface Side {
  /** The line, or the environment with all its applications. */
  readonly name: string;
  /** The number of a release, a moment as text, or nothing: what runs now. */
  readonly at: string;
  /** What ran, by application. */
  readonly standings: readonly LineStanding[];
}

/** Reads `NAME`, `NAME@NUMBER` or `NAME@MOMENT`; undefined where there is no such line, release or moment. */
export function sideOf(data: PageData, text: string): Side | undefined {
  const mark = text.indexOf('@');
  const [name, at] = mark < 0 ? [text, ''] : [text.slice(0, mark), text.slice(mark + 1)];
  const lines = data.lines.filter((line) => line.name === name || line.environment === name);
  if (lines.length === 0) return undefined;
  if (/^\d{1,9}$/.test(at)) {
    const [line] = lines;
    const release = lines.length === 1 ? line?.releases.find(({ number }) => String(number) === at) : undefined;
    return line && release && { name, at, standings: [{ line, release }] };
  }
  const moment = at === '' ? data.made : Date.parse(at);
  return Number.isNaN(moment) ? undefined : { name, at, standings: standingsAt({ ...data, lines }, moment) };
}

/** Writes what `sideOf` reads. */
export function sideText({ name, at }: Pick<Side, 'name' | 'at'>): string {
  return at === '' ? name : `${name}@${at}`;
}

/** An image of an application on both sides. */
export interface ComparedImage {
  readonly application: string | null;
  readonly image: string;
  readonly left: LineStanding | undefined;
  readonly right: LineStanding | undefined;
  readonly isSame: boolean;
}

/** The images of both sides, those that differ first. */
export function compared(left: Side, right: Side): readonly ComparedImage[] {
  const standingOf = (side: Side, application: string | null): LineStanding | undefined =>
    side.standings.find(({ line }) => line.application === application);
  const applications = new Set([...left.standings, ...right.standings].map(({ line }) => line.application));
  const rows = [...applications].flatMap((application) => {
    const both = [standingOf(left, application), standingOf(right, application)] as const;
    const names = new Set(both.flatMap((one) => one?.release?.images.map(({ name }) => name) ?? []));
    return [...names].toSorted().map((image) => {
      const [a, b] = both.map((one) => ranImage(one, image)?.digest);
      return { application, image, left: both[0], right: both[1], isSame: a === b };
    });
  });
  return [...rows.filter(({ isSame }) => !isSame), ...rows.filter(({ isSame }) => isSame)];
}

/** The image of that name in what ran. */
export function ranImage(
  standing: LineStanding | undefined,
  image: string,
): { readonly version: string; readonly digest: string } | undefined {
  return standing?.release?.images.find(({ name }) => name === image);
}
