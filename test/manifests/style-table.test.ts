// What each pin style writes into each form of manifest, or which refusal says why it writes nothing. Every form of the registry
// has a row: a new one without it fails.
import { describe, expect, it } from 'vitest';
import { FORMS } from '../../src/manifests/forms.ts';
import { type PinResult, pinImages } from '../../src/manifests/manifests.ts';
import { attemptNow } from '../../src/model/attempt.ts';
import type { PinStyle } from '../../src/model/pipeline.ts';
import { parseTag } from '../../src/model/reference.ts';
import { STYLE_ROWS, type StyleRow, shortened } from './style-rows.ts';
import { file, options, pinOf, textAfter } from './support.ts';

const STYLES: readonly PinStyle[] = ['version+digest', 'digest', 'version', 'target', 'target+digest'];

/**
 * By row, what each of the styles does, in their order: the lines that go (`-`) and come (`+`); `!deploy`: a warning that
 * nothing there changes with the image; `!pull`: one that a node may keep the older image; `refused`: why.
 */
const TABLE: Readonly<Record<string, readonly [string, string, string, string, string]>> = {
  'kustomize: an entry with a tag': [
    '- newTag: V4.0 | + newTag: V4.2 | + digest: NEW',
    '- newTag: V4.0 | + digest: NEW',
    '- newTag: V4.0 | + newTag: V4.2',
    '- newTag: V4.0 | + newTag: dev | + commonAnnotations: | + tagflow.dev/digest.django: NEW',
    '- newTag: V4.0 | + newTag: dev | + digest: NEW',
  ],
  'kustomize: an entry with both': [
    '- newTag: V4.0 | - digest: OLD | + newTag: V4.2 | + digest: NEW',
    '- newTag: V4.0 | - digest: OLD | + digest: NEW',
    '- newTag: V4.0 | - digest: OLD | + newTag: V4.2',
    '- newTag: V4.0 | - digest: OLD | + newTag: dev | + commonAnnotations: | + tagflow.dev/digest.django: NEW',
    '- newTag: V4.0 | - digest: OLD | + newTag: dev | + digest: NEW',
  ],
  'kustomize: no entry': [
    '+ images: | + - name: django | + newName: REPO | + newTag: V4.2 | + digest: NEW',
    '+ images: | + - name: django | + newName: REPO | + digest: NEW',
    '+ images: | + - name: django | + newName: REPO | + newTag: V4.2',
    '+ images: | + - name: django | + newName: REPO | + newTag: dev | + commonAnnotations: | + tagflow.dev/digest.django: NEW',
    '+ images: | + - name: django | + newName: REPO | + newTag: dev | + digest: NEW',
  ],
  'argo-cd: a parameter': [
    '- - {name: image.tag, value: V4.0} | + - {name: image.tag, value: V4.2@NEW}',
    'refused: spec.source.helm.parameters[1].value is a tag, and the pin style writes a digest alone',
    '- - {name: image.tag, value: V4.0} | + - {name: image.tag, value: V4.2}',
    '- - {name: image.tag, value: V4.0} | + - {name: image.tag, value: dev} | !deploy',
    '- - {name: image.tag, value: V4.0} | + - {name: image.tag, value: dev@NEW}',
  ],
  'argo-cd: values as text': [
    '- tag: V4.0 | + tag: V4.2@NEW',
    'refused: image.tag is a tag, and the pin style writes a digest alone',
    '- tag: V4.0 | + tag: V4.2',
    '- tag: V4.0 | + tag: dev | !deploy',
    '- tag: V4.0 | + tag: dev@NEW',
  ],
  'argo-cd: an image of kustomize': [
    '- - REPO:V4.0 | + - REPO:V4.2@NEW',
    '- - REPO:V4.0 | + - REPO@NEW',
    '- - REPO:V4.0 | + - REPO:V4.2',
    '- - REPO:V4.0 | + - REPO:dev | + commonAnnotations: | + tagflow.dev/digest.django: NEW',
    '- - REPO:V4.0 | + - REPO:dev@NEW',
  ],
  'flux-kustomization: an entry': [
    '- newTag: V4.0 | + newTag: V4.2 | + digest: NEW',
    '- newTag: V4.0 | + digest: NEW',
    '- newTag: V4.0 | + newTag: V4.2',
    '- newTag: V4.0 | + newTag: dev | !deploy',
    '- newTag: V4.0 | + newTag: dev | + digest: NEW',
  ],
  'flux-kustomization: a variable': [
    '- django_tag: V4.0 | + django_tag: V4.2@NEW',
    'refused: spec.postBuild.substitute.django_tag is a tag, and the pin style writes a digest alone',
    '- django_tag: V4.0 | + django_tag: V4.2',
    '- django_tag: V4.0 | + django_tag: dev | !deploy',
    '- django_tag: V4.0 | + django_tag: dev@NEW',
  ],
  'helm-release: a repository and a tag': [
    '- tag: V4.0 | + tag: V4.2@NEW',
    'refused: spec.values.image.tag is a tag, and the pin style writes a digest alone',
    '- tag: V4.0 | + tag: V4.2',
    '- tag: V4.0 | + tag: dev | !deploy',
    '- tag: V4.0 | + tag: dev@NEW',
  ],
  'helm-release: a field for the digest as well': [
    '- tag: V4.0 | - digest: OLD | + tag: V4.2 | + digest: NEW',
    '- tag: V4.0 | - digest: OLD | + tag: "" | + digest: NEW',
    '- tag: V4.0 | - digest: OLD | + tag: V4.2 | + digest: ""',
    '- tag: V4.0 | - digest: OLD | + tag: dev | + digest: "" | !deploy',
    '- tag: V4.0 | - digest: OLD | + tag: dev | + digest: NEW',
  ],
  'helm-release: an entry behind the chart': [
    '- newTag: V4.0 | + newTag: V4.2 | + digest: NEW',
    '- newTag: V4.0 | + digest: NEW',
    '- newTag: V4.0 | + newTag: V4.2',
    '- newTag: V4.0 | + newTag: dev | !deploy',
    '- newTag: V4.0 | + newTag: dev | + digest: NEW',
  ],
  'oci-repository: a tag': [
    '- tag: V4.0 | + tag: V4.2 | + digest: NEW',
    '- tag: V4.0 | + tag: "" | + digest: NEW',
    '- tag: V4.0 | + tag: V4.2',
    '- tag: V4.0 | + tag: dev | !deploy',
    '- tag: V4.0 | + tag: dev | + digest: NEW',
  ],
  'oci-repository: a digest': [
    '- digest: OLD | + digest: NEW',
    '- digest: OLD | + digest: NEW',
    '- digest: OLD | + digest: "" | + tag: V4.2',
    '- digest: OLD | + digest: "" | + tag: dev | !deploy',
    '- digest: OLD | + digest: NEW',
  ],
  'object: a container': [
    '- image: REPO:V4.0 | + image: REPO:V4.2@NEW',
    '- image: REPO:V4.0 | + image: REPO@NEW',
    '- image: REPO:V4.0 | + image: REPO:V4.2',
    '- image: REPO:V4.0 | + image: REPO:dev | + metadata: | + annotations: | + tagflow.dev/digest.django: NEW | !pull',
    '- image: REPO:V4.0 | + image: REPO:dev@NEW',
  ],
  'object: a step of a workflow': [
    '- image: REPO:V4.0 | + image: REPO:V4.2@NEW',
    '- image: REPO:V4.0 | + image: REPO@NEW',
    '- image: REPO:V4.0 | + image: REPO:V4.2',
    '- image: REPO:V4.0 | + image: REPO:dev | !deploy',
    '- image: REPO:V4.0 | + image: REPO:dev@NEW',
  ],
  'object: a tag of an ImageStream': [
    '- name: REPO:V4.0 | + name: REPO:V4.2@NEW',
    '- name: REPO:V4.0 | + name: REPO@NEW',
    '- name: REPO:V4.0 | + name: REPO:V4.2',
    '- name: REPO:V4.0 | + name: REPO:dev | !deploy',
    '- name: REPO:V4.0 | + name: REPO:dev@NEW',
  ],
  'object: a package of Crossplane': [
    '- package: REPO:V4.0 | + package: REPO:V4.2@NEW',
    '- package: REPO:V4.0 | + package: REPO@NEW',
    '- package: REPO:V4.0 | + package: REPO:V4.2',
    '- package: REPO:V4.0 | + package: REPO:dev | !deploy',
    '- package: REPO:V4.0 | + package: REPO:dev@NEW',
  ],
  'object: a bundle of Tekton': [
    '- value: REPO:V4.0 | + value: REPO:V4.2@NEW',
    '- value: REPO:V4.0 | + value: REPO@NEW',
    '- value: REPO:V4.0 | + value: REPO:V4.2',
    '- value: REPO:V4.0 | + value: REPO:dev | !deploy',
    '- value: REPO:V4.0 | + value: REPO:dev@NEW',
  ],
  'object: a variable of a ConfigMap': [
    '- DJANGO_TAG: V4.0 | + DJANGO_TAG: V4.2@NEW',
    'refused: data.DJANGO_TAG is a tag, and the pin style writes a digest alone',
    '- DJANGO_TAG: V4.0 | + DJANGO_TAG: V4.2',
    '- DJANGO_TAG: V4.0 | + DJANGO_TAG: dev | !deploy',
    '- DJANGO_TAG: V4.0 | + DJANGO_TAG: dev@NEW',
  ],
  'chart: the version of an application': [
    '- appVersion: V4.0 | + appVersion: V4.2',
    'refused: appVersion is a tag, and the pin style writes a digest alone',
    '- appVersion: V4.0 | + appVersion: V4.2',
    '- appVersion: V4.0 | + appVersion: dev | !deploy',
    '- appVersion: V4.0 | + appVersion: dev',
  ],
  'compose: a service': [
    '- image: REPO:V4.0 | + image: REPO:V4.2@NEW',
    '- image: REPO:V4.0 | + image: REPO@NEW',
    '- image: REPO:V4.0 | + image: REPO:V4.2',
    '- image: REPO:V4.0 | + image: REPO:dev | !deploy',
    '- image: REPO:V4.0 | + image: REPO:dev@NEW',
  ],
  'json-patch: a value': [
    '- value: REPO:V4.0 | + value: REPO:V4.2@NEW',
    '- value: REPO:V4.0 | + value: REPO@NEW',
    '- value: REPO:V4.0 | + value: REPO:V4.2',
    '- value: REPO:V4.0 | + value: REPO:dev | !deploy',
    '- value: REPO:V4.0 | + value: REPO:dev@NEW',
  ],
  'values: a reference': [
    '- image: REPO:V4.0 | + image: REPO:V4.2@NEW',
    '- image: REPO:V4.0 | + image: REPO@NEW',
    '- image: REPO:V4.0 | + image: REPO:V4.2',
    '- image: REPO:V4.0 | + image: REPO:dev | !deploy',
    '- image: REPO:V4.0 | + image: REPO:dev@NEW',
  ],
  'values: a repository and a tag': [
    '- tag: V4.0 | + tag: V4.2@NEW',
    'refused: image.tag is a tag, and the pin style writes a digest alone',
    '- tag: V4.0 | + tag: V4.2',
    '- tag: V4.0 | + tag: dev | !deploy',
    '- tag: V4.0 | + tag: dev@NEW',
  ],
  'values: a digest as well': [
    '- tag: V4.0 | - digest: OLD | + tag: V4.2 | + digest: NEW',
    '- tag: V4.0 | - digest: OLD | + tag: "" | + digest: NEW',
    '- tag: V4.0 | - digest: OLD | + tag: V4.2 | + digest: ""',
    '- tag: V4.0 | - digest: OLD | + tag: dev | + digest: "" | !deploy',
    '- tag: V4.0 | - digest: OLD | + tag: dev | + digest: NEW',
  ],
  'values: an empty digest': [
    '- tag: V4.0 | - digest: "" | + tag: V4.2 | + digest: "NEW"',
    '- tag: V4.0 | - digest: "" | + tag: "" | + digest: "NEW"',
    '- tag: V4.0 | + tag: V4.2',
    '- tag: V4.0 | + tag: dev | !deploy',
    '- tag: V4.0 | - digest: "" | + tag: dev | + digest: "NEW"',
  ],
  'values: a repository alone': [
    '+ tag: V4.2@NEW',
    '+ digest: NEW',
    '+ tag: V4.2',
    '+ tag: dev | !deploy',
    '+ tag: dev@NEW',
  ],
  'values: a digest alone': [
    '- digest: OLD | + digest: NEW',
    '- digest: OLD | + digest: NEW',
    '- digest: OLD | + tag: V4.2 | + digest: ""',
    '- digest: OLD | + tag: dev | + digest: "" | !deploy',
    '- digest: OLD | + digest: NEW',
  ],
  'values: a version beside an image': [
    '- version: V4.0 | + version: V4.2@NEW',
    'refused: web.version is a tag, and the pin style writes a digest alone',
    '- version: V4.0 | + version: V4.2',
    '- version: V4.0 | + version: dev | !deploy',
    '- version: V4.0 | + version: dev@NEW',
  ],
  'values: a flat tag': [
    '- django_tag: V4.0 | + django_tag: V4.2@NEW',
    'refused: django_tag is a tag, and the pin style writes a digest alone',
    '- django_tag: V4.0 | + django_tag: V4.2',
    '- django_tag: V4.0 | + django_tag: dev | !deploy',
    '- django_tag: V4.0 | + django_tag: dev@NEW',
  ],
  'values: a map in JSON': [
    '- {"django": "REPO:V4.0"} | + {"django": "REPO:V4.2@NEW"}',
    '- {"django": "REPO:V4.0"} | + {"django": "REPO@NEW"}',
    '- {"django": "REPO:V4.0"} | + {"django": "REPO:V4.2"}',
    '- {"django": "REPO:V4.0"} | + {"django": "REPO:dev"} | !deploy',
    '- {"django": "REPO:V4.0"} | + {"django": "REPO:dev@NEW"}',
  ],
  'values: a variable for the tag': [
    '- DJANGO_TAG=V4.0 | + DJANGO_TAG=V4.2@NEW',
    'refused: DJANGO_TAG is a tag, and the pin style writes a digest alone',
    '- DJANGO_TAG=V4.0 | + DJANGO_TAG=V4.2',
    '- DJANGO_TAG=V4.0 | + DJANGO_TAG=dev | !deploy',
    '- DJANGO_TAG=V4.0 | + DJANGO_TAG=dev@NEW',
  ],
  'values: a variable for the image': [
    '- DJANGO_IMAGE=REPO:V4.0 | + DJANGO_IMAGE=REPO:V4.2@NEW',
    '- DJANGO_IMAGE=REPO:V4.0 | + DJANGO_IMAGE=REPO@NEW',
    '- DJANGO_IMAGE=REPO:V4.0 | + DJANGO_IMAGE=REPO:V4.2',
    '- DJANGO_IMAGE=REPO:V4.0 | + DJANGO_IMAGE=REPO:dev | !deploy',
    '- DJANGO_IMAGE=REPO:V4.0 | + DJANGO_IMAGE=REPO:dev@NEW',
  ],
  'configured: a tag (v.yaml)': [
    '- tag: V4.0 | + tag: V4.2@NEW',
    '- tag: V4.0 | + tag: NEW',
    '- tag: V4.0 | + tag: V4.2',
    '- tag: V4.0 | + tag: dev | !deploy',
    '- tag: V4.0 | + tag: dev@NEW',
  ],
  'configured: a digest (v.yaml)': [
    '- digest: OLD | + digest: NEW',
    '- digest: OLD | + digest: NEW',
    '- digest: OLD | + digest: ""',
    '- digest: OLD | + digest: "" | !deploy',
    '- digest: OLD | + digest: NEW',
  ],
  'configured: nothing (v.yaml)': [
    "- tag: '' | + tag: 'V4.2@NEW'",
    "- tag: '' | + tag: 'NEW'",
    "- tag: '' | + tag: 'V4.2'",
    "- tag: '' | + tag: 'dev' | !deploy",
    "- tag: '' | + tag: 'dev@NEW'",
  ],
  'configured: a reference (v.yaml)': [
    '- web: REPO:V4.0 | + web: REPO:V4.2@NEW',
    '- web: REPO:V4.0 | + web: REPO@NEW',
    '- web: REPO:V4.0 | + web: REPO:V4.2',
    '- web: REPO:V4.0 | + web: REPO:dev | !deploy',
    '- web: REPO:V4.0 | + web: REPO:dev@NEW',
  ],
  'configured: a tag with a digest beside it (v.yaml)': [
    '- tag: V4.0 | - digest: OLD | + tag: V4.2 | + digest: NEW',
    '- tag: V4.0 | - digest: OLD | + tag: "" | + digest: NEW',
    '- tag: V4.0 | - digest: OLD | + tag: V4.2 | + digest: ""',
    '- tag: V4.0 | - digest: OLD | + tag: dev | + digest: "" | !deploy',
    '- tag: V4.0 | - digest: OLD | + tag: dev | + digest: NEW',
  ],
  'configured: a line of text (main.jsonnet)': [
    "- local tag = 'V4.0@OLD'; | + local tag = 'V4.2@NEW';",
    'refused: has @ behind its version, and the pin style writes a digest alone',
    'refused: has @ before its digest, and the pin style writes none',
    'refused: has @ before its digest, and the pin style writes none',
    "- local tag = 'V4.0@OLD'; | + local tag = 'dev@NEW';",
  ],
  'configured: a line of text for a version (main.jsonnet)': [
    "- local tag = 'V4.0'; | + local tag = 'V4.2@NEW';",
    'refused: has a group for a version alone, and the pin style writes a digest alone',
    "- local tag = 'V4.0'; | + local tag = 'V4.2';",
    "- local tag = 'V4.0'; | + local tag = 'dev'; | !deploy",
    "- local tag = 'V4.0'; | + local tag = 'dev@NEW';",
  ],
};

