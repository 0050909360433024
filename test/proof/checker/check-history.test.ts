// Each rule of the checker is shown a history that keeps it and one that breaks it.
import { expect, test } from 'vitest';
import { checkHistory, describeViolation } from './check-history.ts';
import {
  type CommitFacts,
  type EnvironmentHistory,
  type History,
  type JournalEntryFacts,
  type JournalFacts,
  type Operation,
  RULES,
  type RecordFacts,
  type Rule,
  type TagObservation,
} from './history.ts';

const REPOSITORY = 'registry.example.org/app';
const PASSED = [
  { gate: 'downgrade', decision: 'pass' },
  { gate: 'held', decision: 'pass' },
  { gate: 'divergence', decision: 'pass' },
];
const PUBLISHED = ['V1', 'V2', 'V3', 'V4'].map((version) => ({ version, digest: digestOf(version) }));

function digestOf(version: string): string {
  return `sha256:${version.toLowerCase()}`;
}

function recordFacts(sequence: number, version: string, more: Partial<RecordFacts> = {}): RecordFacts {
  return {
    environment: 'prd',
    sequence,
    ...(sequence > 1 && { previous: sequence - 1, follows: `c${sequence - 1}` }),
    action: 'promote',
    base: `c${sequence - 1}`,
    actor: `actor-${sequence}`,
    images: [{ name: 'app', repository: REPOSITORY, version, digest: digestOf(version) }],
    source: { commit: `u${sequence}` },
    held: [],
    gates: PASSED,
    plan: `plan-${sequence}`,
    ...more,
  };
}

/** The commit of a release; `c1` on `c0`, and so on. */
function commitOf(record: RecordFacts, more: Partial<CommitFacts> = {}): CommitFacts {
  const pins = Object.fromEntries(record.images.map(({ name, digest }) => [name, digest]));
  return { id: `c${record.sequence}`, parents: [record.base ?? ''], record, pins, ...more };
}

function tagsOf(
  { sequence, images }: RecordFacts,
  status: 'right' | 'moved' = 'moved',
): NonNullable<Operation['tags']> {
  return images.flatMap(({ repository, digest }) => [
    { repository, tag: `prd-${sequence}`, digest, status },
    { repository, tag: 'prd', digest, status },
  ]);
}

/** V1, V2, V3, then back to V2 (which holds V3), then V4. */
const HOLD = { release: 3, images: [{ name: 'app', digest: digestOf('V3') }] };
const RECORDS = [
  recordFacts(1, 'V1'),
  recordFacts(2, 'V2'),
  recordFacts(3, 'V3'),
  recordFacts(4, 'V2', {
    action: 'rollback',
    restored: { sequence: 2, commit: 'c2' },
    source: { commit: 'u2' },
    held: [HOLD],
    gates: [{ gate: 'divergence', decision: 'pass' }],
  }),
  recordFacts(5, 'V4', { held: [HOLD] }),
] as const;

const ENVIRONMENT: EnvironmentHistory = {
  name: 'prd',
  tag: 'prd',
  line: [...RECORDS.map((record) => commitOf(record)).reverse(), { id: 'c0', parents: [] }],
  base: 'c0',
  rewinds: [],
};

const GOOD: History = {
  environments: [ENVIRONMENT],
  operations: RECORDS.map((record) => ({
    actor: record.actor,
    kind: record.action === 'import' ? 'promote' : record.action,
    environment: 'prd',
    started: record.sequence * 10,
    ended: record.sequence * 10 + 9,
    exit: 0,
    outcome: 'released',
    commit: `c${record.sequence}`,
    sequence: record.sequence,
    ...(record.action === 'promote' && { versions: { app: record.images[0]?.version ?? '' } }),
    tags: tagsOf(record),
  })),
  tags: [
    ...RECORDS.map(({ sequence, images: [image] }) => ({
      repository: REPOSITORY,
      tag: `prd-${sequence}`,
      digest: image?.digest ?? '',
    })),
    { repository: REPOSITORY, tag: 'prd', digest: digestOf('V4') },
  ],
  observations: RECORDS.flatMap((record) =>
    tagsOf(record).map(({ repository, tag, digest }) => ({ at: record.sequence * 10 + 5, repository, tag, digest })),
  ),
  everyWrite: true,
  settled: true,
  published: { app: PUBLISHED },
};

