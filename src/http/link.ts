// The Link header of a listing: where its next page is. RFC 8288; OCI distribution-spec v1.1, "Listing Tags".

const LINK = /<([^<>]*)>((?:\s*;\s*[A-Za-z0-9!#$&+.^_`|~*-]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s",;]+))?)*)/g;
const REL = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s",;]+))/i;

/** The target with `rel="next"`, resolved against the page it came with; undefined when there is none. */
export function nextPage(header: string | undefined, page: URL): URL | undefined {
  for (const [, target = '', parameters = ''] of (header ?? '').matchAll(LINK)) {
    const [, quoted, bare] = REL.exec(parameters) ?? [];
    const relations = (quoted ?? bare ?? '').toLowerCase().split(/\s+/);
    if (relations.includes('next') && URL.canParse(target, page.href)) return new URL(target, page);
  }
  return undefined;
}
