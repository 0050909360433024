// A generated family of kustomizations (components, patches of every form, names, kinds, nesting), judged by kustomize itself:
// after pinning, what it renders names the new digest wherever it named the image before, or pinning was refused.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { pinImages } from '../../src/manifests/manifests.ts';
import { isTagflowError } from '../../src/model/errors.ts';
import { refusal } from '../support/failure.ts';
import { describeReal } from '../support/real.ts';
import { D, file, folder, options, pinOf } from './support.ts';

const R = 'registry.example.com:5000/acme/django';
const PROD = 'prod.example.com/acme/django';

/** Whether a rendered image is one of ours, before it is pinned. */
function means(image: string): boolean {
  return [R, 'django'].includes(image.replace(/@.*/, '').replace(/:[^:/]*$/, ''));
}

type Files = Record<string, string>;

/** A text of JSON, which is YAML, so that a generator need not indent. */
function json(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

const PODS: Record<string, { readonly apiVersion: string; readonly path: readonly string[] }> = {
  Deployment: { apiVersion: 'apps/v1', path: ['spec', 'template', 'spec'] },
  CronJob: { apiVersion: 'batch/v1', path: ['spec', 'jobTemplate', 'spec', 'template', 'spec'] },
  Rollout: { apiVersion: 'argoproj.io/v1alpha1', path: ['spec', 'template', 'spec'] },
  DeploymentConfig: { apiVersion: 'apps.openshift.io/v1', path: ['spec', 'template', 'spec'] },
  Sidecars: { apiVersion: 'example.com/v1', path: ['spec', 'deep', 'inner'] },
};

interface Container {
  readonly name: string;
  readonly image: string;
}

function workload(kind: string, containers: readonly Container[], list = 'containers'): unknown {
  const { apiVersion, path } = PODS[kind]!;
  let inner: unknown = { [list]: containers };
  for (const step of path.toReversed()) inner = { [step]: inner };
  return { apiVersion, kind, metadata: { name: 'main' }, ...(inner as object) };
}

const name = fc.constantFrom('django', R, 'web', 'registry.example.com:5000/other/squid');
const tag = fc.constantFrom('', ':V0.3', `:V0.3@${D}`, `@${D}`);
const image = fc.tuple(name, tag).map((parts) => parts.join(''));
const kind = fc.constantFrom(...Object.keys(PODS));

/** What puts another image into the container of the base. */
const change = fc.record({
  form: fc.constantFrom(
    'strategic-file',
    'strategic-inline',
    'strategic-outside',
    'strategic-field',
    'json-file',
    'json-inline',
    'json-outside',
    'json-field',
    'json-init',
    'json-list',
    'init-strategic',
  ),
  image,
});

const shape = fc.record({
  kind,
  images: fc.array(image, { minLength: 1, maxLength: 3 }),
  rename: fc.constantFrom('none', 'base', 'component', 'component-outside', 'overlay', 'middle'),
  middle: fc.constantFrom('none', 'outside', 'inside'),
  changes: fc.array(change, { maxLength: 2 }),
  place: fc.constantFrom('overlay', 'component', 'middle'),
  own: fc.boolean(),
});
type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never;

/** A kustomization with the changes in it, and the files that they need. */
function patched(at: string, changes: Shape['changes'], kind: string, files: Files): Record<string, unknown> {
  const k: Record<string, unknown[]> = {};
  const add = (field: string, value: unknown): void => {
    k[field] = [...(k[field] ?? []), value];
  };
  const path = PODS[kind]!.path;
  for (const [index, { form, image }] of changes.entries()) {
    const crd = kind !== 'Deployment' && kind !== 'CronJob';
    // lists of custom resources are replaced and not merged: the patch names the one container that is left
    const strategic = workload(
      kind,
      [{ name: 'c0', image }],
      form === 'init-strategic' ? 'initContainers' : 'containers',
    );
    const operation = { op: 'replace', path: `/${path.join('/')}/containers/0/image`, value: image };
    const init = { op: 'add', path: `/${path.join('/')}/initContainers`, value: [{ name: `i${index}`, image }] };
    const list = { op: 'replace', path: `/${path.join('/')}/containers`, value: [{ name: 'c0', image }] };
    const target = { kind };
    const patch = `${at}/patch-${index}.yaml`;
    const outside = `patches/${at.replaceAll('/', '-')}-${index}.yaml`;
    const up = at
      .split('/')
      .map(() => '..')
      .join('/');
    if (form === 'strategic-file' || form === 'init-strategic') {
      files[patch] = json(strategic);
      add('patches', { path: `patch-${index}.yaml` });
    } else if (form === 'strategic-inline') add('patches', { patch: json(strategic) });
    else if (form === 'strategic-outside') {
      files[outside] = json(strategic);
      add('patches', { path: `${up}/${outside}` });
    } else if (form === 'strategic-field' && !crd) {
      files[patch] = json(strategic);
      add('patchesStrategicMerge', `patch-${index}.yaml`);
    } else if (form === 'json-file') {
      files[patch] = json([operation]);
      add('patches', { path: `patch-${index}.yaml`, target });
    } else if (form === 'json-outside') {
      files[outside] = json([operation]);
      add('patches', { path: `${up}/${outside}`, target });
    } else if (form === 'json-field') {
      files[patch] = json([operation]);
      const { apiVersion } = PODS[kind]!;
      const [group, version] = apiVersion.split('/');
      add('patchesJson6902', { path: `patch-${index}.yaml`, target: { group, version, kind, name: 'main' } });
    } else if (form === 'json-init') add('patches', { patch: json([init]), target });
    else if (form === 'json-list') add('patches', { patch: json([list]), target });
    else add('patches', { patch: json([operation]), target });
  }
  return k;
}

/** The files of a shape; those below the folder are pinned. */
function filesOf(shape: Shape): Files {
  const files: Files = {};
  const renaming = [{ name: 'web', newName: R, newTag: 'V0.1' }];
  const images = (where: string): object => (shape.rename === where ? { images: renaming } : {});
  files['base/main.yaml'] = json(
    workload(
      shape.kind,
      shape.images.map((image, index) => ({ name: `c${index}`, image })),
    ),
  );
  files['base/kustomization.yaml'] = json({ resources: ['main.yaml'], ...images('base') });
  const inside = shape.middle === 'inside';
  const middle = inside ? `${folder}/middle` : 'middle';
  const toBase = inside ? '../../../base' : '../base';
  if (shape.middle !== 'none') {
    const k = shape.place === 'middle' ? patched(middle, shape.changes, shape.kind, files) : {};
    files[`${middle}/kustomization.yaml`] = json({ resources: [toBase], ...images('middle'), ...k });
  }
  const component = shape.rename === 'component-outside' ? 'component' : `${folder}/component`;
  const hasComponent = shape.rename.startsWith('component') || shape.place === 'component';
  if (hasComponent) {
    const k = shape.place === 'component' ? patched(component, shape.changes, shape.kind, files) : {};
    files[`${component}/kustomization.yaml`] = json({
      apiVersion: 'kustomize.config.k8s.io/v1alpha1',
      kind: 'Component',
      ...images('component'),
      ...images('component-outside'),
      ...k,
    });
  }
  const below = shape.middle === 'none' ? '../../base' : inside ? 'middle' : '../../middle';
  const k = shape.place === 'overlay' ? patched(folder, shape.changes, shape.kind, files) : {};
  files[`${folder}/kustomization.yaml`] = json({
    resources: [below],
    ...(hasComponent && { components: [component === 'component' ? '../../component' : 'component'] }),
    ...images('overlay'),
    ...k,
  });
  return files;
}

describeReal('kustomize renders what was pinned', ['kubectl'], () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tagflow-family-'));
  });
  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  /** The images of a rendered overlay; undefined where kustomize refuses it. */
  function render(files: Files): readonly string[] | undefined {
    rmSync(root, { recursive: true, force: true });
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    try {
      const words = ['kustomize', '--load-restrictor', 'LoadRestrictionsNone', join(root, folder)];
      const out = execFileSync('kubectl', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
      return [...out.matchAll(/image: (.*)/g)].map(([, image]) => image ?? '');
    } catch (error) {
      const { stderr } = error as { readonly stderr?: string };
      if (typeof stderr === 'string') return undefined;
      throw error;
    }
  }

  /** The files after pinning; undefined where it is refused. */
  function pin(files: Files, own: boolean): Files | undefined {
    const all = Object.entries(files).map(([path, text]) => file(path, text));
    const here = all.filter(({ path }) => path.startsWith(`${folder}/`));
    const bases = all.filter(({ path }) => !path.startsWith(`${folder}/`));
    const repository = own ? PROD : R;
    try {
      const { edits } = pinImages(here, [pinOf({ names: ['django', R, PROD], repository })], { ...options, bases });
      const texts = edits.map(({ path, content }) => [path, new TextDecoder().decode(content)]);
      return { ...files, ...(Object.fromEntries(texts) as Files) };
    } catch (error) {
      if (isTagflowError(error, 'manifest-unsafe-edit')) return undefined;
      throw error;
    }
  }

  const CONFIG = json({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'v' }, data: { ref: `${R}:V0.3` } });
  const WEB = json(workload('Deployment', [{ name: 'c0', image: 'web:1' }]));
  const OURS = json(workload('Deployment', [{ name: 'c0', image: `${R}:V0.3` }]));
  const TO_IMAGE = { select: { kind: 'Deployment' }, fieldPaths: ['spec.template.spec.containers.[name=c0].image'] };
  const FROM_CONFIG = { source: { kind: 'ConfigMap', name: 'v', fieldPath: 'data.ref' }, targets: [TO_IMAGE] };
  const K = `${folder}/kustomization.yaml`;

  it.each<readonly [string, Files]>([
    [
      'a replacement in a base puts it there before the entries',
      {
        'base/kustomization.yaml': json({ resources: ['w.yaml', 'v.yaml'], replacements: [FROM_CONFIG] }),
        'base/w.yaml': WEB,
        'base/v.yaml': CONFIG,
        [K]: json({ resources: ['../../base'] }),
      },
    ],
    [
      'a replacement copies a pinned image into another object',
      {
        [`${folder}/a.yaml`]: OURS,
        [`${folder}/b.yaml`]: json(workload('CronJob', [{ name: 'c0', image: 'web' }])),
        [K]: json({
          resources: ['a.yaml', 'b.yaml'],
          replacements: [
            {
              source: { kind: 'Deployment', name: 'main', fieldPath: 'spec.template.spec.containers.0.image' },
              targets: [
                {
                  select: { kind: 'CronJob' },
                  fieldPaths: ['spec.jobTemplate.spec.template.spec.containers.[name=c0].image'],
                },
              ],
            },
          ],
        }),
      },
    ],
    [
      'a replacement concerns another image',
      {
        [`${folder}/a.yaml`]: json(
          workload('Deployment', [
            { name: 'c0', image: 'web' },
            { name: 'c1', image: `${R}:V0.3` },
          ]),
        ),
        [`${folder}/v.yaml`]: CONFIG.replace(R, 'squid'),
        [K]: json({ resources: ['a.yaml', 'v.yaml'], replacements: [FROM_CONFIG] }),
      },
    ],
    [
      'a component outside sets a tag over a field that is pinned in the folder',
      {
        [`${folder}/a.yaml`]: OURS,
        'component/kustomization.yaml': json({ kind: 'Component', images: [{ name: R, newTag: 'V0.1' }] }),
        [K]: json({ resources: ['a.yaml'], components: ['../../component'] }),
      },
    ],
    [
      'kustomize is informed of a field of a custom resource',
      {
        'base/kustomization.yaml': json({ resources: ['w.yaml'] }),
        'base/w.yaml': json({
          apiVersion: 'x.io/v1',
          kind: 'Foo',
          metadata: { name: 'f' },
          spec: { image: `${R}:V0.3` },
        }),
        [`${folder}/c.yaml`]: json({ images: [{ path: 'spec/image', kind: 'Foo' }] }),
        [K]: json({ resources: ['../../base'], configurations: ['c.yaml'] }),
      },
    ],
    [
      'a chain of entries leads to it',
      {
        'base/kustomization.yaml': json({ resources: ['w.yaml'], images: [{ name: 'web', newName: 'step' }] }),
        'base/w.yaml': WEB,
        'middle/kustomization.yaml': json({ resources: ['../base'], images: [{ name: 'step', newName: R }] }),
        [K]: json({ resources: ['../../middle'] }),
      },
    ],
  ])('where %s', (_, files) => {
    const before = render(files) ?? [];
    const after = render(pin(files, false) ?? {}) ?? [];
    expect(before.some(means)).toBe(true);
    expect(after).toEqual(before.map((image) => (means(image) ? `${R}:V4.2@${D}` : image)));
  });

  const refusedBy = (files: Files): string => {
    const all = Object.entries(files).map(([path, text]) => file(path, text));
    const here = all.filter(({ path }) => path.startsWith(`${folder}/`));
    const bases = all.filter(({ path }) => !path.startsWith(`${folder}/`));
    return refusal(() => pinImages(here, [pinOf({ names: ['django', R], repository: R })], { ...options, bases }))
      .message;
  };
  const workflow = (inner: object): string =>
    json({ apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', metadata: { name: 'main' }, spec: inner });

  it.each<readonly [string, string, Files]>([
    [
      'a replacement from a ConfigMap',
      `${K}:1`,
      { [`${folder}/v.yaml`]: CONFIG, [K]: json({ resources: ['../../base', 'v.yaml'], replacements: [FROM_CONFIG] }) },
    ],
    [
      'a replacement in a file of its own',
      'replacements/r.yaml:1',
      {
        'replacements/r.yaml': json([FROM_CONFIG]),
        [`${folder}/v.yaml`]: CONFIG,
        [K]: json({ resources: ['../../base', 'v.yaml'], replacements: [{ path: '../../replacements/r.yaml' }] }),
      },
    ],
    [
      'a replacement from a generated ConfigMap',
      `${K}:1`,
      {
        [K]: json({
          resources: ['../../base'],
          configMapGenerator: [{ name: 'v', literals: [`ref=${R}:V0.3`] }],
          replacements: [FROM_CONFIG],
        }),
      },
    ],
    [
      'a replacement of the tag alone',
      `${K}:1`,
      {
        'base/main.yaml': OURS,
        [`${folder}/v.yaml`]: CONFIG.replace(`${R}:`, ''),
        [K]: json({
          resources: ['../../base', 'v.yaml'],
          replacements: [{ ...FROM_CONFIG, targets: [{ ...TO_IMAGE, options: { delimiter: ':', index: 2 } }] }],
        }),
      },
    ],
    [
      'a transformer of images',
      `${folder}/t.yaml:1`,
      {
        'base/main.yaml': OURS,
        [`${folder}/t.yaml`]: json({
          apiVersion: 'builtin',
          kind: 'ImageTagTransformer',
          metadata: { name: 't' },
          imageTag: { name: R, newTag: 'V0.1' },
        }),
        [K]: json({ resources: ['../../base'], transformers: ['t.yaml'] }),
      },
    ],
    [
      'an ephemeral container',
      'base/main.yaml:1',
      { 'base/main.yaml': OURS.replace('containers', 'ephemeralContainers') },
    ],
    [
      'the container of a workflow',
      'base/main.yaml:1',
      { 'base/main.yaml': workflow({ templates: [{ container: { image: R } }] }) },
    ],
    ['a volume', 'base/main.yaml:1', { 'base/main.yaml': workflow({ volumes: [{ image: { reference: `${R}:1` } }] }) }],
    ['a variable behind the name', 'base/main.yaml:1', { 'base/main.yaml': OURS.replace('V0.3', '$(TAG)') }],
    [
      'a patch of a field that is not a container',
      `${K}:1`,
      {
        'base/main.yaml': workflow({ templates: [{ container: { image: 'web' } }] }),
        [K]: json({
          resources: ['../../base'],
          patches: [
            {
              target: { kind: 'Workflow' },
              patch: json([{ op: 'replace', path: '/spec/templates/0/container/image', value: `${R}:V0.3` }]),
            },
          ],
        }),
      },
    ],
  ])('or is refused with the place: %s', (_, place, change) => {
    const files: Files = {
      'base/kustomization.yaml': json({ resources: ['main.yaml'] }),
      'base/main.yaml': WEB,
      [K]: json({ resources: ['../../base'] }),
      ...change,
    };
    const rendered = render(files);
    expect(rendered, 'kustomize itself takes it').toBeDefined();
    expect(refusedBy(files)).toBe(`${place} names django (${R}) in a place that ${K} cannot pin`);
  });

  it('wherever it named the image, whatever builds on what', () => {
    let [judged, named] = [0, 0];
    fc.assert(
      fc.property(shape, (shape) => {
        const files = filesOf(shape);
        const before = render(files);
        if (before === undefined) return;
        const pinned = pin(files, shape.own);
        expect(pinned, 'nothing of this family needs to be refused').toBeDefined();
        const after = render(pinned!) ?? [];
        judged += 1;
        named += before.filter(means).length;
        const wanted = `${shape.own ? PROD : R}:V4.2@${D}`;
        expect(after).toEqual(before.map((image) => (means(image) ? wanted : image)));
      }),
      { numRuns: 25, seed: 8 },
    );
    expect(judged).toBeGreaterThan(15);
    expect(named).toBeGreaterThan(20);
  }, 120_000);
});
