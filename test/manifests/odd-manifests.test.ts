// Odd and honest manifests: whatever their writers did with the freedom of YAML, the pin's bytes change and no other, or the file is
// refused with a reason.
import { describe, expect, it } from 'vitest';
import { pinImages } from '../../src/manifests/manifests.ts';
import { refusal } from '../support/failure.ts';
import { D, OLD, REPOSITORY as R, deployment, file, options, pinOf, textAfter } from './support.ts';

const PATH = 'environments/dev/any.yaml';
const KUSTOMIZATION = 'environments/dev/kustomization.yaml';
const TAG = `V4.2@${D}`;

/** The text of a file after pinning, beside a kustomization that takes what nothing names. */
function after(text: string, path = PATH, version = 'V4.2'): string {
  const others = path === KUSTOMIZATION ? [] : [file(KUSTOMIZATION, 'resources: []\n')];
  const result = pinImages([...others, file(path, text)], [pinOf({ version })], options);
  return textAfter(result, path) ?? text;
}

const pod = (container: string, more = ''): string => `kind: Pod\nspec: { containers: [${container}]${more} }\n`;
const argo = (source: string): string =>
  `apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: { name: x }\nspec:\n  source:\n${source}`;

describe('exactly the pin changes', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['breaks of Windows', deployment(` ${R}:V1`).replaceAll('\n', '\r\n')],
    ['breaks of both kinds', deployment(` ${R}:V1`).replace('\n', '\r\n')],
    ['a byte order mark', `\uFEFF${deployment(` ${R}:V1`)}`],
    ['a tab before a comment', deployment(` ${R}:V1\t# c`)],
    ['blanks behind', deployment(` ${R}:V1   `)],
    ['no break at the end', deployment(` ${R}:V1`).trimEnd()],
    ['an end mark', `image: ${R}:V1\n...\n`],
    ['directives', `%YAML 1.2\n---\n${deployment(` ${R}:V1`)}...\n---\nkind: X\n`],
    ['empty documents', `---\n---\nimage: ${R}:V1\n`],
    ['a list at the margin', `kind: Pod\nspec:\n  containers:\n  - image: ${R}:V1\n    name: a\n`],
    ['flow maps', pod(`{ name: a, image: ${R}:V1 }, { name: b, image: redis }`)],
    ['keys in quotes', pod(`{ "image": "${R}:V1" }`)],
    ['an explicit key', `kind: Pod\nspec:\n  containers:\n  - ? image\n    : ${R}:V1\n`],
    ['an explicit string', deployment(` !!str ${R}:V1`)],
    [
      'an anchor that means the image everywhere',
      `${deployment(` &img ${R}:V1`)}        - name: b\n          image: *img\n`,
    ],
    ['a merged mapping', `x: &b { image: '${R}:V1' }\nkind: Pod\nspec: { containers: [{ <<: *b, name: a }] }\n`],
    [
      'a fragment of Compose',
      `x-app: &app\n  image: ${R}:V1\nservices:\n  web: { <<: *app }\n  job:\n    <<: *app\n    command: x\n`,
    ],
    [
      'a scalar fragment of Compose',
      `x-image: &image ${R}:V1\nservices:\n  web: { image: *image }\n  job: { image: *image }\n`,
    ],
    ['Compose that extends', `services:\n  web:\n    extends: { file: base.yaml, service: web }\n    image: ${R}:V1\n`],
    ['a tag with a digest', deployment(` ${R}:V1@${OLD}`)],
    ['a host in capitals', deployment(' Registry.Example.COM/acme/django:V1')],
    ['comments in JSON', `{\n // c\n "image": "${R}:V1", /* d */\n}`],
    ['pictures in comments', `# 🚀 deploy\n${deployment(` ${R}:V1 # 🚀`)}`],
    ['a separator of lines in a comment', `# a\u2028b\n${deployment(` ${R}:V1`)}`],
    ['a very long line', deployment(` ${R}:V1 # ${'x'.repeat(5000)}`)],
    ['dangerous keys', `__proto__: { image: '${R}:V1' }\n`],
    ['keys that are no strings', `1: { image: '${R}:V1' }\ntrue: { a: 1 }\n`],
    ['an alias in Argo CD', argo(`    kustomize: { images: ['web=${R}:V1'] }\n`)],
    ['text with an indentation of its own', argo(`    helm:\n      values: |2-\n          image: ${R}:V1\n`)],
    ['text in quotes', argo(`    helm: { values: "image: ${R}:V1\\nreplicas: 2\\n" }\n`)],
    ['an image as a volume', pod('{ image: redis }', `, volumes: [{ name: v, image: { reference: '${R}:V1' } }]`)],
    [
      'what was applied last',
      `kind: Pod\nmetadata:\n  annotations:\n    last: '${R}:V0'\nspec: { containers: [{ image: '${R}:V1' }] }\n`,
    ],
  ];

  it.each(cases)('with %s', (_, text) => {
    expect(after(text)).toBe(text.replace(new RegExp(`V1(?:@${OLD})?(?!\\d)`), TAG));
  });

  it.each([
    ['a number', `image:\n  repository: ${R}\n  tag: 1.10 # live\n`, '1.10 #', `${TAG} #`],
    ['an octal number', `image:\n  repository: ${R}\n  tag: 0755\n`, '0755', TAG],
    ['an exponent', `image:\n  repository: ${R}\n  tag: 1e3\n`, '1e3', TAG],
    ['a word for true', `%YAML 1.1\n---\nimage: { repository: ${R}, tag: yes }\n`, 'tag: yes', `tag: ${TAG}`],
    ['null', `image:\n  repository: ${R}\n  tag: ~\n`, '~', TAG],
    ['folded text', deployment(` >-\n            ${R}:V1`), `>-\n            ${R}:V1`, `${R}:${TAG}`],
    ['a scalar on its own line', deployment(`\n            ${R}:V1`), 'V1', TAG],
    [
      'an escape',
      deployment(' "registry.example.com\\x2facme/django:V1"'),
      '"registry.example.com\\x2facme/django:V1"',
      `"${R}:${TAG}"`,
    ],
    ['blanks in quotes', deployment(` " ${R}:V1 "`), ` ${R}:V1 `, `${R}:${TAG}`],
    ['a digest in capitals', deployment(` ${R}@sha256:${'A'.repeat(64)}`), `@sha256:${'A'.repeat(64)}`, `:${TAG}`],
  ])('where %s stood', (_, text, from, to) => {
    expect(after(text)).toBe(text.replace(from, to));
  });

  it.each([
    [
      'in a list without values',
      `images:\n- name: ${R}\n  newTag:\n- name: b\n`,
      'newTag:',
      `newTag: V4.2\n  digest: ${D}`,
    ],
    ['in braces without a value', `images: [{ name: ${R}, newTag }]\n`, 'newTag', `newTag: V4.2, digest: ${D}`],
    ['in JSON', `{"images": [{"name": "${R}", "newTag": "V1"}]}\n`, '"V1"', `"V4.2", "digest": "${D}"`],
    ['behind a tab', `images:\n- name: ${R}\n  newTag:\tV1\n`, 'V1', `V4.2\n  digest: ${D}`],
    [
      'beside a digest of null',
      `images:\n- name: ${R}\n  newTag: V1\n  digest: null\n`,
      'V1\n  digest: null',
      `V4.2\n  digest: ${D}`,
    ],
    ['before a comment at the end', `images:\n- name: ${R}\n  newTag: V1\n# end`, 'V1', `V4.2\n  digest: ${D}`],
  ])('of an entry %s', (_, text, from, to) => {
    expect(after(text, KUSTOMIZATION)).toBe(text.replace(from, to));
  });

  it('keeps a version that looks like a number a string', () => {
    const text = `images:\n- name: ${R}\n  newTag: 1.9\n`;
    expect(after(text, KUSTOMIZATION, '1.10')).toBe(text.replace('1.9', `"1.10"\n  digest: ${D}`));
  });
});

