// A generated family of Helm values (spellings of an image, nesting, names, styles), many at once, judged by Helm itself: after
// pinning, the chart renders the new digest wherever it rendered the image before, and everything else as it was; another
// digest changes exactly these again, and the first digest gives the first bytes back.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { pinImages } from '../../src/manifests/manifests.ts';
import { digestOf } from '../../src/model/digest.ts';
import { parseTag } from '../../src/model/reference.ts';
import { IS_FULL, describeReal } from '../support/real.ts';
import { D, OLD, file, options, pinOf, textAfter } from './support.ts';

const R = 'registry.example.com:5000/acme/django';
const OWN = 'prod.example.com/acme/django';
const VALUES = 'environments/dev/values.yaml';

/** Renders each component by the words that its `form` says, wherever it stands. */
const CHART = `{{- define "walk" }}
{{- range $key, $c := . }}
{{- if kindIs "map" $c }}
{{- if $c.form }}
{{- if eq $c.form "whole" }}
- {{ $c.image | quote }}
{{- else if eq $c.form "fields" }}
- {{ printf "%s:%s" $c.image.repository $c.image.tag | quote }}
{{- else if eq $c.form "beside" }}
- {{ printf "%s:%s" $c.repository $c.tag | quote }}
{{- else if eq $c.form "digest" }}
- {{ if $c.image.digest }}{{ printf "%s@%s" $c.image.repository $c.image.digest | quote }}{{ else }}{{ printf "%s:%s" $c.image.repository $c.image.tag | quote }}{{ end }}
{{- else if eq $c.form "registry" }}
- {{ printf "%s/%s:%s" $c.image.registry $c.image.repository $c.image.tag | quote }}
{{- else if eq $c.form "flat" }}
- {{ printf "%s:%s" $c.imageRepository $c.imageTag | quote }}
{{- else if eq $c.form "list" }}
{{- range $c.containers }}
- {{ .image | quote }}
{{- end }}
{{- end }}
{{- else }}
{{- include "walk" $c }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- range $path, $_ := .Files.Glob "cases/*.yaml" }}
{{- $values := $.Files.Get $path | fromYaml }}
---
file: {{ $path }}
images:
{{- include "walk" $values }}
rest: {{ $values.replicas }}
{{- end }}
`;

const FORMS = ['whole', 'fields', 'beside', 'digest', 'registry', 'flat', 'list'] as const;
const named = fc.constantFrom(R, R, 'django', 'docker.io/other/squid', `${R}-extra`);
const tag = fc.constantFrom('V0.3', '1.10', `V0.3@${OLD}`, 'main');
const component = fc.record({ form: fc.constantFrom(...FORMS), named, tag, digest: fc.constantFrom('', OLD) });
type Component = typeof component extends fc.Arbitrary<infer T> ? T : never;

const key = fc.constantFrom('web', 'worker', 'api-server', 'deployment', 'image2', 'sidecar_x', 'jobs');
const shape = fc.record({
  components: fc.array(fc.record({ path: fc.array(key, { minLength: 1, maxLength: 3 }), component }), {
    minLength: 4,
    maxLength: 10,
  }),
  style: fc.constantFrom('version+digest' as const, 'version' as const, 'target' as const, 'target+digest' as const),
  own: fc.boolean(),
  indent: fc.constantFrom(2, 4),
  quoted: fc.constantFrom('PLAIN' as const, 'QUOTE_DOUBLE' as const, 'QUOTE_SINGLE' as const),
});

/** A component as values spell it. */
function valuesOf({ form, named, tag, digest }: Component): Record<string, unknown> {
  const bare = tag.replace(/@.*/, '');
  const slash = named.lastIndexOf('/acme/');
  switch (form) {
    case 'whole':
      return { form, image: `${named}:${tag}`, replicas: 2 };
    case 'fields':
      return { form, image: { repository: named, tag, pullPolicy: 'Always' } };
    case 'beside':
      return { form, tag, repository: named };
    case 'digest':
      return { form, image: { digest, repository: named, tag: bare } };
    case 'registry':
      return slash < 0
        ? { form: 'fields', image: { repository: named, tag } }
        : { form, image: { registry: named.slice(0, slash), repository: named.slice(slash + 1), tag } };
    case 'flat':
      return { form, imageRepository: named, imageTag: tag };
    case 'list':
      return {
        form,
        containers: [
          { name: 'a', image: `${named}:${tag}` },
          { name: 'b', image: 'busybox:1' },
        ],
      };
  }
}

/** Puts a component at a path; one that stands there already keeps its place. */
function put(into: Record<string, unknown>, path: readonly string[], value: Record<string, unknown>): void {
  let at = into;
  for (const step of path.slice(0, -1)) {
    const next = (at[step] ??= {}) as Record<string, unknown>;
    if (next['form'] !== undefined) return;
    at = next;
  }
  const last = path.at(-1) ?? '';
  at[last] ??= value;
}

