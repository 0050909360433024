// The forms of manifests: what a file holds says which places name an image, and each place is pinned where it stands.
import { describe, expect, it } from 'vitest';
import { pinImages, readPins } from '../../src/manifests/manifests.ts';
import { parseTag } from '../../src/model/reference.ts';
import { refusal } from '../support/failure.ts';
import { D, OLD, REPOSITORY, file, options, pinOf, pinned } from './support.ts';

const PATH = 'environments/dev/any-name';
const TAG = `V4.2@${D}`;
const AFTER = `${REPOSITORY}:${TAG}`;
const HOST = 'registry.example.com';

/** An object with the given fields below its metadata. */
function object(kind: string, body: string, apiVersion = 'v1'): string {
  return `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: web\n${body}`;
}

const VALUES: [string, string, string][] = [
  ['a repository and a tag', `image:\n  repository: ${REPOSITORY}\n  tag: V4.0 # live\n`, `tag: V4.0>tag: ${TAG}`],
  ['a tag before its repository', `image: {tag: "V4.0", repository: ${REPOSITORY}}\n`, `"V4.0">"${TAG}"`],
  ['an empty tag', `image:\n  repository: ${REPOSITORY}\n  tag: ""\n`, `tag: "">tag: "${TAG}"`],
  ['a tag without a value', `image:\n  repository: ${REPOSITORY}\n  tag:\n  pull: x\n`, `tag:>tag: ${TAG}`],
  [
    'registry, repository and tag',
    `image:\n  registry: ${HOST}\n  repository: acme/django\n  tag: V4.0\n`,
    `V4.0>${TAG}`,
  ],
  ['a whole reference', `worker:\n  image: ${REPOSITORY}:V4.0\n`, `${REPOSITORY}:V4.0>${AFTER}`],
  ['a name without a slash', `image: django:V4.0\n`, `django:V4.0>${AFTER}`],
  ['a tag that its component names', `django:\n  replicas: 2\n  image:\n    tag: V4.0\n`, `V4.0>${TAG}`],
  ['imageTag that its component names', `django:\n  imageTag: V4.0\n`, `V4.0>${TAG}`],
  ['a tag in the structure of its component', `django:\n  deployment:\n    image:\n      tag: V4.0\n`, `V4.0>${TAG}`],
  ['a flat tag', `replicas: 1\ndjango_tag: V4.0\n`, `V4.0>${TAG}`],
  ['a flat image tag', `djangoImageTag: 'V4.0'\n`, `V4.0>${TAG}`],
  ['a flat repository and tag', `imageRepository: ${REPOSITORY}\nimageTag: V4.0\n`, `V4.0>${TAG}`],
  ['an image and a tag', `image: ${REPOSITORY}\ntag: V4.0\n`, `tag: V4.0>tag: ${TAG}`],
  ['an image name and a tag', `image:\n  name: ${REPOSITORY}\n  tag: V4.0\n`, `V4.0>${TAG}`],
  ['a registry and a name', `image:\n  repository: ${HOST}/acme\n  name: django\n  tag: V4.0\n`, `V4.0>${TAG}`],
  ['a list of components', `services:\n- name: django\n  tag: V4.0\n- name: redis\n  tag: "7"\n`, `V4.0>${TAG}`],
  ['a map of images', `versions:\n  web: ${REPOSITORY}:V4.0\n  redis: redis:7\n`, `${REPOSITORY}:V4.0>${AFTER}`],
  ['a map of tags', `imageTags:\n  redis: "7"\n  django: V4.0\n`, `V4.0>${TAG}`],
  ['a JSON map of images', `{"versions": {"web": "${REPOSITORY}:V4.0"}}`, `${REPOSITORY}:V4.0>${AFTER}`],
  ['a list of images', `images:\n  - redis:7\n  - ${REPOSITORY}:V4.0\n`, `${REPOSITORY}:V4.0>${AFTER}`],
  [
    'choices for an image',
    `image:\n  options:\n  - acme/redis:7\n  - ${REPOSITORY}:V4.0\n`,
    `${REPOSITORY}:V4.0>${AFTER}`,
  ],
  ['a variable', `env:\n- name: RELATED_IMAGE_WEB\n  value: ${REPOSITORY}:V4.0\n`, `${REPOSITORY}:V4.0>${AFTER}`],
  ['a tag with a digest behind it', `image: {repository: ${REPOSITORY}, tag: "V4.0@${OLD}"}\n`, `V4.0@${OLD}>${TAG}`],
  ['a name with a path beside a tag', `extraImages:\n  a:\n    name: ${REPOSITORY}\n    tag: V4.0\n`, `V4.0>${TAG}`],
  [
    'containers in a list, without a tag',
    `extra:\n  containers:\n  - name: web\n    image: ${REPOSITORY}\n`,
    `${REPOSITORY}>${AFTER}`,
  ],
  [
    'a setting that is called kind',
    `kind: Deployment\nimage_repository: ${REPOSITORY}\nimage_tag: V4.0\n`,
    `V4.0>${TAG}`,
  ],
  ['services with an image and a tag', `services:\n  web:\n    image: ${REPOSITORY}\n    tag: V4.0\n`, `V4.0>${TAG}`],
  [
    'services beside tags',
    `services: {web: {image: "redis:7"}}\nimageTags: {django: V4.0}\n`,
    `django: V4.0>django: ${TAG}`,
  ],
  ['the number of a version', `image: {repository: ${REPOSITORY}, tag: 1.10}\n`, `1.10>${TAG}`],
  ['an image and a version', `web: {image: ${REPOSITORY}, version: V4.0}\n`, `V4.0>${TAG}`],
  ['a repository and a version', `image: {repository: ${REPOSITORY}, version: V4.0}\n`, `V4.0>${TAG}`],
  ['a name and a version', `- {name: ${REPOSITORY}, version: V4.0}\n- {name: x/y, version: V4.0}\n`, `V4.0>${TAG}`],
  [
    'registry, repository and version',
    `a: {registry: ${HOST}, repository: acme/django, version: "V4.0"}\n`,
    `V4.0>${TAG}`,
  ],
];

