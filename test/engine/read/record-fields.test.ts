// A record is an input: for each field that a record can have, as the schema has it, somebody who may push forges its value. Anybody who
// wrote it and however it came to the branch, no sink hears of it but those that the table allows, each for a reason.
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { check } from '../../../src/engine/audit/check.ts';
import type { Context } from '../../../src/engine/context.ts';
import { history, show } from '../../../src/engine/read/history.ts';
import { where } from '../../../src/engine/read/where.ts';
import { apply } from '../../../src/engine/release/apply.ts';
import { status } from '../../../src/engine/status.ts';
import { attempt } from '../../../src/model/attempt.ts';
import type { BranchName, ObjectId } from '../../../src/model/object-id.ts';
import { recordSchema } from '../../../src/model/release-record.ts';
import { toPlainYaml } from '../../../src/model/yaml-text.ts';
import { historyView } from '../../../src/views/history.ts';
import { showView } from '../../../src/views/show.ts';
import { formatText } from '../../../src/views/text.ts';
import { type Bench, DJANGO, FIRST, MARIADB, createBench, recordOf } from '../../support/engine.ts';
import { amend } from '../../support/forgeries.ts';
import { sampled } from '../../support/real.ts';
import { wordSigning } from '../../support/word-signing.ts';

/** What hears of a record's values when it should not. */
type Sink = 'registry' | 'plain HTTP' | 'git fetch' | 'written paths' | 'forge';

const ID = 'e'.repeat(40);
const DIGEST = `sha256:${'e'.repeat(64)}`;
const TEXT = '::error file=evil::evil\u00a0##[evil]';
/** What a forged value is recognised by. */
const MARK = /evil|e{40}/;

/** A forged value of each field, and the sinks that may hear of it. */
const FORGED: Readonly<Record<string, readonly [value: unknown, ...allowed: Sink[]]>> = {
  schema: [1],
  kind: ['evil'],
  environment: ['evil'],
  application: ['../evil'],
  sequence: [99],
  action: ['import'],
  'images.*': ['../../evil'],
  'images.*.repository': ['evil.example.net/evil/app'],
  // It is a claim, which the registry is asked about; the request to take it on shows it to who merges.
  'images.*.version': ['V6.6-evil', 'forge'],
  // Who may push to an environment decides what runs there: its own tags are put on what its record says, if it is there.
  'images.*.digest': [DIGEST, 'registry'],
  'source.environment': ['evil'],
  'source.branch': ['evil'],
  'source.commit': [ID],
  base: [ID],
  previous: [77],
  'previous.sequence': [77],
  'previous.commit': [ID],
  scope: [ID],
  'restored.sequence': [77],
  'restored.commit': [ID],
  'restored.imagesOnly': [true],
  actor: [TEXT],
  onBehalfOf: [TEXT],
  job: [`https://evil.example.net/${TEXT}`],
  time: ['2099-01-01T00:00:00Z'],
  reason: [TEXT],
  'held.*.release': [77],
  'held.*.images.*': ['../../evil'],
  'held.*.images.*.version': ['V6.6-evil'],
  'held.*.images.*.digest': [DIGEST],
  'held.*.commit': [ID],
  'held.*.reason': [TEXT],
  'gates.*.gate': [TEXT],
  'gates.*.decision': ['overridden'],
  'gates.*.reason': [TEXT],
  'gates.*.until': ['2099-01-01T00:00:00Z'],
  'gates.*.by': [TEXT],
  'gates.*.why': [TEXT],
  'merged.*': [ID],
  'overrides.*': [TEXT],
  journal: [ID],
  'rulesChanged.*.commit': [ID],
  'rulesChanged.*.author': [TEXT],
  'rulesChanged.*.time': ['2099-01-01T00:00:00Z'],
  plan: [DIGEST],
  'config.commit': [ID],
  'config.file': [DIGEST],
};

interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly innerType?: unknown;
  readonly valueType?: unknown;
  readonly element?: unknown;
  readonly options?: readonly unknown[];
}

/** The paths of everything that a schema lets a value hold; names of maps and places of lists are `*`. */
function fieldsOf(schema: unknown, path: string): readonly string[] {
  const { type, shape, innerType, valueType, element, options } = (schema as { def: Definition }).def;
  const below = (key: string): string => (path === '' ? key : `${path}.${key}`);
  if (shape) return Object.entries(shape).flatMap(([key, value]) => fieldsOf(value, below(key)));
  if (innerType !== undefined) return fieldsOf(innerType, path);
  if (type === 'record') return [below('*'), ...fieldsOf(valueType, below('*'))];
  if (element !== undefined) return fieldsOf(element, below('*'));
  if (options) return options.flatMap((option) => fieldsOf(option, path));
  return [path];
}

