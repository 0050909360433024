// What a run of tagflow does, step by step. A step is one talk with the Git server or the registry; between any two of them
// everybody else may do anything. Each function gives every way its step can go: more than one where a replica may lag,
// an answer may be lost, or time may run out. Above each stands the function of the engine that it mirrors.
import { type Entry, forbidden, hasFailed, journalHead, openEntries } from './journal.ts';
import type { Kept } from './rules.ts';
import {
  type Commit,
  type Exit,
  IMAGES,
  type Progress,
  type Put,
  type Run,
  type World,
  headOf,
  hiddenBy,
  highestIn,
  historyOf,
  isIn,
  makeCommit,
  moveBranch,
  releaseTag,
  sorted,
  tagOf,
  targetTag,
  writeJournal,
  writeTag,
} from './world.ts';

/** One way that one step can go: what is said, and the world afterwards. */
export interface Move {
  readonly talks: readonly Talk[];
  readonly world: World;
}

/** Who talks with whom, and what is said; what somebody does alone is said to themselves. */
export interface Talk {
  readonly from: string;
  readonly to: string;
  readonly text: string;
}

const PEEK: readonly [Progress, Progress] = [{ at: 'peek' }, { at: 'peek' }];

/** A run that has not begun. */
export function newRun(name: string, operation: Run['operation']): Run {
  return { name, operation, at: 'plan', attempt: 0, open: false, moved: false, images: PEEK };
}

/** Every way the next step of a run can go; none when it has ended. */
export function step(world: World, index: number, kept: Kept): readonly Move[] {
  const moves = smallStep(world, index, kept);
  return world.coarse ? moves.flatMap((move) => further(move, index, kept)) : moves;
}

/** What goes with a move in one coarse step. What falls away: what others could do right after the move. */
function further(move: Move, index: number, kept: Kept): readonly Move[] {
  const run = move.world.runs[index];
  const goesOn =
    run?.at === 'check' ||
    run?.at === 'newest' ||
    run?.at === 'release-tags' ||
    run?.images.some(({ at }) => at === 'verify') === true;
  if (!goesOn) return [move];
  return smallStep(move.world, index, kept).flatMap((next) =>
    further({ ...next, talks: [...move.talks, ...next.talks] }, index, kept),
  );
}

function smallStep(world: World, index: number, kept: Kept): readonly Move[] {
  const run = world.runs[index];
  if (!run) return [];
  const at = new Step(world, index, run, kept);
  switch (run.at) {
    case 'plan':
      return at.plan();
    case 'check':
      return at.releaseTagsAreFree();
    case 'recheck':
      return at.afterTakenTag();
    case 'push':
      return at.push();
    case 'look':
      return at.look();
    case 'append':
      return at.append();
    case 'ask':
      return at.ask();
    case 'result':
      return at.writeResult();
    case 'late':
      return at.isLate();
    case 'newest':
      return at.isNewest();
    case 'deploy':
      return at.deploysAgain();
    case 'current':
      return at.readCurrent();
    case 'release-tags':
    case 'target-tags':
      return at.putTags();
    case 'reread':
      return at.readHeadAgain();
    case 'overtaken':
      return at.isOvertaken();
    case 'ended':
      return [];
  }
}

class Step {
  readonly #world: World;
  readonly #index: number;
  readonly #run: Run;
  readonly #kept: Kept;

  constructor(world: World, index: number, run: Run, kept: Kept) {
    this.#world = world;
    this.#index = index;
    this.#run = run;
    this.#kept = kept;
  }

