// `--rendered`: what deployment tools are given of a release, and what is said of what they make of it.
import { describe, expect, it } from 'vitest';
import type { Context } from '../../../src/engine/context.ts';
import { diff } from '../../../src/engine/diff.ts';
import { promote } from '../../../src/engine/release/promote.ts';
import type { Renderer, RenderTarget, Rendered } from '../../../src/render/render.ts';
import { DJANGO, FIRST, createBench, withPorts } from '../../support/engine.ts';

interface Asked {
  readonly target: RenderTarget;
  readonly files: Readonly<Record<string, string>>;
}

/** A tool that joins the files that it is given; `answer` stands for another one. */
function joining(asked: Asked[] = [], answer?: (target: RenderTarget) => Rendered | undefined): Renderer {
  return {
    async render(target, files) {
      const texts = files.map(({ path, content }) => [path, new TextDecoder().decode(content)] as const);
      asked.push({ target, files: Object.fromEntries(texts) });
      const objects = texts.map(([, text]) => text).filter((text) => /^kind: (?!Kustomization)/m.test(text));
      return answer?.(target) ?? { kind: 'rendered', text: objects.join('---\n') };
    },
  };
}

const settings = (level: string): string => `kind: ConfigMap\nmetadata: {name: s}\ndata: {LEVEL: ${level}}\n`;
const secret = (word: string): string => `kind: Secret\nmetadata: {name: k}\nstringData: {PASSWORD: ${word}}\n`;

const FOLDERS = `version: 1\nlayout: folders\nimages: { web: { repository: ${DJANGO} } }\nenvironments:\n  dev: { path: env/dev }\n  prd: { path: env/prd, from: dev, carry: [settings.yaml] }\n`;
const overlay = `resources: [settings.yaml, ../../base]\nimages:\n  - name: ${DJANGO}\n    newTag: V3.2\n`;

async function released(files: Readonly<Record<string, string>> = {}) {
  const bench = createBench({
    config: FOLDERS,
    files: {
      'base/kustomization.yaml': 'resources: [web.yaml]\n',
      'base/web.yaml': 'kind: Deployment\nmetadata: {name: web}\n',
      'env/dev/kustomization.yaml': overlay,
      'env/prd/kustomization.yaml': overlay,
      'env/dev/settings.yaml': settings('debug'),
      'env/prd/settings.yaml': settings('info'),
      ...files,
    },
  });
  await bench.released('dev', { web: 'V4.0' });
  return bench;
}

const compare = async (context: Context, renderer?: Renderer) =>
  (await diff(withPorts(context, { outside: renderer ? { renderer } : {} }), 'dev', 'prd', { rendered: true }))
    .rendered;

