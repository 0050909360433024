// What can go wrong from outside: processes that die, requests that arrive after their client is gone, an administrator who
// puts the branch back. What goes wrong within one talk (a stale answer, a lost one) stands in steps.ts, where it is said.
import { type Move, newRun } from './steps.ts';
import {
  type Commit,
  type Faults,
  IMAGES,
  type Run,
  type World,
  headOf,
  hiddenBy,
  historyOf,
  isIn,
  moveBranch,
  onTop,
  releaseTag,
  tagOf,
  targetTag,
  templateOf,
  writeTag,
} from './world.ts';

/** Everything that can go wrong from outside at one moment. */
export function faults(world: World): readonly Move[] {
  return [
    ...world.runs.flatMap((run, index) => kills(world, run, index)),
    ...lateWrites(world),
    ...latePushes(world),
    ...rewinds(world),
    ...oldMerges(world),
    ...journalRewinds(world),
    ...foreignCommits(world),
    ...waits(world),
  ];
}

/** Time passes, longer than an ordinary run takes, and the cluster is synced. */
function waits(world: World): readonly Move[] {
  const head = headOf(world);
  const busy = world.runs.filter((run) => hasBegun(run, head));
  const isCalm = world.runs.every((run) => /plan|ended/.test(run.at) || busy.includes(run));
  // over a newer release a run sleeps alone: what a third repairs in the same moment is not looked at
  const isOvertaken = busy.some(({ moved, applying }) => moved || (applying && applying.id !== head.id));
  if (world.left.wait === 0 || !isCalm || (isOvertaken && busy.length > 1)) return [];
  const text = 'minutes pass, and the cluster is synced';
  return [{ talks: [{ from: 'time', to: 'Git', text }], world: synced(spend(world, 'wait')) }];
}

/** Whether a run is about to put tags: it has looked, or the commit at the head is its own. */
function hasBegun({ at, applying, commit }: Run, head: Commit): boolean {
  if (at === 'push' || at === 'look') return commit?.id === head.id;
  return applying !== undefined && /tags|reread|newest|overtaken/.test(at);
}

/** The world some minutes later: Pods are started by the manifests as they are, on the images that the tags name. */
export function synced(world: World): World {
  const head = headOf(world);
  const old = [...new Set([...(world.old ?? []), head.id])];
  const isRight = IMAGES.every((image) => tagOf(world, targetTag(image)).now === head.version);
  const astray = isRight ? world.astray : templateOf(head);
  const slept = world.slept === true || world.runs.some((run) => hasBegun(run, head));
  return { ...world, old, slept, ...(astray && { astray }) };
}

function spend(world: World, kind: keyof Faults): World {
  return { ...world, left: { ...world.left, [kind]: world.left[kind] - 1 } };
}

/** A process dies: as it is, or with a request on its way. Being killed before its first step it was never there. */
function kills(world: World, run: Run, index: number): readonly Move[] {
  const isNew = run.at === 'plan' && run.attempt === 0 && !run.looksAt;
  if (world.left.kill === 0 || run.at === 'ended' || isNew) return [];
  const { name, operation, commit, applying } = run;
  const dead: Run = { ...newRun(name, operation), at: 'ended', exit: 'killed' };
  const after = { ...spend(world, 'kill'), runs: world.runs.with(index, dead) };
  const died = (text: string, world: World): Move => ({ talks: [{ from: name, to: name, text }], world });
  const moves = [died('is killed', after)];
  if (world.left.late === 0) return moves;
  const late = spend(after, 'late');
  if (run.at === 'push' && commit && headOf(world).id === run.base?.id) {
    const text = `is killed, its push of release ${commit.sequence} = v${commit.version} is on its way`;
    moves.push(died(text, { ...late, latePushes: [...late.latePushes, commit] }));
  }
  for (const [at, progress] of run.images.entries()) {
    if (progress.at !== 'put' || !applying) continue;
    const image = at + 1;
    const tag = run.at === 'release-tags' ? releaseTag(image, applying.sequence) : targetTag(image);
    const text = `is killed, its write of ${tag} = v${applying.version} is on its way`;
    const put = { tag, version: applying.version };
    moves.push(died(text, { ...late, late: [...late.late, put] }));
  }
  return moves;
}

/** A write of a tag arrives whose client is gone. */
function lateWrites(world: World): readonly Move[] {
  return world.late.map((put, index) => ({
    talks: [{ from: 'network', to: 'registry', text: `a late write arrives: ${put.tag} = v${put.version}` }],
    world: writeTag({ ...world, late: world.late.toSpliced(index, 1) }, put, '-'),
  }));
}

