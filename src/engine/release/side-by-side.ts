// Releases of several lines at once: planned side by side, refused as one, and of one branch released by one commit and one push.
import pLimit from 'p-limit';
import { attempt } from '../../model/attempt.ts';
import { type TagflowError, ERRORS, EXIT } from '../../model/errors.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type ReleaseLine, downstreamOf, recordPaths, signaturePaths } from '../../model/pipeline.ts';
import type { CommitPorts, RecordReading, TagPorts } from '../context.ts';
import type { Snapshot } from '../read/snapshot.ts';
import { manifestPaths } from '../tree/tree.ts';
import { applyAllCommitted } from './put-tags.ts';
import { commitPlans } from './commit.ts';
import { cameLate } from './late-tags.ts';
import type { Refused, Released } from './outcome.ts';
import type { PlannedRelease } from './plan.ts';

/** Lines that are planned, copied for or looked at together. */
export const LINES_AT_ONCE = 8;

/** Asks for the records and manifests of all lines at once, so that reading them one by one asks nothing of the remote. */
export async function bringLines(
  reading: Pick<RecordReading, 'ledger'>,
  snapshot: Snapshot,
  lines: readonly ReleaseLine[],
): Promise<void> {
  const { ledger } = reading;
  const [line] = lines;
  if (!line) return;
  const heads = new Map<ObjectId, Set<string>>();
  const want = (commit: ObjectId, paths: readonly string[]): void => {
    const wanted = heads.get(commit) ?? new Set();
    heads.set(commit, wanted);
    for (const path of paths) wanted.add(path);
  };
  const upstream = lines.flatMap(({ from }) => snapshot.pipeline.lines.get(from ?? '') ?? []);
  await ledger.fetch([
    ...new Set([...lines, ...upstream].flatMap(({ branch }) => snapshot.branches.get(branch) ?? [])),
  ]);
  for (const one of [...lines, ...upstream]) {
    const head = snapshot.head(one);
    want(head, [...recordPaths(one), ...signaturePaths(one)]);
    if (lines.includes(one)) want(head, await manifestPaths(reading, one, head));
  }
  await ledger.bring([...heads].map(([commit, paths]) => ({ commit, paths: [...paths] })));
}

/** Plans every line, in the order of the lines. An error that `isAnswer` takes for the line's own is its refusal. */
export async function planSideBySide<T>(
  { signal }: Pick<RecordReading, 'signal'>,
  lines: readonly ReleaseLine[],
  plan: (line: ReleaseLine) => Promise<T>,
  isAnswer: (error: TagflowError) => boolean = concernsOneLine,
): Promise<readonly (T | Refused)[]> {
  return pLimit(LINES_AT_ONCE).map(lines, async (line): Promise<T | Refused> => {
    signal.throwIfAborted();
    const { value, problem } = await attempt(plan(line));
    if (!problem) return value;
    if (isAnswer(problem)) return refusalOf(line, problem);
    throw problem;
  });
}

/** Whether an error says that one line cannot be released as things are; a server that does not answer concerns all. */
export function concernsOneLine({ code }: TagflowError): boolean {
  const { exit } = ERRORS[code];
  return exit === EXIT.usage || exit === EXIT.refused || exit === EXIT.notFound;
}

/** The refusal of a line that an error says. */
function refusalOf({ name }: ReleaseLine, { code, message, why, advice, details }: TagflowError): Refused {
  const text = { what: message.includes(name) ? message : `${name}: ${message}`, why, fix: advice, details };
  return {
    kind: 'refused',
    environment: name,
    refusals: [{ gate: 'plan', decision: 'refuse', code, text }],
    gates: [],
  };
}

/** All refusals as one: nothing moves. */
export function refusedTogether(environment: string, refused: readonly Refused[]): Refused {
  return {
    kind: 'refused',
    environment,
    refusals: refused.flatMap(({ refusals }) => refusals),
    gates: refused.flatMap(({ gates }) => gates),
  };
}

/** Releases plans of one branch by one commit and one push, then tags; undefined when the branch moved on before. */
export async function releaseTogether(
  context: CommitPorts & TagPorts,
  snapshot: Snapshot,
  planned: readonly PlannedRelease[],
): Promise<readonly Released[] | undefined> {
  const pushing = context.clock.elapsed();
  const committed = await commitPlans(context, snapshot, planned);
  if (!committed) return undefined;
  const made = planned.flatMap((one, index) => {
    const done = committed[index];
    return done ? [{ ...one, ...done }] : [];
  });
  const settled = await applyAllCommitted(
    context,
    made.map(({ state, commit, record }) => ({
      environment: state.environment,
      commit,
      record,
      replaced: state.record,
    })),
  );
  const took = context.clock.elapsed() - pushing;
  return made.map(({ plan, state, commit, record }, index): Released => {
    const late = settled[index]?.overtaken ?? cameLate(state.environment, record, took);
    return {
      kind: 'released',
      ...(late && { late }),
      plan,
      record,
      commit,
      tags: settled[index]?.tags ?? [],
      replaced: state.record,
      downstream: downstreamOf(snapshot.pipeline, state.environment),
    };
  });
}
