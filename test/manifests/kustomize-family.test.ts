// A generated family of kustomizations (components, patches of every form, names, kinds, nesting), judged by kustomize itself:
// after pinning, what it renders names the new digest wherever it named the image before, or pinning was refused.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { pinImages } from '../../src/manifests/manifests.ts';
import { isTagflowError } from '../../src/model/errors.ts';
import { refusal } from '../support/failure.ts';
import { describeReal } from '../support/real.ts';
import { type Files, PROD, R, json, means, workload } from './kustomize-shapes.ts';
import { D, file, folder, options, pinOf } from './support.ts';

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
});
