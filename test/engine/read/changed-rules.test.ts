// Who changed the gates of an environment between two of its releases, as `show` says it.
import { expect, test } from 'vitest';
import { show } from '../../../src/engine/read/history.ts';
import { planDigest } from '../../../src/model/plan.ts';
import { proposalText } from '../../../src/engine/release/pull-request-text.ts';
import { plannedView } from '../../../src/views/outcome.ts';
import { formatSummary } from '../../../src/views/summary.ts';
import { formatText } from '../../../src/views/text.ts';
import { showView } from '../../../src/views/show.ts';
import { FIRST, createBench } from '../../support/engine.ts';

test('names each commit that changed the gates, and none that changed something else', async () => {
  const bench = createBench({ settings: { prd: 'gates: { soak: 1d }' } });
  await bench.released('dev', FIRST);
  await bench.released('stg');
  await bench.released('prd', {}, { overrides: ['soak'], reason: 'go live' });
  const edit = (from: string, to: string): string => {
    const text = bench.remote.file('main', 'tagflow.yaml') ?? '';
    return bench.remote.commit('main', { 'tagflow.yaml': text.replace(from, to) });
  };
  const changed = [edit('soak: 1d', 'soak: 1h'), edit('soak: 1h', 'soak: 1m')];
  edit('gates: { soak', '# nothing else\n    gates: { soak');
  bench.clock.advance(120_000);
  await bench.released('dev', { django: 'V4.2' });
  await bench.released('stg');
  bench.clock.advance(120_000);
  const planned = await bench.promote('prd', {}, { run: { dryRun: true } });
  if (planned.kind !== 'planned') throw new Error(`it is ${planned.kind}`);
  expect(planned.plan.rulesChanged?.map(({ commit }) => commit)).toEqual(changed.toReversed());
  expect(formatText(plannedView(planned))).toMatch(/^ {2}gates changed by .* in [0-9a-f]{40}, 2023-.*Z$/m);
  const { plan, record } = await bench.released('prd');
  expect(record.rulesChanged).toEqual(planned.plan.rulesChanged);
  expect(bench.record('prd').rulesChanged).toEqual(record.rulesChanged);
  const { body } = proposalText(plan, record);
  for (const id of changed) expect(body).toContain(`in ${id}, 2023-`);
  const summary = formatSummary({
    environment: 'prd',
    record,
    commit: bench.head('prd'),
    previous: undefined,
  });
  expect(summary).toContain('gates changed');
  const shown = await show(bench.context(), 'prd', { now: true });
  expect(shown.rulesChanged?.map(({ commit }) => commit)).toEqual(changed.toReversed());
  expect(formatText(showView(shown, bench.clock.now()))).toMatch(/^gates changed by .* in [0-9a-f]{40}, 2023-/m);
  expect((await show(bench.context(), 'prd', { release: 1 })).rulesChanged).toEqual([]);
});

test('a release under the same gates says nothing of them, whatever else the trunk changed', async () => {
  const bench = createBench({ settings: { prd: 'gates: { soak: 1m }' } });
  await bench.released('dev', FIRST);
  await bench.released('stg');
  bench.clock.advance(120_000);
  await bench.released('prd');
  bench.remote.commit('main', { 'README.md': 'other\n' });
  const text = bench.remote.file('main', 'tagflow.yaml') ?? '';
  bench.remote.commit('main', { 'tagflow.yaml': `# a comment\n${text}` });
  await bench.released('dev', { django: 'V4.2' });
  await bench.released('stg');
  bench.clock.advance(120_000);
  const { plan, record } = await bench.released('prd');
  expect([plan.rulesChanged, record.rulesChanged]).toEqual([undefined, undefined]);
});

test('the digest of a plan leaves out who changed the gates', async () => {
  const bench = createBench({ settings: { prd: 'gates: { upstream: warn }' } });
  await bench.through(FIRST);
  await bench.released('dev', { django: 'V4.2' });
  await bench.released('stg');
  const planned = await bench.promote('prd', {}, { run: { dryRun: true } });
  if (planned.kind !== 'planned') throw new Error(`it is ${planned.kind}`);
  const { plan } = planned;
  const changes = [{ commit: bench.head('main'), author: 'Eve <eve@example.org>', time: '2023-01-01T00:00:00Z' }];
  expect(planDigest({ ...plan, rulesChanged: changes })).toBe(planDigest(plan));
});

test('names those that came with the environment’s new name', async () => {
  const bench = createBench({ settings: { prd: 'gates: { soak: 1m }' } });
  await bench.released('dev', FIRST);
  await bench.released('stg');
  bench.clock.advance(120_000);
  await bench.released('prd');
  const text = bench.remote.file('main', 'tagflow.yaml') ?? '';
  const renamed = bench.remote.commit('main', {
    'tagflow.yaml': text
      .replace('  prd:\n', '  live:\n    branch: prd\n    path: environments/prd\n')
      .replace('soak: 1m', 'soak: 2m')
      .replace('version: 1', 'version: 1\nrenamed: { environments: { prd: live } }'),
  });
  await bench.released('dev', { django: 'V4.2' });
  await bench.released('stg');
  bench.clock.advance(180_000);
  await bench.released('live');
  const shown = await show(bench.context(), 'live', { now: true });
  expect(shown.rulesChanged?.map(({ commit }) => commit)).toEqual([renamed]);
});
