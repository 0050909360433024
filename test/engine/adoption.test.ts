// The shapes of repositories that teams bring along: in each, one application is promoted and rolled back, and nothing but its
// own files and its record changes.
import { describe, expect, it } from 'vitest';
import type { ObjectId } from '../../src/model/object-id.ts';
import { type Bench, DJANGO, MARIADB, createBench } from '../support/engine.ts';

interface Shape {
  readonly title: string;
  /** What follows `version: 1` in tagflow.yaml. */
  readonly config: string;
  readonly files: Readonly<Record<string, string>>;
  /** The line that is promoted, and the one upstream of it. */
  readonly lines: readonly [upstream: string, line: string];
  /** The files that a promotion of the line changes, its record aside. */
  readonly own: readonly string[];
  /** Lines that stand in a file after the promotion of V4.0; `DIGEST` is its digest. */
  readonly says?: Readonly<Record<string, readonly string[]>>;
}

const ONE = `images: { web: { repository: ${DJANGO} } }\n`;
const overlay = (name: string, version = 'V3.2'): string => `images:\n  - name: ${name}\n    newTag: ${version}\n`;
const PIN = '{ image: web, file: "apps/web/values-{environment}.yaml", path: image.tag }';
const APP = '{ image: web, file: app/values.yaml, path: image.tag }';
const values = (version = 'V3.2'): string =>
  `replicas: 2\nimage:\n  repository: ${DJANGO}\n  tag: "${version}" # app\n`;
const deployment = (name: string): string =>
  `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  template:\n    spec:\n      containers:\n        - name: web\n          image: '${name}:V3.2'\n`;

const SHAPES: readonly Shape[] = [
  {
    title: 'values files for environments (01, 25)',
    config: `layout: folders\n${ONE}environments:\n  dev: { files: [], pins: [${PIN}] }\n  prd: { from: dev, files: [], pins: [${PIN}] }\n`,
    files: {
      'apps/web/values.yaml': values(),
      'apps/web/values-dev.yaml': values(),
      'apps/web/values-prd.yaml': values(),
    },
    lines: ['dev', 'prd'],
    own: ['apps/web/values-prd.yaml'],
  },
  {
    title: 'folders of one branch (13, 26)',
    config: `layout: folders\n${ONE}environments: { dev: { path: env/dev }, prd: { path: env/prd, from: dev } }\n`,
    files: {
      'env/dev/kustomization.yaml': overlay(DJANGO),
      'env/prd/kustomization.yaml': overlay(DJANGO),
      'env/prd/settings.yml': 'PAGE_LIMIT: 25\n',
    },
    lines: ['dev', 'prd'],
    own: ['env/prd/kustomization.yaml'],
  },
  {
    title: 'applications in the folder of an environment (11)',
    config: `layout: folders\napplications:\n  '*':\n    path: env/{environment}/{application}\n    images: { web: { repository: ${DJANGO} } }\nenvironments: { dev: { tag: '{application}-dev' }, prd: { from: dev, tag: '{application}-prd' } }\n`,
    files: {
      'base/web/kustomization.yaml': 'resources: [d.yaml]\n',
      'base/web/d.yaml': deployment(DJANGO),
      ...Object.fromEntries(
        ['dev', 'prd'].flatMap((environment) =>
          ['web', 'api'].map((name) => [
            `env/${environment}/${name}/kustomization.yaml`,
            `resources: [../../../base/web]\n${overlay(DJANGO)}`,
          ]),
        ),
      ),
    },
    lines: ['dev/web', 'prd/web'],
    own: ['env/prd/web/kustomization.yaml'],
  },
  {
    title: 'overlays in the folder of an application (14)',
    config: `layout: folders\napplications:\n  '*':\n    path: '{application}/overlays/{environment}'\n    images: { '{application}': { repository: ${DJANGO} } }\nenvironments: { dev: { tag: '{application}-dev' }, prd: { from: dev, tag: '{application}-prd' } }\n`,
    files: Object.fromEntries(
      ['web', 'api'].flatMap((name) => [
        [`${name}/base/kustomization.yaml`, 'resources: [d.yaml]\n'],
        [`${name}/base/d.yaml`, deployment(DJANGO)],
        ...['dev', 'prd'].map((environment) => [
          `${name}/overlays/${environment}/kustomization.yaml`,
          `resources: [../../base]\n${overlay(DJANGO)}`,
        ]),
      ]),
    ) as Record<string, string>,
    lines: ['dev/web', 'prd/web'],
    own: ['web/overlays/prd/kustomization.yaml'],
  },
  {
    title: 'a folder without a kustomization (18)',
    config: `layout: folders\n${ONE}environments: { dev: { path: clusters/dev }, prd: { path: clusters/prd, from: dev } }\n`,
    files: { 'clusters/dev/web.yaml': deployment(DJANGO), 'clusters/prd/web.yaml': deployment(DJANGO) },
    lines: ['dev', 'prd'],
    own: ['clusters/prd/web.yaml'],
  },
  {
    title: 'an image whose tags another project moves (17)',
    config: `layout: folders\nimages: { web: { repository: ${DJANGO}, tags: false } }\nenvironments: { dev: { path: env/dev }, prd: { path: env/prd, from: dev } }\n`,
    files: { 'env/dev/kustomization.yaml': overlay(DJANGO), 'env/prd/kustomization.yaml': overlay(DJANGO) },
    lines: ['dev', 'prd'],
    own: ['env/prd/kustomization.yaml'],
  },
  {
    title: 'an image that only dev runs (30)',
    config: `layout: folders\nimages: { web: { repository: ${DJANGO} }, debug: { repository: ${MARIADB} } }\nenvironments: { dev: { path: env/dev }, prd: { path: env/prd, from: dev } }\n`,
    files: {
      'env/dev/kustomization.yaml': `${overlay(DJANGO)}  - name: ${MARIADB}\n    newTag: V10.3\n`,
      'env/prd/kustomization.yaml': overlay(DJANGO),
    },
    lines: ['dev', 'prd'],
    own: ['env/prd/kustomization.yaml'],
  },
  {
    title: 'one path on two branches (03)',
    config: `${ONE}environments:\n  dev: { path: app, pins: [${APP}] }\n  prd: { path: app, from: dev, pins: [${APP}] }\n`,
    files: { 'app/values.yaml': values() },
    lines: ['dev', 'prd'],
    own: ['app/values.yaml'],
  },
];

