// Which view is shown: the part of the URL behind `#`, so that every view can be sent.
import { useEffect, useState } from 'preact/hooks';

/** A view, with what it is about. */
export type ViewRoute =
  | { readonly view: 'matrix' }
  | { readonly view: 'line'; readonly line: string }
  | { readonly view: 'release'; readonly line: string; readonly number: number }
  | { readonly view: 'compare'; readonly a: string; readonly b: string }
  | { readonly view: 'audit'; readonly at: string; readonly find: string };

/** Reads what stands behind `#`. What it cannot read is the matrix. */
export function readRoute(hash: string): ViewRoute {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const words = path.split('/').filter(Boolean).map(decoded);
  const asked = new URLSearchParams(query);
  const [first] = words;
  if (first === 'compare') return { view: 'compare', a: asked.get('a') ?? '', b: asked.get('b') ?? '' };
  if (first === 'audit') return { view: 'audit', at: asked.get('at') ?? '', find: asked.get('find') ?? '' };
  if (first !== 'line') return { view: 'matrix' };
  const last = words.at(-1) ?? '';
  const isRelease = words.length > 2 && /^[1-9]\d*$/.test(last);
  const line = words.slice(1, isRelease ? -1 : undefined).join('/');
  return isRelease ? { view: 'release', line, number: Number(last) } : { view: 'line', line };
}

/** The link to a view. */
export function linkTo(route: ViewRoute): string {
  switch (route.view) {
    case 'matrix':
      return '#/';
    case 'line':
      return `#/line/${pathOf(route.line)}`;
    case 'release':
      return `#/line/${pathOf(route.line)}/${route.number}`;
    case 'compare':
      return `#/compare?${new URLSearchParams({ a: route.a, b: route.b }).toString()}`;
    case 'audit':
      return `#/audit?${new URLSearchParams({ at: route.at, find: route.find }).toString()}`;
  }
}

/** The view that the URL names, and names from now on. */
export function useRoute(): ViewRoute {
  const [route, setRoute] = useState(() => readRoute(location.hash));
  useEffect(() => {
    const follow = (): void => setRoute(readRoute(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return route;
}

function pathOf(line: string): string {
  return line.split('/').map(encodeURIComponent).join('/');
}

function decoded(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}
