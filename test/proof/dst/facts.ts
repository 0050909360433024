// A simulation's world as the history checker takes it. Pins are read here without the engine's code.
import type { Commit } from '../../../src/ledger/ledger.ts';
import { isTagflowError } from '../../../src/model/errors.ts';
import type { ObjectId } from '../../../src/model/object-id.ts';
import { type Environment, type Pipeline, lineName, recordPath, repositoryIn } from '../../../src/model/pipeline.ts';
import { parseRecord } from '../../../src/model/release-record.ts';
import {
  type CommitFacts,
  type EnvironmentHistory,
  type History,
  type JournalEntryFacts,
  type JournalFacts,
  type Operation,
  recordFacts,
} from '../checker/history.ts';
import { HAND_MADE } from './hands.ts';
import { PUBLISHED } from './images.ts';
import type { Start } from './start.ts';
import type { World } from './world.ts';

/** How long after its client gave up a request may still arrive, in milliseconds. */
const LATENESS = 2_000;

/** What is known about a run besides its operations. */
export interface RunFacts {
  readonly settled: boolean;
  readonly lag: number;
  readonly acknowledged: JournalFacts['acknowledged'];
}

/** What a simulation left behind. */
export function historyOf(
  world: World,
  start: Start,
  operations: readonly Operation[],
  { settled, lag, acknowledged }: RunFacts,
): History {
  return {
    journal: journalFacts(world, start, acknowledged),
    environments: [...start.pipeline.lines.values()]
      .filter((environment) => isTouched(world, start, environment, operations))
      .map((environment) => environmentOf(world, start, environment)),
    operations,
    tags: world.tags(),
    observations: [...start.observations, ...world.writes],
    everyWrite: true,
    staleness: lag,
    lateness: LATENESS,
    settled,
    published: PUBLISHED,
  };
}

/** The journal, read without the engine's code. */
function journalFacts(world: World, { pipeline, remote }: Start, acknowledged: RunFacts['acknowledged']): JournalFacts {
  const heads = world.headsOf(pipeline.journal).map(({ at, id }) => ({
    at,
    id,
    below: [...lineFrom(world, id)],
    entries: [...world.remote.filesOf(id)].map(([path, content]) => entryFacts(path, Buffer.from(content).toString())),
    ...(isByHand(world, id) && { byHand: true as const }),
  }));
  const when: Record<string, { readonly head: string | undefined }> = {};
  for (const { branch } of pipeline.environments.values()) {
    for (const { id } of world.headsOf(branch)) {
      if (id !== remote.branches.get(branch)) when[id] = { head: world.when(branch, id)?.get(pipeline.journal) };
    }
  }
  return { heads, when, acknowledged, late: world.late };
}

/** Whether hands put the journal there: back to a commit, or, where they removed it, to the first one of a new journal. */
function isByHand(world: World, id: ObjectId): boolean {
  const { journalByHand } = world;
  return journalByHand.has(id) || (journalByHand.has(undefined) && world.remote.read(id).parents.length === 0);
}

function entryFacts(path: string, text: string): JournalEntryFacts {
  const [kind = '', environment = '', , , name = ''] = path.split('/');
  const [, entry = '', ends] = name.replace('.yaml', '').split('-');
  const digest = /^ +digest: (\S+)$/m.exec(text)?.[1];
  return {
    path,
    kind,
    environment,
    entry,
    ...(ends !== undefined && { ends }),
    ...(/^rollbacks: true$/m.test(text) && { rollbacks: true as const }),
    ...(digest !== undefined && { digest }),
  };
}

/** Whether anything was done to an environment, or it is not as it was: the others have been judged often enough. */
function isTouched(
  world: World,
  start: Start,
  { name, branch, tag }: Environment,
  operations: readonly Operation[],
): boolean {
  return (
    operations.some(({ environment }) => environment === name) ||
    world.remote.branches.get(branch) !== start.remote.branches.get(branch) ||
    world.headsOf(branch).length !== 1 ||
    world.writes.some((write) => write.tag.startsWith(tag))
  );
}

function environmentOf(world: World, start: Start, environment: Environment): EnvironmentHistory {
  const branch = environment.branch;
  const facts = (ids: Iterable<ObjectId>): CommitFacts[] =>
    [...ids].map((id) => factsOf(world, start.pipeline, environment, id));
  const head = world.remote.branches.get(branch);
  const { line, abandoned } = readLine(world, start, environment, head);
  return {
    name: environment.name,
    tag: environment.tag,
    ...(environment.carries === 'files' && { isShared: true as const }),
    line: withoutForged(
      world,
      environment,
      facts(line).map((commit) => asMerged(world, commit, line, environment)),
    ),
    base: start.remote.branches.get(branch) ?? '',
    rewinds: world.rewinds
      .filter((rewind) => rewind.branch === branch)
      .map(({ at, from, to, merge }) => ({
        at,
        from,
        to,
        ...(merge !== undefined && { merge }),
        dropped: facts([...lineFrom(world, from as ObjectId, to), ...(merge === undefined ? [] : abandoned)]),
      })),
    heads: world.headsOf(branch),
  };
}

/**
 * A merge that brings the record of a release which does not follow on its line, or whose commit had another tree, has a record
 * that was left there.
 */
