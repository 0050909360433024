// Gates status and run: what others say of the commit and of the release.
import { describe, expect, test } from 'vitest';
import type { Evidence } from '../../src/gates/gates.ts';
import { decision, judged, promotion } from './subjects.ts';

const RULE = { command: ['gates/ticket.sh'], timeoutMs: 30_000, env: [] } as const;

describe('status', () => {
  const subject = promotion({ status: ['ci/e2e', 'ci/unit'] });
  const unit = { name: 'ci/unit', state: 'success' } as const;

  test.each<[string, Evidence['statuses'], string]>([
    ['both succeeded', [unit, { name: 'ci/e2e', state: 'success' }], 'pass'],
    ['by the part before a slash', [unit, { name: 'ci/e2e/7', state: 'success' }], 'pass'],
    ['one is pending', [unit, { name: 'ci/e2e', state: 'pending' }], 'wait'],
    ['one is not there', [unit], 'wait'],
    ['one has a name that only begins so', [unit, { name: 'ci/e2e-old', state: 'success' }], 'wait'],
    ['one failed', [unit, { name: 'ci/e2e', state: 'failure' }], 'refuse'],
    [
      'one of two of a name failed',
      [unit, { name: 'ci/e2e/1', state: 'success' }, { name: 'ci/e2e/2', state: 'failure' }],
      'refuse',
    ],
  ])('%s', async (_, statuses, expected) => {
    expect((await decision('status', subject, { statuses }))?.decision).toBe(expected);
  });
});

describe('run', () => {
  const subject = promotion({
    run: [
      { name: 'ticket', ...RULE },
      { name: 'load', ...RULE },
    ],
  });
  const said = (exitCode: number | undefined): Partial<Evidence> => ({
    runs: new Map([
      ['ticket', { exitCode, seen: 'SHOP-7' }],
      ['load', { exitCode: 0, seen: 'low' }],
    ]),
  });

  test.each([
    [0, 'pass'],
    [75, 'wait'],
    [1, 'refuse'],
    [undefined, 'unknown'],
  ] as const)('exit code %s is %s', async (exitCode, expected) => {
    expect((await decision('run/ticket', subject, said(exitCode)))?.decision).toBe(expected);
    expect((await decision('run/load', subject, said(exitCode)))?.decision).toBe('pass');
  });

  test('each program is a gate of its own, overridden by its name', async () => {
    const { decisions, refusals } = await judged(subject, said(1), { gates: ['run/ticket'] });
    expect(refusals).toEqual([]);
    expect(decisions.find(({ gate }) => gate === 'run/ticket')).toMatchObject({ decision: 'overridden', by: 'ana' });
  });
});
