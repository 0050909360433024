// A plan alone says which lines it changes, with context, and what the settings in them mean.
import { describe, expect, it } from 'vitest';
import { diff } from '../../../src/engine/diff.ts';
import { DJANGO, FIRST, createBench } from '../../support/engine.ts';

const FOLDERS = `version: 1\nlayout: folders\nimages: { web: { repository: ${DJANGO} } }\nenvironments:\n  dev: { path: env/dev }\n  prd: { path: env/prd, from: dev, carry: [settings.yaml] }\n`;
const overlay = `resources: []\nimages:\n  - name: ${DJANGO}\n    newTag: V3.2\n`;
const settings = (level: string): string => `kind: ConfigMap\nmetadata: { name: s }\ndata:\n  LEVEL: ${level}\n`;
const dry = { run: { dryRun: true } };

describe('a plan', () => {
  it('of a branch shows lines with context, and settings beside the pins', async () => {
    const bench = createBench();
    await bench.through(FIRST);
    const path = 'environments/base/settings.yaml';
    bench.remote.commit('main', { [path]: settings('info') });
    await bench.released('dev', { django: 'V4.2' });
    const outcome = await bench.promote('stg', {}, dry);
    if (outcome.kind !== 'planned') throw new Error(outcome.kind);
    const files = new Map(outcome.files?.map((file) => [file.path, file]));
    expect(files.get(path)?.settings).toContainEqual({
      object: 'ConfigMap s',
      subject: 'object',
      field: '',
      before: undefined,
      after: 'there',
    });
    const pinned = files.get('environments/stg/kustomization.yaml');
    expect(pinned?.settings).toEqual([]);
    expect(pinned?.patch).toMatch(/^-.*V4\.0$/m);
    expect(pinned?.patch).toMatch(/^\+.*V4\.2$/m);
    expect([...files.keys()].filter((each) => each.includes('.tagflow'))).toEqual([]);
  });

  it('of a folder shows the files that travel', async () => {
    const bench = createBench({
      config: FOLDERS,
      files: {
        'env/dev/kustomization.yaml': overlay,
        'env/prd/kustomization.yaml': overlay,
        'env/dev/settings.yaml': settings('debug'),
        'env/prd/settings.yaml': settings('info'),
      },
    });
    await bench.released('dev', { web: 'V4.0' });
    const key = { object: 'ConfigMap s', subject: 'key', field: 'data.LEVEL', before: 'info', after: 'debug' };
    const outcome = await bench.promote('prd', {}, dry);
    if (outcome.kind !== 'planned') throw new Error(outcome.kind);
    const { files = [] } = outcome;
    expect(files.map(({ path }) => path)).toEqual(['env/prd/kustomization.yaml', 'env/prd/settings.yaml']);
    expect(files[1]?.settings).toEqual([key]);
    const compared = await diff(bench.context(), 'dev', 'prd');
    expect(compared.files.map(({ path, settings }) => [path, settings])).toEqual([['env/prd/settings.yaml', [key]]]);
  });

  it('shows no line of a Secret, and no bytes', async () => {
    const bench = createBench();
    await bench.through(FIRST);
    const secret = (word: string): string => `kind: Secret\nmetadata: { name: s }\nstringData: { PASSWORD: ${word} }\n`;
    bench.remote.commit('main', { 'environments/base/secret.yaml': secret('hunter2'), 'logo.png': 'a\u0000b' });
    const outcome = await bench.promote('dev', { django: 'V4.2' }, dry);
    if (outcome.kind !== 'planned') throw new Error(outcome.kind);
    expect(JSON.stringify(outcome.files)).not.toContain('hunter2');
    const patches = outcome.files?.map(({ path, patch }) => [path, patch.split('\n')[2]]);
    expect(patches).toContainEqual([
      'environments/base/secret.yaml',
      '@@ it holds a Secret, whose values are not shown @@',
    ]);
    expect(patches).toContainEqual(['logo.png', '@@ binary files differ @@']);
  });
});
