// Every tag of a repository, page by page, from the registry's own origin only.
import * as z from 'zod/mini';
import { isTagflowError, TagflowError } from '../../model/errors.ts';
import { isTag, type Tag } from '../../model/reference.ts';
import { headerOf } from './answer.ts';
import type { HttpResponse } from './http.ts';
import { nextPage } from './link.ts';
import { oneLine } from './redact.ts';

/** Tags asked for at once: ECR refuses more than 1000. */
const PAGE = 1000;
const MOST_PAGES = 1000;

const Page = z.object({ tags: z.optional(z.nullable(z.array(z.string()))) });

/** The path of a request for all tags, as far as one page holds them. */
export const ONE_PAGE = `tags/list?n=${PAGE}`;

/** All tags, when an answer to `ONE_PAGE` has all of them; undefined when there may be more, or it is no list. */
export function tagsOfOnePage(response: HttpResponse): ReadonlySet<Tag> | undefined {
  if (response.status !== 200 || headerOf(response, 'link') !== undefined) return undefined;
  try {
    const tags = readPage(response, response.url);
    return tags.length < PAGE ? new Set(tags) : undefined;
  } catch (error) {
    if (isTagflowError(error, 'registry-answer-invalid')) return undefined;
    throw error;
  }
}

/**
 * The tags of a repository, each once, in the registry's order; empty when `get` finds no repository (undefined).
 * Follows `Link` on the same origin; where a link is missing or leads elsewhere, goes on after the last tag it saw.
 * Throws `registry-answer-invalid` for pages that never end, that cannot be reached or that hold something else.
 */
export async function collectTags(
  first: URL,
  get: (page: URL) => Promise<HttpResponse | undefined>,
): Promise<readonly Tag[]> {
  const tags = new Set<Tag>();
  const visited = new Set<string>();
  let page: URL | undefined = withQuery(first, { n: String(PAGE) });
  while (page) {
    if (visited.has(page.href)) throw invalid(first, `its page ${oneLine(page.search)} leads back to itself`);
    if (visited.size >= MOST_PAGES) throw invalid(first, `it has more than ${MOST_PAGES} pages`);
    visited.add(page.href);
    const response = await get(page);
    if (!response) return [...tags];
    const before = tags.size;
    const listed = readPage(response, first);
    for (const tag of listed) tags.add(tag);
    page = followingPage(response, page, listed, tags.size > before);
  }
  return [...tags];
}

function followingPage(response: HttpResponse, page: URL, listed: readonly Tag[], grew: boolean): URL | undefined {
  const link = nextPage(headerOf(response, 'link'), page);
  if (link?.origin === page.origin) {
    link.hash = '';
    return link;
  }
  const last = listed.at(-1);
  // A registry that knows neither `n` nor `last` answers every request with the whole list: then nothing is new.
  if (last !== undefined && grew && (link || listed.length >= PAGE)) {
    return withQuery(page, { n: String(PAGE), last });
  }
  if (!link) return undefined;
  throw invalid(page, `its next page is at ${link.origin}, another place, and is not followed`);
}

function readPage(response: HttpResponse, url: URL): readonly Tag[] {
  let body: unknown;
  try {
    body = JSON.parse(response.body.toString('utf8'));
  } catch {
    throw invalid(url, 'it is not JSON');
  }
  const parsed = Page.safeParse(body);
  if (!parsed.success) throw invalid(url, 'it has no list of tags');
  return (parsed.data.tags ?? []).map((tag) => {
    if (isTag(tag)) return tag;
    throw invalid(url, `${JSON.stringify(oneLine(tag, 140))} is not a tag`);
  });
}

function withQuery(url: URL, query: Readonly<Record<string, string>>): URL {
  const next = new URL(url.pathname, url);
  for (const [name, value] of Object.entries(query)) next.searchParams.set(name, value);
  return next;
}

function invalid(url: URL, why: string): TagflowError {
  return new TagflowError('registry-answer-invalid', {
    what: `the list of tags at ${url.host}${url.pathname} cannot be used`,
    why,
    fix: 'check that the host is a container registry, and that nothing between rewrites its answers',
  });
}