describe('values', () => {
  it.each(['', ' ""', ' null', ' ~'])('whose repository stays empty (%j) go by the component around them', (empty) => {
    const text = `django:\n  image:\n    repository:${empty}\n    tag: V4.0\n`;
    expect(pinned(PATH, text)).toBe(text.replace('V4.0', TAG));
  });

  it.each(VALUES)('with %s are pinned', (_, text, change) => {
    const [from = '', to = ''] = change.split('>');
    expect(pinned(PATH, text)).toBe(text.replace(from, to));
  });

  it('with a field for the digest get version and digest apart', () => {
    const text = `image:\n  repository: ${REPOSITORY}\n  tag: V4.0\n  digest: ""\n`;
    expect(pinned(PATH, text)).toBe(text.replace('V4.0', 'V4.2').replace('""', `"${D}"`));
  });

  it('with a repository alone get a tag behind it', () => {
    const text = `image:\n    repository: ${REPOSITORY} # ours\n    pullPolicy: Always\n`;
    expect(pinned(PATH, text)).toBe(text.replace('# ours\n', `# ours\n    tag: ${TAG}\n`));
  });

  it.each([
    ['beside a whole reference', `web:\n  image: ${REPOSITORY}:V4.0\n  tag: V4.0\n`],
    ['in a variable beside one of the image', `WEB_IMAGE=${REPOSITORY}:V4.0\nWEB_TAG=V4.0\n`],
    ['in two spellings', `djangoImageTag: V4.0\nDJANGO_DOCKER_TAG: V4.0\n`],
    ['beside a repository', `repository: ${REPOSITORY}\ntag: V4.0\nimageTag: V4.0\n`],
  ])('that say a tag once more are pinned in both places: %s', (_, text) => {
    const after = text.replaceAll('V4.0', TAG);
    expect(pinned(PATH, text)).toBe(after);
    expect(pinned(PATH, after)).toBe(after);
  });

  it.each([
    ['a whole reference', `web:\n  image: ${REPOSITORY}:V4.0\n  tag: V4.0\n`],
    ['a repository', `repository: ${REPOSITORY}\ntag: V4.0\nimageTag: V4.0\n`],
  ])('that say a tag once more move to a registry of their own with %s', (_, text) => {
    const own = 'prod.example.com/django';
    const after = text.replaceAll('V4.0', TAG).replaceAll(REPOSITORY, own);
    expect(pinned(PATH, text, pinOf({ names: [REPOSITORY, own], repository: own }))).toBe(after);
  });

  it.each([
    ['another tag', `image: ${REPOSITORY}:V4.0\ntag: V3.0\n`, 'tag: V3.0'],
    ['the tag of another image', `django:\n  image: redis:V4.0\n  tag: V4.0\n`, 'redis:V4.0\n  tag: V4.0'],
  ])('that say %s keep it', (_, text, kept) => {
    expect(pinned(PATH, `${text}other: ${REPOSITORY}:V4.0\n`)).toContain(kept);
  });

  it('of an environment with a registry of its own are moved to it', () => {
    const pin = pinOf({ repository: 'prod.example.com/x/django', names: ['django', REPOSITORY] });
    const whole = `image:\n  repository: ${REPOSITORY}\n  tag: V4.0\n`;
    expect(pinned(PATH, whole, pin)).toBe(whole.replace(REPOSITORY, 'prod.example.com/x/django').replace('V4.0', TAG));
    const split = `image:\n  registry: ${HOST}\n  repository: acme/django\n  tag: V4.0\n`;
    expect(pinned(PATH, split, pin)).toBe(
      split.replace(HOST, 'prod.example.com').replace('acme/django', 'x/django').replace('V4.0', TAG),
    );
  });

  it('that share an anchor are pinned where all its uses mean the image', () => {
    const text = `img: &img\n  repository: ${REPOSITORY}\n  tag: V4.0\nweb: {image: *img}\nworker: {image: {<<: *img, pullPolicy: Always}}\n`;
    expect(pinned(PATH, text)).toBe(text.replace('V4.0', TAG));
  });

  it.each([
    ['a tag beside another repository', `django:\n  image: {repository: ghcr.io/acme/other, tag: V4.0}\n`],
    ['a tag of a component inside ours', `django:\n  sidecar:\n    image: {tag: V4.0}\n`],
    ['a tag that no key names', `image:\n  tag: V4.0\n`],
    ['a tag of another component', `redis_tag: V4.0\ndjango: {replicas: 1}\n`],
    ['a word under tag', `django:\n  tag: team-blue\n`],
    ['the image that ran before', `previousImage: ${REPOSITORY}:V4.0\n`],
    ['an annotation', `podAnnotations:\n  example.com/image: ${REPOSITORY}:V4.0\n`],
    ['a URL', `docs: https://${REPOSITORY}:V4.0\n`],
    ['an argument', `args: ["--image=${REPOSITORY}:V4.0"]\n`],
    ['a name without a tag', `image: ${REPOSITORY}\n`],
    ['a Git repository', `source:\n  repo: https://${REPOSITORY}\n  tag: V4.0\n`],
    ['a path', `file: ./${REPOSITORY}:V4.0\n`],
    ['a text', `note: |\n  image: ${REPOSITORY}:V4.0\n`],
    ['a comment', `# image: ${REPOSITORY}:V4.0\nimage: redis:7\n`],
    ['ports that go to services', `tcp:\n  22: "${REPOSITORY}:22"\n  "8022": ${REPOSITORY}:8022:PROXY\n`],
  ])('are left alone where they hold %s', (_, text) => {
    expect(refusal(() => pinned(PATH, text)).code).toBe('pin-not-found');
  });

  it.each([
    ['a placeholder', `image: {repository: ${REPOSITORY}, tag: "\${TAG}"}\n`, 'placeholder'],
    [
      'a Flux setter',
      `image:\n  repository: ${REPOSITORY}\n  tag: V4.0 # {"$imagepolicy": "a:b:tag"}\n`,
      '$imagepolicy',
    ],
    ['a tag in the repository as well', `image: {repository: "${REPOSITORY}:V3", tag: V4.0}\n`, 'two fields'],
    ['a shared tag', `image: {repository: ${REPOSITORY}, tag: &t V4.0}\nversion: *t\n`, 'version would change'],
  ])('are refused for %s', (_, text, why) => {
    const error = refusal(() => pinned(PATH, text));
    expect(error.code).toBe('manifest-unsafe-edit');
    expect(error.why).toContain(why);
  });

  it('are refused where a tag cannot be a digest alone', () => {
    const text = `image: {repository: ${REPOSITORY}, tag: V4.0}\n`;
    expect(refusal(() => pinned(PATH, text, pinOf(), { style: 'digest' })).fix).toContain('empty digest');
  });
});

