// A configured tag or digest, and what stands beside it of the same image.
import { describe, expect, it } from 'vitest';
import { pinImages, readPins } from '../../src/manifests/manifests.ts';
import { parseTag } from '../../src/model/reference.ts';
import { refusal } from '../support/failure.ts';
import { D, OLD, REPOSITORY, file, options, pinOf, textAfter } from './support.ts';

const FILE = 'apps/web/values.yaml';
const PROD = 'prod.example.com/live/django';
const own = pinOf({ names: ['django', REPOSITORY, PROD], repository: PROD });
const same = pinOf();

function after(text: string, pin: ReturnType<typeof pinOf>, ...paths: (readonly string[])[]): string {
  const configured = paths.map((path) => ({ image: 'django', file: FILE, path }));
  return textAfter(pinImages([file(FILE, text)], [pin], { ...options, configured }), FILE) ?? text;
}

describe('in an environment with a registry of its own a configured tag', () => {
  it.each([
    [
      'takes the repository beside it along',
      `image:\n  repository: ${REPOSITORY} # where\n  tag: 1.0.0\n`,
      `image:\n  repository: ${PROD} # where\n  tag: V4.2@${D}\n`,
    ],
    [
      'takes registry and repository along',
      'image:\n  registry: registry.example.com\n  repository: acme/django\n  tag: 1.0.0\n',
      `image:\n  registry: prod.example.com\n  repository: live/django\n  tag: V4.2@${D}\n`,
    ],
    [
      'leaves a repository that is right',
      `image: {repository: ${PROD}, tag: 1.0.0}\n`,
      `image: {repository: ${PROD}, tag: V4.2@${D}}\n`,
    ],
    ['with nothing beside it is pinned alone', 'image: {tag: 1.0.0}\n', `image: {tag: V4.2@${D}}\n`],
  ])('%s', (_, before, wanted) => {
    expect(after(before, own, ['image', 'tag'])).toBe(wanted);
    expect(after(wanted, own, ['image', 'tag'])).toBe(wanted);
  });

  it.each([
    [
      ['imageTag'],
      `imageRepository: ${REPOSITORY}\nimageTag: 1.0.0\n`,
      `imageRepository: ${PROD}\nimageTag: V4.2@${D}\n`,
    ],
    [
      ['web_tag'],
      `web_repository: ${REPOSITORY}\nweb_tag: v1\ntag: v1\n`,
      `web_repository: ${PROD}\nweb_tag: V4.2@${D}\ntag: v1\n`,
    ],
  ])('finds it beside %j', (path, before, wanted) => {
    expect(after(before, own, path)).toBe(wanted);
  });

  it.each([
    [
      'the registry is set elsewhere',
      'image: {repository: acme/django, tag: v1}\n',
      'has no registry, and the image has several',
    ],
    [
      'the repository is another image',
      'image: {repository: quay.io/other/squid, tag: v1}\n',
      'which is another image',
    ],
  ])('is refused where %s', (_, text, what) => {
    const error = refusal(() => after(text, own, ['image', 'tag']));
    expect(error.code).toBe('manifest-unsafe-edit');
    expect(error.message).toContain(what);
  });
});

describe('a configured tag', () => {
  it.each([
    ['a digest', `image: {tag: v1, digest: '${OLD}'}\n`, `image: {tag: V4.2, digest: '${D}'}\n`],
    ['an empty digest', 'image: {tag: v1, digest: ""}\n', `image: {tag: V4.2, digest: "${D}"}\n`],
    [
      'a registry that is set elsewhere',
      'image: {repository: acme/django, tag: v1}\n',
      `image: {repository: acme/django, tag: V4.2@${D}}\n`,
    ],
    [
      'the address of a chart',
      'image: {repository: "https://charts.example.com/x", tag: v1}\n',
      `image: {repository: "https://charts.example.com/x", tag: V4.2@${D}}\n`,
    ],
  ])('beside %s is pinned so that both say one image', (_, before, wanted) => {
    expect(after(before, same, ['image', 'tag'])).toBe(wanted);
    expect(after(wanted, same, ['image', 'tag'])).toBe(wanted);
  });

  it('and a configured digest are the version and the digest alone', () => {
    const text = `image:\n  registry: registry.example.com\n  repository: acme/django\n  tag: 1.0.0\n  digest: ""\n`;
    const wanted = text.replace('1.0.0', 'V4.2').replace('digest: ""', `digest: "${D}"`);
    expect(after(text, same, ['image', 'tag'], ['image', 'digest'])).toBe(wanted);
    expect(after(text, same, ['image', 'digest'])).toBe(wanted);
  });

  it('with a moving tag empties the digest beside it', () => {
    const configured = [{ image: 'django', file: FILE, path: ['image', 'tag'], pin: 'target' as const }];
    const text = `image: {tag: v1, digest: '${OLD}'}\n`;
    const pin = { ...same, targetTag: parseTag('prd') };
    const result = pinImages([file(FILE, text)], [pin], { ...options, configured });
    expect(textAfter(result, FILE)).toBe("image: {tag: prd, digest: ''}\n");
  });

  it('is read with the name and the digest beside it', () => {
    const configured = [{ image: 'django', file: FILE, path: ['image', 'tag'] }];
    const text = `image: {registry: registry.example.com, repository: acme/django, tag: V1, digest: '${OLD}'}\n`;
    expect(readPins([file(FILE, text)], [same], { configured, maxBytes: options.maxBytes })).toMatchObject([
      { name: REPOSITORY, tag: 'V1', digest: OLD },
    ]);
  });
});
