// The known forms, and the places that they find in a file.
import type { Document, Form, Site } from './form.ts';
import { argoCd } from './forms/argo-cd.ts';
import { chart } from './forms/chart.ts';
import { composeFile } from './forms/compose.ts';
import { fluxKustomization } from './forms/flux-kustomization.ts';
import { helmRelease } from './forms/helm-release.ts';
import { jsonPatch } from './forms/json-patch.ts';
import { objectsOf } from './forms/kinds.ts';
import { objects } from './forms/objects.ts';
import { ociRepository } from './forms/oci-repository.ts';
import { values } from './forms/values.ts';
import { kustomize } from './kustomize.ts';
import type { Source } from './source.ts';

/** The known forms. A document that two forms claim belongs to the first. */
export const FORMS: readonly Form[] = [
  kustomize,
  argoCd,
  fluxKustomization,
  helmRelease,
  ociRepository,
  objects,
  chart,
  composeFile,
  jsonPatch,
  values,
];

/** A place with the name of the form that found it. */
export interface FoundSite {
  readonly form: string;
  readonly site: Site;
}

/** Every place in a file that names an image for sure, in order of appearance, with its form. */
export function findFormed(source: Source): readonly FoundSite[] {
  return formed(source).filter(({ site }) => site.isWord !== true);
}

/** Every place in a file that may name an image, in order of appearance: what it means is decided by the images that are known. */
export function findSites(source: Source): readonly Site[] {
  return formed(source).map(({ site }) => site);
}

function formed(source: Source): readonly FoundSite[] {
  return source.trees
    .flatMap((tree, index) => objectsOf({ source, index, tree, root: tree.root, path: [] }))
    .flatMap((document) => {
      const form = formOf(document);
      return form ? form.sites(document).map((site) => ({ form: form.name, site })) : [];
    })
    .sort((a, b) => a.site.offset - b.site.offset);
}

function formOf(document: Document): Form | undefined {
  return FORMS.find((form) => form.claims(document));
}