describeReal(
  'helm renders what was pinned',
  ['helm'],
  () => {
    let root = '';
    beforeAll(() => {
      root = mkdtempSync(join(tmpdir(), 'tagflow-helm-family-'));
      mkdirSync(join(root, 'chart/templates'), { recursive: true });
      writeFileSync(join(root, 'chart/Chart.yaml'), 'apiVersion: v2\nname: shop\nversion: 0.1.0\n');
      writeFileSync(join(root, 'chart/templates/all.yaml'), CHART);
    });
    afterAll(() => rmSync(root, { recursive: true, force: true }));

    /** What the chart renders of each text of values, all by one process. */
    const render = (texts: readonly string[]): readonly string[] => {
      const cases = join(root, 'chart/cases');
      rmSync(cases, { recursive: true, force: true });
      mkdirSync(cases);
      for (const [index, text] of texts.entries()) writeFileSync(join(cases, `${index}.yaml`), text);
      const settings = { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 } as const;
      const parts = execFileSync('helm', ['template', 'shop', 'chart'], settings).split(/^---$/m);
      const byFile = new Map(parts.map((part) => [Number(/file: cases\/(\d+)/.exec(part)?.[1]), part]));
      return texts.map((_, index) => (byFile.get(index) ?? '').replace(/^file: .*$/m, '').replace(/^# Source.*$/m, ''));
    };

    it('wherever it rendered the image, however values spell it', () => {
      let judged = 0;
      const shapes = fc.sample(shape, { numRuns: CASES, seed: 12 });
      for (let at = 0; at < shapes.length; at += AT_ONCE) {
        const cases = shapes.slice(at, at + AT_ONCE).map((each) => caseOf(each));
        const rendered = render(cases.flatMap(({ texts }) => texts));
        for (const [index, { style, own, texts }] of cases.entries()) {
          const [before = '', ...after] = rendered.slice(index * 3, index * 3 + 3);
          const repository = own ? OWN : R;
          expect([texts[0], before.includes('rest: 3')]).toEqual([texts[0], true]);
          for (const [which, release] of [FIRST, SECOND].entries()) {
            const shown = style.startsWith('target') ? 'live' : release.version;
            const digest = style.endsWith('+digest') ? `@${release.digest}` : '';
            const wanted = before.replaceAll(
              /"(?:registry\.example\.com:5000\/acme\/django|django)([:@])[^"]*"/g,
              (_, sign: string) => {
                judged += 1;
                // the chart shows the digest alone where there is a field for it
                const hidesTag = sign === '@' && digest !== '';
                return hidesTag ? `"${repository}${digest}"` : `"${repository}:${shown}${digest}"`;
              },
            );
            const alone = `"${repository}@${release.digest}"`;
            const both = `"${repository}:${shown}@${release.digest}"`;
            expect([texts[0], after[which]?.replaceAll(alone, both)]).toEqual([
              texts[0],
              wanted.replaceAll(alone, both),
            ]);
          }
        }
      }
      expect(judged).toBeGreaterThan(4 * CASES);
    }, 600_000);
  },
  { optional: true },
);

const CASES = IS_FULL ? 1000 : 30;
const AT_ONCE = 100;
const FIRST = { version: 'V4.2', digest: D } as const;
const SECOND = { version: 'V4.1', digest: digestOf('django V4.1') } as const;

type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never;

/** A case with its values as they are, after a promotion, and after a second one; a third takes the second back. */
function caseOf({ components, style, own, indent, quoted }: Shape): {
  readonly style: Shape['style'];
  readonly own: boolean;
  readonly texts: readonly string[];
} {
  const values: Record<string, unknown> = {};
  for (const { path, component } of components) put(values, path, valuesOf(component));
  values['replicas'] = 3;
  // so that there is something to pin in every case
  values['main'] = valuesOf({ form: 'whole', named: R, tag: 'V0.3', digest: '' });
  const text = stringify(values, { indent, defaultStringType: quoted });
  const pin = (text: string, release: { readonly version: string; readonly digest: typeof D }): string => {
    const image = pinOf({ names: ['django', R, OWN], repository: own ? OWN : R, ...release });
    const pins = [{ ...image, targetTag: parseTag('live') }];
    return textAfter(pinImages([file(VALUES, text)], pins, { ...options, style }), VALUES) ?? text;
  };
  const first = pin(text, FIRST);
  const second = pin(first, SECOND);
  expect([text, pin(second, FIRST)]).toEqual([text, first]);
  return { style, own, texts: [text, first, second] };
}
