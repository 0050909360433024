// `gates` and `overrides` of tagflow.yaml: what they spell, and every mistake with its place.
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import type { Problem } from '../../src/config/problems.ts';
import { DAYS, DEFAULT_POLICY, type GatePolicy } from '../../src/model/gate-policy.ts';
import { refusal } from '../support/failure.ts';

/** A configuration whose environment prd has these keys. */
function configured(keys: string): string {
  return `version: 1
images: { django: { repository: registry.example.com/acme/django } }
environments:
  dev: {}
  prd: { from: dev, ${keys} }
`;
}

function policyOf(keys: string): GatePolicy | undefined {
  return parseConfig(configured(keys)).environments.get('prd')?.gates;
}

/** The mistakes of a configuration, as `path: what; fix`. */
function mistakes(keys: string): readonly string[] {
  const error = refusal(() => parseConfig(configured(keys)));
  expect(error.code).toBe('config-invalid');
  return (error.details['problems'] as readonly Problem[]).map(({ path, what, fix }) => `${path}: ${what}; ${fix}`);
}

describe('gates that are right', () => {
  test('are those of the policy that nobody wrote', () => {
    expect(policyOf('retain: 5')).toEqual(DEFAULT_POLICY);
    expect(policyOf('gates: {}')).toEqual(DEFAULT_POLICY);
  });

  test.each<[string, Partial<GatePolicy>]>([
    ['gates: { upstream: warn }', { upstream: 'warn' }],
    ['gates: { upstream: off }', { upstream: 'off' }],
    ['gates: { soak: 24h }', { soakMs: 86_400_000 }],
    ["gates: { reason: '^[A-Z]+-[0-9]+' }", { reason: /^[A-Z]+-[0-9]+/u }],
    [
      "gates: { windows: [{ days: [mon, fri], hours: '09:00-16:00', zone: Europe/Berlin }] }",
      { windows: [{ days: ['mon', 'fri'], start: '09:00', end: '16:00', zone: 'Europe/Berlin' }] },
    ],
    [
      "gates: { windows: [{ hours: '22:00-02:00' }, { hours: '00:00-24:00' }] }",
      {
        windows: [
          { days: DAYS, start: '22:00', end: '02:00', zone: 'UTC' },
          { days: DAYS, start: '00:00', end: '24:00', zone: 'UTC' },
        ],
      },
    ],
    [
      "gates: { freezes: [{ from: '2026-12-20T18:00', until: '2027-01-02', reason: year end }] }",
      {
        freezes: [
          { kind: 'range', from: '2026-12-20T18:00:00', until: '2027-01-02T00:00:00', zone: 'UTC', reason: 'year end' },
        ],
      },
    ],
    [
      "gates: { freezes: [{ cron: '0 18 * * fri', duration: 62h, zone: Europe/Berlin }] }",
      { freezes: [{ kind: 'cron', cron: '0 18 * * fri', durationMs: 223_200_000, zone: 'Europe/Berlin' }] },
    ],
    [
      'overrides: { soak: [ana@example.com], run/ticket: [] }',
      {
        overrides: new Map([
          ['soak', ['ana@example.com']],
          ['run/ticket', []],
        ]),
      },
    ],
  ])('%s', (keys, expected) => {
    expect(policyOf(keys)).toEqual({ ...DEFAULT_POLICY, ...expected });
  });
});

