// Workloads: every container of every kind that makes Pods, in any YAML dress.
import { describe, expect, it } from 'vitest';
import { pinImages } from '../../src/manifests/manifests.ts';
import { refusal } from '../support/failure.ts';
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
  pinned,
  textAfter,
} from './support.ts';

const layout = pinOf({ repository: 'oci:./registry/django', names: ['django', REPOSITORY] });
const AFTER = `${REPOSITORY}:V4.2@${D}`;

/** An object of a kind whose Pod spec, at a path of keys, has one container of each sort. */
function object(kind: string, path: readonly string[]): { json: unknown; fields: string[] } {
  const lists = ['initContainers', 'containers', 'ephemeralContainers'];
  const spec = Object.fromEntries(
    lists.map((list) => [
      list,
      [
        { name: 'redis', image: 'redis:7' },
        { name: 'web', image: 'django:V4.0' },
      ],
    ]),
  );
  const json = path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), spec) as object;
  return {
    json: { apiVersion: 'v1', kind, ...json },
    fields: lists.map((list) => `${path.join('.')}.${list}[1].image`),
  };
}

const KINDS: [string, string[]][] = [
  ['Pod', ['spec']],
  ['PodTemplate', ['template', 'spec']],
  ...['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'ReplicationController', 'Job'].map(
    (kind): [string, string[]] => [kind, ['spec', 'template', 'spec']],
  ),
  ['CronJob', ['spec', 'jobTemplate', 'spec', 'template', 'spec']],
];

describe('a workload', () => {
  it.each(KINDS)('of kind %s has its containers pinned', (kind, path) => {
    const { json, fields } = object(kind, path);
    const text = JSON.stringify(json, undefined, 2);
    const result = pinImages([file('environments/dev/w.json', text)], [pinOf()], options);
    expect(result.fields.map(({ field }) => field)).toEqual(fields);
    expect(textAfter(result, 'environments/dev/w.json')).toBe(text.replaceAll('django:V4.0', AFTER));
  });

  it('inside a List is pinned in its place', () => {
    const { json } = object('CronJob', ['spec', 'jobTemplate', 'spec', 'template', 'spec']);
    const text = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [{ kind: 'ConfigMap' }, json] });
    expect(pinImages([file('environments/dev/list.yml', text)], [pinOf()], options).fields[0]?.field).toBe(
      'items[1].spec.jobTemplate.spec.template.spec.initContainers[1].image',
    );
  });

  it.each([
    ['that names the image in its metadata alone', 'kind: Pod\nmetadata: {annotations: {image: "django:V4.0"}}\n'],
    ['that names the image in its status alone', 'kind: Pod\nstatus: {containers: [{image: "django:V4.0"}]}\n'],
    ['that is not an object', '- django:V4.0\n'],
    ['whose containers are no list', 'kind: Pod\nspec:\n  containers: {image: django}\n'],
    ['whose image is not text', 'kind: Pod\nspec:\n  containers: [{image: [django]}, {image: }, null, x]\n'],
  ])('%s has no image fields', (_, text) => {
    expect(refusal(() => pinned(WORKLOAD, text)).code).toBe('pin-not-found');
  });

  it('is pinned in each document of a file that names the image', () => {
    const text = `# first\n${deployment(' django:V4.0')}---\n${deployment(' redis:7')}--- # third\n${deployment(` "${REPOSITORY}"`)}`;
    const result = pinImages([file(WORKLOAD, text)], [pinOf()], options);
    expect(textAfter(result, WORKLOAD)).toBe(
      text.replace('django:V4.0', AFTER).replace(`"${REPOSITORY}"`, `"${AFTER}"`),
    );
    expect(result.fields.map(({ line, before }) => [line, before])).toEqual([
      [11, 'django:V4.0'],
      [33, REPOSITORY],
    ]);
  });

  it.each(['deployment.yaml.injected', 'web'])('is pinned in a file whose last document is empty: %s', (name) => {
    const text = `${deployment(' django:V4.0')}---\n`;
    expect(pinned(`environments/dev/${name}`, text)).toBe(text.replace('django:V4.0', AFTER));
  });

  it('and a kustomization entry that names the image too get the same pin', () => {
    const files = [
      file(WORKLOAD, deployment(' django:V4.0')),
      file(KUSTOMIZATION, 'images:\n- name: django\n  newTag: V4.0\n'),
    ];
    expect(pinImages(files, [pinOf()], options).fields.map(({ after }) => after)).toEqual([AFTER, AFTER]);
  });
});

