// Others judge the pins: Helm renders them, PyYAML (YAML 1.1) and `yaml` (YAML 1.2 and 1.1) read them.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Pin, pinImages } from '../../src/manifests/manifests.ts';
import { attemptNow } from '../../src/model/attempt.ts';
import { PIN_STYLES } from '../../src/model/pipeline.ts';
import { parseTag } from '../../src/model/reference.ts';
import { describeReal } from '../support/real.ts';
import { STYLE_ROWS } from './style-rows.ts';
import { D, OLD, REPOSITORY, file, options, pinOf, pinned, textAfter } from './support.ts';

const KEY = 'tagflow.dev/digest.django';
const WORKER = 'registry.example.com/acme/worker';
const worker = pinOf({ image: 'worker', names: ['worker', WORKER], repository: WORKER, version: '1.10' });

describeReal(
  'helm template',
  ['helm'],
  () => {
    let root = '';
    beforeEach(() => {
      root = mkdtempSync(join(tmpdir(), 'tagflow-helm-'));
      write('chart/Chart.yaml', 'apiVersion: v2\nname: shop\nversion: 0.1.0\nappVersion: "1"\n');
      write('chart/templates/web.yaml', workload('{{ .Values.image.repository }}:{{ .Values.image.tag }}'));
      const reference = '{{ .registry }}/{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag }}{{ end }}';
      write('chart/templates/worker.yaml', workload(`{{ with .Values.worker.image }}${reference}{{ end }}`));
      write('chart/templates/job.yaml', workload('{{ .Values.job.image }}'));
      write('chart/templates/note.yaml', 'kind: ConfigMap\ndata: {tag: {{ .Values.worker.image.tag | quote }}}\n');
    });
    afterEach(() => {
      rmSync(root, { recursive: true, force: true });
    });

    const VALUES = `replicas: 2
image: {repository: ${REPOSITORY}, tag: V4.0} # web
worker:
  image:
    registry: registry.example.com
    repository: acme/worker
    tag: 1.9
    digest: ""
job:
  image: ${REPOSITORY}:V4.0
`;

    function write(path: string, text: string): void {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }

    const annotated = workload('{{ .Values.image.repository }}:{{ .Values.image.tag }}').replace(
      'template: {',
      'template: {metadata: {annotations: {{ .Values.podAnnotations | toJson }}}, ',
    );

    function workload(image: string): string {
      return `kind: Deployment\nspec:\n  replicas: {{ .Values.replicas }}\n  template: {spec: {containers: [{name: a, image: "${image}"}]}}\n`;
    }

    function render(values: string): string {
      write('values.yaml', values);
      return execFileSync('helm', ['template', 'shop', 'chart', '-f', 'values.yaml'], { cwd: root, encoding: 'utf8' });
    }

    it('renders the pins, and everything else as before', () => {
      const result = pinImages([file('v.yaml', VALUES)], [pinOf(), worker], options);
      const before = render(VALUES);
      const after = render(textAfter(result, 'v.yaml') ?? '');
      expect(after).not.toBe(before);
      expect(after).toBe(
        before
          .replaceAll(`${REPOSITORY}:V4.0`, `${REPOSITORY}:V4.2@${D}`)
          .replace(`${WORKER}:1.9`, `${WORKER}@${D}`)
          .replace('tag: "1.9"', 'tag: "1.10"'),
      );
    });

    it('renders another Pod template exactly when the digest is another, where values name the moving tag', () => {
      write('chart/templates/web.yaml', annotated);
      const also = [{ file: 'v.yaml', path: ['podAnnotations', KEY], value: '{digest}' }];
      const configured = [{ image: 'django', file: 'v.yaml', path: ['image', 'tag'], also }];
      const release = (text: string, digest: Pin['digest']): string => {
        const pin = { ...pinOf({ digest }), style: 'target' as const, targetTag: parseTag('dev') };
        const done = pinImages([file('v.yaml', text)], [pin], {
          ...options,
          configured,
          values: { release: 7, time: '' },
        });
        expect(done.warnings).toEqual([]);
        return textAfter(done, 'v.yaml') ?? text;
      };
      const first = release(VALUES.replace(/job:.*/s, 'job: {image: x}\n'), OLD);
      const second = release(first, D);
      const [one, two] = [render(first), render(second)];
      expect(one).toContain(`image: "${REPOSITORY}:dev"`);
      expect(two).toBe(one.replaceAll(OLD, D));
      expect(two).not.toBe(one);
      expect(release(second, D)).toBe(second);
      expect(release(second, OLD)).toBe(first);
    });
  },
  { optional: true },
);

