import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTagflowError } from '../../src/model/errors.ts';
import {
  formatReference,
  isTag,
  ownershipKey,
  parseReference,
  parseRepository,
  parseTag,
} from '../../src/model/reference.ts';
import { refusal } from '../support/failure.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;
const HOST = 'registry.example.com';

/** All that the error of a refused text says. */
function wordsOf(parse: () => unknown): string {
  const { code, message, why, fix, details } = refusal(parse);
  expect(code).toBe('reference-invalid');
  return JSON.stringify([message, why, fix, details]);
}

describe('a reference', () => {
  it.each([
    ['a repository', `${HOST}/app`, `${HOST}/app`, undefined, undefined],
    ['a tag', `${HOST}/acme/app:v1`, `${HOST}/acme/app`, 'v1', undefined],
    ['a digest', `${HOST}/app@${DIGEST}`, `${HOST}/app`, undefined, DIGEST],
    ['both', `${HOST}/app:v1@${DIGEST}`, `${HOST}/app`, 'v1', DIGEST],
    ['a port', `${HOST}:5000/app:v1`, `${HOST}:5000/app`, 'v1', undefined],
    ['localhost', 'localhost/app', 'localhost/app', undefined, undefined],
    ['a host without dots, by its port', 'registry:5000/app', 'registry:5000/app', undefined, undefined],
    ['a host in upper case', 'Registry.Example.COM/app:V1', `${HOST}/app`, 'V1', undefined],
    ['an IPv6 host', '[::1]:5000/app:v1', '[::1]:5000/app', 'v1', undefined],
    ['an IPv6 host without a port', '[2001:db8::1]/app', '[2001:db8::1]/app', undefined, undefined],
    ['an IPv6 host written long', '[2001:0DB8:0:0:0:0:0:1]:443/app', '[2001:db8::1]:443/app', undefined, undefined],
    ['a tag of 128 characters', `${HOST}/app:${'t'.repeat(128)}`, `${HOST}/app`, 't'.repeat(128), undefined],
    ['the last port there is', `${HOST}:65535/app`, `${HOST}:65535/app`, undefined, undefined],
    ['a path of 255 characters', `${HOST}/${'a'.repeat(255)}`, `${HOST}/${'a'.repeat(255)}`, undefined, undefined],
    ['a tag that starts with _', `${HOST}/app:_x`, `${HOST}/app`, '_x', undefined],
    [
      'separators in the path',
      `${HOST}/a.b/c_d/e__f/g-h/i---j`,
      `${HOST}/a.b/c_d/e__f/g-h/i---j`,
      undefined,
      undefined,
    ],
    ['a layout', 'oci:./registry/app', 'oci:./registry/app', undefined, undefined],
    ['a tag of a layout', 'oci:./registry/app:v1', 'oci:./registry/app', 'v1', undefined],
    ['a digest of a layout', `oci:/srv/app@${DIGEST}`, 'oci:/srv/app', undefined, DIGEST],
    ['a layout with a slash behind it', 'oci:/srv/app//', 'oci:/srv/app', undefined, undefined],
    ['the root as a layout', 'oci:/', 'oci:/', undefined, undefined],
    [
      'a layout on a Windows drive',
      String.raw`oci:C:\registry\app`,
      String.raw`oci:C:\registry\app`,
      undefined,
      undefined,
    ],
    [
      'a tag of a layout on a Windows drive',
      String.raw`oci:C:\registry\app:v1`,
      String.raw`oci:C:\registry\app`,
      'v1',
      undefined,
    ],
    ['a layout on a drive, with slashes', 'oci:C:/registry/app:v1', 'oci:C:/registry/app', 'v1', undefined],
    ['a layout below a folder with a colon', 'oci:./a:b/app:v1', 'oci:./a:b/app', 'v1', undefined],
    ['a layout below a folder with an at sign', 'oci:./@acme/app:v1', 'oci:./@acme/app', 'v1', undefined],
    ['a layout below a folder that ends in a colon', 'oci:./a:/app:v1', 'oci:./a:/app', 'v1', undefined],
    ['a layout of one letter', 'oci:a:v1', 'oci:a', 'v1', undefined],
    ['a layout with spaces', 'oci:./my registry/app:v1', 'oci:./my registry/app', 'v1', undefined],
  ])('may have %s', (_, text, name, tag, digest) => {
    const reference = parseReference(text);
    expect([reference.repository.name, reference.tag, reference.digest]).toEqual([name, tag, digest]);
  });

  it.each([
    ['nothing', '', 'it has no registry host'],
    ['no host', 'django', 'it has no registry host'],
    ['an empty host', '/app', '"" is not a registry host'],
    ['no host, with a digest', `django@${DIGEST}`, 'it has no registry host'],
    ['no host, with a tag', 'django:v1', 'it has no registry host'],
    ['a Docker Hub name', 'library/django', '"library" is not a registry host'],
    ['an empty path', `${HOST}/`, '"" is not a repository name'],
    ['a repository in upper case', `${HOST}/Acme/app`, 'repository names are lower case'],
    ['an empty part', `${HOST}/a//b`, 'is not a repository name'],
    ['a part that starts with a dash', `${HOST}/-a`, 'is not a repository name'],
    ['a part that ends with a dot', `${HOST}/a.`, 'is not a repository name'],
    ['.. as a part', `${HOST}/../a`, 'is not a repository name'],
    ['three underscores', `${HOST}/a___b`, 'is not a repository name'],
    ['a query', `${HOST}/a?x=1`, 'is not a repository name'],
    ['an escape', `${HOST}/a%2fb`, 'is not a repository name'],
    ['a path of 256 characters', `${HOST}/${'a'.repeat(256)}`, 'at most 255'],
    ['a tag of 129 characters', `${HOST}/app:${'t'.repeat(129)}`, 'has 129 characters'],
    ['a tag of 128 characters that starts with a dash', `${HOST}/app:-${'t'.repeat(127)}`, 'a tag starts with'],
    ['an empty tag', `${HOST}/app:`, 'a tag starts with'],
    ['a tag that starts with a dash', `${HOST}/app:-v1`, 'a tag starts with'],
    ['a tag that starts with a dot', `${HOST}/app:.v1`, 'a tag starts with'],
    ['a tag with a line break', `${HOST}/app:v1\n`, 'a tag starts with'],
    ['a tag in another script', `${HOST}/app:ｖ1`, 'a tag starts with'],
    ['an empty digest', `${HOST}/app@`, '"" is not a digest'],
    ['a short digest', `${HOST}/app@sha256:abc`, 'is not a digest'],
    ['two digests', `${HOST}/app@${DIGEST}@${DIGEST}`, 'is not a repository name'],
    ['a port of 0', `${HOST}:0/app`, '0 is not a port'],
    ['a port of 65536', `${HOST}:65536/app`, '65536 is not a port'],
    ['a port with a zero in front', `${HOST}:0443/app`, '0443 is not a port'],
    ['an empty port', `${HOST}:/app`, 'is not a registry host'],
    ['a host with a dash at its end', 'a-.com/app', 'is not a registry host'],
    ['a host with an empty label', 'a..com/app', 'is not a registry host'],
    ['a host with a line break', 'a.com\n/app', 'is not a registry host'],
    ['a host in another script', 'exаmple.com/app', 'is not a registry host'],
    ['an IPv6 host that is not one', '[:::::]:5000/app', '[:::::] is not an IPv6 address'],
    ['a scheme', `https://${HOST}/app`, 'a reference has no scheme'],
    ['a user', `me@${HOST}/app`, 'cannot contain a user name or password'],
    ['an address in place of a layout', `oci://${HOST}/app`, 'a directory, not by //'],
    ['no directory', 'oci:', 'needs a directory'],
    ['a control character in a directory', 'oci:./a\u001b[2J', 'control character'],
    ['half a character in a directory', 'oci:./a\ud800', 'control character'],
  ])('may not have %s', (_, text, why) => {
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({ code: 'reference-invalid', why: expect.stringContaining(why) as string }),
    );
  });

  it.each([
    `https://me:hunter2@${HOST}/app`,
    `https://me:hunter2@${HOST}`,
    `me:hunter2@${HOST}/app:v1`,
    `http://me:hunter2@${HOST}/a@b`,
  ])('never repeats a password: %s', (text) => {
    for (const parse of [parseReference, parseRepository]) expect(wordsOf(() => parse(text))).not.toContain('hunter2');
  });

  it.each([
    [300, 'a'.repeat(300)],
    [301, `${'a'.repeat(299)}…`],
  ])('is shown cut when it is long: of %i characters', (length, shown) => {
    expect(refusal(() => parseRepository('a'.repeat(length))).message).toBe(`"${shown}" is not a repository`);
  });

  it('suggests the repository in lower case', () => {
    expect(() => parseRepository(`${HOST}/Acme/App`)).toThrow(
      expect.objectContaining({ fix: `write ${HOST}/acme/app` }),
    );
  });
});

