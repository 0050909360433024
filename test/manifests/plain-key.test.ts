// Configured fields: any file and path, the form of what stands there kept.
import { describe, expect, it } from 'vitest';
import type { ConfiguredField, ConfiguredPin } from '../../src/model/pipeline.ts';
import { pinImages, readPins } from '../../src/manifests/manifests.ts';
import { refusal } from '../support/failure.ts';
import {
  D,
  KUSTOMIZATION,
  OLD,
  REPOSITORY,
  WORKLOAD,
  deployment,
  file,
  options,
  pinOf,
  pinned,
  textAfter,
} from './support.ts';

const FILE = 'image-tags/dev/app';
const MIRROR = 'mirror.example.com/web';
const mirrored = pinOf({ names: ['django', REPOSITORY, MIRROR] });
const layout = pinOf({ repository: 'oci:./registry/django', names: ['django', REPOSITORY, MIRROR] });

function at(path: ConfiguredField['path'], name: string = FILE): { configured: ConfiguredPin[] } {
  return { configured: [{ image: 'django', file: name, path }] };
}

describe('a configured field', () => {
  it.each([
    ['a tag', 'image_tag: v737\n', `image_tag: V4.2@${D}\n`],
    ['a number', 'image_tag: 737 # build\n', `image_tag: V4.2@${D} # build\n`],
    ['a tag with its digest', `image_tag: "V4.0@${OLD}"\n`, `image_tag: "V4.2@${D}"\n`],
    ['nothing', 'image_tag:\n', `image_tag: V4.2@${D}\n`],
    ['null', 'image_tag: null\n', `image_tag: V4.2@${D}\n`],
    ['empty quotes', "image_tag: ''\n", `image_tag: 'V4.2@${D}'\n`],
    ['a digest', `image_tag: ${OLD}\n`, `image_tag: ${D}\n`],
    ['a reference', `image_tag: ${REPOSITORY}:V4.0\n`, `image_tag: ${REPOSITORY}:V4.2@${D}\n`],
    ['a reference by digest', `image_tag: django@${OLD}\n`, `image_tag: ${REPOSITORY}:V4.2@${D}\n`],
    ['a name of the image', 'image_tag: django\n', `image_tag: ${REPOSITORY}:V4.2@${D}\n`],
    ['another of its names', 'image_tag: Mirror.example.com/web:V4.0\n', `image_tag: ${REPOSITORY}:V4.2@${D}\n`],
  ])('that holds %s keeps that form', (_, before, after) => {
    expect(pinned(FILE, before, mirrored, at(['image_tag']))).toBe(after);
  });

  it.each([
    ['a tag', 'image_tag: v737\n', `image_tag: ${D}\n`],
    ['nothing', 'image_tag:\n', `image_tag: ${D}\n`],
    ['a reference', 'image_tag: mirror.example.com/web:V4.0\n', `image_tag: mirror.example.com/web@${D}\n`],
  ])('that holds %s is pinned by digest alone, names kept for a layout', (_, before, after) => {
    expect(pinned(FILE, before, layout, { ...at(['image_tag']), style: 'digest' })).toBe(after);
  });

  it('called image holds a name, not a tag, so a second pin finds the same form', () => {
    const options = { ...at(['image']), style: 'digest' as const };
    const once = pinned(FILE, 'image: django\n', layout, options);
    expect(once).toBe(`image: django@${D}\n`);
    expect(pinned(FILE, once, layout, options)).toBe(once);
  });

  it.each([
    ['no element', 'p:\n- {name: a, value: v1}\n'],
    ['two elements', 'p:\n- {name: image.tag, value: v1}\n- {name: image.tag, value: v2}\n'],
  ])('in %s that a field tells is not there', (_, text) => {
    const path = ['p', { key: 'name', value: 'image.tag' }, 'value'];
    const error = refusal(() => pinned(FILE, text, pinOf(), at(path)));
    expect([error.code, error.why]).toEqual(['pin-not-found', 'the file has no p[name=image.tag].value']);
  });

  it.each([
    [
      'under keys and indexes',
      ['apps', 1, 'tag'],
      'apps:\n- tag: a\n- tag: b\n',
      `apps:\n- tag: a\n- tag: V4.2@${D}\n`,
    ],
    [
      'in an element that a field tells',
      ['p', { key: 'name', value: 'image.tag' }, 'value'],
      'p:\n- {name: a, value: 2}\n- {name: image.tag, value: v1}\n',
      `p:\n- {name: a, value: 2}\n- {name: image.tag, value: V4.2@${D}}\n`,
    ],
    ['as an item of a list', [1], '- a\n- b # x\n', `- a\n- V4.2@${D} # x\n`],
    ['as an empty item', ['tags', 0], 'tags:\n-\n- b\n', `tags:\n- V4.2@${D}\n- b\n`],
    ['as the whole document', [], 'v737\n', `V4.2@${D}\n`],
    ['under a key with dots', ['a.b/c'], '"a.b/c": v1\n', `"a.b/c": V4.2@${D}\n`],
    ['under __proto__', ['__proto__', 'tag'], '__proto__:\n  tag: v1\n', `__proto__:\n  tag: V4.2@${D}\n`],
    ['under a numeric key', ['1'], '1: v1\n', `1: V4.2@${D}\n`],
    ['in flow style', ['a', 'b'], '{a: {b: v1, c: d}}\n', `{a: {b: V4.2@${D}, c: d}}\n`],
    ['in the one document that has it', ['tag'], 'a: b\n---\ntag: v1\n', `a: b\n---\ntag: V4.2@${D}\n`],
  ])('is found %s', (_, path, before, after) => {
    expect(pinned(FILE, before, pinOf(), at(path))).toBe(after);
  });

  it.each([
    ['text', '{"tag": "v1", "n": 1.10}', `{"tag": "V4.2@${D}", "n": 1.10}`],
    ['a number', '{\n\t"tag": 737\n}\n', `{\n\t"tag": "V4.2@${D}"\n}\n`],
    ['null', '{"tag":null}', `{"tag":"V4.2@${D}"}`],
  ])('in JSON that holds %s stays JSON', (_, before, after) => {
    expect(pinned('values.json', before, pinOf(), at(['tag'], 'values.json'))).toBe(after);
    expect(pinned(FILE, before, pinOf(), at(['tag']))).toBe(after);
  });

  it('decides alone, where a form finds the same field', () => {
    const path = ['spec', 'template', 'spec', 'containers', 0, 'image'];
    const redis = pinOf({ image: 'redis', names: ['redis', 'django'], repository: 'oci:./redis', version: 'V7.0' });
    const configured = [{ image: 'redis', file: WORKLOAD, path }];
    const files = [file(WORKLOAD, deployment(' django:V4.0')), file(KUSTOMIZATION, `images:\n- name: ${REPOSITORY}\n`)];
    const result = pinImages(files, [pinOf(), redis], { ...options, configured });
    expect(textAfter(result, WORKLOAD)).toBe(deployment(` django:V7.0@${D}`));
  });

  it('keeps the kustomization from getting an entry', () => {
    const files = [file(FILE, 'tag: v1\n'), file(KUSTOMIZATION, 'resources: []\n')];
    expect(pinImages(files, [pinOf()], { ...options, ...at(['tag']) }).edits.map(({ path }) => path)).toEqual([FILE]);
  });

  it('is reported with its line, its path, and both texts', () => {
    expect(
      pinImages([file(FILE, '# tags\napps: [{tag: v737}]\n')], [pinOf()], { ...options, ...at(['apps', 0, 'tag']) })
        .fields,
    ).toEqual([{ image: 'django', path: FILE, line: 2, field: 'apps[0].tag', before: 'v737', after: `V4.2@${D}` }]);
  });

  it('of an image that is not pinned now is left alone', () => {
    const configured = [{ image: 'other', file: 'nowhere', path: ['x'] }];
    expect(pinned(WORKLOAD, deployment(' django'), pinOf(), { configured })).toContain('V4.2');
  });

  it.each([
    ['its key is not there', 'other: v1\n', ['tag'], 'the file has no tag'],
    ['a key on the way is not there', 'other: v1\n', ['a', 'b'], 'the file has no a.b'],
    ['it is a mapping', 'tag: {a: b}\n', ['tag'], 'tag does not hold a single value'],
    ['an index is out of range', '- a\n', [3], 'the file has no [3]'],
    ['only a prototype has it', 'a: b\n', ['constructor', 'name'], 'the file has no constructor.name'],
  ])('cannot be pinned when %s', (_, text, path, why) => {
    expect(refusal(() => pinned(FILE, text, pinOf(), at(path)))).toMatchObject({
      code: 'pin-not-found',
      message: `django cannot be pinned in ${FILE}`,
      why,
    });
  });

  it('cannot be pinned in a file that is not there', () => {
    const error = refusal(() => pinImages([], [pinOf()], { ...options, ...at(['tag']) }));
    expect(error).toMatchObject({ code: 'pin-not-found', why: 'there is no such file' });
  });

  it.each([
    ['a block of text', 'x:\n  script: |\n    a\n    b\n', ['x', 'script'], 'a block of text'],
    ['a block of one line', 'script: >-\n  v1.0\n', ['script'], 'a block of text'],
    ['a sentence', 'note: "hello, two words"\n', ['note'], '"hello, two words", which is not a tag'],
    ['a count', 'replicas: "3"\n', ['replicas'], '"3", which is not a version of the image'],
    ['a share', 'weight: 1.5e0\n', ['weight'], '"1.5e0", which is not a version of the image'],
    ['a port', 'ports: [80, 443]\n', ['ports', 1], '"443", which is not a version of the image'],
    ['a switch', 'enabled: true\n', ['enabled'], '"true", which is not a version of the image'],
    ['an address', 'url: https://example.com/x?y=1\n', ['url'], 'the address "https://example.com/x?y=1"'],
    ['an address of a chart', 'url: oci://registry.example.com/acme/django\n', ['url'], 'the address "oci://'],
    [
      'another image',
      'x: quay.example.com/other/squid:5\n',
      ['x'],
      '"quay.example.com/other/squid:5", which is another',
    ],
    ['another image by key', 'image: squid\n', ['image'], '"squid", which is another image'],
    ['a public image of the same name', 'x: docker.io/library/django:5\n', ['x'], 'which is another image'],
    ['an image in a longer path', `x: ${REPOSITORY}/web:V4.0\n`, ['x'], 'which is another image'],
    ['a path', 'x: charts/django\n', ['x'], 'which is another image'],
    ['a reference and more', `x: ${REPOSITORY}:V4.0 --flag\n`, ['x'], 'which is not a whole reference'],
    ['a broken digest', 'x: V4.0@sha256:12\n', ['x'], 'which is not a tag'],
    [
      'the wrong item of a list',
      'p:\n- {name: replicas, value: "2"}\n',
      ['p', 0, 'value'],
      '"2", which is not a version',
    ],
  ])('is left alone when it holds %s', (_, text, path, what) => {
    const error = refusal(() => pinned(FILE, text, pinOf(), at(path)));
    expect(error).toMatchObject({ code: 'manifest-unsafe-edit' });
    expect(error.message).toContain(what);
    expect(error.message).toMatch(/^image-tags\/dev\/app:\d+ /);
  });

  it.each([
    ['the key speaks of a tag', 'app: {imageTag: 3}\n', ['app', 'imageTag'], pinOf()],
    ['the name beside the value does', 'p: [{name: image.tag, value: 3}]\n', ['p', 0, 'value'], pinOf()],
    [
      'the image has such versions',
      'x: "31"\n',
      ['x'],
      { ...pinOf(), versions: { kind: 'pattern' as const, pattern: /^(?<order>\d+)$/, order: 'numeric' as const } },
    ],
  ])('that holds a number is pinned where %s', (_, text, path, pin) => {
    expect(pinned(FILE, text, pin, at(path))).toContain(`V4.2@${D}`);
  });

  it.each([
    ['two documents have it', 'tag: a\n---\ntag: b\n', 'manifest-unsafe-edit'],
    ['an alias shares its value', 'x: &t v1\ntag: *t\n', 'manifest-unsafe-edit'],
    ['another tool fills it in', 'tag: "{{ .Values.tag }}"\n', 'manifest-unsafe-edit'],
    ['Flux writes it', 'tag: v1 # {"$imagepolicy": "a:b:tag"}\n', 'manifest-unsafe-edit'],
    ['the file is broken', 'tag: [\n', 'manifest-invalid'],
    ['the file is not text', new Uint8Array([0xff, 0xfe, 0x00]), 'manifest-invalid'],
  ])('is refused when %s', (_, content, code) => {
    expect(refusal(() => pinImages([file(FILE, content)], [pinOf()], { ...options, ...at(['tag']) })).code).toBe(code);
  });

  it('is read back as what it holds', () => {
    const read = (text: string): unknown =>
      readPins([file(FILE, text)], [pinOf()], { configured: at(['tag']).configured, maxBytes: options.maxBytes });
    const place = { image: 'django', path: FILE, line: 1, field: 'tag' };
    expect(read('tag: v737\n')).toEqual([{ ...place, name: undefined, tag: 'v737', digest: undefined }]);
    expect(read('tag:\n')).toEqual([{ ...place, name: undefined, tag: undefined, digest: undefined }]);
    expect(read(`tag: V4.2@${D}\n`)).toEqual([{ ...place, name: undefined, tag: 'V4.2', digest: D }]);
    expect(read(`tag: ${D}\n`)).toEqual([{ ...place, name: undefined, tag: undefined, digest: D }]);
    expect(read(`tag: django:1.10@${D}\n`)).toEqual([{ ...place, name: 'django', tag: '1.10', digest: D }]);
    expect(read('other: a\n')).toEqual([]);
  });
});
