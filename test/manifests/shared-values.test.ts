// Values that an environment's own file inherits: the shared file says what a tag means, and is never edited.
import { describe, expect, it } from 'vitest';
import type { ConfiguredPin } from '../../src/model/pipeline.ts';
import { type PinResult, pinImages, readPins, sharedValuesOf } from '../../src/manifests/manifests.ts';
import { cpuTime } from '../support/cpu.ts';
import { refusal } from '../support/failure.ts';
import { D, OLD, REPOSITORY, file, options, pinOf, textAfter } from './support.ts';

const OWN = 'apps/web/values-dev.yaml';
const SHARED = file(
  'apps/web/values.yaml',
  `image:\n  repository: ${REPOSITORY}\n  tag: V1\nweb: {image: {tag: V1}}\n`,
);
const TAG = `V4.2@${D}`;
const PROD = 'prod.example.com/shop/django';
const [HOST, REST] = [REPOSITORY.slice(0, REPOSITORY.indexOf('/')), REPOSITORY.slice(REPOSITORY.indexOf('/') + 1)];

function pin(own: string, change: { path?: readonly string[]; shared?: string; repository?: string } = {}): PinResult {
  const configured: ConfiguredPin[] = change.path ? [{ image: 'django', file: OWN, path: change.path }] : [];
  const bases = [change.shared === undefined ? SHARED : file(SHARED.path, change.shared)];
  const { repository = REPOSITORY } = change;
  const image = pinOf({ names: [...new Set(['django', REPOSITORY, repository])], repository });
  return pinImages([file(OWN, own)], [image], { ...options, bases, configured });
}

describe('a tag in the own values', () => {
  it('belongs to the repository in the shared values', () => {
    const own = 'replicas: 2\nimage:\n  tag: "1.0.0" # app\n';
    expect(textAfter(pin(own), OWN)).toBe(own.replace('1.0.0', TAG));
    expect(pin(own).edits.map(({ path }) => path)).toEqual([OWN]);
  });

  it('is read as a pin of that image', () => {
    const own = file(OWN, `image: {tag: "V4.0@${OLD}"}\n`);
    const read = readPins([own], [pinOf()], { ...options, shared: [SHARED] });
    expect(read).toMatchObject([{ image: 'django', tag: 'V4.0', digest: OLD, field: 'image.tag' }]);
  });

  it.each([
    ['the shared values name another image', 'image:\n  repository: ghcr.io/acme/other\n  tag: V1\n'],
    ['the shared values name it elsewhere', `worker:\n  image: {repository: ${REPOSITORY}, tag: V1}\n`],
    ['the shared values cannot be read', 'image: [}\n'],
  ])('is left alone where %s', (_, shared) => {
    expect(refusal(() => pin('image:\n  tag: V4.0\n', { shared })).code).toBe('pin-not-found');
  });

  it('of another repository than its keys say is left alone', () => {
    const shared = 'django:\n  image: {repository: ghcr.io/acme/other, tag: V1}\n';
    expect(refusal(() => pin('django: {image: {tag: V4.0}}\n', { shared })).code).toBe('pin-not-found');
  });

  it.each([
    ['by the form', undefined],
    ['by a pin', ['image', 'tag']],
  ])('gets the repository of an environment that has one of its own, found %s', (_, path) => {
    const own = 'image:\n  tag: V4.0 # app\nreplicas: 2\n';
    const result = pin(own, { repository: PROD, ...(path && { path }) });
    expect(textAfter(result, OWN)).toBe(`image:\n  tag: ${TAG} # app\n  repository: ${PROD}\nreplicas: 2\n`);
    const again = pin(textAfter(result, OWN) ?? '', { repository: PROD, ...(path && { path }) });
    expect(again.edits).toEqual([]);
  });

  it('gets registry and repository apart, as the shared values have them', () => {
    const shared = `image: {registry: ${HOST}, repository: ${REST}, tag: V1}\n`;
    expect(textAfter(pin('image:\n  tag: V4.0\n', { shared, repository: PROD }), OWN)).toBe(
      `image:\n  tag: ${TAG}\n  registry: prod.example.com\n  repository: shop/django\n`,
    );
  });

  it('gets its digest in a key of its own where the shared values have one: Helm would take theirs', () => {
    const shared = `image: {repository: ${REPOSITORY}, tag: V1, digest: "${OLD}"}\n`;
    const after = `image:\n  tag: V4.2\n  digest: ${D}\n`;
    expect(textAfter(pin('image:\n  tag: V4.0\n', { shared }), OWN)).toBe(after);
    expect(textAfter(pin('image: {}\n', { shared, path: ['image', 'tag'] }), OWN)).toBe(
      `image: {tag: V4.2, digest: ${D}}\n`,
    );
  });
});

