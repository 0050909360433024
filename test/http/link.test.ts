// The next page of a listing, as a Link header names it.
import { describe, expect, it } from 'vitest';
import { nextPage } from '../../src/http/link.ts';

const PAGE = new URL('https://registry.example/v2/acme/app/tags/list?n=100');
const NEXT = 'https://registry.example/v2/acme/app/tags/list?last=b';

describe('the next page', () => {
  it.each([
    ['by a path', '</v2/acme/app/tags/list?last=b>; rel="next"'],
    ['by its address', `<${NEXT}>; rel="next"`],
    ['without quotes', '</v2/acme/app/tags/list?last=b>; rel=next'],
    ['in capitals', '</v2/acme/app/tags/list?last=b>; REL="NEXT"'],
    ['among other relations', '</v2/acme/app/tags/list?last=b>; rel="last  next"'],
    ['after other parameters', '</v2/acme/app/tags/list?last=b>; title="a, \\"b\\""; type=x; rel="next"'],
    ['after other links', '</>; rel="first", </v2/acme/app/tags/list?last=b>; rel="next"'],
    ['after one with no relation', '</>, </v2/acme/app/tags/list?last=b>; rel="next"'],
    ['after one that is not an address', '<https://>; rel="next", </v2/acme/app/tags/list?last=b>; rel="next"'],
  ])('is named %s', (_, header) => {
    expect(nextPage(header, PAGE)?.href).toBe(NEXT);
  });

  it.each([
    ['there is no header', undefined],
    ['the header is empty', ''],
    ['a link has no relation', '</x>'],
    ['a link has another relation', '</x>; rel="prev"'],
    ['a relation only begins like it', '</x>; rel="nextest"'],
    ['only its title says next', '</x>; title="next"'],
  ])('is not one when %s', (_, header) => {
    expect(nextPage(header, PAGE)).toBeUndefined();
  });
});