  // engine/read/snapshot.ts readSnapshot, Snapshot.release; then choosing and planRelease, or applyEnvironment: no talk in between
  // that matters here, as digests and old commits never change.
  plan(): readonly Move[] {
    if (this.#run.operation.kind === 'write') return [this.#readJournal()];
    if (this.#run.operation.kind === 'verify' && this.#run.failed === undefined) return this.#look();
    return this.#readHead().map(({ head, world, text }) => {
      const { operation, asked } = this.#run;
      if (operation.kind === 'restore') return this.#git(text, this.#restored(world, head));
      if (this.#refuses(head)) return this.#refused(text, world);
      // On a branch that lines share it is the line that moves on.
      const seen = world.shared === true ? head.record : head.id;
      const isOther = goesBack(this.#run) && asked !== undefined && asked !== seen;
      // engine/release/rollback.ts rollback: what arrived since it last read the branch is nobody's to leave
      if (isOther && this.#kept(this.#run.looksAt ? 'only what failed is left' : 'a rollback that lost stops'))
        return this.#git(text, this.#end(world, this.#run, 'superseded'));
      // engine/verification/follow-up.ts followUp
      if (this.#run.looksAt && head.action === 'rollback' && this.#kept('a rollback is not left by itself'))
        return this.#git(`${text}, a rollback itself`, this.#end(world, this.#run, 'ok'));
      const run = goesBack(this.#run) ? { ...this.#run, asked: asked ?? seen } : this.#run;
      return this.#git(text, this.#planOn(world, run, head));
    });
  }

  #planOn(world: World, run: Run, base: Commit): World {
    const { operation } = run;
    if (operation.kind === 'apply')
      return this.#to(world, { ...run, at: world.moving === true ? 'late' : 'newest', applying: base });
    if (operation.kind === 'promote') {
      const { version } = operation;
      const judged = this.#kept('gates again after a lost race') || run.attempt === 0;
      if (this.#forbids(world, base, 'promote', version)) return this.#end(world, run, 'refused');
      // gates/held.ts, gates/downgrade.ts
      if (judged && (base.held.includes(version) || version < base.version)) return this.#end(world, run, 'refused');
      if (version === base.version) {
        return this.#kept('unchanged looks at the tags')
          ? this.#to(world, { ...run, at: world.moving === true ? 'late' : 'newest', applying: base })
          : this.#finish(world, run, base);
      }
      return this.#planned(world, run, base, version, base.held);
    }
    // engine/release/choose-rollback.ts chooseTarget: the newest earlier release that is another one and not held.
    const target = historyOf(base).find(({ version }) => version !== base.version && !base.held.includes(version));
    if (!target) return this.#end(world, run, 'release-not-found');
    const held = sorted([...base.held.filter((version) => version !== target.version), base.version]);
    if (this.#forbids(world, base, 'rollback', target.version)) return this.#end(world, run, 'refused');
    return this.#planned(world, run, base, target.version, held);
  }

  #planned(world: World, run: Run, base: Commit, version: number, held: readonly number[]): World {
    const { name, operation, attempt, asked } = run;
    const action = operation.kind === 'promote' ? 'promote' : 'rollback';
    const sequence = base.sequence + 1;
    const journal = world.journal && journalHead(world.journal);
    const byItself = operation.kind === 'verify' ? { byItself: true as const } : {};
    // the number stays as long as the digest does
    const mark = version === base.version && base.mark !== undefined ? { mark: base.mark } : {};
    const made = {
      parent: base,
      sequence,
      action,
      version,
      held,
      by: name,
      asked,
      journal,
      ...byItself,
      ...mark,
    } as const;
    const commit = makeCommit(made, attempt);
    return this.#to(world, { ...run, at: 'check', base, commit, open: false });
  }

  // engine/release/judge.ts with engine/release/journal-evidence.ts: locks, holds, approvals, and whether the journal is whole
  #forbids(
    { journal, needsApproval = false }: World,
    base: Commit,
    action: Commit['action'],
    version: number,
  ): boolean {
    if (!journal || !this.#kept('gates read the journal')) return false;
    const relied = this.#kept('a journal that lost entries stops promotions') ? base.journal : undefined;
    const overridesAll = !this.#kept('an override is of one release');
    return forbidden(journal, { action, version, relied, needsApproval, overridesAll }) !== undefined;
  }

  // engine/journal/locks.ts, holds.ts, approvals.ts: what is open is read, and an ending names what it ends
  #readJournal(): Move {
    const { name, operation, attempt } = this.#run;
    const { journal = [] } = this.#world;
    const says = operation.kind === 'write' ? operation.says : undefined;
    if (!says) throw new TypeError('it writes nothing');
    const ends = says.kind === 'end' ? openEntries(journal, says.of).map(({ id }) => id) : [];
    const text = `reads the journal: ${countOf(journal.length)}`;
    // Nothing is open that it could end.
    if (says.kind === 'end' && ends.length === 0) return this.#git(text, this.#end(this.#world, this.#run, 'ok'));
    const word = says.kind === 'end' ? `end of a ${says.of}` : says.kind;
    const entry: Entry = { id: `${word} by ${name}`, says, ends };
    return this.#git(
      text,
      this.#to(this.#world, { ...newRun(name, operation), attempt, at: 'append', entry: { entry, onto: journal } }),
    );
  }

  // engine/verification/verify.ts readVerifiable, resultOf: a result that is there is not asked for again
  #look(): readonly Move[] {
    const { journal = [] } = this.#world;
    return this.#readHead().map(({ head, world, text }) => {
      if (this.#refuses(head)) return this.#refused(text, world);
      const run = { ...this.#run, looksAt: head };
      const known = hasFailed(journal, head.id);
      if (known === undefined || !this.#kept('a result is not asked for again'))
        return this.#git(text, this.#to(world, { ...run, at: 'ask' }));
      const said = `${text}, which ${known ? 'failed' : 'runs'} by the journal`;
      return this.#git(said, known ? this.#followsUp(world, run) : this.#end(world, run, 'ok'));
    });
  }

  // engine/verification/verify.ts ask: what runs is looked at, which takes its time. Asked again it may say something else.
  ask(): readonly Move[] {
    const { operation, looksAt } = this.#run;
    if (operation.kind !== 'verify' || !looksAt) return [];
    const isAgain = hasFailed(this.#world.journal ?? [], looksAt.id) !== undefined;
    const failed = operation.bad.includes(looksAt.version) && !isAgain;
    const run = { ...this.#run, failed };
    const { name } = run;
    const next = this.#kept('the result comes before what follows')
      ? this.#to(this.#world, { ...run, at: 'result' })
      : failed
        ? this.#followsUp(this.#world, run)
        : this.#end(this.#world, run, 'ok');
    return [
      {
        talks: [{ from: name, to: name, text: `looks: v${looksAt.version} ${failed ? 'fails' : 'runs'}` }],
        world: next,
      },
    ];
  }

  // engine/verification/verify.ts write: of a release that is not the newest any more nothing is written down
  writeResult(): readonly Move[] {
    const { looksAt, failed = false, name } = this.#run;
    const { journal = [] } = this.#world;
    if (!looksAt) return [];
    return this.#readHead().map(({ head, world, text }) => {
      const isSame = head.id === looksAt.id;
      if (!isSame && this.#kept('a result is of what was looked at'))
        return this.#git(text, this.#end(world, this.#run, 'superseded'));
      const says = { kind: 'result', of: head.id, failed } as const;
      const entry: Entry = { id: `${failed ? 'failed' : 'passed'} ${head.id} by ${name}`, says, ends: [] };
      const own = { asked: looksAt.id, looksAt: head, entry: { entry, onto: journal } };
      const run = { ...this.#run, ...own, at: 'append' } as const;
      return this.#git(text, this.#to(world, run));
    });
  }

  // engine/release/rollback.ts rollbackFrom
  #followsUp(world: World, { name, operation, attempt, looksAt }: Run): World {
    return this.#to(world, { ...newRun(name, operation), attempt, looksAt, failed: true, asked: looksAt?.id });
  }

  // engine/release/append-entry.ts appendEntry: by compare-and-swap, and put on the new head when others wrote meanwhile
  append(): readonly Move[] {
    const { entry: own } = this.#run;
    const { journal = [] } = this.#world;
    if (!own) return [];
    const { entry, onto } = own;
    const { looksAt } = this.#run;
    const words = looksAt ? `release ${looksAt.sequence} ${this.#run.failed ? 'failed' : 'passed'}` : entry.id;
    const what = `writes to the journal: ${words}`;
    const isNewest = journalHead(onto) === journalHead(journal);
    if (!isNewest && this.#kept('an entry is put on the newest journal')) {
      const again = { ...this.#run, entry: { entry, onto: journal } };
      return [this.#git(`${what}: turned away, the journal is another`, this.#to(this.#world, again))];
    }
    const { says } = entry;
    const all = says.kind === 'end' ? openEntries(journal, says.of).map(({ id }) => id) : [];
    const ends = this.#kept('an entry ends what its writer saw') ? entry.ends : all;
    const { asked } = this.#run;
    const seen = asked === undefined ? entry.ends : [...entry.ends, asked];
    const written = writeJournal(this.#world, onto, { ...entry, ends }, seen);
    const next =
      says.kind === 'result' && says.failed ? this.#followsUp(written, this.#run) : this.#end(written, this.#run, 'ok');
    return [this.#git(`${what}: landed`, next)];
  }

  // engine/release/choose-rollback.ts readHidden: the line continues from the highest release that the branch reaches
  #restored(world: World, head: Commit): World {
    const anchor = highestIn(head);
    if (!anchor) return this.#end(world, this.#run, 'release-not-found');
    const { version, held, sequence } = anchor;
    const { name, attempt } = this.#run;
    const next = { parent: head, anchor, sequence: sequence + 1, action: 'rollback' as const, version, held };
    const commit = makeCommit({ ...next, by: name, asked: head.id }, attempt);
    return this.#to(world, { ...this.#run, at: 'check', base: head, commit, open: false });
  }

  // engine/read/continuity.ts requireContinuity: anybody who reads a release refuses a line that hides one
  #refuses(head: Commit): boolean {
    return this.#kept('a line continues all of its past') && hiddenBy(head) !== undefined;
  }

  // engine/release/apply.ts applyCommitted: what was committed is reported as such, whatever is found afterwards
  #refused(text: string, world: World): Move {
    const { commit, applying } = this.#run;
    const exit = commit && commit === applying ? 'tags-incomplete' : 'branch-rewound';
    return this.#git(`${text}: a merge hides a release`, this.#end(world, this.#run, exit));
  }

  // engine/release/checks.ts releaseTagsAreFree
  releaseTagsAreFree(): readonly Move[] {
    const { commit } = this.#run;
    if (!commit) return [];
    const own = releaseTag(1, commit.sequence);
    return this.#readTags(IMAGES.map((image) => releaseTag(image, commit.sequence))).map(({ values, world, text }) => {
      const taken = values.some((value) => value !== 0 && value !== commit.version);
      const next = taken ? 'recheck' : this.#kept('commit before tags') ? 'push' : 'release-tags';
      const run = { ...this.#run, at: next, applying: commit } as const;
      return this.#registry(`reads whether ${own} and its like are free: ${text}`, this.#to(world, run));
    });
  }

  // engine/release/checks.ts raced: a taken tag tells of a release that has just come, or of one that a rewind has removed
  afterTakenTag(): readonly Move[] {
    const { commit, base, applying } = this.#run;
    return this.#readHead().map(({ head, world, text }) => {
      const known = commit ? base : applying;
      if (head.id === known?.id) return this.#git(text, this.#end(world, this.#run, 'branch-rewound'));
      return this.#git(text, commit ? this.#lost(world, this.#run) : this.#to(world, { ...this.#run, at: 'current' }));
    });
  }

  // engine/release/late-tags.ts isLate: before anything else, since right tags do not say that they were late
  isLate(): readonly Move[] {
    const { applying } = this.#run;
    if (!applying) return [];
    const isOld = this.#world.old?.includes(applying.id) === true && this.#kept('late tags are deployed again');
    return this.#readTags(IMAGES.map((image) => targetTag(image))).map(({ values, world, text }) => {
      const before = historyOf(applying).slice(1);
      const known = this.#kept('what is late is seen further back') ? before : before.slice(0, 1);
      const isCutShort = values.some(
        (value) => value !== applying.version && known.some(({ version }) => version === value),
      );
      const isApply = this.#run.operation.kind === 'apply' && this.#kept('what deploys again comes before the tags');
      const behind = applying.again === true || !isApply;
      const next = { ...this.#run, at: 'newest' as const, behind: isCutShort };
      const late = isOld && isCutShort ? ({ late: behind ? 'behind' : 'before' } as const) : {};
      return this.#registry(`reads whether the tags are late: ${text}`, this.#to(world, { ...next, ...late }));
    });
  }

  // engine/release/redeploy.ts redeploy, chooseAgain: the same images, where the branch is what it was
  deploysAgain(): readonly Move[] {
    const { applying, name, attempt } = this.#run;
    if (!applying) return [];
    return this.#readHead().map(({ head, world, text }) => {
      const { late, ...rest } = this.#run;
      if (head.id !== applying.id) {
        const next = late === 'behind' ? { ...rest, at: 'reread' as const } : rest;
        const given = late === 'behind' ? this.#to(world, next) : this.#applying(world, rest, applying);
        return this.#git(`${text}: nothing to deploy again`, given);
      }
      const { version, action, held, sequence } = head;
      const made = { parent: head, sequence: sequence + 1, action, version, held, by: name, asked: undefined } as const;
      const commit = makeCommit({ ...made, again: true, mark: sequence + 1 }, attempt);
      return this.#git(
        `${text}: will deploy it again`,
        this.#to(world, { ...rest, at: 'check', base: head, commit, open: false }),
      );
    });
  }

  // engine/release/apply.ts applyNewest, checks.ts isNewest: a release that was there before is applied only if no newer one has tags
  isNewest(): readonly Move[] {
    const { applying } = this.#run;
    if (!applying) return [];
    const tags = IMAGES.map((image) => releaseTag(image, applying.sequence + 1));
    return this.#readTags(tags).map(({ values, world, text }) => {
      const next = values.some((value) => value !== 0)
        ? this.#to(world, { ...this.#run, at: 'recheck' })
        : this.#run.late === 'before'
          ? this.#to(world, { ...this.#run, at: 'deploy' })
          : this.#applying(world, this.#run, applying);
      return this.#registry(`reads whether there is a newer release, ${tags[0]} and its like: ${text}`, next);
    });
  }

  // engine/release/apply.ts readCurrent
  readCurrent(): readonly Move[] {
    return this.#readHead().map(({ head, world, text }) =>
      this.#refuses(head)
        ? this.#refused(text, world)
        : this.#git(text, this.#to(world, { ...this.#run, at: 'newest', applying: head })),
    );
  }

  // engine/release/commit.ts commitPlan; ledger/remote.ts push: one attempt to move the branch by compare-and-swap
  push(): readonly Move[] {
    const { commit, base } = this.#run;
    const { left } = this.#world;
    if (!commit || !base) return [];
    const what = `pushes release ${commit.sequence} = v${commit.version}, to replace release ${base.sequence}`;
    const head = headOf(this.#world);
    const accepted = this.#accepts(commit, base);
    const { journal } = this.#world;
    const isBeside = journal && head.id === base.id && commit.journal !== journalHead(journal);
    if (isBeside && this.#kept('a push holds the journal')) {
      const run: Run = { ...this.#run, at: 'look', beside: true };
      return [this.#git(`${what}: turned away, the journal is another`, this.#to(this.#world, run))];
    }
    if (!accepted) {
      const run: Run = { ...this.#run, at: 'look' };
      return [this.#git(`${what}: turned away, the head is another`, this.#to(this.#world, run))];
    }
    const landed = head.id === commit.id ? this.#world : moveBranch(this.#world, commit);
    const moves = [this.#git(`${what}: landed`, this.#landed(landed, this.#run))];
    if (left.lostAnswer === 0) return moves;
    const open: Run = { ...this.#run, at: 'look', open: true };
    const spent = (world: World): World => ({ ...world, left: { ...world.left, lostAnswer: left.lostAnswer - 1 } });
    moves.push(
      this.#git(`${what}: landed, the answer is lost`, this.#to(spent(landed), open)),
      this.#git(`${what}: never arrives, no answer`, this.#to(spent(this.#world), open)),
    );
    if (left.late > 0) {
      const late = { ...spent(this.#world), latePushes: [...this.#world.latePushes, commit] };
      const world = { ...late, left: { ...late.left, late: left.late - 1 } };
      moves.push(this.#git(`${what}: still on its way, no answer`, this.#to(world, open)));
    }
    return moves;
  }

  /** Whether the server and the lease let a push through. */
  #accepts(commit: Commit, base: Commit): boolean {
    const head = headOf(this.#world);
    if (head.id === commit.id) return true;
    if (!this.#kept('new commit contains the leased head')) return true;
    if (!this.#kept('lease on the planned head')) return isIn(head, commit);
    return head.id === base.id;
  }

  // ledger/push.ts settlePush, look: the outcome of a push is read from the branch
  look(): readonly Move[] {
    const { commit, base, open } = this.#run;
    return this.#readHead().flatMap(({ head, world, text }) => {
      const { beside = false, ...rest } = this.#run;
      const run: Run = rest;
      if (isIn(commit, head)) return [this.#git(`${text}: it landed`, this.#landed(world, run))];
      // What was sent once may still land: it is not given up because of the journal.
      const givesUp = !open || !this.#kept('what was sent is not given up for the journal');
      if (head.id === base?.id && beside && givesUp)
        return [this.#git(`${text}: the journal moved on`, this.#besideMoved(world, run))];
      if (head.id === base?.id) return this.#again(world, run, `${text}: not moved`);
      // What was never sent has not landed, whatever the head may be.
      const proven = !open || isIn(base, head) || !this.#kept('lost only where the base is');
      if (!proven) return this.#again(world, run, `${text}: lacks the head that was planned on`);
      const onTop = this.#onTop(world, run, head);
      if (onTop) return [this.#git(`${text}: its line stands, will put it on top`, onTop)];
      const gaveWay = world.shared === true && head.record === base?.record && run.operation.kind === 'rollback';
      const broken = gaveWay ? `${run.name} gave way to a commit of another line` : undefined;
      return [this.#git(`${text}: the race is lost`, this.#lost({ ...world, broken: world.broken ?? broken }, run))];
    });
  }

  // engine/release/commit.ts commitPlans, standOn: the same edits on the new head, where nothing that the plan follows from changed
  #onTop(world: World, run: Run, head: Commit): World | undefined {
    const { commit, base } = run;
    if (world.shared !== true || !commit || !isIn(base, head)) return undefined;
    if (!this.#kept('a commit of another line loses no race')) return undefined;
    const stands = head.record === base?.record || !this.#kept('put on top only where its own line stands');
    if (!stands) return undefined;
    const { id: _, record: __, ...same } = commit;
    const next = makeCommit({ ...same, parent: head }, run.attempt);
    return this.#to(world, { ...run, at: 'push', base: head, commit: next, open: false });
  }

  /** Settling continues until it is known, or time runs out. */
  #again(world: World, run: Run, text: string): readonly Move[] {
    const { commit, open, attempt } = run;
    let next = { ...run, at: 'push' as const };
    if (commit && !this.#kept('push the same commit again')) {
      next = { ...next, attempt: attempt + 1, commit: makeCommit(commit, attempt + 1) };
    }
    const late = open ? 'push-outcome-unknown' : 'remote-unavailable';
    return [
      this.#git(`${text}, will push again`, this.#to(world, next)),
      this.#git(`${text}, time is up`, this.#end(world, run, late)),
    ];
  }

  // engine/release/promote.ts promote, rollback.ts untilSuperseded: planned again beside the new journal
  #besideMoved(world: World, run: Run): World {
    const { name, operation, asked, attempt, commit, looksAt, failed } = run;
    if (this.#kept('a journal that moved on is read again'))
      return this.#to(world, { ...newRun(name, operation), asked, looksAt, failed, attempt: attempt + 1 });
    if (!commit || !world.journal) return world;
    const { id: _, record: __, ...same } = commit;
    const next = makeCommit({ ...same, journal: journalHead(world.journal) }, attempt + 1);
    return this.#to(world, { ...run, at: 'push', attempt: attempt + 1, commit: next });
  }

  // engine/release/promote.ts promote: plans again; engine/release/rollback.ts superseded: stops
  #lost(world: World, run: Run): World {
    // engine/release/redeploy.ts chooseAgain: another release is there by now, and the tags of this one are put
    if (run.commit?.again && run.base) return this.#applying(world, newRun(run.name, run.operation), run.base);
    const stops = goesBack(run) && this.#kept('a rollback that lost stops');
    if (stops) return this.#end(world, run, 'superseded');
    const { name, operation, asked, looksAt, failed } = run;
    return this.#to(world, { ...newRun(name, operation), asked, looksAt, failed, attempt: run.attempt + 1 });
  }

  // engine/release/execute.ts: applyCommitted, once the commit is on the branch
  #landed(world: World, run: Run): World {
    if (!this.#kept('commit before tags')) return this.#to(world, { ...run, at: 'reread' });
    return run.commit ? this.#applying(world, run, run.commit) : world;
  }

  // engine/release/apply.ts applyHead: one round begins
  #applying(world: World, run: Run, applying: Commit): World {
    const first = this.#kept('per-release tags before target tags') ? 'release-tags' : 'target-tags';
    const { name, operation, commit, moved, late, behind } = run;
    const told = { ...(late === 'behind' && { late }), ...(behind === true && { behind }) };
    return this.#to(world, { ...newRun(name, operation), at: first, commit, applying, moved, ...told });
  }

  // engine/release/apply.ts putTags: each image on its own, in any order; a phase ends when every image has
  putTags(): readonly Move[] {
    if (!this.#world.coarse) return IMAGES.flatMap((image) => this.#putTag(image));
    return this.#putTag(isDone(this.#run.images[0]) ? 2 : 1);
  }

  // engine/release/apply.ts putTag; registry/oci/oci.ts tagImage
  #putTag(image: 1 | 2): readonly Move[] {
    const { applying, at, moved, commit } = this.#run;
    const progress = this.#run.images[image - 1];
    if (!applying || !progress) return [];
    const { version, sequence } = applying;
    const never = at === 'release-tags';
    const tag = never ? releaseTag(image, sequence) : targetTag(image);
    if (progress.at === 'put') return this.#put({ tag, version }, image, progress.over);
    if (progress.at === 'verify') {
      return this.#readTags([tag]).flatMap(({ values: [found], world, text }) => {
        const read = (next: Progress): Move =>
          this.#registry(`reads ${tag} back: ${text}`, this.#progress(world, image, next));
        if (found === version) return [read({ at: 'right' })];
        // engine/read/replica-lag.ts steady: what a lagging replica shows is read again, a few times. Again the truth is the same.
        const isStale = world.left.staleTag < this.#world.left.staleTag;
        return isStale ? [read({ at: 'failed' }), read(progress)] : [read({ at: 'failed' })];
      });
    }
    if (progress.at !== 'peek') return [];
    const own = commit === applying && this.#kept('a release writes the tags it changes');
    const rewrite = !never && (own || (moved && this.#kept('no skipped write after a detected change')));
    return this.#readTags([tag]).map(({ values: [found = 0], world, text }) => {
      const taken = never && found !== 0 && found !== version && this.#kept('per-release tags never move');
      const right = found === version && !rewrite;
      const next: Progress = taken ? { at: 'failed' } : right ? { at: 'right' } : { at: 'put', over: found };
      return this.#registry(`reads ${tag}: ${text}`, this.#progress(world, image, next));
    });
  }

  #put(put: Put, image: 1 | 2, over: number): readonly Move[] {
    const { left, late } = this.#world;
    const next: Progress = { at: this.#kept('read back what was put') ? 'verify' : 'right' };
    const what = `puts ${put.tag} = v${put.version}`;
    const written = this.#progress(writeTag(this.#world, put, this.#run.name, over), image, next);
    const moves = [this.#registry(what, written)];
    if (left.late > 0 && !(this.#world.coarse && this.#run.at === 'release-tags')) {
      const world = { ...written, late: [...late, put], left: { ...left, late: left.late - 1 } };
      moves.push(this.#registry(`${what}, for the second time: the first request is still on its way`, world));
    }
    if (left.lostWrite > 0) {
      const world = { ...this.#world, left: { ...left, lostWrite: left.lostWrite - 1 } };
      moves.push(this.#registry(`${what}: confirmed and forgotten`, this.#progress(world, image, next)));
    }
    return moves;
  }

  /** An image is one step further; with the last of a phase the next one begins. */
  #progress(world: World, image: 1 | 2, progress: Progress): World {
    const [first, second] = this.#run.images;
    const images: Run['images'] = image === 1 ? [progress, second] : [first, progress];
    const run = { ...this.#run, images };
    if (!images.every(isDone)) return this.#to(world, run);
    const last = this.#kept('per-release tags before target tags') ? 'target-tags' : 'release-tags';
    if (run.at !== last) {
      // Where its per-release tag failed an image goes no further.
      const next = images.map((one) => (one.at === 'failed' ? one : PEEK[0])) as [Progress, Progress];
      const following = { ...run, at: last, images: next } as const;
      return next.every(({ at }) => at === 'failed') ? this.#tagged(world, following) : this.#to(world, following);
    }
    return this.#tagged(world, run);
  }

  #tagged(world: World, run: Run): World {
    const early = !this.#kept('commit before tags') && run.commit === run.applying && !isIn(run.commit, headOf(world));
    if (early) return this.#to(world, { ...run, at: 'push' });
    if (!this.#kept('read the head again after the tags')) return this.#finish(world, run, headOf(world));
    return this.#to(world, { ...run, at: 'reread' });
  }

  // engine/release/apply.ts applyHead: the head is read again, and its release applied if it is a newer one
  readHeadAgain(): readonly Move[] {
    const { applying, commit } = this.#run;
    return this.#readHead().map(({ head, world, text }) => {
      const run = this.#run;
      if (head.id === applying?.id) return this.#git(text, this.#finish(world, run, head));
      if (this.#kept('a head that went back is not a release')) {
        if (!isIn(applying, head)) {
          const exit = commit ? 'tags-incomplete' : 'branch-rewound';
          return this.#git(`${text}: it went back`, this.#end(world, run, exit));
        }
      } else if (head.sequence === applying?.sequence) {
        return this.#git(`${text}: the same number`, this.#finish(world, run, head));
      }
      if (this.#refuses(head)) return this.#refused(text, world);
      // Somebody merged the very release that was applied: another commit with its record.
      if (head.record === applying?.record) return this.#git(text, this.#finish(world, run, head));
      const newer: Run = { ...run, moved: true, applying: head, at: 'overtaken' };
      const next = world.moving === true ? this.#to(world, newer) : this.#applying(world, newer, head);
      return this.#git(`${text}: applies that`, next);
    });
  }

  // engine/release/put-tags.ts settleTags: whether the newer release's tags name an older one, which this run may have put itself
  isOvertaken(): readonly Move[] {
    const { applying } = this.#run;
    if (!applying) return [];
    return this.#readTags(IMAGES.map((image) => targetTag(image))).map(({ values, world, text }) => {
      const older = new Set(
        historyOf(applying)
          .slice(1)
          .map(({ version }) => version),
      );
      const isBehind = values.some((value) => value !== applying.version && older.has(value));
      const behind = isBehind && this.#kept('a run that was overtaken deploys the newer release again');
      const next = this.#applying(world, { ...this.#run, behind }, applying);
      return this.#registry(`reads whether the newer release's tags are late: ${text}`, next);
    });
  }

  // cli/finish.ts, engine/release/apply.ts requireComplete. What exit code 0 claims is judged here, before it is forgotten.
  #finish(world: World, run: Run, seen: Commit): World {
    const isIncomplete = run.images.some(({ at }) => at === 'failed');
    // engine/release/apply.ts finish: behind the tags, where it could not come before them
    const isLate = run.late === 'behind' || this.#cameLate(world, run);
    const waits = isIncomplete && run.operation.kind === 'apply';
    if (isLate && !waits && seen.id === run.applying?.id)
      return this.#to(world, { ...run, at: 'deploy', late: 'behind' });
    if (isIncomplete) return this.#end(world, run, 'tags-incomplete');
    return this.#end({ ...world, broken: world.broken ?? brokenByExit(world, run, seen) }, run, 'ok');
  }

  // engine/release/late-tags.ts cameLate, isOld: a run knows what it committed, and what named another release before
  #cameLate({ moving, old }: World, { commit, applying, behind }: Run): boolean {
    const own = commit !== undefined && commit === applying && !commit.again;
    const isOld = moving === true && applying !== undefined && old?.includes(applying.id) === true;
    const found = behind === true && this.#kept('late tags are deployed again');
    return isOld && (own || found) && this.#kept('a run that was slow deploys again itself');
  }

  /** What a run knew goes with it: fewer states to look at. */
  #end(world: World, { name, operation }: Run, exit: Exit): World {
    return this.#to(world, { ...newRun(name, operation), at: 'ended', exit });
  }

  #to(world: World, run: Run): World {
    return { ...world, runs: world.runs.with(this.#index, run) };
  }

  /** A read of the head: the truth, or what a lagging replica still has. */
  #readHead(): readonly { readonly head: Commit; readonly world: World; readonly text: string }[] {
    const [head, ...older] = this.#world.heads;
    const { left } = this.#world;
    const say = (commit: Commit): string => `reads the head: release ${commit.sequence} = v${commit.version}`;
    const stale = left.staleHead > 0 ? older.filter(({ id }) => id !== head.id) : [];
    return [
      { head, world: this.#world, text: say(head) },
      ...stale.map((old) => ({
        head: old,
        world: { ...this.#world, left: { ...left, staleHead: left.staleHead - 1 } },
        text: `${say(old)} (stale)`,
      })),
    ];
  }

  /** A read of tags: the truth, or what a lagging replica still has. */
  #readTags(
    tags: readonly string[],
  ): readonly { readonly values: readonly number[]; readonly world: World; readonly text: string }[] {
    const { left } = this.#world;
    const found = tags.map((tag) => tagOf(this.#world, tag));
    const fresh = found.map(({ now }) => now);
    const stale = found.map(({ was }) => was);
    const say = (values: readonly number[]): string =>
      values.map((value) => (value ? `v${value}` : 'absent')).join(', ');
    const reads = [{ values: fresh, world: this.#world, text: say(fresh) }];
    if (left.staleTag > 0 && say(stale) !== say(fresh)) {
      const world = { ...this.#world, left: { ...left, staleTag: left.staleTag - 1 } };
      reads.push({ values: stale, world, text: `${say(stale)} (stale)` });
    }
    return reads;
  }

  #git(text: string, world: World): Move {
    return { talks: [{ from: this.#run.name, to: 'Git', text }], world };
  }

  #registry(text: string, world: World): Move {
    return { talks: [{ from: this.#run.name, to: 'registry', text }], world };
  }
}

/** Whether a run rolls back: it was asked to, or what it looked at failed. */
function goesBack({ operation, failed }: Run): boolean {
  return operation.kind === 'rollback' || (operation.kind === 'verify' && failed === true);
}

function countOf(entries: number): string {
  return entries === 1 ? '1 entry' : `${entries} entries`;
}

function isDone(progress: Progress | undefined): boolean {
  return progress?.at === 'right' || progress?.at === 'failed';
}

/** The promise that exit code 0 breaks: of a run that has put tags, and has just read the head for the last time. */
function brokenByExit(world: World, { name, images, commit, applying }: Run, seen: Commit): string | undefined {
  if (images.some(({ at }) => at !== 'right')) return `${name} ends with exit code 0 and has not read every tag back`;
  const hidden = hiddenBy(seen);
  if (hidden) return `${name} ends with exit code 0, and a merge hides release ${hidden.sequence}`;
  if (commit && !isIn(commit, seen)) return `${name} ends with exit code 0 and sees the branch without its release`;
  for (const image of IMAGES) {
    const { by, now } = tagOf(world, targetTag(image));
    if (applying && by === name && now !== applying.version) {
      return `${name} ends with exit code 0 for v${applying.version} and leaves ${targetTag(image)} at v${now} itself`;
    }
  }
  return undefined;
}
