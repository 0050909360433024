// An entry about every environment, by somebody who may write it for some of them alone.
import { expect, test } from 'vitest';
import { hold } from '../../../src/engine/journal/holds.ts';
import { FIRST, SIGNED, createBench, twoImages } from '../../support/engine.ts';
import { wordSigning } from '../../support/word-signing.ts';

const mail = (name: string): string => `${name}@example.org`;

test('a hold on every environment says in which it does not count', async () => {
  const bench = createBench({
    config: twoImages(
      `
  dev: {}
  stg: { from: dev }
  prd: { from: stg, signedBy: [${mail('bot')}] }
`,
      SIGNED,
    ),
    files: { signers: ['bot', 'cy'].map(mail).join('\n') },
    signing: wordSigning(mail('bot')),
  });
  await bench.released('dev', FIRST);
  const everywhere = { image: 'django@V4.2', environments: [], until: undefined, reason: 'CVE' };
  await hold(bench.context({ actor: 'cy', signing: wordSigning(mail('cy')) }), everywhere);
  expect(bench.notices.filter((text) => text.includes('does not count'))).toEqual([
    expect.stringContaining('this hold does not count in prd: it is signed by cy@example.org'),
  ]);
  await hold(bench.context(), everywhere);
  expect(bench.notices.filter((text) => text.includes('does not count'))).toHaveLength(1);
});