describe('a rendering', () => {
  it('is made of the environment’s folder and its bases, before and after, and compared object by object', async () => {
    const bench = await released();
    const asked: Asked[] = [];
    const rendered = await compare(bench.context(), joining(asked));
    expect(rendered).toMatchObject([
      {
        folder: 'env/prd',
        tool: 'kubectl kustomize',
        objects: [
          {
            path: 'env/prd: ConfigMap s',
            settings: [{ object: 'ConfigMap s', subject: 'key', field: 'data.LEVEL', before: 'info', after: 'debug' }],
          },
        ],
      },
    ]);
    expect(asked.map(({ target }) => target)).toEqual([
      { kind: 'kustomize', folder: 'env/prd' },
      { kind: 'kustomize', folder: 'env/prd' },
    ]);
    const [before, after] = asked;
    expect(Object.keys(before?.files ?? {}).sort()).toEqual([
      'base/kustomization.yaml',
      'base/web.yaml',
      'env/prd/kustomization.yaml',
      'env/prd/settings.yaml',
    ]);
    expect(before?.files['env/prd/kustomization.yaml']).toContain('newTag: V3.2');
    expect(after?.files['env/prd/kustomization.yaml']).toMatch(/newTag: V4\.0/);
  });

  it('is part of a plan that is not done', async () => {
    const bench = await released();
    const request = { kind: 'promote', environment: 'prd', versions: {} } as const;
    const context = withPorts(bench.context(), { outside: { renderer: joining() } });
    const outcome = await promote(context, request, { dryRun: true, rendered: true });
    expect(outcome).toMatchObject({ kind: 'planned', rendered: [{ objects: [{ path: 'env/prd: ConfigMap s' }] }] });
    expect(await promote(context, request, { dryRun: true })).not.toHaveProperty('rendered');
  });

  it('of a branch takes what the release carries, and what the environment keeps', async () => {
    const bench = createBench({
      settings: { stg: 'keep: [environments/stg/own.yaml]' },
      files: { 'environments/stg/own.yaml': settings('mine') },
    });
    await bench.through(FIRST);
    bench.remote.commit('main', {
      'environments/stg/own.yaml': settings('theirs'),
      'environments/stg/settings.yaml': settings('new'),
    });
    await bench.released('dev', { django: 'V4.2' });
    const asked: Asked[] = [];
    const context = withPorts(bench.context(), { outside: { renderer: joining(asked) } });
    await diff(context, 'dev', 'stg', { rendered: true });
    const after = asked.at(-1)?.files ?? {};
    expect(after['environments/stg/own.yaml']).toBe(settings('mine'));
    expect(after['environments/stg/settings.yaml']).toBe(settings('new'));
    expect(after['environments/stg/kustomization.yaml']).toContain('V4.2');
  });

  it('takes a chart with the values files of the environment', async () => {
    const bench = createBench({
      config: FOLDERS.replace('[settings.yaml]', '[values-prd.yaml]'),
      files: {
        'env/dev/values-prd.yaml': `image: {repository: ${DJANGO}, tag: V3.2}\n`,
        'env/prd/Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
        'env/prd/values.yaml': 'replicas: 1\n',
        'env/prd/values-prd.yaml': `image: {repository: ${DJANGO}, tag: V3.2}\n`,
        'env/prd/templates/web.yaml': 'kind: Deployment\n',
        'env/prd/charts/sub/Chart.yaml': 'apiVersion: v2\nname: sub\nversion: 1.0.0\n',
      },
    });
    await bench.released('dev', { web: 'V4.0' });
    const asked: Asked[] = [];
    const request = { kind: 'promote', environment: 'prd', versions: {} } as const;
    await promote(withPorts(bench.context(), { outside: { renderer: joining(asked) } }), request, {
      dryRun: true,
      rendered: true,
    });
    expect(asked.map(({ target }) => target).at(-1)).toEqual({
      kind: 'helm',
      folder: 'env/prd',
      release: 'prd',
      values: ['env/prd/values-prd.yaml'],
    });
  });

  it('shows no value of a Secret', async () => {
    const bench = await released({
      'env/dev/settings.yaml': secret('hunter2'),
      'env/prd/settings.yaml': secret('old'),
    });
    const text = JSON.stringify(await compare(bench.context(), joining()));
    expect(text).toContain('(hidden)');
    expect(text).not.toMatch(/hunter2|old"/);
  });

  it('says in the tool’s words why there is nothing to compare', async () => {
    const bench = await released();
    const rendered = await compare(
      bench.context(),
      joining([], () => ({ kind: 'failed', why: 'no such file' })),
    );
    expect(rendered).toEqual([
      { folder: 'env/prd', tool: 'kubectl kustomize', objects: [], problem: 'as it is: no such file' },
    ]);
  });

  it.each([
    ['is not on this machine', joining([], () => ({ kind: 'missing', program: 'kubectl' })), 'no kubectl on PATH'],
    ['was not given to the library', undefined, 'no program to render with'],
  ])('is refused where the tool %s', async (_, renderer, why) => {
    const bench = await released();
    await expect(compare(bench.context(), renderer)).rejects.toMatchObject({
      code: 'not-supported',
      why: expect.stringContaining(why) as string,
    });
  });

  it.each([
    'https://example.com/web.yaml',
    'github.com/acme/base//web?ref=v1',
    'git@example.com:acme/base.git',
    'ssh://git@example.com/acme/base',
    '../../../elsewhere',
    '/etc/kustomization',
  ])('of what is not in the repository is not begun: %s', async (reference) => {
    const bench = await released({ 'env/prd/kustomization.yaml': `${overlay}components: ['${reference}']\n` });
    const asked: Asked[] = [];
    const rendered = await compare(bench.context(), joining(asked));
    expect(rendered?.[0]?.problem).toContain(reference);
    expect(asked).toEqual([]);
  });

  it.each([
    ['files of a generator', 'configMapGenerator: [{name: c, files: [a=https://example.com/a]}]\n', {}],
    ['variables of a generator', 'secretGenerator: [{name: c, envs: [https://example.com/a]}]\n', {}],
    ['a patch', 'patches: [{path: https://example.com/p.yaml}]\n', {}],
    ['a schema', 'openapi: {path: https://example.com/s.json}\n', {}],
    [
      'a plugin’s configuration',
      'transformers: [t.yaml]\n',
      {
        'env/prd/t.yaml':
          'apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: p}\npath: https://example.com/p.yaml\n',
      },
    ],
    [
      'a base’s kustomization',
      '',
      { 'base/kustomization.yaml': 'resources: [web.yaml, "https://example.com/p.yaml"]\n' },
    ],
  ])('that would fetch %s is not begun', async (_, more, files) => {
    const bench = await released({ 'env/prd/kustomization.yaml': overlay + more, ...files });
    const asked: Asked[] = [];
    const rendered = await compare(bench.context(), joining(asked));
    expect(rendered?.[0]?.problem).toMatch(/takes in https:\/\/example\.com.*nothing is fetched/);
    expect(asked).toEqual([]);
  });
});