/** What a style does to a row, as the table says it. */
function played({ path, text, configured = [] }: StyleRow, style: PinStyle): string {
  const pin = { ...pinOf(), style, targetTag: parseTag('dev') };
  const { value, problem } = attemptNow(() => pinImages([file(path, text)], [pin], { ...options, configured }));
  if (problem) return `refused: ${problem.message.replace(/^\S+:\d+ /, '')}`;
  const [before, after] = [text.split('\n'), (textAfter(value, path) ?? text).split('\n')];
  const gone = before.filter((line) => !after.includes(line)).map((line) => `- ${line.trim()}`);
  const come = after.filter((line) => !before.includes(line)).map((line) => `+ ${line.trim()}`);
  const warned = value.warnings.map((warning) => (/a deploy will not notice/.test(warning) ? '!deploy' : '!pull'));
  return shortened([...gone, ...come, ...warned].join(' | '));
}

describe('each pin style in each form', () => {
  it('has a row for every form', () => {
    const forms = new Set(STYLE_ROWS.map(({ form }) => form));
    expect(forms).toEqual(new Set([...FORMS.map(({ name }) => name), 'configured']));
    expect(STYLE_ROWS.map(({ form, place }) => `${form}: ${place}`).toSorted()).toEqual(Object.keys(TABLE).toSorted());
  });

  it.each(STYLE_ROWS.map((row) => [`${row.form}: ${row.place}`, row] as const))('%s', (name, row) => {
    expect(STYLES.map((style) => played(row, style))).toEqual(TABLE[name]);
  });

  it.each(STYLE_ROWS.map((row) => [`${row.form}: ${row.place}`, row] as const))(
    '%s: what is pinned already stays as it is',
    (_, row) => {
      const again = STYLES.flatMap((style) => {
        const pin = { ...pinOf(), style, targetTag: parseTag('dev') };
        const pinAll = (text: string): PinResult => pinImages([file(row.path, text)], [pin], withFields(row));
        const { value } = attemptNow(() => pinAll(row.text));
        return value ? pinAll(textAfter(value, row.path) ?? row.text).edits : [];
      });
      expect(again).toEqual([]);
    },
  );
});

function withFields({ configured = [] }: StyleRow): typeof options {
  return { ...options, configured };
}
