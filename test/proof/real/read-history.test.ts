// The reader is shown a repository and registries that it did not make, and reads them as Git, skopeo's layout and the
// registry's own API have them.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatRecord } from '../../../src/model/release-record.ts';
import { type DockerRegistry, startDockerRegistry } from '../../support/docker-registry.ts';
import { type GitRepository, createGitRepository } from '../../support/git-repository.ts';
import { pushImage } from '../../support/images.ts';
import { descriptorsOf, indexText, temporaryFolder } from '../../support/layouts.ts';
import { describeReal } from '../../support/real.ts';
import { FULL_RECORD } from '../../support/records.ts';
import { publishLayouts } from './fixture.ts';
import { readEnvironmentHistory, readHeads, readLayoutTags, readRegistryTags } from './read-history.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const OTHER = `sha256:${'b'.repeat(64)}`;
const RECORD = '.tagflow/releases/stg.yaml';
const MANIFEST = 'environments/stg/kustomization.yaml';

function manifest(...digests: readonly string[]): string {
  return `images:\n${digests.map((digest) => `  - name: app\n    digest: ${digest}\n`).join('')}`;
}

describe('an environment in a bare repository', () => {
  let repository: GitRepository;

  beforeAll(async () => {
    repository = await createGitRepository();
  });

  afterAll(async () => {
    await repository.remove();
  });

  it('is read newest first, by first parent, with what each commit records and pins', async () => {
    const { application: _, ...record } = FULL_RECORD;
    const root = await repository.commit('stg', { [MANIFEST]: 'images: []\n' });
    const side = await repository.commit('side', { 'settings.env': 'A=1\n' }, { parents: [root] });
    const merge = await repository.commit(
      'stg',
      { [RECORD]: formatRecord({ ...record, environment: 'stg' }), [MANIFEST]: manifest(DIGEST) },
      { parents: [root, side] },
    );
    const twice = await repository.commit('stg', { [RECORD]: 'sequence: one\n', [MANIFEST]: manifest(DIGEST, OTHER) });
    const found = await readEnvironmentHistory({ folder: repository.folder, name: 'stg', base: root });
    expect(found).toMatchObject({ name: 'stg', tag: 'stg', base: root, rewinds: [] });
    expect(found.line).toMatchObject([
      { id: twice, parents: [merge], record: { invalid: expect.any(String) }, pins: { app: `${DIGEST} and ${OTHER}` } },
      { id: merge, parents: [root, side], record: { environment: 'stg', sequence: 3 }, pins: { app: DIGEST } },
      { id: root, parents: [], pins: {} },
    ]);
    expect(found.line[2]).not.toHaveProperty('record');
    expect(await readHeads(repository.folder)).toEqual({ stg: twice, side });
  });
});

describe('an OCI layout', () => {
  it('is read with every tag, one that two descriptors have as often', async () => {
    using folder = temporaryFolder();
    const published = await publishLayouts(folder.path);
    const layout = join(folder.path, 'db');
    const [first, second] = published['db'] ?? [];
    const all = [
      { repository: 'db', tag: 'v1.0', digest: first?.digest },
      { repository: 'db', tag: 'v1.1', digest: second?.digest },
    ];
    expect(readLayoutTags(layout, 'db')).toEqual(all);
    const index = JSON.parse(indexText(layout)) as object;
    const manifests = descriptorsOf(layout);
    await writeFile(join(layout, 'index.json'), JSON.stringify({ ...index, manifests: [...manifests, manifests[0]] }));
    expect(readLayoutTags(layout, 'db')).toEqual([...all, all[0]]);
  });
});

describeReal('Docker’s registry', ['docker-registry'], () => {
  let registry: DockerRegistry;

  beforeAll(async () => {
    registry = await startDockerRegistry();
  });

  afterAll(async () => {
    await registry.stop();
  });

  it('is read from its files as it answers', async () => {
    const one = await pushImage(registry.host, 'acme/app', 'v1', { content: 'one' });
    const two = await pushImage(registry.host, 'acme/app', 'stg', { content: 'two' });
    await pushImage(registry.host, 'acme/app', 'stg', { content: 'one' });
    await pushImage(registry.host, 'acme/app', 'stg-2', { content: 'two' });
    expect(readRegistryTags(registry.root, 'acme/app', 'app').toSorted((a, b) => a.tag.localeCompare(b.tag))).toEqual([
      { repository: 'app', tag: 'stg', digest: one.digest },
      { repository: 'app', tag: 'stg-2', digest: two.digest },
      { repository: 'app', tag: 'v1', digest: one.digest },
    ]);
    expect(readRegistryTags(registry.root, 'acme/nothing', 'nothing')).toEqual([]);
  });
});