function asMerged(world: World, commit: CommitFacts, line: readonly string[], of: Environment): CommitFacts {
  const { record } = commit;
  const merged = world.rewinds.find(({ merge }) => merge === commit.id);
  if (!merged || !record || 'invalid' in record) return commit;
  const follows = record.follows === undefined || line.includes(record.follows);
  const made = madeIn(world, of, commit.id as ObjectId, merged.from as ObjectId);
  const isSame = made === undefined || treeOf(world, made) === treeOf(world, commit.id as ObjectId);
  return follows && isSame ? commit : { ...commit, record: { ...record, base: undefined } };
}

/** The commits of a line, newest first, without the records that hands wrote: what they say counts for nothing. */
function withoutForged(world: World, { name }: Environment, line: readonly CommitFacts[]): readonly CommitFacts[] {
  let isForged = false;
  const marked = line.toReversed().map((commit): CommitFacts => {
    const { record, ...rest } = commit;
    const byHand = world.forged.get(commit.id as ObjectId);
    if (byHand?.line.name === name) isForged = !byHand.isMended;
    else if (record && !('invalid' in record) && record.base !== undefined) isForged = false;
    return isForged ? { ...rest, isForged: true } : commit;
  });
  return marked.reverse();
}

/** The commit of a history that made the record which another commit has. */
function madeIn(world: World, environment: Environment, commit: ObjectId, from: ObjectId): ObjectId | undefined {
  const path = recordPath(environment);
  const recordAt = (id: ObjectId): string => Buffer.from(world.remote.filesOf(id).get(path) ?? []).toString('latin1');
  return [...lineFrom(world, from)].findLast((id) => recordAt(id) === recordAt(commit));
}

function treeOf({ remote }: World, id: ObjectId): string {
  return remote.read(id).tree;
}

/**
 * The line of a head: by first parent, but where a release says that it follows on one that a merge took off it, from there. What
 * is left of the first-parent history is abandoned.
 */
function readLine(
  world: World,
  start: Start,
  environment: Environment,
  head: ObjectId | undefined,
): { readonly line: readonly ObjectId[]; readonly abandoned: readonly ObjectId[] } {
  const chain = [...lineFrom(world, head)];
  const merges = new Set(world.rewinds.flatMap(({ merge }) => merge ?? []));
  if (!chain.some((id) => merges.has(id))) return { line: chain, abandoned: [] };
  for (const [index, id] of chain.entries()) {
    const { record } = factsOf(world, start.pipeline, environment, id);
    if (merges.has(id) || !record || 'invalid' in record || record.base === undefined) continue;
    const follows = record.follows as ObjectId | undefined;
    if (follows === undefined || chain.includes(follows)) continue;
    const below = readLine(world, start, environment, follows);
    const line = [...chain.slice(0, index + 1), ...below.line];
    return { line, abandoned: [...chain.slice(index + 1).filter((one) => !line.includes(one)), ...below.abandoned] };
  }
  return { line: chain, abandoned: [] };
}

function* lineFrom(world: World, head: ObjectId | undefined, until?: string): Generator<ObjectId> {
  for (let id = head; id !== undefined && id !== until; [id] = world.remote.read(id).parents) yield id;
}

// Most commits of a simulation are those it started with.
const known = new WeakMap<Commit, Map<string, CommitFacts>>();

function factsOf(world: World, pipeline: Pipeline, environment: Environment, id: ObjectId): CommitFacts {
  const commit = world.remote.read(id);
  const facts = known.get(commit) ?? new Map<string, CommitFacts>();
  known.set(commit, facts);
  const found = facts.get(environment.name) ?? readFacts(world, pipeline, environment, commit);
  facts.set(environment.name, found);
  return found;
}

function readFacts(world: World, pipeline: Pipeline, environment: Environment, commit: Commit): CommitFacts {
  const files = world.remote.filesOf(commit.id);
  const text = (path: string): string | undefined => {
    const content = files.get(path);
    return content && Buffer.from(content).toString();
  };
  const path = recordPath(environment);
  const record = text(path);
  const manifest = text(`${environment.scope.folders[0]}/kustomization.yaml`) ?? '';
  return {
    id: commit.id,
    parents: commit.parents,
    ...(record !== undefined && { record: readRecord(environment, record, isNew(world, commit, path, record)) }),
    pins: Object.fromEntries(
      [...environment.images.values()].flatMap((image) => {
        const digest = pinIn(manifest, repositoryIn(environment, image).name);
        return digest === undefined ? [] : [[image.name, digest]];
      }),
    ),
    handMade: [...files.keys()].filter((name) => HAND_MADE.test(name)),
    ...(world.squashes.has(commit.id) && { squashes: true as const }),
  };
}

/** Whether a commit made the record that it has. */
function isNew(world: World, { parents: [parent] }: Commit, path: string, text: string): ObjectId | undefined {
  const before = parent && world.remote.filesOf(parent).get(path);
  return before && Buffer.from(before).toString() === text ? undefined : parent;
}

function readRecord(line: Environment, text: string, base: ObjectId | undefined): NonNullable<CommitFacts['record']> {
  try {
    const record = parseRecord(text, recordPath(line));
    const name = lineName(record.environment, record.application);
    return recordFacts({ ...record, environment: name }, base);
  } catch (error) {
    if (isTagflowError(error, 'record-invalid')) return { invalid: error.why ?? error.message };
    throw error;
  }
}

/** The digest that a kustomization pins for a repository: of the one entry of that name. */
function pinIn(manifest: string, repository: string): string | undefined {
  const [, ...entries] = manifest.split(/^ *- /m);
  const entry = entries.find((each) => each.includes(`name: ${repository}\n`));
  return entry && /^ *digest: (\S+)$/m.exec(entry)?.[1];
}
