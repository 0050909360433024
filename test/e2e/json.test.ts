// The shape of what `-o json` prints, of every command: all keys of a value, always, whatever command prints it; `null` for
// what does not exist; times in ISO 8601. docs/reference/json.md says so, and scripts rely on it.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { EXIT } from '../../src/model/errors.ts';
import { run } from '../support/git-repository.ts';
import { captureIo } from '../support/io.ts';
import { findProgram } from '../support/real.ts';
import { type TestPipeline, createLayoutPipeline, firstReleases } from '../support/pipeline.ts';

type Leaf = 'text' | 'number' | 'boolean' | 'time' | 'digest' | 'commit' | 'anything';
type Shape = Leaf | readonly [Shape] | { readonly maybe: Shape } | { readonly [key: string]: Shape };

const maybe = (shape: Shape): Shape => ({ maybe: shape });

const LEAVES: Readonly<Record<Leaf, (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  time: (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value),
  digest: (value) => typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value),
  commit: (value) => typeof value === 'string' && /^[0-9a-f]{40}$/.test(value),
  anything: () => true,
};

/** Where a value differs from a shape: a key too many, a key too few, a value of another kind. */
function differences(value: unknown, shape: Shape, path = '$'): readonly string[] {
  if (typeof shape === 'string')
    return LEAVES[shape](value) ? [] : [`${path} is ${JSON.stringify(value)}, no ${shape}`];
  if (isList(shape)) {
    if (!Array.isArray(value)) return [`${path} is not a list`];
    return value.flatMap((item, index) => differences(item, shape[0], `${path}[${index}]`));
  }
  if ('maybe' in shape) return value === null ? [] : differences(value, shape['maybe'], path);
  if (typeof value !== 'object' || value === null) return [`${path} is ${JSON.stringify(value)}, no object`];
  const keys = new Set([...Object.keys(shape), ...Object.keys(value)]);
  return [...keys].flatMap((key) => {
    if (!(key in shape)) return [`${path} has ${key} beside what is documented`];
    if (!(key in value)) return [`${path} lacks ${key}`];
    return differences((value as Record<string, unknown>)[key], shape[key]!, `${path}.${key}`);
  });
}

function isList(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}

const problem = maybe({ code: 'text', what: 'text', why: maybe('text'), fix: maybe('text') });
const image = { name: 'text', repository: 'text', version: 'text', digest: 'digest' } as const;
const hold = {
  release: 'number',
  images: [{ name: 'text', version: 'text', digest: 'digest' }],
  commit: maybe('commit'),
  reason: maybe('text'),
} as const;
const rulesChange = { commit: 'text', author: 'text', time: 'time' } as const;
const source = {
  image: 'text',
  repository: maybe('text'),
  from: maybe('commit'),
  to: maybe('commit'),
  told: maybe('text'),
  direction: maybe('text'),
  total: 'number',
  commits: [{ id: 'commit', subject: 'text', author: 'text', time: 'time' }],
  issues: ['text'],
  link: maybe('text'),
  missing: maybe('text'),
} as const;
const gate = {
  gate: 'text',
  decision: 'text',
  reason: 'text',
  until: maybe('text'),
  by: maybe('text'),
  why: maybe('text'),
} as const;
const record = {
  schema: 'number',
  environment: 'text',
  sequence: 'number',
  action: 'text',
  images: [image],
  source: { environment: maybe('text'), branch: 'text', commit: 'commit' },
  application: maybe('text'),
  base: maybe('commit'),
  previous: maybe({ sequence: 'number', commit: maybe('commit') }),
  scope: maybe('commit'),
  restored: maybe({ sequence: 'number', commit: 'commit', imagesOnly: 'boolean' }),
  actor: 'text',
  onBehalfOf: maybe('text'),
  job: maybe('text'),
  time: 'time',
  reason: maybe('text'),
  held: [hold],
  gates: [gate],
  merged: ['commit'],
  overrides: ['text'],
  rulesChanged: [rulesChange],
  journal: maybe('commit'),
  plan: 'digest',
  config: { commit: maybe('commit'), file: maybe('digest') },
} as const satisfies Shape;
const verification = maybe({
  id: 'text',
  result: 'text',
  time: 'text',
  steps: [{ name: 'text', result: 'text', seen: 'text' }],
});
const past = {
  ...record,
  commit: 'commit',
  signer: maybe('text'),
  since: 'time',
  until: maybe('time'),
  changes: [{ image: 'text', from: maybe('text'), to: maybe('text') }],
  verification,
} as const;
const left = maybe({ environment: 'text', commit: 'commit', time: 'time', branch: maybe('text') });
const entry = {
  kind: 'text',
  id: 'text',
  environment: maybe('text'),
  application: maybe('text'),
  time: 'text',
  until: maybe('text'),
  ends: maybe('text'),
  actor: 'text',
  onBehalfOf: maybe('text'),
  job: maybe('text'),
  reason: maybe('text'),
  rollbacks: 'boolean',
  image: maybe({ name: maybe('text'), version: maybe('text'), digest: 'digest' }),
  subject: maybe('digest'),
  gate: maybe('text'),
  release: maybe({ sequence: 'number', commit: 'commit' }),
  result: maybe('text'),
  steps: ['anything'],
  lost: ['commit'],
  signed: 'boolean',
} as const;
const shown = { ...past, left, entries: [entry], sources: maybe([source]), at: maybe('time') } as const;
const tag = {
  image: 'text',
  repository: 'text',
  tag: 'text',
  digest: 'digest',
  status: 'text',
  previous: maybe('digest'),
  error: problem,
} as const;
const place = maybe('text');
const check = { state: 'text', found: maybe('text'), place, error: problem } as const;
const field = {
  image: 'text',
  path: 'text',
  line: 'number',
  field: 'text',
  before: maybe('text'),
  after: 'text',
} as const;
const done = {
  outcome: 'text',
  environment: 'text',
  commit: 'commit',
  release: 'number',
  record,
  tags: [tag],
  fields: [field],
  configurationChanges: ['text'],
  previous: maybe(record),
} as const;
const failure = {
  error: {
    code: 'text',
    exit: 'number',
    retryable: 'boolean',
    what: 'text',
    why: maybe('text'),
    fix: maybe('text'),
    details: 'anything',
  },
} as const;
const drafted = {
  written: ['text'],
  images: maybe(['text']),
  environments: maybe(['text']),
  created: ['text'],
  layout: maybe({ name: 'text', certainty: 'text', why: 'text' }),
  applications: maybe(['text']),
} as const;

