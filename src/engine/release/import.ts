// First records: what manifests pin today becomes the first release of each line, and nothing else changes. All lines of a
// branch share one commit and one push, compared and swapped as a promotion is.
import { TagflowError } from '../../model/errors.ts';
import { type ReleaseLine, linesNamed } from '../../model/pipeline.ts';
import { type Plan, type PromoteRequest, assemblePlan } from '../../model/plan.ts';
import {
  configured,
  type CommitPorts,
  type EntryPorts,
  type Reading,
  type RegistryMaker,
  type RegistryReading,
  type TagPorts,
} from '../context.ts';
import { readPastLine } from '../read/past.ts';
import { hasStrangeRecords, pastLines } from '../read/past-lines.ts';
import { type EnvironmentState, type Snapshot, readSnapshot } from '../read/snapshot.ts';
import { scopeId } from '../tree/tree.ts';
import { releaseTagsAreFree } from './checks.ts';
import { subjectDigest } from './journal-evidence.ts';
import type { Planned, Refused, Released } from './outcome.ts';
import { pinnedToday, requireFreeTargetTags } from './pinned-today.ts';
import type { PlannedRelease, Raced } from './plan.ts';
import { againUntilWon } from './promote.ts';
import { bringLines, concernsOneLine, planSideBySide, refusedTogether, releaseTogether } from './side-by-side.ts';

/** Which lines to write first records for. */
export interface ImportLines {
  /** Environments, each followed by applications or patterns of them; none: every line. */
  readonly words: readonly string[];
  readonly reason?: string;
  /** Leave out lines that are refused, instead of writing nothing. */
  readonly skipRefused?: boolean;
}

/** The outcome of an import. */
export interface Imported {
  readonly kind: 'imported';
  readonly releases: readonly (Released | Planned)[];
  /** Lines that have a release already. */
  readonly known: readonly string[];
  /** Lines whose manifests name no image. */
  readonly empty: readonly string[];
  /** Lines that were refused and left out. */
  readonly skipped: readonly Refused[];
}

/**
 * Writes the first record of every line that has none, with the versions that its manifests pin. No manifest changes. Refused
 * when one line is, unless `skipRefused`. Run again it writes what is missing. Throws `environment-not-found`, `push-denied`,
 * `race-lost`, and what reading throws.
 */
export async function importReleases(
  given: EntryPorts & RegistryMaker,
  request: ImportLines,
  { dryRun = false }: { readonly dryRun?: boolean } = {},
): Promise<Imported | Refused> {
  return againUntilWon(given, async () => {
    const snapshot = await readSnapshot(given);
    const context = configured(given, snapshot);
    const lines = linesNamed(snapshot.pipeline, request.words);
    await bringLines(context, snapshot, lines);
    const found = await planSideBySide(
      context,
      lines,
      async (line) => planFirst(context, snapshot, line, request),
      (error) => isAnswer(error, request),
    );
    const refused = found.filter((one) => one.kind === 'refused');
    if (refused.length > 0 && request.skipRefused !== true) return refusedTogether(lineNames(refused), refused);
    const raced = found.find((one) => one.kind === 'raced');
    if (raced) return raced;
    const planned = found.filter((one) => one.kind === 'planned');
    const result = {
      kind: 'imported' as const,
      known: found.flatMap((one) => (one.kind === 'known' ? [one.line] : [])),
      empty: found.flatMap((one) => (one.kind === 'empty' ? [one.line] : [])),
      skipped: refused,
    };
    const imported: Imported | Raced = dryRun
      ? { ...result, releases: planned.map(({ plan }): Planned => ({ kind: 'planned', plan })) }
      : await releaseAll(context, snapshot, planned, result);
    // After the race: an import that is planned again would name the same holds again.
    if (imported.kind === 'imported') {
      await warnOfHolds(context, snapshot, new Set(planned.map(({ plan }) => plan.environment)));
    }
    return imported;
  });
}

type Found = PlannedRelease | Refused | Raced | { readonly kind: 'known' | 'empty'; readonly line: string };