const FIELDS = [...new Set(fieldsOf(recordSchema, ''))];

test('every field of a record has a row, and no other', () => {
  expect(Object.keys(FORGED).toSorted()).toEqual(FIELDS.toSorted());
});

type Values = Record<string, unknown>;

/** Puts a value into a record, making what is missing on the way. */
function put(record: Values, path: string, value: unknown): void {
  const steps = path.split('.');
  let at: Values = record;
  for (const [index, step] of steps.entries()) {
    const isLast = index === steps.length - 1;
    if (step !== '*') {
      if (isLast) at[step] = value;
      else {
        const isList =
          steps[index + 1] === '*' && ['held', 'gates', 'overrides', 'merged', 'rulesChanged'].includes(step);
        at[step] ??= isList ? [] : {};
        at = at[step] as Values;
      }
    } else if (Array.isArray(at)) {
      if (isLast) at[0] = value;
      else at = (at[0] ??= { ...elementOf(path) }) as Values;
    } else {
      const [first = 'django'] = Object.keys(at);
      if (isLast) {
        at[String(value)] = at[first] ?? { version: 'V4.0', digest: DIGEST };
        delete at[first];
      } else at = (at[first] ??= { version: 'V4.0', digest: `sha256:${'d'.repeat(64)}` }) as Values;
    }
  }
}

/** An element of a list of records, valid but for the field that is forged. */
function elementOf(path: string): Values {
  if (path.startsWith('held')) return { release: 1, images: {} };
  if (path.startsWith('rulesChanged')) return { commit: 'd'.repeat(40), author: 'ana', time: '2026-01-01T00:00:00Z' };
  return GATE;
}

const GATE = { gate: 'downgrade', decision: 'pass', reason: 'newer' };

const config = (layout: string, stg: string): string => `version: 1
layout: ${layout}
${stg.includes('signed') ? 'signing: ssh\nsigners: signers\n' : ''}images:
  django: { repository: ${DJANGO} }
  mariadb: { repository: ${MARIADB} }
environments:
  dev: {}
  stg: { from: dev, gates: { upstream: off }${stg} }
  prd: { from: stg, gates: { upstream: off }${layout === 'branches' ? ', pullRequest: true' : ''} }
`;

/** Who writes, where, and how it comes to the branch. */
interface Writer {
  readonly layout: 'branches' | 'folders';
  readonly stg: string;
  /** Where the forged record is put before it stands on the branch. */
  readonly at: (bench: Bench) => string;
  readonly land?: (bench: Bench) => Promise<unknown>;
}

const proposal = (bench: Bench): string =>
  [...bench.remote.branches.keys()].find((branch) => branch.startsWith('tagflow/stg'))!;

const WRITERS: readonly (readonly [string, Writer])[] = [
  ['to the environment’s branch', { layout: 'branches', stg: '', at: () => 'stg' }],
  [
    'to a proposal that is merged',
    {
      layout: 'branches',
      stg: ', pullRequest: true',
      at: proposal,
      land: (bench) => bench.forge.merge(bench.forge.pullRequests.at(-1)!.number, 'merge'),
    },
  ],
  ['to the trunk', { layout: 'folders', stg: '', at: () => 'main' }],
];

/** An object with some of its methods replaced; the others are called on it. */
function overriding<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get: (_, key) => {
      const own: unknown = Reflect.get(methods, key) ?? Reflect.get(target, key);
      return typeof own === 'function' ? (own.bind(target) as unknown) : own;
    },
  });
}