describe('a configured field that the own values lack', () => {
  it.each([
    ['below a key', 'image:\n  pullPolicy: Always\nb: 1\n', `image:\n  pullPolicy: Always\n  tag: ${TAG}\nb: 1\n`],
    ['with its keys', 'replicas: 2\n', `replicas: 2\nimage:\n  tag: ${TAG}\n`],
    ['with the line breaks of the file', 'a: 1\r\n', `a: 1\r\nimage:\r\n  tag: ${TAG}\r\n`],
    ['in a mapping in braces', '{a: 1, image: {x: 2}}\n', `{a: 1, image: {x: 2, tag: ${TAG}}}\n`],
    ['in an empty mapping', 'image: {}\n', `image: {tag: ${TAG}}\n`],
    ['in JSON', '{"a": 1}', `{"a": 1, "image": {"tag": "${TAG}"}}`],
    ['in an empty file', '', `image:\n  tag: ${TAG}\n`],
    ['in a file of comments', '# ours\n', `# ours\nimage:\n  tag: ${TAG}\n`],
    ['behind a text', 'a: |\n  x\n\n', `a: |\n  x\nimage:\n  tag: ${TAG}\n\n`],
  ])('is added %s', (_, own, after) => {
    expect(textAfter(pin(own, { path: ['image', 'tag'] }), OWN)).toBe(after);
  });

  it('is added with the repository of an environment that has one of its own', () => {
    const after = textAfter(pin('replicas: 2\n', { path: ['image', 'tag'], repository: PROD }), OWN);
    expect(after).toBe(`replicas: 2\nimage:\n  repository: ${PROD}\n  tag: ${TAG}\n`);
    expect(textAfter(pin('', { path: ['image', 'tag'], repository: PROD }), OWN)).toBe(
      `image:\n  repository: ${PROD}\n  tag: ${TAG}\n`,
    );
  });

  it.each([
    ['the shared values lack it as well', 'a: 1\n', ['image', 'version']],
    ['a value stands on the way', 'image: acme/web\n', ['image', 'tag']],
    ['the file has several documents', 'a: 1\n---\nb: 1\n', ['image', 'tag']],
  ])('is refused where %s', (_, own, path) => {
    expect(['pin-not-found', 'manifest-unsafe-edit']).toContain(refusal(() => pin(own, { path })).code);
  });
});

it('where an environment has files alone, the error names those that were read', () => {
  const error = refusal(() =>
    pinImages([file(OWN, 'replicas: 2\n')], [pinOf()], { ...options, folder: '', bases: [SHARED] }),
  );
  expect([error.message, error.fix]).toEqual([
    `nothing in ${OWN} names django`,
    "name the field's file and path under pins: in tagflow.yaml",
  ]);
});

it('shared values stand beside a file that is called as values are, or above it', () => {
  expect(sharedValuesOf('apps/web/values-dev.yaml')).toEqual(['apps/web/values.yaml', 'apps/values.yaml']);
  expect(sharedValuesOf('apps/web/dev.values.yaml')).toEqual(['apps/web/values.yaml', 'apps/values.yaml']);
  expect(sharedValuesOf('env/dev/values.yaml')).toEqual(['env/values.yaml']);
  expect(sharedValuesOf('values-dev.yaml')).toEqual(['values.yaml']);
  expect(sharedValuesOf('apps/deployment.yaml')).toEqual([]);
});

describe('very many values', () => {
  it('are read in a time that grows with their number', () => {
    const values = (count: number, value: (at: number) => string): string =>
      Array.from({ length: count }, (_, at) => `c${at}: {image: {${value(at)}}}\n`).join('');
    const read = (count: number): number =>
      cpuTime(() => {
        const own = file(
          OWN,
          values(count, () => 'tag: V1'),
        );
        const shared = file(
          SHARED.path,
          values(count, () => `repository: ${REPOSITORY}`),
        );
        expect(readPins([own], [pinOf()], { ...options, shared: [shared], maxBytes: 2 ** 23 })).toHaveLength(count);
      });
    expect(read(10_000)).toBeLessThan(10_000);
  });

  it('of very many releases of Helm charts are found by their name alone', () => {
    const release = (at: number) => file(`apps/r${at}.yaml`, `kind: HelmRelease\nmetadata: {name: r${at}}\n`);
    const files = Array.from({ length: 20_000 }, (_, at) => release(at));
    expect(cpuTime(() => readPins(files, [pinOf()], options))).toBeLessThan(15_000);
  });
});