describe('the pin style', () => {
  const alone = `image: {repository: ${REPOSITORY}, tag: V4.0}\n`;
  const both = `image: {repository: ${REPOSITORY}, tag: V4.0, digest: "${OLD}"}\n`;
  const pin = { ...pinOf(), targetTag: parseTag('prd') };

  it.each([
    ['version' as const, 'V4.2', 'V4.2', ''],
    ['target' as const, 'prd', 'prd', ''],
    ['target+digest' as const, `prd@${D}`, 'prd', D],
    ['version+digest' as const, TAG, 'V4.2', D],
  ])('%s says what tag and digest hold', (style, tag, version, digest) => {
    expect(pinned(PATH, alone, pin, { style })).toBe(alone.replace('V4.0', tag));
    expect(pinned(PATH, both, pin, { style })).toBe(both.replace('V4.0', version).replace(OLD, digest));
  });

  it('digest empties the tag beside it', () => {
    expect(pinned(PATH, both, pin, { style: 'digest' })).toBe(both.replace('V4.0', '""').replace(OLD, D));
  });
});

const OBJECTS: [string, string, string][] = [
  ['a Rollout', object('Rollout', `spec: {template: {spec: {containers: [{image: 'django:V4.0'}]}}}\n`), ''],
  [
    'a DeploymentConfig',
    object('DeploymentConfig', `spec: {template: {spec: {containers: [{image: django}]}}}\n`),
    'image: django>image: ',
  ],
  [
    'a CronWorkflow',
    object('CronWorkflow', `spec: {workflowSpec: {templates: [{name: a, container: {image: 'django:V4.0'}}]}}\n`),
    '',
  ],
  ['a script of a Workflow', object('Workflow', `spec: {templates: [{script: {image: 'django:V4.0'}}]}\n`), ''],
  [
    'a sidecar of a Workflow',
    object('WorkflowTemplate', `spec: {templates: [{sidecars: [{image: 'django:V4.0'}]}]}\n`),
    '',
  ],
  [
    'a parameter of a Task',
    object('Task', `spec:\n  params:\n  - name: BUILDER_IMAGE\n    default: ${REPOSITORY}:V4.0\n`),
    `${REPOSITORY}:V4.0>`,
  ],
  [
    'a parameter of a Template',
    object('Template', `objects: []\nparameters:\n- name: WEB_IMAGE\n  value: ${REPOSITORY}:V4.0\n`),
    `${REPOSITORY}:V4.0>`,
  ],
  ['a step of a Task', object('Task', `spec: {steps: [{image: 'django:V4.0'}]}\n`), ''],
  ['a Knative Service', object('Service', `spec: {template: {spec: {containers: [{image: 'django:V4.0'}]}}}\n`), ''],
  ['a custom resource', object('App', `spec:\n  image: django:V4.0\n`), ''],
  [
    'a custom resource without a spec',
    object('Simple', `image: ${REPOSITORY}:V4.0\nservers: 1\n`),
    `${REPOSITORY}:V4.0>`,
  ],
  [
    'a variable of a container',
    object(
      'Deployment',
      `spec: {template: {spec: {containers: [{env: [{name: JOB_IMAGE, value: '${REPOSITORY}:V4.0'}]}]}}}\n`,
    ),
    `${REPOSITORY}:V4.0>`,
  ],
  ['a ConfigMap of images', object('ConfigMap', `data:\n  web-image: ${REPOSITORY}:V4.0\n`), `${REPOSITORY}:V4.0>`],
  [
    'an ImageStream',
    object('ImageStream', `spec:\n  tags:\n  - name: latest\n    from: {kind: DockerImage, name: 'django:V4.0'}\n`),
    '',
  ],
  [
    'an object of a Template',
    `kind: Template\nobjects:\n- kind: Pod\n  spec: {containers: [{image: 'django:V4.0'}]}\n`,
    '',
  ],
  ['a patch', `- op: replace\n  path: /spec/template/spec/containers/0/image\n  value: django:V4.0\n`, ''],
  [
    'a patch with a container',
    `[{"op": "add", "path": "/spec/containers/-", "value": {"name": "a", "image": "django:V4.0"}}]`,
    '',
  ],
  ['a service of Compose', `services:\n  web:\n    image: django:V4.0\n  db: {image: "redis:7"}\n`, ''],
  ['a service of Compose without a tag', `services: {web: {image: django}, db: {build: .}}\n`, 'image: django>image: '],
];