it('a file that sops sealed is edited where its MAC leaves plain values out', () => {
  const text = `${deployment(` ${R}:V1`)}sops:\n  mac: ENC[AES256_GCM,data:a]\n  mac_only_encrypted: true\n`;
  expect(after(text)).toContain(`${R}:V4.2@`);
});

describe('refused with a reason', () => {
  it.each([
    [
      'a key that stands twice',
      `kind: Pod\nspec:\n  containers:\n  - image: ${R}:V1\n    image: ${R}:V2\n`,
      'appears twice',
    ],
    [
      'a variable of Compose with a default',
      `services:\n  web:\n    image: ${R}:\${TAG:-V1}\n`,
      'replace the placeholder',
    ],
    ['a tag that changes the meaning', deployment(` !secret ${R}:V1`), 'changes what the value means'],
    [
      'an anchor that means something else as well',
      `${deployment(` &img ${R}:V1`)}          env: [{ name: A, value: *img }]\n`,
      'would change as well',
    ],
    [
      'a tag beside a tag in the repository',
      `image: { repository: "${R}:V1", tag: V1 }\n`,
      'two fields that may disagree',
    ],
    ['folded text in text', argo(`    helm:\n      values: >\n        image: ${R}:V1\n`), 'folded or escaped'],
    ['an invisible blank', deployment(` ${R}:V1\u00a0`), 'would change as well'],
    ['breaks of old Macs', deployment(` ${R}:V1`).replaceAll('\n', '\r'), 'mappings'],
    ['a file that sops sealed', `${deployment(` ${R}:V1`)}sops:\n  mac: ENC[AES256_GCM,data:a]\n`, 'MAC of sops'],
    ['variables that sops sealed', `WEB_IMAGE=${R}:V1\nsops_mac=ENC[AES256_GCM,data:a]\n`, 'MAC of sops'],
    [
      'a tag that sops encrypted',
      `image:\n  repository: ${R}\n  tag: ENC[AES256_GCM,data:a]\n`,
      'replace the placeholder',
    ],
    ['a bracket at the margin', `kind: Pod\nspec: { containers: [\n  { image: ${R}:V1 },\n]}\n`, 'indented'],
  ])('%s', (_, text, words) => {
    expect(refusal(() => after(text)).why).toContain(words);
  });
});

describe('left alone', () => {
  it.each([
    ['a name that begins alike', deployment(' registry.example.com/acme/django-admin:V1')],
    ['a name behind another host', deployment(' mirror.example.com/registry.example.com/acme/django:V1')],
    ['Docker Hub’s image of that name', deployment(' docker.io/library/django:V1')],
    ['another registry of that path', `image:\n  repository: quay.io/acme/django\n  tag: V1\n`],
    ['a Secret', `kind: Secret\nstringData: { image: '${R}:V1' }\n`],
    ['an argument', pod(`{ image: redis, args: ['--image=${R}:V1'] }`)],
    ['an address', `url: oci://${R}:V1\n`],
    ['a set', `? ${R}:V1\n? b\n`],
  ])('%s', (_, text) => {
    expect(after(text)).toBe(text);
  });
});
