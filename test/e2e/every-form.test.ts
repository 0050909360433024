// Every form in which teams name an image, each in words of its own, in one environment's folder: one promotion of the real program
// pins all of them, and the rollback gives every file its bytes back.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseTag } from '../../src/model/reference.ts';
import { buildImage } from '../../src/registry/layout/sample-image.ts';
import { createLayoutWriter } from '../../src/registry/layout/writer.ts';
import { runCli, succeeded } from '../support/cli.ts';
import { CLEAN_ENVIRONMENT } from '../support/git-repository.ts';
import { machineClock } from '../support/layouts.ts';

const N = 'registry.corp.example:5000/team/django';
const D = buildImage({ name: 'django', version: 'V4.2' }).digest;
const PINNED = `V4.2@${D}`;

interface Row {
  readonly path: string;
  readonly text: string;
  /** What is written otherwise than `V4.0` to version and digest, each as often as it stands. */
  readonly swaps: readonly (readonly [string, string])[];
}

const AS_USUAL = ['V4.0', PINNED] as const;

function row(path: string, text: string, ...swaps: readonly (readonly [string, string])[]): Row {
  return { path: `env/prd/${path}`, text, swaps: swaps.length === 0 ? [AS_USUAL] : swaps };
}

const ROWS: Readonly<Record<string, Row>> = {
  'a kustomization in flow style': row(
    'one/kustomization.yml',
    `kind: Kustomization\nimages: [{newTag: "V4.0", name: ${N}}] # fleet\nnamePrefix: a-\n`,
    ['newTag: "V4.0"', `newTag: "V4.2", digest: ${D}`],
  ),
  'a kustomization without an extension, with a chart beside': row(
    'two/Kustomization',
    `helmCharts:\n- {name: web, version: V4.0}\nimages:\n  - name: web\n    newName: ${N}\n    newTag: V4.0\n`,
    ['    newTag: V4.0', `    newTag: V4.2\n    digest: ${D}`],
  ),
  'workloads of a list, in JSON': row(
    'list.json',
    `{"kind": "List", "apiVersion": "v1", "items": [\n  {"kind": "DaemonSet", "apiVersion": "apps/v1", "spec": {"template": {"spec": {"initContainers": [{"image": "${N}:V4.0"}], "containers": [{"image": "busybox:1"}]}}}}\n]}\n`,
  ),
  'containers of a kind that nobody knows': row(
    'fleet.yaml',
    `apiVersion: games.example/v3\nkind: GameServer\nspec:\n  blueprint:\n    containers:\n    - {name: a, image: '${N}:V4.0'}\n`,
  ),
  'Helm values in four fields': row(
    'front.yaml',
    `front:\n  image:\n    registry: registry.corp.example:5000\n    repository: team/django\n    tag: 'V4.0' # now\n    digest: ''\n`,
    ["tag: 'V4.0'", "tag: 'V4.2'"],
    ["digest: ''", `digest: '${D}'`],
  ),
  'flat keys': row('flat.yaml', `djangoImageTag: "V4.0"\nDJANGO_DOCKER_TAG: V4.0\nsquid_tag: V4.0\n`, [
    'jangoImageTag: "V4.0"\nDJANGO_DOCKER_TAG: V4.0',
    `jangoImageTag: "${PINNED}"\nDJANGO_DOCKER_TAG: ${PINNED}`,
  ]),
  'a sibling repository, for each component': row(
    'components.yaml',
    `api:\n  server:\n    repository: ${N}\n    tag: V4.0\n  cache:\n    repository: docker.io/library/redis\n    tag: V4.0\n`,
    [`django\n    tag: V4.0`, `django\n    tag: ${PINNED}`],
  ),
  'a HelmRelease behind another document': row(
    'release.yaml',
    `kind: Namespace\napiVersion: v1\nmetadata: {name: a}\n---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec:\n  values:\n    worker: {image: "${N}:V4.0"}\n`,
  ),
  'an Application with parameters': row(
    'app.yaml',
    `apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec:\n  sources:\n  - helm:\n      parameters:\n      - value: V4.0\n        name: web.image.tag\n      - value: V4.0\n        name: chartTag\n      - value: ${N}\n        name: web.image.repository\n`,
    ['- value: V4.0\n        name: web', `- value: ${PINNED}\n        name: web`],
  ),
  'an ApplicationSet with values as an object': row(
    'set.yaml',
    `apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: a}\nspec:\n  generators: [{list: {elements: []}}]\n  template:\n    spec:\n      source:\n        helm:\n          valuesObject: {image: {repository: '${N}', tag: V4.0}}\n`,
  ),
  'an Application with values as text': row(
    'text.yaml',
    `apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec:\n  source:\n    helm:\n      values: |-\n        # ours\n        jobs:\n          migrate: "${N}:V4.0"\n          tag: V4.0\n`,
    [`django:V4.0"`, `django:${PINNED}"`],
  ),
  'an Application with images of kustomize': row(
    'images.yaml',
    `apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec: {source: {kustomize: {images: ["web=${N}:V4.0"]}}}\n`,
  ),
  'an OCIRepository': row(
    'oci.yaml',
    `apiVersion: source.toolkit.fluxcd.io/v1beta2\nkind: OCIRepository\nmetadata: {name: a}\nspec:\n  url: oci://${N}\n  ref: {tag: V4.0}\n`,
    ['{tag: V4.0}', `{tag: V4.2, digest: ${D}}`],
  ),
  'a chart': row(
    'charts/Chart.yaml',
    'apiVersion: v2\nname: django\nversion: 0.4.0\nappVersion: "V4.0"\ndependencies:\n- {name: lib, version: V4.0}\n',
    ['"V4.0"', '"V4.2"'],
  ),
  'Compose, with a fragment': row(
    'stack.yaml',
    `x-web: &web\n  image: ${N}:V4.0\n  restart: always\nservices:\n  web:\n    <<: *web\n  proxy:\n    image: nginx:V4.0\n`,
    [`django:V4.0`, `django:${PINNED}`],
  ),
  'a map of services to images, in JSON': row(
    'versions.json',
    `{\n\t"frontend": "${N}:V4.0",\n\t"queue": "rabbitmq:V4.0"\n}\n`,
    ['django:V4.0', `django:${PINNED}`],
  ),
  'a map of services to tags': row('tags.yaml', 'imageTags:\n  django: V4.0\n  queue: V4.0\n', [
    'django: V4.0',
    `django: ${PINNED}`,
  ]),
  variables: row('prd.env', `# ours\nDJANGO_IMAGE="${N}:V4.0"\nDJANGO_TAG=V4.0\nQUEUE_TAG=V4.0\n`, [
    `django:V4.0"\nDJANGO_TAG=V4.0`,
    `django:${PINNED}"\nDJANGO_TAG=${PINNED}`,
  ]),
  'an ImageStream': row(
    'stream.yaml',
    `apiVersion: image.openshift.io/v1\nkind: ImageStream\nmetadata: {name: web}\nspec:\n  tags:\n  - name: live\n    from: {kind: DockerImage, name: "${N}:V4.0"}\n  - name: next\n    from: {kind: ImageStreamTag, name: "web:V4.0"}\n`,
    [`django:V4.0`, `django:${PINNED}`],
  ),
  'an Argo Workflow': row(
    'flow.yaml',
    `apiVersion: argoproj.io/v1alpha1\nkind: CronWorkflow\nmetadata: {name: a}\nspec:\n  workflowSpec:\n    templates:\n    - {name: a, script: {image: "${N}:V4.0", source: "echo V4"}}\n    - name: b\n      container: {image: "${N}:V4.0"}\n      sidecars: [{name: s, image: "${N}:V4.0"}]\n`,
  ),
  'operations of a JSON patch': row(
    'patches/ops.json',
    `[{"op": "test", "path": "/spec/replicas", "value": 2}, {"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "side", "image": "${N}:V4.0"}}]\n`,
  ),
  'a strategic patch': row(
    'patches/merge.yaml',
    `kind: StatefulSet\napiVersion: apps/v1\nmetadata: {name: db}\nspec:\n  template:\n    spec:\n      containers:\n      - name: db\n        image: ${N}:V4.0 # merged by name\n`,
  ),
  'a file of one key without an extension': row('image-tags/django', 'image_tag: V4.0\n'),
  'a line of jsonnet': row('main.jsonnet', "local old = 'V4.0';\n  image: 'django:' + 'V4.0',\n", [
    "+ 'V4.0'",
    `+ '${PINNED}'`,
  ]),
  'a line of a Go template': row('deploy.yaml.tpl', '{{- if .on }}\nimage: django:V4.0\n{{- end }}\n'),
  properties: row('app.properties', 'web.tag=V4.0\nweb.old=V4.0\n', ['web.tag=V4.0', `web.tag=${PINNED}`]),
  HCL: row('main.tf', 'locals {\n  tag = "V4.0"\n}\n'),
  'an element of a list by its name': row(
    'params-prd.yaml',
    'parameters:\n- {name: other, value: V4.0}\n- {name: image.tag, value: V4.0}\n',
    ['image.tag, value: V4.0', `image.tag, value: ${PINNED}`],
  ),
  'a key that is called as the image': row(
    'fleet-prd.yaml',
    'fleet:\n  squid: {live: V4.0}\n  django: {live: V4.0}\n',
    ['django: {live: V4.0}', `django: {live: ${PINNED}}`],
  ),
  'a field of the version alone': row('label.yaml', 'labels:\n  release: "V4.0"\n', ['"V4.0"', '"V4.2"']),
};