describe('an image field', () => {
  it.each([
    ['plain', ' django:V4.0', ` ${AFTER}`],
    ['with a comment', ' django:V4.0  # live', ` ${AFTER}  # live`],
    ['single quoted', " 'django:V4.0'", ` '${AFTER}'`],
    ['double quoted', ' "django:V4.0" # x', ` "${AFTER}" # x`],
    ['double quoted with an escape', ' "dj\\x61ngo:V4.0"', ` "${AFTER}"`],
    ['with an anchor', ' &i django:V4.0', ` &i ${AFTER}`],
    ['on the next line', '\n            django:V4.0', `\n            ${AFTER}`],
    ['folded', ' >-\n            django:V4.0', ` ${AFTER}`],
    ['quoted over two lines', ' "django:\\\n            V4.0" # x', ` "${AFTER}" # x`],
    ['without a tag', ' django', ` ${AFTER}`],
    ['with a digest', ` django@${OLD}`, ` ${AFTER}`],
    ['with tag and digest', ` ${REPOSITORY}:V4.0@${OLD}`, ` ${AFTER}`],
    ['with a broken tag', ' django:V4.0:x', ` ${AFTER}`],
    [
      'with a host in capitals',
      ' Registry.Example.COM/acme/django:V4.0',
      ` Registry.Example.COM/acme/django:V4.2@${D}`,
    ],
  ])('%s is pinned where it stands', (_, before, after) => {
    expect(pinned(WORKLOAD, deployment(before))).toBe(deployment(after));
  });

  it.each([
    'docker.io/library/django:5',
    'index.docker.io/django:5',
    'docker.io/django',
    'library/django:5',
    'quay.io/library/django',
    'acme/django:V4.0',
    'docker.io/acme/django:V4.0',
  ])('%s is another image than the key django, and stays', (image) => {
    const text = deployment(` ${image}`);
    const files = [file(WORKLOAD, text), file(`${folder}/own.yaml`, deployment(' django:V4.0'))];
    const result = pinImages(files, [pinOf()], options);
    expect(result.edits.map(({ path }) => path)).toEqual([`${folder}/own.yaml`]);
  });

  it.each([
    ['django', 'docker.io/library/django'],
    ['docker.io/django', 'index.docker.io/library/django'],
    ['acme/django', 'docker.io/acme/django'],
  ])('%s means the repository %s, since it is the same one', (image, repository) => {
    const pin = pinOf({ names: ['web', repository], repository });
    expect(pinned(WORKLOAD, deployment(` ${image}:1`), pin)).toBe(deployment(` ${image}:V4.2@${D}`));
  });

  it.each([
    ['keeps its name for a layout', layout, 'version+digest' as const, `django:V4.2@${D}`],
    ['has no tag when pinned by digest', pinOf(), 'digest' as const, `${REPOSITORY}@${D}`],
    ['keeps its name and has no tag', layout, 'digest' as const, `django@${D}`],
  ])('%s', (_, pin, style, after) => {
    expect(pinned(WORKLOAD, deployment(' django:V4.0'), pin, { style })).toBe(deployment(` ${after}`));
  });

  it.each([
    ' acme/django:V4.0',
    ' django-extra:V4.0',
    ' registry.example.com/acme/django-extra:V4.0',
    ' registry.example.com/acme/django/web:V4.0',
    ' registry.example.com:443/acme/django:V4.0',
    ' other.example.com/acme/django:V4.0',
    ' redis:django',
    ` redis@${OLD} # django`,
  ])('of another image is not one of ours:%s', (value) => {
    expect(refusal(() => pinned(WORKLOAD, deployment(value))).code).toBe('pin-not-found');
  });

  it('that is pinned already gives no edit', () => {
    const result = pinImages([file(WORKLOAD, deployment(` '${AFTER}' # x`))], [pinOf()], options);
    expect(result).toEqual({
      edits: [],
      fields: [
        {
          image: 'django',
          path: WORKLOAD,
          line: 10,
          field: 'spec.template.spec.containers[0].image',
          before: AFTER,
          after: AFTER,
        },
      ],
      unnamed: [],
      warnings: [],
    });
  });

  it('shared by containers through an anchor is edited once', () => {
    const text = 'kind: Pod\nspec:\n  initContainers:\n  - image: &i django:V4.0\n  containers:\n  - image: *i\n';
    const result = pinImages([file(WORKLOAD, text)], [pinOf()], options);
    expect(textAfter(result, WORKLOAD)).toBe(text.replace('django:V4.0', AFTER));
    expect(result.fields.map(({ after }) => after)).toEqual([AFTER, AFTER]);
  });

  it('that a merge key brings from a container of ours is edited there', () => {
    const text =
      'kind: Pod\nspec:\n  containers:\n  - &c\n    name: a\n    image: django:V4.0\n  - <<: *c\n    name: b\n';
    expect(pinned(WORKLOAD, text)).toBe(text.replace('django:V4.0', AFTER));
  });

  it.each([
    [
      'an anchor used elsewhere',
      'kind: Pod\nx: &i django:V4.0\nspec:\n  containers:\n  - image: *i\n',
      'x would change as well',
    ],
    [
      'a merge key from elsewhere',
      'kind: Pod\nmetadata: &c {image: django:V4.0}\nspec:\n  containers:\n  - <<: *c\n',
      'metadata.image would change as well',
    ],
    ['a Helm placeholder', deployment(' "django:{{ .Values.tag }}"'), 'placeholder'],
    ['a variable', deployment(' django:${TAG:-V4.0}'), 'placeholder'],
    ['a Flux setter', deployment(' django:V4.0 # {"$imagepolicy": "flux-system:django"}'), '$imagepolicy'],
  ])('is refused for %s', (_, text, why) => {
    const error = refusal(() => pinned(WORKLOAD, text));
    expect(error.code).toBe('manifest-unsafe-edit');
    expect(error.why).toContain(why);
  });
});
