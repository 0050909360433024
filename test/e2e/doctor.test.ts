// Doctor and retention by the program itself: over layouts on disk, over Docker's registry, and over an Amazon ECR.
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { succeeded } from '../support/cli.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { pushImage } from '../support/images.ts';
import {
  type TestPipeline,
  changesNothing,
  createPipeline,
  describeReleased,
  exampleFiles,
} from '../support/pipeline.ts';
import { describeReal } from '../support/real.ts';

interface Report {
  readonly errors: number;
  readonly warnings: number;
  readonly findings: readonly {
    readonly severity: string;
    readonly check: string;
    readonly subject: string;
    readonly what: string;
  }[];
}

/** What `doctor -o json` says, and its exit code. */
async function examine(
  pipeline: TestPipeline,
  ...args: readonly string[]
): Promise<Report & { readonly exit: number | undefined }> {
  const { exit, stdout } = await pipeline.tagflow(['doctor', '-o', 'json', ...args]);
  return { exit, ...(JSON.parse(stdout) as Report) };
}

const wrong = ({ findings }: Report): readonly string[] =>
  findings
    .filter(({ severity }) => severity === 'error' || severity === 'warning')
    .map(({ severity, check, subject, what }) => `${severity} ${check} ${subject}: ${what}`);

const { original, fork } = describeReleased();

describe('over layouts', () => {
  it('nothing to fix: exit 0, and nothing is changed', async () => {
    const report = await changesNothing(original(), async () => examine(original()));
    expect(report).toMatchObject({ exit: 0, errors: 0, warnings: 0 });
    const text = succeeded(await original().tagflow(['doctor']));
    expect(text).toMatch(/^oci:registry\/django\n {2}✓ reached: may pull and push$/m);
    expect(text).toMatch(/\n\nnothing to fix\n$/);
  });

  it('something to fix: exit 11, with what and fix in every format', async () => {
    const mine = await fork();
    await mine.repository.git(['update-ref', '-d', 'refs/heads/stg']);
    const report = await examine(mine);
    expect(report).toMatchObject({ exit: 11, errors: 1 });
    expect(wrong(report)).toEqual(['error branch stg: the remote has no branch stg']);
    expect(await examine(mine, 'prd')).toMatchObject({ exit: 0 });
    for (const format of ['table', 'yaml', 'md']) {
      const { exit, stdout } = await mine.tagflow(['doctor', '-o', format]);
      expect(exit).toBe(11);
      expect(stdout).toContain('the remote has no branch stg');
      expect(stdout).toContain('tagflow init --yes');
    }
  });

  it.skipIf(process.getuid?.() === 0)(
    'a layout that cannot be written is found before a promotion fails on it',
    async () => {
      const mine = await fork();
      await chmod(join(mine.folder, 'registry/django'), 0o555);
      expect(wrong(await examine(mine))).toEqual([expect.stringContaining('error push oci:registry/django')]);
      await chmod(join(mine.folder, 'registry/django'), 0o755);
    },
  );

  it('an environment that is not configured', async () => {
    const result = await original().tagflow(['doctor', 'nowhere']);
    expect(result.exit).toBe(4);
  });

  it('tags of releases beyond the window go with a promotion, and with apply what was left', async () => {
    const mine = await fork();
    const files = await exampleFiles(mine.images.prefix);
    const kept = async (): Promise<readonly string[]> =>
      Object.keys((await mine.snapshot()).tags).filter((tag) => tag.startsWith('django:dev-'));
    for (const version of ['V3.2', 'V4.0'])
      succeeded(await mine.tagflow(['promote', 'dev', `django=${version}`, '--allow-downgrade']));
    expect(await kept()).toEqual(['django:dev-1', 'django:dev-2', 'django:dev-3', 'django:dev-4'].toSorted());
    await mine.repository.commit('main', { 'tagflow.yaml': `${files['tagflow.yaml']}\nretain: 2\n` });
    const { stderr } = await mine.tagflow(['apply', 'dev', '-v']);
    expect(stderr).toContain('dev: removed');
    expect((await kept()).toSorted()).toEqual(['django:dev-3', 'django:dev-4']);
    succeeded(await mine.tagflow(['promote', 'dev', 'django=V4.2', '--discard-divergence']));
    expect((await kept()).toSorted()).toEqual(['django:dev-4', 'django:dev-5']);
    // By digest a release goes back that has no tag any more.
    succeeded(await mine.tagflow(['rollback', 'dev', '--to', '#3']));
    expect((await mine.snapshot()).tags['django:dev-6']).toBe((await mine.snapshot()).tags['django:V3.2']);
  });
});

describeReal('over docker-registry', ['docker-registry'], () => {
  let server: DockerRegistry;
  beforeAll(async () => {
    server = await startDockerRegistry();
  });
  afterAll(async () => {
    await server.stop();
  });

  it('which removes no tags: that is worth knowing, promotions go on, and no upload is left', async () => {
    for (const [name, versions] of [
      ['django', ['V4.0', 'V4.2']],
      ['mariadb', ['V10.6']],
    ] as const) {
      for (const version of versions)
        await pushImage(server.host, `shop/${name}`, version, { content: `${name} ${version}` });
    }
    const tagsOf = async (name: string): Promise<readonly string[]> => {
      const response = await fetch(`http://${server.host}/v2/shop/${name}/tags/list`);
      return ((await response.json()) as { tags: string[] }).tags;
    };
    const images = { prefix: `${server.host}/shop`, tags: async () => ({}) };
    const mine = await createPipeline(images);
    const files = await exampleFiles(images.prefix);
    await mine.repository.commit('main', { 'tagflow.yaml': `${files['tagflow.yaml']}\nretain: 1\n` });
    succeeded(await mine.tagflow(['promote', 'dev', 'django=V4.0', 'mariadb=V10.6']));
    const before = await tagsOf('django');
    const report = await examine(mine, 'dev');
    expect(report).toMatchObject({ exit: 0, errors: 0, warnings: 0 });
    const said = report.findings.filter(({ check }) => check === 'remove-tag').map(({ subject }) => subject);
    expect(said).toEqual([`${server.host}/shop/django`, `${server.host}/shop/mariadb`]);
    expect(await tagsOf('django')).toEqual(before);
    for (const version of ['V4.2', 'V4.0']) {
      const { stderr } = await mine.tagflow(['promote', 'dev', `django=${version}`, '--allow-downgrade']);
      expect(stderr).not.toContain('warning');
    }
    expect(await tagsOf('django')).toEqual(expect.arrayContaining(['dev-1', 'dev-2', 'dev-3']));
  });
});