const written = { entries: [entry] } as const;

/** Played in this order, on one pipeline: a promotion first, then its repetition, then what reads, then the rest. */
const fileChange: Shape = {
  path: 'text',
  patch: 'text',
  settings: [{ object: maybe('text'), subject: 'text', field: 'text', before: maybe('text'), after: maybe('text') }],
};

const environmentStatus: Shape = {
  environment: 'text',
  branch: 'text',
  from: 'text',
  head: maybe('commit'),
  record: maybe(record),
  since: maybe('time'),
  images: [{ ...image, tag: 'text', branch: check, registry: check, live: maybe('anything') }],
  waiting: [{ image: 'text', here: maybe('text'), upstream: 'text', held: 'boolean', older: 'boolean' }],
  asked: [{ branch: 'text', record }],
  held: [hold],
  notUpstream: {
    commits: [{ id: 'commit', subject: 'text', author: 'text', time: 'time' }],
    images: [{ name: 'text', repository: 'text', version: 'text', digest: 'digest' }],
  },
  unreleased: [{ environment: 'text', commit: 'commit', author: 'text', time: 'time', subject: 'text', what: 'text' }],
  unnamed: ['text'],
  strays: [{ image: 'text', path: 'text', line: 'number', text: 'text' }],
  locks: [{ id: 'text', rollbacks: 'boolean', by: 'text', reason: maybe('text'), until: maybe('time') }],
  journalHolds: [
    {
      id: 'text',
      name: maybe('text'),
      version: maybe('text'),
      digest: 'digest',
      by: 'text',
      reason: maybe('text'),
    },
  ],
  verification,
  journalProblem: problem,
  problem,
};

interface Row {
  readonly args: readonly string[];
  readonly shape: Shape;
  readonly exit?: number;
  /** The program without which the row is left out. */
  readonly needs?: string;
}

