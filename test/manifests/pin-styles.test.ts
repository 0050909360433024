// Pin styles: what a field says of an image, and what makes a deploy notice when it says a tag that moves.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ManifestFile, type Pin, type PinOptions, pinImages, readPins } from '../../src/manifests/manifests.ts';
import { attemptNow } from '../../src/model/attempt.ts';
import { parseTag } from '../../src/model/reference.ts';
import { refusal } from '../support/failure.ts';
import { describeReal } from '../support/real.ts';
import {
  D,
  KUSTOMIZATION,
  OLD,
  REPOSITORY,
  WORKLOAD,
  deployment,
  file,
  folder,
  options,
  pinOf,
  textAfter,
} from './support.ts';

const VALUES = `${folder}/values.yaml`;
const KEY = 'tagflow.dev/digest.django';

function pin(style: Pin['style'], change: Parameters<typeof pinOf>[0] = {}): Pin {
  return { ...pinOf(change), ...(style && { style }), targetTag: parseTag('dev') };
}

/** The text of a file after pinning in a style. */
function pinned(path: string, text: string, style: Pin['style'], more: Partial<PinOptions> = {}): string {
  return textAfter(pinImages([file(path, text)], [pin(style)], { ...options, ...more }), path) ?? text;
}

describe('a pin style', () => {
  it.each([
    ['version+digest', `${REPOSITORY}:V4.2@${D}`],
    ['digest', `${REPOSITORY}@${D}`],
    ['version', `${REPOSITORY}:V4.2`],
    ['target+digest', `${REPOSITORY}:dev@${D}`],
    ['target', `${REPOSITORY}:dev`],
  ] as const)('%s is what a container names', (style, image) => {
    for (const before of [' django', ' django:V4.0', ` ${REPOSITORY}:V4.0@${OLD}`, ` django@${OLD}`]) {
      expect(pinned(WORKLOAD, deployment(before), style)).toContain(`          image: ${image}\n`);
    }
  });

  it.each([
    ['version+digest', `  newTag: V4.2\n  digest: ${D}\n`],
    ['digest', `  digest: ${D}\n`],
    ['version', '  newTag: V4.2\n'],
    ['target+digest', `  newTag: dev\n  digest: ${D}\n`],
    ['target', `  newTag: dev\ncommonAnnotations:\n  ${KEY}: ${D}\n`],
  ] as const)('%s is what an entry of a kustomization says', (style, fields) => {
    const entry = `images:\n- name: ${REPOSITORY}\n`;
    for (const before of ['', '  newTag: V4.0\n', `  newTag: V4.0\n  digest: ${OLD}\n`, `  digest: ${OLD}\n`]) {
      const after = pinned(KUSTOMIZATION, entry + before, style);
      const [tag = '', ...rest] = fields.split('\n');
      expect(after.split('\n').toSorted()).toEqual([...(entry + tag).split('\n'), ...rest].toSorted());
    }
    const added = pinned(KUSTOMIZATION, 'resources: []\n', style);
    expect(added).toContain(`images:\n- name: django\n  newName: ${REPOSITORY}\n${fields}`);
  });

  it.each([
    ['version+digest', 'V1.0', `V4.2@${D}`],
    ['version', `V1.0@${OLD}`, 'V4.2'],
    ['version', OLD, "''"],
    ['target', '', 'dev'],
    ['target', 'V1.0', 'dev'],
    ['target', OLD, "''"],
    ['target+digest', OLD, D],
    ['target+digest', 'V1.0', `dev@${D}`],
  ] as const)('%s in a configured field that held %s', (style, before, after) => {
    const configured = [{ image: 'django', file: 'v.yaml', path: ['tag'] }];
    const text = pinned('v.yaml', `tag: '${before}'\n`, style, { configured });
    expect(text.replaceAll("'", '')).toBe(`tag: ${after.replaceAll("'", '')}\n`);
  });

  it('of a field comes before that of the image, and that before the one of the environment', () => {
    const configured = [
      { image: 'django', file: 'v.yaml', path: ['label'], pin: 'version' as const },
      { image: 'django', file: 'v.yaml', path: ['tag'] },
    ];
    const files = [file('v.yaml', 'label: v1\ntag: v1\n')];
    const result = pinImages(files, [pin('digest')], { ...options, configured });
    expect(textAfter(result, 'v.yaml')).toBe(`label: V4.2\ntag: ${D}\n`);
  });
});

