// Verifying the releases of several applications that came with one commit: each has its own result and its own way back.
import { expect, test } from 'vitest';
import { listJournal } from '../../../src/engine/journal/list.ts';
import { promoteSeveral } from '../../../src/engine/release/promote-several.ts';
import { type MeantRelease, lookAtSeveral, verifySeveral } from '../../../src/engine/verification/several.ts';
import { parseRecord } from '../../../src/model/release-record.ts';
import { type Bench, DJANGO, createBench, withPorts } from '../../support/engine.ts';
import { createScriptedVerifier } from '../../support/verifier.ts';

const NAMES = ['cart', 'mail', 'shop'] as const;
const CONFIG = `version: 1
layout: folders
applications:
  '*':
    path: apps/{application}/{environment}
    images: { web: { repository: ${DJANGO} } }
environments:
  dev:
    tag: '{application}-{environment}'
    verify: { timeout: 5s, onFailure: rollback, steps: [{ name: smoke, command: [smoke.sh] }] }
`;
const FILES = Object.fromEntries(
  NAMES.map((name) => [
    `apps/${name}/dev/kustomization.yaml`,
    `resources: []\nimages:\n  - name: ${DJANGO}\n    newTag: V3.2\n`,
  ]),
);

async function released(bench: Bench, version: string): Promise<readonly MeantRelease[]> {
  const request = { environment: 'dev', applications: [], all: true, versions: { '*': version } };
  const outcome = await promoteSeveral(bench.context(), request);
  if (outcome.kind === 'refused') throw new Error('refused');
  return outcome.releases.flatMap((one) =>
    one.kind === 'released' ? [{ line: `dev/${one.plan.application}`, commit: one.commit }] : [],
  );
}

test('the one that fails goes back, the others stay, and one that was overtaken says so', async () => {
  const bench = createBench({ config: CONFIG, files: FILES });
  const [first] = await released(bench, 'V4.0');
  const meant = await released(bench, 'V4.2');
  const verifier = createScriptedVerifier((_step, { application }) =>
    application === 'mail' ? { said: 'no', seen: 'it says 500' } : { said: 'yes', seen: 'fine' },
  );
  const overtaken = { line: 'dev/shop', commit: first!.commit! };
  const given = withPorts(bench.context(), { outside: { verifier } });
  const found = await lookAtSeveral(given, [...meant.slice(0, 2), overtaken], { verify: true, waitLive: undefined });
  expect(
    found.map(({ line, verified }) => [
      line,
      verified?.value?.result ?? verified?.problem?.code,
      verified?.value?.followUp?.kind,
    ]),
  ).toEqual([
    ['dev/cart', 'passed', undefined],
    ['dev/mail', 'failed', 'rollback'],
    ['dev/shop', 'superseded', undefined],
  ]);
  const path = (name: string): string => `.tagflow/releases/${name}/dev.yaml`;
  const version = (name: string): string | undefined =>
    parseRecord(bench.remote.file('main', path(name)) ?? '', path(name)).images[0]?.version;
  expect(NAMES.map(version)).toEqual(['V4.2', 'V4.0', 'V4.2']);
  const results = await listJournal(bench.context(), 'dev', 10);
  expect(results.map(({ application, result }) => `${application} ${result}`).toSorted()).toEqual([
    'cart passed',
    'mail failed',
  ]);
});

test('a schedule verifies every application that has a release; the one that nobody released is left out', async () => {
  const extra = { 'apps/new/dev/kustomization.yaml': FILES['apps/cart/dev/kustomization.yaml'] ?? '' };
  const bench = createBench({ config: CONFIG, files: { ...FILES, ...extra } });
  const request = { environment: 'dev', applications: [...NAMES], all: false, versions: { '*': 'V4.0' } };
  expect(await promoteSeveral(bench.context(), request)).toMatchObject({ kind: 'several' });
  const verifier = createScriptedVerifier((_step, { application }) =>
    application === 'mail' ? { said: 'no', seen: 'it says 500' } : { said: 'yes', seen: 'fine' },
  );
  const given = withPorts(bench.context(), { outside: { verifier } });
  const words = (found: Awaited<ReturnType<typeof verifySeveral>>): readonly string[] =>
    found.map(({ line, verified }) => `${line} ${verified.value?.result ?? verified.problem?.code}`);
  const all = { environment: 'dev', applications: [], all: true, wait: true };
  expect(words(await verifySeveral(given, all))).toEqual(['dev/cart passed', 'dev/mail failed', 'dev/shop passed']);
  const asked = verifier.asked.length;
  expect(words(await verifySeveral(given, { ...all, applications: ['*a*', 'new'], all: false }))).toEqual([
    'dev/cart passed',
    'dev/mail failed',
    'dev/new release-not-found',
  ]);
  expect(verifier.asked).toHaveLength(asked);
});
