// Values that lie beside an environment's folder say what its own tag means: commits that differ in nothing else are distinguished.
import { expect, test } from 'vitest';
import { check } from '../../../src/engine/audit/check.ts';
import { type Bench, DJANGO, createBench } from '../../support/engine.ts';

const CONFIG = `version: 1
images: { django: { repository: ${DJANGO} } }
environments: { dev: { path: apps/web/dev } }
`;
const SHARED = 'apps/web/values.yaml';
const values = (repository: string): string => `image:\n  repository: ${repository}\n  tag: V3.2\n`;

async function released(): Promise<Bench> {
  const files = { [SHARED]: values(DJANGO), 'apps/web/dev/values-dev.yaml': 'image:\n  tag: V3.2\n' };
  const bench = createBench({ config: CONFIG, files });
  await bench.released('dev', { django: 'V4.0' });
  expect(bench.remote.file('dev', 'apps/web/dev/values-dev.yaml')).toContain('V4.0@sha256:');
  return bench;
}

const findings = async (bench: Bench): Promise<readonly string[]> =>
  (await check(bench.context(), { environments: [], registry: false })).findings.map(
    ({ rule, commit, problem }) => `${rule} ${commit.slice(0, 7)}: ${problem}`,
  );

test('a commit that gives the tag another image by the shared values alone is found, and only that one', async () => {
  const bench = await released();
  bench.remote.commit('dev', { 'apps/web/notes.md': 'x\n' });
  expect((await findings(bench)).filter((one) => one.startsWith('content'))).toEqual([]);
  const changed = bench.remote.commit('dev', { [SHARED]: values('registry.example.org/evil/django') });
  const found = (await findings(bench)).filter((one) => one.includes(changed.slice(0, 7)));
  expect(found.join('\n')).toMatch(/^pins .*: its manifests differ/m);
});
