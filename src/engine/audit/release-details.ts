// What the newest releases changed beside their versions: lines of configuration, and commits of source repositories. Both take
// requests, so a page has them of a bounded number of releases; `tagflow show` and `git show` have them of every one.
import { attempt } from '../../model/attempt.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type ReleaseLine, isInScope, recordPaths, signaturePaths } from '../../model/pipeline.ts';
import type { Reading } from '../context.ts';
import type { Past, Release } from '../read/past.ts';
import { type SourceAsking, type SourceChange, releaseSteps, sourceChanges } from '../read/source-changes.ts';
import type { Snapshot } from '../read/snapshot.ts';
import { type FileChange, describeFiles } from '../tree/changed-files.ts';

/** What one release changed. */
export interface ReleaseDetails {
  /** Files that differ from those of the release before, pins included and records left out; why they are not known otherwise. */
  readonly files: readonly FileChange[] | string;
  /** How many files are left out. */
  readonly moreFiles: number;
  /** Absent where the configuration has no `sources`. */
  readonly sources?: readonly SourceChange[];
}

/** Releases of each line, and of all lines, that are looked at; the newest. */
const PER_LINE = 5;
const IN_ALL = 60;
/** Files of a release. */
const FILES = 20;

/** Returns what the newest releases changed, by commit. A release that is the first of its line is not among them. */
export async function releaseDetails(
  context: Pick<Reading, 'ledger'> & SourceAsking,
  snapshot: Snapshot,
  pasts: readonly Past[],
): Promise<ReadonlyMap<ObjectId, ReleaseDetails>> {
  const pairs = pasts
    .flatMap(({ environment: line, releases }) =>
      releases.slice(0, PER_LINE).flatMap((release, index) => {
        const before = releases[index + 1];
        return before ? [{ line, release, before }] : [];
      }),
    )
    .sort((a, b) => b.release.since - a.release.since)
    .slice(0, IN_ALL);
  const found = pairs.map(async (pair) => [pair.release.commit, await detailsOf(context, snapshot, pair)] as const);
  return new Map(await Promise.all(found));
}

async function detailsOf(
  context: Pick<Reading, 'ledger'> & SourceAsking,
  snapshot: Snapshot,
  { line, release, before }: { readonly line: ReleaseLine; readonly release: Release; readonly before: Release },
): Promise<ReleaseDetails> {
  const [{ value, problem }, sources] = await Promise.all([
    attempt(changedBetween(context, snapshot, { line, from: before.commit, to: release.commit })),
    sourceChanges(context, snapshot, line, releaseSteps(release.record, before.record)),
  ]);
  return {
    files: value?.files ?? problem?.message ?? '',
    moreFiles: value?.more ?? 0,
    ...(sources && { sources }),
  };
}

async function changedBetween(
  { ledger }: Pick<Reading, 'ledger'>,
  { pipeline }: Snapshot,
  { line, from, to }: { readonly line: ReleaseLine; readonly from: ObjectId; readonly to: ObjectId },
): Promise<{ readonly files: readonly FileChange[]; readonly more: number }> {
  const own = new Set([...recordPaths(line), ...signaturePaths(line)]);
  // Records of lines upstream travel with the tree.
  const isRecordOf = (path: string): boolean => own.has(path) || path.startsWith('.tagflow/releases/');
  const all = (await ledger.changedPaths(from, to)).filter(
    (path) => !isRecordOf(path) && (line.carries === 'tree' || isInScope(line.scope, path)),
  );
  const paths = all.slice(0, FILES);
  const [older, newer] = await Promise.all([ledger.readFiles(from, paths), ledger.readFiles(to, paths)]);
  const changed = paths.map((path) => ({ path, before: older.get(path), after: newer.get(path) }));
  return { files: await describeFiles(changed, pipeline.maxFileBytes), more: Math.max(0, all.length - paths.length) };
}