describe('a moving tag', () => {
  const DEPLOYMENT = { kind: 'Deployment', spec: 'spec:\n  template:\n    ' };

  it.each([
    [
      'has no metadata',
      'spec:\n      containers: [{image: django}]\n',
      `spec:\n      containers: [{image: "${REPOSITORY}:dev"}]\n    metadata:\n      annotations:\n        ${KEY}: ${D}\n`,
    ],
    [
      'has labels',
      'metadata:\n      labels: {a: b} # x\n    spec: {containers: [{image: django}]}\n',
      `metadata:\n      labels: {a: b} # x\n      annotations:\n        ${KEY}: ${D}\n    spec: {containers: [{image: "${REPOSITORY}:dev"}]}\n`,
    ],
    [
      'has annotations',
      'metadata:\n      annotations:\n        a: b\n        # more\n    spec: {containers: [{image: django}]}\n',
      `metadata:\n      annotations:\n        a: b\n        # more\n        ${KEY}: ${D}\n    spec: {containers: [{image: "${REPOSITORY}:dev"}]}\n`,
    ],
    [
      'has the annotation of the image before',
      `metadata: {annotations: {"${KEY}": "${OLD}"}}\n    spec: {containers: [{image: django}]}\n`,
      `metadata: {annotations: {"${KEY}": "${D}"}}\n    spec: {containers: [{image: "${REPOSITORY}:dev"}]}\n`,
    ],
    [
      'has empty annotations',
      'metadata:\n      annotations: {}\n    spec: {containers: [{image: django}]}\n',
      `metadata:\n      annotations: {${KEY}: "${D}"}\n    spec: {containers: [{image: "${REPOSITORY}:dev"}]}\n`,
    ],
    [
      'has a key without a value',
      'metadata:\n      annotations:\n    spec: {containers: [{image: django}]}\n',
      `metadata:\n      annotations: {${KEY}: "${D}"}\n    spec: {containers: [{image: "${REPOSITORY}:dev"}]}\n`,
    ],
  ])('is reported of a Pod template that %s', (_, before, after) => {
    const head = `kind: ${DEPLOYMENT.kind}\n${DEPLOYMENT.spec}`;
    const text = pinned(WORKLOAD, head + before, 'target');
    expect(text.replaceAll(/"|'/g, '')).toBe((head + after).replaceAll(/"|'/g, ''));
    expect(pinned(WORKLOAD, text, 'target')).toBe(text);
  });

  it('of each image gets an annotation of its own', () => {
    const text = 'kind: Job\nspec: {template: {spec: {containers: [{image: django}, {image: redis}]}}}\n';
    const pins = [pin('target'), pin('target', { image: 'redis', repository: 'r.example/redis', digest: OLD })];
    const after = textAfter(pinImages([file(WORKLOAD, text)], pins, options), WORKLOAD) ?? '';
    expect(after).toContain(`metadata: {annotations: {${KEY}: ${D}, tagflow.dev/digest.redis: ${OLD}}}`);
  });

  it('is reported in JSON as JSON', () => {
    const text = '{"kind":"Job","spec":{"template":{"spec":{"containers":[{"image":"django"}]}}}}';
    const after = pinned(`${folder}/job.json`, text, 'target');
    const { spec } = JSON.parse(after) as { spec: { template: { metadata: unknown } } };
    expect(spec.template.metadata).toEqual({ annotations: { [KEY]: D } });
  });

  it.each([
    [
      'an empty file',
      '',
      `images:\n- name: django\n  newName: ${REPOSITORY}\n  newTag: dev\ncommonAnnotations:\n  ${KEY}: ${D}\n`,
    ],
    [
      'annotations',
      `commonAnnotations:\n  a: b\nimages:\n- name: ${REPOSITORY}\n`,
      `commonAnnotations:\n  a: b\n  ${KEY}: ${D}\nimages:\n- name: ${REPOSITORY}\n  newTag: dev\n`,
    ],
    [
      'the annotation of the image before',
      `commonAnnotations:\n  ${KEY}: ${OLD} # x\nimages:\n- name: ${REPOSITORY}\n`,
      `commonAnnotations:\n  ${KEY}: ${D} # x\nimages:\n- name: ${REPOSITORY}\n  newTag: dev\n`,
    ],
    [
      'a comment behind its list',
      `images:\n- name: other\n# end\n`,
      `images:\n- name: other\n- name: django\n  newName: ${REPOSITORY}\n  newTag: dev\n# end\ncommonAnnotations:\n  ${KEY}: ${D}\n`,
    ],
  ])('is reported by a kustomization with %s', (_, before, after) => {
    const text = pinned(KUSTOMIZATION, before, 'target');
    expect(text).toBe(after);
    expect(pinned(KUSTOMIZATION, text, 'target')).toBe(text);
  });

  it('is warned of where nothing changes with it', () => {
    const configured = [{ image: 'django', file: 'v.yaml', path: ['image', 'tag'] }];
    const { warnings } = pinImages([file('v.yaml', 'image:\n  tag: v1\n')], [pin('target')], {
      ...options,
      configured,
    });
    expect(warnings).toEqual([
      'v.yaml:2 image.tag names the moving tag dev, and nothing there changes with the image: a deploy will not notice. Add a field with the digest under also: in tagflow.yaml',
    ]);
  });

  it.each([
    ['', 'IfNotPresent (the default)'],
    ['imagePullPolicy: Never, ', 'Never'],
    ['imagePullPolicy: Always, ', undefined],
  ])('is warned of where a node need not pull it: %s', (policy, said) => {
    const text = `kind: Job\nspec: {template: {spec: {containers: [{${policy}image: django}]}}}\n`;
    const { warnings } = pinImages([file(WORKLOAD, text)], [pin('target')], options);
    expect(warnings.map((warning) => /imagePullPolicy (.*?), and/.exec(warning)?.[1])).toEqual(said ? [said] : []);
    expect(pinImages([file(WORKLOAD, text)], [pin('target+digest')], options).warnings).toEqual([]);
  });

  it.each([
    ['django_tag: dev\n', 'django_tag: V4.2\n'],
    ['image_tags: {django: dev}\n', 'image_tags: {django: V4.2}\n'],
    ['django_tag: blue\n', undefined],
    ['image_tags: {django: blue}\n', undefined],
  ])('is a tag without anything that says image where it is the one of the environment: %j', (before, after) => {
    const pins = [pin('version')];
    const { value } = attemptNow(() => pinImages([file(VALUES, before)], pins, options));
    expect(value && textAfter(value, VALUES)).toBe(after);
    const said = readPins([file(VALUES, before)], pins, options).map(({ tag }) => tag);
    expect(said).toEqual(after === undefined ? [] : ['dev']);
  });

  it('is refused where the annotations stand in a merge key', () => {
    const text = `x: &x {metadata: {annotations: {a: b}}}\nkind: Job\nspec: {template: {<<: *x, spec: {containers: [{image: django}]}}}\n`;
    expect(refusal(() => pinned(WORKLOAD, text, 'target'))).toMatchObject({ code: 'manifest-unsafe-edit' });
  });
});

describe('a moving tag in a base', () => {
  const base = (kind: string) => [
    file('base/main.yaml', deployment(' django:V1').replace('kind: Deployment', `kind: ${kind}`)),
    file('base/kustomization.yaml', 'resources: [main.yaml]\n'),
  ];
  const overlay = [file(KUSTOMIZATION, 'resources: [../../base]\n')];
  const warnings = (kind: string, configured: PinOptions['configured'] = []): readonly string[] =>
    pinImages([...overlay, file(`${folder}/a.yaml`, 'tag: dev\ndigest: ""\n')], [pin('target')], {
      ...options,
      bases: base(kind),
      configured,
      values: { release: 1, time: '2026-01-01T00:00:00Z' },
    }).warnings;

  it('is warned of in a kind whose Pod template kustomize does not know', () => {
    expect(warnings('Rollout')).toEqual([
      `base/main.yaml:10 names django in a Rollout, and commonAnnotations of ${KUSTOMIZATION} do not reach its Pod template: a deploy will not notice that the tag dev moved. Patch the template with an annotation, and name it under also: in tagflow.yaml`,
    ]);
  });

  it('is not warned of in other kinds, nor where a field with the digest stands beside', () => {
    expect(warnings('StatefulSet')).toEqual([]);
    const also = [{ file: `${folder}/a.yaml`, path: ['digest'], value: '{digest}' }];
    const configured = [{ image: 'django', file: `${folder}/a.yaml`, path: ['tag'], also }];
    expect(warnings('Rollout', configured)).toEqual([]);
  });
});

describeReal('kubectl kustomize with a moving tag', ['kubectl'], () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tagflow-styles-'));
  });
  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  const bases = [
    file('base/web.yaml', deployment(' django:V1')),
    file('base/kustomization.yaml', 'resources: [web.yaml]\n'),
  ];

  function render(files: readonly ManifestFile[]): string {
    for (const { path, content } of [...bases, ...files]) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), content);
    }
    const out = execFileSync('kubectl', ['kustomize', join(root, folder)], { encoding: 'utf8' });
    return out.slice(out.indexOf('\nspec:'));
  }

  /** The files after a release of a digest. */
  function release(files: readonly ManifestFile[], digest: Pin['digest']): readonly ManifestFile[] {
    const { edits } = pinImages(files, [pin('target', { digest })], { ...options, bases });
    return files.map((each) => edits.find(({ path }) => path === each.path) ?? each);
  }

  it.each([
    ['an entry', [file(KUSTOMIZATION, 'resources: [../../base]\n')]],
    [
      'a workload of its own',
      [file(KUSTOMIZATION, 'resources: [own.yaml]\n'), file(`${folder}/own.yaml`, deployment(' django'))],
    ],
  ])('renders another Pod template exactly when the digest is another: %s', (_, files) => {
    const first = release(files, OLD);
    const second = release(first, D);
    const back = release(second, OLD);
    const [one, two] = [render(first), render(second)];
    expect(one).toContain(`image: ${REPOSITORY}:dev\n`);
    expect(one).toContain(`${KEY}: ${OLD}`);
    expect(two).toBe(one.replaceAll(OLD, D));
    expect(two).not.toBe(one);
    expect(render(release(second, D))).toBe(two);
    expect(back).toEqual(first);
    expect(render(back)).toBe(one);
  });
});
