// A developer who may push to dev alone, and wants to stop everybody. Every command ends within bounds of time and memory, says
// what it did not read, and serves the other environments. The bounds are the operating system's: processor time by ulimit, and
// the memory that Node may use.
import { beforeAll, describe, expect, it } from 'vitest';
import type { CliOptions } from '../support/cli.ts';
import { succeeded } from '../support/cli.ts';
import { type TestPipeline, describeReleased, releaseOf } from '../support/pipeline.ts';
import { describeReal } from '../support/real.ts';

const { fork } = describeReleased();
const BOUNDED: CliOptions = {
  under: ['sh', '-c', 'ulimit -t 10; exec "$@"', 'sh'],
  env: { NODE_OPTIONS: '--max-old-space-size=160' },
};

/** Puts a tree at environments/dev/NAME of the branch dev. */
async function putOnDev({ repository }: TestPipeline, name: string, tree: string): Promise<void> {
  const { git } = repository;
  const folder = await git(['ls-tree', 'dev:environments/dev']);
  const dev = (await git(['mktree'], `${folder}040000 tree ${tree}\t${name}\n`)).trim();
  const others = (await git(['ls-tree', 'dev:environments']))
    .split('\n')
    .filter((line) => line !== '' && !line.endsWith('\tdev'));
  const environments = (await git(['mktree'], `${[...others, `040000 tree ${dev}\tdev`].join('\n')}\n`)).trim();
  const top = (await git(['ls-tree', 'dev']))
    .split('\n')
    .filter((line) => line !== '' && !line.endsWith('\tenvironments'));
  const root = (await git(['mktree'], `${[...top, `040000 tree ${environments}\tenvironments`].join('\n')}\n`)).trim();
  const author = ['-c', 'user.name=eve', '-c', 'user.email=eve@example.org'];
  const commit = (await git([...author, 'commit-tree', root, '-p', 'dev', '-m', 'tidy up'])).trim();
  await git(['update-ref', 'refs/heads/dev', commit]);
}

const HOSTILE: readonly (readonly [string, (pipeline: TestPipeline) => Promise<void>])[] = [
  [
    'a tree of 10^9 paths',
    async (pipeline) => {
      const { git } = pipeline.repository;
      const blob = (await git(['hash-object', '-w', '--stdin'], 'x: 1\n')).trim();
      const ten = Array.from({ length: 10 }, (_, index) => index);
      let tree = (await git(['mktree'], ten.map((index) => `100644 blob ${blob}\tf${index}.yaml\n`).join(''))).trim();
      for (let level = 0; level < 8; level += 1) {
        const folder = tree;
        tree = (await git(['mktree'], ten.map((index) => `040000 tree ${folder}\td${index}\n`).join(''))).trim();
      }
      await putOnDev(pipeline, 'bomb', tree);
    },
  ],
  [
    '300,000 manifests',
    async (pipeline) => {
      const { git } = pipeline.repository;
      const blob = (await git(['hash-object', '-w', '--stdin'], 'x: 1\n')).trim();
      const names = Array.from(
        { length: 300_000 },
        (_, index) => `100644 blob ${blob}\tf${String(index).padStart(6, '0')}.yaml\n`,
      );
      await putOnDev(pipeline, 'many', (await git(['mktree'], names.join(''))).trim());
    },
  ],
  [
    'a folder within a folder, 3,000 times',
    async (pipeline) => {
      const { git } = pipeline.repository;
      const blob = (await git(['hash-object', '-w', '--stdin'], 'x: 1\n')).trim();
      const objects = [
        `blob\nmark :1\ndata 5\nx: 1\n\n`,
        'commit refs/heads/deep\ncommitter e <e@e> 1 +0000\ndata 0\n',
      ];
      await git(
        ['fast-import', '--quiet', '--force'],
        `${objects.join('')}M 100644 ${blob} ${'d/'.repeat(1500)}f.yaml\n`,
      );
      await putOnDev(pipeline, 'deep', (await git(['rev-parse', 'deep^{tree}'])).trim());
      await git(['update-ref', '-d', 'refs/heads/deep']);
    },
  ],
  [
    'manifests of 200 MB together',
    async (pipeline) => {
      const { git } = pipeline.repository;
      const lines: string[] = [];
      for (let index = 0; index < 10; index += 1) {
        const blob = (await git(['hash-object', '-w', '--stdin'], `# ${index}\n${'x'.repeat(20e6)}`)).trim();
        lines.push(`100644 blob ${blob}\tf${index}.yaml\n`);
      }
      await putOnDev(pipeline, 'large', (await git(['mktree'], lines.join(''))).trim());
    },
  ],
  [
    'a record of 60 MB',
    async ({ repository }) => {
      await repository.commit('dev', { '.tagflow/releases/dev.yaml': `# x\n${'y'.repeat(60e6)}` });
    },
  ],
  [
    'a record of 200,000 levels',
    async ({ repository }) => {
      await repository.commit('dev', { '.tagflow/releases/dev.yaml': `schema: ${'['.repeat(200_000)}` });
    },
  ],
];

describeReal('a hostile commit on dev', ['git', 'sh'], () => {
  describe.each(HOSTILE)('%s', (_, plant) => {
    let pipeline: TestPipeline;
    beforeAll(async () => {
      pipeline = await fork();
      await plant(pipeline);
    }, 120_000);

    it.each([
      ['history', 'prd'],
      ['check', 'prd'],
      ['apply', 'prd'],
      ['rollback', 'prd', '--dry-run'],
    ])('keeps nobody from: tagflow %s %s %s', async (...args) => {
      const result = await pipeline.tagflow(args.filter(Boolean), BOUNDED);
      // Nothing to go back to is an answer as well: prd has one release.
      expect([0, 3, 4]).toContain(result.exit);
      expect(result.stderr).not.toContain('heap');
    });

    it.each([[['status']], [['status', 'prd']]])('leaves prd whole in tagflow %j', async (args) => {
      expect(succeeded(await pipeline.tagflow(args, BOUNDED))).toMatch(/^prd +django +V4\.0 .*✓.*✓/m);
    });

    it.each([
      ['check'],
      ['promote', 'stg', '--dry-run'],
      ['promote', 'dev', 'django=V4.2', '--dry-run'],
      ['apply', '--all'],
    ])('is answered within bounds: tagflow %s %s %s %s', async (...args) => {
      const result = await pipeline.tagflow(args.filter(Boolean), BOUNDED);
      expect([0, 2, 3, 7]).toContain(result.exit);
    });
  });
});

describeReal('a server that talks without end', ['git', 'sh', 'head', 'fold'], () => {
  const FLOOD = 'head -c 150000000 /dev/zero | tr "\\0" "x" | fold -w 200 >&2';

  it('does not make a defect of a push that it accepted', async () => {
    const pipeline = await fork();
    await pipeline.repository.hook('post-receive', FLOOD);
    succeeded(await pipeline.tagflow(['promote', 'stg'], BOUNDED));
    expect((await releaseOf(pipeline, 'stg')).sequence).toBe(2);
  });

  it('is quoted in its first and last words when it refuses', async () => {
    const pipeline = await fork();
    await pipeline.repository.hook('pre-receive', `echo "first word" >&2; ${FLOOD}; exit 1`);
    const result = await pipeline.tagflow(['promote', 'stg'], BOUNDED);
    expect(result).toFail({ code: 'push-denied', why: /first word/ });
    expect(result.stderr.length).toBeLessThan(5_000);
  });
});
