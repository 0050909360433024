// The whole life of releases through the real command line, over OCI layouts on disk and a bare repository: from a checkout
// without tagflow to promotions, a rollback, and the questions of an auditor. Steps follow one another, as days do.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failuresOf, succeeded } from '../support/cli.ts';
import { run } from '../support/git-repository.ts';
import {
  type TestPipeline,
  changesNothing,
  createLayoutPipeline,
  digestOfImage,
  exampleFiles,
  release,
  releaseOf,
  forkPipeline,
} from '../support/pipeline.ts';

let pipeline: TestPipeline;

beforeAll(async () => {
  pipeline = await createLayoutPipeline();
});

afterAll(async () => {
  await pipeline.remove();
});

const tagflow = async (...args: string[]): Promise<string> => succeeded(await pipeline.tagflow(args));
const json = async (...args: string[]): Promise<Record<string, unknown>> =>
  JSON.parse(await tagflow('-o', 'json', ...args)) as Record<string, unknown>;

describe('init', () => {
  it('drafts the files of a checkout, and overwrites none that is there', async () => {
    const other = await forkPipeline(pipeline);
    const checkout = join(other.folder, 'checkout');
    await mkdir(checkout);
    const { 'tagflow.yaml': _, ...files } = await exampleFiles();
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(checkout, path, '..'), { recursive: true });
      await writeFile(join(checkout, path), text);
    }
    await run('git', ['init', '-q', '-b', 'main'], { cwd: checkout });
    const env = { TAGFLOW_REPO: undefined };
    const before = await readFile(join(checkout, 'environments/prd/kustomization.yaml'), 'utf8');
    const drafted = succeeded(await other.tagflow(['-C', 'checkout', 'init'], { env }));
    expect(drafted).toMatch(/wrote tagflow\.yaml/);
    expect(drafted).toMatch(/wrote \.gitlab-ci\.yml/);
    expect(drafted).toMatch(/environments: dev → stg → prd/);
    expect(await readFile(join(checkout, 'environments/prd/kustomization.yaml'), 'utf8')).toBe(before);
    // What was drafted is a configuration that tagflow itself takes.
    const status = await other.tagflow(['--config', 'checkout/tagflow.yaml', 'status']);
    expect(succeeded(status)).toMatch(/^prd +–  +no release/m);
    await other.remove();
  });

  it('asks nothing where nobody can answer, and makes the branches with --yes', async () => {
    const { repository } = pipeline;
    for (const branch of ['dev', 'stg', 'prd']) await repository.move(branch, undefined);
    const asked = await changesNothing(pipeline, async () => pipeline.tagflow(['init'], { input: 'y\n' }));
    expect(asked).toFail({
      code: 'usage',
      what: /make dev, stg, prd at main/,
      why: /not interactive/,
      fix: /init --yes/,
    });
    expect(await tagflow('init', '--yes')).toMatch(/made dev, stg, prd at main/);
    const { heads } = await pipeline.snapshot();
    expect(new Set(Object.values(heads))).toEqual(new Set([heads['main']]));
    expect(await tagflow('init')).toMatch(/nothing to do/);
  });
});