/** Files for dev and prd with the same content; `{env}` is the environment. */
const both = (path: string, content: string): Record<string, string> =>
  Object.fromEntries(
    ['dev', 'prd'].map((env) => [path.replaceAll('{env}', env), content.replaceAll('{env}', env)] as const),
  );

const FOLDERS = `layout: folders\n${ONE}environments: { dev: { path: env/dev }, prd: { path: env/prd, from: dev } }\n`;

/** tagflow.yaml with pins for both environments, outside of their folders. */
const pinned = (...pins: readonly string[]): string =>
  `layout: folders\n${ONE}environments:\n${['dev', 'prd'].map((env) => `  ${env}: { ${env === 'prd' ? 'from: dev, ' : ''}path: none/${env}, pins: [${pins.join(', ').replaceAll('{env}', env)}] }\n`).join('')}`;

const field = (path: string, file = 'env/{env}.yaml', more = ''): string =>
  `{ image: web, file: '${file}', path: '${path}'${more} }`;
const application = `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: { name: web }
spec:
  sources:
    - helm:
        parameters:
          - name: replicas
            value: "2"
          - name: image.tag
            value: V3.2
        valuesObject:
          image: { tag: V3.2 } # object
        values: |
          # text
          image:
            tag: V3.2
    - kustomize:
        images:
          - ${DJANGO}:V3.2
`;
const CUSTOM = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: web }
spec: { template: { spec: { containers: [{ name: web, image: '${DJANGO}:V3.2' }] } } }
---
apiVersion: apps.openshift.io/v1
kind: DeploymentConfig
metadata: { name: web }
spec: { template: { spec: { containers: [{ name: web, image: '${DJANGO}:V3.2' }] } } }
---
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: { name: web }
spec: { workflowSpec: { templates: [{ name: a, container: { image: '${DJANGO}:V3.2' } }] } }
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: { name: web }
spec: { template: { spec: { containers: [{ image: '${DJANGO}:V3.2' }] } } }
`;

const RELEASE = 'apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: { name: web }\nspec:\n  values:\n';

/** The shapes of manifests. */
const MANIFESTS: readonly Shape[] = [
  {
    title: 'a key that the own values inherit (02)',
    config: pinned(field('image.tag', 'app/values-{env}.yaml')),
    files: { 'app/values.yaml': values(), ...both('app/values-{env}.yaml', 'replicas: 2\n') },
    lines: ['dev', 'prd'],
    own: ['app/values-prd.yaml'],
    says: { 'app/values-prd.yaml': ['replicas: 2', 'image:', '  tag: V4.0@DIGEST'] },
  },
  {
    title: 'a Helm release of a base, which the overlay patches',
    config: pinned(field('spec.values.web.tag', 'apps/{env}/values.yaml')).replaceAll('none/', 'apps/'),
    files: {
      'apps/base/kustomization.yaml': 'resources: [release.yaml]\n',
      'apps/base/release.yaml': `${RELEASE}    web:\n      repository: ${DJANGO}\n      tag: V3.2\n`,
      ...both('apps/{env}/kustomization.yaml', 'resources: [../base]\npatches: [{ path: values.yaml }]\n'),
      ...both('apps/{env}/values.yaml', `${RELEASE}    replicas: 2\n`),
    },
    lines: ['dev', 'prd'],
    own: ['apps/prd/values.yaml'],
    says: { 'apps/prd/values.yaml': ['    web:', '      tag: V4.0@DIGEST'] },
  },
  {
    title: 'an Argo CD Application (06)',
    config: FOLDERS,
    files: both('env/{env}/app.yaml', application),
    lines: ['dev', 'prd'],
    own: ['env/prd/app.yaml'],
    says: {
      'env/prd/app.yaml': [
        '            value: V4.0@DIGEST',
        '          image: { tag: V4.0@DIGEST } # object',
        '            tag: V4.0@DIGEST',
        `          - ${DJANGO}:V4.0@DIGEST`,
      ],
    },
  },
  {
    title: 'a HelmRelease as the second document (08)',
    config: FOLDERS,
    files: both(
      'env/{env}/hr.yaml',
      `apiVersion: v1\nkind: Namespace\nmetadata: { name: a }\n---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: { name: web }\nspec:\n  values:\n    image: ${DJANGO}:V3.2\n`,
    ),
    lines: ['dev', 'prd'],
    own: ['env/prd/hr.yaml'],
    says: { 'env/prd/hr.yaml': [`    image: ${DJANGO}:V4.0@DIGEST`] },
  },
  {
    title: 'files of variables in a folder (09)',
    config: FOLDERS,
    files: both('env/{env}/overrides.env', 'ADMIN_DOCKER_TAG="23edf01"\nWEB_DOCKER_TAG="V3.2"\nURL="http://x:6011"\n'),
    lines: ['dev', 'prd'],
    own: ['env/prd/overrides.env'],
    says: { 'env/prd/overrides.env': ['WEB_DOCKER_TAG="V4.0@DIGEST"', 'ADMIN_DOCKER_TAG="23edf01"'] },
  },
  {
    title: 'files of variables that are called by their path (09)',
    config: pinned(field('WEB_TAG', 'overrides/{env}.env', ', pin: version')),
    files: both('overrides/{env}.env', 'WEB_TAG=V3.2 # live\nURL=http://x\n'),
    lines: ['dev', 'prd'],
    own: ['overrides/prd.env'],
    says: { 'overrides/prd.env': ['WEB_TAG=V4.0 # live'] },
  },
  {
    title: 'a map of services in JSON (10)',
    config: FOLDERS,
    files: both(
      'env/{env}/manifest.json',
      `{\n  "versions": {\n    "web": "${DJANGO}:V3.2",\n    "api": "registry.example.com/acme/api:1.0"\n  }\n}`,
    ),
    lines: ['dev', 'prd'],
    own: ['env/prd/manifest.json'],
    says: { 'env/prd/manifest.json': [`    "web": "${DJANGO}:V4.0@DIGEST",`] },
  },
  {
    title: 'custom resources beside patches (16)',
    config: FOLDERS,
    files: {
      ...both('env/{env}/x.yaml', CUSTOM),
    },
    lines: ['dev', 'prd'],
    own: ['env/prd/x.yaml'],
  },
  {
    title: 'a field with the version alone (20)',
    config: pinned(field('app.image.tag'), field('app.env[name=VERSION].value', 'env/{env}.yaml', ', pin: version')),
    files: both('env/{env}.yaml', 'app:\n  env:\n    - name: VERSION\n      value: V3.2\n  image:\n    tag: V3.2\n'),
    lines: ['dev', 'prd'],
    own: ['env/prd.yaml'],
    says: { 'env/prd.yaml': ['      value: V4.0', '    tag: V4.0@DIGEST'] },
  },
  {
    title: 'the version of a chart and of an artifact (21)',
    config: FOLDERS,
    files: {
      ...both(
        'env/{env}/oci.yaml',
        `apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: { name: web }\nspec:\n  url: oci://${DJANGO}\n  ref: { tag: V3.2 }\n`,
      ),
      ...both(
        'env/{env}/hr.yaml',
        'apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: { name: web }\nspec:\n  chart: { spec: { chart: web, version: V3.2 } }\n',
      ),
    },
    lines: ['dev', 'prd'],
    own: ['env/prd/oci.yaml'],
    says: { 'env/prd/oci.yaml': ['  ref: { tag: V4.0, digest: DIGEST }'] },
  },
  {
    title: 'the same by their paths (21)',
    config: pinned(field('spec.ref.tag', '{env}/oci.yaml'), field('spec.chart.spec.version', '{env}/hr.yaml')),
    files: {
      ...both(
        '{env}/oci.yaml',
        `apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: { name: web }\nspec:\n  url: oci://${DJANGO}\n  ref: { tag: V3.2 }\n`,
      ),
      ...both(
        '{env}/hr.yaml',
        'apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: { name: web }\nspec:\n  chart: { spec: { chart: web, version: V3.2 } }\n',
      ),
    },
    lines: ['dev', 'prd'],
    own: ['prd/hr.yaml', 'prd/oci.yaml'],
    says: {
      'prd/oci.yaml': ['  ref: { tag: V4.0, digest: DIGEST }'],
      'prd/hr.yaml': ['  chart: { spec: { chart: web, version: V4.0 } }'],
    },
  },
  {
    title: 'Helm values without configuration (25)',
    config: FOLDERS,
    files: both('env/{env}/values.yaml', `${values()}worker:\n  image: ${DJANGO}:V3.2\n`),
    lines: ['dev', 'prd'],
    own: ['env/prd/values.yaml'],
    says: { 'env/prd/values.yaml': ['  tag: "V4.0@DIGEST" # app', `  image: ${DJANGO}:V4.0@DIGEST`] },
  },
  {
    title: 'jsonnet (28)',
    config: pinned(
      String.raw`{ image: web, file: '{env}/const.libsonnet', text: '^\{ imageTags: \{ web: ''(?<version>[^'']*)'' \} \}$' }`,
    ),
    files: both('{env}/const.libsonnet', "// tags\n{ imageTags: { web: 'V3.2' } }\n"),
    lines: ['dev', 'prd'],
    own: ['prd/const.libsonnet'],
    says: { 'prd/const.libsonnet': ["{ imageTags: { web: 'V4.0@DIGEST' } }"] },
  },
  {
    title: 'an element of a list by its name (29)',
    config: pinned(field('parameters[name=image.tag].value')),
    files: both(
      'env/{env}.yaml',
      "parameters:\n  - {name: replicas, value: '2'}\n  - {name: image.tag, value: V3.2}\n",
    ),
    lines: ['dev', 'prd'],
    own: ['env/prd.yaml'],
    says: { 'env/prd.yaml': ['  - {name: image.tag, value: V4.0@DIGEST}'] },
  },
  {
    title: 'registry, repository, tag and digest (32)',
    config: FOLDERS,
    files: both(
      'env/{env}/v.yaml',
      `image:\n  registry: ${DJANGO.split('/')[0]}\n  repository: ${DJANGO.split('/').slice(1).join('/')}\n  tag: V3.2\n  digest: ""\n`,
    ),
    lines: ['dev', 'prd'],
    own: ['env/prd/v.yaml'],
    says: { 'env/prd/v.yaml': ['  tag: V4.0', '  digest: "DIGEST"'] },
  },
  {
    title: 'a tag that an anchor shares (33)',
    config: FOLDERS,
    files: both(
      'env/{env}/v.yaml',
      `img: &img\n  repository: ${DJANGO}\n  tag: V3.2\nweb: { image: *img }\nworker: { image: { <<: *img, pullPolicy: Always } }\n`,
    ),
    lines: ['dev', 'prd'],
    own: ['env/prd/v.yaml'],
    says: { 'env/prd/v.yaml': ['  tag: V4.0@DIGEST'] },
  },
  {
    title: 'a template of Go (34)',
    config: pinned(String.raw`{ image: web, file: 'v-{env}.yaml.gotmpl', text: '^  tag: "(?<version>[^"]*)"$' }`),
    files: both('v-{env}.yaml.gotmpl', 'image:\n  tag: "V3.2"\n{{- if .x }}\nfoo: 1\n{{- end }}\n'),
    lines: ['dev', 'prd'],
    own: ['v-prd.yaml.gotmpl'],
    says: { 'v-prd.yaml.gotmpl': ['  tag: "V4.0@DIGEST"'] },
  },
];