describe('an image of', () => {
  it.each(OBJECTS)('%s is pinned', (_, text, change) => {
    const [from = '', to = ''] = change === '' ? ['django:V4.0'] : change.split('>');
    expect(pinned(PATH, text)).toBe(text.replace(from, `${to}${AFTER}`));
  });

  it.each([
    ['a resource with a repository and a tag', `spec:\n  image:\n    repository: ${REPOSITORY}\n    tag: V4.0\n`],
    ['a resource with an image and a tag', `spec:\n  image: ${REPOSITORY}\n  tag: V4.0\n`],
  ])('%s is pinned', (_, body) => {
    const text = object('App', body);
    expect(pinned(PATH, text)).toBe(text.replace('V4.0', TAG));
  });

  it.each([
    ['an object that only its keys name', object('App', 'spec:\n  django: {image: {tag: V4.0}}\n')],
    ['a Secret', object('Secret', `data:\n  image: ${REPOSITORY}:V4.0\n`)],
    ['a patch of metadata', `- op: add\n  path: /metadata/annotations/image\n  value: ${REPOSITORY}:V4.0\n`],
    ['a patch that tests', `- op: test\n  path: /spec/image\n  value: ${REPOSITORY}:V4.0\n`],
  ])('%s is left alone', (_, text) => {
    expect(refusal(() => pinned(PATH, text)).code).toBe('pin-not-found');
  });
});

