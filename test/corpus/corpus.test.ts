// The corpus command judges by means of its own, sees every kind of fault, and survives whatever it meets.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/model/digest.ts';
import { faultOf } from './exact.ts';
import { judge } from './judge.ts';
import { scan } from './scan.ts';

const D = digestOf('x');
const allowed = { version: 'v2', digest: D };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('an edit', () => {
  const before = '# top\nimage: acme/web:v1 # live\nreplicas: 1\n';
  const after = before.replace('v1', `v2@${D}`);

  it('that changes the pin alone is exact', () => {
    expect(faultOf(before, after, allowed)).toBeUndefined();
    expect(faultOf('a: {tag: }\nb: 1\n', 'a: {tag: v2 }\nb: 1\n', allowed)).toBeUndefined();
    expect(faultOf('a:\n  tag: v1\n', `a:\n  tag: v2\n  digest: ${D}\n`, allowed)).toBeUndefined();
    expect(faultOf('v: |\n  tag: v1 # x\n', `v: |\n  tag: v2 # x\n`, allowed)).toBeUndefined();
    expect(faultOf('A=1\nT=v1\n', `A=1\nT=v2@${D}\n`, allowed)).toBeUndefined();
  });

  it.each([
    ['another value', after.replace('replicas: 1', 'replicas: 2')],
    ['a comment', after.replace('# live', '#live')],
    ['a line break', after.replace('# top\n', '# top\n\n')],
    ['the indentation', after.replace('replicas', ' replicas')],
    ['another image', after.replace('acme/web', 'acme/other')],
    ['a key', after.replace('replicas', 'replica')],
    ['a value that is not a pin', before.replace('acme/web:v1', 'v3')],
    ['a key that is not a pin', `${after}x: 1\n`],
  ])('that changes %s as well is not exact', (_, text) => {
    expect(faultOf(before, text, allowed)).toBeDefined();
  });

  it('inside a text is judged inside it', () => {
    expect(faultOf('v: |\n  tag: v1\n  x: 1\n', `v: |\n  tag: v2\n  x: 2\n`, allowed)).toBeDefined();
    expect(faultOf('v: |\n  tag: v1\n', `v:  |\n  tag: v2\n`, allowed)).toBeDefined();
  });
});

describe('the scan', () => {
  it.each([
    ['a reference', 'versions: {web: ghcr.io/acme/web:1.0}\n', 1],
    ['an image of a container', 'spec: {containers: [{image: nginx}]}\n', 1],
    ['a service of Compose', 'services: {web: {image: nginx}}\n', 1],
    ['a repository and a tag', 'image: {repository: acme/web, tag: v1, digest: ""}\n', 1],
    ['two components', 'a: {image: {tag: "1"}}\nb_image_tag: v2\n', 2],
    ['an entry of kustomize', 'images: [{name: web, newTag: v1, digest: x}]\n', 1],
    ['a text of values', 'values: |\n  image: acme/web:v1\n', 1],
    ['a template', '{{ if .x }}\nimage: acme/web:v1\n{{ end }}\n', 1],
    ['metadata', 'metadata: {annotations: {x: ghcr.io/acme/web:1.0}}\n', 0],
    ['a placeholder', 'image: "{{ .image }}"\n', 0],
    ['an address', 'url: https://example.com/a:1\ntime: 10:30\n', 0],
  ])('of %s finds what it should', (_, text, count) => {
    expect(scan('a.yaml', text)).toHaveLength(count);
  });
});

it('a file says what is recognised, exact, refused and missed', () => {
  const text = 'a: {image: {repository: acme/web, tag: v1}}\nb: {image: {repository: acme/api, tag: "${T}"}}\n';
  expect(judge('v.yaml', bytes(text))).toMatchObject({ exact: 1, forms: { values: 2 }, wrong: [] });
  expect(Object.values(judge('v.yaml', bytes(text)).refused)).toEqual([1]);
  expect(judge('t.yaml', bytes('{{ x }}\nimage: acme/web:v1\n'))).toMatchObject({ places: 1, recognised: 0 });
});

describe('npm run corpus', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'tagflow-corpus-'));
  });
  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  it('walks whatever a folder holds, and never fails for it', async () => {
    mkdirSync(join(root, 'a/b'), { recursive: true });
    writeFileSync(join(root, 'a/values.yaml'), 'image: {repository: acme/web, tag: v1}\n');
    writeFileSync(join(root, 'a/binary.yaml'), Buffer.from([0, 1, 2, 0xff, 0xfe]));
    writeFileSync(join(root, 'a/huge.json'), `{"image": "acme/web:v1", "x": "${'y'.repeat(1_100_000)}"}`);
    writeFileSync(join(root, 'a/broken.yaml'), 'image: acme/web:v1\n  - [}\n');
    writeFileSync(join(root, 'a/bomb.yaml'), `a: &a [x,x]\n${'b: &b [*a,*a,*a]\n'.repeat(3)}image: acme/web:v1\n`);
    writeFileSync(join(root, 'a/deep.yaml'), '['.repeat(100_000));
    writeFileSync(join(root, 'a/latin.yaml'), Buffer.from('image: acme/web:v1 # \xe9\n', 'latin1'));
    symlinkSync('..', join(root, 'a/b/loop'));
    symlinkSync('nowhere', join(root, 'a/dangling'));
    const { stdout } = await promisify(execFile)('npm', ['run', '-s', 'corpus', '--', root, '--missed']);
    expect(stdout).toMatch(/^files +7$/m);
    expect(stdout).toMatch(/^exact +1$/m);
    expect(stdout).toMatch(/^wrong +0$/m);
  }, 60_000);

  it('asks for a folder', async () => {
    await expect(promisify(execFile)('npm', ['run', '-s', 'corpus'])).rejects.toMatchObject({ code: 2 });
  });
});