/** The text of a file at a commit. */
function textAt(bench: Bench, commit: ObjectId, path: string): string {
  return new TextDecoder().decode(bench.remote.filesOf(commit).get(path));
}

/** The files that differ between two commits, records left out. */
function changes(bench: Bench, from: ObjectId, to: ObjectId): readonly string[] {
  const [before, after] = [bench.remote.filesOf(from), bench.remote.filesOf(to)];
  const none = Buffer.of();
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((path) => Buffer.compare(before.get(path) ?? none, after.get(path) ?? none) !== 0)
    .filter((path) => !path.startsWith('.tagflow/releases/'))
    .sort();
}

describe.each([...SHAPES, ...MANIFESTS])('$title', ({ config, files, lines: [upstream, line], own, says = {} }) => {
  it('is promoted and rolled back, and nothing else changes', async () => {
    const bench = createBench({ config: `version: 1\n${config}`, files });
    const debug = config.includes('debug') ? { debug: 'V10.6' } : {};
    await bench.released(upstream, { web: 'V4.0', ...debug });
    const first = await bench.released(line);
    expect(changes(bench, first.plan.base, first.commit)).toEqual(own);
    const { digest = '' } = first.record.images[0] ?? {};
    for (const [path, wanted] of Object.entries(says)) {
      const text = textAt(bench, first.commit, path);
      expect(text.split('\n')).toEqual(expect.arrayContaining(wanted.map((row) => row.replace('DIGEST', digest))));
    }
    await bench.released(upstream, { web: 'V4.2' });
    const second = await bench.released(line);
    expect(changes(bench, second.plan.base, second.commit)).toEqual(own);
    const back = await bench.rollback(line);
    expect(back).toMatchObject({ kind: 'released', record: { restored: { sequence: 1 } } });
    if (back.kind !== 'released') return;
    expect(changes(bench, back.plan.base, back.commit)).toEqual(own);
    expect(back.record.images.map(({ name, version }) => `${name} ${version}`)).toEqual(['web V4.0']);
    const isUntagged = Object.keys(bench.aliases('django')).length === 0;
    expect(isUntagged).toBe(config.includes('tags: false') || config.includes('{application}'));
  });
});

