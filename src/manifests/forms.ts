// The known forms, and the places that they find in a file.
import type { Form, Site } from './form.ts';
import { kustomize } from './kustomize.ts';
import type { Source } from './source.ts';
import { workloads } from './workloads.ts';

/** The known forms. A document that two forms claim belongs to the first. */
const FORMS: readonly Form[] = [kustomize, workloads];

/** Every place in a file that names an image, in order of appearance. */
export function findSites(source: Source): readonly Site[] {
  return source.trees
    .flatMap((tree, index) => {
      const document = { source, index, tree };
      return FORMS.find((form) => form.claims(document))?.sites(document) ?? [];
    })
    .sort((a, b) => a.offset - b.offset);
}
