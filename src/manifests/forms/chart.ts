// Chart.yaml: `appVersion`, the tag that a chart's templates use where values name none (helm.sh, "The Chart.yaml File"). It
// is also a label's value there, which cannot hold a digest, so the version stands alone.
import { isMap } from 'yaml';
import type { Form } from '../form.ts';
import { textOf } from '../tree.ts';
import { fieldsSite } from './fields.ts';

/** Charts that say which version of an application they hold. */
export const chart: Form = {
  name: 'chart',
  claims({ tree, root }) {
    const has = (key: string): boolean => tree.entry(root, key) !== undefined;
    return isMap(root) && has('apiVersion') && has('name') && has('version') && !has('kind');
  },
  sites(document) {
    const { tree, root, path } = document;
    const name = textOf(tree.get(root, ['name']));
    const tag = tree.entry(root, 'appVersion');
    if (!isMap(root) || name === undefined || !tag) return [];
    const place = {
      document,
      path,
      map: root,
      labels: [name],
      addTag: false,
      tagAlone: { digest: 'left out' } as const,
    };
    const site = fieldsSite(place, { tag });
    return site ? [site] : [];
  },
};