const label = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,8}[a-z0-9])?$/);
const host = fc.oneof(
  fc.array(label, { minLength: 2, maxLength: 4 }).map((labels) => labels.join('.')),
  fc
    .ipV6()
    .filter((address) => !address.includes('.'))
    .map((address) => `[${address}]`),
  fc.ipV4(),
);
const port = fc.oneof(
  fc.constant(''),
  fc.integer({ min: 1, max: 65_535 }).map((number) => `:${number}`),
);
const part = fc.stringMatching(/^[a-z0-9]{1,4}(?:(?:\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}$/);
const remote = fc
  .tuple(host, port, fc.array(part, { minLength: 1, maxLength: 4 }))
  .map(([host, port, parts]) => `${host}${port}/${parts.join('/')}`);
const layout = fc
  .array(fc.stringMatching(/^[A-Za-z0-9 ._@:\\-]{0,8}$/), { minLength: 1, maxLength: 4 })
  .map((parts) => `oci:${parts.join('/')}`);
const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/);
const reference = fc
  .tuple(
    fc.oneof(remote, layout),
    fc.option(
      tag.map((text) => `:${text}`),
      { nil: '' },
    ),
    fc.option(fc.constant(`@${DIGEST}`), { nil: '' }),
  )
  .map((parts) => parts.join(''));

