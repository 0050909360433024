// The library as its users meet it: the examples of docs/examples run on a pipeline with real Git and OCI layouts on disk, and the
// page shows exactly these files.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findDrift } from '../../docs/examples/find-drift.ts';
import { planThenDo } from '../../docs/examples/plan-then-do.ts';
import { promote } from '../../docs/examples/promote.ts';
import { rollBack } from '../../docs/examples/roll-back.ts';
import { tagImage } from '../../docs/examples/tag-in-registries.ts';
import { type TagflowOptions, createTagflow } from '../../src/index.ts';
import { failureOf } from '../support/failure.ts';
import { type TestPipeline, describeReleased, digestOfImage, release, releaseOf } from '../support/pipeline.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/reference/library.md'), 'utf8');

const { original, fork } = describeReleased();

function optionsFor({ folder, repository }: TestPipeline): TagflowOptions {
  return {
    repo: repository.folder,
    directory: folder,
    env: { PATH: process.env['PATH'], HOME: folder },
    who: { actor: 'library', author: 'Library <library@example.org>' },
  };
}

describe.concurrent('an example', () => {
  it('promotes a version, and says that a gate refuses', async () => {
    const pipeline = await fork();
    const options = optionsFor(pipeline);
    expect(await promote(options, 'stg', 'V4.2')).toMatch(/^release 2 of stg is commit [0-9a-f]{40}$/);
    expect(await promote(options, 'stg', 'V4.2')).toBe('stg has it already: release 2');
    expect(await releaseOf(pipeline, 'stg')).toEqual(release(2, 'V4.2'));
    expect(await promote(options, 'prd', 'V3.2')).toMatch(/^downgrade: prd would go back: django V4\.0 -> V3\.2$/);
  });

  it('rolls back, and says where there is no release to go back to', async () => {
    const pipeline = await fork();
    const options = optionsFor(pipeline);
    expect(await rollBack(options, 'dev', 'INC-412')).toBe('dev: V4.2 V10.6 -> V4.0 V10.6');
    expect(await releaseOf(pipeline, 'dev')).toEqual(release(3, 'V4.0'));
    expect(await rollBack(options, 'prd', 'INC-412')).toBe('prd has no release to go back to');
  });

  it('finds drift and repairs it', async () => {
    const pipeline = await fork();
    const options = optionsFor(pipeline);
    expect(await tagImage(options, 'oci:registry/django', 'V3.2', 'prd')).toBe(digestOfImage('django', 'V3.2'));
    expect(await findDrift(options)).toEqual(['prd/django']);
    expect(await findDrift(options)).toEqual([]);
    expect(await releaseOf(pipeline, 'prd')).toEqual(release(1, 'V4.0'));
  });

  it('does exactly the plan that somebody agreed to', async () => {
    const pipeline = await fork();
    const options = optionsFor(pipeline);
    expect(await planThenDo(options, 'stg', async () => false)).toBeUndefined();
    expect(await releaseOf(pipeline, 'stg')).toEqual(release(1, 'V4.0'));
    expect(await planThenDo(options, 'stg', async ({ images }) => images.length === 2)).toBe(2);
    const moved = async (): Promise<boolean> => (await promote(options, 'prd', 'V4.2')) !== '';
    expect(await failureOf(planThenDo(options, 'prd', moved))).toMatchObject({ code: 'plan-stale' });
  });
});

describe.concurrent('createTagflow', () => {
  it('answers the questions that the command line answers', async () => {
    const tagflow = await createTagflow(optionsFor(original()));
    const { releases, problems } = await tagflow.history();
    expect(problems).toEqual([]);
    const listed = releases.map(({ environment, record }) => `${environment}-${record.sequence}`);
    expect(listed.toSorted()).toEqual(['dev-1', 'dev-2', 'prd-1', 'stg-1']);
    expect((await tagflow.show('prd')).record.sequence).toBe(1);
    expect((await tagflow.show('dev', { release: 1 })).record.images[0]).toMatchObject({ version: 'V4.0' });
    expect((await tagflow.where('django@V4.2')).spans.map(({ environment }) => environment)).toEqual(['dev']);
    expect(await tagflow.diff('dev', 'prd')).toMatchObject({ a: 'dev', b: 'prd' });
    expect((await tagflow.check()).findings).toEqual([]);
    expect((await tagflow.doctor('prd')).filter(({ severity }) => severity === 'error')).toEqual([]);
    expect((await tagflow.versions('django')).versions.map(({ version }) => version)).toContain('V4.2');
    expect(await tagflow.journal()).toEqual([]);
    await tagflow.close();
  });

  it('sets and ends locks and holds', async () => {
    const pipeline = await fork();
    const tagflow = await createTagflow(optionsFor(pipeline));
    await tagflow.lock({ words: ['prd'], rollbacks: false, until: undefined, reason: 'INC-9' });
    expect(await promote(optionsFor(pipeline), 'prd', 'V4.2')).toMatch(/locked/);
    await tagflow.unlock(['prd']);
    await tagflow.hold({ image: 'django@V4.2', environments: ['prd'], until: undefined, reason: 'INC-9' });
    await tagflow.lift('django@V4.2', ['prd']);
    expect((await tagflow.journal('prd')).map(({ kind }) => kind)).toEqual(['lift', 'hold', 'unlock', 'lock']);
    await tagflow.close();
  });

  it('keeps a per-release tag from being moved by hand', async () => {
    const tagflow = await createTagflow(optionsFor(await fork()));
    const source = `oci:registry/django@${digestOfImage('django', 'V4.2')}`;
    expect(await failureOf(tagflow.retag(source, ['prd-1']))).toMatchObject({ code: 'release-tag-taken' });
    expect((await tagflow.retag(source, ['checked'])).tags).toMatchObject([{ tag: 'checked', changed: true }]);
    await tagflow.close();
  });

  it('tells its caller what it does, and prints nothing', async () => {
    const pipeline = await fork();
    const seen: string[] = [];
    const tagflow = await createTagflow({ ...optionsFor(pipeline), onProgress: ({ text }) => void seen.push(text) });
    await tagflow.promote('stg');
    await tagflow.close();
    expect(seen.length).toBeGreaterThan(0);
  });
});

describe('the page of the library', () => {
  it('shows the examples as they are', () => {
    const blocks = [...PAGE.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code);
    const files = readdirSync(join(ROOT, 'docs/examples')).map((file) =>
      readFileSync(join(ROOT, 'docs/examples', file), 'utf8'),
    );
    for (const file of files) expect(blocks).toContain(file);
  });

  it('has a row for each method', async () => {
    const tagflow = await createTagflow(optionsFor(original()));
    const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(tagflow)).filter((name) => name !== 'constructor');
    await tagflow.close();
    const rows = [...PAGE.matchAll(/^\| `(\w+)\(/gm)].map(([, name]) => name);
    expect(rows).toEqual(methods);
  });
});
