// A server that names one thing and gives another: a branch that is a tag, a folder that is a file, what is not there at all. The
// environment that it concerns is refused with its cause, and the others are served.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { check } from '../../../src/engine/audit/check.ts';
import type { Context } from '../../../src/engine/context.ts';
import { history } from '../../../src/engine/read/history.ts';
import type { EnvironmentProblem } from '../../../src/engine/read/problem.ts';
import { promote } from '../../../src/engine/release/promote.ts';
import { apply } from '../../../src/engine/release/apply.ts';
import { status } from '../../../src/engine/status.ts';
import type { Ledger } from '../../../src/ledger/ledger.ts';
import type { TagflowError } from '../../../src/model/errors.ts';
import type { BranchName } from '../../../src/model/object-id.ts';
import { type Bench, FIRST, createBench, recordOf, twoImages } from '../../support/engine.ts';
import { openGitLedger } from '../../support/git-ledger.ts';
import { describeReal, sampled } from '../../support/real.ts';
import { type WordObject, startWordGitServer, wordObject } from '../../support/word-git-server.ts';

const ABSENT = '1'.repeat(40);

/** A branch of the bench, and how objects are put beside its own. */
interface Forged {
  /** The head of a branch, its tree, and its record. */
  readonly head: string;
  readonly tree: string;
  readonly record: string;
  readonly recordPath: string;
  /** Adds an object, and returns its id. */
  add(type: string, content: string | Uint8Array): string;
  /** Adds a commit upon the head. */
  commit(more: { readonly tree?: string; readonly parents?: readonly string[] }): string;
  /** The tree in which a path has another mode and names another object. */
  treeWith(path: string, mode: string, id: string): string;
}

/** What an environment's branch is made into, and the error that everything says of it; undefined: one says more, below. */
const KINDS: Readonly<Record<string, (f: Forged) => string>> = {
  'a tag of its commit': (f) => f.add('tag', `object ${f.head}\ntype commit\ntag x\ntagger e <e@e> 1 +0000\n\nx\n`),
  'a tag of a file': (f) => f.add('tag', `object ${f.record}\ntype blob\ntag x\ntagger e <e@e> 1 +0000\n\nx\n`),
  'a file': (f) => f.record,
  'a folder': (f) => f.tree,
  'not there': () => ABSENT,
  'a commit without any header': (f) => f.add('commit', 'hello'),
  'a commit whose tree is a file': (f) => f.commit({ tree: f.record }),
  'a commit whose tree is a commit': (f) => f.commit({ tree: f.head }),
  'a commit whose tree is not there': (f) => f.commit({ tree: ABSENT }),
  'a commit whose tree is cut short': (f) => f.commit({ tree: f.add('tree', '100644 x') }),
  'a commit whose parent is a file': (f) => f.commit({ parents: [f.record] }),
  'a commit whose parent is a folder': (f) => f.commit({ parents: [f.tree] }),
  'a commit whose parent is not there': (f) => f.commit({ parents: [ABSENT] }),
  'a merge of what is not there': (f) => f.commit({ parents: [f.head, ABSENT] }),
  'a merge of a file': (f) => f.commit({ parents: [f.head, f.record] }),
  'a record in a folder that is a file': (f) => f.commit({ tree: f.treeWith(f.recordPath, '40000', f.record) }),
  'a record in a folder that is not there': (f) => f.commit({ tree: f.treeWith(f.recordPath, '40000', ABSENT) }),
  'a record that is a folder': (f) => f.commit({ tree: f.treeWith(f.recordPath, '100644', f.tree) }),
  'a record that is a commit': (f) => f.commit({ tree: f.treeWith(f.recordPath, '100644', f.head) }),
  'a record that is not there': (f) => f.commit({ tree: f.treeWith(f.recordPath, '100644', ABSENT) }),
};

/** Each in an environment of its own. */
const NAMES = new Map(sampled(Object.keys(KINDS), 3).map((kind, index) => [`e${index}`, kind]));

