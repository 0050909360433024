// Ledgers of any size, made in seconds: environments or applications with thousands of valid releases each, behind a trunk with
// as many commits as wanted. Objects are named here, since each record names the commit below it; Git writes them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { DEFAULT_POLICY } from '../../src/model/gate-policy.ts';
import { type Digest, digestOf } from '../../src/model/digest.ts';
import type { BranchName, ObjectId } from '../../src/model/object-id.ts';
import { type ReleaseLine, recordPath } from '../../src/model/pipeline.ts';
import { parseTag } from '../../src/model/reference.ts';
import { formatRecord } from '../../src/model/release-record.ts';
import type { PreviousRelease, ReleaseRecord } from '../../src/model/release.ts';
import { type TreeItem, formatCommit, formatTree, makeObject } from '../../src/ledger/object.ts';
import { CLEAN_ENVIRONMENT, type GitRepository } from './git-repository.ts';
import { TARGET } from './records.ts';

/** What a ledger is made of. */
export interface LargeLedger {
  /** Environments `e1`, `e2`, …: a branch each, or with `applications` a folder each on the trunk. */
  readonly environments: number;
  /** Applications `a1`, `a2`, … in each environment; one without a name when absent. */
  readonly applications?: number;
  /** Releases of each line. */
  readonly releases: number;
  /** Commits of the trunk below the releases; 1 when not said. */
  readonly trunk?: number;
}

/** When the first release was made, in milliseconds; each later one a minute after. */
export const FIRST_RELEASE = Date.parse('2024-01-01T00:00:00Z');
const MINUTE = 60_000;
const AUTHOR = 'Bench <bench@example.org>';

/** The digest of the image of a line's release. */
export function largeLedgerDigest(line: string, sequence: number): Digest {
  return digestOf(`${line} ${sequence}`);
}

