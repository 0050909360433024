// Files that travel with tagflow: only those that are wanted are read, as an editor's temporary files come and go beside them.
import { expect, test } from 'vitest';
import { readResources } from '../../src/cli/process/resources.ts';

test('files that are not wanted are not read', async () => {
  const pages = await readResources('docs/errors', (path) => path === 'held.md');
  expect([...pages.keys()]).toEqual(['held.md']);
});

test('paths are from the folder, with slashes', async () => {
  const files = await readResources('environments', (path) => path.startsWith('dev/'));
  expect([...files.keys()]).toContain('dev/kustomization.yaml');
});