describe('a release on its way', () => {
  it('is promoted by name where it begins', async () => {
    const output = await tagflow('promote', 'dev', 'django=V4.0', 'mariadb=V10.6', '--reason', 'first release');
    expect(output).toMatch(
      /committed [0-9a-f]{7} to dev +✓ tagged django:dev-1, mariadb:dev-1, django:dev, mariadb:dev/,
    );
    expect(await releaseOf(pipeline, 'dev')).toEqual(release(1, 'V4.0'));
    const { tags } = await pipeline.snapshot();
    expect(tags['django:dev']).toBe(digestOfImage('django', 'V4.0'));
  });

  it('goes from environment to environment with the same digests', async () => {
    const result = await pipeline.tagflow(['promote', 'stg']);
    expect(succeeded(result)).toMatch(/^stg +django +→ V4\.0/m);
    expect(result.stderr).toMatch(/next: tagflow promote prd/);
    await tagflow('promote', 'prd', '--reason', 'go live');
    expect(await releaseOf(pipeline, 'stg')).toEqual(release(1, 'V4.0'));
    expect(await releaseOf(pipeline, 'prd')).toEqual(release(1, 'V4.0'));
    const { tags } = await pipeline.snapshot();
    expect(tags['django:prd']).toBe(tags['django:V4.0']);
  });

  it('is done once: promoting it again changes nothing', async () => {
    const again = await changesNothing(pipeline, async () => pipeline.tagflow(['promote', 'prd']));
    expect(succeeded(again)).toMatch(/prd has django V4\.0, mariadb V10\.6 already \(release 1\)/);
  });

  it('carries configuration downstream, and nothing that is another environment’s own', async () => {
    const { repository } = pipeline;
    const django = (await repository.file('main', 'environments/base/django.yaml')) ?? '';
    await repository.commit(
      'main',
      {
        'environments/base/django.yaml': django.replace('/healthz', '/healthz?deep=1'),
        'environments/prd/settings.env': 'DJANGO_DEBUG=0\nDJANGO_LOG_LEVEL=error\n',
      },
      { message: 'probe the database as well\n' },
    );
    await tagflow('promote', 'dev', 'django=V4.2', '--reason', 'SHOP-7 new checkout');
    await tagflow('promote', 'stg');
    const diff = await tagflow('diff', 'stg', 'prd');
    expect(diff).toMatch(/django +V4\.2 +V4\.0/);
    expect(diff).toMatch(/^ *\+.*\/healthz\?deep=1/m);
    expect(diff).toMatch(/probe the database as well/);
    expect(await repository.file('prd', 'environments/base/django.yaml')).toBe(django);
    await tagflow('promote', 'prd', '--reason', 'SHOP-7 new checkout');
    expect(await repository.file('prd', 'environments/base/django.yaml')).toMatch(/\/healthz\?deep=1/);
    expect(await repository.file('prd', 'environments/prd/settings.env')).toMatch(/LEVEL=error/);
    expect(await releaseOf(pipeline, 'prd')).toEqual(release(2, 'V4.2'));
    // The manifests of an environment name its own release, whatever its branch carries of the others.
    const pins = await repository.file('prd', 'environments/prd/kustomization.yaml');
    expect(pins).toMatch(/newTag: V4\.2/);
    expect(pins).toMatch(/namespace: shop-prd/);
  });
});

describe('a rollback', () => {
  it('restores images and configuration, and holds the release that was left', async () => {
    const output = await tagflow('rollback', 'prd', '--reason', 'INC-412 checkout 500s');
    expect(output).toMatch(/django +V4\.2 → V4\.0/);
    expect(output).toMatch(/configuration restored: 2 files/);
    expect(output).toMatch(/django V4\.2 is now held from prd/);
    expect(await releaseOf(pipeline, 'prd')).toEqual(release(3, 'V4.0'));
    const { repository } = pipeline;
    expect(await repository.file('prd', 'environments/base/django.yaml')).toMatch(/path: \/healthz\n/);
    expect(await repository.file('prd', 'environments/prd/settings.env')).toMatch(/LEVEL=warning/);
  });

  it('is not undone by automation: what was left is refused until the hold is lifted', async () => {
    const refused = await changesNothing(pipeline, async () => pipeline.tagflow(['promote', 'prd']));
    expect(refused).toFail({ code: 'held', what: /django V4\.2/, why: /INC-412/, fix: /--unhold/ });
    expect(await tagflow('status', 'prd')).toMatch(/held: prd holds django V4\.2: INC-412 checkout 500s/);
    await tagflow('promote', 'prd', '--unhold', '--reason', 'INC-412 fixed in the database');
    expect(await releaseOf(pipeline, 'prd')).toEqual(release(4, 'V4.2'));
    expect(await pipeline.repository.file('prd', 'environments/base/django.yaml')).toMatch(/\/healthz\?deep=1/);
    expect(await tagflow('status', 'prd')).not.toMatch(/held/);
  });

  it('goes to a release by its number, images only, when told so', async () => {
    await tagflow('rollback', 'prd', '--to', '#1', '--images-only', '--reason', 'INC-413');
    expect(await releaseOf(pipeline, 'prd')).toEqual(release(5, 'V4.0'));
    expect(await pipeline.repository.file('prd', 'environments/base/django.yaml')).toMatch(/\/healthz\?deep=1/);
  });
});

