// Flux's Kustomization: `spec.images` as in a kustomization, `spec.patches` as text, and `spec.postBuild.substitute`, whose keys are
// variables of the manifests (fluxcd.io, "Kustomization").
import { Embedded } from '../embedded.ts';
import type { Document, Form, Site } from '../form.ts';
import { entriesAt } from '../kustomize.ts';
import { jsonPatch } from './json-patch.ts';
import { kindOf } from './kinds.ts';
import { objects } from './objects.ts';
import { walk } from './walk.ts';

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
      ...tree.items(tree.get(root, ['spec', 'patches'])).flatMap((_, index) => patchSites(document, index)),
      ...walk(document, values, [...path, ...variables], { byKeys: true, imageKeys: true }),
    ];
  },
};

/** What a patch of text brings. */
function patchSites(document: Document, index: number): readonly Site[] {
  const at = ['spec', 'patches', index, 'patch'];
  const text = Embedded.read(document, [...document.path, ...at], document.tree.get(document.root, at));
  if (!text) return [];
  const form = [jsonPatch, objects].find((each) => each.claims(text.document));
  return form?.sites(text.document).map((site) => text.site(site)) ?? [];
}
