// Objects that hand values to a Helm chart: Flux's HelmRelease (`spec.values`, and images and patches of `spec.postRenderers`),
// HelmChart and HelmChartConfig of k3s (`spec.valuesContent`, `spec.set`). An image without a repository belongs to the component
// that its keys name, or, at the top of the values, to the release.
import { isMap } from 'yaml';
import type { Document, Form, Site } from '../form.ts';
import { entriesAt } from '../kustomize.ts';
import { kindOf, objectName } from './kinds.ts';
import { patchSites } from './patch-text.ts';
import { valuesAt } from './values-at.ts';

/** Releases of Helm charts. */
export const helmRelease: Form = {
  name: 'helm-release',
  claims: (document) => /^(?:HelmRelease|HelmChart|HelmChartConfig)$/.test(kindOf(document)?.kind ?? ''),
  sites(document) {
    const label = objectName(document);
    return [
      ...valuesAt(document, ['spec', 'values'], label),
      ...valuesAt(document, ['spec', 'valuesContent'], label),
      ...valuesAt(document, ['spec', 'set'], label),
      ...postRendered(document),
    ];
  },
};

/** What kustomize makes of the rendered chart: entries of images, and patches. */
function postRendered(document: Document): readonly Site[] {
  const { tree, root } = document;
  const renderers = ['spec', 'postRenderers'];
  return tree.items(tree.get(root, renderers)).flatMap((_, index) => {
    const kustomize = [...renderers, index, 'kustomize'];
    const patches = ['patches', 'patchesStrategicMerge', 'patchesJson6902'].map((key) => [...kustomize, key]);
    const texts = patches.flatMap((at) =>
      tree.items(tree.get(root, at)).map((item, position) => [...at, position, ...(isMap(item) ? ['patch'] : [])]),
    );
    return [...entriesAt(document, [...kustomize, 'images']), ...texts.flatMap((at) => patchSites(document, at))];
  });
}
