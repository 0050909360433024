// Plans: equal parts make equal plans, and a plan survives the file it is saved in.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type PlanParts, assemblePlan, messageOf, parsePlan, planDigest, recordOf } from '../../src/model/plan.ts';
import { formatRecord, parseRecord } from '../../src/model/release-record.ts';
import { TARGET, anyRecord, idOf, recordText } from '../support/records.ts';

const path = fc.stringMatching(/^[a-c]{1,2}(?:\/[a-c])?$/);

const parts: fc.Arbitrary<PlanParts> = fc
  .record({
    current: fc.option(anyRecord, { nil: undefined }),
    next: anyRecord,
    reason: fc.option(recordText, { nil: undefined }),
    edits: fc.uniqueArray(fc.record({ kind: fc.constant('write' as const), path, text: fc.string() }), {
      selector: (edit) => edit.path,
    }),
    fields: fc.uniqueArray(
      fc.record({ image: path, path, line: fc.integer({ min: 1, max: 3 }), field: path, after: fc.string() }),
      { selector: (field) => `${field.path} ${field.line} ${field.field}` },
    ),
    configurationChanges: fc.uniqueArray(path),
  })
  .map(({ current, next, reason, ...rest }) => ({
    request: { kind: 'promote', environment: 'prd', versions: {}, ...(reason !== undefined && { reason }) },
    target: TARGET,
    current,
    currentCommit: current && idOf('3'),
    scope: idOf('6'),
    images: next.images,
    base: idOf('1'),
    source: next.source,
    tree: idOf('2'),
    parents: [idOf('1'), idOf('2')],
    held: next.held.filter(({ release }, index) => next.held.findIndex((hold) => hold.release === release) === index),
    gates: next.gates,
    config: next.config,
    ...rest,
  }));

test('equal parts make an equal plan, whatever order they came in', () => {
  fc.assert(
    fc.property(parts, (given) => {
      const turned: PlanParts = {
        ...given,
        images: given.images.toReversed(),
        edits: given.edits.toReversed(),
        fields: given.fields.toReversed(),
        configurationChanges: given.configurationChanges.toReversed(),
        held: given.held.toReversed(),
      };
      expect(assemblePlan(turned)).toEqual(assemblePlan(given));
    }),
  );
});

test('a plan is the same after it was saved and read, and so is its digest', () => {
  fc.assert(
    fc.property(parts, (given) => {
      const plan = assemblePlan(given);
      const read = parsePlan(JSON.stringify(plan, null, 2), 'plan.json');
      expect(read).toEqual(plan);
      expect(planDigest(read)).toBe(planDigest(plan));
    }),
  );
});

test('the digest does not depend on the order of keys, and does on every value', () => {
  fc.assert(
    fc.property(parts, fc.nat(), (given, at) => {
      const plan = assemblePlan(given);
      const turned = Object.fromEntries(Object.entries(plan).toReversed()) as unknown as typeof plan;
      expect(planDigest(turned)).toBe(planDigest(plan));
      const keys = Object.keys(plan);
      const key = keys[at % keys.length] ?? '';
      const other = key === 'gates' ? [{ gate: 'other', decision: 'pass', reason: 'other' }] : 'other';
      expect(planDigest({ ...plan, [key]: other })).not.toBe(planDigest(plan));
    }),
  );
});

test('the record of a plan is one that can be read', () => {
  fc.assert(
    fc.property(parts, recordText, (given, actor) => {
      const record = recordOf(assemblePlan(given), { actor, time: '2026-01-01T00:00:00Z' });
      expect(parseRecord(formatRecord(record), 'r')).toEqual(record);
      expect(record.plan).toBe(planDigest(assemblePlan(given)));
    }),
  );
});

test('the first line of the message names the environment and at most three images', () => {
  fc.assert(
    fc.property(parts, (given) => {
      const plan = assemblePlan(given);
      const [subject = ''] = messageOf(plan, { actor: 'ana', time: '2026-01-01T00:00:00Z' }).split('\n');
      expect(subject).toMatch(/^prd: promote /);
      expect(subject.split(', ').length).toBeLessThanOrEqual(3);
    }),
  );
});
