// Objects of a cluster, of any kind: the `image` of every container (Kubernetes API reference, "Workload Resources"; custom
// resources copy its shape), and `{repository, tag}` of custom resources. What an object says about itself (`metadata`) and
// what the cluster says about it (`status`) runs nothing. A strategic-merge patch is an object with a part of its fields.
import { isMap, isScalar } from 'yaml';
import type { Document, Form, Site } from '../form.ts';
import { referenceSite } from '../reference-site.ts';
import { type Value, textOf } from '../tree.ts';
import { valuesAt } from './values-at.ts';
import { kindOf, objectName } from './kinds.ts';
import { isPinnedReference } from './reference.ts';
import { walkValues } from './walk.ts';
import { isImageKey, isOtherImage } from './words.ts';

/** What an object says that runs nothing. */
const NOT_RUN = new Set(['apiVersion', 'kind', 'metadata', 'status']);

/** Objects of any kind that no other form claims. */
export const objects: Form = {
  name: 'object',
  claims: (document) => kindOf(document) !== undefined,
  sites(document) {
    const { kind } = kindOf(document) ?? {};
    if (kind === 'ImageStream') return imageStream(document);
    return kind === 'ConfigMap' || kind === 'Secret' ? configMap(document, kind) : inObject(document);
  },
};

/** Every image below the fields of an object that run something. */
function inObject(document: Document): Site[] {
  const { tree, root, path } = document;
  if (!isMap(root)) return [];
  return [...tree.entries(root)].flatMap(([key, { pair }]) => {
    const value = tree.follow(pair.value);
    if (NOT_RUN.has(key)) return [];
    if (isScalar(value)) return imageAtTop(document, key, value);
    return walkValues(document, value, [...path, key], { byKeys: false, key });
  });
}

/** An `image` among the first keys of an object, as k3d's `Simple` has it. */
function imageAtTop(document: Document, key: string, value: Value): Site[] {
  const isImage = isImageKey(key) && !isOtherImage(key) && isPinnedReference(textOf(value)?.trim() ?? '');
  const site = isImage ? referenceSite(document, [...document.path, key], value) : undefined;
  return site ? [site] : [];
}

/**
 * `data` of a ConfigMap, whose keys are variables, or files of which those in YAML are read. What a Secret holds is not for
 * other eyes.
 */
function configMap(document: Document, kind: string): Site[] {
  const { tree, root, path } = document;
  const data = tree.get(root, ['data']);
  if (kind === 'Secret' || !isMap(data)) return [];
  const files = [...tree.entries(data).keys()].filter((key) => /\.(?:ya?ml|json)$/.test(key));
  return [
    ...walkValues(document, data, [...path, 'data'], { byKeys: true, imageKeys: true }),
    ...files.flatMap((key) => valuesAt(document, ['data', key], objectName(document))),
  ];
}

/** `spec.tags[].from` of OpenShift's ImageStream, where it names an image of a registry. */
function imageStream(document: Document): Site[] {
  const { tree, root, path } = document;
  return tree.items(tree.get(root, ['spec', 'tags'])).flatMap((tag, position) => {
    const name = tree.get(tag, ['from', 'name']);
    if (textOf(tree.get(tag, ['from', 'kind'])) !== 'DockerImage' || !isScalar(name)) return [];
    const site = referenceSite(document, [...path, 'spec', 'tags', position, 'from', 'name'], name);
    return site ? [site] : [];
  });
}