const ROWS: readonly Row[] = [
  {
    args: ['promote', 'stg', '--dry-run'],
    shape: { outcome: 'text', environment: 'text', plan: 'anything', files: [fileChange], sources: maybe([source]) },
  },
  { args: ['promote', 'stg', '--reason', 'SHOP-7'], shape: done },
  { args: ['promote', 'stg'], shape: done },
  { args: ['rollback', 'stg', '--reason', 'INC-412'], shape: done },
  { args: ['promote', 'stg'], shape: failure, exit: 3 },
  { args: ['promote', 'qa'], shape: failure, exit: 4 },
  { args: ['promote'], shape: failure, exit: 2 },
  {
    args: ['tag', 'oci:registry/django:V3.2', 'dev'],
    shape: {
      repository: 'text',
      digest: 'digest',
      mediaType: 'text',
      tags: [{ repository: 'text', tag: 'text', changed: 'boolean', previous: maybe('digest') }],
      copies: ['anything'],
    },
  },
  {
    args: ['apply', '--all'],
    shape: {
      environments: [{ environment: 'text', head: 'commit', release: maybe('number'), tags: [tag], problem }],
    },
    // The record of prd is broken by now.
    exit: 3,
  },
  {
    args: ['status'],
    shape: {
      environments: [environmentStatus],
    },
  },
  {
    args: ['status', '--gates'],
    shape: {
      environments: [environmentStatus],
      gates: [{ environment: 'text', gates: [gate], problem }],
    },
  },
  {
    args: ['diff', 'dev', 'stg'],
    shape: {
      a: 'text',
      b: 'text',
      images: [{ image: 'text', a: maybe(image), b: maybe(image) }],
      commits: [{ id: 'commit', subject: 'text', author: 'text', time: 'time' }],
      files: [fileChange],
      sources: maybe([source]),
    },
  },
  {
    args: ['diff', 'dev', 'stg', '--rendered'],
    shape: {
      a: 'text',
      b: 'text',
      images: [{ image: 'text', a: maybe(image), b: maybe(image) }],
      commits: [{ id: 'commit', subject: 'text', author: 'text', time: 'time' }],
      files: [fileChange],
      rendered: [{ folder: 'text', tool: 'text', problem: maybe('text'), objects: [fileChange] }],
      sources: maybe([source]),
    },
    needs: 'kubectl',
  },
  {
    args: ['history', '--found'],
    shape: {
      releases: [past],
      unverified: [{ environment: 'text', commit: 'commit', author: 'text', time: 'time', problem: 'text' }],
      unreleased: [
        { environment: 'text', commit: 'commit', author: 'text', time: 'time', subject: 'text', what: 'text' },
      ],
      found: [
        {
          environment: 'text',
          commit: 'commit',
          author: 'text',
          time: 'time',
          changes: [{ image: 'text', from: maybe('text'), to: maybe('text'), kind: 'text' }],
        },
      ],
      left: [{ environment: 'text', commit: 'commit', time: 'time', branch: maybe('text') }],
      entries: [entry],
    },
  },
  {
    args: ['metrics', '--since', '20000d'],
    shape: {
      since: 'time',
      until: 'time',
      metrics: [
        {
          line: 'text',
          environment: 'text',
          application: maybe('text'),
          deployments: ['number'],
          deploymentsPerWeek: 'number',
          deploymentIntervalSeconds: maybe('number'),
          changeLeadTimeSeconds: maybe('number'),
          changes: [{ release: 'number', commit: 'commit', seconds: 'number' }],
          leadTimeUnknown: ['number'],
          failed: [{ release: 'number', sign: 'text', recovered: maybe('number'), seconds: maybe('number') }],
          changeFailRate: maybe('number'),
          failedDeploymentRecoveryTimeSeconds: maybe('number'),
          rework: ['number'],
          deploymentReworkRate: maybe('number'),
        },
      ],
    },
  },
  {
    args: ['report', 'page'],
    shape: {
      file: 'text',
      bytes: 'number',
      environments: 'number',
      releases: 'number',
      findings: maybe('number'),
      problem: maybe('text'),
    },
  },
  {
    args: ['audit', 'export', 'evidence'],
    shape: { folder: 'text', files: 'number', releases: 'number', findings: 'number' },
  },
  {
    args: ['check'],
    shape: {
      environments: [
        {
          environment: 'text',
          branch: 'text',
          head: 'commit',
          commits: 'number',
          releases: 'number',
          whole: 'boolean',
          unchecked: problem,
        },
      ],
      findings: [
        {
          rule: 'text',
          environment: 'text',
          branch: 'text',
          commit: 'commit',
          author: 'text',
          time: 'time',
          problem: 'text',
        },
      ],
    },
    exit: 3,
  },
  {
    args: ['doctor'],
    shape: {
      errors: 'number',
      warnings: 'number',
      findings: [
        {
          severity: 'text',
          check: 'text',
          subject: 'text',
          what: 'text',
          why: maybe('text'),
          fix: maybe('text'),
          details: maybe('anything'),
        },
      ],
    },
    exit: EXIT.unwell,
  },
  { args: ['show', 'stg'], shape: shown },
  { args: ['show', 'stg', '--release', '1'], shape: shown },
  { args: ['show', 'stg', '--at', '0s'], shape: shown },
  {
    args: ['status', '--at', '0s'],
    shape: { at: 'time', environments: [{ environment: 'text', release: maybe(past), left }] },
  },
  {
    args: ['where', 'django@V4.0', '--found'],
    shape: {
      spans: [
        {
          environment: 'text',
          image: 'text',
          version: 'text',
          digest: 'digest',
          from: 'time',
          until: maybe('time'),
          releases: ['number'],
          actor: 'text',
          onBehalfOf: maybe('text'),
          reason: maybe('text'),
          left,
        },
      ],
      found: [
        {
          environment: 'text',
          image: 'text',
          version: 'text',
          from: 'time',
          until: maybe('time'),
          author: 'text',
          commit: 'commit',
        },
      ],
    },
  },
  { args: ['explain', 'held'], shape: { code: 'text', exit: 'number', retryable: 'boolean', page: 'text' } },
  {
    args: ['versions', 'django'],
    shape: {
      image: 'text',
      repository: 'text',
      versions: [{ version: 'text', environments: ['text'] }],
      total: 'number',
    },
  },
  { args: ['hold', 'django@V3.2', 'prd', '--reason', 'CVE'], shape: written },
  { args: ['lift', 'django@V3.2', 'prd'], shape: written },
  { args: ['lock', 'dev', '--reason', 'migration'], shape: written },
  { args: ['unlock', 'dev'], shape: written },
  // What a verification prints has its own test: test/e2e/verify.test.ts.
  { args: ['verify', 'dev'], shape: failure, exit: 2 },
  { args: ['approve', 'stg'], shape: failure, exit: 2 },
  { args: ['unapprove', '000000000000'], shape: failure, exit: 4 },
  { args: ['override', 'stg', 'soak', '--reason', 'x'], shape: failure, exit: 2 },
  { args: ['journal'], shape: written },
  { args: ['init', '--yes'], shape: drafted },
  { args: ['-C', 'checkout', 'init'], shape: drafted },
];

