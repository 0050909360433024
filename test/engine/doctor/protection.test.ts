// Doctor and the forge: whether the branches that tagflow pushes to, and what people approve, are protected.
import { expect, test } from 'vitest';
import type { Outside } from '../../../src/engine/context.ts';
import { doctor } from '../../../src/engine/doctor/doctor.ts';
import { TagflowError } from '../../../src/model/errors.ts';
import { createBench, withPorts } from '../../support/engine.ts';
import { type GivenProtection, type MemoryForge, createMemoryForge } from '../../support/memory-forge.ts';

type Said = readonly (readonly [severity: string, subject: string, what: string])[];

/** What doctor says of protection, where prd goes by pull requests and dev and stg are pushed to. */
async function said(
  protections: readonly GivenProtection[],
  change: (forge: MemoryForge) => Outside | void = () => undefined,
): Promise<Said> {
  const bench = createBench({ settings: { prd: 'pullRequest: true' } });
  const forge = createMemoryForge(bench.remote);
  for (const one of protections) forge.protect(one);
  const context = withPorts(bench.context(), {
    outside: { forgeOf: async () => forge.as('doctor'), ...change(forge) },
  });
  const found = await doctor(context, { node: '24.8.0', git: '2.40.0' });
  return found
    .filter(({ check }) => check === 'protection')
    .map(({ severity, subject, what }) => [severity, subject, what]);
}

const PROTECTED = 'it is protected, and its past cannot be rewritten';
const SURE = 'a pull request cannot change unseen once it was approved';

test('every branch is protected, and a push dismisses approvals', async () => {
  expect(await said([{ branches: '*', dismisses: true }])).toEqual([
    ['ok', 'dev', PROTECTED],
    ['ok', 'stg', PROTECTED],
    ['ok', 'prd', PROTECTED],
    ['ok', 'prd', SURE],
  ]);
});

test('nothing is protected', async () => {
  const open = 'everybody who may write to the repository may push to it and rewrite it';
  expect(await said([])).toEqual([
    ['warning', 'dev', open],
    ['warning', 'stg', open],
    ['warning', 'prd', open],
    ['warning', 'prd', expect.stringContaining('a pull request may change once it was approved')],
  ]);
});

test.each<readonly [string, readonly GivenProtection[], string, string]>([
  ['a push dismisses approvals', [{ branches: 'prd', dismisses: true }], 'ok', SURE],
  ['branches of proposals are protected', [{ branches: 'prd' }, { branches: 'tagflow/*' }], 'ok', SURE],
  [
    'everybody may push to branches of proposals',
    [{ branches: 'prd' }, { branches: 'tagflow/*', isOpen: true }],
    'warning',
    'a pull request may change once it was approved',
  ],
])('one of two protections of a proposal is enough: %s', async (_, protections, severity, what) => {
  expect((await said(protections)).at(-1)).toEqual([severity, 'prd', expect.stringContaining(what)]);
});

test.each<readonly [string, Partial<GivenProtection>, string]>([
  ['forced pushes are allowed', { isForced: true }, 'everybody who may write to the repository may rewrite it'],
  ['everybody pushes', { isOpen: true }, 'everybody who may write to the repository may push to it'],
])('a branch is protected by half: %s', async (_, how, what) => {
  const found = await said([{ branches: '*', dismisses: true, ...how }]);
  expect(found.find(([, subject]) => subject === 'dev')).toEqual(['warning', 'dev', what]);
});

test('what the token may not see is said, and not guessed', async () => {
  const found = await said([], (forge) => forge.hideRules());
  expect(found).toEqual([
    ['info', 'dev', 'cannot tell whether it is protected'],
    ['info', 'stg', 'cannot tell whether it is protected'],
    ['info', 'prd', 'cannot tell whether it is protected'],
    ['info', 'prd', 'cannot tell whether a pull request may change once it was approved'],
  ]);
});

test.each([
  ['there is no token', 'unauthorized', {}],
  ['the host is not known to be a forge', 'forge-unknown', { isServer: true }],
] as const)('that nobody can be asked is said once: %s', async (_, code, details) => {
  const forgeOf = async (): Promise<never> =>
    Promise.reject(new TagflowError(code, { what: 'no', why: 'because', details }));
  expect(await said([], () => ({ forgeOf }))).toEqual([
    ['info', 'forge', 'cannot tell whether dev, stg, prd are protected'],
  ]);
});

test('a remote that is a folder has no forge', async () => {
  const details = { isServer: false };
  const forgeOf = async (): Promise<never> =>
    Promise.reject(new TagflowError('forge-unknown', { what: 'no', details }));
  expect(await said([], () => ({ forgeOf }))).toEqual([]);
});
