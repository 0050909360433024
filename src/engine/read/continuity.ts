// Whether today's line continues yesterday's. A fast-forward merge whose first parent is an old commit would replace the past
// without a forced push: the newest releases would still be reachable, and no longer on the first-parent history. So every
// record of a release that a head reaches has to stand, byte for byte, on its line. No registry is asked.
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import { type ObjectId, shortId } from '../../model/object-id.ts';
import type { Commit } from '../../ledger/ledger.ts';
import type { Environment } from '../../model/pipeline.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { RecordReading } from '../context.ts';
import { type JudgedLine, readWholeLine, releasesOn } from './line.ts';
import { type RecordStep, lineFiles, releaseAside, stepsAside } from './steps.ts';

/** A release that a head reaches and that is not on its line. */
export interface HiddenRelease {
  readonly commit: Commit;
  readonly record: ReleaseRecord;
}

/** Returns the highest release that is hidden from a whole line; undefined when the line continues all of its past. */
export async function hiddenRelease(context: RecordReading, line: JudgedLine): Promise<HiddenRelease | undefined> {
  let known: ReadonlySet<string> | undefined;
  const isHidden = ({ file }: RecordStep): boolean => {
    // Most lines have nothing beside them that could be hidden.
    known ??= new Set(line.steps.flatMap((step) => (step.file ? text(step.file.content) : [])));
    return file !== undefined && !known.has(text(file.content));
  };
  const found = await highestAside(context, line, isHidden, true);
  return (await firstMade(context, line.environment, found)) ?? found[0];
}

/** Returns the highest release that a head reaches beside its line: from there a line that hides one can go on. */
export async function highestReachable(context: RecordReading, line: JudgedLine): Promise<HiddenRelease | undefined> {
  return firstMade(context, line.environment, await highestAside(context, line, () => true, false));
}

/** The commits beside a line that have the record of the highest release there: one made it, and others merged it. */
async function highestAside(
  context: Pick<RecordReading, 'ledger' | 'signing'>,
  { environment, head, abandoned }: JudgedLine,
  counts: (step: RecordStep) => boolean,
  byOwnRules: boolean,
): Promise<readonly HiddenRelease[]> {
  const aside = stepsAside(environment, await context.ledger.walkAside(head, lineFiles(environment)));
  let highest: readonly HiddenRelease[] = [];
  for (const step of [...abandoned, ...aside]) {
    const record = counts(step) ? await releaseAside(context, environment, step, byOwnRules) : undefined;
    const most = highest[0]?.record.sequence ?? 0;
    if (!record || record.sequence < most) continue;
    highest = [...(record.sequence > most ? [] : highest), { commit: step.commit, record }];
  }
  return highest;
}

/**
 * The release that one of these commits has at its head, by the commit that made it: a merge that only brought the record along
 * made none, and nothing can follow on it.
 */
async function firstMade(
  context: RecordReading,
  environment: Environment,
  found: readonly HiddenRelease[],
): Promise<HiddenRelease | undefined> {
  for (const { commit, record } of found) {
    const [newest] = releasesOn(await readWholeLine(context, environment, commit.id));
    if (newest?.release.sequence === record.sequence) return { commit: newest.commit, record: newest.release };
  }
  return undefined;
}

/**
 * Refuses a line that hides a release. A part of a line is trusted when nothing was merged there but what its releases say;
 * otherwise the whole history is looked through. Throws `branch-rewound`.
 */
export async function requireContinuity(context: RecordReading, line: JudgedLine): Promise<void> {
  if (line.believes && (await mergesNothingElse(context, line))) return;
  const read = line.believes ? await readWholeLine(context, line.environment, line.head) : line;
  const hidden = await hiddenRelease(context, read);
  if (hidden) throw hides(line, hidden, await highestReachable(context, read));
}

/** Returns the error of a branch that hides a release. `highest`: the release from which the line can go on. */
function hides(
  { environment: { name, branch }, head }: Pick<JudgedLine, 'environment' | 'head'>,
  { commit, record: { sequence } }: HiddenRelease,
  highest: HiddenRelease | undefined,
): TagflowError {
  const last = Math.max(sequence, highest?.record.sequence ?? 0);
  const release = `release ${sequence} of ${name}`;
  return new TagflowError('branch-rewound', {
    what: `${branch} no longer continues ${release}`,
    why: `commit ${shortId(commit.id)} made it, and a merge took it off the first-parent history of ${shortId(head)}`,
    fix: advise`put ${branch} back to a commit whose first-parent history has ${shortId(commit.id)}, or continue from release ${last}: ${{ act: 'rollback', line: name, to: `#${last}` }}`,
    details: { environment: name, head, release: sequence, commit: commit.id },
  });
}

/** Whether the commits from a head down to the last change that was read merge nothing but what their releases carried. */
async function mergesNothingElse(
  { ledger }: Pick<RecordReading, 'ledger'>,
  { head, steps }: Pick<JudgedLine, 'head' | 'steps'>,
): Promise<boolean> {
  const made = new Map(releasesOn({ steps }).map(({ commit, release }) => [commit.id, release]));
  const last = steps.at(-1)?.commit.id;
  for (let id: ObjectId | undefined = head; id;) {
    const commit: Commit = await ledger.commit(id);
    const release = made.get(id);
    if (commit.parents.length > 1 && (await mergedBeside(ledger, commit, release?.source.commit)).length > 0)
      return false;
    if (id === last) return true;
    [id] = commit.parents;
  }
  return true;
}

/**
 * Returns what a commit merges beside the commit that its release carried. Not the commit that its pull request asked for: on
 * the same base, with the same tree, and with nothing else merged into it either.
 */
export async function mergedBeside(
  ledger: Pick<RecordReading['ledger'], 'commit'>,
  { tree, parents: [base, ...merged] }: Commit,
  carried: ObjectId | undefined,
): Promise<readonly ObjectId[]> {
  const found = await Promise.all(
    merged.map(async (id) => {
      if (id === carried) return [];
      const asked = await ledger.commit(id);
      const [from, ...others] = asked.parents;
      return asked.tree === tree && from === base && others.every((other) => other === carried) ? [] : [id];
    }),
  );
  return found.flat();
}

/** Bytes as a key: compared, never shown. */
function text(content: Uint8Array): string {
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1');
}