/** The good history with another branch. */
function branch(change: Partial<EnvironmentHistory>): History {
  return { ...GOOD, environments: [{ ...ENVIRONMENT, ...change }] };
}

/** The good history with one commit other than it was. */
function commit(sequence: number, change: (record: RecordFacts, commit: CommitFacts) => CommitFacts): History {
  return branch({
    line: ENVIRONMENT.line.map((facts) =>
      facts.id === `c${sequence}` ? change(RECORDS[sequence - 1] ?? RECORDS[0], facts) : facts,
    ),
  });
}

/** The good history with one release's record other than it was. */
function record(sequence: number, change: Partial<RecordFacts>): History {
  return commit(sequence, (old) => commitOf({ ...old, ...change }));
}

/** The good history with one operation other than it was. */
function operation(sequence: number, change: Partial<Operation>, history = GOOD): History {
  const operations = history.operations.map((each, index) => (index === sequence - 1 ? { ...each, ...change } : each));
  return { ...history, operations };
}

/** The good history with one operation that lacks some facts. */
function without(sequence: number, ...keys: readonly (keyof Operation)[]): History {
  const operations = GOOD.operations.map((each, index) =>
    index === sequence - 1
      ? (Object.fromEntries(
          Object.entries(each).filter(([key]) => !keys.includes(key as keyof Operation)),
        ) as Operation & object)
      : each,
  );
  return { ...GOOD, operations };
}

function observed(...more: readonly TagObservation[]): History {
  return { ...GOOD, observations: [...GOOD.observations, ...more] };
}

/** The good history after an administrator took release 5 away, and what came instead. */
function rewound(...instead: readonly CommitFacts[]): History {
  const [dropped, ...rest] = ENVIRONMENT.line;
  return {
    ...branch({
      line: [...instead, ...rest],
      rewinds: [{ at: 60, from: 'c5', to: 'c4', dropped: dropped ? [dropped] : [] }],
    }),
    tags: GOOD.tags.map((each) => (each.tag === 'prd' ? { ...each, digest: digestOf('V2') } : each)),
  };
}

/** The good history after a merge that hides releases 4 and 5, and what came on top of it. */
function merged(...onTop: readonly CommitFacts[]): History {
  const merge: CommitFacts = { id: 'm', parents: ['c3', 'c5'], record: { ...RECORDS[2], base: undefined } };
  return branch({
    line: [...onTop, merge, ...ENVIRONMENT.line.slice(2)],
    rewinds: [{ at: 60, from: 'c5', to: 'c3', merge: 'm', dropped: ENVIRONMENT.line.slice(0, 2) }],
  });
}

/** The good history with a commit that changed the record by hand, and what came on top. */
function forged(...onTop: readonly CommitFacts[]): History {
  return branch({ line: [...onTop, { id: 'f', parents: ['c5'], isForged: true }, ...ENVIRONMENT.line] });
}

/** The same, after a rollback to release 5 has continued the line there. */
function mended(): History {
  const next = recordFacts(6, 'V4', {
    action: 'rollback',
    base: 'm',
    restored: { sequence: 5, commit: 'c5' },
    held: [HOLD],
    gates: [{ gate: 'divergence', decision: 'pass' }],
  });
  const { tags, observations, operations } = GOOD;
  const merge: CommitFacts = { id: 'm', parents: ['c3', 'c5'], record: { ...RECORDS[2], base: undefined } };
  const made = { actor: 'actor-6', kind: 'rollback', environment: 'prd', started: 70, ended: 79, exit: 0 } as const;
  return {
    ...branch({
      line: [commitOf(next), ...ENVIRONMENT.line],
      rewinds: [{ at: 60, from: 'c5', to: 'c3', merge: 'm', dropped: [...ENVIRONMENT.line.slice(0, 2), merge] }],
    }),
    operations: [...operations, { ...made, outcome: 'released', commit: 'c6', sequence: 6, tags: tagsOf(next) }],
    tags: [...tags, { repository: REPOSITORY, tag: 'prd-6', digest: digestOf('V4') }],
    observations: [...observations, { at: 75, repository: REPOSITORY, tag: 'prd-6', digest: digestOf('V4') }],
  };
}

