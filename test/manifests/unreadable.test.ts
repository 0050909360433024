// Files that cannot be read: they matter only when they name an image we look for. And files made to cost: each is
// answered at once.
import { cpuUsage } from 'node:process';
import { describe, expect, it } from 'vitest';
import { findImages, pinImages, readPins } from '../../src/manifests/manifests.ts';
import type { ManifestFile } from '../../src/manifests/manifests.ts';
import { isTagflowError } from '../../src/model/errors.ts';
import { refusal } from '../support/failure.ts';
import { KUSTOMIZATION, WORKLOAD, deployment, file, folder, options, pinOf, textAfter } from './support.ts';

const BROKEN = `${folder}/broken.yaml`;
const good = file(WORKLOAD, deployment(' django:V4.0'));

/** How pinning ends: well, or with what is thrown. */
function outcome(files: readonly ManifestFile[]): unknown {
  try {
    pinImages(files, [pinOf()], options);
    return 'pinned';
  } catch (error) {
    return error;
  }
}

/** The outcome of a file beside one that is pinned well. */
function beside(content: string | Uint8Array, path = BROKEN): string | undefined {
  const result = pinImages([file(path, content), good], [pinOf()], options);
  expect(result.edits.map((edit) => edit.path)).toEqual([WORKLOAD]);
  return textAfter(result, WORKLOAD);
}

describe('files that may name an image', () => {
  const large = (name: string): ManifestFile => {
    const text = deployment(' django:V4.0');
    return file(`${folder}/${name}.yaml`, `${text}# ${'x'.repeat(options.maxBytes - text.length - 3)}\n`);
  };
  const names = ['a', 'b', 'c', 'd', 'e'];

  it('are read up to five times the largest file together', () => {
    expect(outcome(names.map(large))).toBe('pinned');
  });

  it('are refused beyond that, by the file and the setting that raises the limit', () => {
    expect(outcome([...names, 'f'].map(large))).toMatchObject({
      code: 'manifest-invalid',
      message: expect.stringContaining(`${folder}/f.yaml is not read`) as string,
      details: { limit: 'maxFileSize', most: 5 * options.maxBytes },
    });
  });
});

