// What `init` wrote or made, as a view.
import type { FoundLayout } from '../config/recognise/survey.ts';
import type { Pipeline } from '../model/pipeline.ts';
import { type View, linesOf, styled } from './view.ts';

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

function some(names: readonly string[]): string {
  return names.length > 6 ? `${names.slice(0, 6).join(', ')} and ${names.length - 6} more` : names.join(', ');
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