const applied = { actor: 'repair', kind: 'apply', environment: 'prd', started: 80, ended: 89 } as const;

const image = (version: string): RecordFacts['images'] => recordFacts(1, version).images;

/** The good history with a commit by hand below one release; its file is there until another. */
function handMade(below: number, until: number, by: Partial<CommitFacts> = {}): History {
  return branch({
    line: ENVIRONMENT.line.flatMap((facts): readonly CommitFacts[] => {
      const sequence = Number(facts.id.slice(1));
      const kept = sequence >= below && sequence < until && { handMade: ['hotfix'] };
      if (sequence !== below) return [{ ...facts, ...kept }];
      const old = RECORDS[sequence - 1] ?? RECORDS[0];
      return [
        { ...commitOf({ ...old, base: 'h' }), ...kept },
        { id: 'h', parents: [`c${below - 1}`], handMade: ['hotfix'], ...by },
      ];
    }),
  });
}

function entryOf(kind: string, entry: string, more: Partial<JournalEntryFacts> = {}): JournalEntryFacts {
  return { path: `${kind}/${entry}`, kind, environment: 'prd', entry, ...more };
}

function headOf(id: string, entries: readonly JournalEntryFacts[], below?: string): JournalFacts['heads'][number] {
  return { id, entries, below: below === undefined ? [id] : [id, below] };
}

/** The good history with a journal; by default its one head was there as releases 4 and 5 landed, which name it. */
function journal({
  heads = [headOf('j1', [])],
  when = { c4: { head: heads[0]?.id }, c5: { head: heads[0]?.id } },
  acknowledged = [],
  named = { 4: heads[0]?.id, 5: heads[0]?.id },
}: Partial<JournalFacts> & { readonly named?: Readonly<Record<number, string | undefined>> }): History {
  const records = RECORDS.map((one) => {
    const head = named[one.sequence];
    return head === undefined ? one : { ...one, journal: head };
  });
  const line = [...records.map((one) => commitOf(one)).reverse(), { id: 'c0', parents: [] }];
  return { ...GOOD, environments: [{ ...ENVIRONMENT, line }], journal: { heads, when, acknowledged } };
}

