// The page as one HTML file: style, script and data are in it, so that it opens from a disk, offline. The data is compressed.
// A content security policy names the script and the style by their digests, and lets nothing else run, load or be sent.
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { PAGE_SCRIPT, PAGE_STYLE } from './bundle.ts';
import { GENERATOR } from './generator.ts';
import type { PageData } from '../../views/report/page-types.ts';

/** The content security policy of the page. `connect`: what the script may fetch, nothing by default. */
export function pagePolicy(connect: "'none'" | "'self'" = "'none'"): string {
  const sources = [PAGE_SCRIPT, PAGE_STYLE].map(
    (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`,
  );
  const [script = '', style = ''] = sources;
  return `default-src 'none'; script-src ${script}; style-src ${style}; connect-src ${connect}; base-uri 'none'; form-action 'none'`;
}

/** The page with its data. */
export function reportPage(data: PageData): string {
  return documentWith(pagePolicy(), `<script type="application/gzip" id="data">${packed(data)}</script>`);
}

/** The page without data, which asks the server that it came from. */
export function livePage(): string {
  return documentWith(pagePolicy("'self'"), '');
}

/** Base64 of gzip (RFC 1952) of JSON: no character of it means anything to HTML. */
function packed(data: PageData): string {
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