/** The first release of a line: what its manifests say today, in a tree that stays as it is. */
async function planFirst(
  reading: RegistryReading,
  snapshot: Snapshot,
  line: ReleaseLine,
  { reason }: ImportLines,
): Promise<Found> {
  const state = await snapshot.release(line);
  if (state.record) return { kind: 'known', line: line.name };
  const { images, reads } = await pinnedToday(reading, snapshot.pipeline, state);
  if (images.length === 0) return { kind: 'empty', line: line.name };
  if (!(await releaseTagsAreFree(reading, state, images, 1))) return { kind: 'raced', state, copyingMs: 0 };
  await requireFreeTargetTags(reading.registries, line, images);
  requirePushes(line);
  const request: PromoteRequest = {
    kind: 'promote',
    environment: line.name,
    versions: {},
    imports: true,
    ...(reason !== undefined && { reason }),
  };
  const scope = await scopeId(reading.ledger, line, state.head, []);
  const plan = planOfPins(snapshot, state, { request, images, scope });
  const subject = subjectDigest(line, { request, images, scope });
  // No file changes but the record.
  return { kind: 'planned', plan, subject, state, reads, files: async () => [], rendered: async () => [] };
}

/** The plan of a release that leaves every file as it is. */
function planOfPins(
  { config }: Snapshot,
  { environment: line, head }: EnvironmentState,
  made: Pick<Parameters<typeof assemblePlan>[0], 'request' | 'images' | 'scope'>,
): Plan {
  return assemblePlan({
    ...made,
    target: line,
    current: undefined,
    currentCommit: undefined,
    base: head,
    source: { branch: line.branch, commit: head },
    tree: head,
    parents: [head],
    edits: [],
    fields: [],
    configurationChanges: [],
    held: [],
    gates: [],
    config,
  });
}

/** Warns of versions that a line held at the place where its releases were before: its first record here begins without them. */
async function warnOfHolds(reading: Reading, snapshot: Snapshot, environments: ReadonlySet<string>): Promise<void> {
  if (!(await hasStrangeRecords(reading, snapshot))) return;
  for (const past of await pastLines(reading, snapshot, ({ environment }) => environments.has(environment))) {
    if (past.movedTo === undefined) continue;
    const [newest] = (await readPastLine(reading, past)).releases;
    for (const { images, reason } of newest?.record.held ?? []) {
      const held = images.map(({ name, version }) => `${name} ${version}`).join(', ') || 'a configuration';
      const why = reason === undefined ? '' : ` (${reason})`;
      const text = `${past.line.name} held ${held}${why} on ${past.line.branch}; its first record on ${past.movedTo} begins without that hold`;
      reading.notify({ level: 'warning', text });
    }
  }
}

/** One commit for each branch, then tags. A branch that lost the race is planned again, and the others have theirs by then. */
async function releaseAll(
  context: CommitPorts & TagPorts,
  snapshot: Snapshot,
  planned: readonly PlannedRelease[],
  result: Omit<Imported, 'releases'>,
): Promise<Imported | Raced> {
  const releases: Released[] = [];
  for (const group of Map.groupBy(planned, ({ plan }) => plan.branch).values()) {
    const [first] = group;
    const released = await releaseTogether(context, snapshot, group);
    if (!released && first) return { kind: 'raced', state: first.state, copyingMs: 0 };
    // What follows downstream is imported as well, or has releases of its own.
    releases.push(...(released ?? []).map((one): Released => ({ ...one, downstream: [] })));
  }
  return { ...result, releases };
}

/** A first record goes onto the branch by a push. Throws `not-supported`. */
function requirePushes({ name, environment, branch, pullRequest }: ReleaseLine): void {
  if (!pullRequest) return;
  throw new TagflowError('not-supported', {
    what: `${name} takes releases by pull request, and an import pushes to ${branch}`,
    why: 'a pull request is one release, and an import is many',
    fix: `import before environments.${environment}.pullRequest is set, or promote what runs today`,
  });
}

/**
 * Whether an error says that one line cannot be imported as things are. A registry that does not answer concerns all, unless
 * lines may be left out: then the others do not wait for a registry that is not theirs.
 */
function isAnswer(error: TagflowError, { skipRefused }: ImportLines): boolean {
  const isRegistry = ['registry-unavailable', 'unauthorized', 'forbidden'].includes(error.code);
  return concernsOneLine(error) || (skipRefused === true && isRegistry);
}

function lineNames(refused: readonly Refused[]): string {
  return refused.map(({ environment }) => environment).join(', ');
}
