// A commit made by hand whose tree no command may read: it is named, keeps nobody from the rest, and once it is undone everything
// continues. The program itself, over real Git.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { succeeded } from '../support/cli.ts';
import {
  type TestPipeline,
  changesNothing,
  createLayoutPipeline,
  firstReleases,
  forkPipeline,
  recordOf,
} from '../support/pipeline.ts';

const RECORD = '.tagflow/releases/prd.yaml';

describe('a case twin', () => {
  let original: TestPipeline;
  let pipeline: TestPipeline;
  beforeAll(async () => {
    original = await firstReleases(await createLayoutPipeline());
  });
  afterEach(async () => pipeline.remove());
  afterAll(async () => original.remove());

  /** Somebody puts a file beside another on prd, by hand. */
  async function twin(path: string): Promise<void> {
    pipeline = await forkPipeline(original);
    await pipeline.repository.commit('prd', { [path]: 'images: []\n' }, { message: 'a twin' });
  }

  it('of the record: nothing is built on it or changed, and it is said what is wrong', async () => {
    await twin('.tagflow/releases/Prd.yaml');
    for (const command of [
      ['promote', 'prd', 'django=V4.2'],
      ['rollback', 'prd'],
      ['apply', 'prd'],
    ]) {
      const result = await changesNothing(pipeline, async () => pipeline.tagflow(command));
      expect(result).toFail({
        code: 'tree-unsafe',
        what: /[Pp]rd\.yaml" is refused/,
        why: /"[Pp]rd\.yaml" is there too/,
      });
    }
  });

  it('is in the way of its own environment only: status and apply go on with the others', async () => {
    await twin('.tagflow/releases/Prd.yaml');
    const { environments } = JSON.parse(succeeded(await pipeline.tagflow(['status', '-o', 'json'])));
    expect(environments.map((one: { problem: { code: string } | null }) => one.problem?.code)).toEqual([
      undefined,
      undefined,
      'tree-unsafe',
    ]);
    expect((await pipeline.tagflow(['status', '--exit-code'])).exit).toBe(10);
    const applied = await pipeline.tagflow(['apply', '--all']);
    expect(applied.stdout).toMatch(/^dev +django +dev /m);
    expect(applied).toFail({ code: 'tree-unsafe' });
  });

  it('of a manifest: status shows the release, and that its pins cannot be read', async () => {
    await twin('environments/prd/Kustomization.yaml');
    const { environments } = JSON.parse(succeeded(await pipeline.tagflow(['status', 'prd', '-o', 'json'])));
    expect(environments[0].record.sequence).toBe((await recordOf(pipeline, 'prd')).sequence);
    expect(environments[0].images[0].branch.state).toBe('unknown');
  });

  it.each([
    [RECORD.replace('prd', 'Prd'), /^prd foreign /],
    [
      'environments/prd/Kustomization.yaml',
      /^prd pins its manifests cannot be read: .* many file systems treat both names as one/,
    ],
  ])('is a finding of check, for ever, and keeps it from nothing else: %s', async (path, finding) => {
    await twin(path);
    const record = (await pipeline.repository.file('dev', RECORD.replace('prd', 'dev')))!;
    await pipeline.repository.commit('dev', { [RECORD.replace('prd', 'dev')]: record.replace('V4', 'V9') });
    const rules = async (): Promise<readonly string[]> => {
      const { exit, stdout } = await pipeline.tagflow(['check', '-o', 'json']);
      expect(exit).toBe(3);
      const { findings } = JSON.parse(stdout) as {
        findings: { rule: string; environment: string; problem: string }[];
      };
      return findings.map(({ rule, environment, problem }) => `${environment} ${rule} ${problem}`);
    };
    const expected = [
      expect.stringMatching(/^dev record /),
      expect.stringMatching(finding),
      expect.stringMatching(/^prd foreign made by hand, .*: a twin$/),
    ];
    expect(await rules()).toEqual(expect.arrayContaining(expected));
    await pipeline.repository.commit('prd', { [path]: undefined }, { message: 'undone' });
    expect(await rules()).toEqual(expect.arrayContaining(expected));
  });

  it('that is gone again stops no promotion: its commits together change nothing', async () => {
    await twin('.tagflow/releases/Prd.yaml');
    await pipeline.repository.commit('prd', { '.tagflow/releases/Prd.yaml': undefined }, { message: 'undone' });
    succeeded(await pipeline.tagflow(['promote', 'prd', 'django=V4.2']));
    succeeded(await pipeline.tagflow(['rollback', 'prd']));
  });
});