describe('a HelmRelease', () => {
  it.each([
    ['a repository and a tag', `image: {repository: ${REPOSITORY}, tag: V4.0}`, pinOf()],
    ['a component', `django: {image: {tag: V4.0}}`, pinOf()],
    ['the name of the release', `image: {tag: V4.0}`, pinOf({ image: 'web', names: ['web', REPOSITORY] })],
  ])('is pinned by %s', (_, values, pin) => {
    const text = object('HelmRelease', `spec:\n  chart: {spec: {version: V4.0}}\n  values:\n    ${values}\n`);
    expect(pinned(PATH, text, pin)).toBe(text.replace('tag: V4.0', `tag: ${TAG}`));
  });

  it('is pinned in what kustomize changes behind the chart', () => {
    const entries = `images:\n        - name: ${REPOSITORY}\n          newTag: V4.0\n          digest: ${OLD}\n`;
    const patches = `patches:\n        - patch: |\n            - op: replace\n              path: /spec/image\n              value: ${REPOSITORY}:V4.0\n`;
    const text = object(
      'HelmRelease',
      `spec:\n  postRenderers:\n    - kustomize:\n        ${entries}        ${patches}`,
    );
    const after = text.replace(`${REPOSITORY}:V4.0`, AFTER).replace('newTag: V4.0', 'newTag: V4.2').replace(OLD, D);
    expect(pinned(PATH, text)).toBe(after);
  });
});