describe('a mistake in', () => {
  const gates = 'environments.prd.gates';
  const window = `${gates}.windows[0]`;
  const freeze = `${gates}.freezes[0]`;

  test.each<[string, string, string]>([
    [
      'upstream',
      'gates: { upstream: maybe }',
      `${gates}.upstream: "maybe" is not a value of upstream; write require or warn or off`,
    ],
    ['the name of a gate', 'gates: { soaks: 24h }', `${gates}.soaks: there is no key "soaks"; did you mean soak?`],
    [
      'a span',
      'gates: { soak: 1 day }',
      `${gates}.soak: "1 day" is not a span of time; write a whole number and s, m, h, d or w: 24h`,
    ],
    [
      'a span of nothing',
      'gates: { soak: 0h }',
      `${gates}.soak: "0h" is not a span of time; write a whole number and s, m, h, d or w: 24h`,
    ],
    [
      'a pattern',
      "gates: { reason: '(' }",
      `${gates}.reason: "(" is not a regular expression: unterminated group; correct it`,
    ],
    [
      'a pattern that may take for ever',
      "gates: { reason: '(a+)+(b+)+' }",
      `${gates}.reason: "(a+)+(b+)+" could take very long on some reasons`,
    ],
    ['no windows', 'gates: { windows: [] }', `${gates}.windows: the list is empty; add an entry, or leave the key out`],
    ['no freezes', 'gates: { freezes: [] }', `${gates}.freezes: the list is empty; add an entry, or leave the key out`],
    [
      'no days',
      "gates: { windows: [{ days: [], hours: '09:00-10:00' }] }",
      `${window}.days: the list is empty; add an entry, or leave the key out`,
    ],
    [
      'a day',
      "gates: { windows: [{ days: [monday], hours: '09:00-10:00' }] }",
      `${window}.days[0]: "monday" is not a value of 0; write mon or tue`,
    ],
    [
      'hours that do not exist',
      "gates: { windows: [{ hours: '9-16' }] }",
      `${window}.hours: "9-16" is not a span of hours; write it like '09:00-16:00'`,
    ],
    [
      'hours past the day',
      "gates: { windows: [{ hours: '09:00-25:00' }] }",
      `${window}.hours: "09:00-25:00" is not a span of hours`,
    ],
    [
      'a window that never opens',
      "gates: { windows: [{ hours: '09:00-09:00' }] }",
      `${window}.hours: "09:00-09:00" never opens: it ends when it starts; write '00:00-24:00' for a whole day`,
    ],
    [
      'a zone that does not exist',
      "gates: { windows: [{ hours: '09:00-10:00', zone: Europe/Nowhere }] }",
      `${window}.zone: there is no time zone "Europe/Nowhere"; write an IANA name: Europe/Berlin, or UTC`,
    ],
    [
      'a zone that is an offset',
      "gates: { windows: [{ hours: '09:00-10:00', zone: '+02:00' }] }",
      `${window}.zone: there is no time zone "+02:00"`,
    ],
    [
      'half a range',
      "gates: { freezes: [{ from: '2026-12-20' }] }",
      `${freeze}: a freeze needs from and until, or cron and duration`,
    ],
    [
      'a range and a schedule at once',
      "gates: { freezes: [{ from: '2026-12-20', until: '2026-12-21', cron: '0 18 * * fri', duration: 1h }] }",
      `${freeze}: a freeze needs from and until, or cron and duration`,
    ],
    [
      'a freeze of nothing',
      'gates: { freezes: [{ zone: UTC }] }',
      `${freeze}: a freeze needs from and until, or cron and duration`,
    ],
    [
      'a day that does not exist',
      "gates: { freezes: [{ from: '2026-02-30', until: '2026-03-02' }] }",
      `${freeze}.from: "2026-02-30" is not a local time`,
    ],
    [
      'a time with an offset',
      "gates: { freezes: [{ from: '2026-02-20T00:00Z', until: '2026-03-02' }] }",
      `${freeze}.from: "2026-02-20T00:00Z" is not a local time`,
    ],
    [
      'a freeze that ends before it starts',
      "gates: { freezes: [{ from: '2026-12-20', until: '2026-12-20' }] }",
      `${freeze}.until: the freeze ends before it starts; write a time after from`,
    ],
    [
      'a schedule',
      "gates: { freezes: [{ cron: 'fridays', duration: 1h }] }",
      `${freeze}.cron: "fridays" is not a cron expression`,
    ],
    [
      'a schedule with seconds',
      "gates: { freezes: [{ cron: '0 0 18 * * fri', duration: 1h }] }",
      `${freeze}.cron: "0 0 18 * * fri" is not a cron expression`,
    ],
    [
      'a schedule that never happens',
      "gates: { freezes: [{ cron: '0 0 31 2 *', duration: 1h }] }",
      `${freeze}.cron: "0 0 31 2 *" never happens`,
    ],
    [
      'two programs of one name',
      'gates: { run: [{ name: a, command: [x.sh] }, { name: a, command: [y.sh] }] }',
      `${gates}.run[1].name: "a" is already the name of another program; use each name once`,
    ],
    [
      'the gate of an override',
      'overrides: { saok: [ana@example.com] }',
      'environments.prd.overrides.saok: there is no gate "saok"; did you mean soak?',
    ],
  ])('%s', (_, keys, expected) => {
    const found = mistakes(keys);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(expected);
  });

  test('every place is reported at once', () => {
    expect(mistakes("gates: { soak: x, reason: '(', windows: [{ hours: x, zone: y }] }")).toHaveLength(4);
  });
});

describe('the branch of the journal', () => {
  const FOLDERS = `version: 1
layout: folders
branch: deploy
images: { django: { repository: registry.example.com/acme/django } }
environments: { dev: { path: env/dev }, prd: { path: env/prd, from: dev } }
`;
  test.each([
    ['main', 'the branch "main" is the trunk'],
    ['MAIN', 'the branch "MAIN" is the trunk'],
    ['deploy', 'the branch "deploy" is the branch of the environments'],
    ['tagflow/journal', '"tagflow/journal" starts with tagflow/, which is reserved for the branches of pull requests'],
  ])('is not %s', (journal, expected) => {
    const error = refusal(() => parseConfig(`${FOLDERS}trunk: main\njournal: ${journal}\n`));
    expect((error.details['problems'] as readonly Problem[]).map(({ path, what }) => `${path}: ${what}`)).toEqual([
      `journal: ${expected}`,
    ]);
  });

  test('is any other', () => {
    expect(parseConfig(`${FOLDERS}trunk: main\njournal: notes/journal\n`).journal).toBe('notes/journal');
  });
});