const BAD: Readonly<Record<string, readonly [Rule, History]>> = {
  'a commit that does not stand on the one below': [
    'not-linear',
    commit(3, (_, old) => ({ ...old, parents: ['x', 'c2'] })),
  ],
  'a line without where it began': ['not-linear', branch({ base: 'x' })],
  'a commit twice': ['not-linear', branch({ line: [ENVIRONMENT.line[0]!, ...ENVIRONMENT.line] })],
  'a head that was seen and is gone': ['not-linear', branch({ heads: [{ at: 12, id: 'x' }] })],
  'a branch that went back and came again': [
    'not-linear',
    branch({
      heads: [
        { at: 12, id: 'c2' },
        { at: 13, id: 'c1' },
      ],
    }),
  ],
  'a rewound commit that is back': [
    'resurrected',
    branch({ rewinds: [{ at: 60, from: 'c5', to: 'c4', dropped: ENVIRONMENT.line.slice(0, 1) }] }),
  ],
  'an acknowledged release that is not there': ['acknowledged-lost', operation(3, { commit: 'x' })],
  'an acknowledged release without its tags that is not there': [
    'acknowledged-lost',
    operation(3, { commit: 'x', exit: 8, error: 'tags-incomplete' }),
  ],
  'the release of another': ['exit-untrue', operation(3, { commit: 'c2', sequence: 2 })],
  'another number than the record has': ['exit-untrue', operation(3, { sequence: 4 })],
  'another version than was asked for': ['exit-untrue', operation(3, { versions: { app: 'V4' } })],
  'another version than was asked for by *': ['exit-untrue', operation(3, { versions: { '*': 'V4' } })],
  'exit 0 with an error': ['exit-untrue', operation(3, { error: 'tags-incomplete' })],
  'exit 0 without an outcome': ['exit-untrue', without(3, 'outcome')],
  'exit 0 with a tag that failed': [
    'exit-untrue',
    operation(3, { tags: tagsOf(RECORDS[2]).map((tag) => ({ ...tag, status: 'failed' as const })) }),
  ],
  'exit 8 with no tag that failed': ['exit-untrue', operation(3, { exit: 8 })],
  'exit 0 with one tag of two': ['exit-untrue', operation(3, { tags: tagsOf(RECORDS[2]).slice(0, 1) })],
  'exit 0 with tags of two releases': [
    'exit-untrue',
    operation(3, { tags: [...tagsOf(RECORDS[2]).slice(0, 1), ...tagsOf(RECORDS[1]).slice(1)] }),
  ],
  'tags that were never so while it ran': ['exit-untrue', operation(2, { started: 38, ended: 39 })],
  'an apply of a head that never was': [
    'exit-untrue',
    {
      ...GOOD,
      operations: [
        ...GOOD.operations,
        {
          actor: 'a',
          kind: 'apply',
          environment: 'prd',
          started: 90,
          ended: 91,
          exit: 0,
          outcome: 'applied',
          commit: 'x',
        },
      ],
    },
  ],
  'a refusal that landed': ['landed-unacknowledged', operation(3, { exit: 3, outcome: 'refused' })],
  'a lost race that landed': ['landed-unacknowledged', operation(3, { exit: 5, error: 'race-lost' })],
  'no connection, and it landed': ['landed-unacknowledged', operation(3, { exit: 7, error: 'remote-unavailable' })],
  'unchanged, and it landed': ['landed-unacknowledged', operation(3, { outcome: 'unchanged' })],
  'a rewound branch that nobody rewound': [
    'wrong-verdict',
    {
      ...GOOD,
      operations: [
        ...GOOD.operations,
        { actor: 'a', kind: 'apply', environment: 'prd', started: 90, ended: 91, exit: 3, error: 'branch-rewound' },
      ],
    },
  ],
  'an edited plan that nobody edited': ['wrong-verdict', operation(3, { exit: 2, error: 'plan-invalid' })],
  'two releases of one operation': ['landed-twice', record(3, { actor: 'actor-2' })],
  'a release by nobody': ['made-by-nobody', record(3, { actor: 'x' })],
  'a release by an apply': ['made-by-nobody', operation(3, { kind: 'apply' })],
  'a release by an operation for another environment': ['made-by-nobody', operation(3, { environment: 'stg' })],
  'a record that cannot be read': [
    'record-invalid',
    commit(5, (_, old) => ({ ...old, record: { invalid: 'no YAML' } })),
  ],
  'a record of another environment': ['record-invalid', record(3, { environment: 'stg' })],
  'pins that differ from the record': [
    'record-pins-differ',
    commit(3, (_, old) => ({ ...old, pins: { app: digestOf('V1') } })),
  ],
  'an image without a pin': ['record-pins-differ', commit(3, (_, old) => ({ ...old, pins: {} }))],
  'a number twice': ['sequence-broken', record(3, { sequence: 2, previous: 1, base: 'c2' })],
  'a gap': ['sequence-broken', record(5, { sequence: 6, previous: 5, base: 'c4' })],
  'a first release with a higher number': [
    'sequence-broken',
    branch({ line: [commitOf(recordFacts(2, 'V2', { base: 'c0' })), { id: 'c0', parents: [] }] }),
  ],
  'a release that follows the wrong one': ['sequence-broken', record(5, { previous: 3 })],
  'a release that names another commit below it': ['sequence-broken', record(5, { follows: 'c3' })],
  'a gate that refused': [
    'ungated-release',
    record(3, { gates: [{ gate: 'downgrade', decision: 'refuse' }, ...PASSED.slice(1)] }),
  ],
  'a gate that was not asked': ['ungated-release', record(3, { gates: PASSED.slice(1) })],
  'an override that nobody asked for': [
    'ungated-release',
    record(3, { gates: [...PASSED.slice(0, 2), { gate: 'divergence', decision: 'overridden' }] }),
  ],
  'a plan that its actor did not make': ['ungated-release', operation(3, { plans: ['other'] })],
  'a downgrade': ['downgrade-landed', record(5, { images: image('V1') })],
  'a digest that the version never had': [
    'version-differs',
    record(3, { images: [{ ...image('V3')[0]!, digest: digestOf('V4') }] }),
  ],
  'work by hand that a promotion lost': ['hand-made-lost', handMade(3, 3)],
  'a held release that came straight back': ['held-returned', record(5, { images: image('V3') })],
  'a held configuration that came straight back': [
    'held-returned',
    branch({
      line: [
        commitOf(recordFacts(3, 'V1', { source: { commit: 'u1' } })),
        commitOf(
          recordFacts(2, 'V1', {
            action: 'rollback',
            restored: { sequence: 1, commit: 'c1' },
            source: { commit: 'u0' },
            held: [{ release: 1, images: [], commit: 'u1' }],
          }),
        ),
        ...ENVIRONMENT.line.slice(4),
      ],
    }),
  ],
  'a rollback that holds nothing': ['hold-lost', record(4, { held: [] })],
  'a hold that nobody lifted and that is gone': ['hold-lost', record(5, { held: [] })],
  'a rollback to a release that is not there': [
    'rollback-wrong',
    record(4, { restored: { sequence: 2, commit: 'x' } }),
  ],
  'a rollback to half a release': ['rollback-wrong', record(4, { images: image('V1') })],
  'a rollback to the release it left': ['rollback-wrong', record(4, { restored: { sequence: 3, commit: 'c3' } })],
  'a rollback by itself of somebody’s newer release': [
    'rolled-back-wrongly',
    record(4, { reason: 'verification 0a1b2c3d4e5f of release 2 failed: version: no' }),
  ],
  'a rollback of a head that nobody saw': ['rollback-replanned', operation(4, { saw: 'c2' })],
  'a per-release tag that moved': [
    'release-tag-moved',
    observed({ at: 70, repository: REPOSITORY, tag: 'prd-2', digest: digestOf('V1') }),
  ],
  'a per-release tag that went away': [
    'release-tag-moved',
    { ...GOOD, tags: GOOD.tags.filter(({ tag }) => tag !== 'prd-2') },
  ],
  'a per-release tag of another image': [
    'release-tag-wrong',
    { ...GOOD, tags: GOOD.tags.map((each) => (each.tag === 'prd-2' ? { ...each, digest: digestOf('V1') } : each)) },
  ],
  'a per-release tag of no release': [
    'release-tag-wrong',
    observed({ at: 70, repository: REPOSITORY, tag: 'prd-9', digest: digestOf('V1') }),
  ],
  'a target tag on what no release had': [
    'ungated-tag',
    observed({ at: 70, repository: REPOSITORY, tag: 'prd', digest: 'sha256:x' }),
  ],
  'a target tag that stayed behind': [
    'alias-differs',
    { ...GOOD, tags: GOOD.tags.map((each) => (each.tag === 'prd' ? { ...each, digest: digestOf('V2') } : each)) },
  ],
  'a head without its per-release tag': [
    'alias-differs',
    { ...GOOD, tags: GOOD.tags.filter(({ tag }) => tag !== 'prd-5') },
  ],
  'an apply that overlooks a merge that hides releases': [
    'forgotten',
    { ...merged(), operations: [...GOOD.operations, { ...applied, exit: 0, outcome: 'applied', commit: 'm' }] },
  ],
  'a release on top of a merge that hides releases': [
    'forgotten',
    merged(commitOf(recordFacts(4, 'V4', { base: 'm', follows: 'c3' }), { id: 'x' })),
  ],
  'a promotion on top of a record that hands wrote': [
    'forgery-believed',
    forged(commitOf(recordFacts(6, 'V4', { base: 'f', follows: 'c5' }), { id: 'c6' })),
  ],
  'an apply on the word of a record that hands wrote': [
    'forgery-believed',
    { ...forged(), operations: [...GOOD.operations, { ...applied, exit: 0, outcome: 'applied', commit: 'f' }] },
  ],
  'a record that hands wrote, in the end': ['forgery-stays', forged()],
  'a journal that lost an entry': [
    'journal-shrank',
    journal({ heads: [headOf('j1', [entryOf('lift', 'e1')]), headOf('j2', [], 'j1')] }),
  ],
  'an entry that was acknowledged and is not there': [
    'entry-lost',
    journal({ acknowledged: [{ actor: 'lea', entry: 'e9' }] }),
  ],
  'a release that names an older head of the journal': ['journal-not-held', journal({ named: { 5: 'j0' } })],
  'a release past a lock': ['lock-passed', journal({ heads: [headOf('j1', [entryOf('lock', 'e1')])] })],
  'a rollback past a lock that stops rollbacks': [
    'lock-passed',
    journal({ heads: [headOf('j1', [entryOf('lock', 'e1', { rollbacks: true })])] }),
  ],
  'a release of an image on hold': [
    'hold-passed',
    journal({ heads: [headOf('j1', [entryOf('hold', 'e1', { digest: digestOf('V4') })])] }),
  ],
  'a release after the journal lost what the one before relied on': [
    'journal-forgotten',
    journal({ heads: [headOf('j2', []), headOf('j1', [])], when: { c5: { head: 'j1' } }, named: { 4: 'j2', 5: 'j1' } }),
  ],
  'exit 1': ['defect', operation(3, { exit: 1 })],
  'no exit code': ['defect', without(3, 'exit')],
  'an internal error': ['defect', operation(3, { exit: 1, error: 'internal' })],
  'an operation without an end': ['never-ended', without(3, 'ended')],
};

