// Values of Helm charts, and every other file of settings that names images: `image: {registry, repository, tag, digest}`,
// `image: repo:tag`, `web_tag: V4.0`, a map of services to images or tags. Nothing says which reader the file has, so a field
// counts only when its repository, or its own key, names an image of tagflow.yaml.
import { isMap, isSeq } from 'yaml';
import type { Document, Form, Site } from '../form.ts';
import { textOf } from '../tree.ts';
import { parametersAt } from './argo-cd.ts';
import { kindOf } from './kinds.ts';
import { walkValues } from './walk.ts';

/** Mappings and lists that are no object of a cluster. */
export const values: Form = {
  name: 'values',
  claims: (document) =>
    isSeq(document.root) || (isMap(document.root) && kindOf(document) === undefined && !isRecord(document)),
  sites: (document) => [
    ...walkValues(document, document.root, document.path, { byKeys: true, label: ownName(document) }),
    ...releaseSettings(document),
  ],
};

/** What a helmfile sets for its releases: `set: [{name: image.tag, value: V4.0}]` goes before their values. */
function releaseSettings(document: Document): readonly Site[] {
  const { tree, root } = document;
  return tree.items(tree.get(root, ['releases'])).flatMap((release, index) => {
    const label = textOf(tree.get(release, ['name']));
    return ['set', 'setString'].flatMap((key) => parametersAt(document, ['releases', index, key], label));
  });
}

/** A file of one component is called as the component is, and its reader finds it by that name. */
function ownName({ source, index, path }: Document): string | undefined {
  const name = source.path.slice(source.path.lastIndexOf('/') + 1).replace(/\.(?:ya?ml|json|env)$/i, '');
  return index === 0 && path.length === 0 && source.embedded !== true ? name : undefined;
}

/** Whether the document is a release record of tagflow, which has the shape of values. */
function isRecord({ tree, root }: Document): boolean {
  return ['schema', 'environment', 'sequence', 'images'].every((key) => tree.entry(root, key) !== undefined);
}