/** A push arrives whose client is gone. The server compares and swaps, as for any other. */
function latePushes(world: World): readonly Move[] {
  return world.latePushes.map((commit, index) => {
    const arrived = { ...world, latePushes: world.latePushes.toSpliced(index, 1) };
    const lands = headOf(world).id === commit.parent?.id;
    const text = `a late push arrives: release ${commit.sequence} = v${commit.version}, ${lands ? 'landed' : 'turned away'}`;
    return {
      talks: [{ from: 'network', to: 'Git', text }],
      world: lands ? moveBranch(arrived, commit, 'late') : arrived,
    };
  });
}

/** An administrator puts the branch back, to any older commit. */
function rewinds(world: World): readonly Move[] {
  if (world.left.rewind === 0) return [];
  const [head, ...older] = historyOf(headOf(world));
  return older.map((target) => {
    const removed = historyOf(head).filter((commit) => !isIn(commit, target));
    const text = `puts the branch back to release ${target.sequence} = v${target.version}`;
    return {
      talks: [{ from: 'administrator', to: 'Git', text }],
      world: {
        ...spend(world, 'rewind'),
        heads: onTop(target, world),
        removed: [...world.removed, ...removed.map(({ id }) => id)],
      },
    };
  });
}

/** Another line is released, or somebody commits what no line has: the record of this line stays as it is. */
function foreignCommits(world: World): readonly Move[] {
  if (world.left.foreign === 0) return [];
  const head = headOf(world);
  const commit = byHand(head, { id: `${head.id}+`, parent: head, journal: head.journal });
  const text = `commits to the branch, and leaves release ${head.sequence} as it is`;
  return [
    {
      talks: [{ from: 'somebody', to: 'Git', text }],
      world: { ...spend(world, 'foreign'), heads: onTop(commit, world) },
    },
  ];
}

/** A commit made by hand, with the record of another one. */
function byHand(
  { record, sequence, version, held, action }: Commit,
  own: Pick<Commit, 'id' | 'parent' | 'merged' | 'journal'>,
): Commit {
  return { ...own, record, sequence, version, held, action, by: '-', asked: undefined };
}

/** An administrator takes the newest entry off the journal. What its writer knew, nobody promises any more. */
function journalRewinds(world: World): readonly Move[] {
  const { journal, written = [], left } = world;
  const last = journal?.at(-1);
  if (left.journalRewind === 0 || !journal || !last) return [];
  const shorter = { journal: journal.slice(0, -1), written: written.filter((id) => id !== last.id) };
  return [
    {
      talks: [{ from: 'administrator', to: 'Git', text: `takes an entry off the journal: ${last.id}` }],
      world: { ...spend(world, 'journalRewind'), ...shorter },
    },
  ];
}

/**
 * Somebody merges an older commit of the branch, as first parent, with its head: a fast-forward, so no server refuses it. The
 * tree is that of any release of the branch.
 */
function oldMerges(world: World): readonly Move[] {
  if (world.left.oldMerge === 0) return [];
  const head = headOf(world);
  const [, ...older] = historyOf(head);
  return older.flatMap((parent) =>
    historyOf(head).flatMap((from) => {
      const { sequence, record } = from;
      const id = `${parent.id}*${head.id}=${record}`;
      const merge = byHand(from, { id, parent, merged: head });
      const merged = { ...spend(world, 'oldMerge'), heads: onTop(merge, world) };
      const text = `merges release ${parent.sequence} with release ${head.sequence}, first parent the older, tree of release ${sequence}`;
      const by = (text: string, world: World): Move => ({ talks: [{ from: 'somebody', to: 'Git', text }], world });
      const witness =
        world.left.cleanUp > 0 && hiddenBy(merge)
          ? [by(`${text}, and the tags of what it hides go`, withoutHidden(merged, merge))]
          : [];
      return [by(text, merged), ...witness];
    }),
  );
}

/** The per-release tags are gone of all releases that a head hides. */
function withoutHidden(world: World, head: Commit): World {
  const shown = new Set(historyOf(head).map(({ sequence }) => sequence));
  const hidden = historyOf(head.merged).filter(({ sequence }) => !shown.has(sequence));
  const gone = new Set(hidden.flatMap(({ sequence }) => IMAGES.map((image) => releaseTag(image, sequence))));
  const tags = Object.fromEntries(Object.entries(world.tags).filter(([name]) => !gone.has(name)));
  return { ...spend(world, 'cleanUp'), tags };
}