describeReal('a branch that a server names, and that is not what a branch is', ['git'], () => {
  const work = mkdtempSync(join(tmpdir(), 'tagflow-objects-'));
  let bench: Bench;
  let server: Awaited<ReturnType<typeof startWordGitServer>>;
  const ledgers: Ledger[] = [];

  beforeAll(async () => {
    const lines = ['dev', 'prd', ...NAMES.keys()];
    bench = createBench({
      config: twoImages(lines.map((name) => `  ${name}: ${name === 'dev' ? '{}' : '{ from: dev }'}`).join('\n')),
    });
    const files = `${bench.remote.file('main', 'environments/dev/kustomization.yaml')}`;
    for (const name of lines) bench.remote.commit('main', { [`environments/${name}/kustomization.yaml`]: files });
    for (const name of lines) bench.remote.branches.set(name as BranchName, bench.head('main'));
    await bench.released('dev', FIRST);
    for (const name of lines.slice(1)) await bench.released(name);
    const objects = new Map<string, WordObject>(bench.remote.objects);
    const branches = new Map<string, string>(bench.remote.branches);
    for (const [name, kind] of NAMES) branches.set(name, KINDS[kind]!(forgedOf(bench, name, objects)));
    server = await startWordGitServer(() => ({ trunk: 'main', branches, objects }));
  });
  afterEach(async () => {
    for (const ledger of ledgers.splice(0)) await ledger.close();
  });
  afterAll(async () => {
    await server.close();
    rmSync(work, { recursive: true, force: true });
  });

  const context = async (): Promise<Context> => {
    const timeouts = { silenceMs: 10_000, retryMs: 100 };
    const ledger = await openGitLedger({ url: server.url, workFolder: work, timeouts });
    ledgers.push(ledger);
    return { ...bench.context(), ledger };
  };
  const broken = Object.fromEntries([...NAMES.values()].map((kind) => [kind, 'tree-unsafe']));
  const named = (rows: readonly (readonly [string, TagflowError | undefined])[]): Record<string, unknown> =>
    Object.fromEntries(rows.map(([name, problem]) => [NAMES.get(name) ?? name, problem?.code]));

  test('is reported by status, and the others are shown', async () => {
    const states = await status(await context());
    expect(named(states.map(({ environment, problem }) => [environment, problem]))).toEqual({
      dev: undefined,
      prd: undefined,
      ...broken,
    });
  });

  test('is reported by apply, and the others get their tags', async () => {
    const applied = await apply(await context(), []);
    expect(named(applied.map(({ environment, problem }) => [environment, problem]))).toEqual({
      dev: undefined,
      prd: undefined,
      ...broken,
    });
  });

  test('is reported by history, and the releases of the others are listed', async () => {
    const unread: EnvironmentProblem[] = [];
    const { releases } = await history(await context(), { limit: 100 }, unread);
    expect(releases.map(({ environment }) => environment)).toEqual(['prd', 'dev']);
    expect(named(unread.map(({ environment, problem }) => [environment, problem]))).toEqual(broken);
  });

  test('is reported by check, and the others are checked', async () => {
    const { environments, findings } = await check(await context(), { environments: [], registry: true });
    expect(named(environments.map(({ environment, unchecked }) => [environment, unchecked]))).toEqual({
      dev: undefined,
      prd: undefined,
      ...broken,
    });
    expect(findings).toEqual([]);
  });

  test('stops no promotion of the others', async () => {
    const planned = { kind: 'planned' };
    const versions = { django: 'V4.2' };
    const asked = await context();
    expect(await promote(asked, { kind: 'promote', environment: 'dev', versions }, { dryRun: true })).toMatchObject(
      planned,
    );
    expect(
      await promote(asked, { kind: 'promote', environment: 'e0', versions: {} }, { dryRun: true }).catch(String),
    ).toContain('annotated tag');
  });
});

function forgedOf(bench: Bench, name: string, objects: Map<string, WordObject>): Forged {
  const head = bench.head(name);
  const { tree } = bench.remote.read(head);
  const read = (id: string): Buffer => Buffer.from(objects.get(id)?.content ?? []);
  const add = (type: string, content: string | Uint8Array): string => {
    const [id, object] = wordObject(type, Buffer.from(content));
    objects.set(id, object);
    return id;
  };
  const replaced = (id: string, [name, ...rest]: readonly string[], mode: string, by: string): string => {
    const bytes = read(id);
    const parts: Buffer[] = [];
    for (let at = 0; at < bytes.length;) {
      const end = bytes.indexOf(0, at);
      const entry = bytes.subarray(at, end + 21);
      const isIt = bytes.toString('utf8', bytes.indexOf(0x20, at) + 1, end) === name;
      const below = isIt && rest.length > 0 ? replaced(entry.toString('hex', end + 1 - at), rest, mode, by) : by;
      const as = rest.length > 0 ? '40000' : mode;
      parts.push(isIt ? Buffer.concat([Buffer.from(`${as} ${name}\0`), Buffer.from(below, 'hex')]) : entry);
      at = end + 21;
    }
    return add('tree', Buffer.concat(parts));
  };
  const idOf = (path: string): string => {
    for (const [id, { content }] of objects) if (content === bench.remote.filesOf(head).get(path)) return id;
    throw new Error(`${name} has no ${path}`);
  };
  const person = 'e <e@example.org> 1700000000 +0000';
  return {
    head,
    tree,
    record: idOf(recordOf(name)),
    recordPath: recordOf(name),
    add,
    commit({ tree: of = tree, parents = [head] }) {
      const lines = [`tree ${of}`, ...parents.map((id) => `parent ${id}`), `author ${person}`, `committer ${person}`];
      return add('commit', `${lines.join('\n')}\n\nby hand\n`);
    },
    treeWith: (path, mode, id) => replaced(tree, path.split('/'), mode, id),
  };
}
