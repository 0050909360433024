// Pins in any text: a pattern says which line, and its groups say what of it. The line is found once or not at all.
import { describe, expect, it } from 'vitest';
import { parseTextPattern } from '../../src/config/text-pattern.ts';
import { pinImages, readPins } from '../../src/manifests/manifests.ts';
import type { ConfiguredText, PinStyle } from '../../src/model/pipeline.ts';
import { parseTag } from '../../src/model/reference.ts';
import { refusal } from '../support/failure.ts';
import { D, OLD, REPOSITORY, file, options, pinOf, pinned, textAfter } from './support.ts';

const FILE = 'environments/dev/web.jsonnet';

function text(source: string, pin?: PinStyle): ConfiguredText {
  const parsed = parseTextPattern(source);
  if (!('value' in parsed)) throw new Error(parsed.why);
  return { image: 'django', file: FILE, text: parsed.value, ...(pin && { pin }) };
}

const after = (content: string, source: string, style?: PinStyle): string =>
  pinned(FILE, content, pinOf(), { configured: [text(source, style)] });

describe('a line of text', () => {
  it.each([
    [
      'of jsonnet',
      "local image = 'registry.example.com/acme/django:V4.0'; // live\n",
      String.raw`^local image = '[^:]*:(?<version>[^']*)'.*$`,
      `local image = 'registry.example.com/acme/django:V4.2@${D}'; // live\n`,
    ],
    [
      'of a Go template',
      '{{- if .on }}\nimage: "{{ .registry }}/django:V4.0"\n{{- end }}\n',
      String.raw`^image: "\{\{ .registry \}\}/django:(?<version>[^"]*)"$`,
      `{{- if .on }}\nimage: "{{ .registry }}/django:V4.2@${D}"\n{{- end }}\n`,
    ],
    [
      'of HCL',
      'web = {\n  tag    = "V4.0"\n  digest = ""\n}\n',
      String.raw`^  tag    = "(?<version>[^"]*)"$`,
      `web = {\n  tag    = "V4.2@${D}"\n  digest = ""\n}\n`,
    ],
    [
      'of properties, with the breaks of Windows',
      'a=1\r\nweb.tag=V4.0\r\nb=2\r\n',
      '^web[.]tag=(?<version>.*)$',
      `a=1\r\nweb.tag=V4.2@${D}\r\nb=2\r\n`,
    ],
    [
      'without a break at its end, behind a byte order mark',
      '\uFEFFweb.tag=V4.0',
      '^web[.]tag=(?<version>.*)$',
      `\uFEFFweb.tag=V4.2@${D}`,
    ],
    [
      'with a group for the digest',
      `x: "django:V4.0@${OLD}"\n`,
      String.raw`^x: "django:(?<version>[^"@]*)@(?<digest>[^"]*)"$`,
      `x: "django:V4.2@${D}"\n`,
    ],
    ['with a digest alone', `d = "${OLD}"\n`, String.raw`^d = "(?<digest>[^"]*)"$`, `d = "${D}"\n`],
    [
      'with a group for a digest that is not there yet',
      't: "V4.0"\n',
      String.raw`^t: "(?<version>[^"@]*)(@(?<digest>[^"]*))?"$`,
      `t: "V4.2@${D}"\n`,
    ],
    ['that is empty', 't = ""\n', String.raw`^t = "(?<version>[^"]*)"$`, `t = "V4.2@${D}"\n`],
  ])('%s has its version replaced, and nothing else', (_, before, source, expected) => {
    expect(after(before, source)).toBe(expected);
    expect(after(expected, source)).toBe(expected);
  });

  it('takes the style of its own', () => {
    expect(after('t = "V4.0"\n', String.raw`^t = "(?<version>[^"]*)"$`, 'version')).toBe('t = "V4.2"\n');
  });

  it('of several images in one file is pinned for each', () => {
    const other = pinOf({ image: 'mariadb', repository: 'registry.example.com/acme/mariadb', version: 'V10.6' });
    const source = (name: string): ConfiguredText => ({
      ...text(String.raw`^${name} = "(?<version>[^"]*)"$`, 'version'),
      image: name,
    });
    const configured = [source('django'), source('mariadb')];
    const files = [file(FILE, 'django = "V4.0"\nmariadb = "V1"\n')];
    const result = pinImages(files, [pinOf(), other], { ...options, configured });
    expect(textAfter(result, FILE)).toBe('django = "V4.2"\nmariadb = "V10.6"\n');
    expect(result.fields.map(({ line, before, after }) => [line, before, after])).toEqual([
      [1, 'V4.0', 'V4.2'],
      [2, 'V1', 'V10.6'],
    ]);
  });

  it('is never read as YAML, even where it could be', () => {
    const content = `image: ${REPOSITORY}:V1\ntag: V4.0\n`;
    expect(after(content, '^tag: (?<version>.*)$')).toBe(`image: ${REPOSITORY}:V1\ntag: V4.2@${D}\n`);
  });

  it('says what it holds', () => {
    const configured = [text(String.raw`^t = "(?<version>[^"]*)"$`, 'version')];
    const images = [{ image: 'django', names: ['django'] }];
    const read = (content: string): unknown =>
      readPins([file(FILE, content)], images, { configured, maxBytes: 1000 }).map(({ line, tag, digest, style }) => ({
        line,
        tag,
        digest,
        style,
      }));
    expect(read(`\nt = "V4.0@${OLD}"\n`)).toEqual([{ line: 2, tag: 'V4.0', digest: OLD, style: 'version' }]);
    expect(read('t = "a"\nt = "b"\n')).toEqual([]);
  });
});

