// Release records for tests: one that has every field, and any record there can be; and an environment to make them for.
import * as fc from 'fast-check';
import type { Digest } from '../../src/model/digest.ts';
import { digestOf } from '../../src/model/digest.ts';
import { DEFAULT_POLICY } from '../../src/model/gate-policy.ts';
import type { BranchName, ObjectId } from '../../src/model/object-id.ts';
import type { Environment } from '../../src/model/pipeline.ts';
import { parseTag } from '../../src/model/reference.ts';
import { isRecordText } from '../../src/model/release-record.ts';
import type { GateVerdict, Hold, ReleaseImage, ReleaseRecord } from '../../src/model/release.ts';

/** An object id of one repeated digit. */
export function idOf(digit: string): ObjectId {
  return digit.repeat(40) as ObjectId;
}

/** An environment as `tagflow.yaml` gives it that says nothing of its own. */
export const TARGET: Environment = {
  name: 'prd',
  environment: 'prd',
  application: undefined,
  images: new Map(),
  from: undefined,
  branch: 'prd' as BranchName,
  tag: parseTag('prd'),
  releaseTag: parseTag('prd'),
  tags: true,
  scope: { folders: ['environments/prd'], files: [] },
  carries: 'tree',
  carry: [],
  repositories: new Map(),
  keep: [],
  pin: 'version+digest',
  pins: [],
  retain: 10,
  pullRequest: false,
  hotfix: 'upstream-first',
  confirm: false,
  gates: DEFAULT_POLICY,
  journalBy: new Map(),
};

/** A record with every field that a record can have. */
export const FULL_RECORD: ReleaseRecord = {
  schema: 2,
  environment: 'prd',
  application: 'shop',
  sequence: 3,
  action: 'rollback',
  images: [
    {
      name: 'django',
      repository: 'registry.example.org/shop/django',
      version: parseTag('V4.0'),
      digest: digestOf('a'),
    },
    {
      name: 'mariadb',
      repository: 'registry.example.org/shop/mariadb',
      version: parseTag('1.10'),
      digest: digestOf('b'),
    },
  ],
  source: { environment: 'stg', branch: 'stg', commit: idOf('1') },
  previous: { sequence: 2, commit: idOf('2') },
  scope: idOf('6'),
  restored: { sequence: 1, commit: idOf('3') },
  actor: 'ci #88',
  onBehalfOf: 'ana',
  job: 'https://gitlab.example.org/shop/-/jobs/88',
  time: '2026-03-14T18:00:00Z',
  reason: 'INC-412: checkout "500s" # again',
  held: [
    { release: 2, images: [{ name: 'django', version: parseTag('V4.2'), digest: digestOf('c') }], reason: 'INC-412' },
    { release: 1, images: [], commit: idOf('4') },
  ],
  gates: [
    {
      gate: 'downgrade',
      decision: 'overridden',
      reason: 'older on request: django V4.2 -> V4.0',
      by: 'ana',
      why: 'no',
    },
    { gate: 'soak', decision: 'wait', reason: '3 h of 24 h', until: '2026-03-15T00:00:00Z' },
  ],
  overrides: ['downgrade'],
  rulesChanged: [{ commit: idOf('8'), author: 'Ana <ana@example.com>', time: '2026-03-13T09:00:00Z' }],
  journal: idOf('7'),
  plan: digestOf('plan'),
  config: { commit: idOf('5') },
};

/** Text that YAML could take for something else, and text of any characters that a record may hold. */
export const recordText: fc.Arbitrary<string> = fc
  .oneof(
    fc.constantFrom(
      '1.10',
      'yes',
      'null',
      '~',
      '0x1f',
      '1e3',
      '- a',
      '# b',
      'a: b',
      ' x ',
      '"',
      "'",
      '|',
      '>',
      '&a',
      '*a',
      '!!str x',
      '<<',
      '{',
      '[1]',
      '%',
      '@',
      '`',
      '---',
      '...',
      '2026-03-14',
      '.inf',
      '\u{1f600}',
      '\u00e9\u0301',
      '\ufeffx',
    ),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
  )
  .filter((text) => text.isWellFormed() && isRecordText(text));

const objectId = fc.stringMatching(/^[1-9a-f][0-9a-f]{39}$/).map((text) => text as ObjectId);
const digest = fc.string().map((text): Digest => digestOf(text));
const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/).map(parseTag);
const name = fc.oneof(
  fc.constantFrom('1', '10', '9', 'constructor', 'null', 'yes', 'a.b'),
  fc.stringMatching(/^[a-z0-9]{1,8}$/),
);
const sequence = fc.integer({ min: 1, max: 2 ** 31 });
const time = fc
  .integer({ min: 0, max: 4e9 })
  .map((seconds) => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z'));

function byName<T extends { readonly name: string }>(items: readonly T[]): readonly T[] {
  return [...items].sort((a, b) => (a.name < b.name ? -1 : 1));
}

const images: fc.Arbitrary<readonly ReleaseImage[]> = fc
  .uniqueArray(fc.record({ name, repository: recordText, version: tag, digest }), {
    selector: (image) => image.name,
    minLength: 1,
    maxLength: 4,
  })
  .map(byName);
const held: fc.Arbitrary<Hold> = fc.record(
  {
    release: sequence,
    images: fc
      .uniqueArray(fc.record({ name, version: tag, digest }), { selector: (image) => image.name, maxLength: 3 })
      .map(byName),
    commit: objectId,
    reason: recordText,
  },
  { requiredKeys: ['release', 'images'] },
);

/** Any record there can be. */
export const anyRecord: fc.Arbitrary<ReleaseRecord> = fc
  .record(
    {
      schema: fc.constant(2 as const),
      environment: recordText,
      application: recordText,
      sequence,
      action: fc.constantFrom('promote' as const, 'rollback' as const),
      images,
      source: fc.record(
        { environment: recordText, branch: recordText, commit: objectId },
        { requiredKeys: ['branch', 'commit'] },
      ),
      below: objectId,
      scope: objectId,
      restored: fc.record(
        { sequence, commit: objectId, imagesOnly: fc.constant(true as const) },
        { requiredKeys: ['sequence', 'commit'] },
      ),
      actor: recordText,
      onBehalfOf: recordText,
      job: recordText,
      time,
      reason: recordText,
      held: fc.array(held, { maxLength: 3 }),
      gates: fc.array(
        fc.record({
          gate: recordText,
          decision: fc.constantFrom<GateVerdict>('pass', 'refuse', 'wait', 'unknown', 'overridden'),
          reason: recordText,
        }),
        { maxLength: 3 },
      ),
      overrides: fc.array(recordText, { minLength: 1, maxLength: 3 }),
      rulesChanged: fc.array(fc.record({ commit: objectId, author: recordText, time }), { minLength: 1, maxLength: 2 }),
      journal: objectId,
      plan: digest,
      config: fc.oneof(fc.record({ commit: objectId }), fc.record({ file: digest })),
    },
    {
      requiredKeys: [
        'schema',
        'environment',
        'sequence',
        'action',
        'images',
        'source',
        'below',
        'scope',
        'actor',
        'time',
        'held',
        'gates',
        'plan',
        'config',
      ],
    },
  )
  .map(({ below, ...record }): ReleaseRecord =>
    record.sequence > 1 ? { ...record, previous: { sequence: record.sequence - 1, commit: below } } : record,
  );
