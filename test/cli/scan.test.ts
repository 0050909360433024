// What init finds in a checkout, and what it passes over.
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { scanCheckout } from '../../src/cli/init/scan.ts';
import { failureOf } from '../support/failure.ts';
import { CLEAN_ENVIRONMENT, run, temporaryFolder } from '../support/git-repository.ts';

const pod = (image: string): string => `kind: Pod\nspec:\n  containers:\n    - image: ${image}\n`;

async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder('scan');
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

async function checkoutOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await folderOf(files);
  await run('git', ['init', '-q', folder]);
  return folder;
}

async function imagesIn(folder: string): Promise<readonly string[]> {
  const { images } = await scanCheckout(folder, CLEAN_ENVIRONMENT);
  return images.map(({ name = '', tag }) => (tag === undefined ? name : `${name}:${tag}`));
}

test('images are those that manifests name', async () => {
  const folder = await checkoutOf({
    'a.yaml': pod('shop/web:V1'),
    'b/c.yml': pod('shop/web:V2'),
    'd.yaml': pod('redis'),
  });
  expect(await imagesIn(folder)).toEqual(['shop/web:V1', 'shop/web:V2', 'redis']);
});

test.each([
  ['is ignored by Git', { '.gitignore': 'a.yaml\n', 'a.yaml': pod('shop/web:V1') }],
  ['is not a manifest by its name', { 'a.txt': pod('shop/web:V1') }],
  ['is larger than manifests are', { 'a.yaml': `${pod('shop/web:V1')}${'# x\n'.repeat(1 << 18)}` }],
  ['is not YAML, as a template', { 'a.yaml': `{{- if .x }}\n${pod('shop/web:V1')}{{- end }}\n` }],
])('a file that %s is passed over', async (_, files) => {
  const folder = await checkoutOf({ ...files, 'good.yaml': pod('shop/good:V1') });
  expect(await imagesIn(folder)).toEqual(['shop/good:V1']);
});

test('a link that leads nowhere is passed over', async () => {
  const folder = await checkoutOf({ 'good.yaml': pod('shop/good:V1') });
  await symlink('nowhere', join(folder, 'a.yaml'));
  expect(await imagesIn(folder)).toEqual(['shop/good:V1']);
});

test('what an overlay builds on is known, and the branches of the remote', async () => {
  const folder = await checkoutOf({
    'web/base/kustomization.yaml': 'resources: [pod.yaml]\n',
    'web/base/pod.yaml': pod('shop/web:V1'),
    'web/prd/kustomization.yaml': 'resources: [../base]\n',
    'web/values-prd.yaml': 'replicas: 2\n',
    'web/values.yaml': 'image: { repository: shop/web, tag: V1 }\n',
  });
  const commit = ['-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-q', '--allow-empty', '-m', 'x'];
  await run('git', ['-C', folder, ...commit]);
  for (const branch of ['main', 'prd'])
    await run('git', ['-C', folder, 'update-ref', `refs/remotes/origin/${branch}`, 'HEAD']);
  await run('git', ['-C', folder, 'symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/main']);
  const { builds, branches, trunk } = await scanCheckout(folder, CLEAN_ENVIRONMENT);
  expect(Object.fromEntries(builds)).toEqual({
    'web/base/kustomization.yaml': ['web/base/pod.yaml'],
    'web/prd/kustomization.yaml': ['web/base/kustomization.yaml'],
    'web/values-prd.yaml': ['web/values.yaml'],
  });
  expect([branches, trunk]).toEqual([['main', 'prd'], 'main']);
});

test('a folder that is not a checkout is refused', async () => {
  const error = await failureOf(scanCheckout(await folderOf({ 'a.yaml': pod('shop/web:V1') }), CLEAN_ENVIRONMENT));
  expect(error).toMatchObject({ code: 'usage', message: expect.stringMatching(/ is not a Git checkout$/) });
});