test('a history that keeps every promise has no violation', () => {
  expect(checkHistory(GOOD)).toEqual([]);
});

test.each(Object.entries(BAD))('%s is found out', (_, [rule, history]) => {
  expect(checkHistory(history).map((violation) => violation.rule)).toContain(rule);
});

test('every rule is shown to fire', () => {
  const shown = new Set(Object.values(BAD).map(([rule]) => rule));
  expect(Object.keys(RULES).filter((rule) => !shown.has(rule as Rule))).toEqual([]);
});

const ALLOWED: Readonly<Record<string, History>> = {
  'a killed operation whose release is there': operation(3, { killed: true }, without(3, 'ended', 'exit', 'outcome')),
  'a killed operation whose release is not there': {
    ...GOOD,
    operations: [...GOOD.operations, { actor: 'k', kind: 'promote', environment: 'prd', started: 1, killed: true }],
  },
  'an unknown outcome whose release is there': operation(
    3,
    { exit: 7, error: 'push-outcome-unknown' },
    without(3, 'outcome', 'commit', 'tags', 'sequence'),
  ),
  'a held release whose hold was lifted': operation(
    5,
    { overrides: ['held'], versions: { app: 'V3' } },
    {
      ...record(5, { images: image('V3'), gates: [PASSED[0]!, { gate: 'held', decision: 'overridden' }, PASSED[2]!] }),
      observations: [],
      tags: [],
      everyWrite: false,
      settled: false,
      operations: GOOD.operations.map((each) => ({ ...each, tags: [] })),
    },
  ),
  'a release that an administrator rewound': rewound(),
  'a lock that was taken off, and one of another environment': journal({
    heads: [
      headOf('j1', [
        entryOf('lock', 'e1'),
        entryOf('unlock', 'e2', { ends: 'e1' }),
        entryOf('lock', 'e3', { environment: 'stg' }),
        entryOf('hold', 'e4', { digest: digestOf('V9') }),
      ]),
    ],
    acknowledged: [{ actor: 'lea', entry: 'e4' }],
  }),
  'a release that landed as the journal was made': journal({
    heads: [headOf('j1', [entryOf('lock', 'e1')])],
    when: { c5: { head: 'j1' } },
    named: {},
  }),
  'a merge that hides releases, and an apply that says so': {
    ...merged(),
    operations: [...GOOD.operations, { ...applied, exit: 3, error: 'branch-rewound' }],
  },
  'a rollback that continues a line where a merge hid releases': mended(),
  'work by hand that stays': handMade(3, 6),
  'work by hand that a rollback leaves behind': handMade(4, 4),
  'what a squash took from upstream, and upstream took back': handMade(3, 3, { squashes: true }),
  'a tag that read as it was a moment ago': { ...operation(2, { started: 38, ended: 39 }), staleness: 5 },
};

test.each(Object.entries(ALLOWED))('%s breaks no promise', (_, history) => {
  expect(checkHistory(history)).toEqual([]);
});

test('a violation is reported on one line, its rule first', () => {
  const [violation] = checkHistory(operation(3, { exit: 1 }));
  expect(violation && describeViolation(violation)).toBe('defect: actor-3: it ended with exit code 1');
});
