// Two versions of a file by what their settings mean: keys, variables, replicas, resources, images.
import { describe, expect, it } from 'vitest';
import { holdsSecret, settingChanges } from '../../src/manifests/manifests.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const MAX = 64 * 1024;

/** Changes in short: `Deployment web | env | field: before → after`. */
function said(before: string | undefined, after: string | undefined, path = 'a.yaml'): readonly string[] | undefined {
  const [old, now] = [before, after].map((text) => (text === undefined ? undefined : bytes(text)));
  return settingChanges(path, old, now, MAX)?.map(
    (each) => `${each.object ?? ''} | ${each.subject} | ${each.field}: ${each.before ?? '–'} → ${each.after ?? '–'}`,
  );
}

const deployment = (
  more: { replicas?: number; cpu?: string; debug?: string; image?: string; side?: boolean } = {},
): string => {
  const side = `      - { name: proxy, image: 'envoy:1' }\n`;
  return `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  replicas: ${more.replicas ?? 2}\n  template:\n    spec:\n      containers:\n${more.side ? side : ''}      - name: web\n        image: ${more.image ?? 'acme/web:V1'}\n        env: [{ name: A, value: a }, { name: DEBUG, value: '${more.debug ?? '0'}' }]\n        resources: { limits: { cpu: ${more.cpu ?? '1'} } }\n${more.side ? '' : side}`;
};

describe('settings that differ', () => {
  it.each([
    ['replicas', deployment(), deployment({ replicas: 4 }), ['Deployment web | replicas | spec.replicas: 2 → 4']],
    [
      'resources',
      deployment(),
      deployment({ cpu: '500m' }),
      ['Deployment web | resources | spec.template.spec.containers[web].resources.limits.cpu: 1 → 500m'],
    ],
    [
      'a variable of a container',
      deployment(),
      deployment({ debug: '1' }),
      ['Deployment web | env | spec.template.spec.containers[web].env[DEBUG].value: 0 → 1'],
    ],
    [
      'an image',
      deployment(),
      deployment({ image: 'acme/web:V2' }),
      ['Deployment web | image | spec.template.spec.containers[web].image: acme/web:V1 → acme/web:V2'],
    ],
    ['nothing where containers change places', deployment(), deployment({ side: true }), []],
    [
      'nothing in comments, quotes and the order of keys',
      'kind: ConfigMap\ndata: { a: x, b: "1" }\n',
      '# new\nkind: ConfigMap\ndata:\n  b: \'1\'\n  a: "x"\n',
      [],
    ],
    [
      'keys of a ConfigMap',
      'kind: ConfigMap\nmetadata: { name: s, namespace: n }\ndata: { LEVEL: info, GONE: x }\n',
      'kind: ConfigMap\nmetadata: { name: s, namespace: n }\ndata: { LEVEL: debug, NEW: y }\n',
      [
        'ConfigMap n/s | key | data.LEVEL: info → debug',
        'ConfigMap n/s | key | data.GONE: x → –',
        'ConfigMap n/s | key | data.NEW: – → y',
      ],
    ],
    [
      'keys of a Secret, and never their values',
      'kind: Secret\nmetadata: { name: s }\nstringData: { PASSWORD: one }\n',
      'kind: Secret\nmetadata: { name: s }\nstringData: { PASSWORD: two }\n',
      ['Secret s | key | stringData.PASSWORD: (hidden) → (hidden)'],
    ],
    [
      'literals of a generator',
      'configMapGenerator:\n  - name: s\n    literals: [A=1, B=2]\n',
      'configMapGenerator:\n  - name: s\n    literals: [B=2, A=3]\n',
      [' | key | configMapGenerator[s].literals.A: 1 → 3'],
    ],
    [
      'whole objects',
      'kind: Service\nmetadata: { name: a }\nspec: { x: 1, y: 2 }\n',
      'kind: Service\nmetadata: { name: b }\nspec: { x: 1 }\n',
      ['Service a | object | : there → –', 'Service b | object | : – → there'],
    ],
    ['an object in another place of the file', 'kind: A\n---\nkind: B\n', 'kind: B\n---\nkind: A\n', []],
    [
      'values',
      'replicaCount: 1\na: { b: [1] }\n',
      'replicaCount: 2\na: { b: [1, 2] }\n',
      [' | replicas | replicaCount: 1 → 2', ' | field | a.b[1]: – → 2'],
    ],
    ['a file that is new', undefined, 'a: 1\n', [' | field | a: – → 1']],
    ['a list that is empty now', 'a: [1]\n', 'a: []\n', [' | field | a[0]: 1 → –', ' | field | a: – → []']],
  ])('%s', (_, before, after, expected) => {
    expect(said(before, after)).toEqual(expected);
  });

  it('of a file of variables are its keys', () => {
    expect(said('A=1\nB=2\n', 'A=1\nB=3\n', 'x.env')).toEqual([' | key | B: 2 → 3']);
  });

  it.each([
    ['text', 'just words\n'],
    ['broken YAML', 'a: [\n'],
    ['a template', '{{ if .a }}\na: 1\n{{ end }}\n'],
    ['too large', `a: ${'x'.repeat(MAX)}\n`],
  ])('of %s are reported as text alone', (_, text) => {
    expect(said('a: 1\n', text)).toBeUndefined();
  });
});

it('a file with a Secret is known', () => {
  expect(holdsSecret('a.yaml', bytes('kind: A\n---\nkind: Secret\n'), MAX)).toBe(true);
  expect(holdsSecret('a.yaml', bytes('kind: SecretStore\n'), MAX)).toBe(false);
  expect(holdsSecret('a.yaml', bytes('kind: "\\u0053ecret"\n'), MAX)).toBe(true);
  expect(holdsSecret('a.yaml', bytes('kind: "Sec\\\n  ret"\n'), MAX)).toBe(true);
});