describe('the questions of an auditor', () => {
  it('history: what, when, by whom and why, newest first', async () => {
    const { releases, unverified } = await json('history', 'prd');
    expect(releases).toMatchObject([
      { sequence: 5, action: 'rollback', reason: 'INC-413', actor: 'ana', restored: { sequence: 1 }, until: null },
      { sequence: 4, action: 'promote', reason: 'INC-412 fixed in the database' },
      { sequence: 3, action: 'rollback', reason: 'INC-412 checkout 500s', restored: { sequence: 1 } },
      { sequence: 2, action: 'promote', reason: 'SHOP-7 new checkout' },
      { sequence: 1, action: 'promote', reason: 'go live' },
    ]);
    expect(unverified).toEqual([]);
    const [some, ofImage] = await Promise.all([
      json('history', '--since', '1h', '--limit', '2'),
      json('history', 'prd', '--image', 'mariadb'),
    ]);
    expect(some['releases']).toHaveLength(2);
    expect(ofImage['releases']).toMatchObject([{ sequence: 1 }]);
  });

  it('show: what ran at a moment, in the zone that is named', async () => {
    const now = await json('show', 'prd', '--at', `${local(Date.now(), 9)} Asia/Tokyo`);
    expect(now).toMatchObject({ sequence: 5 });
    // The same wall clock in a zone nine hours behind is another moment: nothing ran then.
    const earlier = await pipeline.tagflow(['show', 'prd', '--at', `${local(Date.now(), -3)} Asia/Tokyo`]);
    expect(earlier).toFail({ code: 'release-not-found' });
    expect(await tagflow('show', 'prd', '--release', '3')).toMatch(/rollback to release 1/);
  });

  it('where: which environments have or had an image', async () => {
    const { spans } = await json('where', 'django@V4.2');
    expect(spans).toMatchObject([
      { environment: 'dev', until: null },
      { environment: 'stg', until: null },
      { environment: 'prd', releases: [4, 4] },
      { environment: 'prd', releases: [2, 2] },
    ]);
    const byDigest = await json('where', digestOfImage('django', 'V4.2').slice(0, 20));
    expect(byDigest['spans']).toEqual(spans);
  });

  it("tag leaves a release's own tag where it is, as the checkout's tagflow.yaml says which those are", async () => {
    const before = (await pipeline.snapshot()).tags['django:prd-1'];
    const refused = await pipeline.tagflow(['tag', 'oci:registry/django:V3.2', 'prd-1']);
    expect(refused.exit).toBe(3);
    expect(refused.stderr).toMatch(/django:prd-1 points to another image/);
    expect((await pipeline.snapshot()).tags['django:prd-1']).toBe(before);
  });

  it('status tells drift of the registry, exits 10 when asked to, and apply repairs it', async () => {
    await tagflow('tag', 'oci:registry/django:V3.2', 'prd');
    const { tags } = await pipeline.snapshot();
    expect(tags['django:prd']).toBe(digestOfImage('django', 'V3.2'));
    const drifted = await pipeline.tagflow(['status', '--exit-code']);
    expect(drifted.exit).toBe(10);
    expect(drifted.stdout).toMatch(/drift: django:prd is [0-9a-f]{12} in the registry.*fix: tagflow apply prd/);
    expect(await tagflow('apply', '--all')).toMatch(/^prd +django +prd +[0-9a-f]{12} +moved$/m);
    expect((await pipeline.tagflow(['status', '--exit-code'])).exit).toBe(0);
    // Nothing is left to do: applying is idempotent.
    await changesNothing(pipeline, async () => tagflow('apply', '--all'));
  });

  it('diff exits 10 when asked to and environments differ', async () => {
    expect((await pipeline.tagflow(['diff', 'stg', 'prd', '--exit-code'])).exit).toBe(10);
    const same = await pipeline.tagflow(['diff', 'stg', 'stg', '--exit-code']);
    expect(same.exit).toBe(0);
  });

  it('status tells manifests that somebody changed by hand', async () => {
    const other = await forkPipeline(pipeline);
    const path = 'environments/stg/kustomization.yaml';
    const text = (await other.repository.file('stg', path)) ?? '';
    await other.repository.commit('stg', { [path]: text.replace(/sha256:[0-9a-f]{64}/, `sha256:${'0'.repeat(64)}`) });
    const result = await other.tagflow(['status', 'stg', '--exit-code']);
    expect(result.exit).toBe(10);
    expect(result.stdout).toMatch(/drift: the manifests of stg pin django to 0{12}/);
    await other.remove();
  });
});

