// Promoting several applications of an environment together: planned side by side, released by one commit and one push with a
// record for each, tagged side by side. All of it moves, or nothing does.
import pLimit from 'p-limit';
import { EXIT, ERRORS, TagflowError, isTagflowError } from '../../model/errors.ts';
import type { ObjectId } from '../../model/object-id.ts';
import {
  type ReleaseLine,
  chooseLines,
  downstreamOf,
  lineName,
  recordPaths,
  signaturePath,
} from '../../model/pipeline.ts';
import type { PromoteRequest } from '../../model/plan.ts';
import type { Context, Reading } from '../context.ts';
import { type Snapshot, readSnapshot } from '../read/snapshot.ts';
import { manifestPaths } from '../tree/tree.ts';
import { applyAllCommitted } from './apply.ts';
import { choosePromotion } from './choose-promotion.ts';
import { commitPlans } from './commit.ts';
import { copyImages } from './copy.ts';
import type { Planned, Refused, Released, Several } from './outcome.ts';
import { type PlannedRelease, type Planning, type Raced, planRelease } from './plan.ts';
import { againUntilWon } from './promote.ts';

/** Lines that are planned, or tagged, together. */
const AT_ONCE = 8;

/** What to promote of an environment. */
export interface SeveralRequest extends Omit<PromoteRequest, 'kind' | 'versions'> {
  /** Names of applications, and patterns of them; with `all` every one whose upstream has something else. */
  readonly applications: readonly string[];
  readonly all: boolean;
  /** Versions by `APP/IMAGE`. Images without one come from upstream. */
  readonly versions: Readonly<Record<string, string>>;
  /** Leave out applications that are refused, instead of moving nothing. */
  readonly skipRefused?: boolean;
}

/**
 * Promotes several applications. Refused when one of them is, unless `skipRefused`. A race is planned again, as `promote` does.
 * Throws `application-not-found`, `usage`, `push-denied`, `race-lost`, and what reading throws.
 */
export async function promoteSeveral(
  context: Context,
  request: SeveralRequest,
  { dryRun = false }: { readonly dryRun?: boolean } = {},
): Promise<Several | Refused> {
  return againUntilWon(context, async () => {
    const snapshot = await readSnapshot(context, [request.environment]);
    const lines = chooseLines(snapshot.pipeline, request.environment, request.applications, request.all);
    requireDirect(lines);
    requireVersionsOf(lines, request);
    await bringLines(context, snapshot, lines);
    const plannings = await planLines(context, snapshot, lines, request);
    const raced = plannings.find((one) => one.kind === 'raced');
    if (raced) return raced;
    const refused = plannings.filter((one) => one.kind === 'refused');
    if (refused.length > 0 && request.skipRefused !== true) return together(request.environment, refused);
    const planned = plannings.filter((one) => one.kind === 'planned');
    const same = plannings.filter((one) => one.kind === 'unchanged').map(({ state }) => state.environment.name);
    const result = { kind: 'several' as const, environment: request.environment, unchanged: same, skipped: refused };
    if (dryRun || planned.length === 0)
      return { ...result, releases: await Promise.all(planned.map(async (one) => plannedOf(one))) };
    return releaseAll(context, snapshot, planned, result);
  });
}

/** Copies, one commit, tags. */
async function releaseAll(
  context: Context,
  snapshot: Snapshot,
  planned: readonly PlannedRelease[],
  result: Omit<Several, 'releases'>,
): Promise<Several | Raced> {
  const started = context.clock.elapsed();
  const limit = pLimit(AT_ONCE);
  await Promise.all(planned.map(async ({ plan }) => limit(async () => copyImages(context, plan))));
  const copyingMs = context.clock.elapsed() - started;
  const committed = await commitPlans(context, snapshot, planned);
  const [first] = planned;
  if (!committed || !first) return { kind: 'raced', state: (first ?? fail()).state, copyingMs };
  const made = planned.flatMap((one, index) => {
    const done = committed[index];
    return done ? [{ ...one, ...done }] : [];
  });
  const tags = await applyAllCommitted(
    context,
    made.map(({ state, commit, record }) => ({
      environment: state.environment,
      commit,
      record,
      replaced: state.record,
    })),
  );
  const releases = made.map(({ plan, state, commit, record }, index): Released => ({
    kind: 'released',
    plan,
    record,
    commit,
    tags: tags[index] ?? [],
    replaced: state.record,
    downstream: downstreamOf(snapshot.pipeline, state.environment),
  }));
  return { ...result, releases };
}