describe('a line of text is refused', () => {
  const tag = String.raw`^\s*t = "(?<version>[^"]*)"$`;

  it.each([
    ['when no line matches', 'u = "V4.0"\n', tag, 'pin-not-found', 'no line matches'],
    ['when two lines match', 't = "V4.0"\n t = "V4.0"\n', tag, 'manifest-unsafe-edit', 'lines 1 and 2 do'],
    ['when it is a placeholder', 't = "{{ .tag }}"\n', tag, 'manifest-unsafe-edit', 'the tool would lose its field'],
    ['when it holds a sentence', 't = "the newest"\n', tag, 'manifest-unsafe-edit', 'would be lost'],
    [
      'when it names another image',
      'x = "registry.example.com/acme/mariadb:V1"\n',
      '^x = "[^:]*:(?<version>[^"]*)"$',
      'manifest-unsafe-edit',
      'the name would stay',
    ],
    [
      'when it names another image of the release',
      'x = "mariadb:V1"\n',
      '^x = "[^:]*:(?<version>[^"]*)"$',
      'manifest-unsafe-edit',
      'the name would stay',
    ],
    [
      'when the digest behind the version would stay',
      `x = "django:V4.0@${OLD}"\n`,
      '^x = "django:(?<version>[^@]*)@.*"$',
      'manifest-unsafe-edit',
      'would not be the one line',
    ],
    ['when YAML would read a number', 't: 4.0\n', '^t: (?<version>.*)$', 'manifest-unsafe-edit', 'a number or a word'],
  ])('%s', (_, content, source, code, words) => {
    const style = content.startsWith('t: ') ? 'version' : undefined;
    const pin = style ? pinOf({ version: '4.2' }) : pinOf();
    const pins = [pin, pinOf({ image: 'mariadb', repository: 'registry.example.com/acme/db' })];
    const files = [file(FILE, content), file('environments/dev/kustomization.yaml', 'resources: []\n')];
    const error = refusal(() => pinImages(files, pins, { ...options, configured: [text(source, style)] }));
    expect([error.code, `${error.why}`]).toEqual([code, expect.stringContaining(words)]);
  });

  it('when the environment runs the image from another registry', () => {
    const pin = pinOf({
      repository: 'prd.example.com/django',
      names: ['django', REPOSITORY, 'prd.example.com/django'],
    });
    const configured = [text('^x = "[^:]*:(?<version>[^"]*)"$')];
    const error = refusal(() => pinned(FILE, `x = "${REPOSITORY}:V4.0"\n`, pin, { configured }));
    expect([error.code, error.fix]).toEqual(['manifest-unsafe-edit', 'write prd.example.com/django there first']);
  });

  it('when its only group is a version and the style writes a digest alone', () => {
    const error = refusal(() => after('t = "V4.0"\n', tag, 'digest'));
    expect(error.message).toContain('a group for a version alone');
  });
});

it('a moving tag in a text is reported', () => {
  const configured = [text('^t = "(?<version>[^"]*)"$', 'target')];
  const pin = { ...pinOf(), targetTag: parseTag('dev') };
  const { warnings, edits } = pinImages([file(FILE, 't = "V1"\n')], [pin], { ...options, configured });
  expect([edits.length, warnings]).toEqual([1, [expect.stringContaining('names the moving tag dev')]]);
});
