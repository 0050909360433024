// Rendering by the programs of a machine: nothing but their answer comes back, and nothing of the files is started.
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalRenderer } from '../../src/render/local.ts';
import type { RenderTarget } from '../../src/render/render.ts';
import { describeReal } from '../support/real.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tagflow-render-test-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const signal = new AbortController().signal;
const files = (texts: Readonly<Record<string, string>>) =>
  Object.entries(texts).map(([path, text]) => ({ path, content: new TextEncoder().encode(text) }));
const OVERLAY: RenderTarget = { kind: 'kustomize', folder: 'env/prd' };
const CHART: RenderTarget = { kind: 'helm', folder: 'chart', release: 'web', values: ['env/values-prd.yaml'] };

/** A renderer that finds a program of ours as kubectl. */
function withProgram(script: string, limits: { readonly limitMs?: number } = {}): LocalRenderer {
  const path = join(root, 'kubectl');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return new LocalRenderer({ env: { PATH: `${root}:${process.env['PATH']}`, SECRET: 'hunter2' }, signal, ...limits });
}

describe('a program that renders', () => {
  it('is looked for on PATH, and in no folder with a relative name', async () => {
    const renderer = new LocalRenderer({ env: { PATH: `.:${join(root, 'none')}` }, signal });
    expect(await renderer.render(OVERLAY, [])).toEqual({ kind: 'missing', program: 'kubectl' });
    expect(await renderer.render(CHART, [])).toEqual({ kind: 'missing', program: 'helm' });
  });

  it('sees the files that it is given, and nothing of the caller’s variables or home', async () => {
    const renderer = withProgram('cat "$2/a.yaml"; env | cut -d= -f1 | sort; echo "$HOME"');
    const rendered = await renderer.render(OVERLAY, files({ 'env/prd/a.yaml': 'a: 1\n' }));
    const text = rendered.kind === 'rendered' ? rendered.text : rendered.kind;
    expect(text).toMatch(/^a: 1$/m);
    expect(text).not.toMatch(/SECRET|hunter2|KUBERNETES/);
    expect(text).not.toContain(`${process.env['HOME']}\n`);
  });

  it('leaves nothing behind', async () => {
    const kept = (): readonly string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('tagflow-run-'));
    const before = kept();
    await withProgram('exit 1').render(OVERLAY, files({ 'env/prd/a.yaml': 'a: 1\n' }));
    expect(kept()).toEqual(before);
  });

  it.each([
    ['fails', 'echo "Error: accumulating resources" >&2; exit 1', 'Error: accumulating resources', 30_000],
    ['does not end', 'sleep 60', 'it was ended after', 1000],
    ['writes without end', 'yes', 'it was ended after', 1000],
    ['writes too much', 'head -c 20000000 /dev/zero | tr "\\\\0" a', 'it wrote more than 16 MiB', 30_000],
  ])('that %s is given up in its words', async (_, script, why, limitMs) => {
    const rendered = await withProgram(script, { limitMs }).render(OVERLAY, []);
    expect(rendered).toEqual({ kind: 'failed', why: expect.stringContaining(why) as string });
  });
});

describeReal('kubectl kustomize', ['kubectl'], () => {
  const renderer = (): LocalRenderer => new LocalRenderer({ env: process.env, signal });

  it('renders an overlay on a base', async () => {
    const rendered = await renderer().render(
      OVERLAY,
      files({
        'env/prd/kustomization.yaml': 'resources: [../../base]\nimages: [{name: web, newTag: V2}]\n',
        'base/kustomization.yaml': 'resources: [web.yaml]\n',
        'base/web.yaml':
          'apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: "web:V1"}]}\n',
      }),
    );
    expect(rendered).toEqual({ kind: 'rendered', text: expect.stringContaining('image: web:V2') as string });
  });

  const pod = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n';
  const exec = (path: string): string =>
    `apiVersion: example.com/v1\nkind: Any\nmetadata:\n  name: x\n  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: ${path}}\n`;

  it.each(['generators', 'transformers', 'validators'])('starts no program that %s name', async (field) => {
    const mark = join(root, 'started');
    const program = join(root, 'program.sh');
    writeFileSync(program, `#!/bin/sh\ntouch ${mark}\n`);
    chmodSync(program, 0o755);
    const rendered = await renderer().render(
      OVERLAY,
      files({
        'env/prd/kustomization.yaml': `resources: [web.yaml]\n${field}: [x.yaml]\n`,
        'env/prd/web.yaml': pod,
        'env/prd/x.yaml': exec(program),
      }),
    );
    expect(rendered.kind).toBe('failed');
    expect(existsSync(mark)).toBe(false);
  });

  it('inflates no chart', async () => {
    const kustomization = 'helmCharts: [{name: web, repo: "https://example.com", version: 1.0.0}]\n';
    const rendered = await renderer().render(OVERLAY, files({ 'env/prd/kustomization.yaml': kustomization }));
    expect(rendered).toEqual({ kind: 'failed', why: expect.stringContaining('enable-helm') as string });
  });

  it('clones nothing, even from this machine', async () => {
    const rendered = await renderer().render(
      OVERLAY,
      files({ 'env/prd/kustomization.yaml': `resources: ["file://${root}//base?ref=main"]\n` }),
    );
    expect(rendered.kind).toBe('failed');
  });
});

describeReal('helm template', ['helm'], () => {
  const renderer = (): LocalRenderer => new LocalRenderer({ env: process.env, signal });
  const chart = (template: string, more: Readonly<Record<string, string>> = {}) =>
    files({
      'chart/Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
      'chart/values.yaml': 'tag: V1\n',
      'env/values-prd.yaml': 'tag: V2\n',
      'chart/templates/web.yaml': template,
      ...more,
    });

  it('renders a chart with values', async () => {
    const rendered = await renderer().render(CHART, chart('kind: Pod\nimage: web:{{ .Values.tag }}\n'));
    expect(rendered).toEqual({ kind: 'rendered', text: expect.stringContaining('image: web:V2') as string });
  });

  it('reads no variable, resolves no name and asks no cluster', async () => {
    let asked = 0;
    const server = createServer((_, response) => {
      asked += 1;
      response.end('{}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      writeFileSync(join(root, 'config'), `clusters: [{name: c, cluster: {server: "http://127.0.0.1:${port}"}}]\n`);
      const env = { ...process.env, KUBECONFIG: join(root, 'config'), HELM_KUBEAPISERVER: `http://127.0.0.1:${port}` };
      const template = 'kind: Pod\na: "{{ lookup "v1" "Secret" "" "" }}"\nb: "{{ getHostByName "localhost" }}"\n';
      const rendered = await new LocalRenderer({ env, signal }).render(CHART, chart(template));
      expect(rendered).toMatchObject({
        kind: 'rendered',
        text: expect.stringMatching(/a: "map\[\]"\nb: ""/) as string,
      });
      expect(asked).toBe(0);
      const variable = await new LocalRenderer({ env, signal }).render(CHART, chart('a: {{ env "HOME" }}\n'));
      expect(variable).toMatchObject({ kind: 'failed' });
    } finally {
      server.close();
    }
  });

  it('fetches no chart that another one needs', async () => {
    const needs =
      'apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies: [{name: sub, version: 1.0.0, repository: "https://example.com"}]\n';
    const rendered = await renderer().render(CHART, chart('kind: Pod\n', { 'chart/Chart.yaml': needs }));
    expect(rendered).toEqual({ kind: 'failed', why: expect.stringContaining('missing in charts/') as string });
  });
});