describe('a file that cannot be read', () => {
  it.each([
    ['is broken YAML', 'a: [\nb: c\n'],
    ['is broken YAML about another image', 'image: redis:7\n\tb: c\n'],
    ['has an image of ours in a comment alone', '# image: django:V4.0\na: [\n'],
    ['has an image of ours in an indented comment alone', 'a: [\n  # image: django:V4.0\n'],
    ['has a name without an image before it', 'image: :django\na: [\n'],
    ['has a name like ours behind an open registry', 'image: {{ .registry }}/acme/mydjango:1\na: [\n'],
    ['has our image’s key as a common word', 'metadata: {name: django}\na: [\n'],
    ['has our image’s name in a longer one', 'image: acme/django-extra:1\na: [\n'],
    ['has a key twice', 'a: b\na: c\n'],
    ['is a Helm template', '{{- if .Values.on }}\nkind: Service\n{{- end }}\n'],
    ['is binary', new Uint8Array([0, 1, 2, 0xff, 0xfe])],
    ['is Latin-1', new Uint8Array([0x61, 0x3a, 0x20, 0xe9])],
    ['is large', `a: ${'x'.repeat(options.maxBytes)}`],
  ])('is left alone when it %s', (_, content) => {
    expect(beside(content)).toContain('V4.2');
  });

  it.each([
    ['notes.txt', 'image: django:V4.0\na: [\n'],
    ['Dockerfile', 'FROM django:V4.0\n'],
    ['kustomization.yaml.bak', 'images: [{name: django}]\n'],
  ])('is left alone when it is not a manifest: %s', (name, content) => {
    expect(beside(content, `${folder}/${name}`)).toContain('V4.2');
  });

  it.each([
    ['broken YAML', 'a: b\nimage: django:V4.0\nc: [\n', 4, 'flow sequence in block collection must be'],
    ['a Helm template', `{{- if .Values.on }}\n${deployment(' "django:{{ .Values.tag }}"')}{{- end }}\n`, 1, ''],
    [
      'a template with the registry left open',
      '{{- if .x }}\nimage: {{ .registry }}/acme/django:{{ .tag }}\n{{- end }}\n',
      1,
      '',
    ],
    [
      'a key that stands twice',
      `${deployment(' django:V4.0')}          image: redis\n`,
      11,
      'the key "image" appears twice in one mapping',
    ],
    ['an alias without an anchor', 'image: django\nx: *nowhere\n', 2, 'the alias *nowhere has no anchor before it'],
    ['an alias inside its own anchor', 'image: django\nx: &x [*x]\n', 2, 'the alias *x stands inside its own anchor'],
    [
      'a merge key that holds text',
      'kind: Pod\nimage: django\nspec: {<<: text}\n',
      3,
      'a merge key (<<) holds something that is not a mapping',
    ],
    ['tabs as indentation', 'kind: Pod\nspec:\n\timage: django\n', 3, 'tabs are not allowed as indentation'],
  ])('is refused with its line when it names the image: %s', (_, text, line, why) => {
    const error = refusal(() => beside(text));
    expect(error).toMatchObject({ code: 'manifest-invalid', details: { path: BROKEN, line, image: 'django' } });
    expect(error.message).toBe(`${BROKEN}:${line} cannot be read as YAML, and it names django`);
    expect(error.why).toContain(why);
    expect(error.fix).toBeTruthy();
  });

  it.each([
    ['Latin-1', Buffer.from('# \xe9\nimage: django:V4.0\n', 'latin1'), 2],
    ['UTF-16', Buffer.from('\uFEFFimage: django:V4.0\n', 'utf16le'), 1],
  ] as const)('is refused when it names the image in %s', (_, content, line) => {
    expect(refusal(() => beside(content))).toMatchObject({
      code: 'manifest-invalid',
      details: { line, image: 'django' },
      why: 'it is not UTF-8 text',
      fix: 'save the file as UTF-8',
    });
  });

  it('is refused for the one image of several that it names', () => {
    const web = pinOf({ image: 'web', names: ['acme/web'] });
    const broken = file(BROKEN, 'image: acme/web:1\na: [\n');
    const error = refusal(() => pinImages([good, broken], [pinOf(), web], options));
    expect(error).toMatchObject({ code: 'manifest-invalid', details: { line: 3, image: 'web' } });
  });

  it('is refused when it is too large and names the image', () => {
    const error = refusal(() => beside(`image: django\n${'# x\n'.repeat(options.maxBytes / 4)}`));
    expect(error.code).toBe('manifest-invalid');
    expect(error.why).toContain('262144 are read at most');
    expect(error.fix).toContain('maxFileSize');
  });

  it('is refused when it is the kustomization that needs an entry', () => {
    const error = refusal(() => pinImages([file(KUSTOMIZATION, 'resources: [\n')], [pinOf()], options));
    expect(error).toMatchObject({ code: 'manifest-invalid' });
    expect(error.message).toMatch(/kustomization\.yaml:\d+ cannot be read as YAML$/);
  });

  it('is refused by readPins, and left out by findImages', () => {
    const broken = file(BROKEN, 'image: django:V4.0\nc: [\n');
    expect(refusal(() => readPins([broken], [pinOf()], options)).code).toBe('manifest-invalid');
    expect(findImages([broken, good]).map(({ path }) => path)).toEqual([WORKLOAD]);
  });
});

const SIZE = 256 * 1024;
const fill = (text: string, start = ''): string =>
  start + text.repeat(Math.floor((SIZE - start.length - 64) / text.length));
const laugh = (count: number): string =>
  `a: &a0 [x, x]\n${Array.from({ length: count }, (_, i) => `b${i}: &a${i + 1} [*a${i}, *a${i}]\n`).join('')}`;
const merges = (count: number): string =>
  `a: &a0 {x: y}\n${Array.from({ length: count }, (_, i) => `b${i}: &a${i + 1} {<<: [*a${i}, *a${i}], k${i}: v}\n`).join('')}`;

