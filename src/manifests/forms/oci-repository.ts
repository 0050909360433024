// Flux's OCIRepository: `spec.url` names the artifact, `spec.ref` its tag and digest (fluxcd.io, "OCI Repositories": a digest
// wins over a range, a range over a tag). A tag there has no digest behind it; the digest goes into a field of its own.
import { isMap } from 'yaml';
import type { Form } from '../form.ts';
import { splitImage } from '../image-name.ts';
import { textOf } from '../tree.ts';
import { fieldsSite } from './fields.ts';
import { kindOf } from './kinds.ts';

/** Sources of OCI artifacts. */
export const ociRepository: Form = {
  name: 'oci-repository',
  claims: (document) =>
    kindOf(document)?.kind === 'OCIRepository' && kindOf(document)?.group === 'source.toolkit.fluxcd.io',
  sites(document) {
    const { tree, root } = document;
    const url = textOf(tree.get(root, ['spec', 'url']))?.trim() ?? '';
    const name = url.startsWith('oci://') ? splitImage(url.slice('oci://'.length))?.name : undefined;
    const ref = tree.get(root, ['spec', 'ref']);
    if (name === undefined || !isMap(ref) || tree.entry(ref, 'semver')) return [];
    const place = {
      document,
      path: [...document.path, 'spec', 'ref'],
      map: ref,
      labels: [],
      addTag: false,
      name,
      tagAlone: { digest: 'added' } as const,
    };
    const site = fieldsSite(place, { tag: tree.entry(ref, 'tag'), digest: tree.entry(ref, 'digest') });
    return site ? [site] : [];
  },
};