describe('an Argo CD Application', () => {
  const web = pinOf({ image: 'web', names: ['web', REPOSITORY] });
  const application = (source: string): string =>
    object('Application', `spec:\n  source:\n    targetRevision: V4.0\n${source}`, 'argoproj.io/v1alpha1');

  it.each([
    [
      'a parameter',
      `    helm:\n      parameters:\n      - {name: a, value: V4.0}\n      - {name: image.tag, value: "V4.0"}\n`,
      `"V4.0">"${TAG}"`,
    ],
    [
      'a parameter beside its repository',
      `    helm:\n      parameters:\n      - {name: x.image.tag, value: 'V4.0'}\n      - {name: x.image.repository, value: ${REPOSITORY}}\n`,
      `'V4.0'>'${TAG}'`,
    ],
    [
      'a parameter that holds the image',
      `    helm:\n      parameters:\n      - {name: image, value: '${REPOSITORY}:V4.0'}\n`,
      `'${REPOSITORY}:V4.0'>'${AFTER}'`,
    ],
    ['values', `    helm:\n      valuesObject:\n        image: {tag: 'V4.0'}\n`, `'V4.0'>'${TAG}'`],
    [
      'a text of values',
      `    helm:\n      values: |\n        # image\n        image:\n          tag: "V4.0" # live\n\n        x: V4.0\n`,
      `"V4.0">"${TAG}"`,
    ],
    [
      'a text of values in quotes',
      `    helm:\n      values: "image:\\n  tag: 'V4.0'\\n  x: \\"y\\"\\n"\n`,
      `'V4.0'>'${TAG}'`,
    ],
    [
      'an image of kustomize',
      `    kustomize:\n      images:\n      - ${REPOSITORY}:V4.0\n`,
      `${REPOSITORY}:V4.0>${AFTER}`,
    ],
  ])('is pinned by %s', (_, source, change) => {
    const text = application(source);
    const [from = '', to = ''] = change.split('>');
    expect(pinned(PATH, text, web)).toBe(text.replace(from, to));
  });

  it('is pinned in each of its sources', () => {
    const text = object(
      'Application',
      `spec:\n  sources:\n  - helm: {valuesObject: {image: {tag: V4.0}}}\n  - helm:\n      values: |-\n        image:\n          tag: V4.0`,
      'argoproj.io/v1alpha1',
    );
    expect(pinned(PATH, text, web)).toBe(text.replaceAll('V4.0', TAG));
  });

  it('that a set makes is pinned in its template', () => {
    const text = object(
      'ApplicationSet',
      `spec:\n  template:\n    spec:\n      source: {helm: {valuesObject: {image: {tag: V4.0}}}}\n`,
      'argoproj.io/v1alpha1',
    );
    expect(pinned(PATH, text, web)).toBe(text.replace('V4.0', TAG));
  });

  it.each([
    ['an element', `list: {elements: [{cluster: a, image: ${REPOSITORY}, tag: V4.0}]}`],
    ['an element that holds the image', `list: {elements: [{cluster: a, webImage: '${REPOSITORY}:V4.0'}]}`],
    ['an element that names the component', `list: {elements: [{cluster: a, web: {tag: V4.0}}]}`],
    [
      'an element of a generator inside another',
      `matrix: {generators: [{git: {repoURL: https://x, revision: V4.0}}, {list: {elements: [{webTag: V4.0}]}}]}`,
    ],
    ['the values of a generator', `clusters: {selector: {matchLabels: {version: V4.0}}, values: {webTag: V4.0}}`],
  ])('that a set makes is pinned in %s', (_, generator) => {
    const text = object(
      'ApplicationSet',
      `spec:\n  generators:\n  - ${generator}\n  template:\n    spec:\n      source: {helm: {parameters: [{name: image.tag, value: '{{tag}}'}]}}\n`,
      'argoproj.io/v1alpha1',
    );
    expect(pinned(PATH, text, web)).toBe(text.replace(/V4\.0(?![\s\S]*V4\.0)/, TAG));
  });

  it('shows where the pin is in a text of values', () => {
    const text = application(`    helm:\n      values: |\n        image:\n          tag: V4.0\n`);
    expect(pinImages([file(PATH, text)], [web], options).fields).toMatchObject([
      { field: 'spec.source.helm.values.image.tag', line: 11 },
    ]);
  });

  it('is refused where the text of its values is folded', () => {
    const text = application(`    helm:\n      values: >\n        image: {tag: V4.0}\n`);
    expect(refusal(() => pinned(PATH, text, web)).why).toContain('folded');
  });
});

describe('a kustomization that inflates charts and makes ConfigMaps', () => {
  const KUSTOMIZATION = 'environments/dev/kustomization.yaml';
  it.each([
    [
      'the values of a chart',
      `helmCharts:\n- name: x\n  valuesInline:\n    image: {repository: ${REPOSITORY}, tag: V4.0}\n`,
    ],
    [
      'a tag that the release names',
      `helmCharts:\n- name: x\n  releaseName: django\n  valuesInline: {image: {tag: V4.0}}\n`,
    ],
  ])('is pinned in %s', (_, text) => {
    expect(pinned(KUSTOMIZATION, text)).toBe(text.replace('V4.0', TAG));
  });

  it('is pinned in a literal whose key says image', () => {
    const text = `configMapGenerator:\n- name: x\n  literals:\n  - A=1\n  - WEB_IMAGE=${REPOSITORY}:V4.0\n`;
    expect(pinned(KUSTOMIZATION, text)).toBe(text.replace(`WEB_IMAGE=${REPOSITORY}:V4.0`, `"WEB_IMAGE=${AFTER}"`));
  });
});

it('a helmfile is pinned in what it sets for a release', () => {
  const text = `releases:\n- name: django\n  chart: ./web\n  version: V4.0\n  set:\n  - {name: image.tag, value: 'V4.0'}\n- name: b\n  set:\n  - name: image.repository\n    value: ${REPOSITORY}\n  - name: image.tag\n    value: 'V4.0'\n- name: redis\n  set:\n  - {name: image.tag, value: V4.0}\n`;
  expect(pinned('environments/dev/helmfile.yaml', text)).toBe(text.replaceAll("'V4.0'", `'${TAG}'`));
});