/** Versions that some reader of YAML takes for a number, a boolean, a date or nothing. */
const VERSIONS = '1.10 1e3 12e4567 0755 0o17 0x1F 1_000 1234567 yes on No null 2024-01-01 v1 1.2.3 main'.split(' ');

const SHAPES: [string, (tag: string) => string, readonly string[]][] = [
  ['a tag and a digest', (tag) => `image: {repository: ${REPOSITORY}, tag: ${tag}, digest: x}\n`, ['image', 'tag']],
  ['an empty tag', () => `image:\n  repository: ${REPOSITORY}\n  digest:\n  tag:\n`, ['image', 'tag']],
  ['a chart', (tag) => `apiVersion: v2\nname: django\nversion: 1.0.0\nappVersion: ${tag}\n`, ['appVersion']],
  ['a JSON file', () => `{"image": {"repository": "${REPOSITORY}", "tag": "a", "digest": ""}}`, ['image', 'tag']],
  [
    'an OCIRepository',
    (tag) =>
      `kind: OCIRepository\napiVersion: source.toolkit.fluxcd.io/v1\nspec: {url: 'oci://${REPOSITORY}', ref: {tag: ${tag}}}\n`,
    ['spec', 'ref', 'tag'],
  ],
  ['an anchor', (tag) => `t: &t {repository: ${REPOSITORY}, tag: ${tag}, digest: x}\nimage: *t\n`, ['image', 'tag']],
  [
    'a block of text',
    (tag) => `image:\n  repository: ${REPOSITORY}\n  digest: x\n  tag: >-\n    ${tag.replaceAll(/['"]/g, '')}\n`,
    ['image', 'tag'],
  ],
];

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : at), value);
}

describe.each(SHAPES)('a version in %s', (_, shape, path) => {
  it.each(['1.2', '1.1'] as const)('is that text for a reader of YAML %s', (version) => {
    for (const tag of VERSIONS) {
      const text = pinned('f', shape("'a'"), pinOf({ version: tag }));
      expect([tag, valueAt(parse(text, { version, merge: true }), path)]).toEqual([tag, tag]);
    }
  });

  it('is written so over an older one, with or without quotes', () => {
    for (const tag of VERSIONS) {
      for (const quote of ["'", '"', '']) {
        const text = pinned('f', shape(`${quote}a${quote}`), pinOf({ version: tag }));
        expect([tag, valueAt(parse(text, { version: '1.1', merge: true }), path)]).toEqual([tag, tag]);
      }
    }
  });
});

const python = hasPyYaml();

describe.skipIf(!python)(`PyYAML${python ? '' : ' (skipped: python3 with PyYAML is not installed)'}`, () => {
  it('reads each version as `yaml` does', () => {
    const texts = SHAPES.flatMap(([, shape]) =>
      VERSIONS.map((tag) => pinned('f', shape("'a'"), pinOf({ version: tag }))),
    );
    expect(readByPython(texts)).toEqual(texts.map((text) => parse(text, { version: '1.2', merge: true }) as unknown));
  });

  it('reads what each pin style writes into each form as `yaml` does', () => {
    const texts = STYLE_ROWS.filter(({ path }) => /\.(?:yaml|json)$/.test(path)).flatMap((row) =>
      PIN_STYLES.flatMap((style) => {
        const pin = { ...pinOf({ version: '1e3' }), style, targetTag: parseTag('on') };
        const configured = row.configured ?? [];
        const { value } = attemptNow(() => pinImages([file(row.path, row.text)], [pin], { ...options, configured }));
        return value ? [textAfter(value, row.path) ?? row.text] : [];
      }),
    );
    expect(texts.length).toBeGreaterThan(120);
    expect(readByPython(texts)).toEqual(texts.map((text) => parse(text, { version: '1.2', merge: true }) as unknown));
  });
});

function readByPython(texts: readonly string[]): unknown {
  const script = 'import json,sys,yaml; print(json.dumps([yaml.safe_load(t) for t in json.load(sys.stdin)]))';
  const input = JSON.stringify(texts);
  return JSON.parse(execFileSync('python3', ['-c', script], { input, encoding: 'utf8' }));
}

function hasPyYaml(): boolean {
  try {
    execFileSync('python3', ['-c', 'import yaml'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