const BOMBS: [string, string][] = [
  ['brackets', fill('[')],
  ['braces', fill('{')],
  ['braces with keys', fill('{a: ')],
  ['closing brackets', fill(']')],
  ['empty lists in a row', fill('[]')],
  ['commas', fill(',', '[')],
  ['dashes in a row', fill('- ')],
  ['question marks in a row', fill('? ')],
  ['indented dashes', fill(' -')],
  ['documents', fill('---\n')],
  ['document ends', fill('...\n')],
  ['directives', fill('%YAML 1.2\n---\n')],
  ['percent signs', fill('%\n')],
  [
    '40,000 keys',
    Array.from({ length: 40_000 }, (_, i) => `${i}:`)
      .join('\n')
      .slice(0, SIZE - 64),
  ],
  [
    '20,000 keys of ordinary length',
    Array.from({ length: 20_000 }, (_, i) => `key${i}: v`)
      .join('\n')
      .slice(0, SIZE - 64),
  ],
  ['one key many times', fill('k: v\n')],
  ['anchors', fill('- &a x\n')],
  ['anchors in a row', fill('&a ')],
  ['tags in a row', fill('!a ')],
  ['aliases', fill('- *a\n', '- &a x\n')],
  ['aliases of aliases', laugh(400)],
  ['merge keys of merge keys', merges(300)],
  ['quotes in a row', fill('"a" ')],
  ['an open quote', fill('a\n', '"')],
  ['escapes', fill('\\x41', '"')],
  ['blank lines in a block', fill('\n', 'a: |\n')],
  ['folded lines', fill(' x\n', 'a: >\n')],
  ['plain lines', fill('  x\n', 'a: x\n')],
  ['comments', fill('# a\n')],
  ['colons', fill(': ')],
  ['carriage returns', fill('\r')],
  ['stairs', Array.from({ length: 700 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
  ['tabs before keys', fill('\ta: b\n')],
  ['one long line of names', fill('acme/django ', 'a: [')],
  ['slashes', fill('/', 'image: ')],
];

describe('a file made to cost', () => {
  it.each(BOMBS)('is answered at once: %s', (_, bomb) => {
    const path = `${folder}/bomb.yaml`;
    const begin = cpuUsage();
    const ends = [file(path, `${bomb}\nimage: django\n`), file(KUSTOMIZATION, bomb)].map((one) => outcome([one]));
    expect(ends.filter((end) => end !== 'pinned' && !isTagflowError(end))).toEqual([]);
    // two files, a second for each; processor time, as a busy machine is not a bomb. Without the caps it is many seconds
    const { user, system } = cpuUsage(begin);
    expect((user + system) / 1_000).toBeLessThan(2_000);
  });

  it('may still be pinned where aliases only look dear', () => {
    const text = `${laugh(60)}images:\n- name: django\n  newTag: V4.0\n`;
    expect(textAfter(pinImages([file(KUSTOMIZATION, text)], [pinOf()], options), KUSTOMIZATION)).toContain(
      'newTag: V4.2',
    );
  });

  it.each([
    ['levels', `a: ${'['.repeat(300)}${']'.repeat(300)}\n`, 'it has more than 256 levels'],
    [
      'levels of lines',
      `${Array.from({ length: 300 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')} b\n`,
      'it has more than 256 levels',
    ],
    ['documents', '---\na: b\n'.repeat(1_001), 'it has more than 1000 documents'],
    ['aliases', `a: &a b\nc: [${'*a, '.repeat(1_001)}]\n`, 'it has more than 1000 aliases'],
    [
      'merged keys',
      `a: &a {${Array.from({ length: 600 }, (_, i) => `k${i}: v`).join(', ')}}\n${Array.from({ length: 100 }, (_, i) => `b${i}: {<<: *a}\n`).join('')}images: []\n`,
      'merge keys (<<) bring in more than 50000 keys',
    ],
    ['tokens', `a: [${'a,'.repeat(70_000)}]\n`, 'it has more than 78643 tokens'],
  ])('is refused with its reason when it has too many %s', (_, text, why) => {
    const error = refusal(() => pinImages([file(KUSTOMIZATION, text)], [pinOf()], options));
    expect(error).toMatchObject({ code: 'manifest-invalid', why });
  });

  it('cannot reach the prototype of an object', () => {
    const text =
      '__proto__:\n  polluted: yes\nconstructor: {prototype: {polluted: yes}}\nimages:\n- name: django\n  newTag: a\n  __proto__: {newTag: b}\n';
    const after = textAfter(pinImages([file(KUSTOMIZATION, text)], [pinOf()], options), KUSTOMIZATION);
    expect(after).toContain('newTag: V4.2');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
