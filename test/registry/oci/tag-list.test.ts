// A list of tags that never ends: it is given up, whatever a page holds.
import { expect, test } from 'vitest';
import type { HttpResponse } from '../../../src/http/http.ts';
import { collectTags } from '../../../src/registry/oci/tag-list.ts';

const FIRST = new URL('https://registry.example.org/v2/acme/app/tags/list');

/** A registry that always has another page of `size` tags. */
function endless(size: number): { get: (url: URL) => Promise<HttpResponse>; asked: () => number } {
  let page = 0;
  return {
    async get(url) {
      const tags = Array.from({ length: size }, (_, index) => `z${page}-${index}`.padEnd(120, 'x'));
      page += 1;
      return {
        status: 200,
        url,
        headers: { link: `</v2/acme/app/tags/list?p=${page}>; rel="next"` },
        body: Buffer.from(JSON.stringify({ tags })),
      };
    },
    asked: () => page,
  };
}

test.each([
  ['pages of 4 MB', 32_000, /longer than 32 MB/, 12],
  ['pages of one tag', 1, /longer than 2,000 pages/, 2001],
])('a list without end, in %s, is given up', async (_, size, why, most) => {
  const registry = endless(size);
  await expect(collectTags(FIRST, registry.get)).rejects.toMatchObject({
    code: 'registry-answer-invalid',
    why: expect.stringMatching(why),
  });
  expect(registry.asked()).toBeLessThanOrEqual(most);
});