describe('an OCIRepository', () => {
  const repository = (ref: string): string =>
    object('OCIRepository', `spec:\n  url: oci://${REPOSITORY}\n  ref:\n${ref}`, 'source.toolkit.fluxcd.io/v1');

  it('gets a tag and a digest in fields of their own', () => {
    const text = repository('    tag: V4.0 # live\n');
    expect(pinned(PATH, text)).toBe(text.replace('V4.0 # live\n', `V4.2 # live\n    digest: ${D}\n`));
    const both = repository(`    digest: ${OLD}\n    tag: V4.0\n`);
    expect(pinned(PATH, both)).toBe(both.replace(OLD, D).replace('V4.0', 'V4.2'));
  });

  it('with a range of versions is left alone', () => {
    expect(refusal(() => pinned(PATH, repository("    semver: '>=4'\n"))).code).toBe('pin-not-found');
  });
});

describe('a chart', () => {
  it('that has the name of the image gets its version alone', () => {
    const text = 'apiVersion: v2\nname: django\nversion: V4.0\nappVersion: "V4.0"\n';
    expect(pinned(PATH, text)).toBe(text.replace('"V4.0"', '"V4.2"'));
  });
});

describe('a file of variables', () => {
  it.each([
    ['a tag', `URL=http://x\nDJANGO_TAG=V4.0\n`, `V4.0>${TAG}`],
    ['a tag of Docker', `export DJANGO_DOCKER_TAG="V4.0" # live\n`, `V4.0>${TAG}`],
    ['an empty tag', `A=1\nDJANGO_IMAGE_TAG=\nB=2`, `TAG=>TAG=${TAG}`],
    ['an image', `# ours\nWEB_IMAGE='${REPOSITORY}:V4.0'\r\n`, `${REPOSITORY}:V4.0>${AFTER}`],
    ['a repository and a tag', `IMAGE_REPO=${REPOSITORY}\nIMAGE_TAG=V4.0`, `V4.0>${TAG}`],
    ['tags written as YAML', `REDIS_TAG: "7"\nDJANGO_TAG: "V4.0"\n`, `V4.0>${TAG}`],
  ])('is pinned by %s', (_, text, change) => {
    const [from = '', to = ''] = change.split('>');
    expect(pinned(PATH, text)).toBe(text.replace(from, to));
  });

  it('with a variable twice is refused', () => {
    expect(refusal(() => pinned(PATH, 'DJANGO_TAG=V4.0\nDJANGO_TAG=V4.1\n')).code).toBe('manifest-invalid');
  });

  it.each([
    ['a script', `#!/bin/sh\nDJANGO_TAG=V4.0\ndocker run ${REPOSITORY}:$DJANGO_TAG\n`],
    ['properties', `django.tag=V4.0\n`],
    ['HCL', `django_tag = "V4.0"\n`],
    ['prose', `# Release\n\nRun it:\n\n    image: ${REPOSITORY}:V4.0\n\nand wait.\n`],
  ])('is not taken for one where it is %s', (_, text) => {
    expect(refusal(() => pinned(PATH, text)).code).toBe('pin-not-found');
  });
});

it('a release record is nobody’s values', () => {
  const record = `schema: 1\nenvironment: dev\nsequence: 1\nimages:\n  django:\n    repository: ${REPOSITORY}\n    version: V4.0\n    digest: ${OLD}\n`;
  expect(refusal(() => pinned(PATH, record)).code).toBe('pin-not-found');
});

describe('a field that tagflow.yaml configures', () => {
  it('shares its value by an anchor where all uses mean the image', () => {
    const text = `img: &img\n  repository: ${REPOSITORY}\n  tag: V4.0\nweb: {image: *img}\nworker: {image: {<<: *img, pullPolicy: Always}}\n`;
    const configured = [{ image: 'django', file: PATH, path: ['web', 'image', 'tag'] }];
    expect(pinned(PATH, text, pinOf(), { configured })).toBe(text.replace('V4.0', TAG));
    const other = text.replace('worker: {image', 'worker: {note');
    expect(pinned(PATH, other, pinOf(), { configured })).toBe(other.replace('V4.0', TAG));
    const version = `${text}version: *t\n`.replace('tag: V4.0', 'tag: &t V4.0');
    expect(refusal(() => pinned(PATH, version, pinOf(), { configured })).code).toBe('manifest-unsafe-edit');
  });
});

