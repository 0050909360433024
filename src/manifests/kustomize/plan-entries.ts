// The entries that kustomizations lack, so that everything they build names the pinned images; and a refusal with the place
// where no entry can do that.
import { TagflowError } from '../../model/errors.ts';
import type { Caps } from '../caps.ts';
import type { Site } from '../form.ts';
import type { NameIndex } from '../image-name.ts';
import { isKustomization } from '../kustomize.ts';
import { type Source, lineAt } from '../source.ts';
import { textOf } from '../tree.ts';
import type { ManifestFile, Pin } from '../values.ts';
import { type Built, Builds, isComponent } from './build.ts';
import type { Element } from './elements.ts';
import { objectKey } from './fields.ts';
import { Sources } from './sources.ts';

/** A place that is pinned where it stands. */
export interface PinnedPlace {
  readonly source: Source;
  readonly site: Site;
}

/** What pinning knows when it asks for entries. */
export interface Folder {
  /** The files that pins are written to. */
  readonly files: readonly ManifestFile[];
  /** What they build on besides. */
  readonly bases: readonly ManifestFile[];
  /** Those of the files that were parsed already. */
  readonly opened: ReadonlyMap<string, Source>;
  readonly pinned: readonly PinnedPlace[];
  readonly index: NameIndex<Pin>;
  readonly caps: Caps;
}

/** Entries that a kustomization gets. */
export interface WantedEntries {
  readonly source: Source;
  readonly entries: { readonly pin: Pin; readonly name: string }[];
}

/** What the kustomizations of a folder lack, and what they cannot do. */
export interface EntriesPlan {
  readonly wanted: readonly WantedEntries[];
  /** Images in Pod templates that no annotation of a kustomization reaches, each with the kustomization that builds it. */
  readonly outOfReach: readonly { readonly path: string; readonly element: Element; readonly pin: Pin }[];
}

/** The kinds into whose Pod templates kustomize puts `commonAnnotations` (its `commonannotations.go`), and the Pod itself. */
const ANNOTATED = new Set(
  'Deployment ReplicaSet DaemonSet StatefulSet ReplicationController Job CronJob Pod'.split(' '),
);

/**
 * The entries that the kustomizations of a folder lack: one for every spelling of an image that reaches them and is pinned by
 * nothing. Throws `manifest-unsafe-edit` where a build would name an image in a place that no entry changes.
 */
export function entriesWanted(folder: Folder): EntriesPlan {
  const { files, bases, opened, pinned, index, caps } = folder;
  const sources = new Sources([...files, ...bases], opened, index, caps);
  const builds = new Builds({
    sources,
    own: new Set(files.map(({ path }) => path)),
    pinned: new Set(pinned.flatMap(({ site }) => site.nodes)),
    // a patch that stands in a kustomization is read once more as a text of its own
    lines: new Set(
      pinned.flatMap(({ source, site }) =>
        isKustomization(source.path) ? [`${source.path}:${lineAt(source, site.offset)}`] : [],
      ),
    ),
    index,
  });
  const built = files.flatMap(({ path }): readonly (readonly [Source, Built])[] => {
    const source = isKustomization(path) ? sources.kustomization(path) : undefined;
    return source && !isComponent(source) ? [[source, builds.of(source)]] : [];
  });
  const outermost = withoutInner(built);
  refuseUnreachable(outermost, folder);
  const wanted = built.flatMap(([source, { missing }]) => {
    const names = [...new Set(missing.map(({ name }) => name))].sort();
    const entries = names.flatMap((name) => index.find([name]).map((pin) => ({ pin, name })));
    return entries.length === 0 ? [] : [{ source, entries }];
  });
  return { wanted, outOfReach: outOfReach(outermost, folder) };
}

/** The builds that no other of the folder takes in. */
function withoutInner(built: readonly (readonly [Source, Built])[]): readonly (readonly [Source, Built])[] {
  const inner = new Set(built.flatMap(([, { takes }]) => [...takes]));
  return built.filter(([{ path }]) => !inner.has(path));
}

/** Containers of kinds that kustomize does not know, unless they are written in a workload of the folder, which is annotated itself. */
function outOfReach(built: readonly (readonly [Source, Built])[], { files, index }: Folder): EntriesPlan['outOfReach'] {
  const own = new Set(files.flatMap(({ path }) => (isKustomization(path) ? [] : [path])));
  return built.flatMap(([{ path }, { rendered }]) =>
    [...rendered].flatMap((element) => {
      const kind = element.object.split('/', 1)[0] ?? '';
      if (kind === '' || ANNOTATED.has(kind) || element.reach !== 'entry' || own.has(element.path)) return [];
      return index.find([element.name]).map((pin) => ({ path, element, pin }));
    }),
  );
}

/** Refuses images that the outermost kustomizations render but none of their entries can change. */
function refuseUnreachable(built: readonly (readonly [Source, Built])[], folder: Folder): void {
  const overridden = overriddenBy(folder.pinned);
  for (const [{ path }, { fixed, late }] of built) {
    const [first] = [...late, ...fixed.filter((element) => !overridden(element))];
    if (first) throw refuseElement(first, folder.index.find([first.name])[0], path, late.includes(first));
  }
}

/** Whether a patch that is pinned where it stands puts another value into the field of an element. */
function overriddenBy(pinned: readonly PinnedPlace[]): (element: Element) => boolean {
  const objects = new Set<string>();
  const pointers = new Set<string>();
  for (const { source, site } of pinned) {
    const tree = source.trees[site.document];
    if (!tree) continue;
    objects.add(objectKey(tree, tree.root));
    const operation = site.path[0];
    if (typeof operation === 'number') pointers.add(textOf(tree.get(tree.root, [operation, 'path'])) ?? '');
  }
  return ({ object, field }) => objects.has(object) || pointers.has(`/${field}`);
}

function refuseElement(element: Element, pin: Pin | undefined, top: string, late: boolean): TagflowError {
  const { path, line, name, reach } = element;
  return new TagflowError('manifest-unsafe-edit', {
    what: `${path}:${line} names ${pin?.image ?? name} (${name}) in a place that ${top} cannot pin`,
    why: late
      ? 'it comes after the images: entries: kustomize would put the old image in the place of the pinned one'
      : reach === 'text'
        ? 'kustomize does not take what follows the name for a tag or a digest, so an images: entry has no effect on it'
        : 'an images: entry changes image in containers and initContainers, and this is another field',
    fix: late
      ? `pin the value that is copied: name its file and path under pins: in tagflow.yaml; or take the image out of ${path}:${line}`
      : reach === 'text'
        ? 'write a tag there'
        : 'name the file and path of the field under pins: in tagflow.yaml, or let kustomize look there (configurations: with images:)',
    details: { path, line, image: pin?.image },
  });
}
