// Every tag of a repository, page by page, from the registry's own origin only.
import { attemptNow } from '../../model/attempt.ts';
import { type BoundName, raiseBound, readBounds, spellBound } from '../../model/bounds.ts';
import { TagflowError } from '../../model/errors.ts';
import { isTag, type Tag } from '../../model/reference.ts';
import { headerOf } from './answer.ts';
import type { HttpResponse } from '../../http/http.ts';
import { nextPage } from '../../http/link.ts';
import { oneLine } from '../../http/redact.ts';

/** Tags asked for at once: ECR refuses more than 1000. */
const PAGE = 1000;
const USUAL = readBounds({});

/** The path of a request for all tags, as far as one page holds them. */
export const ONE_PAGE = `tags/list?n=${PAGE}`;

/** All tags, when an answer to `ONE_PAGE` has all of them; undefined when there may be more, or it is not a list. */
export function tagsOfOnePage(response: HttpResponse): ReadonlySet<Tag> | undefined {
  if (response.status !== 200 || headerOf(response, 'link') !== undefined) return undefined;
  const { value: tags } = attemptNow(() => readPage(response, response.url), 'registry-answer-invalid');
  return tags && tags.length < PAGE ? new Set(tags) : undefined;
}

/**
 * The tags of a repository, each once, in the registry's order; empty when `get` finds no repository (undefined).
 * Follows `Link` on the same origin; where a link is missing or leads elsewhere, continues after the last tag it saw.
 * Throws `registry-answer-invalid` for pages that never end, that cannot be reached or that hold something else.
 */
export async function collectTags(
  first: URL,
  get: (page: URL) => Promise<HttpResponse | undefined>,
  bounds = USUAL,
): Promise<readonly Tag[]> {
  const endless = (name: BoundName): TagflowError =>
    invalid(
      first,
      `it is longer than ${spellBound(bounds, name)}`,
      `check that the host is a container registry; ${raiseBound(name, 'the repository really has that many tags')}`,
    );
  const tags = createTagSet();
  const visited = new Set<string>();
  const ask = async (page: URL): Promise<HttpResponse | undefined> => {
    if (visited.has(page.href)) throw invalid(first, `its page ${oneLine(page.search)} links back to itself`);
    if (visited.size >= bounds.pages) throw endless('pages');
    visited.add(page.href);
    return get(page);
  };
  let page = withQuery(first, { n: String(PAGE) });
  let answer = ask(page);
  for (let bytes = 0; ;) {
    const response = await answer;
    if (!response) return tags.all();
    bytes += response.body.length;
    if (bytes > bounds.listing) throw endless('listing');
    const link = nextPage(headerOf(response, 'link'), page);
    const linked = link?.origin === page.origin ? withoutHash(link) : undefined;
    // While the next page is on its way, this one is read.
    if (linked) answer = ask(linked);
    answer.catch(() => undefined);
    const listed = readPage(response, first);
    const grew = tags.add(listed);
    const next = linked ?? unlinkedPage(link, page, listed, grew);
    if (!next) return tags.all();
    if (!linked) answer = ask(next);
    page = next;
  }
}

/** Tags in the order they came, each once. Those that come in lexical order, as they should, need no looking up. */
function createTagSet(): { add(tags: readonly Tag[]): boolean; all(): readonly Tag[] } {
  let inOrder: Tag[] | undefined = [];
  const others = new Set<Tag>();
  return {
    /** Whether any of them is new. */
    add(tags) {
      if (inOrder) {
        const isAscending = tags.every((tag, index) => tag > (tags[index - 1] ?? inOrder?.at(-1) ?? ''));
        if (isAscending) {
          for (const tag of tags) inOrder.push(tag);
          return tags.length > 0;
        }
        for (const tag of inOrder) others.add(tag);
        inOrder = undefined;
      }
      const before = others.size;
      for (const tag of tags) others.add(tag);
      return others.size > before;
    },
    all: () => inOrder ?? [...others],
  };
}

/** Where a list continues that does not say so, or says that it does elsewhere. */
function unlinkedPage(elsewhere: URL | undefined, page: URL, listed: readonly Tag[], grew: boolean): URL | undefined {
  const last = listed.at(-1);
  // A registry that knows neither `n` nor `last` answers every request with the whole list: then nothing is new.
  if (last !== undefined && grew && (elsewhere || listed.length >= PAGE)) {
    return withQuery(page, { n: String(PAGE), last });
  }
  if (!elsewhere) return undefined;
  throw invalid(page, `its next page is on another server, ${elsewhere.origin}, and is not followed`);
}

function withoutHash(url: URL): URL {
  url.hash = '';
  return url;
}

function readPage(response: HttpResponse, url: URL): readonly Tag[] {
  let body: unknown;
  try {
    body = JSON.parse(response.body.toString('utf8'));
  } catch {
    throw invalid(url, 'it is not JSON');
  }
  // No schema: repositories have tens of thousands of tags, and each is looked at once.
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
  const tags: unknown = isObject ? ((body as { readonly tags?: unknown }).tags ?? []) : undefined;
  if (!Array.isArray(tags)) throw invalid(url, 'it contains no list of tags');
  return tags.map((tag: unknown) => {
    if (typeof tag === 'string' && isTag(tag)) return tag;
    throw invalid(url, `${JSON.stringify(oneLine(String(tag), 140))} is not a tag`);
  });
}

function withQuery(url: URL, query: Readonly<Record<string, string>>): URL {
  const next = new URL(url.pathname, url);
  for (const [name, value] of Object.entries(query)) next.searchParams.set(name, value);
  return next;
}

const NOT_A_REGISTRY = 'check that the host is a container registry, and that no proxy rewrites its responses';

function invalid(url: URL, why: string, fix = NOT_A_REGISTRY): TagflowError {
  return new TagflowError('registry-answer-invalid', {
    what: `the list of tags at ${url.host}${url.pathname} cannot be used`,
    why,
    fix,
  });
}
