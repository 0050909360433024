// What deployment tools make of a release: the objects that kustomizations and charts of an environment give, before and after.
import {
  type ManifestFile,
  KUSTOMIZATION_NAMES,
  outsideReferences,
  isComponentFile,
  isValuesFile,
  kustomizationReferences,
  objectTexts,
} from '../../manifests/manifests.ts';
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import type { ReleaseLine } from '../../model/pipeline.ts';
import { type RenderTarget, type Rendered, toolOf } from '../../render/render.ts';
import type { OutsideSources, PlanningPorts } from '../context.ts';
import { type ChangedFile, type FileChange, describeFiles } from './changed-files.ts';
import type { TreeSide } from './sides.ts';

/** What a tool makes of one folder differs. */
export interface Rendering {
  /** The folder of the kustomization or the chart. */
  readonly folder: string;
  /** How a person runs the tool: `kubectl kustomize`. */
  readonly tool: string;
  /** Objects that differ: `path` names folder and object. */
  readonly objects: readonly FileChange[];
  /** Why there is nothing to compare. */
  readonly problem?: string;
}

/** Folders that are rendered; a folder of more environments than that is looked at one by one. */
const MAX_TARGETS = 50;
/** Files that one rendering may read. */
const MAX_FILES = 2_000;
/** Bytes of the files that one rendering may read. */
const MAX_BYTES = 64 * 1024 * 1024;

/** The trees of a release, and whose files are rendered. */
export interface RenderedTrees {
  readonly line: ReleaseLine;
  readonly before: TreeSide;
  readonly after: TreeSide;
  /** Largest file that is read as YAML, in bytes. */
  readonly maxBytes: number;
}

/**
 * Renders what the folders of a line hold, before and after a release, and compares object by object. What the release does not
 * touch is not rendered. Throws `not-supported` where the program is not on this machine, and `storage-failed`.
 */
export async function renderChanges(
  reading: Pick<PlanningPorts, 'outside' | 'signal'>,
  trees: RenderedTrees,
): Promise<readonly Rendering[]> {
  const { before, after, line } = trees;
  const targets = new Map<string, RenderTarget>();
  for (const side of [before, after]) {
    for (const target of await targetsOf(side, line)) targets.set(`${target.kind} ${target.folder}`, target);
  }
  const renderings: Rendering[] = [];
  for (const target of targets.values()) {
    reading.signal.throwIfAborted();
    const rendering = renderings.length < MAX_TARGETS ? await renderChange(reading.outside, trees, target) : undefined;
    if (rendering) renderings.push(rendering);
  }
  return renderings;
}

async function renderChange(
  reading: Pick<OutsideSources, 'renderer'>,
  { before, after, maxBytes }: RenderedTrees,
  target: RenderTarget,
): Promise<Rendering | undefined> {
  const inputs = [await inputsOf(before, target, maxBytes), await inputsOf(after, target, maxBytes)] as const;
  if (isEqual(inputs[0].files, inputs[1].files)) return undefined;
  const [old, now] = [await render(reading, target, inputs[0]), await render(reading, target, inputs[1])];
  const place = { folder: target.folder, tool: toolOf(target) };
  if (typeof old === 'string') return { ...place, objects: [], problem: `as it is: ${old}` };
  if (typeof now === 'string') return { ...place, objects: [], problem: `as it would be: ${now}` };
  const objects = [...new Set([...old.keys(), ...now.keys()])].flatMap((object): ChangedFile[] => {
    const [was, is] = [old.get(object), now.get(object)];
    const encoder = new TextEncoder();
    if (was === is) return [];
    return [
      {
        path: `${target.folder}: ${object}`,
        before: was === undefined ? undefined : encoder.encode(was),
        after: is === undefined ? undefined : encoder.encode(is),
      },
    ];
  });
  return { ...place, objects: await describeFiles(objects, maxBytes) };
}

/** The objects that a tool makes of files; or why there are none. */
async function render(
  { renderer }: Pick<OutsideSources, 'renderer'>,
  target: RenderTarget,
  { files, problem }: Inputs,
): Promise<ReadonlyMap<string, string> | string> {
  if (problem !== undefined) return problem;
  if (files.size === 0) return new Map();
  const rendered = await renderer?.render(
    target,
    [...files].map(([path, content]) => ({ path, content })),
  );
  return rendered?.kind === 'rendered' ? objectTexts(rendered.text) : unrendered(rendered, target);
}

