// Names and values as text: what is the same image, and what needs quotes.
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { canonicalName, joinImage, splitImage } from '../../src/manifests/image-name.ts';
import { isAmbiguous, isPlainSafe, scalarText } from '../../src/manifests/scalar-text.ts';
import { D } from './support.ts';

describe('a written image', () => {
  it.each([
    ['django', 'django', undefined, undefined],
    ['django:V4.2', 'django', 'V4.2', undefined],
    [`django@${D}`, 'django', undefined, D],
    [`django:V4.2@${D}`, 'django', 'V4.2', D],
    ['127.0.0.1:5000/django:V4.2', '127.0.0.1:5000/django', 'V4.2', undefined],
    ['127.0.0.1:5000/django', '127.0.0.1:5000/django', undefined, undefined],
    ['[::1]:5000/django:V4.2', '[::1]:5000/django', 'V4.2', undefined],
    ['localhost:5000', 'localhost', '5000', undefined],
    ['django:${TAG:-V4.2}', 'django', '${TAG:-V4.2}', undefined],
    ['django:{{ .Values.tag }}', 'django', '{{ .Values.tag }}', undefined],
  ])('%s is taken apart', (text, name, tag, digest) => {
    expect(splitImage(text)).toEqual({ name, tag, digest });
    expect(joinImage(name, tag, digest)).toBe(text);
  });

  it('may end in a colon without a tag', () => {
    expect(splitImage('django:')).toEqual({ name: 'django', tag: undefined, digest: undefined });
  });

  it.each(['', ':tag', '@digest', ' django'])('is not one in %j', (text) => {
    expect(splitImage(text)).toBeUndefined();
  });

  it.each([
    ['django', 'docker.io/library/django'],
    ['docker.io/django', 'docker.io/library/django'],
    ['Index.Docker.io/library/django', 'docker.io/library/django'],
    ['Docker.IO/library/django', 'docker.io/library/django'],
    ['acme/django', 'docker.io/acme/django'],
    ['Registry.Example.com:443/acme/django', 'registry.example.com:443/acme/django'],
    ['my.app', 'docker.io/library/my.app'],
    ['localhosts', 'docker.io/library/localhosts'],
    ['localhost/django', 'localhost/django'],
    ['127.0.0.1:5000/django', '127.0.0.1:5000/django'],
    ['APP_IMAGE', 'docker.io/library/APP_IMAGE'],
  ])('%s has one spelling', (name, canonical) => {
    expect(canonicalName(name)).toBe(canonical);
    expect(canonicalName(canonical)).toBe(canonical);
  });
});

describe('a value', () => {
  const AMBIGUOUS =
    '1.10 1e3 1234567 0755 1_000 12:30:45 yes on null ~ 12e4567 .5 5. -1 +1 0x1F 0o17 0b11 .inf .NaN No OFF y E0 2024-01-02 1,000 1e+3';
  it.each(AMBIGUOUS.split(' '))('%s needs quotes', (text) => {
    expect(isAmbiguous(text)).toBe(true);
    expect(scalarText(text)).toBe(`"${text}"`);
  });

  it.each([
    'V4.2',
    '1.2.3',
    'v1',
    'main-20240102-abc',
    'latest',
    '4.2-rc.1',
    '1.10-alpine',
    D,
    `a.b:5000/c:1@${D}`,
    'yes-man',
    'a---b',
    'a...b',
    '-x',
    'x',
  ])('%s needs none', (text) => {
    expect(scalarText(text)).toBe(text);
    for (const version of ['1.1', '1.2'] as const) expect(parse(`a: ${text}`, { version })).toEqual({ a: text });
  });

  it.each([
    '[::1]:5000/a',
    'a: b',
    'a #b',
    '- a',
    '-',
    '?',
    '---',
    '...',
    '---a',
    'a:',
    '{a}',
    '*a',
    '&a',
    '!a',
    'a,b',
    '%a',
    '@a',
    '"a"',
    ' a',
  ])('%j is not plain text', (text) => {
    expect(isPlainSafe(text)).toBe(false);
    expect(parse(`[${scalarText(text)}]`)).toEqual([text]);
  });
});
