// Evidence of a line that was renamed: each record comes with the signature that stood beside it, under whatever name.
import { expect, test } from 'vitest';
import { exportEvidence } from '../../../src/engine/audit/evidence.ts';
import { FIRST, SIGNED, createBench, twoImages } from '../../support/engine.ts';
import { wordSigning } from '../../support/word-signing.ts';

const ENVIRONMENTS = `
  dev: {}
  stg: { from: dev }
`;

test('a record that was signed under a former name has its signature', async () => {
  const bench = createBench({
    config: twoImages(ENVIRONMENTS, SIGNED),
    files: { signers: 'ana@example.org' },
    signing: wordSigning('ana@example.org'),
  });
  await bench.released('dev', FIRST);
  await bench.released('stg');
  const renamed = ENVIRONMENTS.replace('stg: { from: dev }', 'staging: { from: dev, branch: stg }');
  bench.remote.commit(
    'main',
    { 'tagflow.yaml': twoImages(renamed, { ...SIGNED, renamed: '{ environments: { stg: staging } }' }) },
    { time: bench.clock.now() },
  );
  const { lines } = await exportEvidence(bench.context());
  expect(lines.map(({ line, releases }) => [line, releases.map(({ signature }) => signature !== undefined)])).toEqual([
    ['dev', [true]],
    ['staging', [true]],
  ]);
});
