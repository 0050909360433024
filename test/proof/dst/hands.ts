// What hands do to the branches of a simulation, the way a Git server lets them: each at one moment, on the head there is.
import type { BranchName, ObjectId } from '../../../src/model/object-id.ts';
import type { HandMade } from './scenario.ts';
import type { Scheduler } from './scheduler.ts';
import type { World } from './world.ts';

/** Names of files that only hands put onto environment branches. */
export const HAND_MADE = /^hand-/;

/** Lets hands do one thing, at a point of its own. */
export async function byHand(world: World, scheduler: Scheduler, act: HandMade, number: number): Promise<void> {
  const label = `${act.kind} ${act.environment}`;
  await scheduler.point({
    process: 'hand',
    server: 'git',
    label,
    effect: () => effectOf(world, scheduler, act, number),
  });
}

function effectOf(world: World, scheduler: Scheduler, { kind, environment }: HandMade, number: number): void {
  const { remote } = world;
  const branch = environment as BranchName;
  const file = { [`hand-${environment}-${number}.env`]: `${number}\n` };
  const head = remote.branches.get(branch);
  const upstream = remote.branches.get(
    (environment === 'dev' ? 'main' : environment === 'stg' ? 'dev' : 'stg') as BranchName,
  );
  const time = scheduler.now;
  if (!head || !upstream) return;
  switch (kind) {
    case 'hotfix':
      remote.commit(environment, file, { message: 'hotfix', time });
      break;
    case 'cherry-pick':
      remote.commit(environment, file, { message: 'hotfix', time });
      remote.commit('main', file, { message: 'hotfix (cherry picked)', time });
      break;
    case 'trunk':
      remote.commit('main', { 'common.env': `${number} ${environment}\n` }, { message: 'settings', time });
      break;
    case 'merge':
    case 'squash': {
      const theirs = [...remote.filesOf(upstream)].filter(([path]) => !path.startsWith('environments/'));
      const parents = kind === 'merge' ? [head, upstream] : [head];
      // Numbered, as on a forge: two of one second on one head would be one and the same commit.
      const message = `merge pull request #${number}`;
      const taken = remote.commit(environment, Object.fromEntries(theirs), { message, time, parents });
      if (kind === 'squash') world.squashes.add(taken);
      break;
    }
    case 'old-merge': {
      const to = older(world, head, 1 + (number % 3));
      if (to === head) return;
      const files = number % 2 === 0 ? {} : changesTo(world, to, head);
      const message = `merge of an old commit #${number}`;
      const merge = remote.commit(environment, files, { message, time, parents: [to, head] });
      world.rewinds.push({ at: scheduler.now, branch, from: head, to, merge });
      break;
    }
    case 'journal-rewind': {
      const journal = world.journal;
      const now = remote.branches.get(journal);
      const [below] = now === undefined ? [] : world.remote.read(now).parents;
      if (now === undefined) return;
      if (below === undefined) remote.branches.delete(journal);
      else remote.branches.set(journal, below);
      world.journalByHand.add(below);
      break;
    }
    case 'rewind': {
      const to = older(world, head, 1 + (number % 2));
      if (to === head) return;
      remote.branches.set(branch, to);
      world.rewinds.push({ at: scheduler.now, branch, from: head, to });
      break;
    }
  }
  world.moved();
  scheduler.note(`hand: ${environment} is now ${world.nameOf(remote.branches.get(branch))}`);
}

/** The files by which two commits differ, as the second has them. */
function changesTo({ remote }: World, from: ObjectId, to: ObjectId): Record<string, Uint8Array | undefined> {
  const [before, after] = [remote.filesOf(from), remote.filesOf(to)];
  return Object.fromEntries([...new Set([...before.keys(), ...after.keys()])].map((path) => [path, after.get(path)]));
}

/** The commit that many steps back, or the last that there is. */
function older(world: World, head: ObjectId, steps: number): ObjectId {
  let id = head;
  for (let step = 0; step < steps; step += 1) {
    const [parent] = world.remote.read(id).parents;
    if (!parent) return id;
    id = parent;
  }
  return id;
}