describe('versions that are numbers, commit ids, or both (31)', () => {
  it.each([
    ['semver', '4'],
    ['unordered', 'abc1234'],
    ['[semver, unordered]', 'abc1234'],
  ])('%s: %s', async (scheme, version) => {
    const config = `version: 1\nlayout: folders\nimages: { web: { repository: ${DJANGO}, versions: ${scheme} } }\nenvironments: { dev: { path: env/dev } }\n`;
    const bench = createBench({ config, files: { 'env/dev/kustomization.yaml': overlay(DJANGO) } });
    bench.publish('django', version);
    const { record } = await bench.released('dev', { web: version });
    expect(record.images[0]?.version).toBe(version);
  });
});

describe('a pin on something that is not a pin is refused', () => {
  const refused: readonly (readonly [string, string, string, string])[] = [
    ['text (12)', field('web.note'), 'web:\n  note: "hello, two words"\n', 'which is not a tag'],
    ['a count (12)', field('web.replicas'), 'web:\n  replicas: "3"\n', 'not a version of the image'],
    ['an address (12)', field('web.url'), 'web:\n  url: https://example.com/x?y=1\n', 'the address'],
    ['a block (12)', field('web.script'), 'web:\n  script: |\n    a\n    b\n', 'a block of text'],
    ['another image (24)', field('spec.image'), 'spec:\n  image: quay.example.com/other/squid:5\n', 'another image'],
    [
      'the count of a list (29)',
      field('parameters[0].value'),
      "parameters:\n  - {name: replicas, value: '2'}\n",
      'not a version',
    ],
    ['a template (34)', field('image.tag'), 'image:\n  tag: "{{ .TAG }}"\n', 'another tool fills in'],
  ];

  it.each(refused)('%s', async (_, pin, content, words) => {
    const bench = createBench({ config: `version: 1\n${pinned(pin)}`, files: both('env/{env}.yaml', content) });
    await expect(bench.promote('dev', { web: 'V4.0' })).rejects.toMatchObject({
      code: 'manifest-unsafe-edit',
      message: expect.stringContaining(words) as string,
    });
  });

  it('a field that Flux writes as well (15)', async () => {
    const text = `apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: { name: web }\nspec:\n  values:\n    nodejs:\n      image: ${DJANGO}:V3.2 # {"$imagepolicy": "flux-system:web"}\n`;
    const bench = createBench({ config: `version: 1\n${FOLDERS}`, files: both('env/{env}/hr.yaml', text) });
    await expect(bench.promote('dev', { web: 'V4.0' })).rejects.toMatchObject({
      code: 'manifest-unsafe-edit',
      message: expect.stringContaining('env/dev/hr.yaml:7 spec.values.nodejs.image is written by Flux') as string,
    });
  });

  it('an image of a base that no entry can change (16)', async () => {
    const workflow = `kind: WorkflowTemplate\nmetadata: { name: w }\nspec: { templates: [{ container: { image: '${DJANGO}:V3.2' } }] }\n`;
    const bench = createBench({
      config: `version: 1\n${FOLDERS}`,
      files: {
        'base/kustomization.yaml': 'resources: [x.yaml]\n',
        'base/x.yaml': workflow,
        ...both('env/{env}/kustomization.yaml', 'resources: [../../base]\n'),
      },
    });
    await expect(bench.promote('dev', { web: 'V4.0' })).rejects.toMatchObject({
      code: 'manifest-unsafe-edit',
      message: expect.stringContaining('base/x.yaml:3 names web') as string,
    });
  });
});

