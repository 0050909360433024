// Findings as SARIF: valid by the schema of 2.1.0, whatever people wrote.
import { expect, test } from 'vitest';
import type { ExportedEvidence } from '../../src/engine/audit/evidence.ts';
import type { Finding } from '../../src/engine/audit/findings.ts';
import type { BranchName, ObjectId } from '../../src/model/object-id.ts';
import { evidenceFiles } from '../../src/views/evidence.ts';
import { sarifProblems } from '../support/sarif.ts';

const COMMIT = 'a'.repeat(40) as ObjectId;

function sarifOf(findings: readonly Partial<Finding>[]): unknown {
  const whole = findings.map((finding): Finding => ({
    rule: 'foreign',
    environment: 'prd',
    branch: 'prd' as BranchName,
    commit: COMMIT,
    author: 'ana <ana@example.org>',
    time: 0,
    problem: 'it was made by hand',
    ...finding,
  }));
  const evidence = {
    trunk: { branch: 'main', head: COMMIT },
    lines: [],
    audit: { findings: whole },
    problems: [],
  } as unknown as ExportedEvidence;
  return JSON.parse(Buffer.from(evidenceFiles(evidence).get('findings.sarif') ?? []).toString());
}

test.each([
  ['nothing', []],
  ['each of two rules', [{}, { rule: 'record' as const }]],
  ['a line of an application', [{ environment: 'prd/shop' }]],
  [
    'texts that people wrote',
    [{ author: '</script> \u202E "x"\n', problem: 'x'.repeat(10_000), environment: 'a b%/c' }],
  ],
])('%s found is a valid log', (_, findings) => {
  expect(sarifProblems(sarifOf(findings))).toEqual([]);
});

test('a result names the file of the record, which tools show it beside', () => {
  expect(sarifOf([{ environment: 'prd/shop' }])).toMatchObject({
    runs: [
      {
        results: [
          {
            ruleId: 'foreign',
            locations: [{ physicalLocation: { artifactLocation: { uri: '.tagflow/releases/shop/prd.yaml' } } }],
          },
        ],
      },
    ],
  });
});

test('the schema tells of a log that is not valid', () => {
  expect(sarifProblems({ version: '2.1.0', runs: [{ results: [{ level: 'bad' }] }] })).toEqual(
    expect.arrayContaining(["/runs/0 must have required property 'tool'"]),
  );
});
