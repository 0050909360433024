// The source commits between versions of images: what plans, `diff`, `show` and pull requests say of them, and who is asked. The image
// says itself where it was built from, so every row is one that somebody with a registry to write to could make.
import { describe, expect, it } from 'vitest';
import type { Context } from '../../../src/engine/context.ts';
import { diff } from '../../../src/engine/diff.ts';
import { show } from '../../../src/engine/read/history.ts';
import { promote } from '../../../src/engine/release/promote.ts';
import type { SourceChange } from '../../../src/engine/read/source-changes.ts';
import type { SourceEnds, SourceRange } from '../../../src/model/build-source.ts';
import { TagflowError } from '../../../src/model/errors.ts';
import type { ObjectId } from '../../../src/model/object-id.ts';
import { parseTag } from '../../../src/model/reference.ts';
import { diffView } from '../../../src/views/diff.ts';
import { plannedView } from '../../../src/views/outcome.ts';
import { showView } from '../../../src/views/show.ts';
import { type Bench, configOf, createBench, repositoryOf, withPorts } from '../../support/engine.ts';
import { type SourceWords, imageFrom } from '../../support/build-sources.ts';
import { formatText as spoken } from '../../../src/views/text.ts';

const WEB = 'https://github.com/acme/django';
const [A, B] = ['a'.repeat(40) as ObjectId, 'b'.repeat(40) as ObjectId];
const RANGE: SourceRange = {
  direction: 'forward',
  total: 12,
  commits: [
    {
      id: B,
      author: 'Ana',
      time: Date.UTC(2026, 10, 29),
      message: 'Round totals as the tax office does\n\nCloses #12, SHOP-7',
    },
    { id: A, author: 'Bo', time: Date.UTC(2026, 10, 28), message: 'A cart that forgets nothing' },
  ],
};

/** A bench whose dev runs V5.0 and whose stg ran V4.9 of an image that says where it is from. */
async function world(
  options: {
    readonly before?: SourceWords;
    readonly after?: SourceWords;
    readonly sources?: string;
    readonly stg?: string;
  } = {},
): Promise<{
  readonly bench: Bench;
  readonly asked: (SourceEnds & { url: string })[];
  context(answer?: unknown): Context;
}> {
  const { before = { source: WEB, revision: A }, after = { source: `${WEB}.git`, revision: B } } = options;
  const { sources = 'sources: { repositories: [https://github.com/acme/*] }' } = options;
  const bench = createBench({ config: `${configOf({ stg: options.stg ?? '' })}\n${sources}\n` });
  for (const [version, labels] of [
    ['V4.9', before],
    ['V5.0', after],
  ] as const) {
    const image = imageFrom(version, { annotations: labels });
    bench.registry.publish(repositoryOf('django'), image, parseTag(version));
  }
  await bench.released('dev', { django: 'V4.9', mariadb: 'V10.6' });
  const first = await bench.promote('stg');
  if (first.kind === 'proposed') await bench.forge.merge(first.pullRequest.number);
  await bench.released('dev', { django: 'V5.0', mariadb: 'V10.6' });
  const asked: (SourceEnds & { url: string })[] = [];
  return {
    bench,
    asked,
    context: (answer = RANGE) =>
      withPorts(bench.context(), {
        outside: {
          compareSource: async (url, ends) => {
            asked.push({ url, ...ends });
            if (answer instanceof Error) throw answer;
            return answer === 'nothing' ? undefined : (answer as SourceRange);
          },
        },
      }),
  };
}

const changeOf = async (context: Context): Promise<SourceChange | undefined> =>
  (await diff(context, 'dev', 'stg')).sources?.find(({ image }) => image === 'django');

