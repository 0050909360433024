// Kubernetes workloads: the `image` of every container in a Pod, or in the Pod template of what creates Pods.
// Kubernetes API reference, "Workload Resources"; CronJob nests one level deeper, `List` objects hold others.
import { isMap, isScalar } from 'yaml';
import type { Form, Site, Target } from './form.ts';
import { hasPlaceholder, joinImage, splitImage } from './image-name.ts';
import { retarget } from './retarget.ts';
import type { Source } from './source.ts';
import { type Change, holds, isFluxSetter, replaceScalar } from './splice.ts';
import { refuseFlux, refusePlaceholder } from './refusals.ts';
import { type Path, type Tree, type Value, textOf } from './tree.ts';

/** Where the Pod spec is, by kind. */
const POD_SPEC: ReadonlyMap<string, Path> = new Map<string, Path>([
  ['Pod', ['spec']],
  ['PodTemplate', ['template', 'spec']],
  ['Deployment', ['spec', 'template', 'spec']],
  ['StatefulSet', ['spec', 'template', 'spec']],
  ['DaemonSet', ['spec', 'template', 'spec']],
  ['ReplicaSet', ['spec', 'template', 'spec']],
  ['ReplicationController', ['spec', 'template', 'spec']],
  ['Job', ['spec', 'template', 'spec']],
  ['CronJob', ['spec', 'jobTemplate', 'spec', 'template', 'spec']],
]);

const CONTAINERS = ['initContainers', 'containers', 'ephemeralContainers'] as const;

/** Containers of workloads, anywhere in a file of any number of documents. */
export const workloads: Form = {
  name: 'workloads',
  claims: ({ tree }) => isMap(tree.root),
  sites({ source, index, tree }) {
    return [...objects(tree, tree.root, [])].flatMap(([object, path]) => sitesOf(source, tree, index, object, path));
  },
};

/** The objects of a document: itself, or the items of a list. */
function* objects(tree: Tree, value: Value | undefined, path: Path): Generator<readonly [Value, Path]> {
  if (!isMap(value)) return;
  const kind = textOf(tree.get(value, ['kind'])) ?? '';
  if (!kind.endsWith('List')) {
    yield [value, path];
    return;
  }
  for (const [index, item] of tree.items(tree.get(value, ['items'])).entries()) {
    // the API has no lists of lists; stopping here also keeps aliases from nesting them
    if (isMap(item)) yield [item, [...path, 'items', index]];
  }
}

function sitesOf(source: Source, tree: Tree, document: number, object: Value, path: Path): Site[] {
  const podSpec = POD_SPEC.get(textOf(tree.get(object, ['kind'])) ?? '');
  if (!podSpec) return [];
  const spec = tree.get(object, podSpec);
  return CONTAINERS.flatMap((list) =>
    tree.items(tree.get(spec, [list])).flatMap((container, index) => {
      const image = tree.get(container, ['image']);
      const site = referenceSite(source, document, [...path, ...podSpec, list, index, 'image'], image);
      return site ? [site] : [];
    }),
  );
}

/** The place of a scalar that holds a whole reference, `NAME[:TAG][@DIGEST]`; undefined for one that names nothing. */
export function referenceSite(
  source: Source,
  document: number,
  path: Path,
  value: Value | undefined,
): Site | undefined {
  const text = textOf(value)?.trim();
  const written = text === undefined ? undefined : splitImage(text);
  if (!isScalar(value) || text === undefined || !written) return undefined;
  const offset = value.range?.[0] ?? 0;
  return {
    document,
    path,
    names: [written.name],
    tag: written.tag,
    digest: written.digest,
    text,
    offset,
    nodes: [value],
    pin(target: Target): Change {
      const name = retarget(written.name, target);
      const wanted = joinImage(name, target.tag, target.digest);
      if (holds(value, wanted)) return { splices: [], intents: [{ document, path, value: wanted }] };
      if (hasPlaceholder(text)) throw refusePlaceholder(source, offset, path, text);
      if (isFluxSetter(source, value)) throw refuseFlux(source, offset, path);
      return { splices: [replaceScalar(source, value, wanted)], intents: [{ document, path, value: wanted }] };
    },
  };
}
