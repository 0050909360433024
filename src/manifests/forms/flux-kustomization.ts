// Flux's Kustomization: `spec.images` as in a kustomization, `spec.patches` as text, and `spec.postBuild.substitute`, whose keys are
// variables of the manifests (fluxcd.io, "Kustomization").
import type { Form } from '../form.ts';
import { entriesAt } from '../kustomize.ts';
import { kindOf } from './kinds.ts';
import { patchSites } from './patch-text.ts';
import { walkValues } from './walk.ts';

/** Kustomizations that Flux builds. */
export const fluxKustomization: Form = {
  name: 'flux-kustomization',
  claims: (document) =>
    kindOf(document)?.kind === 'Kustomization' && kindOf(document)?.group === 'kustomize.toolkit.fluxcd.io',
  sites(document) {
    const { tree, root, path } = document;
    const variables = ['spec', 'postBuild', 'substitute'];
    const values = tree.get(root, variables);
    return [
      ...entriesAt(document, ['spec', 'images']),
      ...tree
        .items(tree.get(root, ['spec', 'patches']))
        .flatMap((_, index) => patchSites(document, ['spec', 'patches', index, 'patch'])),
      ...walkValues(document, values, [...path, ...variables], { byKeys: true }),
    ];
  },
};
