// The record as evidence: what it looks like, and everything that is not taken for one.
import { describe, expect, test } from 'vitest';
import { formatRecord, isRecordText, parseRecord } from '../../src/model/release-record.ts';
import { cpuTime } from '../support/cpu.ts';
import { refusal } from '../support/failure.ts';
import { FULL_RECORD, idOf } from '../support/records.ts';

const TEXT = formatRecord(FULL_RECORD);

/** Why a text is not a record. */
function whyNot(text: string): string {
  const error = refusal(() => parseRecord(text, 'environments/prd/release.yaml'));
  expect(error.code).toBe('record-invalid');
  return error.why ?? '';
}

test('a record is YAML that people can read: plain lines in a fixed order', () => {
  expect(TEXT).toBe(`# Written by tagflow; history, rollback and audit read it. A change by hand makes it invalid.
kind: release
schema: 2
environment: prd
application: shop
sequence: 3
action: rollback
images:
  django:
    repository: registry.example.org/shop/django
    version: V4.0
    digest: ${FULL_RECORD.images[0]?.digest}
  mariadb:
    repository: registry.example.org/shop/mariadb
    version: "1.10"
    digest: ${FULL_RECORD.images[1]?.digest}
source:
  environment: stg
  branch: stg
  commit: "${idOf('1')}"
previous:
  sequence: 2
  commit: "${idOf('2')}"
scope: "${idOf('6')}"
restored:
  sequence: 1
  commit: "${idOf('3')}"
actor: "ci #88"
onBehalfOf: ana
job: https://gitlab.example.org/shop/-/jobs/88
time: "2026-03-14T18:00:00Z"
reason: 'INC-412: checkout "500s" # again'
held:
  - release: 2
    images:
      django:
        version: V4.2
        digest: ${FULL_RECORD.held[0]?.images[0]?.digest}
    reason: INC-412
  - release: 1
    images: {}
    commit: "${idOf('4')}"
gates:
  - gate: downgrade
    decision: overridden
    reason: "older on request: django V4.2 -> V4.0"
    by: ana
    why: "no"
  - gate: soak
    decision: wait
    reason: 3 h of 24 h
    until: "2026-03-15T00:00:00Z"
overrides:
  - downgrade
rulesChanged:
  - commit: "${idOf('8')}"
    author: Ana <ana@example.com>
    time: "2026-03-13T09:00:00Z"
journal: "${idOf('7')}"
plan: ${FULL_RECORD.plan}
config:
  commit: "${idOf('5')}"
`);
});

test('a record with every field is read back', () => {
  expect(parseRecord(TEXT, 'r')).toEqual(FULL_RECORD);
});

test('a record spells out what it says twice, each on one line however long', () => {
  const decision = { gate: 'held', decision: 'pass' as const, reason: `${'word '.repeat(300)}end` };
  const text = formatRecord({ ...FULL_RECORD, gates: [decision, decision] });
  expect(text.split(`    reason: ${decision.reason}\n`)).toHaveLength(3);
  expect(parseRecord(text, 'r').gates).toEqual([decision, decision]);
});

test('the first record has none before it', () => {
  const { previous: _, ...rest } = FULL_RECORD;
  const first = { ...rest, sequence: 1 };
  expect(parseRecord(formatRecord(first), 'r')).toEqual(first);
});

describe('a record of schema 1', () => {
  const {
    application: _,
    previous: __,
    scope: ___,
    overrides: ____,
    journal: _____,
    rulesChanged: ______,
    ...common
  } = FULL_RECORD;
  const old = { ...common, schema: 1 as const, base: idOf('2'), previous: { sequence: 2 } };

  test('is read, and names the release before by its number alone', () => {
    const text = formatRecord(old);
    expect(text).toContain('\nschema: 1\n');
    expect(text).toContain('\nprevious: 2\n');
    expect(parseRecord(text, 'r')).toEqual(old);
  });

  test.each(['scope: "6666666666666666666666666666666666666666"', 'kind: release', 'application: shop'])(
    'has none of what came with schema 2: %s',
    (line) => {
      expect(whyNot(`${formatRecord(old)}${line}\n`)).toContain('there is no key');
    },
  );
});

