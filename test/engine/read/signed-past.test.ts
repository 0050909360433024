// Whose signatures count when the rules change: the newest release is judged by today's rules, and those below a release that counts
// by the rules that they were planned with.
import { beforeEach, describe, expect, test } from 'vitest';
import { check } from '../../../src/engine/audit/check.ts';
import { history } from '../../../src/engine/read/history.ts';
import { status } from '../../../src/engine/status.ts';
import { parseRecord } from '../../../src/model/release-record.ts';
import { type Bench, DJANGO, FIRST, MARIADB, createBench, recordOf } from '../../support/engine.ts';
import { forge } from '../../support/forgeries.ts';
import { wordSigning } from '../../support/word-signing.ts';

const config = (
  layout: string,
  stg: string,
  signing = 'signing: ssh\nsigners: signers\n',
  dev = '',
): string => `version: 1
layout: ${layout}
${signing}images:
  django: { repository: ${DJANGO} }
  mariadb: { repository: ${MARIADB} }
environments:
  dev: {${dev}}
  stg: { from: dev, gates: { upstream: off }${stg} }
`;
const BOTH = ', signedBy: [ana, bot]';
const BOT = ', signedBy: [bot]';

describe.each(['branches', 'folders'])('signed releases, in %s', (layout) => {
  let bench: Bench;
  const branch = layout === 'branches' ? 'stg' : 'main';
  const as = (owner: string) => ({ as: { signing: wordSigning(owner) } });
  const configure = (stg: string, dev?: string): void => {
    bench.remote.commit('main', { 'tagflow.yaml': config(layout, stg, undefined, dev) });
  };
  const counted = async (): Promise<readonly (readonly [number, string | undefined])[]> => {
    const { releases } = await history(bench.context(), { environment: 'stg', limit: 9 });
    return releases.map(({ record, signer }) => [record.sequence, signer]);
  };
  const findings = async (): Promise<readonly string[]> =>
    (await check(bench.context(), { environments: [], registry: true })).findings.map(({ rule }) => rule);

  beforeEach(async () => {
    bench = createBench({
      config: config(layout, BOTH),
      files: { signers: 'ana\nbot\n' },
      signing: wordSigning('bot'),
    });
    await bench.released('dev', FIRST);
    await bench.released('stg', {}, as('ana'));
    await bench.released('stg', { django: 'V4.2' }, as('ana'));
  });

  test('somebody who left: what others released on top of keeps counting', async () => {
    await bench.released('stg', { django: 'V4.3' }, as('bot'));
    configure(BOT);
    expect(await counted()).toEqual([
      [3, 'bot'],
      [2, 'ana'],
      [1, 'ana'],
    ]);
    expect(await findings()).toEqual([]);
  });

  test('somebody who left: a newest release of theirs counts no more, however old its configuration', async () => {
    configure(BOT);
    expect(await counted()).toEqual([]);
    expect((await status(bench.context(), 'stg'))[0]?.problem).toMatchObject({ code: 'signature-invalid' });
    configure(BOTH);
    await bench.released('stg', { django: 'V4.3' }, as('bot'));
    configure(BOT);
    // Ana writes a release by the configuration that had her, with her key, on top of what counts.
    const record = bench.remote.file(branch, recordOf('stg'))!;
    const { config: then } = parseRecord(record, 'stg');
    if (layout === 'branches') {
      forge(bench, { record: { config: then } });
      const text = bench.remote.file('stg', recordOf('stg'))!;
      const signature = await wordSigning('ana').sign('ssh', new TextEncoder().encode(text), 'release');
      bench.remote.commit('stg', { [`${recordOf('stg')}.sig`]: signature });
    }
    expect((await counted())[0]).toEqual([3, 'bot']);
  });

  test('signing that was turned on: what was released before counts below what is signed', async () => {
    bench = createBench({
      config: config(layout, '', ''),
      files: { signers: 'bot\n' },
      signing: wordSigning('bot'),
    });
    await bench.released('dev', FIRST);
    await bench.released('stg');
    const before = bench.head(branch);
    const ofDev = ` signedAfter: ${bench.head(layout === 'branches' ? 'dev' : 'main')} `;
    configure(`, signedAfter: ${before}`, ofDev);
    await bench.released('stg', { django: 'V4.2' }, as('bot'));
    configure('', ofDev);
    expect(await counted()).toEqual([
      [2, 'bot'],
      [1, undefined],
    ]);
  });
});