describe('the commits between two versions', () => {
  it('are listed by diff, with issues and a page that compares them', async () => {
    const { context, asked } = await world();
    expect(await changeOf(context())).toMatchObject({
      repository: WEB,
      from: A,
      to: B,
      told: 'annotation',
      direction: 'forward',
      total: 12,
      issues: ['#12', 'SHOP-7'],
      link: `${WEB}/compare/${A}...${B}`,
      missing: undefined,
    });
    expect(asked).toEqual([{ url: WEB, from: A, to: B }]);
    expect(spoken(diffView(await diff(context(), 'dev', 'stg')))).toContain(
      [
        `source commits of django: 12 commits, ${WEB}/compare/${A}...${B}`,
        '  bbbbbbb Round totals as the tax office does (Ana)',
        '  aaaaaaa A cart that forgets nothing (Bo)',
        '  and 10 more',
        '  issues: #12, SHOP-7',
      ].join('\n'),
    );
  });

  it('come with a plan', async () => {
    const { context } = await world();
    const outcome = await promote(context(), { kind: 'promote', environment: 'stg', versions: {} }, { dryRun: true });
    if (outcome.kind !== 'planned') throw new Error(outcome.kind);
    expect(outcome.sources).toMatchObject([{ image: 'django', total: 12 }]);
    expect(plannedView(outcome).data['sources']).toMatchObject([{ image: 'django', missing: null, total: 12 }]);
  });

  it('are not asked for by a promotion that is done', async () => {
    const { context, asked } = await world();
    const outcome = await promote(context(), { kind: 'promote', environment: 'stg', versions: {} });
    expect(outcome.kind).toBe('released');
    expect(asked).toEqual([]);
  });

  it('stand in a pull request, where nothing of them mentions anybody or links an issue', async () => {
    const { context, bench } = await world({ stg: 'pullRequest: true' });
    const [first, ...more] = RANGE.commits;
    const hostile = {
      ...RANGE,
      commits: [{ ...first!, author: '@all', message: 'see #1 `x` | <img src=x>' }, ...more],
    };
    await promote(context(hostile), { kind: 'promote', environment: 'stg', versions: {} });
    const { body } = bench.forge.pullRequests.at(-1)!;
    expect(body).toContain(`12 source commits in \`django\` (<${WEB}/compare/${A}...${B}>):`);
    expect(body).toContain('- bbbbbbb `` see #1 `x` | <img src=x> `` by `@all`');
    expect(body).toContain('- and 10 more');
  });

  it('are shown with the release that brought them', async () => {
    const { context } = await world();
    const release = await show(context(), 'dev', { now: true });
    expect(spoken(showView(release, 0))).toContain('source commits of django: 12 commits');
    expect(await show(context(), 'dev', { release: 1 })).toMatchObject({
      sources: [{ missing: 'the image is new here' }, { missing: 'the image is new here' }],
    });
  });

  it.each<[string, SourceRange, string]>([
    ['an older build', { ...RANGE, direction: 'back' }, '12 commits are taken back'],
    [
      'a build of another branch',
      { ...RANGE, direction: 'apart' },
      '12 commits of a branch that the version before is not on',
    ],
    ['a build of the same commit', { direction: 'same', commits: [], total: 0 }, 'built again from the same commit'],
  ])('%s is named as what it is', async (_what, range, words) => {
    const { context } = await world();
    expect(spoken(diffView(await diff(context(range), 'dev', 'stg')))).toContain(`source commits of django: ${words}`);
  });

  it.each<[string, Parameters<typeof world>[0] & { readonly answer?: unknown }, string, number]>([
    ['an image that says nothing', { after: {} }, 'the image does not say where it was built from', 0],
    [
      'a version before that says nothing',
      { before: {} },
      'of the version before: the image does not say where it was built from',
      0,
    ],
    [
      'a revision that is not a commit',
      { after: { source: WEB, revision: 'main' } },
      'its annotations name "main", which is not a full commit id',
      0,
    ],
    [
      'a repository that is not listed',
      {
        before: { source: 'https://evil.example/x', revision: A },
        after: { source: 'https://evil.example/x', revision: B },
      },
      'https://evil.example/x is not listed under sources in tagflow.yaml',
      0,
    ],
    [
      'a secret project on the same forge',
      {
        before: { source: 'https://github.com/secret/x', revision: A },
        after: { source: 'https://github.com/secret/x', revision: B },
      },
      'https://github.com/secret/x is not listed under sources in tagflow.yaml',
      0,
    ],
    [
      'a repository that was moved',
      { before: { source: 'https://github.com/acme/old', revision: A } },
      'the version before was built from another repository, https://github.com/acme/old',
      0,
    ],
    ['commits that nobody has', { answer: 'nothing' }, `${WEB} does not have these commits, or does not show them`, 1],
    [
      'a forge that fails, in words of its own',
      {
        answer: new TagflowError('forge-unavailable', { what: 'github.com failed', why: 'it said \u202e::error::x\n' }),
      },
      String.raw`github.com failed: it said \u{202e}::error::x\x0a`,
      1,
    ],
  ])('%s is said in one line, and fails nothing', async (_what, { answer, ...options }, missing, asks) => {
    const { context, asked } = await world(options);
    expect(await changeOf(context(answer))).toMatchObject({ missing, commits: [] });
    expect(asked.length).toBe(asks);
  });

  it('is asked of nobody where the configuration has no sources', async () => {
    const { context, asked } = await world({ sources: '' });
    const difference = await diff(context(), 'dev', 'stg');
    expect(difference.sources).toBeUndefined();
    expect(diffView(difference).data['sources']).toBeNull();
    expect(asked).toEqual([]);
  });
});
