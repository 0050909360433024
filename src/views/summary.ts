// A release with names for people: for step summaries of CI systems.
import { shortDigest } from '../model/digest.ts';
import { type ObjectId, shortId } from '../model/object-id.ts';
import type { ReleaseRecord } from '../model/release.ts';
import { changerOf } from './changes.ts';
import { formatMarkdown } from './markdown.ts';
import { linesOf, styled, tableOf, type TextLine } from './view.ts';

/** What a summary says about a release. */
interface Summarised {
  readonly environment: string;
  readonly record: ReleaseRecord;
  readonly commit: ObjectId;
  readonly previous: ReleaseRecord | undefined;
  readonly pullRequest?: string;
}

/** A release as Markdown: an image a row, from which version to which; then why, who, the gates and links. */
export function formatSummary({ environment, record, commit, previous, pullRequest }: Summarised): string {
  const before = new Map(previous?.images.map(({ name, version }) => [name, version]));
  const rows = record.images.map(({ name, version, digest }) => {
    const old = before.get(name);
    const change = old === undefined || old === version ? version : `${old} → ${version}`;
    return [environment, name, change, shortDigest(digest), shortId(commit), record.actor];
  });
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['why', record.reason],
    ['who', record.onBehalfOf],
    ['job', record.job],
    ['pull request', pullRequest],
    ...(record.rulesChanged ?? []).map((one): readonly [string, string] => ['gates changed', changerOf(one)]),
    ...record.gates.map(({ gate, decision, reason, by, why }): readonly [string, string] => [
      `gate ${gate}`,
      [`${decision}: ${reason}`, by === undefined ? '' : ` (by ${by}${why === undefined ? '' : `: ${why}`})`].join(''),
    ]),
  ];
  const lines = facts.flatMap(([name, value]): TextLine[] =>
    value === undefined ? [] : [[styled('bold', name), ` ${value}`]],
  );
  const table = tableOf(['Environment', 'Image', 'Version', 'Digest', 'Commit', 'By'], rows);
  return formatMarkdown({ parts: [table, linesOf(...lines)] });
}