it('a patch in a kustomization whose field no entry changes is pinned where it stands (16)', async () => {
  const patch = (image: string): string =>
    `resources: [x.yaml]\npatches:\n  - target: { kind: WorkflowTemplate }\n    patch: |-\n      - op: replace\n        path: /spec/templates/0/container/image\n        value: ${image}\n`;
  const bench = createBench({
    config: `version: 1\n${FOLDERS}`,
    files: {
      ...both('env/{env}/x.yaml', CUSTOM),
      ...both('env/{env}/kustomization.yaml', patch(`${DJANGO}:V3.2`)),
    },
  });
  await bench.released('dev', { web: 'V4.0' });
  const after = bench.remote.file('main', 'env/dev/kustomization.yaml');
  expect(after).toBe(patch(`${DJANGO}:V4.0@${bench.digest('django', 'V4.0')}`));
});

it('a registry of its own is written beside the tag (04)', async () => {
  const own = 'registry.example.com/prd/django';
  const config = `version: 1\n${pinned(field('image.tag'))}`.replace(
    'from: dev,',
    `from: dev, repositories: { web: ${own} },`,
  );
  const bench = createBench({
    config,
    files: both('env/{env}.yaml', `image:\n  repository: ${DJANGO}\n  tag: V3.2\n`),
  });
  await bench.released('dev', { web: 'V4.0' });
  const { commit } = await bench.released('prd');
  expect(textAt(bench, commit, 'env/prd.yaml')).toContain(`repository: ${own}\n  tag: V4.0@sha256:`);
});

describe('a file that holds a tag alone, where the environment has a registry of its own', () => {
  const PROD = 'prod.example.org/shop/web';
  async function warningsWith(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
    const pin = '{ image: web, file: "env/{environment}.env", path: WEB_TAG }';
    const config = `version: 1\nlayout: folders\n${ONE}environments:\n  dev: { files: [env/dev.env], pins: [${pin}] }\n  prd: { from: dev, files: [env/prd.env, env/prd.yaml], pins: [${pin}], repositories: { web: ${PROD} } }\n`;
    const bench = createBench({
      config,
      files: { 'env/dev.env': 'WEB_TAG=V3.2\n', 'env/prd.env': 'WEB_TAG=V3.2\n', ...files },
    });
    await bench.released('dev', { web: 'V4.0' });
    await bench.released('prd');
    return bench.notices.filter((notice) => notice.includes('holds a tag alone'));
  }

  it('is named with a warning', async () => {
    expect(await warningsWith({})).toEqual([
      expect.stringContaining(`prd runs web from ${PROD}, and none of its files`),
    ]);
  });

  it('is right beside another file that names it', async () => {
    expect(await warningsWith({ 'env/prd.yaml': `host: prod.example.org\nname: shop/web\n` })).toEqual([]);
  });
});
