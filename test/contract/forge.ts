// The contract of every Forge: the one in memory, and the adapters of GitHub and GitLab over the wire.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CommitStatus, Forge, PullRequest, PullRequestDraft } from '../../src/forge/forge.ts';
import type { BranchName, ObjectId } from '../../src/model/object-id.ts';
import { failureOf } from '../support/failure.ts';
import type { ForgeUser, GivenProtection, GivenReview, KeptPullRequest, MergeMethod } from '../support/memory-forge.ts';

/** A forge with a repository that a contract test can look into, and change behind the adapter's back. */
export interface ForgeWorld {
  /** The adapter for a process of its own; by default of one who may write. */
  forge(as?: { readonly user?: ForgeUser; readonly signal?: AbortSignal }): Forge;
  /** Puts a commit with these files on a branch; a new one begins at `from`, by default `main`, which is there at the start. */
  commit(branch: string, files: Readonly<Record<string, string>>, from?: string): Promise<ObjectId>;
  head(branch: string): Promise<ObjectId | undefined>;
  merge(number: number, method?: MergeMethod): Promise<unknown>;
  closeByHand(number: number): Promise<void>;
  openFromFork(branch: string, target: string): Promise<number>;
  /** Opens one from each of that many new branches, all where `from` is; their numbers. */
  openMany(count: number, from: string, target: string): Promise<readonly number[]>;
  /** Everything that was ever opened, lowest number first. */
  kept(): Promise<readonly KeptPullRequest[]>;
  /** Reviews one, as a person or a bot does. */
  review(number: number, given: GivenReview): Promise<void> | void;
  /** Protects branches, as the people do who own the repository. */
  protect(given: GivenProtection): void;
  /** Shows nobody how branches are protected. */
  hideRules(): void;
  /** Reports a status of a commit, as CI systems, Flux and Argo CD do. */
  reportStatus(commit: ObjectId, status: CommitStatus): void;
  /** Lets the answer to the next opening be lost, after it took effect. */
  loseNextOpening(): void;
  stop(): Promise<void>;
}

const PRD = 'env/prd' as BranchName;
const STG = 'env/stg' as BranchName;
const SIDE = 'tagflow/prd/8-1a2b3c4d5e6f' as BranchName;
const LATER = 'tagflow/prd/8-9f8e7d6c5b4a' as BranchName;

/** More than a page of GitHub's or GitLab's can hold. */
const MANY = 103;

// Nothing of it is markup, a line or a header for anybody who carries it: what a person may type in `--reason`, or a commit subject say.
const HOSTILE =
  'a "quoted" \\ back\\slash, ünï ✓ 😀, %0d%0a, ${x} `code` <script>alert(1)</script> & {"json": [1]} @all #1 /close';