test('what is not a record is named, for people and for programs', () => {
  expect(refusal(() => parseRecord('a: [', 'environments/prd/release.yaml'))).toMatchObject({
    message: 'environments/prd/release.yaml is not a valid release record',
    why: expect.stringContaining('at line 1'),
    details: { file: 'environments/prd/release.yaml' },
  });
});

describe('what is not a record', () => {
  const edit = (from: string | RegExp, to: string): string => {
    const text = TEXT.replace(from, to);
    if (text === TEXT) throw new Error(`nothing to replace: ${from}`);
    return text;
  };

  test.each<[string, string, string]>([
    ['an empty file', '', 'it is missing, or not a map'],
    ['a list', '- 1\n', 'not a map'],
    ['no YAML', 'a: [', 'it is not YAML'],
    ['a second document', `${TEXT}---\na: 1\n`, 'it is not YAML'],
    ['another schema', edit('schema: 2', 'schema: 3'), 'schema: it is missing, or unknown'],
    ['a schema as text', edit('schema: 2', 'schema: "2"'), 'schema: it is missing, or unknown'],
    ['another kind', edit('kind: release', 'kind: lock'), 'kind: it has to be release'],
    ['no kind', edit('kind: release\n', ''), 'kind'],
    ['no scope', edit(/^scope: .*\n/m, ''), 'scope'],
    ['a base beside a release below it', `${TEXT}base: "${idOf('2')}"\n`, 'base: only the first record'],
    [
      'a verdict that there is not',
      edit('decision: wait', 'decision: maybe'),
      'gates.1.decision: it has to be pass or refuse or',
    ],
    ['a list of no overrides', edit('overrides:\n  - downgrade', 'overrides: []'), 'overrides: it is empty'],
    ['a change of the gates by two lines', edit('author: Ana <ana@example.com>', 'author: "Ana\\nEve"'), 'author'],
    ['an unknown key', `${TEXT}extra: 1\n`, 'extra'],
    ['an unknown key of an image', edit('    version: V4.0', '    size: 1\n    version: V4.0'), 'images.django'],
    ['a key that appears twice', `${TEXT}sequence: 3\n`, 'twice'],
    ['an image that appears twice', edit('  mariadb:', '  django:'), 'twice'],
    ['no image', edit(/images:\n(?: {2}.*\n)+source/, 'images: {}\nsource'), 'it does not name an image'],
    ['a sequence of 0', edit('sequence: 3', 'sequence: 0'), 'sequence: it is less than 1'],
    [
      'a sequence that is not a whole number',
      edit('sequence: 3', 'sequence: 3.5'),
      'sequence: it is missing, or not a whole number',
    ],
    ['a sequence as text', edit('sequence: 3', 'sequence: "3"'), 'sequence'],
    ['a sequence that does not follow', edit('sequence: 3', 'sequence: 4'), 'sequence 4 does not follow 2'],
    ['a later record without previous', edit(/previous:\n.*\n.*\n/, ''), 'sequence 3 does not follow nothing'],
    ['a first record with previous', edit(/sequence: 3/, 'sequence: 1'), 'sequence 1 does not follow 2'],
    ['another action', edit('action: rollback', 'action: deploy'), 'action'],
    [
      'a digest that was cut',
      edit(/(digest: sha256:[0-9a-f]{60}).{4}/, '$1'),
      'images.django.digest: it is not a digest',
    ],
    ['a digest in capitals', edit(/plan: sha256:[0-9a-f]+/, `plan: SHA256:${'A'.repeat(64)}`), 'plan'],
    ['a digest in a list', edit(/digest: (sha256:.*)/, 'digest: [$1]'), 'images.django.digest'],
    ['an object id in a list', edit(`scope: "${idOf('6')}"`, `scope: ["${idOf('6')}"]`), 'scope'],
    ['a version in a list', edit('version: V4.0', 'version: [V4.0]'), 'images.django.version'],
    ['an object id that is a number', edit(`"${idOf('2')}"`, '2'), 'previous.commit'],
    ['the empty object id', edit(idOf('2'), '0'.repeat(40)), 'previous.commit'],
    ['a version that is not a tag', edit('version: V4.0', 'version: -x'), 'images.django.version'],
    ['a version as a number', edit('version: "1.10"', 'version: 1.10'), 'images.mariadb.version'],
    ['a time without a zone', edit('18:00:00Z', '18:00:00'), 'time'],
    ['a time that no calendar has', edit('2026-03-14', '2026-13-14'), 'time'],
    ['no actor', edit('actor: "ci #88"', 'actor: ""'), 'actor'],
    ['an actor of two lines', edit('actor: "ci #88"', 'actor: "ci\\n88"'), 'control character'],
    ['an escape sequence', edit('reason: INC-412', 'reason: "\\e[31mINC"'), 'control character'],
    ['a C1 control', edit('reason: INC-412', 'reason: "\\x9b31m"'), 'control character'],
    ['text that turns around', edit('reason: INC-412', 'reason: "a\\u202eb"'), 'control character'],
    ['a name that turns around', edit('  mariadb:', '  "a\\u202eb":'), ''],
    ['a reason as long as a book', edit('reason: INC-412', `reason: ${'x'.repeat(2001)}`), 'reason'],
    ['both origins of the configuration', edit(/(config:\n.*\n)$/, `$1  file: ${FULL_RECORD.plan}\n`), 'config'],
    ['an alias', edit('onBehalfOf: ana', 'onBehalfOf: *a').replace('actor: "ci #88"', 'actor: &a ana'), 'a'],
    ['an alias of nothing', edit('onBehalfOf: ana', 'onBehalfOf: *a'), 'alias'],
    ['an anchor on a mapping', edit('source:\n', 'source: &a\n'), 'anchor'],
    ['an anchor that nothing uses', edit('actor: "ci #88"', 'actor: &a ana'), 'anchor'],
    ['a merge key', edit('source:\n', 'source:\n  <<: {}\n'), 'source'],
    ['a tag on a mapping', edit('source:\n', 'source: !!map\n'), 'tag'],
    ['a key that is a list', `${TEXT}? [a]\n: 1\n`, 'is not a name'],
    ['a tag', edit('actor: "ci #88"', 'actor: !!str ana'), 'tag'],
    ['a prototype', edit('images:\n', 'images:\n  __proto__: {}\n'), '__proto__'],
    ['more than any record', `${TEXT}# ${'x'.repeat(1 << 20)}\n`, 'more than 262144 characters'],
    ['a hundred thousand open brackets', '['.repeat(100_000), 'nested too deep'],
    ...[600, 800, 1000, 1200, 1400, 1600, 3000, 100_000].map((depth): [string, string, string] => [
      `lists nested ${depth} deep`,
      '['.repeat(depth) + ']'.repeat(depth),
      // Somewhere below the stack ends, and it depends on the machine where.
      depth >= 3000 ? 'nested too deep' : '',
    ]),
    [
      'a thousand nested keys',
      Array.from({ length: 3000 }, (_, depth) => `${' '.repeat(depth % 200)}a:`).join('\n'),
      '',
    ],
    [
      'thousands of images in braces',
      `schema: 1\nimages:\n${Array.from({ length: 9000 }, (_, index) => `  i${index}: {repository: a}`).join('\n')}`,
      'is not formatted as tagflow formats records',
    ],
    ['brackets without end', `schema: ${'['.repeat(100_000)}`, 'nested too deep'],
    ['braces without end', `schema: ${'{a: '.repeat(50_000)}`, 'nested too deep'],
    ['lists in a row', `schema: ${'- '.repeat(100_000)}`, 'nested too deep'],
    ['lists in a row, on a line of their own', '- '.repeat(100_000), 'nested too deep'],
    ['keys in a row', '? '.repeat(100_000), 'nested too deep'],
  ])('%s', (_, text, why) => {
    expect(whyNot(text)).toContain(why);
  });

  test('many thousand keys are refused at once', () => {
    const text = Array.from({ length: 26_000 }, (_, index) => `k${index}: 1`).join('\n');
    expect(cpuTime(() => whyNot(text))).toBeLessThan(5000);
  });
});

test.each([
  ['INC-412 checkout 500s', true],
  ['', false],
  ['two\nlines', false],
  ['\u001b[31m', false],
  ['x'.repeat(2000), true],
  ['x'.repeat(2001), false],
])('whether %j can stand in a record: %s', (text, expected) => {
  expect(isRecordText(text)).toBe(expected);
});