/** A context whose ways out are listened at. */
function listened(bench: Bench): { readonly context: () => Context; readonly heard: Map<Sink, string[]> } {
  const heard = new Map<Sink, string[]>();
  const hear = (sink: Sink, ...said: readonly string[]): void => {
    heard.set(sink, [...(heard.get(sink) ?? []), ...said]);
  };
  const context = (): Context => {
    const own = bench.context();
    const {
      ledger,
      registries: { registryOf, copyImage },
    } = own;
    return {
      ...own,
      registriesFor(hosts) {
        hear('plain HTTP', ...hosts);
        return this.registries;
      },
      registries: {
        registryOf: (repository) => {
          hear('registry', repository.name);
          const registry = registryOf(repository);
          return overriding(registry, {
            tag: async (...args) => {
              hear('registry', args[1], args[2]);
              return registry.tag(...args);
            },
          });
        },
        copyImage: async (...args) => {
          hear('registry', JSON.stringify(args));
          return copyImage(...args);
        },
      },
      ledger: overriding(ledger, {
        fetch: async (commits, generations) => {
          hear('git fetch', ...commits);
          return ledger.fetch(commits, generations);
        },
        writeCommit: async (draft) => {
          hear('written paths', ...draft.edits.map((edit) => ('entry' in edit ? edit.entry.path : edit.path)));
          return ledger.writeCommit(draft);
        },
      }),
    };
  };
  return { context, heard };
}

/** Runs every command that reads a record, those that write to their end; what they print. */
async function everything(bench: Bench, context: () => Context): Promise<string> {
  const { promote } = await import('../../../src/engine/release/promote.ts');
  const { rollback } = await import('../../../src/engine/release/rollback.ts');
  const printed: string[] = [];
  const now = bench.clock.now();
  await attempt(async () => printed.push(formatText(historyView(await history(context(), { limit: 9 }), now))));
  await attempt(async () => printed.push(formatText(showView(await show(context(), 'stg', { now: true }), now))));
  await attempt(where(context(), 'django@V4.2'));
  await attempt(status(context()));
  await attempt(check(context(), { environments: [], registry: true }));
  await attempt(apply(context(), []));
  await attempt(promote(context(), { kind: 'promote', environment: 'prd', versions: {} }));
  await attempt(rollback(context(), { kind: 'rollback', environment: 'stg' }));
  return printed.join('\n');
}

describe.each(sampled(WRITERS, 3))('a writer %s', (_, writer) => {
  let bench: Bench;
  let branches: ReadonlyMap<BranchName, ObjectId>;
  const begin = async (stg: string, signing?: Context['signing']): Promise<void> => {
    bench = createBench({
      config: config(writer.layout, stg),
      files: { signers: 'bot\n' },
      ...(signing && { signing }),
    });
    await bench.released('dev', FIRST);
    await bench.promote('stg');
    if (writer.land) await writer.land(bench);
    await apply(bench.context(), ['stg']);
    await bench.released('dev', { django: 'V4.2' });
    await bench.promote('stg');
    branches = new Map(bench.remote.branches);
  };
  beforeAll(async () => begin(writer.stg));

  const forgeField = async (field: string): Promise<void> => {
    bench.remote.branches.clear();
    for (const [branch, head] of branches) bench.remote.branches.set(branch, head);
    const branch = writer.at(bench);
    const text = bench.remote.file(branch, recordOf('stg'))!;
    const record = parse(text) as Values;
    put(record, field, FORGED[field]![0]);
    if (field === 'config.file') delete (record['config'] as Values)['commit'];
    amend(bench, branch, { [recordOf('stg')]: text.slice(0, text.indexOf('\n') + 1) + toPlainYaml(record) });
    if (writer.land)
      await writer.land(bench).catch(() => bench.remote.branches.set('stg' as BranchName, bench.head(branch)));
  };

  test.each(FIELDS)('%s', async (field) => {
    await forgeField(field);
    const { context, heard } = listened(bench);
    const before = bench.forge.pullRequests.length;
    const printed = await everything(bench, context);
    const allowed = new Set<unknown>(FORGED[field]!.slice(1));
    const opened = bench.forge.pullRequests.slice(before).flatMap(({ branch, title, body }) => [branch, title, body]);
    const all = [...heard, ['forge', opened] as const];
    const told = all.flatMap(([sink, said]) => (said.some((one) => MARK.test(one)) ? [sink] : []));
    expect(told.filter((sink) => !allowed.has(sink))).toEqual([]);
    expect(printed.split('\n').filter((line) => /^\s*(?:::|##\[)/.test(line))).toEqual([]);
  });

  test('where releases are signed, no forged field counts', async () => {
    await begin(`${writer.stg}, signedBy: [bot]`, wordSigning('bot'));
    for (const field of FIELDS) {
      await forgeField(field);
      const past = await attempt(history(bench.context(), { environment: 'stg', limit: 9 }));
      const newest = past.value?.releases[0]?.record.sequence ?? 0;
      expect({ field, isForged: newest > 1 }).toEqual({ field, isForged: false });
    }
  });
});