/** Runs the contract over worlds that `create` makes, one for each test. */
export function describeForgeContract(title: string, create: () => Promise<ForgeWorld>): void {
  describe(`${title}: the contract of a forge`, () => {
    let world: ForgeWorld;
    let forge: Forge;
    let head: ObjectId;

    beforeEach(async () => {
      world = await create();
      forge = world.forge();
      await world.commit(PRD, { 'environments/prd/app.yaml': 'v1\n' });
      head = await world.commit(SIDE, { 'environments/prd/app.yaml': 'v2\n' }, PRD);
    });
    afterEach(async () => world.stop());

    it('gives the statuses of a commit, all pages of them', async () => {
      expect(await forge.statuses(head)).toEqual([]);
      const reported: readonly CommitStatus[] = [
        { name: 'kustomization/shop/1a2b', state: 'success', description: HOSTILE },
        { name: 'ci/e2e', state: 'failure', description: '' },
        ...Array.from({ length: MANY }, (_, index) => ({
          name: `ci/${index}`,
          state: 'pending' as const,
          description: '',
        })),
      ];
      for (const status of reported) world.reportStatus(head, status);
      const found = await forge.statuses(head);
      expect(new Set(found)).toEqual(new Set(reported));
      world.reportStatus(head, { name: 'ci/e2e', state: 'success', description: 'at last' });
      expect((await forge.statuses(head)).filter(({ name }) => name === 'ci/e2e')).toEqual([
        { name: 'ci/e2e', state: 'success', description: 'at last' },
      ]);
    });

    it('sets a status, and replaces the one of that name; a reader may not', async () => {
      const status = { name: 'tagflow/gates', state: 'pending', description: 'approvals: wait' } as const;
      await forge.report(head, status);
      expect(await forge.statuses(head)).toEqual([status]);
      await forge.report(head, status);
      await forge.report(head, { ...status, state: 'success', description: '' });
      expect(await forge.statuses(head)).toEqual([{ ...status, state: 'success', description: '' }]);
      const error = await failureOf(world.forge({ user: 'reader' }).report(head, status));
      expect(error).toMatchObject({ code: 'forbidden' });
    });

    describe('comparing two commits', () => {
      const APP = 'acme/app';
      let older: ObjectId;
      let newer: ObjectId;
      beforeEach(async () => {
        older = (await world.head(PRD))!;
        newer = await world.commit(SIDE, { 'environments/prd/app.yaml': 'v3\n' });
      });
      const compare = async (from: ObjectId, to: ObjectId, project = APP) => forge.compare(project, { from, to });

      it('lists what came in between, newest first', async () => {
        const found = await compare(older, newer);
        expect(found).toMatchObject({ direction: 'forward', total: 2 });
        expect(found?.commits.map(({ id }) => id)).toEqual([newer, head]);
        expect(found?.commits[0]).toMatchObject({ author: expect.any(String), message: expect.any(String) });
        expect(found?.commits[0]?.time).toBeGreaterThan(0);
      });

      it('lists what is left, where the new one is older', async () => {
        const found = await compare(newer, older);
        expect(found).toMatchObject({ direction: 'back', total: 2 });
        expect(found?.commits.map(({ id }) => id)).toEqual([newer, head]);
      });

      it('lists what the new one alone has, where they parted', async () => {
        const beside = await world.commit(LATER, { 'environments/prd/app.yaml': 'v9\n' }, PRD);
        expect(await compare(newer, beside)).toMatchObject({
          direction: 'apart',
          total: 1,
          commits: [{ id: beside }],
        });
      });

      it('lists nothing of one and the same', async () => {
        expect(await compare(newer, newer)).toEqual({ direction: 'same', commits: [], total: 0 });
      });

      it('knows nothing of commits and projects that the forge does not show', async () => {
        const strange = '0123456789012345678901234567890123456789' as ObjectId;
        expect(await compare(strange, newer)).toBeUndefined();
        expect(await compare(newer, strange)).toBeUndefined();
        expect(await compare(older, newer, 'acme/secret')).toBeUndefined();
        expect(await compare(older, newer, '../app')).toBeUndefined();
      });
    });

    describe('reviews', () => {
      let opened: PullRequest;
      beforeEach(async () => {
        opened = await forge.open(draft());
      });
      const verdicts = async (commit = head): Promise<readonly string[] | undefined> =>
        (await world.forge().reviews(commit, PRD))?.reviews.map(({ by, verdict }) => `${by} ${verdict}`).toSorted();

      it('has none at first, and knows who opened it and whose commits are in it', async () => {
        const found = await forge.reviews(head, PRD);
        expect(found).toMatchObject({ pullRequest: { number: opened.number, url: opened.url }, reviews: [] });
        expect(found?.authors).toEqual(expect.arrayContaining(['opener', 'test@example.org']));
      });

      it('is not of a commit that no pull request has, nor onto another branch', async () => {
        await world.commit(STG, { 'environments/stg/app.yaml': 'v1\n' });
        expect(await forge.reviews((await world.head(PRD))!, PRD)).toBeUndefined();
        expect(await forge.reviews(head, STG)).toBeUndefined();
        expect(await forge.reviews('0123456789012345678901234567890123456789' as ObjectId, PRD)).toBeUndefined();
      });

      it('gives the newest word of each person, comments aside', async () => {
        await world.review(opened.number, { by: 'ana', verdict: 'objected' });
        await world.review(opened.number, { by: 'bo', verdict: 'approved' });
        await world.review(opened.number, { by: 'ana', verdict: 'approved' });
        await world.review(opened.number, { by: 'ana', verdict: 'comment' });
        await world.review(opened.number, { by: 'cy', verdict: 'objected' });
        expect(await verdicts()).toEqual(['ana approved', 'bo approved', 'cy objected']);
      });

      it('leaves out what was taken back, bots, and people who may only look', async () => {
        await world.review(opened.number, { by: 'ana', verdict: 'approved' });
        await world.review(opened.number, { by: 'ana', verdict: 'withdrawn' });
        await world.review(opened.number, { by: 'renovate', verdict: 'approved', isBot: true });
        await world.review(opened.number, { by: 'visitor', verdict: 'approved', mayWrite: false });
        expect(await verdicts()).toEqual([]);
      });

      it('leaves out what was said of an older head', async () => {
        await world.review(opened.number, { by: 'ana', verdict: 'approved' });
        await world.review(opened.number, { by: 'bo', verdict: 'objected' });
        const moved = await world.commit(SIDE, { 'environments/prd/app.yaml': 'v4\n' });
        expect(await verdicts(moved)).toEqual([]);
        await world.review(opened.number, { by: 'ana', verdict: 'approved' });
        expect(await verdicts(moved)).toEqual(['ana approved']);
      });

      it.each(['merge', 'squash', 'fast-forward'] as const)('is there after it was merged: %s', async (method) => {
        await world.review(opened.number, { by: 'ana', verdict: 'approved' });
        await world.merge(opened.number, method);
        expect(await verdicts(await world.head(PRD))).toEqual(['ana approved']);
      });

      it('is not of one that was closed, or that a fork opened', async () => {
        await world.review(opened.number, { by: 'ana', verdict: 'approved' });
        await world.closeByHand(opened.number);
        expect(await verdicts()).toBeUndefined();
        await world.openFromFork(SIDE, PRD);
        expect(await verdicts()).toBeUndefined();
      });

      it('gives all of them, however many pages they are on', async () => {
        for (let index = 0; index < MANY; index += 1)
          await world.review(opened.number, { by: `reviewer-${index}`, verdict: 'approved' });
        expect(await verdicts()).toHaveLength(MANY);
      });
    });

    it('has no status of a commit that it does not have', async () => {
      expect(await forge.statuses('0123456789012345678901234567890123456789' as ObjectId)).toEqual([]);
    });

    const draft = (more: Partial<PullRequestDraft> = {}): PullRequestDraft => ({
      branch: SIDE,
      target: PRD,
      title: 'release 8 of prd',
      body: 'two images',
      ...more,
    });
    const states = async (): Promise<readonly string[]> =>
      (await world.kept()).map(({ number, state }) => `#${number} ${state}`);

    describe('opening', () => {
      it('opens one that people find', async () => {
        const opened = await forge.open(draft());
        expect(opened).toEqual({ number: opened.number, url: opened.url, branch: SIDE, target: PRD, head });
        expect(new URL(opened.url).pathname).toMatch(new RegExp(`/${opened.number}$`));
        expect(await world.kept()).toMatchObject([
          {
            number: opened.number,
            branch: SIDE,
            target: PRD,
            title: 'release 8 of prd',
            body: 'two images',
            state: 'open',
          },
        ]);
      });

      it('gives the open one when it is asked again, as it is', async () => {
        const first = await forge.open(draft());
        const second = await world.forge().open(draft({ title: 'another title', body: 'another body' }));
        expect(second).toEqual(first);
        expect(await world.kept()).toMatchObject([{ title: 'release 8 of prd', body: 'two images' }]);
      });

      it('opens another one where the last was closed', async () => {
        const first = await forge.open(draft());
        await world.closeByHand(first.number);
        const second = await forge.open(draft());
        expect(second.number).toBeGreaterThan(first.number);
        expect(await states()).toEqual([`#${first.number} closed`, `#${second.number} open`]);
      });

      it('opens one for each branch onto a target, and for each target of a branch', async () => {
        await world.commit(LATER, { 'environments/prd/app.yaml': 'v3\n' });
        await world.commit(STG, { 'environments/stg/app.yaml': 'v1\n' });
        const opened = [
          await forge.open(draft()),
          await forge.open(draft({ branch: LATER })),
          await forge.open(draft({ target: STG })),
        ];
        expect(new Set(opened.map(({ number }) => number)).size).toBe(3);
      });

      it('takes no notice of one that a fork opened from a branch of that name', async () => {
        const foreign = await world.openFromFork(SIDE, PRD);
        expect((await forge.open(draft())).number).toBeGreaterThan(foreign);
      });

      it('hands over title and text as they are', async () => {
        const body = `${HOSTILE}\n\n| a | b |\n|---|---|\n\ttab\n`;
        await forge.open(draft({ title: HOSTILE, body }));
        expect(await world.kept()).toMatchObject([{ title: HOSTILE, body }]);
      });

      it.each([
        ['the branch', { branch: 'tagflow/prd/none' as BranchName }],
        ['the target', { target: 'env/none' as BranchName }],
      ])('says that the forge will not have it when %s is not there', async (_which, more) => {
        const error = await failureOf(forge.open(draft(more)));
        expect(error).toMatchObject({ code: 'forge-refused', message: expect.stringContaining('none') });
        expect(error.why).toBeTruthy();
        expect(await world.kept()).toEqual([]);
      });

      it('leaves exactly one open when an answer was lost and it is asked again', async () => {
        world.loseNextOpening();
        const first = await forge.open(draft()).catch((error: unknown) => error);
        const opened = await forge.open(draft());
        expect([opened, expect.objectContaining({ code: 'forge-unavailable' })]).toContainEqual(first);
        expect(await forge.openOnto(PRD)).toEqual([opened]);
        expect(await states()).toEqual([`#${opened.number} open`]);
      });
    });

    describe('listing', () => {
      it('has none at first', async () => {
        expect(await forge.openOnto(PRD)).toEqual([]);
      });

      it('gives those onto the branch, lowest number first', async () => {
        await world.commit(LATER, { 'environments/prd/app.yaml': 'v3\n' });
        await world.commit(STG, { 'environments/stg/app.yaml': 'v1\n' });
        const later = await forge.open(draft({ branch: LATER }));
        await forge.open(draft({ target: STG }));
        const side = await forge.open(draft());
        expect(await world.forge().openOnto(PRD)).toEqual([later, side]);
      });

      it('leaves out what is closed, merged, or from a fork', async () => {
        for (const branch of ['one', 'two', 'three']) await world.commit(branch, { [branch]: 'x\n' });
        const [one, two, three] = [
          await forge.open(draft({ branch: 'one' as BranchName })),
          await forge.open(draft({ branch: 'two' as BranchName })),
          await forge.open(draft({ branch: 'three' as BranchName })),
        ];
        await world.openFromFork('one', PRD);
        await world.closeByHand(one.number);
        await world.merge(two.number);
        expect(await forge.openOnto(PRD)).toEqual([three]);
      });

      it('knows the head that a branch was moved to since', async () => {
        const opened = await forge.open(draft());
        const moved = await world.commit(SIDE, { 'environments/prd/app.yaml': 'v4\n' });
        expect(await forge.openOnto(PRD)).toEqual([{ ...opened, head: moved }]);
      });

      it('gives all of them, however many pages they are on', async () => {
        const numbers = await world.openMany(MANY, SIDE, PRD);
        expect((await forge.openOnto(PRD)).map(({ number }) => number)).toEqual(numbers);
      });
    });

    describe('closing', () => {
      let opened: PullRequest;
      beforeEach(async () => {
        opened = await forge.open(draft());
      });

      it('closes it, says why, and removes its branch', async () => {
        await forge.close(opened, 'superseded by #13');
        expect(await world.kept()).toMatchObject([{ state: 'closed', comments: ['superseded by #13'] }]);
        expect(await world.head(SIDE)).toBeUndefined();
        expect(await world.head(PRD)).toBeDefined();
      });

      it('hands over the comment as it is', async () => {
        await forge.close(opened, `${HOSTILE}\n\nsecond paragraph`);
        expect(await world.kept()).toMatchObject([{ comments: [`${HOSTILE}\n\nsecond paragraph`] }]);
      });

      it('leaves one that was closed meanwhile as it is, with its branch', async () => {
        await world.closeByHand(opened.number);
        await forge.close(opened, 'superseded by #13');
        expect(await world.kept()).toMatchObject([{ state: 'closed', comments: [] }]);
        expect(await world.head(SIDE)).toBe(head);
      });

      it('leaves one that was merged meanwhile as it is', async () => {
        await world.merge(opened.number);
        const merged = await world.head(PRD);
        // The branch of that name is somebody's work again.
        const again = await world.commit(SIDE, { 'environments/prd/app.yaml': 'v5\n' });
        await forge.close(opened, 'superseded by #13');
        expect(await world.kept()).toMatchObject([{ state: 'merged', comments: [] }]);
        expect([await world.head(PRD), await world.head(SIDE)]).toEqual([merged, again]);
      });

      it('closes one whose branch moved meanwhile, and leaves the branch', async () => {
        const moved = await world.commit(SIDE, { 'environments/prd/app.yaml': 'v4\n' });
        await forge.close(opened, 'superseded by #13');
        expect(await world.kept()).toMatchObject([{ state: 'closed', comments: ['superseded by #13'] }]);
        expect(await world.head(SIDE)).toBe(moved);
      });

      it('is not troubled by a branch that is gone', async () => {
        const others = await world.commit(LATER, { 'environments/prd/app.yaml': 'v3\n' });
        await forge.close(opened, 'superseded by #13');
        await forge.close(opened, 'superseded by #13');
        expect(await world.kept()).toMatchObject([{ comments: ['superseded by #13'] }]);
        expect(await world.head(LATER)).toBe(others);
      });
    });

    describe('rules', () => {
      const given = async (branch: BranchName): Promise<readonly string[]> => {
        const { closed, appendOnly, dismissal } = await forge.rules(branch);
        for (const { how } of [closed, appendOnly, dismissal]) expect(how).toMatch(/^[a-zG].*[^.]$/);
        return [closed.given, appendOnly.given, dismissal.given];
      };

      it('has none for a branch that nobody protected', async () => {
        expect(await given(PRD)).toEqual(['no', 'no', 'no']);
      });

      it.each<readonly [string, Omit<GivenProtection, 'branches'>, readonly string[]]>([
        ['chosen people push, and a push dismisses approvals', { dismisses: true }, ['yes', 'yes', 'yes']],
        ['approvals outlive a push', {}, ['yes', 'yes', 'no']],
        ['forced pushes are allowed', { isForced: true }, ['yes', 'no', 'no']],
        ['everybody who may write may push', { isOpen: true }, ['no', 'yes', 'no']],
      ])('tells of a protected branch: %s', async (_, how, expected) => {
        world.protect({ branches: PRD, ...how });
        expect(await given(PRD)).toEqual(expected);
        await world.commit(STG, { a: '1' });
        expect((await given(STG)).slice(0, 2)).toEqual(['no', 'no']);
      });

      it('tells of a pattern, for a branch that is not there yet', async () => {
        world.protect({ branches: 'tagflow/*' });
        expect((await given(LATER)).slice(0, 2)).toEqual(['yes', 'yes']);
      });

      it('says that it cannot tell what the token may not see, and does not guess', async () => {
        world.protect({ branches: PRD, dismisses: true });
        world.hideRules();
        const [closed, appendOnly, dismissal] = await given(PRD);
        expect(closed).not.toBe('no');
        expect([appendOnly, dismissal]).toEqual(['unknown', 'unknown']);
      });
    });

    describe('rights', () => {
      const calls: readonly (readonly [string, (forge: Forge) => Promise<unknown>])[] = [
        ['listing', async (as) => as.openOnto(PRD)],
        ['opening', async (as) => as.open(draft())],
        ['asking', async (as) => as.mayOpen()],
        ['reading rules', async (as) => as.rules(PRD)],
      ];
      it.each(calls)('does not know a stranger: %s', async (_name, call) => {
        const error = await failureOf(call(world.forge({ user: 'stranger' })));
        expect(error.code).toBe('unauthorized');
        expect(await world.kept()).toEqual([]);
      });

      it('lets one who may only read list, and not open or close', async () => {
        const opened = await forge.open(draft());
        await world.commit(LATER, { 'environments/prd/app.yaml': 'v3\n' });
        const reader = world.forge({ user: 'reader' });
        expect(await reader.openOnto(PRD)).toEqual([opened]);
        expect(await failureOf(reader.open(draft({ branch: LATER })))).toMatchObject({ code: 'forbidden' });
        expect(await failureOf(reader.close(opened, 'no more'))).toMatchObject({ code: 'forbidden' });
        expect(await world.kept()).toMatchObject([{ state: 'open', comments: [] }]);
        expect(await world.head(SIDE)).toBe(head);
      });

      it.each([
        ['writer', 'yes'],
        ['reader', 'no'],
      ] as const)('tells a %s whether they may open: %s', async (user, granted) => {
        expect(await world.forge({ user }).mayOpen()).toMatchObject({ granted, how: expect.any(String) });
      });

      it.each(calls)('begins nothing once it was told to stop: %s', async (_name, call) => {
        const error = await failureOf(call(world.forge({ signal: AbortSignal.abort() })));
        expect(error.code).toBe('interrupted');
        expect(await world.kept()).toEqual([]);
      });
    });

    describe('merging, as the people who use it do', () => {
      it.each(['merge', 'squash', 'fast-forward'] as const)('takes the commits over: %s', async (method) => {
        const opened = await forge.open(draft());
        const before = await world.head(PRD);
        await world.merge(opened.number, method);
        expect(await world.head(PRD)).not.toBe(before);
        expect(await states()).toEqual([`#${opened.number} merged`]);
      });
    });
  });
}
