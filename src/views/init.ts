// What `init` wrote or made, as a view.
import type { FoundLayout } from '../config/recognise/survey.ts';
import type { Pipeline } from '../model/pipeline.ts';
import type { Imported } from '../engine/release/import.ts';
import { type ObjectId, shortId } from '../model/object-id.ts';
import { lineName } from '../model/pipeline.ts';
import { counted } from '../model/text.ts';
import { tagShape } from './shapes.ts';
import { type View, linesOf, styled, tableOf } from './view.ts';
import { versionsOf } from './words.ts';

/** What a draft came from, and what was written. */
export interface Drafted {
  readonly written: readonly string[];
  /** Files that were there, and were left alone. */
  readonly left: readonly string[];
  readonly found: FoundLayout;
  readonly pipeline: Pipeline;
  /** How many files were not looked at. */
  readonly unread: number;
}

/** Files that were written into a checkout, and how sure they are. */
export function draftView({ written, left, found, pipeline, unread }: Drafted): View {
  const images = [...pipeline.images.keys()];
  const environments = [...pipeline.environments.keys()];
  const { applications } = pipeline;
  const { layout, certainty, why, without } = found;
  const isFound = found.applications.some((application) => application.images.length > 0);
  return {
    data: {
      written,
      images,
      environments,
      created: [],
      layout: { name: layout, certainty, why },
      applications,
    },
    parts: [
      linesOf(
        ...written.map((path) => [styled('green', '✓'), ` wrote ${path}`]),
        ...left.map((path) => `left as it is: ${path}`),
        applications.length > 0
          ? `applications: ${some(applications)}   environments: ${environments.join(' → ')}`
          : `images: ${some(images)}   environments: ${environments.join(' → ')}`,
        `layout: ${layout} (${certainty}: ${why})`,
        ...(isFound ? [] : ['no image was found: tagflow.yaml has an example in its place']),
        ...(without.length === 0 ? [] : [`no image in: ${some(without)}`]),
        ...(unread === 0 ? [] : [`${unread} files were not looked at: there are too many`]),
      ),
    ],
  };
}

/** The file for a CI system that was written, or was there. */
export function ciDraftView(path: string, isThere: boolean): View {
  return {
    data: {
      written: isThere ? [] : [path],
      images: null,
      environments: null,
      created: [],
      layout: null,
      applications: null,
    },
    parts: [linesOf(isThere ? `left as it is: ${path}` : [styled('green', '✓'), ` wrote ${path}`])],
  };
}

function some(names: readonly string[]): string {
  return names.length > 6 ? `${names.slice(0, 6).join(', ')} and ${names.length - 6} more` : names.join(', ');
}

/** First records that were written, or would be. */
export function importedView(imported: Imported): View {
  const { releases, known, empty, skipped } = imported;
  const commits = commitsOf(imported);
  const rows = releases.map(({ plan }) => [lineName(plan.environment, plan.application), versionsOf(plan.images)]);
  const released = releases.filter((one) => one.kind === 'released').length;
  const made =
    commits.length > 0
      ? [styled('green', '✓'), ` wrote ${counted(released, 'first record')} (${commits.map(shortId).join(', ')})`]
      : releases.length > 0
        ? `${counted(releases.length, 'first record')} would be written; nothing was changed`
        : 'nothing to import';
  return {
    data: importedShape(imported),
    parts: [
      ...(rows.length > 0 ? [tableOf(['LINE', { name: 'IMAGES', wraps: true }], rows)] : []),
      linesOf(
        made,
        ...(known.length === 0 ? [] : [`have a release already: ${some(known)}`]),
        ...(empty.length === 0 ? [] : [`without images: ${some(empty)}`]),
        ...skipped.flatMap(({ refusals }) =>
          refusals.map(({ text }) => [styled('yellow', 'left out'), `: ${text.what}`]),
        ),
      ),
    ],
  };
}

function commitsOf({ releases }: Imported): readonly ObjectId[] {
  return [...new Set(releases.flatMap((one) => (one.kind === 'released' ? [one.commit] : [])))];
}

function importedShape(imported: Imported): View['data'] {
  const { releases, known, empty, skipped } = imported;
  const commits = commitsOf(imported);
  return {
    outcome: commits.length > 0 ? 'imported' : releases.length > 0 ? 'planned' : 'unchanged',
    commits,
    releases: releases.map((one) => ({
      line: lineName(one.plan.environment, one.plan.application),
      images: one.plan.images.map(({ name, version, digest }) => ({ name, version, digest })),
      ...(one.kind === 'released' && { tags: one.tags.map(tagShape) }),
    })),
    known,
    empty,
    skipped: skipped.map((one) => ({
      line: one.environment,
      refusals: one.refusals.map(({ code, text }) => ({ code, what: text.what, why: text.why })),
    })),
  };
}

/** Branches that were made, of those that were missing. */
export function branchesView(missing: readonly string[], created: readonly string[], at: string): View {
  return {
    data: { written: [], images: null, environments: null, created, layout: null, applications: null },
    parts: [
      linesOf(
        missing.length === 0
          ? 'every environment has its branch: nothing to do'
          : created.length === 0
            ? 'nothing was made'
            : [styled('green', '✓'), ` made ${created.join(', ')} at ${at}`],
      ),
    ],
  };
}
