// A generated family of kustomizations: components, patches of every form, names, kinds, replacements, nesting.
import * as fc from 'fast-check';
import { stringify } from 'yaml';
import { D, folder } from './support.ts';

export const R = 'registry.example.com:5000/acme/django';
export const PROD = 'prod.example.com/acme/django';

/** Whether a rendered image is one of ours, before it is pinned. */
export function means(image: string): boolean {
  return [R, 'django'].includes(image.replace(/@.*/, '').replace(/:[^:/]*$/, ''));
}

export type Files = Record<string, string>;

/** A text of JSON, which is YAML, so that a generator need not indent. */
export function json(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

const PODS: Record<string, { readonly apiVersion: string; readonly path: readonly string[] }> = {
  Deployment: { apiVersion: 'apps/v1', path: ['spec', 'template', 'spec'] },
  CronJob: { apiVersion: 'batch/v1', path: ['spec', 'jobTemplate', 'spec', 'template', 'spec'] },
  Rollout: { apiVersion: 'argoproj.io/v1alpha1', path: ['spec', 'template', 'spec'] },
  DeploymentConfig: { apiVersion: 'apps.openshift.io/v1', path: ['spec', 'template', 'spec'] },
  Sidecars: { apiVersion: 'example.com/v1', path: ['spec', 'deep', 'inner'] },
};

interface Container {
  readonly name: string;
  readonly image: string;
}

export function workload(kind: string, containers: readonly Container[], list = 'containers'): unknown {
  const { apiVersion, path } = PODS[kind]!;
  let inner: unknown = { [list]: containers };
  for (const step of path.toReversed()) inner = { [step]: inner };
  return { apiVersion, kind, metadata: { name: 'main' }, ...(inner as object) };
}

const name = fc.constantFrom('django', R, 'web', 'registry.example.com:5000/other/squid');
const tag = fc.constantFrom('', ':V0.3', `:V0.3@${D}`, `@${D}`);
const image = fc.tuple(name, tag).map((parts) => parts.join(''));
const kind = fc.constantFrom(...Object.keys(PODS));

/** What puts another image into the container of the base. */
const change = fc.record({
  form: fc.constantFrom(
    'strategic-file',
    'strategic-inline',
    'strategic-outside',
    'strategic-field',
    'json-file',
    'json-inline',
    'json-outside',
    'json-field',
    'json-init',
    'json-list',
    'init-strategic',
  ),
  image,
});

export const shape = fc.record({
  kind,
  images: fc.array(image, { minLength: 1, maxLength: 3 }),
  rename: fc.constantFrom('none', 'base', 'component', 'component-outside', 'overlay', 'middle'),
  middle: fc.constantFrom('none', 'outside', 'inside', 'both'),
  changes: fc.array(change, { maxLength: 2 }),
  place: fc.constantFrom('overlay', 'component', 'middle'),
  /** What a replacement copies from a ConfigMap into the second container, where there is one, and in which layer. */
  replacement: fc.constantFrom('none', 'none', 'base', 'base-other', 'overlay-other'),
  prefixed: fc.boolean(),
  block: fc.boolean(),
  own: fc.boolean(),
});
export type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never;

/** A kustomization with the changes in it, and the files that they need. */
function patched(at: string, changes: Shape['changes'], kind: string, files: Files): Record<string, unknown> {
  const k: Record<string, unknown[]> = {};
  const add = (field: string, value: unknown): void => {
    k[field] = [...(k[field] ?? []), value];
  };
  const path = PODS[kind]!.path;
  for (const [index, { form, image }] of changes.entries()) {
    const crd = kind !== 'Deployment' && kind !== 'CronJob';
    // lists of custom resources are replaced and not merged: the patch names the one container that is left
    const strategic = workload(
      kind,
      [{ name: 'c0', image }],
      form === 'init-strategic' ? 'initContainers' : 'containers',
    );
    const operation = { op: 'replace', path: `/${path.join('/')}/containers/0/image`, value: image };
    const init = { op: 'add', path: `/${path.join('/')}/initContainers`, value: [{ name: `i${index}`, image }] };
    const list = { op: 'replace', path: `/${path.join('/')}/containers`, value: [{ name: 'c0', image }] };
    const target = { kind };
    const patch = `${at}/patch-${index}.yaml`;
    const outside = `patches/${at.replaceAll('/', '-')}-${index}.yaml`;
    const up = at
      .split('/')
      .map(() => '..')
      .join('/');
    if (form === 'strategic-file' || form === 'init-strategic') {
      files[patch] = json(strategic);
      add('patches', { path: `patch-${index}.yaml` });
    } else if (form === 'strategic-inline') add('patches', { patch: json(strategic) });
    else if (form === 'strategic-outside') {
      files[outside] = json(strategic);
      add('patches', { path: `${up}/${outside}` });
    } else if (form === 'strategic-field' && !crd) {
      files[patch] = json(strategic);
      add('patchesStrategicMerge', `patch-${index}.yaml`);
    } else if (form === 'json-file') {
      files[patch] = json([operation]);
      add('patches', { path: `patch-${index}.yaml`, target });
    } else if (form === 'json-outside') {
      files[outside] = json([operation]);
      add('patches', { path: `${up}/${outside}`, target });
    } else if (form === 'json-field') {
      files[patch] = json([operation]);
      const { apiVersion } = PODS[kind]!;
      const [group, version] = apiVersion.split('/');
      add('patchesJson6902', { path: `patch-${index}.yaml`, target: { group, version, kind, name: 'main' } });
    } else if (form === 'json-init') add('patches', { patch: json([init]), target });
    else if (form === 'json-list') add('patches', { patch: json([list]), target });
    else add('patches', { patch: json([operation]), target });
  }
  return k;
}

/** The files of a shape; those below the folder are pinned. */
export function filesOf(shape: Shape): Files {
  const files: Files = {};
  const text = (value: unknown): string => (shape.block ? stringify(value) : json(value));
  const renaming = [{ name: 'web', newName: R, newTag: 'V0.1' }];
  const images = (where: string): object => (shape.rename === where ? { images: renaming } : {});
  const replaced = (where: string): object => (copies(shape, where) ? { replacements: [replacement(shape)] } : {});
  const values = shape.replacement === 'none' ? [] : ['values.yaml'];
  files['base/main.yaml'] = text(
    workload(
      shape.kind,
      shape.images.map((image, index) => ({ name: `c${index}`, image })),
    ),
  );
  if (values.length > 0) files['base/values.yaml'] = text(valuesOf(shape));
  files['base/kustomization.yaml'] = text({
    resources: ['main.yaml', ...values],
    ...images('base'),
    ...replaced('base'),
  });
  const inside = shape.middle === 'inside' || shape.middle === 'both';
  const middle = inside ? `${folder}/middle` : 'middle';
  const lower = shape.middle === 'both' ? 'lower' : 'base';
  if (shape.middle === 'both') files['lower/kustomization.yaml'] = text({ resources: ['../base'] });
  if (shape.middle !== 'none') {
    const k = shape.place === 'middle' ? patched(middle, shape.changes, shape.kind, files) : {};
    const resources = [`${inside ? '../../..' : '..'}/${lower}`];
    files[`${middle}/kustomization.yaml`] = text({ resources, ...images('middle'), ...k });
  }
  const component = shape.rename === 'component-outside' ? 'component' : `${folder}/component`;
  const hasChanges = shape.place === 'component' && shape.changes.length > 0;
  const hasComponent = shape.rename.startsWith('component') || hasChanges;
  if (hasComponent) {
    const k = hasChanges ? patched(component, shape.changes, shape.kind, files) : {};
    files[`${component}/kustomization.yaml`] = text({
      apiVersion: 'kustomize.config.k8s.io/v1alpha1',
      kind: 'Component',
      ...images('component'),
      ...images('component-outside'),
      ...k,
    });
  }
  const below = shape.middle === 'none' ? '../../base' : inside ? 'middle' : '../../middle';
  const k = shape.place === 'overlay' ? patched(folder, shape.changes, shape.kind, files) : {};
  files[`${folder}/kustomization.yaml`] = text({
    resources: [below],
    ...(shape.prefixed && { namePrefix: 'shop-' }),
    ...(hasComponent && { components: [component === 'component' ? '../../component' : 'component'] }),
    ...images('overlay'),
    ...replaced('overlay'),
    ...k,
  });
  return files;
}

/** Whether a layer copies an image: one that patches leave alone, so that kustomize finds the container. */
function copies({ replacement, images, changes }: Shape, where: string): boolean {
  return replacement.startsWith(where) && images.length > 1 && changes.length === 0;
}

function valuesOf({ replacement }: Shape): unknown {
  const ref = replacement.endsWith('other') ? 'registry.example.com:5000/other/squid:V0.3' : `${R}:V0.3`;
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'values' }, data: { ref } };
}

function replacement({ kind }: Shape): unknown {
  const field = [...PODS[kind]!.path, 'containers', '[name=c1]', 'image'].join('.');
  return {
    source: { kind: 'ConfigMap', name: 'values', fieldPath: 'data.ref' },
    targets: [{ select: { kind }, fieldPaths: [field] }],
  };
}
