// Fields that hold the version of a chart or a revision, and never a digest: their readers compare them as versions.
import { isMap } from 'yaml';
import { type Path, type Tree, textOf } from './tree.ts';

/** By kind: the last keys of such fields. */
const BY_KIND: ReadonlyMap<string, readonly RegExp[]> = new Map([
  ['HelmRelease', [/(?:^|[.])chart[.](?:spec[.])?version$/]],
  ['HelmChart', [/^spec[.]version$/]],
  ['Application', [/(?:^|[.])targetRevision$/]],
  ['ApplicationSet', [/(?:^|[.])targetRevision$/]],
]);

/** Of a chart itself, of a kustomization, and of a helmfile. */
const CHART = /^(?:version|appVersion|dependencies[.]\d+[.]version)$/;
const OF_CHARTS = /^(?:helmCharts|releases)[.]\d+[.]version$/;

/** Whether a field takes a version alone, with no digest behind it. */
export function takesVersionAlone(tree: Tree, path: Path): boolean {
  const at = path.join('.');
  const kind = textOf(tree.get(tree.root, ['kind']));
  if (kind !== undefined && kind !== 'Kustomization')
    return BY_KIND.get(kind)?.some((field) => field.test(at)) === true;
  const has = (key: string): boolean => isMap(tree.root) && tree.entry(tree.root, key) !== undefined;
  return OF_CHARTS.test(at) || (CHART.test(at) && has('apiVersion') && has('name') && has('version'));
}