function unrendered(rendered: Exclude<Rendered, { kind: 'rendered' }> | undefined, target: RenderTarget): string {
  if (rendered?.kind === 'failed') return rendered.why;
  throw new TagflowError('not-supported', {
    what: `${target.folder} cannot be rendered`,
    why: rendered ? `there is no ${rendered.program} on PATH` : 'this run has no program to render with',
    fix: rendered
      ? advise`install ${rendered.program}, or leave ${{ act: 'say', what: 'rendering' }} out`
      : 'give the context a `renderer`',
  });
}

/** What a folder and the files that a line owns ask to be rendered: kustomizations that no other one takes in, and charts. */
async function targetsOf(
  side: TreeSide,
  { scope, application, environment }: ReleaseLine,
): Promise<readonly RenderTarget[]> {
  const listed = (await Promise.all([...scope.folders, ...scope.files].map(async (path) => side.list(path)))).flat();
  const names = listed.filter((path) => KUSTOMIZATION_NAMES.some((each) => baseOf(path) === each));
  const kustomizations = await filesOf(side, names);
  const taken = new Set(kustomizations.flatMap((file) => kustomizationReferences(file, MAX_BYTES)));
  const roots = kustomizations.filter(
    (file) => !taken.has(folderOf(file.path)) && !taken.has(file.path) && !isComponentFile(file, MAX_BYTES),
  );
  return [
    ...roots.map(({ path }): RenderTarget => ({ kind: 'kustomize', folder: folderOf(path) })),
    ...(await chartsOf(side, listed, releaseName(application ?? environment))),
  ];
}

/** The charts whose values files are listed, those inside other charts left out. */
async function chartsOf(side: TreeSide, listed: readonly string[], release: string): Promise<readonly RenderTarget[]> {
  const files = listed.filter((path) => isValuesFile(path) || baseOf(path) === 'Chart.yaml');
  const placed = await Promise.all(files.map(async (path) => ({ path, chart: await chartAbove(side, path) })));
  return [...Map.groupBy(placed, ({ chart }) => chart)].flatMap(([folder, own]): RenderTarget[] => {
    if (folder === undefined || folder.split('/').includes('charts')) return [];
    const values = own.map(({ path }) => path).filter((path) => isValuesFile(path) && path !== `${folder}/values.yaml`);
    return [{ kind: 'helm', folder, release, values }];
  });
}

/** The folder of the chart that a values file belongs to: its own, or the one above. */
async function chartAbove(side: TreeSide, path: string): Promise<string | undefined> {
  const own = folderOf(path);
  for (const folder of own === '' ? [''] : [own, folderOf(own)]) {
    const file = folder === '' ? 'Chart.yaml' : `${folder}/Chart.yaml`;
    if ((await side.list(file)).includes(file)) return folder;
  }
  return undefined;
}

/** The files that a tool reads. */
interface Inputs {
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Why they must not, or cannot, be rendered. */
  readonly problem?: string;
}

/** The files of a target's folder, and of every folder that its kustomizations take in. */
async function inputsOf(side: TreeSide, target: RenderTarget, maxBytes: number): Promise<Inputs> {
  const files = new Map<string, Uint8Array>();
  const folders = [target.folder, ...(target.kind === 'helm' ? target.values : [])];
  let size = 0;
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    const paths = (await side.list(folder)).filter((path) => !files.has(path));
    if (files.size + paths.length > MAX_FILES) return { files, problem: `it takes in more than ${MAX_FILES} files` };
    for (const [path, content] of await side.read(paths)) {
      files.set(path, content);
      size += content.length;
    }
    if (size > MAX_BYTES) return { files, problem: `it takes in more than ${MAX_BYTES / 1024 / 1024} MiB` };
    if (target.kind === 'helm') continue;
    for (const path of paths) {
      const file = { path, content: files.get(path) ?? new Uint8Array() };
      const [outside] = outsideReferences(file, maxBytes);
      if (outside !== undefined) {
        return { files, problem: `${path} takes in ${outside}, which is not in this repository: nothing is fetched` };
      }
      folders.push(...kustomizationReferences(file, maxBytes).filter((reference) => !files.has(reference)));
    }
  }
  return { files };
}

async function filesOf(side: TreeSide, paths: readonly string[]): Promise<readonly ManifestFile[]> {
  return [...(await side.read(paths))].map(([path, content]) => ({ path, content }));
}

function isEqual(a: ReadonlyMap<string, Uint8Array>, b: ReadonlyMap<string, Uint8Array>): boolean {
  return a.size === b.size && [...a].every(([path, content]) => equalBytes(content, b.get(path)));
}

function equalBytes(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0;
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** The name of a Helm release: letters, digits and hyphens. */
function releaseName(line: string): string {
  return line
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 53);
}