function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (isTagflowError(error, 'reference-invalid')) return undefined;
    throw error;
  }
}

describe('reading and writing references', () => {
  it('what was read reads back the same', () => {
    fc.assert(
      fc.property(reference, (text) => {
        const first = attempt(() => parseReference(text));
        fc.pre(first !== undefined);
        expect(parseReference(formatReference(first))).toEqual(first);
      }),
      { numRuns: 500 },
    );
  });

  it('any repository with any tag reads back as these two', () => {
    fc.assert(
      fc.property(fc.oneof(remote, layout), tag, (name, tag) => {
        const repository = attempt(() => parseRepository(name));
        fc.pre(repository !== undefined);
        expect(parseReference(formatReference({ repository }))).toEqual({ repository });
        const tagged = { repository, tag: parseTag(tag) };
        expect(parseReference(formatReference(tagged))).toEqual(tagged);
      }),
      { numRuns: 500 },
    );
  });

  it('well-formed remote references are read', () => {
    fc.assert(
      fc.property(remote, tag, (name, tag) => {
        expect(parseReference(`${name}:${tag}`).tag).toBe(tag);
      }),
    );
  });

  it('any text is read or refused, never a defect', () => {
    const pieces = fc.constantFrom(
      'oci:',
      '/',
      ':',
      '@',
      '[',
      ']',
      '::1',
      'a',
      'A',
      '.',
      '-',
      HOST,
      DIGEST,
      '\\',
      ' ',
      'é',
      '\ud800',
      '//',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (text) => {
        const read = attempt(() => parseReference(text));
        expect(read && parseReference(formatReference(read))).toEqual(read);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    [1, true],
    [128, true],
    [129, false],
    [0, false],
  ])('a tag of %i characters: %s', (length, valid) => {
    expect(isTag('t'.repeat(length))).toBe(valid);
  });
});

describe('one place under several names', () => {
  it.each([
    [`${HOST}/app`, `${HOST}:443/app`],
    ['docker.io/library/nginx', 'docker.io/nginx'],
    ['index.docker.io/acme/app', 'registry-1.docker.io/acme/app'],
    ['REGISTRY.example.com/app', `${HOST}/app`],
    ['oci:./registry/app', 'oci:registry//app/'],
    ['oci:registry/./app', 'oci:registry/app'],
  ])('%s is %s', (a, b) => {
    expect(ownershipKey(parseRepository(a))).toBe(ownershipKey(parseRepository(b)));
  });

  it.each([
    [`${HOST}/app`, `${HOST}:5000/app`],
    [`${HOST}:4430/app`, 'registry.example.com0/app'],
    [`${HOST}/app`, `${HOST}/app/web`],
    ['docker.io/acme/nginx', 'docker.io/nginx'],
    ['oci:/registry/app', 'oci:registry/app'],
    ['oci:registry/app', 'registry:443/app'],
  ])('%s is not %s', (a, b) => {
    expect(ownershipKey(parseRepository(a))).not.toBe(ownershipKey(parseRepository(b)));
  });
});