describe('a Kustomization of Flux', () => {
  const flux = (spec: string): string => object('Kustomization', `spec:\n${spec}`, 'kustomize.toolkit.fluxcd.io/v1');

  it.each([
    [
      'has its images pinned',
      `  images:\n    - name: ${REPOSITORY}\n      newTag: V4.0 # live\n    - name: redis\n      newTag: "7"\n`,
      `newTag: V4.0 # live>newTag: V4.2 # live\n      digest: ${D}`,
    ],
    [
      'has the images of its patches pinned',
      `  patches:\n    - target: { kind: Deployment }\n      patch: |\n        - op: replace\n          path: /spec/template/spec/containers/0/image\n          value: ${REPOSITORY}:V4.0\n`,
      `${REPOSITORY}:V4.0>${AFTER}`,
    ],
    [
      'has the images of strategic patches pinned',
      `  patches:\n    - patch: |\n        apiVersion: apps/v1\n        kind: Deployment\n        metadata: { name: web }\n        spec: { template: { spec: { containers: [{ name: web, image: '${REPOSITORY}:V4.0' }] } } }\n`,
      `${REPOSITORY}:V4.0>${AFTER}`,
    ],
    [
      'has its variables pinned',
      `  postBuild:\n    substitute:\n      django_tag: V4.0\n      other: V4.0\n`,
      `django_tag: V4.0>django_tag: ${TAG}`,
    ],
    [
      'has whole references in variables of any name pinned',
      `  postBuild:\n    substitute:\n      RUNS_NOW: ${REPOSITORY}:V4.0\n      PREVIOUS: ${REPOSITORY}:V4.0\n`,
      `RUNS_NOW: ${REPOSITORY}:V4.0>RUNS_NOW: ${AFTER}`,
    ],
  ])('%s', (_, spec, change) => {
    const [from = '', to = ''] = change.split('>');
    const text = flux(spec);
    expect(pinned(PATH, text)).toBe(text.replace(from, to));
  });
});

describe('a configured path through a text', () => {
  const text = `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: web }\ndata:\n  settings: |\n    # inner\n    app:\n      image:\n        tag: V4.0 # live\n      replicas: 2\n`;
  const configured = [{ image: 'django', file: PATH, path: ['data', 'settings', 'app', 'image', 'tag'] }];

  it('is pinned where it stands in the text', () => {
    const after = text.replace('V4.0 # live', `${TAG} # live`);
    expect(pinned(PATH, text, pinOf(), { configured })).toBe(after);
    expect(pinned(PATH, after, pinOf(), { configured })).toBe(after);
    const { fields } = pinImages([file(PATH, text)], [pinOf()], { ...options, configured });
    expect(fields).toMatchObject([{ line: 9, field: 'data.settings.app.image.tag', before: 'V4.0', after: TAG }]);
    const images = [{ image: 'django', names: ['django'] }];
    const read = readPins([file(PATH, after)], images, { configured, maxBytes: options.maxBytes });
    expect(read).toMatchObject([{ line: 9, tag: 'V4.2', digest: D }]);
  });

  it('that a form finds as well is one place', () => {
    const app = object(
      'Application',
      `spec:\n  source:\n    helm:\n      values: |\n        django:\n          image:\n            tag: V4.0\n`,
      'argoproj.io/v1alpha1',
    );
    const path = ['spec', 'source', 'helm', 'values', 'django', 'image', 'tag'];
    const result = pinImages([file(PATH, app)], [pinOf()], {
      ...options,
      configured: [{ image: 'django', file: PATH, path }],
    });
    expect(result.fields).toHaveLength(1);
    expect(pinned(PATH, app, pinOf(), { configured: [{ image: 'django', file: PATH, path }] })).toBe(
      app.replace('V4.0', TAG),
    );
  });

  it('that the text lacks is not found', () => {
    const missing = [{ image: 'django', file: PATH, path: ['data', 'settings', 'app', 'tag'] }];
    expect(refusal(() => pinned(PATH, text, pinOf(), { configured: missing })).code).toBe('pin-not-found');
  });
});
