import { beforeEach, describe, expect, it } from 'vitest';
import { check } from '../../../src/engine/audit/check.ts';
import { apply } from '../../../src/engine/release/apply.ts';
import { promoteSeveral } from '../../../src/engine/release/promote-several.ts';
import type { SeveralRequest } from '../../../src/engine/release/promote-several.ts';
import { status } from '../../../src/engine/status.ts';
import { TagflowError } from '../../../src/model/errors.ts';
import { parseRepository, parseTag } from '../../../src/model/reference.ts';
import { parseRecord } from '../../../src/model/release-record.ts';
import { APPLICATIONS, type Bench, DJANGO, createBench } from '../../support/engine.ts';

const NAMES = ['cart', 'mail', 'shop'] as const;

const FILES = Object.fromEntries(
  NAMES.flatMap((name) =>
    ['dev', 'prd'].map((environment) => [
      `apps/${name}/${environment}/kustomization.yaml`,
      `resources: []\nimages:\n  - name: ${DJANGO}\n    newTag: V3.2\n`,
    ]),
  ),
);

describe('several applications together', () => {
  let bench: Bench;
  const several = async (request: Partial<SeveralRequest> & { readonly environment: string }, dryRun = false) =>
    promoteSeveral(
      bench.context(),
      { applications: [], all: request.applications === undefined, versions: {}, ...request },
      { dryRun },
    );
  const sequenceOf = (line: string): number | undefined => {
    const [environment, application] = line.split('/');
    const path = `.tagflow/releases/${application}/${environment}.yaml`;
    const text = bench.remote.file('main', path);
    return text === undefined ? undefined : parseRecord(text, path).sequence;
  };

  beforeEach(() => {
    bench = createBench({ config: APPLICATIONS, files: FILES });
  });

  it('are released by one commit and one push, with a record for each', async () => {
    const outcome = await several({ environment: 'dev', versions: { '*': 'V4.0' } });
    expect(outcome).toMatchObject({ kind: 'several', skipped: [], unchanged: [] });
    expect(bench.remote.landed).toHaveLength(1);
    expect(NAMES.map((name) => sequenceOf(`dev/${name}`))).toEqual([1, 1, 1]);
    expect(NAMES.map((name) => bench.tagged('django', `${name}-dev`))).toEqual(['V4.0', 'V4.0', 'V4.0']);
    expect(NAMES.map((name) => bench.tagged('django', `${name}-dev-1`))).toEqual(['V4.0', 'V4.0', 'V4.0']);
  });

  it('take what each has upstream, and only where that is something else', async () => {
    await several({ environment: 'dev', versions: { '*': 'V4.0' } });
    await several({ environment: 'prd' });
    await bench.released('dev/shop', { web: 'V4.2' });
    const outcome = await several({ environment: 'prd' });
    expect(outcome).toMatchObject({ kind: 'several', unchanged: [{ line: 'prd/cart' }, { line: 'prd/mail' }] });
    expect(NAMES.map((name) => sequenceOf(`prd/${name}`))).toEqual([1, 1, 2]);
    expect(await several({ environment: 'prd' })).toMatchObject({ releases: [] });
  });

  it('have their tags checked where nothing is new, so that a run that was killed after its commit is finished', async () => {
    await several({ environment: 'dev', versions: { '*': 'V4.0' } });
    bench.registry.untag(parseRepository(DJANGO), parseTag('mail-dev'));
    const planned = await several({ environment: 'dev' }, true);
    expect(planned).toMatchObject({ releases: [], unchanged: NAMES.map(() => ({ tags: [], problem: undefined })) });
    expect(bench.tagged('django', 'mail-dev')).toBeUndefined();
    const outcome = await several({ environment: 'dev' });
    expect(outcome).toMatchObject({ releases: [], unchanged: NAMES.map((name) => ({ line: `dev/${name}` })) });
    expect(bench.tagged('django', 'mail-dev')).toBe('V4.0');
  });

  it('are committed, and say so, where the server falls silent before their tags are verified', async () => {
    bench.remote.faults.push = async () => {
      bench.remote.faults.head = () => {
        throw new TagflowError('remote-unavailable', { what: 'no answer' });
      };
      return undefined;
    };
    const outcome = several({ environment: 'dev', versions: { '*': 'V4.0' } });
    await expect(outcome).rejects.toMatchObject({ code: 'tags-incomplete' });
    await expect(outcome).rejects.toMatchObject({ details: { commit: bench.head('main') } });
  });

  it('are chosen by name and by pattern', async () => {
    await several({ environment: 'dev', applications: ['*a*'], versions: { '*': 'V4.0' } });
    expect(NAMES.map((name) => sequenceOf(`dev/${name}`))).toEqual([1, 1, undefined]);
  });

  it('have versions of their own', async () => {
    const versions = { 'cart/web': 'V4.0', 'shop/web': 'V4.2' };
    await several({ environment: 'dev', applications: ['cart', 'shop'], versions });
    expect(['cart', 'shop'].map((name) => bench.tagged('django', `${name}-dev`))).toEqual(['V4.0', 'V4.2']);
    const stray = several({ environment: 'dev', applications: ['cart'], versions: { 'shop/web': 'V4.0' } });
    await expect(stray).rejects.toMatchObject({ code: 'usage' });
  });

  it('are all left where they are when one is refused', async () => {
    await several({ environment: 'dev', versions: { '*': 'V4.2' } });
    await several({ environment: 'prd' });
    await bench.released('dev/shop', { web: 'V4.3' });
    await bench.released('dev/cart', { web: 'V4.0' }, { overrides: ['downgrade'], reason: 'test' });
    const before = bench.head('main');
    expect(await several({ environment: 'prd' })).toMatchObject({
      kind: 'refused',
      refusals: [{ code: 'downgrade' }],
    });
    expect(bench.head('main')).toBe(before);
  });

  it('go without the refused where that is asked for', async () => {
    await several({ environment: 'dev', versions: { '*': 'V4.2' } });
    await several({ environment: 'prd' });
    await bench.released('dev/shop', { web: 'V4.3' });
    await bench.released('dev/cart', { web: 'V4.0' }, { overrides: ['downgrade'], reason: 'test' });
    const outcome = await several({ environment: 'prd', skipRefused: true });
    expect(outcome).toMatchObject({ kind: 'several', skipped: [{ environment: 'prd/cart' }] });
    expect(NAMES.map((name) => sequenceOf(`prd/${name}`))).toEqual([1, 1, 2]);
  });

  it('are shown, and nothing is changed, where a plan is all that is asked for', async () => {
    const before = bench.head('main');
    const outcome = await several({ environment: 'dev', versions: { '*': 'V4.0' } }, true);
    expect(outcome).toMatchObject({ kind: 'several', releases: NAMES.map(() => ({ kind: 'planned' })) });
    expect(bench.head('main')).toBe(before);
  });

  it('are put on top of a commit of another line that came in between', async () => {
    await several({ environment: 'dev', versions: { '*': 'V4.0' } });
    let done = false;
    bench.remote.faults.push = async ({ actor }) => {
      if (actor !== 'ana' || done) return undefined;
      done = true;
      await bench.released('prd/shop', {}, { as: { actor: 'ben' } });
      return undefined;
    };
    await several({ environment: 'dev', versions: { '*': 'V4.2' } });
    expect([sequenceOf('dev/shop'), sequenceOf('prd/shop')]).toEqual([2, 1]);
    expect(bench.notices.join()).not.toContain('planning again');
  });

  it('are planned again when one of them was released in between, and taken back by hand', async () => {
    await several({ environment: 'dev', versions: { '*': 'V4.0' } });
    const paths = ['.tagflow/releases/shop/dev.yaml', ...Object.keys(FILES).filter((path) => path.includes('shop'))];
    const before = Object.fromEntries(paths.map((path) => [path, bench.remote.file('main', path) ?? '']));
    let released: string | undefined;
    bench.remote.faults.push = async ({ actor }) => {
      if (actor !== 'ana' || released !== undefined) return undefined;
      released = '';
      released = (await bench.released('dev/shop', { web: 'V4.2' }, { as: { actor: 'ben' } })).commit;
      bench.remote.commit('main', before);
      return undefined;
    };
    expect(await several({ environment: 'dev', versions: { '*': 'V4.3' } })).toMatchObject({
      kind: 'refused',
      refusals: [{ code: 'record-invalid' }],
    });
    // Its number was not given again.
    expect(released).toMatch(/^[0-9a-f]{40}$/);
    expect(sequenceOf('dev/shop')).toBe(1);
  });

  it('are planned again when one of them was released in between', async () => {
    let done = false;
    bench.remote.faults.push = async ({ actor }) => {
      if (actor !== 'ana' || done) return undefined;
      done = true;
      await bench.released('dev/shop', { web: 'V4.2' }, { as: { actor: 'ben' } });
      return undefined;
    };
    const outcome = await several({ environment: 'dev', versions: { '*': 'V4.3' } });
    expect(outcome).toMatchObject({ kind: 'several' });
    expect(NAMES.map((name) => sequenceOf(`dev/${name}`))).toEqual([1, 1, 2]);
  });
});