function fail(): never {
  throw new TypeError('there is nothing to release');
}

async function plannedOf({ plan, files }: PlannedRelease): Promise<Planned> {
  return { kind: 'planned', plan, files: await files() };
}

/** Asks for the records and manifests of all lines at once, so that reading them one by one asks nothing of the remote. */
export async function bringLines(reading: Reading, snapshot: Snapshot, lines: readonly ReleaseLine[]): Promise<void> {
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
    want(head, [...recordPaths(one), signaturePath(one)]);
    if (lines.includes(one)) want(head, await manifestPaths(reading, one, head));
  }
  await ledger.bring([...heads].map(([commit, paths]) => ({ commit, paths: [...paths] })));
}

/** Plans every line. With `all` a line that has nothing upstream, and nothing of its own, is left out. */
async function planLines(
  reading: Reading,
  snapshot: Snapshot,
  lines: readonly ReleaseLine[],
  request: SeveralRequest,
): Promise<readonly Planning[]> {
  const limit = pLimit(AT_ONCE);
  const found = await Promise.all(
    lines.map(async (line) =>
      limit(async (): Promise<readonly Planning[]> => {
        reading.signal.throwIfAborted();
        try {
          return [await planLine(reading, snapshot, line, request)];
        } catch (error) {
          if (request.all && isTagflowError(error, 'version-not-found')) return [];
          if (isTagflowError(error) && isAnswer(error)) return [refusalOf(line, error)];
          throw error;
        }
      }),
    ),
  );
  return found.flat();
}

async function planLine(
  reading: Reading,
  snapshot: Snapshot,
  { name, application }: ReleaseLine,
  { versions, from, reason, overrides }: SeveralRequest,
): Promise<Planning> {
  const prefix = `${application}/`;
  const own = Object.entries(versions).flatMap(([image, version]) =>
    image === '*' ? [[image, version]] : image.startsWith(prefix) ? [[image.slice(prefix.length), version]] : [],
  );
  const request: PromoteRequest = {
    kind: 'promote',
    environment: name,
    versions: Object.fromEntries(own) as Record<string, string>,
    ...(from !== undefined && { from }),
    ...(reason !== undefined && { reason }),
    ...(overrides && { overrides }),
  };
  const choice = await choosePromotion(reading, snapshot, request, undefined);
  return planRelease(reading, snapshot, choice, undefined);
}

/** Whether an error says that one line cannot be released as things are; a server that does not answer concerns all. */
function isAnswer({ code }: TagflowError): boolean {
  const { exit } = ERRORS[code];
  return exit === EXIT.usage || exit === EXIT.refused || exit === EXIT.notFound;
}

/** The refusal of a line that an error says. */
export function refusalOf({ name }: ReleaseLine, { code, message, why, fix, details }: TagflowError): Refused {
  const text = { what: message.includes(name) ? message : `${name}: ${message}`, why, fix, details };
  return {
    kind: 'refused',
    environment: name,
    refusals: [{ gate: 'plan', decision: 'refuse', code, text }],
    gates: [],
  };
}

/** All refusals as one: nothing moves. */
function together(environment: string, refused: readonly Refused[]): Refused {
  return {
    kind: 'refused',
    environment,
    refusals: refused.flatMap(({ refusals }) => refusals),
    gates: refused.flatMap(({ gates }) => gates),
  };
}

function requireDirect(lines: readonly ReleaseLine[]): void {
  const proposed = lines.find(({ pullRequest }) => pullRequest);
  if (!proposed || lines.length < 2) return;
  throw new TagflowError('not-supported', {
    what: `releases of ${proposed.environment} go by pull requests, and one pull request is one release`,
    why: 'several applications in one pull request are not built yet',
    fix: `promote them one by one: tagflow promote ${proposed.environment} ${proposed.application ?? ''}`,
  });
}

/** Refuses versions of applications that are not promoted. Throws `usage`. */
function requireVersionsOf(lines: readonly ReleaseLine[], { versions, environment }: SeveralRequest): void {
  const names = new Set(lines.flatMap(({ application }) => application ?? []));
  for (const image of Object.keys(versions)) {
    const [application = '', name] = image.split('/', 2);
    if (image === '*' || (name !== undefined && names.has(application))) continue;
    throw new TagflowError('usage', {
      what: `${image} names no image of an application that is promoted`,
      why: `${lineName(environment, undefined)}: ${[...names].join(', ')}`,
      fix: 'write APPLICATION/IMAGE=VERSION',
    });
  }
}