describe('plans', () => {
  it('--dry-run shows what would be done, and does nothing', async () => {
    const other = await forkPipeline(pipeline);
    const args = ['promote', 'dev', 'mariadb=V10.11'];
    const dry = await changesNothing(other, async () => other.tagflow([...args, '--dry-run']));
    expect(succeeded(dry)).toMatch(/plan: promote, release 3 of dev[^]*V10\.6 → V10\.11[^]*nothing was changed/);
    const back = await changesNothing(other, async () => other.tagflow(['rollback', 'prd', '--dry-run']));
    expect(succeeded(back)).toMatch(/plan: roll back to release/);
    await other.remove();
  });

  it('--plan does exactly what --plan-out saved', async () => {
    const other = await forkPipeline(pipeline);
    const saved = await changesNothing(other, async () =>
      other.tagflow(['promote', 'dev', 'mariadb=V10.11', '--reason', 'planned', '--plan-out', 'plan.json']),
    );
    succeeded(saved);
    expect(saved.stderr).toMatch(/plan saved/);
    const plan = JSON.parse(await readFile(join(other.folder, 'plan.json'), 'utf8')) as Record<string, unknown>;
    expect(plan).toMatchObject({ schemaVersion: 1, environment: 'dev', sequence: 3, reason: 'planned' });
    // The version's tag moves on after the plan was made: what was planned is not that version any more.
    succeeded(await other.tagflow(['tag', 'oci:registry/mariadb:V10.3', 'V10.11']));
    expect(failuresOf(await other.tagflow(['promote', 'dev', '--plan', 'plan.json']))).toMatchObject([
      { code: 'plan-stale', why: expect.stringContaining('mariadb V10.11 is') },
    ]);
    succeeded(await other.tagflow(['tag', `oci:registry/mariadb@${digestOfImage('mariadb', 'V10.11')}`, 'V10.11']));
    succeeded(await other.tagflow(['promote', 'dev', '--plan', 'plan.json']));
    const { tags } = await other.snapshot();
    expect(tags['mariadb:dev-3']).toBe(digestOfImage('mariadb', 'V10.11'));
    const again = await other.tagflow(['promote', 'dev', '--plan', 'plan.json']);
    expect(failuresOf(again)).toMatchObject([{ code: 'plan-stale', exit: 5 }]);
    const refused = await other.tagflow(['promote', 'prd', 'django=V3.2', '--plan-out', 'refused.json']);
    expect(refused).toMatchObject({ exit: 3, stdout: '' });
    // The plan of a refused promotion can be approved, so it is there; that it is refused is said once, and nothing says otherwise.
    expect(refused.stderr).toMatch(/^plan saved: .*refused\.json\n✗ refused: prd would go back/);
    expect(JSON.parse(await readFile(join(other.folder, 'refused.json'), 'utf8'))).toMatchObject({
      environment: 'prd',
    });
    await rm(join(other.folder, 'plan.json'));
    const nothing = await other.tagflow(['promote', 'dev', 'mariadb=V10.11', '--plan-out', 'plan.json']);
    succeeded(nothing);
    expect(nothing.stderr).toContain('there is nothing to plan: plan.json was not written');
    expect(await other.tagflow(['promote', 'dev', '--plan', 'plan.json'])).toFail({
      code: 'plan-invalid',
      fix: /where there is nothing to do it writes none/,
    });
    await other.remove();
  });
});

/** A moment's wall clock that many hours ahead of UTC: `2026-03-14 18:00`. */
function local(instant: number, hours: number): string {
  return new Date(instant + hours * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
}
