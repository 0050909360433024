// One place of each kind in which a form finds an image, for the table of what every pin style writes there.
import { parseTextPattern } from '../../src/config/text-pattern.ts';
import type { ConfiguredPin, ConfiguredText } from '../../src/model/pipeline.ts';
import { D, KUSTOMIZATION, OLD, REPOSITORY, WORKLOAD, deployment, folder } from './support.ts';

/** A place that names an image. */
export interface StyleRow {
  /** The form that finds it; `configured`: tagflow.yaml names the place. */
  readonly form: string;
  readonly place: string;
  readonly path: string;
  readonly text: string;
  readonly configured?: readonly ConfiguredPin[];
}

const FLUX = 'metadata: {name: django}\nspec:\n';
const ARGO = `apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: django}\nspec:\n  source:\n`;
const RELEASE = `apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n${FLUX}  values:\n`;
const ARTIFACT = `apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\n${FLUX}  url: oci://${REPOSITORY}\n  ref:\n`;
const IN_FLUX = `apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n${FLUX}`;
const VALUES = `${folder}/values.yaml`;

/** The rows: at least one for each form. */
export const STYLE_ROWS: readonly StyleRow[] = [
  row('kustomize', 'an entry with a tag', KUSTOMIZATION, `images:\n- name: ${REPOSITORY}\n  newTag: V4.0\n`),
  row(
    'kustomize',
    'an entry with both',
    KUSTOMIZATION,
    `images:\n- name: ${REPOSITORY}\n  newTag: V4.0\n  digest: ${OLD}\n`,
  ),
  row('kustomize', 'no entry', KUSTOMIZATION, 'resources: []\n'),
  row(
    'argo-cd',
    'a parameter',
    WORKLOAD,
    `${ARGO}    helm:\n      parameters:\n      - {name: image.repository, value: ${REPOSITORY}}\n      - {name: image.tag, value: V4.0}\n`,
  ),
  row(
    'argo-cd',
    'values as text',
    WORKLOAD,
    `${ARGO}    helm:\n      values: |\n        image:\n          repository: ${REPOSITORY}\n          tag: V4.0\n`,
  ),
  row(
    'argo-cd',
    'an image of kustomize',
    WORKLOAD,
    `${ARGO}    kustomize:\n      images:\n      - ${REPOSITORY}:V4.0\n`,
  ),
  row('flux-kustomization', 'an entry', WORKLOAD, `${IN_FLUX}  images:\n  - name: ${REPOSITORY}\n    newTag: V4.0\n`),
  row(
    'flux-kustomization',
    'a variable',
    WORKLOAD,
    `${IN_FLUX}  postBuild:\n    substitute:\n      django_tag: V4.0\n`,
  ),
  row(
    'helm-release',
    'a repository and a tag',
    WORKLOAD,
    `${RELEASE}    image:\n      repository: ${REPOSITORY}\n      tag: V4.0\n`,
  ),
  row(
    'helm-release',
    'a field for the digest as well',
    WORKLOAD,
    `${RELEASE}    image:\n      repository: ${REPOSITORY}\n      tag: V4.0\n      digest: ${OLD}\n`,
  ),
  row(
    'helm-release',
    'an entry behind the chart',
    WORKLOAD,
    `${RELEASE}    replicas: 1\n  postRenderers:\n  - kustomize:\n      images:\n      - name: ${REPOSITORY}\n        newTag: V4.0\n`,
  ),
  row('oci-repository', 'a tag', WORKLOAD, `${ARTIFACT}    tag: V4.0\n`),
  row('oci-repository', 'a digest', WORKLOAD, `${ARTIFACT}    digest: ${OLD}\n`),
  row('object', 'a container', WORKLOAD, deployment(` ${REPOSITORY}:V4.0`)),
  row(
    'object',
    'a step of a workflow',
    WORKLOAD,
    `kind: Workflow\nspec:\n  templates:\n  - name: a\n    container:\n      image: ${REPOSITORY}:V4.0\n`,
  ),
  row(
    'object',
    'a tag of an ImageStream',
    WORKLOAD,
    `kind: ImageStream\nspec:\n  tags:\n  - from:\n      kind: DockerImage\n      name: ${REPOSITORY}:V4.0\n`,
  ),
  row('object', 'a package of Crossplane', WORKLOAD, `kind: Provider\nspec:\n  package: ${REPOSITORY}:V4.0\n`),
  row(
    'object',
    'a bundle of Tekton',
    WORKLOAD,
    `kind: Pipeline\nspec:\n  tasks:\n  - taskRef:\n      params:\n      - name: bundle\n        value: ${REPOSITORY}:V4.0\n`,
  ),
  row('object', 'a variable of a ConfigMap', WORKLOAD, `kind: ConfigMap\ndata:\n  DJANGO_TAG: V4.0\n`),
  row(
    'chart',
    'the version of an application',
    `${folder}/Chart.yaml`,
    'apiVersion: v2\nname: django\nversion: 1.0.0\nappVersion: V4.0\n',
  ),
  row('compose', 'a service', `${folder}/compose.yaml`, `services:\n  web:\n    image: ${REPOSITORY}:V4.0\n`),
  row(
    'json-patch',
    'a value',
    `${folder}/patch.yaml`,
    `- op: replace\n  path: /spec/template/spec/containers/0/image\n  value: ${REPOSITORY}:V4.0\n`,
  ),
  row('values', 'a reference', VALUES, `image: ${REPOSITORY}:V4.0\n`),
  row('values', 'a repository and a tag', VALUES, `image:\n  repository: ${REPOSITORY}\n  tag: V4.0\n`),
  row('values', 'a digest as well', VALUES, `image:\n  repository: ${REPOSITORY}\n  tag: V4.0\n  digest: ${OLD}\n`),
  row('values', 'an empty digest', VALUES, `image:\n  repository: ${REPOSITORY}\n  tag: V4.0\n  digest: ""\n`),
  row('values', 'a repository alone', VALUES, `image:\n  repository: ${REPOSITORY}\n`),
  row('values', 'a digest alone', VALUES, `image:\n  repository: ${REPOSITORY}\n  digest: ${OLD}\n`),
  row('values', 'a version beside an image', VALUES, `web:\n  image: ${REPOSITORY}\n  version: V4.0\n`),
  row('values', 'a flat tag', VALUES, 'django_tag: V4.0\n'),
  row('values', 'a map in JSON', `${folder}/images.json`, `{"django": "${REPOSITORY}:V4.0"}\n`),
  row('values', 'a variable for the tag', `${folder}/.env`, 'DJANGO_TAG=V4.0\n'),
  row('values', 'a variable for the image', `${folder}/.env`, `DJANGO_IMAGE=${REPOSITORY}:V4.0\n`),
  named('a tag', 'v.yaml', 'tag: V4.0\n', { path: ['tag'] }),
  named('a digest', 'v.yaml', `digest: ${OLD}\n`, { path: ['digest'] }),
  named('nothing', 'v.yaml', "tag: ''\n", { path: ['tag'] }),
  named('a reference', 'v.yaml', `web: ${REPOSITORY}:V4.0\n`, { path: ['web'] }),
  named('a tag with a digest beside it', 'v.yaml', `tag: V4.0\ndigest: ${OLD}\n`, { path: ['tag'] }),
  named('a line of text', 'main.jsonnet', `local tag = 'V4.0@${OLD}';\n`, {
    text: patternOf("^local tag = '(?<version>[^'@]*)@(?<digest>[^']*)';$"),
  }),
  named('a line of text for a version', 'main.jsonnet', "local tag = 'V4.0';\n", {
    text: patternOf("^local tag = '(?<version>[^']*)';$"),
  }),
];

function row(form: string, place: string, path: string, text: string): StyleRow {
  return { form, place, path, text };
}

function named(place: string, path: string, text: string, field: object): StyleRow {
  const configured = [{ image: 'django', file: path, ...field } as ConfiguredPin];
  return { form: 'configured', place: `${place} (${path})`, path, text, configured };
}

function patternOf(text: string): ConfiguredText['text'] {
  const parsed = parseTextPattern(text);
  if (!('value' in parsed)) throw new Error(parsed.why);
  return parsed.value;
}

/** A text with the names of this table for what is long in it. */
export function shortened(text: string): string {
  return text.replaceAll(REPOSITORY, 'REPO').replaceAll(D, 'NEW').replaceAll(OLD, 'OLD');
}