/** Lines that only tagflow.yaml can say. */
const PINS = `    pins:
      - { image: django, file: 'env/{environment}/main.jsonnet', text: "^  image: 'django:' [+] '(?<version>[^'@]*)(@(?<digest>[^']*))?',$" }
      - { image: django, file: 'env/{environment}/deploy.yaml.tpl', text: '^image: django:(?<version>[^@]*)(@(?<digest>.*))?$' }
      - { image: django, file: 'env/{environment}/app.properties', text: '^web\\.tag=(?<version>[^@]*)(@(?<digest>.*))?$' }
      - { image: django, file: 'env/{environment}/main.tf', text: '^  tag = "(?<version>[^"@]*)(@(?<digest>[^"]*))?"$' }
      - { image: django, file: 'env/{environment}/params-{environment}.yaml', path: 'parameters[name=image.tag].value' }
      - { image: django, file: 'env/{environment}/fleet-{environment}.yaml', path: 'fleet.{image}.live' }
      - { image: django, file: 'env/{environment}/label.yaml', path: labels.release, pin: version }
`;

describe('every form', () => {
  let root = '';
  const git = (...words: string[]): string =>
    execFileSync('git', words, { cwd: join(root, 'work'), encoding: 'utf8', env: { ...CLEAN_ENVIRONMENT, ...WHO } });
  const WHO = {
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@b.c',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@b.c',
  };
  const contents = (): Record<string, string> =>
    Object.fromEntries(Object.values(ROWS).map(({ path }) => [path, git('show', `origin/main:${path}`)]));

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'tagflow-forms-'));
    const writer = createLayoutWriter({ clock: machineClock });
    for (const version of ['V4.0', 'V4.2']) {
      const image = buildImage({ name: 'django', version });
      await writer.publishImage(join(root, 'work/registry/django'), image, parseTag(version));
    }
    const write = (path: string, text: string): void => {
      mkdirSync(join(root, 'work', dirname(path)), { recursive: true });
      writeFileSync(join(root, 'work', path), text);
    };
    write(
      'tagflow.yaml',
      `version: 1\nlayout: folders\nimages:\n  django: { repository: 'oci:registry/django', names: ['${N}'] }\nenvironments:\n  prd:\n    path: env/prd\n${PINS}`,
    );
    write('.gitignore', 'registry\n');
    for (const { path, text } of Object.values(ROWS)) write(path, text);
    execFileSync('git', ['init', '-q', '--bare', '-b', 'main', join(root, 'repository.git')], {
      env: CLEAN_ENVIRONMENT,
    });
    git('init', '-q', '-b', 'main');
    git('remote', 'add', 'origin', join(root, 'repository.git'));
    git('add', '-A');
    git('commit', '-qm', 'first');
    git('push', '-q', 'origin', 'main');
  });
  afterAll(() => {
    if (existsSync(root)) rmSync(root, { recursive: true, force: true });
  });

  const tagflow = async (...argv: string[]): Promise<void> => {
    const result = await runCli(['-C', join(root, 'work'), ...argv]);
    expect(result.stderr).not.toContain('error');
    succeeded(result);
  };

  it('is pinned by one promotion, and nothing else in its file changes', async () => {
    await tagflow('promote', 'prd', 'django=V4.2');
    git('fetch', '-q');
    const after = contents();
    for (const [name, { path, text, swaps }] of Object.entries(ROWS)) {
      const wanted = swaps.reduce((so, [from, to]) => so.replaceAll(from, to), text);
      expect.soft(after[path], name).toBe(wanted);
      expect.soft(wanted, `${name} is changed by this test`).not.toBe(text);
    }
    const changed = git('diff', '--name-only', 'main', 'origin/main').trim().split('\n');
    expect(changed).toEqual([...Object.values(ROWS).map(({ path }) => path), '.tagflow/releases/prd.yaml'].sort());
  });

  it('has its bytes back after a promotion and a rollback', async () => {
    const before = contents();
    await tagflow('promote', 'prd', 'django=V4.0', '--allow-downgrade', '--reason', 'a test');
    git('fetch', '-q');
    expect(contents()).not.toEqual(before);
    await tagflow('rollback', 'prd');
    git('fetch', '-q');
    expect(contents()).toEqual(before);
  });
});
