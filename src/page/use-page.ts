// The data of the page over time: older releases come after the first view, and a server is asked again.
import { useEffect, useState } from 'preact/hooks';
import { type PackedPage, unpackPage, withOlder } from '../views/report/packed-page.ts';
import type { PageData } from '../views/report/page-types.ts';
import { olderReleases, servedPage } from './data.ts';

/** How often a page that a server serves asks again, in milliseconds. */
const AGAIN = 15_000;

/** What the file beside the page has come to. */
export type OlderState = 'none' | 'reading' | 'missing';

/** What is shown. */
interface Shown {
  readonly data: PageData;
  /** What stands at the top, where something went wrong. */
  readonly problem: string;
  readonly older: OlderState;
}

/** The data, as new as it can be had. */
export function usePage(first: PackedPage, isLive: boolean): Shown {
  const [shown, setShown] = useState<Shown>(() => ({
    data: unpackPage(first),
    problem: '',
    older: first.mark === null ? 'none' : 'reading',
  }));
  const add = (next: Partial<Shown>): void => setShown((now) => ({ ...now, ...next }));

  async function look(): Promise<void> {
    if (document.hidden) return;
    try {
      add({ data: unpackPage(await servedPage()), problem: '' });
    } catch (error) {
      add({ problem: `not up to date: ${wordsOf(error)}` });
    }
  }

  async function readOlder(mark: string): Promise<void> {
    try {
      const found = await olderReleases(mark);
      setShown((now) => ({ ...now, data: withOlder(now.data, first, found), older: 'none' }));
    } catch (error) {
      add({ problem: `${first.older} older releases and details are missing: ${wordsOf(error)}`, older: 'missing' });
    }
  }

  useEffect(() => {
    return isLive ? askAgain(() => void look()) : undefined;
  }, []);
  useEffect(() => {
    if (first.mark !== null) void readOlder(first.mark);
  }, []);
  return shown;
}

/** Looks at the pace of `AGAIN`, and whenever the page comes into sight, until the function that is returned is called. */
function askAgain(look: () => void): () => void {
  const timer = setInterval(look, AGAIN);
  document.addEventListener('visibilitychange', look);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', look);
  };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