/** Fills an empty repository. Environments of a repository without applications take from the trunk. */
export async function fillLargeLedger(repository: GitRepository, size: LargeLedger): Promise<void> {
  const child = spawn('git', ['fast-import', '--quiet', '--date-format=raw', '--force'], {
    cwd: repository.folder,
    env: CLEAN_ENVIRONMENT,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  const ended = once(child, 'close');
  const heads = new Map<string, ObjectId>();
  const parts: string[] = [];
  for (const part of stream(size, heads)) {
    parts.push(part);
    if (parts.length < 500) continue;
    if (!child.stdin.write(parts.splice(0).join(''))) await once(child.stdin, 'drain');
  }
  child.stdin.end(parts.join(''));
  const [status] = (await ended) as [number | null];
  if (status !== 0) throw new Error(`git fast-import ended with ${status}`);
  for (const [branch, id] of heads) {
    if ((await repository.head(branch)) !== id)
      throw new Error(`${branch} is not at ${id}: its objects are named wrongly`);
  }
  await repository.git(['pack-refs', '--all']);
}

function* stream(size: LargeLedger, heads: Map<string, ObjectId>): Generator<string> {
  const lines = linesOf(size);
  const trunk = new Branch('main');
  trunk.write('tagflow.yaml', configurationOf(size));
  for (const line of lines) trunk.write(manifestPath(line), manifestOf(line, 0));
  yield* trunk.commit('start', 0);
  for (let commit = 1; commit < (size.trunk ?? 1); commit += 1) {
    trunk.write(`services/s${commit % 97}/source.txt`, `change ${commit}\n`);
    yield* trunk.commit(`change ${commit}`, commit);
  }
  const { head: source } = trunk;
  if (source === undefined) return;
  const environments = [...Map.groupBy(lines, ({ environment }) => environment).values()];
  for (const own of environments) {
    const branch = size.applications === undefined ? trunk.fork(own[0]?.branch ?? '') : trunk;
    yield* releasesOf(branch, own, size.releases, source);
    if (branch.head) heads.set(branch.name, branch.head);
  }
  if (trunk.head) heads.set('main', trunk.head);
}

/** Releases of some lines of one branch, made together. */
function* releasesOf(
  branch: Branch,
  lines: readonly ReleaseLine[],
  count: number,
  source: ObjectId,
): Generator<string> {
  let below: PreviousRelease | undefined;
  for (let sequence = 1; sequence <= count; sequence += 1) {
    for (const line of lines) {
      branch.write(manifestPath(line), manifestOf(line, sequence));
      const scope = scopeOf(branch, line);
      branch.write(recordPath(line), formatRecord(recordOf(line, { sequence, source, scope, below })));
    }
    const names = lines.map(({ name }) => name).join(', ');
    yield* branch.commit(`${names}: release ${sequence}`, sequence);
    below = branch.head && { sequence, commit: branch.head };
  }
}

interface ReleaseParts {
  readonly sequence: number;
  readonly source: ObjectId;
  readonly scope: ObjectId;
  readonly below: PreviousRelease | undefined;
}

function recordOf(line: ReleaseLine, { sequence, source, scope, below }: ReleaseParts): ReleaseRecord {
  const time = new Date(FIRST_RELEASE + sequence * MINUTE).toISOString().replace('.000Z', 'Z');
  return {
    schema: 2,
    environment: line.environment,
    ...(line.application !== undefined && { application: line.application }),
    sequence,
    action: 'promote',
    images: [{ name: imageOf(line), ...imageOfRelease(line, sequence) }],
    source: { branch: 'main', commit: source },
    ...(below && { previous: below }),
    scope,
    actor: 'bench',
    time,
    held: [],
    gates: [],
    plan: digestOf('plan'),
    config: { commit: source },
  };
}

/** The tree id that a record of a line states: of all but its record, or of its folder alone. */
function scopeOf(branch: Branch, line: ReleaseLine): ObjectId {
  if (line.carries === 'tree') return branch.treeWithout(recordPath(line));
  const [folder = ''] = line.scope.folders;
  return branch.treeOfFolder(folder);
}

function linesOf({ environments, applications }: LargeLedger): readonly ReleaseLine[] {
  const names = Array.from({ length: environments }, (_, index) => `e${index + 1}`);
  const line = (environment: string, application: string | undefined): ReleaseLine => ({
    ...TARGET,
    name: application === undefined ? environment : `${environment}/${application}`,
    environment,
    application,
    branch: (application === undefined ? environment : 'main') as BranchName,
    carries: application === undefined ? 'tree' : 'files',
    scope: {
      folders: [application === undefined ? `environments/${environment}` : `apps/${application}/${environment}`],
      files: [],
    },
    gates: DEFAULT_POLICY,
  });
  if (applications === undefined) return names.map((name) => line(name, undefined));
  const apps = Array.from({ length: applications }, (_, index) => `a${index + 1}`);
  return names.flatMap((name) => apps.map((app) => line(name, app)));
}

function configurationOf({ environments, applications }: LargeLedger): string {
  const images = '{ app: { repository: registry.example.org/app, tags: false } }';
  const names = Array.from({ length: environments }, (_, index) => `e${index + 1}`);
  const head =
    applications === undefined
      ? [`images: ${images}`]
      : [
          'layout: folders',
          'applications:',
          ...Array.from({ length: applications }, (_, index) => {
            const name = `a${index + 1}`;
            return `  ${name}: { path: "apps/${name}/{environment}", images: { ${name}: { repository: registry.example.org/${name}, tags: false } } }`;
          }),
        ];
  return ['version: 1', ...head, 'environments:', ...names.map((name) => `  ${name}: {}`), ''].join('\n');
}

function imageOf({ application }: ReleaseLine): string {
  return application ?? 'app';
}

function imageOfRelease(line: ReleaseLine, sequence: number) {
  return {
    repository: `registry.example.org/${imageOf(line)}`,
    version: parseTag(`V1.${sequence}`),
    digest: largeLedgerDigest(line.name, sequence),
  };
}

function manifestPath({ scope }: ReleaseLine): string {
  return `${scope.folders[0]}/kustomization.yaml`;
}

function manifestOf(line: ReleaseLine, sequence: number): string {
  const { repository, digest } = imageOfRelease(line, sequence);
  const pin = sequence === 0 ? ['    newTag: V1.0'] : [`    digest: ${digest}`];
  const lines = [
    'apiVersion: kustomize.config.k8s.io/v1beta1',
    'kind: Kustomization',
    'images:',
    `  - name: ${repository}`,
  ];
  return [...lines, ...pin, ''].join('\n');
}

/** A folder while it is filled: what it holds, and its id as long as that is known. */
interface Folder {
  readonly items: Map<string, { readonly blob: ObjectId } | Folder>;
  id: ObjectId | undefined;
}

/** A branch that is written commit by commit. */
class Branch {
  readonly name: string;
  readonly #root: Folder;
  #head: ObjectId | undefined;
  /** The branch that the next commit continues from, where that is another. */
  #from: string | undefined;
  #changes: string[] = [];

  constructor(name: string, from?: Branch) {
    this.name = name;
    this.#root = from ? copyOf(from.#root) : { items: new Map(), id: undefined };
    this.#head = from?.head;
    this.#from = from?.name;
  }

  get head(): ObjectId | undefined {
    return this.#head;
  }

  /** Another branch that continues from here. */
  fork(name: string): Branch {
    return new Branch(name, this);
  }

  write(path: string, text: string): void {
    const parts = path.split('/');
    const name = parts.pop() ?? '';
    let folder = this.#root;
    folder.id = undefined;
    for (const part of parts) {
      const found = folder.items.get(part);
      const below: Folder = found && 'items' in found ? found : { items: new Map(), id: undefined };
      folder.items.set(part, below);
      below.id = undefined;
      folder = below;
    }
    const { id } = makeObject('blob', Buffer.from(text), 'sha1');
    folder.items.set(name, { blob: id });
    this.#changes.push(`M 100644 inline ${path}\n`, data(text));
  }

  *commit(message: string, minute: number): Generator<string> {
    const time = FIRST_RELEASE + minute * MINUTE;
    const parents = this.#head === undefined ? [] : [this.#head];
    const content = { tree: idOf(this.#root), parents, author: AUTHOR, time, message };
    const { id } = makeObject('commit', formatCommit(content), 'sha1');
    const from = this.#from === undefined ? '' : `from refs/heads/${this.#from}\n`;
    this.#from = undefined;
    yield [
      `commit refs/heads/${this.name}\n`,
      `author ${AUTHOR} ${time / 1000} +0000\n`,
      `committer ${AUTHOR} ${time / 1000} +0000\n`,
      data(`${message}\n`),
      from,
      ...this.#changes.splice(0),
    ].join('');
    this.#head = id;
  }

  treeOfFolder(path: string): ObjectId {
    // A scope of one folder is a tree in which nothing but that folder is.
    const parts = path.split('/');
    let id = idOf(this.#at(parts));
    for (const name of parts.reverse()) id = treeId([{ name, mode: '40000', id }]);
    return id;
  }

  /** The id of the whole tree without one file; folders that hold nothing else go. */
  treeWithout(path: string): ObjectId {
    const without = (folder: Folder, [name = '', ...rest]: readonly string[]): ObjectId | undefined => {
      const items = itemsOf(folder).filter((item) => item.name !== name);
      const below = folder.items.get(name);
      const id = rest.length > 0 && below && 'items' in below ? without(below, rest) : undefined;
      if (id) items.push({ name, mode: '40000', id });
      return items.length === 0 ? undefined : treeId(items);
    };
    return without(this.#root, path.split('/')) ?? treeId([]);
  }

  #at(parts: readonly string[]): Folder {
    let folder = this.#root;
    for (const part of parts) {
      const below = folder.items.get(part);
      if (!below || !('items' in below)) throw new Error(`there is no folder ${parts.join('/')}`);
      folder = below;
    }
    return folder;
  }
}

function copyOf({ items, id }: Folder): Folder {
  return { id, items: new Map([...items].map(([name, item]) => [name, 'items' in item ? copyOf(item) : item])) };
}

function itemsOf({ items }: Folder): TreeItem[] {
  return [...items].map(([name, item]) =>
    'items' in item ? { name, mode: '40000', id: idOf(item) } : { name, mode: '100644', id: item.blob },
  );
}

function idOf(folder: Folder): ObjectId {
  folder.id ??= treeId(itemsOf(folder));
  return folder.id;
}

function treeId(items: readonly TreeItem[]): ObjectId {
  return makeObject('tree', formatTree(items), 'sha1').id;
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`;
}