describe('several applications, where the branch takes pull requests alone', () => {
  let bench: Bench;
  const several = async (request: Partial<SeveralRequest> = {}) =>
    promoteSeveral(bench.context(), { environment: 'prd', applications: [], all: true, versions: {}, ...request });
  const stateOf = (): readonly string[] =>
    bench.forge.pullRequests
      .map(({ branch, state }) => `${/tagflow\/prd\+(\w+)/.exec(branch)?.[1]} ${state}`)
      .toSorted();
  const runs = async (): Promise<readonly string[]> =>
    (await status(bench.context())).flatMap(({ environment, record }) =>
      environment.startsWith('prd/') ? [`${environment} ${record?.images[0]?.version ?? '-'}`] : [],
    );

  beforeEach(async () => {
    const config = APPLICATIONS.replace('prd: { from: dev,', 'prd: { from: dev, pullRequest: true,');
    bench = createBench({ config, files: FILES });
    await promoteSeveral(bench.context(), {
      environment: 'dev',
      applications: [],
      all: true,
      versions: { '*': 'V4.0' },
    });
  });

  it('get a request each, and nothing else changes', async () => {
    const before = bench.head('main');
    const outcome = await several({ reason: 'SHOP-7' });
    expect(outcome).toMatchObject({ kind: 'several', releases: NAMES.map(() => ({ kind: 'proposed', isOld: false })) });
    expect(stateOf()).toEqual(['cart open', 'mail open', 'shop open']);
    expect(bench.head('main')).toBe(before);
  });

  it('asked for again have the same requests', async () => {
    await several();
    expect(await several()).toMatchObject({ releases: NAMES.map(() => ({ kind: 'proposed', isOld: true })) });
    expect(bench.forge.pullRequests).toHaveLength(3);
  });

  it('have the same requests on a busy trunk, and run what they ask for when they are merged there', async () => {
    await several();
    bench.remote.commit('main', { 'README.md': 'elsewhere\n' });
    bench.remote.commit('main', { 'apps/mail/dev/settings.env': 'LEVEL=2\n' });
    expect(await several()).toMatchObject({
      releases: NAMES.map(() => ({ kind: 'proposed', isOld: true, closed: [] })),
    });
    expect(stateOf()).toEqual(['cart open', 'mail open', 'shop open']);
    for (const number of [1, 2, 3]) await bench.forge.merge(number, 'squash');
    await apply(bench.context(), ['prd']);
    expect(await runs()).toEqual(NAMES.map((name) => `prd/${name} V4.0`));
    expect(await check(bench.context(), { environments: [], registry: true })).toMatchObject({ findings: [] });
  });

  it.each([
    [
      'the files of its scope',
      { 'apps/mail/prd/settings.env': 'LEVEL=2\n' },
      ['cart open', 'mail closed', 'mail open', 'shop open'],
    ],
    [
      'the rules',
      {
        'tagflow.yaml': `${APPLICATIONS.replace('prd: { from: dev,', 'prd: { from: dev, pullRequest: true,')}# more\n`,
      },
      NAMES.flatMap((name) => [`${name} closed`, `${name} open`]),
    ],
  ])('is asked for once more where %s changed', async (_, files, states) => {
    await several();
    bench.remote.commit('main', files);
    await several();
    expect(stateOf()).toEqual(states);
  });

  it('is not taken for the same where hands changed what it asks for', async () => {
    await several();
    const { branch } = bench.forge.pullRequests.find((one) => one.branch.includes('mail')) ?? { branch: '' };
    bench.remote.commit('main', { 'README.md': 'elsewhere\n' });
    bench.remote.commit(branch, { 'evil.yaml': 'a: 1\n' });
    await expect(several()).rejects.toMatchObject({ code: 'push-denied', message: expect.stringContaining(branch) });
  });

  it('run what was merged, in any order, and the rest when it is merged', async () => {
    await several();
    for (const number of [2, 1]) await bench.forge.merge(number, 'squash');
    await apply(bench.context(), ['prd']);
    expect((await runs()).filter((one) => one.endsWith('V4.0'))).toHaveLength(2);
    await bench.forge.merge(3, 'merge');
    await apply(bench.context(), ['prd']);
    expect(await runs()).toEqual(NAMES.map((name) => `prd/${name} V4.0`));
  });

  it('are still asked for after another one was merged, and newer ones replace them', async () => {
    await several();
    await bench.forge.merge(1, 'squash');
    const asked = async () =>
      (await status(bench.context())).flatMap((one) => one.asked.map(({ record }) => record.application));
    expect(await asked()).toEqual(['mail', 'shop']);
    await bench.released('dev/shop', { web: 'V4.3' });
    await several();
    expect(stateOf()).toEqual(['cart merged', 'mail open', 'shop closed', 'shop open']);
  });

  it('are finished by the next run where the forge fell silent in between', async () => {
    bench.forge.arm({ kind: 'before' }, 2, ({ method }) => method === 'open');
    await expect(several()).rejects.toMatchObject({ code: 'forge-unavailable' });
    await several();
    expect(stateOf()).toEqual(['cart open', 'mail open', 'shop open']);
  });

  it('have no request opened while one is refused, or the others alone where that is asked for', async () => {
    await several();
    for (const number of [1, 2, 3]) await bench.forge.merge(number, 'merge');
    await apply(bench.context(), ['prd']);
    await bench.released('dev/shop', { web: 'V4.3' });
    await bench.released('dev/cart', { web: 'V3.2' }, { overrides: ['downgrade'], reason: 'test' });
    expect(await several()).toMatchObject({ kind: 'refused', refusals: [{ code: 'downgrade' }] });
    expect(bench.forge.pullRequests).toHaveLength(3);
    expect(await several({ skipRefused: true })).toMatchObject({ skipped: [{ environment: 'prd/cart' }] });
    expect(stateOf()).toEqual(['cart merged', 'mail merged', 'shop merged', 'shop open']);
  });
});
