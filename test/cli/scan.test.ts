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

test('images are those that manifests name, each once', async () => {
  const folder = await checkoutOf({
    'a.yaml': pod('shop/web:V1'),
    'b/c.yml': pod('shop/web:V2'),
    'd.yaml': pod('redis'),
  });
  expect((await scanCheckout(folder, CLEAN_ENVIRONMENT)).images).toEqual(['shop/web', 'redis']);
});

test.each([
  ['is ignored by Git', { '.gitignore': 'a.yaml\n', 'a.yaml': pod('shop/web:V1') }],
  ['is no manifest by its name', { 'a.txt': pod('shop/web:V1') }],
  ['is larger than manifests are', { 'a.yaml': `${pod('shop/web:V1')}${'# x\n'.repeat(1 << 16)}` }],
  ['is no YAML, as a template', { 'a.yaml': `{{- if .x }}\n${pod('shop/web:V1')}{{- end }}\n` }],
])('a file that %s is passed over', async (_, files) => {
  const folder = await checkoutOf({ ...files, 'good.yaml': pod('shop/good:V1') });
  expect((await scanCheckout(folder, CLEAN_ENVIRONMENT)).images).toEqual(['shop/good']);
});

test('a link that leads nowhere is passed over', async () => {
  const folder = await checkoutOf({ 'good.yaml': pod('shop/good:V1') });
  await symlink('nowhere', join(folder, 'a.yaml'));
  expect((await scanCheckout(folder, CLEAN_ENVIRONMENT)).images).toEqual(['shop/good']);
});

test('folders are those with the name of an environment, and none within one of them', async () => {
  const folder = await checkoutOf({
    'environments/prd/kustomization.yaml': 'resources: []\n',
    'environments/dev/kustomization.yaml': 'resources: []\n',
    'environments/dev/test/kustomization.yaml': 'resources: []\n',
    'environments/base/kustomization.yaml': 'resources: []\n',
  });
  expect((await scanCheckout(folder, CLEAN_ENVIRONMENT)).folders.toSorted()).toEqual([
    'environments/dev',
    'environments/prd',
  ]);
});

test('a folder that is no checkout is refused', async () => {
  const error = await failureOf(scanCheckout(await folderOf({ 'a.yaml': pod('shop/web:V1') }), CLEAN_ENVIRONMENT));
  expect(error).toMatchObject({ code: 'usage', message: expect.stringMatching(/ is no Git checkout$/) });
});
