// Argo CD's Application and ApplicationSet: `helm.parameters` by name, `helm.valuesObject`, `helm.values` as text, and
// `kustomize.images`, of `source` and of each of `sources` (argo-cd.readthedocs.io, "Application Specification"); of a set also
// the elements and values of its generators.
import { isMap, isScalar } from 'yaml';
import type { Document, Form, Site } from '../form.ts';
import { referenceSite } from '../reference-site.ts';
import { type Path, type Value, textOf } from '../tree.ts';
import { type Field, fieldsSite } from './fields.ts';
import { valuesAt } from './values-at.ts';
import { kindOf, objectName } from './kinds.ts';
import { isReference, isTagText } from './reference.ts';
import { isOtherImage, isStructure, partOf } from './words.ts';

/** Applications of Argo CD, and what makes them. */
export const argoCd: Form = {
  name: 'argo-cd',
  claims: (document) =>
    kindOf(document)?.group === 'argoproj.io' && /^Application(?:Set)?$/.test(kindOf(document)?.kind ?? ''),
  sites(document) {
    const { tree, root } = document;
    const isSet = kindOf(document)?.kind === 'ApplicationSet';
    const spec: Path = isSet ? ['spec', 'template', 'spec'] : ['spec'];
    const label = objectName(document);
    const many = tree.items(tree.get(root, [...spec, 'sources'])).map((_, index): Path => [...spec, 'sources', index]);
    // what its template takes a tag from, as `{{tag}}`
    const elements = isSet ? valuesAt(document, ['spec', 'generators'], undefined) : [];
    const sources = [[...spec, 'source'], ...many].flatMap((source) => [
      ...parametersAt(document, [...source, 'helm', 'parameters'], label),
      ...valuesAt(document, [...source, 'helm', 'valuesObject'], label),
      ...valuesAt(document, [...source, 'helm', 'values'], label),
      ...imagesAt(document, [...source, 'kustomize', 'images']),
    ]);
    return [...elements, ...sources];
  },
};

interface Parameter {
  readonly path: Path;
  readonly item: Value;
  readonly name: string;
  readonly value: Value | undefined;
}

/** Parameters `{name: image.tag, value: V4.0}`, taken together with the parameter of the repository. */
export function parametersAt(document: Document, below: Path, label: string | undefined): readonly Site[] {
  const { tree, root, path } = document;
  const parameters = tree.items(tree.get(root, below)).flatMap((item, index): Parameter[] => {
    const name = textOf(tree.get(item, ['name']))?.trim();
    if (!item || name === undefined) return [];
    return [{ path: [...path, ...below, index], item, name, value: tree.get(item, ['value']) }];
  });
  return parameters.flatMap((parameter) => parameterSite(document, parameter, parameters, label) ?? []);
}

function parameterSite(
  document: Document,
  { path, item, name, value }: Parameter,
  all: readonly Parameter[],
  label: string | undefined,
): Site | undefined {
  const steps = name.split('.');
  const key = steps.at(-1) ?? '';
  const part = partOf(key);
  const text = textOf(value)?.trim() ?? '';
  if (!part || isOtherImage(name) || !isMap(item) || !isScalar(value)) return undefined;
  const sibling = (wanted: string): Parameter | undefined =>
    all.find((other) => isPartOf(other.name, { part: wanted, component: part.component }, steps.slice(0, -1)));
  if (part.part === 'image' && isReference(text) && !sibling('tag')) {
    return referenceSite(document, [...path, 'value'], value);
  }
  if (part.part !== 'tag' || !isTagText(text)) return undefined;
  const repository = sibling('repository') ?? sibling('image');
  const [registry, digest] = [sibling('registry'), sibling('digest')];
  const fieldOf = (parameter: Parameter | undefined): Field | undefined => {
    const entry = document.tree.entry(parameter?.item, 'value');
    return entry && parameter && { ...entry, at: parameter.path };
  };
  const component = part.component === '' ? steps.slice(0, -1).findLast((step) => !isStructure(step)) : part.component;
  const labels = [component ?? label].filter((each) => each !== undefined);
  const fields = {
    registry: repository && fieldOf(registry),
    repository: fieldOf(repository),
    tag: fieldOf({ path, item, name, value }),
    digest: fieldOf(digest),
  };
  return fieldsSite({ document, path, map: item, labels, addTag: false }, fields);
}

/** Whether a parameter below some keys names a part of an image. */
function isPartOf(
  name: string,
  { part, component }: { readonly part: string; readonly component: string },
  below: readonly string[],
): boolean {
  const steps = name.split('.');
  const found = partOf(steps.at(-1) ?? '');
  return found?.part === part && found.component === component && steps.slice(0, -1).join() === below.join();
}

/** `kustomize.images`: `NAME:TAG`, `NAME@DIGEST`, or `NAME=NEWNAME:TAG`. */
function imagesAt(document: Document, below: Path): readonly Site[] {
  const { tree, root, path } = document;
  return tree.items(tree.get(root, below)).flatMap((item, position) => {
    const lead = /^[^=:@]+=/.exec(textOf(item)?.trim() ?? '')?.[0];
    const site = referenceSite(document, [...path, ...below, position], item, lead);
    return site ? [site] : [];
  });
}
