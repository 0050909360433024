// Diff: what promoting one environment's release to another would change: versions, commits, lines of configuration.
import type { UnmergedCommit } from '../gates/gates.ts';
import { lineOf } from '../model/pipeline.ts';
import type { ReleaseImage } from '../model/release.ts';
import type { LiveReading, Reading, RegistryMaker } from './context.ts';
import { unmergedCommits } from './read/divergence.ts';
import { type SourceChange, sourceChanges } from './read/source-changes.ts';
import { type FileChange, describeFiles } from './tree/changed-files.ts';
import { type Rendering, renderChanges } from './tree/rendered.ts';
import { ownPart } from './tree/own-part.ts';
import { type ReleaseTree, releaseTree } from './tree/release-tree.ts';
import { type Overlay, scopedTree } from './tree/scoped-tree.ts';
import { type EnvironmentState, type Snapshot, readSnapshot } from './read/snapshot.ts';

/** An image as two environments have it. */
export interface ImageDifference {
  readonly image: string;
  readonly a: Pick<ReleaseImage, 'version' | 'digest'> | undefined;
  readonly b: Pick<ReleaseImage, 'version' | 'digest'> | undefined;
}

/** What `a` has and `b` has not. */
export interface Difference {
  readonly a: string;
  readonly b: string;
  /** Every image, the equal ones too. */
  readonly images: readonly ImageDifference[];
  /** Commits of `a`'s branch that `b`'s branch lacks, tagflow's own left out, newest first. */
  readonly commits: readonly UnmergedCommit[];
  /** Files that promoting `a` to `b` would change, as unified diffs and by their settings; pins and records left out. */
  readonly files: readonly FileChange[];
  /** What deployment tools make of `b`, and would make of it; absent where it was not asked for. */
  readonly rendered?: readonly Rendering[];
  /** The source commits between the versions of images; absent where the configuration has no `sources`. */
  readonly sources?: readonly SourceChange[];
}

/** Compares two environments: what `b` would get with `a`'s release. */
export async function diff(
  context: LiveReading & Partial<RegistryMaker>,
  a: string,
  b: string,
  { rendered = false }: { readonly rendered?: boolean } = {},
): Promise<Difference> {
  const snapshot = await readSnapshot(context, [a, b]);
  const [left, right] = [
    await snapshot.release(lineOf(snapshot.pipeline, a)),
    await snapshot.release(lineOf(snapshot.pipeline, b)),
  ];
  const images = left.record?.images ?? right.record?.images ?? [];
  const differences = imagesOf(left, right);
  const sources = await sourceChanges(context, snapshot, right.environment, stepsOf(differences));
  const compared = { a, b, images: differences, ...(sources && { sources }) };
  const described = async (tree: ReleaseTree): Promise<Pick<Difference, 'files' | 'rendered'>> => {
    const files = await filesOf(snapshot, tree);
    if (!rendered) return { files };
    const trees = { ...tree.sides, line: right.environment, maxBytes: snapshot.pipeline.maxFileBytes };
    return { files, rendered: await renderChanges(context, trees) };
  };
  if (right.environment.carries !== 'tree') {
    const tree = await treeOfScope(context, snapshot, { left, right }, images);
    return { ...compared, commits: [], ...(await described(tree)) };
  }
  const tree = await releaseTree(context, snapshot, { ...right, base: left.head }, { images });
  const commits = await unmergedCommits(
    context,
    snapshot,
    { ...right, head: left.head, record: undefined },
    right.head,
  );
  return { ...compared, commits, ...(await described(tree)) };
}

/** Every image of two lines, as each of them has it. */
function imagesOf(a: EnvironmentState, b: EnvironmentState): readonly ImageDifference[] {
  const names = new Set([...a.environment.images.keys(), ...b.environment.images.keys()]);
  const imageIn = ({ record }: EnvironmentState, image: string): ReleaseImage | undefined =>
    record?.images.find(({ name }) => name === image);
  return [...names].map((image) => ({ image, a: imageIn(a, image), b: imageIn(b, image) }));
}

/** What `b` would get of `a`'s images. */
function stepsOf(differences: readonly ImageDifference[]): Parameters<typeof sourceChanges>[3] {
  return differences.flatMap(({ image, a, b }) => (a ? [{ name: image, before: b?.digest, after: a.digest }] : []));
}

/** The tree of a line with what promoting another line to it would change of its scope. */
async function treeOfScope(
  context: Pick<Reading, 'ledger' | 'notify'>,
  snapshot: Snapshot,
  { left, right }: { readonly left: EnvironmentState; readonly right: EnvironmentState },
  images: readonly ReleaseImage[],
): Promise<ReleaseTree> {
  const { environment: line } = right;
  const { commit, head, environment: other } = left;
  const overlay: Overlay =
    line.carries === 'files'
      ? { commit: commit ?? head, line: other, what: 'carry' }
      : { commit: head, line, what: 'scope', own: await ownPart(context, snapshot, line, other) };
  return scopedTree(context, snapshot, { ...right, commit: undefined, overlay }, { images });
}

async function filesOf({ pipeline }: Snapshot, tree: ReleaseTree): Promise<Difference['files']> {
  return describeFiles(await tree.changed(tree.configurationChanges), pipeline.maxFileBytes);
}
