// The file of the page: nothing in it can run but its own script, whatever people wrote, and it stays small.
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readRoute, linkTo, type ViewRoute } from '../../src/page/route.ts';
import { livePage, reportPage } from '../../src/cli/page/document.ts';
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
      "base-uri 'none'",
      "form-action 'none'",
    ]);
    expect(page).not.toMatch(/(?:src|href)="(?!#)/);
  });

  test('holds the data as it was, without a character that means something to HTML', () => {
    const [, data = ''] = /<script type="application\/gzip" id="data">([^<]*)<\/script>/.exec(page) ?? [];
    expect(data).toMatch(/^[A-Za-z0-9+/=]+$/);
    expect(JSON.parse(gunzipSync(Buffer.from(data, 'base64')).toString())).toEqual(
      pageDataFor({ applications: 2, releases: 3, text: HOSTILE }),
    );
    expect(page).not.toContain('alert(1)');
  });

  test('is the same, byte for byte, for the same data', () => {
    const size = { applications: 2, releases: 3, text: HOSTILE };
    expect(reportPage(pageDataFor(size))).toBe(page);
  });

  test('has at most 300 kB for 1,000 releases', () => {
    expect(reportPage(pageDataFor({ applications: 1, releases: 500 })).length).toBeLessThan(300_000);
  });

  test('has no data where a server is asked for it', () => {
    expect(livePage()).not.toContain('id="data"');
    expect(livePage()).toContain("connect-src 'self'");
  });
});

describe('the URL of a view', () => {
  test.each<ViewRoute>([
    { view: 'matrix' },
    { view: 'line', line: 'prd' },
    { view: 'line', line: 'prd/a b?#' },
    { view: 'release', line: 'prd', number: 7 },
    { view: 'release', line: 'prd/shop', number: 12 },
    { view: 'compare', a: 'dev@3', b: 'prd/a&b@4' },
    { view: 'audit', at: '2026-11-30T00:00:00Z', find: 'django@V4.2' },
  ])('%j is read back', (route) => {
    expect(readRoute(linkTo(route))).toEqual(route);
  });

  test.each(['', '#', '#/', '#/nonsense', '#/line%'])('%j is the matrix', (hash) => {
    expect(readRoute(hash)).toEqual({ view: 'matrix' });
  });
});
