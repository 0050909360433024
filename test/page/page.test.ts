// The file of the page: nothing in it can run but its own script, whatever people wrote, and it stays small.
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readRoute, linkTo, type ViewRoute } from '../../src/page/route.ts';
import { quoted } from '../../src/page/text.ts';
import { type PackedOlder, type PackedPage, unpackPage, withOlder } from '../../src/views/report/packed-page.ts';
import { OLDER_FILE, livePage, reportFiles, reportPage } from '../../src/cli/page/document.ts';
import { pageDataFor } from '../support/page-data.ts';

const HOSTILE = '</script><script>alert(1)</script><!--<img src=x onerror=alert(2)> \u202Eabc ${`x`} \\u003c';

describe('the file', () => {
  const page = reportPage(pageDataFor({ applications: 2, releases: 3, text: HOSTILE }));

  test('lets its own script and style run, and nothing else load or be sent', () => {
    const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page)?.[1] ?? '';
    const digest = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
    const [, style = ''] = /<style>([^]*?)<\/style>/.exec(page) ?? [];
    const [, script = ''] = /<script>([^]*?)<\/script>/.exec(page) ?? [];
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      `script-src ${digest(script)}`,
      `style-src ${digest(style)}`,
      "connect-src 'none'",
      "frame-src 'none'",
      "base-uri 'none'",
      "form-action 'none'",
    ]);
    expect(page).not.toMatch(/(?:src|href)="(?!#)/);
  });

  test('holds the data as it was, without a character that means something to HTML', () => {
    const [, data = ''] = /<script type="application\/gzip" id="data">([^<]*)<\/script>/.exec(page) ?? [];
    expect(data).toMatch(/^[A-Za-z0-9+/=]+$/);
    expect(unpackPage(JSON.parse(gunzipSync(Buffer.from(data, 'base64')).toString()) as PackedPage)).toEqual(
      pageDataFor({ applications: 2, releases: 3, text: HOSTILE }),
    );
    expect(page).not.toContain('alert(1)');
  });

  test('is the same, byte for byte, for the same data', () => {
    const size = { applications: 2, releases: 3, text: HOSTILE };
    expect(reportPage(pageDataFor(size))).toBe(page);
  });

  test('has at most 300 kB for 1,000 releases, and stands alone', () => {
    const files = reportFiles(pageDataFor({ applications: 1, releases: 500 }));
    expect([...files.keys()]).toEqual(['index.html']);
    expect(files.get('index.html')?.length).toBeLessThan(300_000);
  });

  test.each([
    ['10,000 releases', { applications: 200, releases: 25 }],
    ['long texts that differ', { applications: 1, releases: 400, text: '', noise: 400 }],
  ])('has at most 300 kB for %s, and the rest beside it: nothing is lost', (_, size) => {
    const data = pageDataFor(size);
    const files = reportFiles(data);
    expect([...files.keys()]).toEqual(['index.html', OLDER_FILE]);
    expect(files.get('index.html')?.length).toBeLessThan(300_000);
    const [first, second] = [...files.values()].map((text) => {
      const [, packed = ''] = /id="data"[^>]*>([^<]+)</.exec(text) ?? [];
      return JSON.parse(gunzipSync(Buffer.from(packed, 'base64')).toString()) as unknown;
    });
    const page = first as PackedPage;
    expect(withOlder(unpackPage(page), page, second as PackedOlder)).toEqual(data);
    expect(() => withOlder(unpackPage(page), { mark: 'another' }, second as PackedOlder)).toThrow(/another page/);
  });

  test('has no data where a server is asked for it', () => {
    expect(livePage()).not.toContain('id="data"');
    expect(livePage()).toContain("connect-src 'self'");
  });
});

describe('the URL of a view', () => {
  const isLine = (name: string): boolean => name === 'prd/7';

  test.each<[ViewRoute, string]>([
    [{ view: 'matrix', filter: '', isMarkedOnly: false }, '#/'],
    [{ view: 'matrix', filter: 'a b', isMarkedOnly: true }, '#/?filter=a+b&marked=1'],
    [{ view: 'line', line: 'prd', from: '', until: '' }, '#/prd'],
    [{ view: 'line', line: 'prd/7', from: '', until: '' }, '#/prd/7'],
    [{ view: 'line', line: 'prd', from: '2026-11-01T00:00:00Z', until: '' }, '#/prd?from=2026-11-01T00%3A00%3A00Z'],
    [{ view: 'line', line: 'prd/a b?#', from: '', until: '' }, '#/prd/a%20b%3F%23'],
    [{ view: 'line', line: 'audit', from: '', until: '' }, '#/line/audit'],
    [{ view: 'line', line: 'line', from: '', until: '' }, '#/line/line'],
    [{ view: 'release', line: 'prd', number: 8 }, '#/prd/8'],
    [{ view: 'release', line: 'prd/7', number: 7 }, '#/prd/7/7'],
    [{ view: 'release', line: 'compare', number: 12 }, '#/line/compare/12'],
    [{ view: 'compare', a: 'dev@3', b: 'prd/a&b@4' }, '#/compare?a=dev%403&b=prd%2Fa%26b%404'],
    [
      { view: 'audit', at: '2026-11-30T00:00:00Z', find: 'x@V4.2' },
      '#/audit?at=2026-11-30T00%3A00%3A00Z&find=x%40V4.2',
    ],
  ])('%j is %s, and is read back', (route, link) => {
    expect(linkTo(route)).toBe(link);
    expect(readRoute(link, isLine)).toEqual(route);
  });

  test.each(['', '#', '#/'])('%j is the matrix', (hash) => {
    expect(readRoute(hash)).toMatchObject({ view: 'matrix' });
  });

  test.each([
    ['#/line/prd/3', { view: 'release', line: 'prd', number: 3 }],
    ['#/line%', { view: 'line', line: 'line%' }],
    ['#/prd/0', { view: 'line', line: 'prd/0' }],
  ])('%s is read too', (hash, route) => {
    expect(readRoute(hash)).toMatchObject(route);
  });
});

test.each([
  ['django@V4.2', 'django@V4.2'],
  ['; rm -rf ~', "'; rm -rf ~'"],
  ["it's", String.raw`'it'\''s'`],
  ['$(id)', "'$(id)'"],
  ['a\nb', String.raw`'a\x0ab'`],
  ['-x', "'-x'"],
  ['', "''"],
])('the word %j of a command to type is %s', (word, typed) => {
  expect(quoted(word)).toBe(typed);
});
