// Who changed the gates of an environment between two of its releases, as `show` says it.
import { expect, test } from 'vitest';
import { show } from '../../../src/engine/read/history.ts';
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
  await bench.released('prd');
  const shown = await show(bench.context(), 'prd', { now: true });
  expect(shown.rulesChanged?.map(({ commit }) => commit)).toEqual(changed.toReversed());
  expect(formatText(showView(shown, bench.clock.now()))).toMatch(/^gates changed by .* in [0-9a-f]{40}, 2023-/m);
  expect((await show(bench.context(), 'prd', { release: 1 })).rulesChanged).toEqual([]);
});
