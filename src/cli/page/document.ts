// The page as HTML: style, script and data are in it, so that it opens from a disk, offline. The data is compressed. Of a large
// repository, older releases stand in a second file beside it. A content security policy names script and style by their
// digests, and lets nothing else run, load or be sent.
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { PageData } from '../../views/report/page-types.ts';
import { type PagePair, packPage, splitPage } from '../../views/report/packed-page.ts';
import { PAGE_SCRIPT, PAGE_STYLE } from './bundle.ts';
import { GENERATOR } from './generator.ts';

/** The largest page, in bytes, and the most releases in it: what is more stands beside it. */
const LARGEST_PAGE = 300_000;
const MOST_RELEASES = 1_000;

/** The name of the file beside a page. The script of the page asks for it. */
export const OLDER_FILE = 'older-releases.html';

/** Hands the data to the page that knows its mark, and to nobody else who embeds the file. */
const OLDER_SCRIPT =
  "const data=document.querySelector('#data');if(parent!==self&&location.hash==='#'+data.dataset.mark)parent.postMessage(data.textContent,'*')";

/** What a content security policy lets the page load. */
interface Loads {
  readonly connect?: "'self'";
  readonly frame?: "'self' file:";
}

/** The content security policy of the page. It loads nothing by default. */
export function pagePolicy({ connect, frame }: Loads = {}): string {
  return policyOf(
    `script-src ${digestOf(PAGE_SCRIPT)}; style-src ${digestOf(PAGE_STYLE)}; connect-src ${connect ?? "'none'"}; frame-src ${frame ?? "'none'"}`,
  );
}

/** The files of a page by their names. One is `index.html`. */
export function reportFiles(data: PageData): ReadonlyMap<string, string> {
  const releases = data.lines.reduce((sum, line) => sum + line.releases.length, 0);
  const whole = reportPage(data);
  if (releases <= MOST_RELEASES && whole.length <= LARGEST_PAGE) return new Map([['index.html', whole]]);
  const mark = createHash('sha256').update(JSON.stringify(data)).digest('hex').slice(0, 32);
  for (let newest = Math.floor(MOST_RELEASES / Math.max(1, data.lines.length)); ; newest = Math.floor(newest / 2)) {
    const { page, older } = splitPage(data, Math.max(1, newest), mark);
    const text = pageWith(page);
    if (text.length > LARGEST_PAGE && newest > 1) continue;
    return new Map([
      ['index.html', text],
      [OLDER_FILE, olderPage(older, mark)],
    ]);
  }
}

/** The page with all its data, in one file of any size. */
export function reportPage(data: PageData): string {
  return pageWith(packPage(data));
}

/** The page without data, which asks the server that it came from. */
export function livePage(): string {
  return documentWith(pagePolicy({ connect: "'self'" }), '');
}

function pageWith(page: PagePair['page']): string {
  const policy = pagePolicy(page.mark === null ? {} : { frame: "'self' file:" });
  return documentWith(policy, `<script type="application/gzip" id="data">${packed(page)}</script>`);
}

function olderPage(older: PagePair['older'], mark: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyOf(`script-src ${digestOf(OLDER_SCRIPT)}`)}">
${GENERATOR}
<title>older releases</title>
</head>
<body>
<p>This file belongs to <code>index.html</code> beside it, which shows what is in here.</p>
<script type="application/gzip" id="data" data-mark="${mark}">${packed(older)}</script>
<script>${OLDER_SCRIPT}</script>
</body>
</html>
`;
}

function policyOf(sources: string): string {
  return `default-src 'none'; ${sources}; base-uri 'none'; form-action 'none'`;
}

function digestOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** Base64 of gzip (RFC 1952) of JSON: no character of it means anything to HTML. */
function packed(data: unknown): string {
  return gzipSync(JSON.stringify(data), { level: 9 }).toString('base64');
}

function documentWith(policy: string, data: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
${GENERATOR}
<title>tagflow</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<div id="page"><noscript>This page needs JavaScript. <code>tagflow status</code> and <code>tagflow history</code> print the same.</noscript></div>
${data}
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}
