// Which view is shown: the part of the URL behind `#`, so that every view can be sent, with what somebody chose in it.
import { useEffect, useState } from 'preact/hooks';

/** A view, with what it is about. Texts that nobody gave are empty. */
export type ViewRoute =
  | { readonly view: 'matrix'; readonly filter: string; readonly isMarkedOnly: boolean }
  | { readonly view: 'line'; readonly line: string; readonly from: string; readonly until: string }
  | { readonly view: 'release'; readonly line: string; readonly number: number }
  | { readonly view: 'compare'; readonly a: string; readonly b: string }
  | { readonly view: 'audit'; readonly at: string; readonly find: string };

/** Views that are not about a line. An environment of such a name stands behind `#/line/`. */
const RESERVED = new Set(['compare', 'audit', 'line']);

/**
 * Reads what stands behind `#`: `#/prd` is a line, and `#/prd/7` its seventh release. `isLine` decides where an application is
 * called 7.
 */
export function readRoute(hash: string, isLine: (name: string) => boolean = () => false): ViewRoute {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const all = path.split('/').filter(Boolean).map(decoded);
  const asked = new URLSearchParams(query);
  const get = (key: string): string => asked.get(key) ?? '';
  const [first] = all;
  if (first === undefined) return { view: 'matrix', filter: get('filter'), isMarkedOnly: get('marked') !== '' };
  if (first === 'compare') return { view: 'compare', a: get('a'), b: get('b') };
  if (first === 'audit') return { view: 'audit', at: get('at'), find: get('find') };
  const words = first === 'line' && all.length > 1 ? all.slice(1) : all;
  const last = words.at(-1) ?? '';
  const line = words.join('/');
  const isRelease = words.length > 1 && /^[1-9]\d{0,8}$/.test(last) && !isLine(line);
  return isRelease
    ? { view: 'release', line: words.slice(0, -1).join('/'), number: Number(last) }
    : { view: 'line', line, from: get('from'), until: get('until') };
}

/** The link to a view. */
export function linkTo(route: ViewRoute): string {
  switch (route.view) {
    case 'matrix':
      return `#/${queryOf({ filter: route.filter, marked: route.isMarkedOnly ? '1' : '' })}`;
    case 'line':
      return `${pathOf(route.line)}${queryOf({ from: route.from, until: route.until })}`;
    case 'release':
      return `${pathOf(route.line)}/${route.number}`;
    case 'compare':
      return `#/compare${queryOf({ a: route.a, b: route.b })}`;
    case 'audit':
      return `#/audit${queryOf({ at: route.at, find: route.find })}`;
  }
}

/** The view that the URL names, and names from now on. */
export function useRoute(isLine: (name: string) => boolean): ViewRoute {
  const [hash, setHash] = useState(() => location.hash);
  useEffect(() => {
    const follow = (): void => setHash(location.hash);
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return readRoute(hash, isLine);
}

/** Puts what somebody chose in a view into the URL, without a step back to it. A browser may refuse when it is asked too often. */
export function rewriteUrl(link: string): void {
  try {
    history.replaceState(null, '', link);
  } catch {
    // The view shows it anyway.
  }
}

/** The matrix as it opens. */
export const START: ViewRoute = { view: 'matrix', filter: '', isMarkedOnly: false };

/** A line, whole. */
export function lineRoute(line: string): ViewRoute {
  return { view: 'line', line, from: '', until: '' };
}

function pathOf(line: string): string {
  const words = line.split('/');
  const before = RESERVED.has(words[0] ?? '') ? '#/line/' : '#/';
  return before + words.map(encodeURIComponent).join('/');
}

/** The part behind `?`; nothing where nothing was chosen. */
function queryOf(chosen: Readonly<Record<string, string>>): string {
  const known = Object.entries(chosen).filter(([, text]) => text !== '');
  return known.length === 0 ? '' : `?${new URLSearchParams(known).toString()}`;
}

function decoded(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}
