// Signed releases by pull request: however one is merged, it counts with its signer; and what somebody pushed to its branch after it
// was opened does not.
import { beforeEach, describe, expect, test } from 'vitest';
import { check } from '../../../src/engine/audit/check.ts';
import { history } from '../../../src/engine/read/history.ts';
import { apply } from '../../../src/engine/release/apply.ts';
import type { BranchName } from '../../../src/model/object-id.ts';
import { parseTag } from '../../../src/model/reference.ts';
import { formatRecord, parseRecord } from '../../../src/model/release-record.ts';
import { type Bench, FIRST, createBench, recordOf, SIGNED, twoImages } from '../../support/engine.ts';
import { amend } from '../../support/forgeries.ts';
import { wordSigning } from '../../support/word-signing.ts';

const config = (layout: string): string =>
  twoImages(
    `
  dev: {}
  stg: { from: dev, signedBy: [bot], pullRequest: true, gates: { upstream: off } }
`,
    { layout, ...SIGNED },
  );

describe.each(['branches', 'folders'])('a signed release by pull request, in %s', (layout) => {
  let bench: Bench;
  const own = layout === 'branches' ? 'stg' : 'main';
  const propose = async (): Promise<{ readonly number: number; readonly branch: BranchName }> => {
    expect(await bench.promote('stg')).toMatchObject({ kind: 'proposed' });
    return bench.forge.pullRequests.at(-1)!;
  };
  const counted = async (): Promise<readonly (readonly [number, string | undefined])[]> => {
    const { releases } = await history(bench.context(), { environment: 'stg', limit: 9 });
    return releases.map(({ record, signer }) => [record.sequence, signer]);
  };

  beforeEach(async () => {
    bench = createBench({ config: config(layout), files: { signers: 'bot\n' }, signing: wordSigning('bot') });
    await bench.released('dev', FIRST);
  });

  test.each(['merge', 'squash', 'fast-forward'] as const)('counts after a %s, and so does the next', async (method) => {
    await bench.forge.merge((await propose()).number, method);
    expect(await counted()).toEqual([[1, 'bot']]);
    expect((await apply(bench.context(), ['stg']))[0]).toMatchObject({ problem: undefined, record: { sequence: 1 } });
    await bench.released('dev', { django: 'V4.2' });
    await bench.forge.merge((await propose()).number, method);
    expect(await counted()).toEqual([
      [2, 'bot'],
      [1, 'bot'],
    ]);
    expect((await check(bench.context(), { environments: [], registry: false })).findings).toEqual([]);
  });

  test.each(['merge', 'squash', 'fast-forward'] as const)(
    'changed to other images after it was opened, does not count after a %s',
    async (method) => {
      const { number, branch } = await propose();
      const path = 'environments/stg/kustomization.yaml';
      const record = parseRecord(bench.remote.file(branch, recordOf('stg'))!, 'record');
      const version = parseTag('V4.3');
      const [old, digest] = [record.images[0]!, bench.digest('django', version)];
      const images = record.images.map((image) => (image.name === 'django' ? { ...image, version, digest } : image));
      const pinned = bench.remote.file(branch, path)!.replaceAll(old.digest, digest).replaceAll(old.version, version);
      amend(bench, branch, { [path]: pinned, [recordOf('stg')]: formatRecord({ ...record, images }) });
      await bench.forge.merge(number, method);
      expect(bench.remote.file(own, recordOf('stg'))).toContain(digest);
      expect(await counted()).toEqual([]);
      const [applied] = await apply(bench.context(), ['stg']);
      expect(applied).toMatchObject({
        tags: [],
        problem: { code: expect.stringMatching(/^(?:record|signature)-invalid$/) },
      });
      expect(bench.aliases('django')).not.toHaveProperty('stg');
    },
  );
});
