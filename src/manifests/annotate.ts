// What makes a deploy notice that a moving tag moved. A tag that names another image now is the same text as before, and starts no
// Pod again; so the Pod template gets an annotation with the digest. In a kustomization `commonAnnotations` puts it into
// every Pod template that the overlay builds, and so does `kustomize.commonAnnotations` of an Argo CD Application; a workload gets
// it directly.
import { isMap } from 'yaml';
import { annotationKey, annotationValue } from './deploy-mark.ts';
import type { Site } from './form.ts';
import { isKustomization } from './kustomize.ts';
import { setKeys } from './set-key.ts';
import { type Source, lineAt } from './source.ts';
import { type Change, joinChanges } from './splice.ts';
import { type Path, type Tree, describePath, isEmpty, textOf } from './tree.ts';
import type { Pin } from './values.ts';

/** A field that names an image by a moving tag alone. */
export interface MovingField {
  readonly pin: Pin;
  readonly site: Site;
  /** Whether tagflow.yaml names a field with the digest beside it. */
  readonly told: boolean;
}

/** Annotations, and what has none. */
export interface Annotated {
  readonly change: Change;
  readonly warnings: readonly string[];
}

/** The annotations that a file's fields ask for, once they are pinned; `entries`: images whose entries were added. */
export function annotate(source: Source, fields: readonly MovingField[], entries: readonly Pin[]): Annotated {
  const warnings: string[] = [];
  const wanted = new Map<string, Wanted>();
  const want = (at: Wanted, pin: Pin): void => {
    const known = wanted.get(keyOf(at)) ?? at;
    known.leaves.set(annotationKey(pin.image), annotationValue(pin));
    wanted.set(keyOf(at), known);
  };
  for (const { pin, site, told } of fields) {
    const tree = source.trees[site.document];
    if (!tree) continue;
    const line = lineAt(source, site.offset);
    const place = isKustomization(source.path)
      ? commonAnnotations(site.document)
      : (templateOf(tree, site) ?? applicationOf(tree, site));
    if (place) want(place, pin);
    else if (!told) {
      warnings.push(
        `${source.path}:${line} ${describePath(site.path)} names the moving tag ${pin.targetTag ?? ''}, and nothing there changes with the image: a deploy will not notice. Add a field with the digest under also: in tagflow.yaml`,
      );
    }
    const policy = pullPolicy(tree, site);
    if (policy !== undefined) {
      warnings.push(
        `${source.path}:${line} has imagePullPolicy ${policy}, and the tag ${pin.targetTag ?? ''} moves: a node that has an older image of that tag starts it again. Set it to Always`,
      );
    }
  }
  for (const pin of entries) want(commonAnnotations(documentOf(source)), pin);
  return { change: joinChanges([...wanted.values()].map((each) => edit(source, each))), warnings };
}

interface Wanted {
  readonly document: number;
  readonly path: Path;
  readonly steps: readonly string[];
  readonly leaves: Map<string, string>;
}

function keyOf({ document, path }: Wanted): string {
  return JSON.stringify([document, ...path]);
}

function commonAnnotations(document: number): Wanted {
  return { document, path: [], steps: ['commonAnnotations'], leaves: new Map() };
}

/** What kustomize puts into all that an Argo CD Application builds, beside its `kustomize.images`. */
function applicationOf(tree: Tree, { document, path }: Site): Wanted | undefined {
  const at = path.slice(0, -2);
  const isEntry = path.at(-2) === 'images' && path.at(-3) === 'kustomize' && isMap(tree.get(tree.root, at));
  const kind = textOf(tree.get(tree.root, ['kind'])) ?? '';
  if (!isEntry || !/^Application(?:Set)?$/.test(kind)) return undefined;
  return { document, path: at, steps: ['commonAnnotations'], leaves: new Map() };
}

/** The Pod template, or the Pod, around a container. */
function templateOf(tree: Tree, { document, path }: Site): Wanted | undefined {
  const at = path.slice(0, -4);
  const isContainer = path.at(-1) === 'image' && /^(?:initC|c|ephemeralC)ontainers$/.test(String(path.at(-3)));
  if (!isContainer || path.at(-4) !== 'spec' || !isMap(tree.get(tree.root, at))) return undefined;
  return { document, path: at, steps: ['metadata', 'annotations'], leaves: new Map() };
}

/** The policy by which a node starts an image that it has, though the tag has moved; undefined where it asks the registry. */
function pullPolicy(tree: Tree, { path }: Site): string | undefined {
  if (!/^(?:initC|c|ephemeralC)ontainers$/.test(String(path.at(-3)))) return undefined;
  const policy = tree.get(tree.root, [...path.slice(0, -1), 'imagePullPolicy']);
  const text = policy === undefined || isEmpty(policy) ? 'IfNotPresent (the default)' : (textOf(policy) ?? '');
  return text === 'Always' ? undefined : text;
}

function documentOf(source: Source): number {
  return Math.max(
    0,
    source.trees.findIndex(({ root }) => isMap(root)),
  );
}

function edit(source: Source, { document, path, steps, leaves }: Wanted): Change {
  const tree = source.trees[document];
  const map = tree?.get(tree.root, path);
  if (!tree || !isMap(map)) return { splices: [], intents: [] };
  return setKeys({ source, document, tree, map, path }, steps, leaves);
}
