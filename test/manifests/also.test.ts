// Fields that change in the same commit as a pin.
import { describe, expect, it } from 'vitest';
import { type ManifestFile, pinImages } from '../../src/manifests/manifests.ts';
import type { ConfiguredPin } from '../../src/model/pipeline.ts';
import { refusal } from '../support/failure.ts';
import { STYLE_ROWS } from './style-rows.ts';
import { D, file, options, pinOf, textAfter } from './support.ts';

const FILE = 'values.yaml';
const values = { release: 7, time: '2026-01-02T03:04:05Z' };

function after(text: string, path: readonly (string | number)[], value: string): string {
  const also = [{ file: FILE, path, value }];
  const configured = [{ image: 'django', file: FILE, path: ['tag'], also }];
  return textAfter(pinImages([file(FILE, text)], [pinOf()], { ...options, configured, values }), FILE) ?? text;
}

/** A text without the field of the test; JSON as its values. */
function withoutNote(text: string): string {
  if (text.startsWith('{')) return JSON.stringify({ ...(JSON.parse(text) as object), NOTE: undefined });
  return text.replaceAll(/^ *NOTE[:=].*\n/gm, '');
}

describe('a field beside a pin', () => {
  it.each([
    ['{version}', 'V4.2'],
    ['{digest}', D],
    ['{release}', '"7"'],
    ['r{release}-{version}', 'r7-V4.2'],
    ['{time}', '"2026-01-02T03:04:05Z"'],
    ['{other}', '"{other}"'],
  ])('says %s', (value, said) => {
    expect(after('tag: v1\nlabel: old # x\n', ['label'], value).replaceAll("'", '"')).toBe(
      `tag: V4.2@${D}\nlabel: ${said} # x\n`,
    );
  });

  it.each([
    ['a switch stays a switch', 'promote: false\n', ['promote'], 'true', 'promote: true\n'],
    ['a text stays a text', 'promote: "no"\n', ['promote'], 'true', 'promote: "true"\n'],
    ['a number stays a number', 'n: 1\n', ['n'], '{release}', 'n: 7\n'],
    ['a missing key is added', 'a: {}\n', ['a', 'b', 'c'], 'x', 'a: {b: {c: x}}\n'],
    ['a missing key is added to others', 'a:\n  b: 1\n', ['a', 'c'], 'x', 'a:\n  b: 1\n  c: x\n'],
    ['a missing mapping is added', 'a: 1\n', ['p', 'q.r/s'], '{version}', 'a: 1\np:\n  q.r/s: V4.2\n'],
    ['an item of a list', 'l:\n- n: 1\n- n: 2\n', ['l', 1, 'v'], 'x', 'l:\n- n: 1\n- n: 2\n  v: x\n'],
  ] as const)('%s', (_, before, path, value, wanted) => {
    const text = after(`tag: v1\n${before}`, path, value);
    expect(text).toBe(`tag: V4.2@${D}\n${wanted}`);
    expect(after(text, path, value)).toBe(text);
  });

  it.each(
    STYLE_ROWS.map((row) => [`${row.form}: ${row.place}`, row] as const).filter(
      ([, { path }]) => path !== 'main.jsonnet',
    ),
  )('is written into every form: %s', (_, row) => {
    const path = row.text.startsWith('- op') ? [0, 'NOTE'] : ['NOTE'];
    const also = [{ file: row.path, path, value: '{version} {digest} {release} {time}' }];
    const own = row.configured ?? [];
    const tag = { image: 'django', file: 'pin.yaml', path: ['tag'] };
    const files = (text: string): readonly ManifestFile[] => [file('pin.yaml', 'tag: v1\n'), file(row.path, text)];
    const pinBy = (text: string, configured: readonly ConfiguredPin[]): string =>
      textAfter(pinImages(files(text), [pinOf()], { ...options, configured, values }), row.path) ?? text;
    const pin = (text: string): string => pinBy(text, [...own, { ...tag, also }]);
    const said = `V4.2 ${D} 7 ${values.time}`;
    const without = pinBy(row.text, [...own, tag]);
    const added = pin(row.text);
    expect(added).toContain(said);
    expect(withoutNote(added)).toBe(withoutNote(without));
    expect(pin(added)).toBe(added);
    expect(pin(added.replace(said, 'old'))).toBe(added);
  });

  it('may stand in another file', () => {
    const also = [{ file: 'Chart.yaml', path: ['appVersion'], value: '{version}' }];
    const configured = [{ image: 'django', file: FILE, path: ['tag'], also }];
    const files = [file(FILE, 'tag: v1\n'), file('Chart.yaml', 'name: web\nappVersion: v1\n')];
    const result = pinImages(files, [pinOf()], { ...options, configured, values });
    expect(textAfter(result, 'Chart.yaml')).toBe('name: web\nappVersion: V4.2\n');
    expect(refusal(() => pinImages(files.slice(0, 1), [pinOf()], { ...options, configured, values }))).toMatchObject({
      code: 'pin-not-found',
      why: 'there is no such file',
    });
  });

  it('with the digest makes a deploy notice a moving tag', () => {
    const also = [{ file: FILE, path: ['podAnnotations', 'tagflow.dev/digest.django'], value: '{digest}' }];
    const configured = [{ image: 'django', file: FILE, path: ['tag'], also }];
    const result = pinImages([file(FILE, 'tag: v1\n')], [{ ...pinOf(), style: 'target', targetTag: pinOf().version }], {
      ...options,
      configured,
      values,
    });
    expect(result.warnings).toEqual([]);
    expect(textAfter(result, FILE)).toBe(`tag: V4.2\npodAnnotations:\n  tagflow.dev/digest.django: ${D}\n`);
  });

  it.each([
    ['a block of text', 'x: |\n  a\n'],
    ['a list', 'x: [1]\n'],
    ['a mapping', 'x: {a: b}\n'],
    ['a placeholder', 'x: "${VERSION}"\n'],
  ])('that holds %s is refused', (_, text) => {
    expect(refusal(() => after(`tag: v1\n${text}`, ['x'], 'y')).code).toBe('manifest-unsafe-edit');
  });
});
