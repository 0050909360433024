// The commits of source repositories between two versions of images, as a view's parts and as data.
import type { SourceChange } from '../engine/read/source-changes.ts';
import { counted } from '../model/text.ts';
import { time } from './shapes.ts';
import { type Part, type TextLine, linesOf } from './view.ts';

/** Maximum number of commits of an image that are shown; the data has up to 100. */
const SHOWN = 10;

/** What came into each image, line by line; nothing where the configuration has no `sources`. */
export function sourceParts(changes: readonly SourceChange[] | undefined): readonly Part[] {
  if (!changes || changes.length === 0) return [];
  return [linesOf('', ...changes.flatMap(sourceLines))];
}

/** What came into one image. */
function sourceLines(change: SourceChange): readonly TextLine[] {
  const { image, commits, total, issues, link, missing } = change;
  const where = link === undefined ? '' : `, ${link}`;
  if (missing !== undefined) return [`source commits of ${image}: not known: ${missing}${where}`];
  const more = total - Math.min(SHOWN, commits.length);
  return [
    `source commits of ${image}: ${sourceWords(change)}${where}`,
    ...commits.slice(0, SHOWN).map(({ id, subject, author }) => `  ${id.slice(0, 7)} ${subject} (${author})`),
    ...(more > 0 ? [`  and ${more} more`] : []),
    ...(issues.length > 0 ? [`  issues: ${issues.join(', ')}`] : []),
  ];
}

/** Which way an image went, and by how many commits. */
export function sourceWords({ direction, total }: Pick<SourceChange, 'direction' | 'total'>): string {
  const commits = counted(total, 'commit');
  switch (direction) {
    case 'same':
      return 'built again from the same commit';
    case 'back':
      return `${commits} are taken back`.replace('1 commit are', '1 commit is');
    case 'apart':
      return `${commits} of a branch that the version before is not on`;
    case 'forward':
    case undefined:
      return commits;
  }
}

/** As data: every key is present, and unknown values are null. */
function sourceShape(change: SourceChange): Readonly<Record<string, unknown>> {
  const { image, repository, from, to, told, direction, commits, total, issues, link, missing } = change;
  return {
    image,
    repository: repository ?? null,
    from: from ?? null,
    to: to ?? null,
    told: told ?? null,
    direction: direction ?? null,
    total,
    commits: commits.map((commit) => ({ ...commit, time: time(commit.time) })),
    issues,
    link: link ?? null,
    missing: missing ?? null,
  };
}

/** As data; null where the configuration has no `sources`. */
export function sourcesShape(changes: readonly SourceChange[] | undefined): unknown {
  return changes?.map(sourceShape) ?? null;
}