/** These print text in every format, as the reference says; `ui` runs until it is stopped (e2e/page.test.ts). */
const TEXT_ONLY = ['ui', 'demo', 'completion', 'help'];

let pipeline: TestPipeline;
const seen = new Map<number, { readonly exit: number | undefined; readonly stdout: string }>();

const TABLE = ROWS.filter(({ needs }) => needs === undefined || findProgram(needs) !== undefined);

beforeAll(async () => {
  pipeline = await firstReleases(await createLayoutPipeline());
  const { repository, folder } = pipeline;
  await repository.commit('main', { 'environments/base/note.yaml': '{}\n' }, { message: 'a note\n' });
  const checkout = join(folder, 'checkout');
  await mkdir(checkout);
  await run('git', ['init', '-q', '-b', 'main'], { cwd: checkout });
  await writeFile(
    join(checkout, 'pod.yaml'),
    'kind: Pod\nspec:\n  containers:\n  - image: registry.example.com/a/django:V1\n',
  );
  for (const [index, { args }] of TABLE.entries()) {
    // From here on the readers have every case before them: a record, then a registry that cannot be read.
    if (args[0] === 'apply') {
      const path = '.tagflow/releases/prd.yaml';
      await repository.commit('prd', { [path]: 'schema: 9\n' }, { message: 'by hand\n' });
    }
    if (args[0] === 'status') await rm(join(folder, 'registry/mariadb/index.json'), { force: true });
    const env = args.includes('checkout') ? { TAGFLOW_REPO: undefined } : {};
    seen.set(index, await pipeline.tagflow(['-o', 'json', ...args], { env }));
  }
}, 300_000);

afterAll(async () => {
  await pipeline.remove();
});

it.each(TABLE.map((row, index) => ({ ...row, index })))('$args', ({ index, shape, exit = 0 }) => {
  const result = seen.get(index)!;
  expect(result).toMatchObject({ exit });
  const { schemaVersion, ...data } = JSON.parse(result.stdout) as Record<string, unknown>;
  expect(schemaVersion).toBe(1);
  expect(differences(data, shape)).toEqual([]);
});

it('no command is left out', () => {
  const told = new Set(TABLE.flatMap(({ args }) => args));
  const all = createProgram(captureIo([]).io)
    .commands.map((command) => command.name())
    .filter((name) => !name.startsWith('__'));
  expect(all.filter((name) => !told.has(name))).toEqual(TEXT_ONLY);
});
